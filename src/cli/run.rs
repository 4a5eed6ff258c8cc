//! `ablatrix run` and `ablatrix report`.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;

use super::args::{LogArgs, OutputFormat, RunArgs, SpecArgs};
use super::display::{Detail, Display};
use super::generated;
use super::links::Links;
use super::live::Live;
use super::render::{Failure, plain};
use super::run_end::{Call, conclude, effects};
use super::study::{Study, shown};
use super::{hub, logging, print, recheck, report_files, rounds, sharing, tracking};
use crate::engine::{self, Interrupt, Journal, Outcome};
use crate::plan::{Latest, Plan, Stage, State, resolve};
use crate::remote::{Address, Patience, Remote, RemoteError};
use crate::spec::settings::SplitMethod;
use crate::stages::StageError;

/// Runs what is not cached, and writes the report.
///
/// # Errors
/// Rendered, with the exit code.
pub fn run(args: &RunArgs, log: &LogArgs) -> Result<u8, Failure> {
    let interrupt = Interrupt::listen()
        .map_err(|error| Failure::new(1, &error, Some("signals cannot be caught on this system")))?;
    let address = args.remote.as_deref().filter(|url| !url.is_empty()).map(sharing::address).transpose()?;
    let mut study = Study::open_to_train(&args.spec)?;
    let kept = logging::keep(&study.logs());
    let detail = Detail::of(log, args.spec.format);
    check_trainable(&study, args.until)?;
    let trains = args.until.is_none_or(|until| until >= Stage::Train);
    if trains {
        // What can be seen to be wrong is not found after a long transfer.
        study.check_weights(false)?;
        hub::ensure(&study, detail > Detail::Quiet, Some(&interrupt))?;
    }
    study.check_weights(trains)?;
    study.tell_notices(args.spec.format);
    let mut display = Display::new(detail);
    generated::ensure(&study, detail, &interrupt)?;
    if trains {
        study.check_cluster()?;
    }
    open_files();
    let mut config = study.engine(args.workers, args.until)?;
    config.fail_fast = args.fail_fast;
    config.no_wait = args.no_wait;
    config.remote = address.as_ref().and_then(|address| connect(address, &study));
    let mut tracking = tracking::Tracking::start(&study, &args.spec)?;
    let mut journal = Journal::begin(&study.logs());
    let live = args.until.is_none().then(|| Live::start(&study, &args.spec.reports));
    let mut links = Links::of(&study);
    let (mut computed, mut fetched) = (0, 0);
    let mut made = HashSet::new();
    let result = loop {
        let mut listener = |event: engine::Event| {
            if let engine::Event::Finished { entry, cached: false, .. } = &event {
                made.insert(entry.key.clone());
            }
            journal.note(&event);
            logging::note(&event);
            display.show(&event);
            links.take(&event).iter().for_each(|notice| display.note(&notice.message));
            tracking.take(&event);
            live.iter().for_each(|live| live.take(&event));
        };
        let mut outcome = match engine::run(&study.plan, &config, &study.sources, &interrupt, &mut listener) {
            Ok(outcome) => outcome,
            Err(error) => break Err(error),
        };
        computed += outcome.computed;
        fetched += outcome.fetched;
        (outcome.computed, outcome.fetched) = (computed, fetched);
        live.iter().for_each(Live::settle);
        let Some(next) = another_round(&study, &outcome, args, detail)? else { break Ok(outcome) };
        tracking.follow(&next);
        live.iter().for_each(|live| live.follow(&next));
        study.plan = next;
    };
    // Else the page would go on saying that more is to come.
    let has_report = |outcome: &Outcome| outcome.entries.contains_key(&study.plan.report());
    let is_due = !result.as_ref().is_ok_and(|outcome| has_report(outcome) && !outcome.interrupted);
    live.into_iter().for_each(|live| live.end(is_due));
    let spec_fault = result.as_ref().ok().and_then(|outcome| outcome.spec_fault.as_ref());
    display.finish(spec_fault.map(StageError::chain).as_deref());
    let outcome = match result {
        Ok(outcome) => outcome,
        Err(error) => {
            tracking.finish(None);
            return Err(study.engine_failure(&error));
        }
    };
    let page = match args.until {
        None => write_report(&study, &outcome, &args.spec.reports),
        Some(_) => Ok(None),
    };
    tracking.finish(Some(&outcome));
    let page = page?;
    let may_go_on = !outcome.interrupted && !outcome.cut_short;
    let share = args.recheck.filter(|_| may_go_on);
    let rechecked =
        share.map(|share| recheck::recheck(&study, &config, &outcome, (&made, share), &interrupt, detail));
    let (rechecked, trouble) = match rechecked.transpose() {
        Ok(rechecked) => (rechecked, None),
        Err(trouble) => (None, Some(trouble)),
    };
    let call = Call { log, kept, interrupted_code: interrupt.exit_code(), rechecked };
    // The study has its end all the same.
    let code = conclude(&study, &outcome, page, args, &call)?;
    trouble.map_or(Ok(code), Err)
}

/// The plan of the next round, where seeds are added until the study is decided: of a round that is whole, since what is decided hangs on
/// all variants. The page tells what this round found while the next one runs.
fn another_round(
    study: &Study,
    outcome: &Outcome,
    args: &RunArgs,
    detail: Detail,
) -> Result<Option<Arc<Plan>>, Failure> {
    if outcome.interrupted || !outcome.failed.is_empty() || args.until.is_some() {
        return Ok(None);
    }
    let quiet = detail == Detail::Quiet;
    let next = rounds::next(&study.loaded, &study.plan, &outcome.entries, &study.store, quiet)
        .map_err(|error| Failure::new(1, &error, Some("`ablatrix cache verify` finds damaged results")))?;
    if next.is_some() {
        write_report(study, outcome, &args.spec.reports)?;
    }
    Ok(next)
}

/// Each job that is under way holds the lock of its key, which is an open file.
fn open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // Where it is refused, fewer are under way at once.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

/// The remote, or a word on why the study goes on without it: what it needs can be computed.
fn connect(address: &Address, study: &Study) -> Option<Arc<Remote>> {
    let cache = study.store.layout().root();
    let remote = match address.is_folder(cache) {
        true => Err(RemoteError::Itself { path: cache.to_owned() }),
        false => Remote::for_reading(address, Patience::of_study()),
    };
    match remote {
        Ok(remote) => Some(Arc::new(remote)),
        Err(error) => {
            print::err(&plain(&format!("warning: {error}; the study goes on without the remote")));
            None
        }
    }
}

/// A study without pictures, or without images to compare on, can be looked at, not trained.
fn check_trainable(study: &Study, until: Option<Stage>) -> Result<(), Failure> {
    let goes_to = |stage: Stage| until.is_none_or(|until| until >= stage);
    let refuse = |path: &[&str], message: &str, help: &str| {
        let error = study.loaded.error_at(path, message, Some(help.to_owned()));
        Err(Failure::spec(&error, study.colour))
    };
    let experiment = &study.plan.experiment;
    if !experiment.dataset.check_images && goes_to(Stage::Pixels) {
        let message = "`check_images = false` reads tables only, so that there are no pictures to train on";
        let help = "write `check_images = true`; `check`, `plan` and `table` work without the pictures";
        return refuse(&["dataset", "check_images"], message, help);
    }
    if matches!(until, Some(Stage::Regions | Stage::Explain)) && experiment.explain.method.is_none() {
        let message = "`--until` names a stage that this study does not have: no maps are asked for";
        let help = "write `method = \"grad_cam\"` in `[explain]`";
        return refuse(&["explain", "method"], message, help);
    }
    if experiment.split.method == SplitMethod::None && goes_to(Stage::Train) {
        let message = "`method = \"none\"` leaves no images to choose epochs and to compare on";
        let help = "write another `method`; `check`, `plan` and `table` work without a split";
        return refuse(&["split", "method"], message, help);
    }
    Ok(())
}

/// Rebuilds the report from cached results: of the runs that there are.
///
/// # Errors
/// Rendered, with the exit code.
pub fn report(args: &SpecArgs) -> Result<u8, Failure> {
    let study = Study::open(args)?;
    let (done, all) = (runs_done(&study)?, study.plan.runs.len());
    if done == 0 {
        return Err(Failure::text(1, NO_RUN, Some(NO_RUN_HELP)));
    }
    if done < all {
        let missing = all - done;
        print::err(&format!("warning: {missing} of {all} runs have no result yet; the page names them"));
    }
    let outcome = rebuild(&study, args.format)?;
    match write_report(&study, &outcome, &args.reports)? {
        Some(page) => {
            print::out(&match args.format {
                OutputFormat::Text => shown(&page),
                OutputFormat::Json => json!({
                    "experiment": study.plan.experiment.name,
                    "effects": effects(&study, &outcome),
                    "report": page,
                })
                .to_string(),
            });
            Ok(0)
        }
        None => Err(Failure::text(1, "the report could not be built", None)),
    }
}

/// A study that there is nothing to say of.
pub(super) const NO_RUN: &str = "no run of the study has a result yet";
/// What to do about it.
pub(super) const NO_RUN_HELP: &str = "`ablatrix plan` says what is to do, `ablatrix run` does it";

/// How many runs of the study have predictions in the cache.
///
/// # Errors
/// Rendered, with the exit code.
pub(super) fn runs_done(study: &Study) -> Result<usize, Failure> {
    let latest = Latest::load(&study.store, &study.plan.experiment.name);
    let states = resolve(&study.plan, &study.store, &study.sources, &latest)
        .map_err(|error| study.source_failure(&error))?;
    let is_done = |run: &&crate::plan::Run| matches!(states[run.predict], State::Fresh(_));
    Ok(study.plan.runs.iter().filter(is_done).count())
}

/// Scores and compares the runs that there are; trains nothing.
///
/// # Errors
/// Rendered, with the exit code.
pub(super) fn rebuild(study: &Study, format: OutputFormat) -> Result<Outcome, Failure> {
    let config = study.engine_without_workers(None);
    let mut display = Display::new(match format {
        OutputFormat::Text => Detail::Normal,
        OutputFormat::Json => Detail::Quiet,
    });
    let mut listener = |event: engine::Event| display.show(&event);
    let result = engine::run(&study.plan, &config, &study.sources, &Interrupt::never(), &mut listener);
    display.finish(None);
    result.map_err(|error| study.engine_failure(&error))
}

/// Copies the report out of the cache.
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
    report_files::write(study, entry, reports).map(Some)
}
