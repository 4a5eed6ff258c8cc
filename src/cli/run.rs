//! `ablatrix run` and `ablatrix report`.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;

use super::args::{LogArgs, LogFormat, OutputFormat, RunArgs, SpecArgs};
use super::command_line::CommandLine;
use super::display::{Detail, Display};
use super::generated;
use super::links::Links;
use super::live::Live;
use super::render::{Failure, plain};
use super::study::{Study, shown};
use super::{hub, logging, print, recheck, report_files, rounds, sharing, tracking};
use crate::engine::{self, Interrupt, Journal, Outcome, Rechecked};
use crate::plan::{Latest, Plan, Stage, State, output, resolve};
use crate::remote::{Address, Patience, Remote, RemoteError};
use crate::spec::settings::SplitMethod;
use crate::stages::StageError;
use crate::tables::rows::EffectRow;
use crate::tables::{self};

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
    let rechecked = match args.recheck.filter(|_| may_go_on) {
        Some(share) => Some(recheck::recheck(&study, &config, &outcome, (&made, share), &interrupt, detail)?),
        None => None,
    };
    let call = Call { log, kept, interrupted_code: interrupt.exit_code(), rechecked };
    conclude(&study, &outcome, page, args, &call)
}

/// How a call of `run` logs.
struct Call<'a> {
    log: &'a LogArgs,
    /// Its log, where one could be made.
    kept: Option<PathBuf>,
    /// The exit code, should it have been interrupted.
    interrupted_code: u8,
    /// What became of stages that were done again, where that is asked for.
    rechecked: Option<Rechecked>,
}

impl Call<'_> {
    fn is_sound(&self) -> bool {
        self.rechecked
            .as_ref()
            .is_none_or(|rechecked| rechecked.stages.iter().all(|one| one.verdict.is_fine()))
    }
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

fn conclude(
    study: &Study,
    outcome: &Outcome,
    page: Option<PathBuf>,
    args: &RunArgs,
    call: &Call<'_>,
) -> Result<u8, Failure> {
    let effects = &effects(study, outcome);
    if let Some(failure) = outcome.spec_fault.as_ref().and_then(|error| study.spec_failure(error)) {
        return Err(failure);
    }
    let interrupted = outcome.interrupted || call.rechecked.as_ref().is_some_and(|one| one.interrupted);
    let code = match (interrupted, outcome.failed.is_empty() && call.is_sound()) {
        (true, _) => call.interrupted_code,
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
            "fetched": outcome.fetched,
            "failed": failed,
            "rechecked": call.rechecked.as_ref().map(|rechecked| recheck::json(study, rechecked)),
            "interrupted": interrupted,
            "effects": effects,
            "report": page,
            "log": call.kept,
        });
        print::out(&value.to_string());
        return Ok(code);
    }
    call.rechecked.iter().for_each(|rechecked| recheck::tell_faults(study, rechecked));
    if interrupted {
        let how = command(args, call.log);
        print::err(&format!("interrupted: nothing is lost, go on with `{how}`"));
        return Ok(code);
    }
    let (experiment, stages) = (&study.plan.experiment.name, outcome.entries.len());
    if outcome.fetched > 0 {
        let fetched = outcome.fetched;
        print::out(&format!(
            "{experiment}: {fetched} of {stages} stages fetched from the remote, {} computed",
            outcome.computed
        ));
    } else if outcome.computed == 0 && outcome.failed.is_empty() {
        print::out(&format!("{experiment}: all {stages} stages cached, nothing to do"));
    }
    for line in effect_lines(effects, study) {
        print::out(&plain(&line));
    }
    if !outcome.failed.is_empty() {
        let n = outcome.failed.len();
        let what = if n == 1 { "1 stage failed".to_owned() } else { format!("{n} stages failed") };
        let ended = if outcome.cut_short { ", which ended the study (`--fail-fast`)" } else { "" };
        print::err(&format!("{what}{ended}; what was done is kept, and `run` tries again"));
        if let Some(kept) = &call.kept {
            print::err(&format!("  help: see `{}` for all that happened", shown(kept)));
        }
    }
    if let Some(rechecked) = &call.rechecked {
        print::out(&recheck::summary(rechecked));
    }
    if let Some(page) = page {
        print::out(&format!("report: {}", shown(&page)));
    }
    Ok(code)
}

/// The command that goes on with what `args` asked for, as it can be pasted into a shell.
fn command(args: &RunArgs, log: &LogArgs) -> String {
    let mut line = CommandLine::new("run", [&args.spec.spec]);
    line.setting(&args.spec.over, &args.spec.cache, &args.spec.reports);
    if let Some(workers) = args.workers {
        line.option("--workers", workers.to_string());
    }
    if let Some(until) = args.until {
        line.option("--until", until.as_str().to_owned());
    }
    if let Some(remote) = &args.remote {
        line.option("--remote", remote.clone());
    }
    if let Some(share) = args.recheck {
        line.option("--recheck", share.to_string());
    }
    line.flag("--fail-fast", args.fail_fast);
    line.flag("--keep-going", args.keep_going);
    line.flag("--no-wait", args.no_wait);
    (0..log.verbose).for_each(|_| line.flag("--verbose", true));
    line.flag("--quiet", log.quiet);
    if log.log_format == LogFormat::Json {
        line.option("--log-format", "json".to_owned());
    }
    line.quoted()
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
                "{}: {}, {:+.1} points {} {interval} against {}, {}",
                row.variant,
                row.verdict,
                row.delta * 100.0,
                row.metric,
                row.baseline,
                print::count(row.n_seeds as usize, "seed")
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[test]
    fn the_command_that_goes_on_is_whole_and_quoted() {
        let command_of = |words: &[&str]| {
            let cli = crate::cli::args::Cli::parse_from(words);
            let crate::cli::args::Verb::Run(args) = cli.verb else { panic!("not a run") };
            command(&args, &cli.log)
        };
        let words = [
            "ablatrix",
            "run",
            "my specs/a.toml",
            "--set",
            "seeds=[1, 2]",
            "--cache",
            "/c d",
            "--reports",
            "r",
            "--workers",
            "2",
            "--until",
            "evaluate",
            "--remote",
            "s3://results/team",
            "--recheck",
            "0.05",
            "--quiet",
        ];
        let shown = command_of(&words);
        assert!(shown.contains("--set 'seeds=[1, 2]'"), "{shown}");
        assert_eq!(shlex::split(&shown).unwrap(), words);
        let short = ["ablatrix", "run", "a.toml", "--cache", "cache", "--reports", "reports"];
        assert_eq!(command_of(&short), "ablatrix run a.toml");
    }
}
