//! `ablatrix mlflow sync`: brings to an MLflow server what it lacks of a study, from the results in the cache.

use indicatif::ProgressBar;
use serde_json::json;

use super::args::{MlflowVerb, OutputFormat, SyncArgs};
use super::display::{self, style};
use super::print::{self, count};
use super::render::{Failure, plain};
use super::run::{NO_RUN, NO_RUN_HELP};
use super::study::Study;
use super::tracking::{self, Account, Delivered, Target, end_ms, start_ms};
use crate::cache::{Entry, Locked};
use crate::plan::{Latest, Stage, State, last_report, resolve};
use crate::track::{Outcome, RunSent, TrackOutcome, replay};

/// Works with an MLflow server.
///
/// # Errors
/// Rendered, with the exit code.
pub fn mlflow(verb: &MlflowVerb) -> Result<u8, Failure> {
    match verb {
        MlflowVerb::Sync(args) => sync(args),
    }
}

/// A run that has been trained.
struct Trained<'s> {
    name: &'s str,
    trained: &'s Entry,
    evaluated: Option<&'s Entry>,
}

fn sync(args: &SyncArgs) -> Result<u8, Failure> {
    let study = Study::look(&args.spec)?;
    let experiment = &study.plan.experiment;
    let variable = |name: &str| std::env::var(name).ok();
    let target = Target::of_words(experiment, args.uri.as_deref(), variable).ok_or_else(|| {
        let help = "write `mlflow = \"http://127.0.0.1:5000\"` into `[tracking]`, or name a server by `--uri` or MLFLOW_TRACKING_URI";
        Failure::text(2, "neither the spec nor the command line names an MLflow server", Some(help))
    })?;
    let latest = Latest::load(&study.store, &experiment.name);
    let states = resolve(&study.plan, &study.store, &study.sources, &latest)
        .map_err(|error| study.source_failure(&error))?;
    let entry = |node: usize| match &states[node] {
        State::Fresh(entry) => Some(&**entry),
        State::Dirty(_) => None,
    };
    let of_run = |run: &'_ crate::plan::Run| Some((entry(run.train)?, entry(run.evaluate)));
    let runs: Vec<Trained<'_>> = (study.plan.runs.iter())
        .filter_map(|run| {
            let (trained, evaluated) = of_run(run)?;
            Some(Trained { name: &run.name, trained, evaluated })
        })
        .collect();
    let Some(begun) = runs.iter().map(|run| start_ms(run.trained)).min() else {
        return Err(Failure::text(1, NO_RUN, Some(NO_RUN_HELP)));
    };
    let turn = target.turn(&study.store, &experiment.name);
    if let Ok(Locked::Held(holder)) = &turn {
        let message = format!("{} sends this study to `{}` now", holder.name, target.experiment);
        let help = "it sends all that it can; the same command after that sends what is missing";
        return Err(Failure::text(1, &message, Some(help)));
    }

    let mut account = Account::new(&study.store, &study.plan);
    let scan = study.plan.nodes.iter().position(|node| node.stage == Stage::Scan);
    scan.and_then(entry).into_iter().for_each(|scanned| account.see_images(scanned));
    let report = match entry(study.plan.report()) {
        Some(report) => Some(report.clone()),
        None => last_report(&study.plan, &states, &study.store, &study.sources, &latest)
            .map_err(|error| study.source_failure(&error))?,
    };
    let is_whole = states.iter().all(|state| matches!(state, State::Fresh(_)));
    let outcome = if is_whole { Outcome::Finished } else { Outcome::Unknown };
    let ended = report.iter().chain(runs.iter().map(|run| run.trained)).map(end_ms).max().unwrap_or(begun);

    let mut unread: Vec<(String, String)> = Vec::new();
    let mut last = None;
    match account.study_finished(outcome, report.as_ref(), ended) {
        Ok(event) => last = Some(event),
        Err(why) => unread.push(("the report".to_owned(), why)),
    }
    let of_runs = runs.iter().flat_map(|run| {
        account.whole_run(run.name, run.trained, run.evaluated).unwrap_or_else(|why| {
            unread.push((run.name.to_owned(), why));
            Vec::new()
        })
    });
    let first = account.study_started(begun, false);
    let events = std::iter::once(first).chain(of_runs).chain(last);
    let bar = bar(args, runs.len());
    let sent = replay(target.config(), events, &mut |n| bar.set_position(n as u64));
    bar.finish_and_clear();
    let sent = sent.map_err(|error| tracking::failure(&error))?;

    let whole = |id: &str| sent.runs.iter().any(|run| run.trial_id == id && run.whole);
    let marks = runs.iter().filter_map(|run| {
        let is_there = whole(&account.trial_id(run.name, &run.trained.key));
        run.evaluated.filter(|_| is_there).map(|scored| account.mark(run.name, run.trained, scored))
    });
    Delivered::load(&study.store, &experiment.name, &target.uri).keep(marks);
    drop(turn);
    let without = study.plan.runs.len() - runs.len();
    Ok(tell(args, &Told { study: &account, sent: &sent, unread: &unread, without, target: &target }))
}

fn bar(args: &SyncArgs, runs: usize) -> ProgressBar {
    if args.spec.format == OutputFormat::Json || !display::is_rich() {
        return ProgressBar::hidden();
    }
    // Three facts of each run, and two of the study.
    ProgressBar::new(3 * runs as u64 + 2).with_style(style("sending {bar:30} {percent} %, about {eta} left"))
}

/// What is said at the end.
struct Told<'a> {
    study: &'a Account,
    sent: &'a TrackOutcome,
    /// Results that cannot be read, and why.
    unread: &'a [(String, String)],
    /// Runs that have no result yet.
    without: usize,
    target: &'a Target,
}

/// What became of a run.
fn state(run: &RunSent) -> &'static str {
    match (run.whole, run.sent.refused.is_empty(), run.sent.is_nothing()) {
        (false, ..) => "missing",
        (true, false, _) => "refused",
        (true, true, true) => "there",
        (true, true, false) => "sent",
    }
}

/// Says what was sent, what was there and what is missing; gives the exit code.
fn tell(args: &SyncArgs, told: &Told<'_>) -> u8 {
    let Told { study, sent, unread, without, target } = told;
    let n = |wanted: &str| sent.runs.iter().filter(|run| state(run) == wanted).count();
    let (n_sent, n_there, n_refused, n_missing) = (n("sent"), n("there"), n("refused"), n("missing"));
    let is_good = n_refused == 0 && n_missing == 0 && unread.is_empty();
    for warning in &sent.warnings {
        print::err(&plain(&format!("warning: {warning}")));
    }
    for (what, why) in *unread {
        print::err(&plain(&format!("warning: {what} cannot be read, and is not sent: {why}")));
    }
    if args.spec.format == OutputFormat::Json {
        let of_run = |run: &RunSent| {
            json!({
                "run": run.name,
                "is_study": run.trial_id == study.study_id(),
                "state": state(run),
                "created": run.sent.created,
                "points": run.sent.points,
                "params": run.sent.params,
                "files": run.sent.files,
                "refused": run.sent.refused,
            })
        };
        let value = json!({
            "experiment": target.experiment,
            "page": sent.page,
            "runs": sent.runs.iter().map(of_run).collect::<Vec<_>>(),
            "unreadable": unread.iter().map(|(what, _)| what).collect::<Vec<_>>(),
            "without_result": without,
        });
        print::out(&value.to_string());
        return u8::from(!is_good);
    }
    for run in sent.runs.iter().filter(|run| state(run) != "there") {
        let name = if run.trial_id == study.study_id() { "the study" } else { &run.name };
        print::out(&plain(&format!("{name}: {}", words(run))));
    }
    print::out(&format!(
        "{n_sent} sent, {n_there} there already, {n_refused} refused in part, {n_missing} not whole; the study counts as one"
    ));
    if *without > 0 {
        print::out(&format!("{} without a result yet: nothing to send of them", count(*without, "run")));
    }
    if let Some(page) = &sent.page {
        print::out(&format!("MLflow: {page}"));
    }
    if n_missing > 0 {
        print::err("what is missing is sent by the same command once the server takes it");
    }
    u8::from(!is_good)
}

/// `new; 10 points, 14 parameters, report.html`
fn words(run: &RunSent) -> String {
    let sent = &run.sent;
    let mut parts = Vec::new();
    for (n, noun) in [(sent.points, "point"), (sent.params, "parameter"), (sent.marks, "mark")] {
        if n > 0 {
            parts.push(count(n, noun));
        }
    }
    parts.extend(sent.files.iter().cloned());
    let parts = if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") };
    let mut text = match (run.whole, sent.created) {
        (false, _) => format!("not whole; sent: {parts}"),
        (true, true) => format!("new; {parts}"),
        (true, false) => format!("sent: {parts}"),
    };
    if !sent.refused.is_empty() {
        text.push_str(&format!("; refused: {}", sent.refused.join(", ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::track::Sent;

    #[test]
    fn a_run_is_told_by_what_it_lacked() {
        let run = |whole: bool, sent: Sent| RunSent { trial_id: "a-1".into(), name: "a".into(), whole, sent };
        let new = Sent { created: true, points: 10, params: 1, ..Sent::default() };
        let refused = Sent { refused: vec!["metric `x`".into()], ..Sent::default() };
        let file = Sent { files: vec!["report.html".into()], ..Sent::default() };
        for (whole, sent, expected) in [
            (true, new.clone(), ("sent", "new; 10 points, 1 parameter")),
            (false, new, ("missing", "not whole; sent: 10 points, 1 parameter")),
            (true, Sent::default(), ("there", "sent: nothing")),
            (true, refused, ("refused", "sent: nothing; refused: metric `x`")),
            (true, file, ("sent", "sent: report.html")),
        ] {
            let run = run(whole, sent);
            assert_eq!((state(&run), words(&run).as_str()), expected);
        }
    }
}
