//! The walk over the plan: what is ready is started, what ends frees what waits for it.
//!
//! One thread owns all state; data stages, workers and their readers only send it messages.

mod again;
mod found;
mod news;
mod rebuild;
mod remote;
mod start;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use super::event::Event;
use super::expected::Expected;
use super::failure::Failures;
use super::signals::Interrupt;
use super::workers::{End, Engine, Wake, Workers, WorkersError};
use crate::cache::{CacheError, Entry, Lease, Lock, Store, Turn};
use crate::fingerprint::Fingerprint;
use crate::plan::{Latest, Plan, PlanRecord, SourceError, Sources, Stage};
use crate::remote::Remote;
use crate::stages::StageError;
pub(super) use again::Again;
use remote::{Asking, FromRemote};

/// How often a stage that another process computes is looked at again.
const POLL: Duration = Duration::from_millis(100);

/// How often a study is walked anew because cached bytes were found damaged.
const MAX_REBUILDS: u32 = 20;

/// What a walk needs beside the plan.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// The cache.
    pub store: Store,
    /// Who does the jobs. Without, a study goes by the runs that have been trained.
    pub workers: Option<Arc<dyn Engine>>,
    /// End at the first run that fails for good; else what does not hang on it goes on.
    pub fail_fast: bool,
    /// Data stages at once.
    pub data_threads: usize,
    /// End with [`CacheError::Busy`] where another process computes what this study needs, or collects, rather than wait for it.
    pub no_wait: bool,
    /// Do this stage and what it needs, no more; `None`: go to the report.
    pub until: Option<Stage>,
    /// Asked for what the cache lacks, before it is computed.
    pub remote: Option<Arc<Remote>>,
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
    /// It ended at the first failure, as [`EngineConfig::fail_fast`] wants it.
    pub cut_short: bool,
    /// Nodes that were computed here.
    pub computed: usize,
    /// Nodes whose results came from the remote.
    pub fetched: usize,
    /// Keeps collections off the results, as long as the caller has them.
    pub lease: Option<Lease>,
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
    /// No job can be done.
    #[error(transparent)]
    Workers(#[from] WorkersError),
}

enum Message {
    Data {
        node: usize,
        result: Box<Result<Entry, StageError>>,
        started: Instant,
    },
    Progress {
        node: usize,
        done: usize,
        total: usize,
    },
    /// Workers may have news.
    Wake,
    Remote(FromRemote),
}

#[derive(Clone, Debug, PartialEq)]
enum Status {
    Want,
    /// It waits for another process that computes it, or for its next try.
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
    walk(Ground { plan, config, sources }, None, interrupt, listener)
}

/// What a walk goes over.
#[derive(Clone, Copy)]
pub(super) struct Ground<'a> {
    pub plan: &'a Arc<Plan>,
    pub config: &'a EngineConfig,
    pub sources: &'a Sources,
}

/// Walks over all that is wanted, or over what is to be done `again`.
pub(super) fn walk(
    ground: Ground<'_>,
    again: Option<Again<'_>>,
    interrupt: &Interrupt,
    listener: &mut dyn FnMut(Event),
) -> Result<Outcome, EngineError> {
    let Ground { plan, config, sources } = ground;
    let (sender, receiver) = channel();
    let wake = {
        let sender = sender.clone();
        Wake::new(move || drop(sender.send(Message::Wake)))
    };
    let latest = Latest::load(&config.store, &plan.experiment.name);
    let mut walk = Walk {
        status: vec![Status::Want; plan.nodes.len()],
        wanted: plan.wanted(config.until),
        prints: HashMap::new(),
        locks: HashMap::new(),
        started: HashMap::new(),
        told_waiting: HashMap::new(),
        outcome: Outcome::default(),
        asking: Asking::begin(config, &sender),
        failures: Failures::default(),
        expected: Expected::default(),
        prefetched: None,
        is_full: false,
        again,
        rebuilds: 0,
        running_data: 0,
        plan: plan.clone(),
        config,
        sources,
        workers: config.workers.as_ref().map(|engine| engine.begin(wake)),
        sender,
        latest,
        lease: None,
        news: false,
        listener,
    };
    let result = walk.go(&receiver, interrupt);
    if let Some(workers) = &mut walk.workers {
        workers.end(match (&result, interrupt.is_set()) {
            // What is done again is wanted by nobody later.
            (_, true) => {
                if walk.again.is_some() {
                    End::Failed
                } else {
                    End::Interrupted
                }
            }
            (Ok(()), false) if !walk.outcome.cut_short => End::Done,
            (Ok(()), false) => End::Failed,
            (Err(EngineError::Workers(WorkersError::NoWorkers { .. } | WorkersError::Cancelled)), _) => {
                End::Failed
            }
            // What is under way may well end in good order.
            (Err(_), false) => End::Interrupted,
        });
    }
    if matches!(result, Err(EngineError::Cache(_))) || walk.outcome.cut_short {
        walk.let_data_end(&receiver, interrupt);
    }
    let name = &plan.experiment.name;
    let saved = if walk.news { walk.latest.save(&config.store, name) } else { Ok(()) };
    let noted = match walk.is_whole() {
        true => {
            let keys = walk.outcome.entries.values().map(|entry| &entry.key);
            PlanRecord::note(&config.store, name, keys)
        }
        false => Ok(()),
    };
    walk.outcome.lease = walk.lease.take();
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
    asking: Option<Asking>,
    failures: Failures,
    expected: Expected,
    /// The job whose files were asked for last.
    prefetched: Option<usize>,
    /// What is done though there is a result.
    again: Option<Again<'a>>,
    rebuilds: u32,
    running_data: usize,
    workers: Option<Box<dyn Workers>>,
    /// In this look at what is ready, workers had no room for any job.
    is_full: bool,
    sender: Sender<Message>,
    latest: Latest,
    /// Begins with all that was found at the start.
    lease: Option<Lease>,
    news: bool,
    listener: &'a mut dyn FnMut(Event),
}

impl Walk<'_> {
    fn go(&mut self, receiver: &Receiver<Message>, interrupt: &Interrupt) -> Result<(), EngineError> {
        // No collection between what is found and the claim on it.
        let store = &self.config.store;
        let turn = if self.config.no_wait { Turn::shared_now(store)? } else { Turn::shared(store) };
        match self.again {
            Some(again) => self.begin_again(again),
            None => self.look_up_all()?,
        }
        if self.workers.is_none() {
            self.leave_out_jobs();
        }
        let takes_up = self.config.workers.as_ref().is_some_and(|engine| engine.takes_up());
        let mut lease = Lease::new(&self.config.store, &self.plan.experiment.name, takes_up);
        lease.claim(self.outcome.entries.values().map(|entry| &entry.key));
        self.lease = Some(lease);
        drop(turn);
        if self.config.no_wait {
            self.refuse_to_wait()?;
        }
        self.tell_plan();
        loop {
            if interrupt.is_set() {
                let jobs = self.workers.as_ref().map_or("", |workers| workers.told_on_interrupt());
                (self.listener)(Event::Interrupting { jobs });
                self.outcome.interrupted = true;
                return Ok(());
            }
            if self.config.fail_fast && !self.outcome.failed.is_empty() {
                self.outcome.cut_short = true;
                return Ok(());
            }
            // What was found in the cache, or is wanted again, may have made others ready.
            if self.start_ready()? {
                continue;
            }
            let running = self.status.contains(&Status::Running);
            let queued = self.status.contains(&Status::Queued);
            if !running && !queued {
                if self.rebuild_damaged_report()? {
                    continue;
                }
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
            self.take_from_workers()?;
        }
    }

    /// Waits for the data stages that are under way: cut off, they would leave half-written files on a full disk.
    fn let_data_end(&mut self, receiver: &Receiver<Message>, interrupt: &Interrupt) {
        while self.running_data > 0 && !interrupt.is_set() {
            if let Ok(Message::Data { .. }) = receiver.recv_timeout(POLL) {
                self.running_data -= 1;
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

    fn inputs_done(&self, node: usize) -> bool {
        self.plan.nodes[node].inputs.iter().all(|from| self.has(from.node))
    }

    /// Whether a node has a result that others can read. One that is done again has it all along.
    fn has(&self, node: usize) -> bool {
        self.outcome.entries.contains_key(&node)
    }

    /// The report is made of what there is, once nothing it reads is under way any more; all others need all inputs.
    fn is_ready(&self, node: usize) -> bool {
        let node = &self.plan.nodes[node];
        node.inputs.iter().all(|from| match self.status[from.node] {
            _ if self.has(from.node) => true,
            Status::Done => true,
            Status::Failed | Status::Skipped => {
                node.stage == Stage::Report && self.plan.nodes[from.node].stage >= Stage::Train
            }
            Status::Want | Status::Queued | Status::Running => false,
        })
    }

    fn is_lost(&self, node: usize) -> bool {
        if self.again.is_some() {
            return false;
        }
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
}
