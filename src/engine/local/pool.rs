//! A pool of long-lived workers, one per slot: libtorch loads once per worker, not once per run.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use super::gpus::Gpus;
use super::process::{FromWorker, Launch, WorkerProcess};
use crate::engine::workers::{End, Ended, Engine, News, Order, Wake, Workers, WorkersError};
use crate::job::{FailureKind, PROTOCOL, WorkerEvent};

/// How long workers have to keep a checkpoint after an interrupt.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long workers have to go where no job is under way.
const IDLE_PATIENCE: Duration = Duration::from_secs(2);

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

impl Engine for PoolConfig {
    fn begin(&self, wake: Wake) -> Box<dyn Workers> {
        Box::new(Pool::new(self.clone(), wake))
    }

    fn threads(&self) -> u32 {
        self.threads
    }
}

/// A message from a slot.
#[derive(Debug)]
struct FromSlot {
    /// Which.
    slot: usize,
    /// Which process in that slot: a message of one that is gone counts for nothing.
    life: u64,
    /// What it says.
    message: FromWorker,
}

struct Slot {
    worker: Option<WorkerProcess>,
    life: u64,
    /// The node whose job it does.
    busy: Option<usize>,
    ready: bool,
}

/// The pool.
pub struct Pool {
    config: PoolConfig,
    slots: Vec<Slot>,
    sender: Sender<FromSlot>,
    receiver: Receiver<FromSlot>,
    wake: Wake,
    /// Workers that ended before they were ready, in a row.
    stillborn: u32,
}

impl Pool {
    /// A pool whose workers are started when the first jobs come.
    pub fn new(config: PoolConfig, wake: Wake) -> Self {
        let slots =
            (0..config.slots.max(1)).map(|_| Slot { worker: None, life: 0, busy: None, ready: false });
        let (sender, receiver) = channel();
        Pool { slots: slots.collect(), config, sender, receiver, wake, stillborn: 0 }
    }

    fn start(&mut self, i: usize) -> Result<(), WorkersError> {
        let log = self.log(i);
        let slot = &mut self.slots[i];
        slot.life += 1;
        slot.ready = false;
        let (life, sender, wake) = (slot.life, self.sender.clone(), self.wake.clone());
        let PoolConfig { program, threads, gpus, .. } = &self.config;
        let launch = Launch { program, threads: *threads, gpu: gpus.of_slot(i) };
        let worker = WorkerProcess::spawn(launch, log, move |message| {
            let heard = sender.send(FromSlot { slot: i, life, message }).is_ok();
            wake.call();
            heard
        })?;
        slot.worker = Some(worker);
        Ok(())
    }

    fn log(&self, slot: usize) -> PathBuf {
        self.config.logs.join(format!("worker-{}.log", slot + 1))
    }

    fn ended(&self, slot: usize, node: usize, how: Ended) -> News {
        News::Ended { node, how, place: Some(format!("worker {}", slot + 1)), log: Some(self.log(slot)) }
    }

    /// Takes in a message, and says what it means.
    fn take(&mut self, from: FromSlot) -> Result<Option<News>, WorkersError> {
        let FromSlot { slot: at, life, message } = from;
        let slot = &mut self.slots[at];
        if slot.life != life {
            return Ok(None);
        }
        match message {
            FromWorker::Event(WorkerEvent::Ready { protocol, version, .. }) => {
                if protocol != PROTOCOL {
                    let why = format!(
                        "the worker `{}` is of version {version} and speaks protocol {protocol}, expected {PROTOCOL}; build both together",
                        self.config.program.display()
                    );
                    return Err(WorkersError::NoWorkers { why });
                }
                slot.ready = true;
                self.stillborn = 0;
                Ok(None)
            }
            FromWorker::Event(event) => {
                let Some(node) = slot.busy else { return Ok(None) };
                let leaves = matches!(event, WorkerEvent::Interrupted { .. } | WorkerEvent::Refused { .. });
                let how = match event {
                    WorkerEvent::Finished { .. } => Ended::Well,
                    WorkerEvent::Failed { kind: FailureKind::Final, message, .. } => Ended::Failed(message),
                    WorkerEvent::Failed { kind: FailureKind::Infrastructure, message, .. } => {
                        Ended::Lost(message)
                    }
                    WorkerEvent::Interrupted { .. } => Ended::Lost("the worker was asked to stop".to_owned()),
                    WorkerEvent::Refused { message } => {
                        Ended::Lost(format!("the worker refused its job: {message}"))
                    }
                    event => return Ok(Some(News::Told { node, event })),
                };
                slot.busy = None;
                // It is about to end: the next job is not for it.
                if let Some(mut worker) = slot.worker.take_if(|_| leaves) {
                    std::thread::spawn(move || worker.end());
                }
                Ok(Some(self.ended(at, node, how)))
            }
            FromWorker::Garbage(text) => {
                tracing::warn!("worker {} wrote no event: {text}", at + 1);
                Ok(None)
            }
            FromWorker::Closed => self.bury(at),
        }
    }

    fn bury(&mut self, i: usize) -> Result<Option<News>, WorkersError> {
        let slot = &mut self.slots[i];
        let Some(mut worker) = slot.worker.take() else {
            return Ok(None);
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
                let why = format!("the worker `{program}` does not start: {how}{said}");
                return Err(WorkersError::NoWorkers { why });
            }
        }
        Ok(busy.map(|node| self.ended(i, node, Ended::Lost(format!("worker {how}{said}")))))
    }
}

impl Workers for Pool {
    fn room(&mut self) -> usize {
        self.slots.iter().filter(|slot| slot.busy.is_none()).count()
    }

    fn give(&mut self, order: Order) -> Result<(), WorkersError> {
        if let Gpus::Refused(why) = &self.config.gpus {
            return Err(WorkersError::NoGpu { why: why.clone() });
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
        slot.busy = Some(order.node);
        if let Some(worker) = &mut slot.worker {
            // A worker that has just died is told of by the end of its stdout.
            worker.send(&order.job);
        }
        Ok(())
    }

    fn news(&mut self) -> Result<Vec<News>, WorkersError> {
        let mut news = Vec::new();
        while let Ok(message) = self.receiver.try_recv() {
            news.extend(self.take(message)?);
        }
        Ok(news)
    }

    /// Stops all workers: asks, waits for a while, then ends them.
    fn end(&mut self, how: End) {
        let patience = if how == End::Interrupted { PATIENCE } else { IDLE_PATIENCE };
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

    fn told_on_interrupt(&self) -> &'static str {
        "the runs that are under way keep a checkpoint"
    }
}
