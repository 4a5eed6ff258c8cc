//! Sends a study to MLflow while it runs: the engine's news as facts. A run that was made before, and was never sent, is told from
//! its results.
//!
//! `account` makes facts of news and results, `target` is where they go and whose turn it is, `delivered` what is there. What could not
//! be sent is left to `ablatrix mlflow sync`.

mod account;
mod delivered;
mod target;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use account::{Account, end_ms, start_ms};
pub use delivered::Delivered;
pub use target::{Target, failure, help};

use super::args::SpecArgs;
use super::command_line::CommandLine;
use super::print;
use super::render::{Failure, plain};
use super::study::Study;
use crate::cache::{Entry, Lock, Locked};
use crate::clock::unix_ms as now_ms;
use crate::engine::{self, Event};
use crate::fingerprint::Digest;
use crate::plan::{Plan, Stage};
use crate::track::{Outcome, TrackEvent, Tracker};

/// The end of a study waits for the server as long as this share of the time that it took,
const PATIENCE_SHARE: f64 = 0.01;
/// but at least so long,
const PATIENCE_LEAST: Duration = Duration::from_secs(3);
/// and at the most so long.
const PATIENCE_MOST: Duration = Duration::from_secs(10);

/// Sends to MLflow, or does nothing where the spec names no server.
pub struct Tracking {
    account: Account,
    /// The index of the report's node.
    report: usize,
    tracker: Option<Tracker>,
    /// Keeps others from sending the same study.
    _turn: Option<Lock>,
    begun: Instant,
    /// What sends the rest.
    sync: String,
    /// Runs whose training is under way here, with the key of it.
    live: HashMap<String, Digest>,
    trained: HashMap<String, Entry>,
    delivered: Delivered,
    told: HashSet<String>,
}

impl Tracking {
    /// Asks the server of the spec, if there is one.
    ///
    /// # Errors
    /// What only the user can set right.
    pub fn start(study: &Study, args: &SpecArgs) -> Result<Self, Failure> {
        let mut tracking = Tracking {
            account: Account::new(&study.store, &study.plan),
            report: study.plan.report(),
            tracker: None,
            _turn: None,
            begun: Instant::now(),
            sync: sync_command(args),
            live: HashMap::new(),
            trained: HashMap::new(),
            delivered: Delivered::default(),
            told: HashSet::new(),
        };
        let name = &study.plan.experiment.name;
        let Some(target) = Target::of_spec(&study.plan.experiment) else {
            return Ok(tracking);
        };
        match target.turn(&study.store, name) {
            Ok(Locked::Mine(lock)) => tracking._turn = Some(lock),
            Ok(Locked::Held(holder)) => {
                let holder = holder.name;
                print::err(&plain(&format!(
                    "warning: {holder} sends this study to MLflow, so that this process does not; `{}` sends what that one \
                     leaves out",
                    tracking.sync
                )));
                return Ok(tracking);
            }
            // Of a cache that cannot be written, nobody else takes turns either.
            Err(error) => tracing::debug!(%error, "no turn for MLflow"),
        }
        let tracker = Tracker::start(target.config()).map_err(|error| failure(&error))?;
        tracing::info!(waited_s = tracking.begun.elapsed().as_secs_f64(), "asked the MLflow server");
        tracking.delivered = Delivered::load(&study.store, name, &target.uri);
        tracking.tracker = Some(tracker);
        tracking.tell_warnings();
        Ok(tracking)
    }

    /// Goes on with a plan of more runs.
    pub fn follow(&mut self, plan: &Arc<Plan>) {
        self.report = plan.report();
        self.account.follow(plan);
    }

    /// Takes in the engine's news.
    pub fn take(&mut self, event: &Event) {
        if self.tracker.is_none() {
            return;
        }
        match event {
            Event::Finished { stage: Stage::Scan, entry, .. } => self.account.see_images(entry),
            Event::Started { stage: Stage::Train, run, key, .. } => {
                self.tell_study();
                self.live.insert(run.clone(), key.clone());
                self.send(self.account.run_started(run, key, now_ms(), true));
            }
            Event::Epoch { run, row } => {
                if let Some(key) = self.live.get(run) {
                    self.send(TrackEvent::Epoch(self.account.epoch(run, key, row)));
                }
            }
            Event::Finished { stage: Stage::Train, run, entry, .. } => {
                self.trained.insert(run.clone(), (**entry).clone());
            }
            Event::Finished { stage: Stage::Evaluate, run, entry, .. } => self.run_finished(run, entry),
            Event::Failed { stage: Stage::Train | Stage::Predict, run, .. } => {
                if let Some(key) = self.live.remove(run) {
                    self.send(self.account.run_ended(run, &key, Outcome::Failed, now_ms()));
                }
            }
            _ => {}
        }
        self.tell_warnings();
    }

    /// Sends what is left, for a while, and says what the server has. `outcome`: `None` where the study could not go on.
    pub fn finish(mut self, outcome: Option<&engine::Outcome>) {
        if self.tracker.is_none() {
            return;
        }
        let ended = match outcome {
            Some(outcome) if outcome.interrupted => Outcome::Killed,
            Some(outcome) if outcome.failed.is_empty() => Outcome::Finished,
            _ => Outcome::Failed,
        };
        for (run, key) in std::mem::take(&mut self.live) {
            let ended = if ended == Outcome::Finished { Outcome::Killed } else { ended };
            self.send(self.account.run_ended(&run, &key, ended, now_ms()));
        }
        if !self.told.is_empty() {
            let report = outcome.and_then(|outcome| outcome.entries.get(&self.report));
            match self.account.study_finished(ended, report, now_ms()) {
                Ok(event) => self.send(event),
                Err(why) => print::err(&plain(&format!("warning: the report is not sent to MLflow: {why}"))),
            }
        }
        let Some(tracker) = self.tracker.take() else { return };
        let patience = self.begun.elapsed().mul_f64(PATIENCE_SHARE).clamp(PATIENCE_LEAST, PATIENCE_MOST);
        let begun = Instant::now();
        let sent = tracker.finish(patience);
        let (waited_s, runs, unsent) = (begun.elapsed().as_secs_f64(), sent.sent, sent.unsent);
        tracing::info!(waited_s, runs, unsent, "told the MLflow server the rest");
        for warning in &sent.warnings {
            print::err(&plain(&format!("warning: {warning}")));
        }
        if sent.unsent > 0 {
            let lacking = match sent.runs.iter().filter(|run| !run.whole).count() {
                1 => "1 run is".to_owned(),
                n => format!("{n} runs are"),
            };
            print::err(&format!(
                "warning: {lacking} not whole on the MLflow server; nothing is lost: `{}` sends what is missing",
                self.sync
            ));
        } else {
            self.delivered.keep(self.told.drain());
        }
        if let Some(page) = sent.page.filter(|_| sent.sent > 0) {
            print::err(&format!("MLflow: {page}"));
        }
    }

    fn tell_study(&mut self) {
        if self.told.insert(self.account.study_id().to_owned()) {
            self.send(self.account.study_started(now_ms(), true));
        }
    }

    /// A run is whole: its end, or all of it where its training was not watched here.
    fn run_finished(&mut self, run: &str, evaluated: &Entry) {
        let Some(trained) = self.trained.get(run).cloned() else { return };
        let watched = self.live.remove(run).is_some();
        let mark = self.account.mark(run, &trained, evaluated);
        if self.delivered.has(&mark) {
            return;
        }
        self.tell_study();
        let events = match watched {
            true => self.account.run_finished(run, &trained, evaluated).map(|event| vec![event]),
            false => self.account.whole_run(run, &trained, Some(evaluated)),
        };
        match events {
            Ok(events) => {
                events.into_iter().for_each(|event| self.send(event));
                self.told.insert(mark);
            }
            Err(why) => print::err(&plain(&format!("warning: `{run}` is not sent to MLflow: {why}"))),
        }
    }

    fn send(&self, event: TrackEvent) {
        if let Some(tracker) = &self.tracker {
            tracker.send(event);
        }
    }

    fn tell_warnings(&self) {
        let warnings = self.tracker.as_ref().map(Tracker::take_warnings).unwrap_or_default();
        for warning in warnings {
            print::err(&plain(&format!("warning: {warning}")));
        }
    }
}

/// The command that sends what is missing, as it can be pasted into a shell.
fn sync_command(args: &SpecArgs) -> String {
    let mut line = CommandLine::new("mlflow sync", [&args.spec]);
    line.setting(&args.over, &args.cache, &args.reports);
    line.quoted()
}
