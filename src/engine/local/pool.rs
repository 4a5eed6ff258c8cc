//! The pool: which slot gets the next job.
//!
//! Workers live long: libtorch loads once per worker, not once per run.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use super::admission::{Admission, GpuShare};
use super::gpus::{Gpus, Trust};
use super::meter::{Memory, Meter, ThisMachine};
use super::prefetch::prefetch;
use super::process::{FromWorker, Launch, WorkerProcess};
use super::watch::{Limits, Watch};
use super::worker_log::{WorkerLog, opening};
use crate::engine::workers::{End, Ended, Engine, News, Order, Wake, Workers, WorkersError};
use crate::job::WorkerEvent;
use crate::layout;

/// How long workers have to keep a checkpoint when they are stopped.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// How long workers have to go where no job is under way.
const IDLE_PATIENCE: Duration = Duration::from_secs(2);

/// Seconds between two signs of life, unless a shorter limit wants more.
const BEAT_SECONDS: f64 = 5.0;

/// How the pool is laid out.
#[derive(Clone, Debug)]
pub struct PoolConfig {
    /// The worker's program.
    pub program: PathBuf,
    /// How many workers at once, at the most.
    pub slots: usize,
    /// Threads of each.
    pub threads: u32,
    /// The GPUs that they compute on.
    pub gpus: Gpus,
    /// Of the slots of a GPU only as many are used as its memory holds, by what the first job there takes.
    pub by_memory: bool,
    /// What a job is allowed.
    pub limits: Limits,
    /// The folder for their logs.
    pub logs: PathBuf,
}

impl Engine for PoolConfig {
    fn begin(&self, wake: Wake) -> Box<dyn Workers> {
        Box::new(Pool::new(self.clone(), wake, Box::new(ThisMachine::default())))
    }

    fn threads(&self) -> u32 {
        self.threads
    }
}

/// A message from a slot.
#[derive(Debug)]
pub(super) struct FromSlot {
    /// Which.
    pub slot: usize,
    /// Which process in that slot: a message of one that is gone counts for nothing.
    pub life: u64,
    /// What it says.
    pub message: FromWorker,
}

/// A place for one job at a time.
#[derive(Default)]
pub(super) struct Slot {
    pub worker: Option<WorkerProcess>,
    pub life: u64,
    /// The GPU that its workers see.
    pub gpu: Option<usize>,
    pub busy: Option<Busy>,
    /// Memory that its worker has, in bytes, when last asked.
    pub bytes: u64,
    pub ready: bool,
    /// Since when its worker says nothing more: it has ended, or is about to.
    pub closed: Option<Instant>,
}

/// A job that is under way.
pub(super) struct Busy {
    pub node: usize,
    pub watch: Watch,
    /// No other job computes on its device, and none will before it has ended.
    pub alone: bool,
    /// Its worker was told to stop.
    pub stopping: Option<Stopping>,
    /// The log of its run.
    pub log: PathBuf,
}

/// A job that must not go on.
pub(super) struct Stopping {
    /// How it has ended, unless its result is there all the same.
    pub how: Ended,
    /// When its worker is ended by force.
    pub until: Instant,
}

/// The pool.
pub struct Pool {
    pub(super) config: PoolConfig,
    pub(super) slots: Vec<Slot>,
    sender: Sender<FromSlot>,
    receiver: Receiver<FromSlot>,
    wake: Wake,
    /// Workers that ended before they were ready, in a row.
    pub(super) stillborn: u32,
    pub(super) meter: Box<dyn Meter>,
    /// The machine's memory, when last asked.
    pub(super) memory: Option<Memory>,
    pub(super) admission: Admission,
    /// By GPU.
    pub(super) shares: Vec<GpuShare>,
    pub(super) trust: Trust,
    pub(super) supervised: Instant,
    pub(super) measured: Instant,
    /// What was done since somebody last asked for news.
    placed: Vec<News>,
}

impl Pool {
    /// A pool whose workers are started when the first jobs come.
    pub fn new(config: PoolConfig, wake: Wake, meter: Box<dyn Meter>) -> Self {
        let slot = |i| Slot { gpu: config.gpus.of_slot(i), ..Slot::default() };
        let slots = (0..config.slots.max(1)).map(slot).collect();
        let n_gpus = config.gpus.names().len();
        let (sender, receiver) = channel();
        let now = Instant::now();
        Pool {
            slots,
            sender,
            receiver,
            wake,
            stillborn: 0,
            memory: meter.machine(),
            meter,
            admission: Admission::default(),
            shares: vec![GpuShare::default(); n_gpus],
            trust: Trust::new(n_gpus.min(config.slots.max(1))),
            supervised: now,
            measured: now,
            placed: Vec::new(),
            config,
        }
    }

    fn start(&mut self, i: usize) -> Result<(), WorkersError> {
        let log = WorkerLog::new(layout::worker_log(&self.config.logs, i + 1));
        let slot = &mut self.slots[i];
        slot.life += 1;
        (slot.ready, slot.closed, slot.bytes) = (false, None, 0);
        let (life, sender, wake) = (slot.life, self.sender.clone(), self.wake.clone());
        let PoolConfig { program, threads, gpus, .. } = &self.config;
        let gpu = slot.gpu.map(|gpu| gpus.names()[gpu].as_str());
        let launch = Launch { program, threads: *threads, gpu };
        let worker = WorkerProcess::spawn(launch, log, move |message| {
            // Signs of life can wait for the next look.
            let wakes = !matches!(message, FromWorker::Event(WorkerEvent::Beat { .. }));
            let heard = sender.send(FromSlot { slot: i, life, message }).is_ok();
            if wakes {
                wake.call();
            }
            heard
        })?;
        slot.worker = Some(worker);
        Ok(())
    }

    /// A slot as people know it.
    pub(super) fn place(&self, slot: usize) -> String {
        match self.slots[slot].gpu {
            Some(gpu) => format!("GPU {}", self.config.gpus.names()[gpu]),
            None => format!("worker {}", slot + 1),
        }
    }

    /// Jobs that are under way.
    pub(super) fn running(&self) -> usize {
        self.slots.iter().filter(|slot| slot.busy.is_some()).count()
    }

    /// Jobs on a GPU.
    pub(super) fn on_gpu(&self, gpu: usize) -> usize {
        self.slots.iter().filter(|slot| slot.gpu == Some(gpu) && slot.busy.is_some()).count()
    }

    /// The slots that may have a job now, the best one first.
    fn open(&self, avoid: &[String]) -> Vec<usize> {
        let is_trusted = |i: &usize| self.slots[*i].gpu.is_none_or(|gpu| self.trust.holds(gpu));
        // On the processor one slot is like another.
        let is_better = |i: &usize| self.slots[*i].gpu.is_none() || !avoid.contains(&self.place(*i));
        let trusted: Vec<usize> = (0..self.slots.len()).filter(is_trusted).collect();
        let there_is_better = trusted.iter().any(is_better);
        let by_memory = self.config.by_memory;
        let fits = |gpu: usize| {
            let memory = if by_memory { self.meter.gpu(&self.config.gpus.names()[gpu]) } else { None };
            self.shares[gpu].has_room(memory, self.on_gpu(gpu), by_memory)
        };
        let is_free = |i: &usize| {
            let slot = &self.slots[*i];
            slot.busy.is_none() && slot.closed.is_none() && slot.gpu.is_none_or(fits)
        };
        let mut open: Vec<usize> =
            trusted.into_iter().filter(|i| !there_is_better || is_better(i)).filter(is_free).collect();
        // The emptiest GPU; there a worker that is up, before one that must be started.
        open.sort_by_key(|&i| {
            let slot = &self.slots[i];
            (slot.gpu.map_or(0, |gpu| self.on_gpu(gpu)), slot.worker.is_none())
        });
        let have: Vec<u64> =
            self.slots.iter().filter(|slot| slot.busy.is_some()).map(|slot| slot.bytes).collect();
        match open.first() {
            Some(&first) if self.admission.has_room(self.memory, &have, self.slots[first].bytes) => open,
            _ => Vec::new(),
        }
    }

    /// Whether a job in this slot is the only one on its device until it has ended.
    fn is_alone(&self, slot: usize) -> bool {
        match self.slots[slot].gpu {
            Some(gpu) => {
                let sharing = self.slots.iter().filter(|other| other.gpu == Some(gpu)).count();
                sharing == 1 || self.shares[gpu].is_alone()
            }
            None => self.slots.len() == 1 || self.admission.is_alone(),
        }
    }
}

impl Workers for Pool {
    fn room(&mut self, avoid: &[String]) -> usize {
        match &self.config.gpus {
            // Who gives one is told why not.
            Gpus::Refused(_) => 1,
            Gpus::Unused | Gpus::Visible(_) => self.open(avoid).len(),
        }
    }

    fn give(&mut self, order: Order) -> Result<(), WorkersError> {
        if let Gpus::Refused(why) = &self.config.gpus {
            return Err(WorkersError::NoGpu { why: why.clone() });
        }
        let Order { node, mut job, avoid, expected_bytes, .. } = order;
        let Some(&i) = self.open(&avoid).first() else {
            panic!("bug: a job for a pool without room");
        };
        self.admission.see(expected_bytes.unwrap_or(0));
        if self.slots[i].worker.is_none() {
            self.start(i)?;
        }
        if let Some(gpu) = self.slots[i].gpu.filter(|&gpu| self.on_gpu(gpu) == 0) {
            self.shares[gpu].begin(self.meter.gpu(&self.config.gpus.names()[gpu]));
        }
        job.alone = self.is_alone(i);
        let standstill = self.config.limits.standstill;
        job.beat_seconds =
            standstill.map_or(BEAT_SECONDS, |limit| BEAT_SECONDS.min(limit.as_secs_f64() / 4.0));
        let slot = &mut self.slots[i];
        let watch = Watch::new(Instant::now());
        let log = layout::run_log(&self.config.logs, &job.run);
        if let Some(worker) = &mut slot.worker {
            let (what, key) = (format!("{:?}", job.stage).to_lowercase(), job.fingerprint.key.short());
            worker.begin(&log, &opening(&what, &job.run, key, &self.config.program, worker.id()));
            // A worker that has just died is told of by the end of its stdout.
            worker.send(&job);
        }
        slot.busy = Some(Busy { node, watch, alone: job.alone, stopping: None, log });
        let worker = format!("worker {}", i + 1);
        let slot = match self.slots[i].gpu {
            Some(gpu) => format!("{worker} on GPU {}", self.config.gpus.names()[gpu]),
            None => worker,
        };
        self.placed.push(News::Placed { node, slot, slots: self.slots.len() });
        Ok(())
    }

    fn prefetch(&mut self, files: Vec<PathBuf>) {
        prefetch(files, self.memory.map_or(0, |memory| memory.available));
    }

    fn news(&mut self) -> Result<Vec<News>, WorkersError> {
        let mut news = std::mem::take(&mut self.placed);
        while let Ok(message) = self.receiver.try_recv() {
            self.take(message, &mut news)?;
        }
        self.supervise(&mut news)?;
        Ok(news)
    }

    /// Stops all workers: asks, waits for a while, then ends them.
    fn end(&mut self, how: End) {
        let patience = if how == End::Done { IDLE_PATIENCE } else { PATIENCE };
        let mut workers: Vec<_> = self.slots.iter_mut().filter_map(|slot| slot.worker.take()).collect();
        for worker in &mut workers {
            worker.terminate();
        }
        let until = Instant::now() + patience;
        for worker in &mut workers {
            worker.ends_within(until.saturating_duration_since(Instant::now()));
        }
        // Those that have not are ended by force where they are dropped; all at once first.
        workers
            .iter_mut()
            .filter_map(|worker| worker.ended().is_none().then_some(worker))
            .for_each(WorkerProcess::kill);
    }

    fn told_on_interrupt(&self) -> &'static str {
        "workers keep their checkpoints"
    }
}
