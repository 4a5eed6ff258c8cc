//! `ablatrix compare`: several studies beside each other.

use std::collections::HashSet;
use std::path::Path;

use serde_json::json;

use super::args::{CompareArgs, OutputFormat, SpecArgs};
use super::command_line::CommandLine;
use super::print;
use super::render::{Failure, plain};
use super::run::{self, NO_RUN, NO_RUN_HELP};
use super::study::{Study, cache_failure, shown};
use crate::cache::write_atomic;
use crate::layout;
use crate::plan::output;
use crate::report::compare::{Comparison, Member, findings, markdown, page};
use crate::stages::{self, Results};
use crate::tables::rows::EffectRow;
use crate::{clock, tables};

/// Writes a page over the studies.
///
/// # Errors
/// Rendered, with the exit code.
pub fn compare(args: &CompareArgs) -> Result<u8, Failure> {
    let mut seen = HashSet::new();
    for spec in &args.specs {
        if !seen.insert(std::fs::canonicalize(spec).unwrap_or_else(|_| spec.clone())) {
            let message = format!("`{}` is named twice", spec.display());
            return Err(Failure::text(2, &message, Some("name each study once")));
        }
    }
    let mut studies = Vec::new();
    for spec in &args.specs {
        studies.push(member(args, spec)?);
    }
    tell_apart(&mut studies);
    let comparison =
        Comparison { generated_at: clock::readable(clock::unix_ms()), studies, command: command(args) };
    let place = args.out.clone().unwrap_or_else(|| {
        let names: Vec<&str> = comparison.studies.iter().map(|study| study.name.as_str()).collect();
        layout::comparison_page(&args.reports, &names, &args.over.shown())
    });
    write(&comparison, &place)?;
    tell(&comparison, &place, args.format);
    Ok(0)
}

/// The command that makes the page again, as it can be pasted into a shell.
fn command(args: &CompareArgs) -> String {
    let mut line = CommandLine::new("compare", &args.specs);
    line.setting(&args.over, &args.cache, &args.reports);
    if let Some(out) = &args.out {
        line.option("--out", out.display().to_string());
    }
    line.quoted()
}

fn member(args: &CompareArgs, spec: &Path) -> Result<Member, Failure> {
    let of_spec = SpecArgs {
        spec: spec.to_owned(),
        over: args.over.clone(),
        cache: args.cache.clone(),
        reports: args.reports.clone(),
        format: args.format,
    };
    let study = Study::open(&of_spec)?;
    let name = spec.display();
    if run::runs_done(&study)? == 0 {
        return Err(Failure::text(1, &format!("{NO_RUN}: `{name}`"), Some(NO_RUN_HELP)));
    }
    let outcome = run::rebuild(&study, args.format)?;
    let report = outcome.entries.get(&study.plan.report());
    let Some(report) = report else {
        return Err(Failure::text(1, &format!("the results of `{name}` could not be compared"), None));
    };
    let effects = study.store.object(report.digest(output::EFFECTS)).map_err(|e| cache_failure(&e))?;
    let effects: Vec<EffectRow> = tables::read(&effects).map_err(|error| Failure::new(1, &error, None))?;
    let results = Results { plan: &study.plan, entries: &outcome.entries, store: &study.store };
    stages::overview(&results, &spec.display().to_string(), effects)
        .map_err(|error| Failure::new(1, &error, Some("`ablatrix cache verify` finds damaged results")))
}

/// Studies of one name are told apart by their specs.
fn tell_apart(studies: &mut [Member]) {
    let names: Vec<String> = studies.iter().map(|study| study.name.clone()).collect();
    for study in studies {
        if names.iter().filter(|name| **name == study.name).count() > 1 {
            study.name = format!("{} ({})", study.name, study.spec);
        }
    }
}

fn write(comparison: &Comparison, place: &Path) -> Result<(), Failure> {
    let text = page(comparison).map_err(|error| Failure::new(1, &error, None))?;
    // Not over the summary of a study whose folder this is.
    let beside = match place.file_name() {
        Some(name) if name == output::PAGE => place.with_file_name(output::MARKDOWN),
        _ => place.with_extension("md"),
    };
    for (path, bytes) in [(place.to_owned(), text), (beside, markdown(comparison))] {
        write_atomic(&path, bytes.as_bytes()).map_err(|error| {
            Failure::new(1, &error, Some("name a place that can be written with `--out FILE`"))
        })?;
    }
    Ok(())
}

fn tell(comparison: &Comparison, place: &Path, format: OutputFormat) {
    let findings = findings(comparison);
    if format == OutputFormat::Json {
        let value = json!({ "studies": comparison.studies, "findings": findings, "report": place });
        print::out(&value.to_string());
        return;
    }
    for finding in &findings {
        print::out(&plain(&format!("{}: {}", finding.kind.to_lowercase(), finding.text)));
    }
    print::out(&format!("comparison: {}", shown(place)));
}
