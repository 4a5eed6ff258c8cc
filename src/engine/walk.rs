//! The walk over the plan: what is ready is started, what ends frees what waits for it.
//!
//! One thread owns all state; data stages, workers and their readers only send it messages.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use super::event::Event;
use super::failure::{Decision, Failures};
use super::job_of::job_of;
use super::local::{FromSlot, JobNews, Pool, PoolConfig, SpawnError};
use super::signals::Interrupt;
use crate::cache::{CacheError, Entry, Lease, Lock, Locked, Store};
use crate::fingerprint::Fingerprint;
use crate::job::{FailureKind, WorkerEvent};
use crate::plan::{Latest, Plan, PlanRecord, SourceError, Sources, Stage, fingerprint};
use crate::stages::{self, Missing, StageError, StageWork};

/// How often a stage that another process computes is looked at again.
const POLL: Duration = Duration::from_millis(100);

/// How long workers have to keep a checkpoint after an interrupt.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often a study is walked anew because cached bytes were found damaged.
const MAX_REBUILDS: u32 = 20;

/// What a walk needs beside the plan.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// The cache.
    pub store: Store,
    /// The pool of workers.
    pub pool: PoolConfig,
    /// Data stages at once.
    pub data_threads: usize,
    /// Do this stage and what it needs, no more; `None`: go to the report.
    pub until: Option<Stage>,
    /// Give jobs to workers. Without, a study goes by the runs that have been trained.
    pub train: bool,
}

/// How a walk ended.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Results by node.
    pub entries: HashMap<usize, Entry>,
    /// Failed nodes and why.
    pub failed: Vec<(usize, String)>,
    /// A fault of a stage that is a fault of the spec: its keys, message and advice.
    pub spec_fault: Option<StageError>,
    /// The user stopped it.
    pub interrupted: bool,
    /// Nodes that were computed here.
    pub computed: usize,
}

/// What ends a walk before its time.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A file outside the cache cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The cache failed.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// No worker can be started.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    /// Workers die before they are up, or are of another version.
    #[error("no worker can do the training: {why}")]
    NoWorkers {
        /// In words.
        why: String,
    },
}

enum Message {
    Data { node: usize, result: Box<Result<Entry, StageError>>, started: Instant },
    Progress { node: usize, done: usize, total: usize },
    Slot(FromSlot),
}

#[derive(Clone, Debug, PartialEq)]
enum Status {
    Want,
    Queued,
    Running,
    Done,
    Failed,
    /// Something it reads failed.
    Skipped,
}

/// Brings every node of the plan to its result, or says why not.
///
/// # Errors
/// Where the walk cannot go on at all; the failure of one stage is part of the [`Outcome`].
pub fn run(
    plan: &Arc<Plan>,
    config: &EngineConfig,
    sources: &Sources,
    interrupt: &Interrupt,
    listener: &mut dyn FnMut(Event),
) -> Result<Outcome, EngineError> {
    let (sender, receiver) = channel();
    let pool = Pool::new(config.pool.clone(), sender.clone(), Message::Slot);
    let latest = Latest::load(&config.store, &plan.experiment.name);
    let mut walk = Walk {
        status: vec![Status::Want; plan.nodes.len()],
        wanted: plan.wanted(config.until),
        prints: HashMap::new(),
        locks: HashMap::new(),
        started: HashMap::new(),
        told_waiting: HashMap::new(),
        outcome: Outcome::default(),
        failures: Failures::default(),
        rebuilds: 0,
        running_data: 0,
        plan: plan.clone(),
        config,
        sources,
        pool,
        sender,
        latest,
        lease: None,
        news: false,
        listener,
    };
    let result = walk.go(&receiver, interrupt);
    let patience = if interrupt.is_set() { PATIENCE } else { Duration::from_secs(2) };
    walk.pool.stop(patience);
    let name = &plan.experiment.name;
    let saved = if walk.news { walk.latest.save(&config.store, name) } else { Ok(()) };
    let noted = match walk.is_whole() {
        true => {
            let keys = walk.outcome.entries.values().map(|entry| &entry.fingerprint.key);
            PlanRecord::note(&config.store, name, keys)
        }
        false => Ok(()),
    };
    // What ended the walk says more than that its news could not be kept either.
    result?;
    saved?;
    // A cache that cannot be written can serve a study whose results are all there.
    match noted {
        Err(error) if walk.outcome.computed > 0 => Err(error.into()),
        _ => Ok(walk.outcome),
    }
}

struct Walk<'a> {
    plan: Arc<Plan>,
    config: &'a EngineConfig,
    sources: &'a Sources,
    status: Vec<Status>,
    wanted: Vec<bool>,
    prints: HashMap<usize, Fingerprint>,
    locks: HashMap<usize, Lock>,
    started: HashMap<usize, Instant>,
    told_waiting: HashMap<usize, String>,
    outcome: Outcome,
    failures: Failures,
    rebuilds: u32,
    running_data: usize,
    pool: Pool<Message>,
    sender: Sender<Message>,
    latest: Latest,
    /// Begins with all that was found at the start.
    lease: Option<Lease>,
    news: bool,
    listener: &'a mut dyn FnMut(Event),
}

impl Walk<'_> {
    fn go(&mut self, receiver: &Receiver<Message>, interrupt: &Interrupt) -> Result<(), EngineError> {
        self.look_up_all()?;
        if !self.config.train {
            self.leave_out_jobs();
        }
        let mut lease = Lease::new(&self.config.store);
        lease.claim(self.outcome.entries.values().map(|entry| &entry.fingerprint.key));
        self.lease = Some(lease);
        self.tell_plan();
        loop {
            if interrupt.is_set() {
                (self.listener)(Event::Interrupting);
                self.outcome.interrupted = true;
                return Ok(());
            }
            // What was found in the cache, or is wanted again, may have made others ready.
            if self.start_ready()? {
                continue;
            }
            let running = self.status.contains(&Status::Running);
            let queued = self.status.contains(&Status::Queued);
            if !running && !queued {
                return Ok(());
            }
            // Short, so that a signal and a lock that came free are seen soon.
            match receiver.recv_timeout(POLL) {
                Ok(message) => self.take(message)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => panic!("bug: the walk holds a sender itself"),
            }
            while let Ok(message) = receiver.try_recv() {
                self.take(message)?;
            }
        }
    }

    /// Whether every stage of the study has its result: only such a plan is remembered, or a look at the data would
    /// make a collection forget the trainings.
    fn is_whole(&self) -> bool {
        self.status.iter().all(|status| *status == Status::Done)
    }

    fn wanted(&self, node: usize) -> bool {
        self.wanted[node]
    }

    /// All that the cache holds already, without locks or threads.
    fn look_up_all(&mut self) -> Result<(), EngineError> {
        for node in 0..self.plan.nodes.len() {
            if !self.wanted(node) {
                self.status[node] = Status::Skipped;
            } else if self.inputs_done(node) {
                let Some(print) = self.print_or_rebuild(node)? else { continue };
                if let Some(entry) = self.config.store.lookup(&print.key)? {
                    self.finish(node, entry, true);
                }
            }
        }
        Ok(())
    }

    /// Runs that are not trained yet count as left out.
    fn leave_out_jobs(&mut self) {
        for node in 0..self.plan.nodes.len() {
            let is_job = matches!(self.plan.nodes[node].stage, Stage::Train | Stage::Predict);
            if is_job && self.status[node] == Status::Want {
                self.status[node] = Status::Skipped;
            }
        }
    }

    fn tell_plan(&mut self) {
        let done = |node: usize| self.status[node] == Status::Done;
        let runs_to_do = self
            .plan
            .runs
            .iter()
            .filter(|run| self.wanted(run.train) && !(done(run.train) && done(run.predict)));
        let event = Event::Planned {
            stages: (0..self.plan.nodes.len()).filter(|&node| self.wanted(node)).count(),
            fresh: self.status.iter().filter(|status| **status == Status::Done).count(),
            runs: self.plan.runs.len(),
            runs_to_do: runs_to_do.count(),
        };
        (self.listener)(event);
    }

    fn inputs_done(&self, node: usize) -> bool {
        self.plan.nodes[node].inputs.iter().all(|from| self.status[from.node] == Status::Done)
    }

    /// The report is made of what there is, once nothing it reads is under way any more; all others need all inputs.
    fn is_ready(&self, node: usize) -> bool {
        let node = &self.plan.nodes[node];
        node.inputs.iter().all(|from| match self.status[from.node] {
            Status::Done => true,
            Status::Failed | Status::Skipped => {
                node.stage == Stage::Report && self.plan.nodes[from.node].stage >= Stage::Train
            }
            Status::Want | Status::Queued | Status::Running => false,
        })
    }

    fn is_lost(&self, node: usize) -> bool {
        // A report tells of failed runs, not of data that could not be read.
        let data_failed = |(node, _): &(usize, String)| self.plan.nodes[*node].stage < Stage::Train;
        if self.plan.nodes[node].stage == Stage::Report && self.outcome.failed.iter().any(data_failed) {
            return true;
        }
        self.plan.nodes[node].inputs.iter().any(|from| {
            let gone = matches!(self.status[from.node], Status::Failed | Status::Skipped);
            let bears = self.plan.nodes[node].stage == Stage::Report
                && self.plan.nodes[from.node].stage >= Stage::Train;
            gone && !bears
        })
    }

    /// Starts what can be started; says whether that alone brought a stage to its end, or back to its start.
    fn start_ready(&mut self) -> Result<bool, EngineError> {
        let before = self.status.clone();
        // Scores before trainings, so that a run is whole soon after its training.
        let mut order: Vec<usize> = (0..self.plan.nodes.len())
            .filter(|&node| matches!(self.status[node], Status::Want | Status::Queued))
            .collect();
        order.sort_by_key(|&node| match self.plan.nodes[node].stage {
            Stage::Train => 1,
            _ => 0,
        });
        for node in order {
            if self.is_lost(node) {
                self.status[node] = Status::Skipped;
            } else if self.is_ready(node) && self.has_room(node) {
                self.start(node)?;
            }
        }
        let under_way = |status: &Status| matches!(status, Status::Queued | Status::Running);
        Ok(self.status.iter().zip(&before).any(|(now, before)| now != before && !under_way(now)))
    }

    fn has_room(&self, node: usize) -> bool {
        match self.plan.nodes[node].stage {
            Stage::Train | Stage::Predict => self.pool.has_room(),
            _ => self.running_data < self.config.data_threads.max(1),
        }
    }

    fn start(&mut self, node: usize) -> Result<(), EngineError> {
        let Some(print) = self.print_or_rebuild(node)? else {
            return Ok(());
        };
        if let Some(entry) = self.config.store.lookup(&print.key)? {
            self.finish(node, entry, true);
            return Ok(());
        }
        match self.config.store.try_lock(&print.key)? {
            Locked::Held(holder) => {
                self.status[node] = Status::Queued;
                if self.told_waiting.get(&node) != Some(&holder) {
                    self.told_waiting.insert(node, holder.clone());
                    (self.listener)(Event::Waiting { node: self.plan.nodes[node].name.clone(), holder });
                }
                return Ok(());
            }
            Locked::Mine(lock) => {
                self.locks.insert(node, lock);
            }
        }
        // The other process may have published between the look and the lock.
        if let Some(entry) = self.config.store.lookup(&print.key)? {
            self.finish(node, entry, true);
            return Ok(());
        }
        self.status[node] = Status::Running;
        self.started.insert(node, Instant::now());
        let (name, stage, run) = self.names(node);
        (self.listener)(Event::Started { node: name, stage, run, key: print.key.clone() });
        match stage {
            Stage::Train | Stage::Predict => self.start_job(node, &print),
            _ => self.start_data(node, print),
        }
    }

    fn start_job(&mut self, node: usize, print: &Fingerprint) -> Result<(), EngineError> {
        let entries = &self.outcome.entries;
        let digest = |from: usize, output: &str| entries[&from].digest(output).clone();
        let threads = self.config.pool.threads;
        let job = job_of(&self.plan.nodes[node], print, digest, &self.config.store, threads)?;
        self.pool.give(node, &job)?;
        Ok(())
    }

    fn start_data(&mut self, node: usize, print: Fingerprint) -> Result<(), EngineError> {
        let work = StageWork {
            plan: self.plan.clone(),
            node,
            missing: self.missing(node),
            entries: self.input_entries(node),
            store: self.config.store.clone(),
            fingerprint: print,
        };
        let sender = self.sender.clone();
        let started = Instant::now();
        self.running_data += 1;
        std::thread::spawn(move || {
            let progress = |done, total| {
                let _ = sender.send(Message::Progress { node, done, total });
            };
            let compute = std::panic::AssertUnwindSafe(|| stages::compute(&work, &progress));
            let result = std::panic::catch_unwind(compute).unwrap_or_else(|panic| {
                let text = panic.downcast_ref::<String>().cloned();
                let text = text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
                Err(StageError::Panicked { message: text.unwrap_or_default() })
            });
            let _ = sender.send(Message::Data { node, result: Box::new(result), started });
        });
        Ok(())
    }

    fn input_entries(&self, node: usize) -> HashMap<usize, Entry> {
        let inputs = self.plan.nodes[node].inputs.iter();
        inputs.filter_map(|from| Some((from.node, self.outcome.entries.get(&from.node)?.clone()))).collect()
    }

    /// The runs that the report must name as failed.
    fn missing(&self, node: usize) -> Vec<Missing> {
        if self.plan.nodes[node].stage != Stage::Report {
            return Vec::new();
        }
        let failed: HashMap<usize, &String> =
            self.outcome.failed.iter().map(|(node, why)| (*node, why)).collect();
        let of_run = |run: &crate::plan::Run| {
            let why =
                [run.train, run.predict, run.evaluate].iter().find_map(|node| failed.get(node).copied())?;
            Some(Missing { run: run.name.clone(), why: why.clone() })
        };
        self.plan.runs.iter().filter_map(of_run).collect()
    }

    fn print(&mut self, node: usize) -> Result<Fingerprint, EngineError> {
        if let Some(print) = self.prints.get(&node) {
            return Ok(print.clone());
        }
        let entries = &self.outcome.entries;
        let print = if self.inputs_done(node) {
            fingerprint(&self.plan.nodes[node], |from| &entries[&from], self.sources)?
        } else {
            let mut partial = self.plan.nodes[node].clone();
            partial.inputs.retain(|from| entries.contains_key(&from.node));
            let missing = serde_json::to_value(self.missing(node)).unwrap_or_default();
            partial.extra.push(("missing", missing));
            fingerprint(&partial, |from| &entries[&from], self.sources)?
        };
        self.prints.insert(node, print.clone());
        Ok(print)
    }

    /// The key, or `None` where an input that it is made of was found damaged and is wanted again.
    fn print_or_rebuild(&mut self, node: usize) -> Result<Option<Fingerprint>, EngineError> {
        match self.print(node) {
            Err(EngineError::Source(SourceError::Cache(error @ CacheError::Damaged { .. }))) => {
                match self.rebuild_damaged_inputs(node)? {
                    true => Ok(None),
                    false => Err(error.into()),
                }
            }
            result => result.map(Some),
        }
    }

    fn take(&mut self, message: Message) -> Result<(), EngineError> {
        match message {
            Message::Progress { node, done, total } => {
                let node = self.plan.nodes[node].name.clone();
                (self.listener)(Event::Progress { node, done, total });
            }
            Message::Data { node, result, started } => {
                self.running_data -= 1;
                match *result {
                    Ok(entry) => {
                        self.started.insert(node, started);
                        self.finish(node, entry, false);
                    }
                    Err(error) => self.data_failed(node, error)?,
                }
            }
            Message::Slot(from) => {
                let log = self.pool_log(from.slot);
                match self.pool.take(from) {
                    JobNews::None => {}
                    JobNews::NoWorkers(why) => return Err(EngineError::NoWorkers { why }),
                    JobNews::Lost(node, why) => {
                        self.job_failed(node, FailureKind::Infrastructure, why, log)?
                    }
                    JobNews::Event(node, event) => self.job_event(node, event, log)?,
                }
            }
        }
        Ok(())
    }

    fn pool_log(&self, slot: usize) -> Option<PathBuf> {
        Some(self.config.pool.logs.join(format!("worker-{}.log", slot + 1)))
    }

    fn job_event(
        &mut self,
        node: usize,
        event: WorkerEvent,
        log: Option<PathBuf>,
    ) -> Result<(), EngineError> {
        let run = self.plan.nodes[node].run.clone();
        match event {
            WorkerEvent::Started { resumed_epochs, epochs, .. } => {
                if self.plan.nodes[node].stage == Stage::Train {
                    (self.listener)(Event::TrainingFrom { run, resumed_epochs, epochs });
                }
            }
            WorkerEvent::Epoch { row, .. } => (self.listener)(Event::Epoch { run, row }),
            WorkerEvent::Finished { .. } => {
                let key = self.print(node)?.key;
                match self.config.store.lookup(&key)? {
                    Some(entry) => self.finish(node, entry, false),
                    None => {
                        let why = "the worker said that it is done, but the cache holds no result".to_owned();
                        self.job_failed(node, FailureKind::Infrastructure, why, log)?;
                    }
                }
            }
            WorkerEvent::Failed { kind, message, .. } => self.job_failed(node, kind, message, log)?,
            WorkerEvent::Interrupted { .. } => {
                let why = "the worker was asked to stop".to_owned();
                self.job_failed(node, FailureKind::Infrastructure, why, log)?;
            }
            WorkerEvent::Refused { message } => {
                let why = format!("the worker refused its job: {message}");
                self.job_failed(node, FailureKind::Infrastructure, why, log)?;
            }
            WorkerEvent::Ready { .. } => {}
        }
        Ok(())
    }

    fn job_failed(
        &mut self,
        node: usize,
        kind: FailureKind,
        why: String,
        log: Option<PathBuf>,
    ) -> Result<(), EngineError> {
        self.locks.remove(&node);
        // Damaged inputs are found by the worker that reads them: look whether any has gone.
        if self.rebuild_damaged_inputs(node)? {
            return Ok(());
        }
        match self.failures.decide(node, kind, &why) {
            Decision::Retry => {
                self.status[node] = Status::Want;
                let (name, stage, run) = self.names(node);
                (self.listener)(Event::Retrying { node: name, stage, run, why });
            }
            Decision::GiveUp => self.fail(node, why, log),
        }
        Ok(())
    }

    fn data_failed(&mut self, node: usize, error: StageError) -> Result<(), EngineError> {
        self.locks.remove(&node);
        if error.is_damage() && self.rebuild_damaged_inputs(node)? {
            return Ok(());
        }
        self.fail(node, error.chain(), None);
        if error.spec_path().is_some() && self.outcome.spec_fault.is_none() {
            self.outcome.spec_fault = Some(error);
        }
        Ok(())
    }

    /// Where an input's result is no longer whole, it and all that was made of it in this walk are wanted again: made
    /// anew on another machine it may have other bytes. Says whether there was one.
    fn rebuild_damaged_inputs(&mut self, node: usize) -> Result<bool, EngineError> {
        let mut found = false;
        for from in self.plan.nodes[node].inputs.clone() {
            let Some(entry) = self.outcome.entries.get(&from.node) else {
                // Another stage met the damage first, and the input is being made again.
                found = true;
                continue;
            };
            if self.config.store.lookup(&entry.fingerprint.key.clone())?.is_none() {
                found = true;
                self.want_again(from.node);
                let what = format!("the result of `{}` was damaged", self.plan.nodes[from.node].name);
                (self.listener)(Event::Rebuilding { what });
            }
        }
        if found {
            self.rebuilds += 1;
            self.prints.remove(&node);
            self.status[node] = Status::Want;
        }
        Ok(found && self.rebuilds <= MAX_REBUILDS)
    }

    /// Forgets the result of a node, and of all that reads it. What runs at the moment is left to end; see `finish`.
    fn want_again(&mut self, node: usize) {
        let mut lost = vec![false; self.plan.nodes.len()];
        lost[node] = true;
        // Inputs stand before what reads them.
        for reader in node..lost.len() {
            lost[reader] |= self.plan.nodes[reader].inputs.iter().any(|from| lost[from.node]);
            if lost[reader] && matches!(self.status[reader], Status::Done | Status::Queued | Status::Want) {
                self.outcome.entries.remove(&reader);
                self.prints.remove(&reader);
                self.status[reader] = Status::Want;
            }
        }
    }

    fn finish(&mut self, node: usize, entry: Entry, cached: bool) {
        self.locks.remove(&node);
        let open = |status: &Status| matches!(status, Status::Want | Status::Queued | Status::Running);
        if self.plan.nodes[node].inputs.iter().any(|from| open(&self.status[from.node])) {
            // What it was made of is being made anew: its result is whole, but may belong to another key.
            self.prints.remove(&node);
            self.status[node] = Status::Want;
            return;
        }
        self.status[node] = Status::Done;
        if let Some(lease) = &mut self.lease {
            lease.claim([&entry.fingerprint.key]);
        }
        self.news |= self.latest.note(&self.plan.nodes[node].name, &entry.fingerprint.key);
        if !cached {
            self.outcome.computed += 1;
        }
        let elapsed_s = self.started.get(&node).map_or(0.0, |at| at.elapsed().as_secs_f64());
        let (name, stage, run) = self.names(node);
        let event =
            Event::Finished { node: name, stage, run, entry: Box::new(entry.clone()), cached, elapsed_s };
        self.outcome.entries.insert(node, entry);
        (self.listener)(event);
    }

    fn fail(&mut self, node: usize, message: String, log: Option<PathBuf>) {
        self.status[node] = Status::Failed;
        self.outcome.failed.push((node, message.clone()));
        let (name, stage, run) = self.names(node);
        (self.listener)(Event::Failed { node: name, stage, run, message, log });
    }

    fn names(&self, node: usize) -> (String, Stage, String) {
        let node = &self.plan.nodes[node];
        (node.name.clone(), node.stage, node.run.clone())
    }
}
