//! `ablatrix run` and `ablatrix report`.

use std::path::PathBuf;

use serde_json::json;

use super::args::{OutputFormat, RunArgs, SpecArgs};
use super::display::{Detail, Display};
use super::generated;
use super::render::Failure;
use super::study::{Study, shown};
use super::{print, tracking};
use crate::cache::write_atomic;
use crate::engine::{self, Interrupt, Journal, Outcome};
use crate::layout;
use crate::plan::{Latest, State, output, resolve};
use crate::tables::rows::EffectRow;
use crate::tables::{self};

/// Runs what is not cached, and writes the report.
///
/// # Errors
/// Rendered, with the exit code.
pub fn run(args: &RunArgs) -> Result<u8, Failure> {
    let interrupt = Interrupt::listen()
        .map_err(|error| Failure::new(1, &error, Some("signals cannot be caught on this system")))?;
    let study = Study::open(&args.spec)?;
    let detail = match (args.quiet, args.verbose) {
        (true, _) => Detail::Quiet,
        (_, true) => Detail::Verbose,
        _ => Detail::Normal,
    };
    let mut display = Display::new(detail);
    generated::ensure(&study, detail, &interrupt)?;
    let config = study.engine(args.workers, args.until)?;
    let mut tracking = tracking::Tracking::start(&study)?;
    let mut journal = Journal::begin(&study.logs());
    let mut listener = |event: engine::Event| {
        journal.note(&event);
        display.show(&event);
        tracking.take(&event);
    };
    let result = engine::run(&study.plan, &config, &study.sources, &interrupt, &mut listener);
    display.finish();
    let outcome = match result {
        Ok(outcome) => outcome,
        Err(error) => {
            tracking.finish(None, None, &[]);
            return Err(study.engine_failure(&error));
        }
    };
    let page = match args.until {
        None => write_report(&study, &outcome, &args.spec.reports),
        Some(_) => Ok(None),
    };
    let effects = effects(&study, &outcome);
    tracking.finish(Some(&outcome), page.as_ref().ok().and_then(Option::as_deref), &effects);
    conclude(&study, &outcome, page?, &effects, args)
}

/// Rebuilds the report from cached results: of the runs that there are.
///
/// # Errors
/// Rendered, with the exit code.
pub fn report(args: &SpecArgs) -> Result<u8, Failure> {
    let study = Study::open(args)?;
    let latest = Latest::load(&study.store, &study.plan.experiment.name);
    let states = resolve(&study.plan, &study.store, &study.sources, &latest)
        .map_err(|error| study.source_failure(&error))?;
    let runs = &study.plan.runs;
    let done = runs.iter().filter(|run| matches!(states[run.predict], State::Fresh(_))).count();
    if done == 0 {
        let message = "no run of the study has a result yet";
        return Err(Failure::text(
            1,
            message,
            Some("`ablatrix plan` says what is to do, `ablatrix run` does it"),
        ));
    }
    if done < runs.len() {
        print::err(&format!(
            "warning: {} of {} runs have no result yet; the page names them",
            runs.len() - done,
            runs.len()
        ));
    }
    let config = study.engine_without_workers(None);
    let mut display = Display::new(Detail::Normal);
    let mut listener = |event: engine::Event| display.show(&event);
    let outcome = engine::run(&study.plan, &config, &study.sources, &Interrupt::never(), &mut listener)
        .map_err(|error| study.engine_failure(&error))?;
    match write_report(&study, &outcome, &args.reports)? {
        Some(page) => {
            print::out(&shown(&page));
            Ok(0)
        }
        None => Err(Failure::text(1, "the report could not be built", None)),
    }
}

/// Copies the page out of the cache; one that is there already with the same bytes is left alone.
fn write_report(
    study: &Study,
    outcome: &Outcome,
    reports: &std::path::Path,
) -> Result<Option<PathBuf>, Failure> {
    let Some(entry) = outcome.entries.get(&study.plan.report()) else {
        return Ok(None);
    };
    // A page about no run must not take the place of one that says something.
    if !study.plan.runs.iter().any(|run| outcome.entries.contains_key(&run.evaluate)) {
        return Ok(None);
    }
    let page = layout::report_page(reports, &study.plan.experiment.name);
    let folder = page.parent().map(std::path::Path::to_owned).unwrap_or_default();
    for (name, place) in [
        (output::PAGE, page.clone()),
        (output::MARKDOWN, folder.join(output::MARKDOWN)),
        (output::EFFECTS, folder.join(output::EFFECTS)),
    ] {
        let object =
            study.store.object(entry.digest(name)).map_err(|error| super::study::cache_failure(&error))?;
        let bytes = std::fs::read(&object).map_err(|error| Failure::new(1, &error, None))?;
        if std::fs::read(&place).is_ok_and(|there| there == bytes) {
            continue;
        }
        write_atomic(&place, &bytes).map_err(|error| {
            Failure::new(1, &error, Some("name a folder that can be written with `--reports DIR`"))
        })?;
    }
    Ok(Some(page))
}

fn conclude(
    study: &Study,
    outcome: &Outcome,
    page: Option<PathBuf>,
    effects: &[EffectRow],
    args: &RunArgs,
) -> Result<u8, Failure> {
    if let Some(failure) = outcome.spec_fault.as_ref().and_then(|error| study.spec_failure(error)) {
        return Err(failure);
    }
    let code = match (outcome.interrupted, outcome.failed.is_empty()) {
        (true, _) => 130,
        (false, false) => 1,
        (false, true) => 0,
    };
    if args.spec.format == OutputFormat::Json {
        let failed: Vec<_> = outcome
            .failed
            .iter()
            .map(|(node, why)| json!({"stage": study.plan.nodes[*node].name, "message": why}))
            .collect();
        let value = json!({
            "experiment": study.plan.experiment.name,
            "stages": study.plan.nodes.len(),
            "computed": outcome.computed,
            "failed": failed,
            "interrupted": outcome.interrupted,
            "effects": effects,
            "report": page,
        });
        print::out(&value.to_string());
        return Ok(code);
    }
    if outcome.interrupted {
        let how = command(args);
        print::err(&format!("interrupted: nothing is lost, go on with `{how}`"));
        return Ok(code);
    }
    if outcome.computed == 0 && outcome.failed.is_empty() {
        print::out(&format!(
            "{}: all {} stages cached, nothing to do",
            study.plan.experiment.name,
            outcome.entries.len()
        ));
    }
    for line in effect_lines(effects, study) {
        print::out(&line);
    }
    if !outcome.failed.is_empty() {
        let n = outcome.failed.len();
        let what = if n == 1 { "1 stage failed".to_owned() } else { format!("{n} stages failed") };
        print::err(&format!("{what}; what was done is kept, and `run` tries again"));
    }
    if let Some(page) = page {
        print::out(&format!("report: {}", shown(&page)));
    }
    Ok(code)
}

fn command(args: &RunArgs) -> String {
    let mut how = format!("ablatrix run {}", args.spec.spec.display());
    for set in &args.spec.sets {
        how.push_str(&format!(" --set {set}"));
    }
    if args.spec.cache != std::path::Path::new("cache") {
        how.push_str(&format!(" --cache {}", args.spec.cache.display()));
    }
    how
}

/// The effects over all labels, in the report's headline metric.
fn effects(study: &Study, outcome: &Outcome) -> Vec<EffectRow> {
    let entry = outcome.entries.get(&study.plan.report());
    let path = entry.and_then(|entry| study.store.object(entry.digest(output::EFFECTS)).ok());
    let rows: Option<Vec<EffectRow>> = path.and_then(|path| tables::read(&path).ok());
    rows.unwrap_or_default().into_iter().filter(|row| row.label.is_none()).collect()
}

fn effect_lines(effects: &[EffectRow], study: &Study) -> Vec<String> {
    let metric = study.plan.experiment.report.metric.as_str();
    let shown = effects.iter().filter(|row| row.metric == metric);
    shown
        .map(|row| {
            let interval = match (row.low.is_finite(), row.n_seeds) {
                (true, _) => format!("[{:+.1}, {:+.1}]", row.low * 100.0, row.high * 100.0),
                (false, 1) => "(one seed gives no interval)".to_owned(),
                (false, _) => "(no interval)".to_owned(),
            };
            format!(
                "{}: {}, {:+.1} points {} {interval} against {}, {} seeds",
                row.variant,
                row.verdict,
                row.delta * 100.0,
                row.metric,
                row.baseline,
                row.n_seeds
            )
        })
        .collect()
}
