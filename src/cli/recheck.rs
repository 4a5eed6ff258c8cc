//! `run --recheck`: stages that the cache holds are done again; what is said of those that differ.

use std::collections::HashSet;
use std::path::Path;

use serde_json::{Value, json};

use super::display::{Detail, Display};
use super::logging;
use super::print;
use super::render::{Failure, plain};
use super::study::{Study, shown};
use crate::engine::{EngineConfig, Event, Interrupt, Outcome, Recheck, Rechecked, Stood, Verdict};
use crate::fingerprint::Digest;
use crate::layout::CacheLayout;
use crate::plan::Plan;
use crate::stages::{Difference, Share};

/// Does a share of the results of `outcome` again, but for those that were `made` just now.
///
/// # Errors
/// Rendered, with the exit code.
pub fn recheck(
    study: &Study,
    config: &EngineConfig,
    outcome: &Outcome,
    (made, share): (&HashSet<Digest>, Share),
    interrupt: &Interrupt,
    detail: Detail,
) -> Result<Rechecked, Failure> {
    let mut display = Display::new(detail);
    let mut listener = |event: Event| {
        logging::note(&event);
        display.show(&event);
    };
    let (plan, sources, results) = (&study.plan, &study.sources, &outcome.entries);
    let result = Recheck { plan, config, sources, results, made, share }.run(interrupt, &mut listener);
    display.finish(None);
    result.map_err(|error| study.engine_failure(&error))
}

/// Says to people of each stage that is not the same what is to be known of it.
pub fn tell_faults(study: &Study, rechecked: &Rechecked) {
    for stood in &rechecked.stages {
        for line in lines(&study.plan, study.store.layout(), stood) {
            print::err(&plain(&line));
        }
    }
}

/// The line at the end.
pub fn summary(rechecked: &Rechecked) -> String {
    let (n, of) = (rechecked.stages.len(), print::count(rechecked.of, "stage"));
    if rechecked.of == 0 {
        return "rechecked nothing: no stage was in the cache before".to_owned();
    }
    let number = |is: fn(&Verdict) -> bool| rechecked.stages.iter().filter(|one| is(&one.verdict)).count();
    let parts = [
        (number(|one| matches!(one, Verdict::Differs { excuse: None, .. })), "not the same"),
        (number(|one| matches!(one, Verdict::Failed(_))), "could not be done again"),
        (
            number(|one| matches!(one, Verdict::Differs { excuse: Some(_), .. })),
            "not the same, as is to be expected",
        ),
    ];
    let same = number(|one| matches!(one, Verdict::Same));
    let others: Vec<String> =
        parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    match (others.is_empty(), same) {
        (true, _) => format!("rechecked {n} of {of}: all the same"),
        (false, 0) => format!("rechecked {n} of {of}: {}", others.join(", ")),
        (false, same) => format!("rechecked {n} of {of}: {same} the same, {}", others.join(", ")),
    }
}

/// Likewise for programs.
pub fn json(study: &Study, rechecked: &Rechecked) -> Value {
    let of_stage = |stood: &Stood| {
        let node = &study.plan.nodes[stood.node];
        let (verdict, outputs, folder, why) = match &stood.verdict {
            Verdict::Same => ("same", None, None, None),
            Verdict::Differs { outputs, folder, excuse: None } => {
                ("differs", Some(outputs), Some(folder), None)
            }
            Verdict::Differs { outputs, folder, excuse: Some(why) } => {
                ("expected", Some(outputs), Some(folder), Some(why))
            }
            Verdict::Failed(why) => ("failed", None, None, Some(why)),
        };
        json!({
            "stage": node.name,
            "run": node.run,
            "key": stood.key,
            "verdict": verdict,
            "outputs": outputs,
            "folder": folder,
            "why": why,
        })
    };
    let stages: Vec<Value> = rechecked.stages.iter().map(of_stage).collect();
    json!({ "of": rechecked.of, "stages": stages, "interrupted": rechecked.interrupted })
}

/// What a difference means that nothing excuses.
const MEANS: &str = "the cached file and its record were changed, or it is a bug of Ablatrix";

/// What is to be known of a stage that is not the same, line by line.
fn lines(plan: &Plan, layout: &CacheLayout, stood: &Stood) -> Vec<String> {
    let node = &plan.nodes[stood.node];
    let name = &node.name;
    match &stood.verdict {
        Verdict::Same => Vec::new(),
        Verdict::Failed(why) => vec![format!("error: stage `{name}` could not be done again: {why}")],
        Verdict::Differs { outputs, folder, excuse } => {
            let level = if excuse.is_some() { "note" } else { "error" };
            let mut lines: Vec<String> = Vec::new();
            for one in outputs {
                let Difference { output, cached, again } = one;
                let times = if one.has_asides() { " (but for times and names)" } else { "" };
                lines.push(format!("{level}: stage `{name}`, done again, gave another `{output}`{times}"));
                let place = |digest: &Digest, path: &Path| format!("{digest}\n          `{}`", shown(path));
                let cached = cached.as_ref().map(|digest| place(digest, &layout.object(digest)));
                let again = again.as_ref().map(|digest| place(digest, &folder.join(output)));
                lines.push(format!("  cached: {}", cached.unwrap_or_else(|| "no such file".to_owned())));
                lines.push(format!("  again:  {}", again.unwrap_or_else(|| "no such file".to_owned())));
            }
            lines.push(match excuse {
                Some(why) => format!("  that is to be expected: {why}"),
                None if node.stage.is_job() => {
                    format!("  processor and threads are those of the record: {MEANS}")
                }
                None => format!("  such a stage gives the same on every machine: {MEANS}"),
            });
            if excuse.is_none() {
                let record = layout.entry(&stood.key);
                lines.push(
                    "  help: look at both files; nothing in the cache was changed. Where it is wrong, remove"
                        .to_owned(),
                );
                lines.push(format!("        `{}`: `ablatrix run` then makes the stage anew", shown(&record)));
            }
            lines
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::output;

    fn rechecked(of: usize, verdicts: Vec<Verdict>) -> Rechecked {
        let stood = |(node, verdict)| Stood { node, key: Digest::of(b"key"), verdict };
        Rechecked { of, stages: verdicts.into_iter().enumerate().map(stood).collect(), interrupted: false }
    }

    fn differs(excuse: Option<&str>) -> Verdict {
        let digest = |text: &str| Some(Digest::of(text.as_bytes()));
        let one = Difference { output: output::HISTORY.to_owned(), cached: digest("a"), again: digest("b") };
        let folder = "cache/work/differences/train-0".into();
        Verdict::Differs { outputs: vec![one], folder, excuse: excuse.map(str::to_owned) }
    }

    #[test]
    fn the_last_line_counts_what_came_of_it() {
        for (of, verdicts, expected) in [
            (0, vec![], "rechecked nothing: no stage was in the cache before"),
            (41, vec![Verdict::Same, Verdict::Same], "rechecked 2 of 41 stages: all the same"),
            (1, vec![differs(None)], "rechecked 1 of 1 stage: 1 not the same"),
            (
                9,
                vec![Verdict::Same, differs(Some("x")), Verdict::Failed("y".into()), differs(None)],
                "rechecked 4 of 9 stages: 1 the same, 1 not the same, 1 could not be done again, 1 not the same, as is to be expected",
            ),
        ] {
            assert_eq!(summary(&rechecked(of, verdicts)), expected);
        }
    }

    #[test]
    fn a_difference_names_stage_files_and_digests_and_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.toml");
        let spec =
            "name = \"d\"\n[dataset]\nformat = \"folders\"\nimages = \"d\"\n[labels]\nfrom = \"folder\"\n";
        std::fs::write(&path, spec).unwrap();
        let loaded = crate::spec::load(&path, &crate::spec::Overrides::default()).unwrap();
        let plan = Plan::new(&loaded).unwrap();
        let layout = CacheLayout::new(Path::new("cache"));
        let of = |node: usize, verdict| {
            lines(&plan, &layout, &Stood { node, key: Digest::of(b"key"), verdict }).join("\n")
        };
        let train = plan.runs[0].train;
        let (a, b, key) = (Digest::of(b"a"), Digest::of(b"b"), Digest::of(b"key"));
        let said = of(train, differs(None));
        let name = &plan.nodes[train].name;
        for part in [
            format!(
                "error: stage `{name}`, done again, gave another `history.parquet` (but for times and names)"
            ),
            format!("  cached: {a}\n          `{}`", layout.object(&a).display()),
            format!("  again:  {b}\n          `cache/work/differences/train-0/history.parquet`"),
            "processor and threads are those of the record".to_owned(),
            layout.entry(&key).display().to_string(),
        ] {
            assert!(said.contains(&part), "no `{part}`: {said}");
        }
        assert!(of(0, differs(None)).contains("gives the same on every machine"));
        let excused = of(train, differs(Some("the processor is another one")));
        assert!(excused.starts_with("note: ") && !excused.contains("help:"), "{excused}");
        assert!(excused.ends_with("  that is to be expected: the processor is another one"), "{excused}");
        assert_eq!(of(0, Verdict::Same), "");
        assert_eq!(
            of(0, Verdict::Failed("no disk".into())),
            "error: stage `ingest` could not be done again: no disk"
        );
    }
}
