//! A pool of long-lived workers, one per slot: libtorch loads once per worker, not once per run.

use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use super::gpus::Gpus;
use super::process::{FromWorker, Launch, SpawnError, WorkerProcess};
use crate::job::{Job, PROTOCOL, WorkerEvent};

/// How the pool is laid out.
#[derive(Clone, Debug)]
pub struct PoolConfig {
    /// The worker's program.
    pub program: PathBuf,
    /// How many workers at once.
    pub slots: usize,
    /// Threads of each.
    pub threads: u32,
    /// The GPUs that they compute on.
    pub gpus: Gpus,
    /// The folder for their logs.
    pub logs: PathBuf,
}

/// A message from a slot.
#[derive(Debug)]
pub struct FromSlot {
    /// Which.
    pub slot: usize,
    /// Which process in that slot: a message of one that is gone counts for nothing.
    pub life: u64,
    /// What it says.
    pub message: FromWorker,
}

/// What the end of a message means for a job.
#[derive(Debug, PartialEq)]
pub enum JobNews {
    /// News of the job of this node.
    Event(usize, WorkerEvent),
    /// Its worker ended with the job unfinished; why, in words.
    Lost(usize, String),
    /// No worker can be started; why, in words.
    NoWorkers(String),
    /// Nothing to do.
    None,
}

struct Slot {
    worker: Option<WorkerProcess>,
    life: u64,
    /// The node whose job it does.
    busy: Option<usize>,
    ready: bool,
}

/// The pool.
pub struct Pool<M: Send + 'static> {
    config: PoolConfig,
    slots: Vec<Slot>,
    messages: Sender<M>,
    wrap: fn(FromSlot) -> M,
    /// Workers that ended before they were ready, in a row.
    stillborn: u32,
}

impl<M: Send + 'static> Pool<M> {
    /// A pool whose workers are started when the first jobs come.
    pub fn new(config: PoolConfig, messages: Sender<M>, wrap: fn(FromSlot) -> M) -> Self {
        let slots =
            (0..config.slots.max(1)).map(|_| Slot { worker: None, life: 0, busy: None, ready: false });
        Pool { slots: slots.collect(), config, messages, wrap, stillborn: 0 }
    }

    /// Whether a slot has no job.
    pub fn has_room(&self) -> bool {
        self.slots.iter().any(|slot| slot.busy.is_none())
    }

    /// Gives a job to a free slot.
    ///
    /// # Errors
    /// Where no worker can be started, or none could do the job for want of a GPU.
    pub fn give(&mut self, node: usize, job: &Job) -> Result<(), SpawnError> {
        if let Gpus::Refused(why) = &self.config.gpus {
            return Err(SpawnError::NoGpu { why: why.clone() });
        }
        // A worker that is up, before one that must be started.
        let up = self.slots.iter().position(|slot| slot.busy.is_none() && slot.worker.is_some());
        let Some(i) = up.or_else(|| self.slots.iter().position(|slot| slot.busy.is_none())) else {
            panic!("bug: a job for a pool without room");
        };
        if self.slots[i].worker.is_none() {
            self.start(i)?;
        }
        let slot = &mut self.slots[i];
        slot.busy = Some(node);
        if let Some(worker) = &mut slot.worker {
            // A worker that has just died is told of by the end of its stdout.
            worker.send(job);
        }
        Ok(())
    }

    fn start(&mut self, i: usize) -> Result<(), SpawnError> {
        let slot = &mut self.slots[i];
        slot.life += 1;
        slot.ready = false;
        let (life, wrap) = (slot.life, self.wrap);
        let log = self.config.logs.join(format!("worker-{}.log", i + 1));
        let wrap = move |message| wrap(FromSlot { slot: i, life, message });
        let PoolConfig { program, threads, gpus, .. } = &self.config;
        let launch = Launch { program, threads: *threads, gpu: gpus.of_slot(i) };
        let worker = WorkerProcess::spawn(launch, log, self.messages.clone(), wrap)?;
        slot.worker = Some(worker);
        Ok(())
    }

    /// Takes in a message, and says what it means.
    pub fn take(&mut self, from: FromSlot) -> JobNews {
        let slot = &mut self.slots[from.slot];
        if slot.life != from.life {
            return JobNews::None;
        }
        match from.message {
            FromWorker::Event(WorkerEvent::Ready { protocol, version, .. }) => {
                if protocol != PROTOCOL {
                    return JobNews::NoWorkers(format!(
                        "the worker `{}` is of version {version} and speaks protocol {protocol}, expected {PROTOCOL}; build both together",
                        self.config.program.display()
                    ));
                }
                slot.ready = true;
                self.stillborn = 0;
                JobNews::None
            }
            FromWorker::Event(event) => match slot.busy {
                Some(node) => {
                    let leaves =
                        matches!(event, WorkerEvent::Interrupted { .. } | WorkerEvent::Refused { .. });
                    if leaves || matches!(event, WorkerEvent::Finished { .. } | WorkerEvent::Failed { .. }) {
                        slot.busy = None;
                    }
                    // It is about to end: the next job is not for it.
                    if let Some(mut worker) = slot.worker.take_if(|_| leaves) {
                        std::thread::spawn(move || worker.end());
                    }
                    JobNews::Event(node, event)
                }
                None => JobNews::None,
            },
            FromWorker::Garbage(text) => {
                tracing::warn!("worker {} wrote no event: {text}", from.slot + 1);
                JobNews::None
            }
            FromWorker::Closed => self.bury(from.slot),
        }
    }

    fn bury(&mut self, i: usize) -> JobNews {
        let slot = &mut self.slots[i];
        let Some(mut worker) = slot.worker.take() else {
            return JobNews::None;
        };
        let was_ready = slot.ready;
        let how = worker.end();
        let words = worker.last_words();
        let said = if words.is_empty() { String::new() } else { format!("; its log ends: {words}") };
        let busy = slot.busy.take();
        if !was_ready {
            self.stillborn += 1;
            if self.stillborn >= 2 {
                let program = self.config.program.display();
                return JobNews::NoWorkers(format!("the worker `{program}` does not start: {how}{said}"));
            }
        }
        match busy {
            Some(node) => JobNews::Lost(node, format!("worker {how}{said}")),
            None => JobNews::None,
        }
    }

    /// Stops all workers: asks, waits up to `patience`, then ends them.
    pub fn stop(&mut self, patience: Duration) {
        let mut workers: Vec<_> = self.slots.iter_mut().filter_map(|slot| slot.worker.take()).collect();
        for worker in &mut workers {
            worker.terminate();
        }
        let until = Instant::now() + patience;
        while Instant::now() < until && !workers.iter_mut().all(WorkerProcess::has_ended) {
            std::thread::sleep(Duration::from_millis(20));
        }
        for worker in &mut workers {
            if !worker.has_ended() {
                worker.kill();
            }
            worker.end();
        }
    }
}
