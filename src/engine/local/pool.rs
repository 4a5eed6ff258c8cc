//! The pool: which slot gets the next job, and what the messages of workers mean for it.
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
use crate::engine::workers::{End, Ended, Engine, News, Order, Wake, Workers, WorkersError};
use crate::job::{FailureKind, PROTOCOL, WorkerEvent};

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
struct FromSlot {
    /// Which.
    slot: usize,
    /// Which process in that slot: a message of one that is gone counts for nothing.
    life: u64,
    /// What it says.
    message: FromWorker,
}

/// A place for one job at a time.
#[derive(Default)]
pub(super) struct Slot {
    pub worker: Option<WorkerProcess>,
    life: u64,
    /// The GPU that its workers see.
    pub gpu: Option<usize>,
    pub busy: Option<Busy>,
    ready: bool,
}

/// A job that is under way.
pub(super) struct Busy {
    pub node: usize,
    pub watch: Watch,
    /// Memory that its worker has, in bytes, when last asked.
    pub bytes: u64,
    /// Its worker was told to stop.
    pub stopping: Option<Stopping>,
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
    stillborn: u32,
    pub(super) meter: Box<dyn Meter>,
    /// The machine's memory, when last asked.
    pub(super) memory: Option<Memory>,
    pub(super) admission: Admission,
    /// By GPU.
    pub(super) shares: Vec<GpuShare>,
    trust: Trust,
    pub(super) supervised: Instant,
    pub(super) measured: Instant,
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
            trust: Trust::new(n_gpus),
            supervised: now,
            measured: now,
            config,
        }
    }

    fn start(&mut self, i: usize) -> Result<(), WorkersError> {
        let log = self.log(i);
        let slot = &mut self.slots[i];
        slot.life += 1;
        slot.ready = false;
        let (life, sender, wake) = (slot.life, self.sender.clone(), self.wake.clone());
        let PoolConfig { program, threads, gpus, .. } = &self.config;
        let gpu = slot.gpu.map(|gpu| gpus.names()[gpu].as_str());
        let launch = Launch { program, threads: *threads, gpu };
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

    /// A slot as people know it.
    fn place(&self, slot: usize) -> String {
        match self.slots[slot].gpu {
            Some(gpu) => format!("GPU {}", self.config.gpus.names()[gpu]),
            None => format!("worker {}", slot + 1),
        }
    }

    /// Jobs on a GPU.
    pub(super) fn on_gpu(&self, gpu: usize) -> usize {
        self.slots.iter().filter(|slot| slot.gpu == Some(gpu) && slot.busy.is_some()).count()
    }

    /// The slots that may have a job now, the best one first.
    fn open(&self, avoid: &[String]) -> Vec<usize> {
        let have: Vec<u64> = self.slots.iter().filter_map(|slot| Some(slot.busy.as_ref()?.bytes)).collect();
        if !self.admission.has_room(self.memory, &have) {
            return Vec::new();
        }
        let is_trusted = |i: &usize| self.slots[*i].gpu.is_none_or(|gpu| self.trust.holds(gpu));
        let is_better = |i: &usize| !avoid.contains(&self.place(*i));
        let trusted: Vec<usize> = (0..self.slots.len()).filter(is_trusted).collect();
        let there_is_better = trusted.iter().any(is_better);
        let is_free = |i: &usize| {
            let shares = |gpu: usize| {
                let memory = self.meter.gpu(&self.config.gpus.names()[gpu]);
                !self.config.by_memory || self.shares[gpu].has_room(memory, self.on_gpu(gpu))
            };
            self.slots[*i].busy.is_none() && self.slots[*i].gpu.is_none_or(shares)
        };
        let mut open: Vec<usize> =
            trusted.into_iter().filter(|i| !there_is_better || is_better(i)).filter(is_free).collect();
        // The emptiest GPU; there a worker that is up, before one that must be started.
        open.sort_by_key(|&i| {
            let slot = &self.slots[i];
            (slot.gpu.map_or(0, |gpu| self.on_gpu(gpu)), slot.worker.is_none())
        });
        open
    }

    /// A job has left its slot.
    fn ended(&mut self, slot: usize, busy: Busy, how: Ended, news: &mut Vec<News>) {
        let how = match (how, busy.stopping) {
            (Ended::Well, _) => Ended::Well,
            (_, Some(stopping)) => stopping.how,
            (how, None) => how,
        };
        let is_lost = matches!(how, Ended::Lost(_));
        let place = self.place(slot);
        if let Some(gpu) = self.slots[slot].gpu
            && self.trust.note(gpu, busy.node, is_lost)
        {
            let message = format!(
                "{place} lost {} jobs in a row and gets no more of this study; `nvidia-smi` and the kernel's log may tell why",
                super::gpus::LOST_IN_A_ROW
            );
            news.push(News::Notice { message });
        }
        news.push(News::Ended { node: busy.node, how, place: Some(place), log: Some(self.log(slot)) });
    }

    /// Takes in a message.
    fn take(&mut self, from: FromSlot, news: &mut Vec<News>) -> Result<(), WorkersError> {
        let FromSlot { slot: at, life, message } = from;
        let slot = &mut self.slots[at];
        if slot.life != life {
            return Ok(());
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
            }
            FromWorker::Event(event) => {
                let Some(busy) = &mut slot.busy else { return Ok(()) };
                busy.watch.hear(&event, Instant::now());
                let leaves = matches!(event, WorkerEvent::Interrupted { .. } | WorkerEvent::Refused { .. });
                let how = match event {
                    WorkerEvent::Finished { .. } => Ended::Well,
                    WorkerEvent::Failed { kind: FailureKind::Final, message, .. } => Ended::Failed(message),
                    WorkerEvent::Failed { kind: FailureKind::Infrastructure, message, .. } => {
                        Ended::Lost(message)
                    }
                    WorkerEvent::Interrupted { .. } => {
                        Ended::Preempted("its worker was asked to stop".to_owned())
                    }
                    WorkerEvent::Refused { message } => {
                        Ended::Lost(format!("the worker refused its job: {message}"))
                    }
                    event => {
                        news.push(News::Told { node: busy.node, event });
                        return Ok(());
                    }
                };
                // It is about to end: the next job is not for it.
                let leaves = leaves || busy.stopping.is_some();
                if let Some(mut worker) = slot.worker.take_if(|_| leaves) {
                    std::thread::spawn(move || worker.end());
                }
                if let Some(busy) = slot.busy.take() {
                    self.ended(at, busy, how, news);
                }
            }
            FromWorker::Garbage(text) => {
                tracing::warn!("worker {} wrote no event: {text}", at + 1);
            }
            FromWorker::Closed => self.bury(at, news)?,
        }
        Ok(())
    }

    fn bury(&mut self, i: usize, news: &mut Vec<News>) -> Result<(), WorkersError> {
        let slot = &mut self.slots[i];
        let Some(mut worker) = slot.worker.take() else {
            return Ok(());
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
        if let Some(busy) = busy {
            self.ended(i, busy, Ended::Lost(format!("worker {how}{said}")), news);
        }
        Ok(())
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
        let standstill = self.config.limits.standstill;
        job.beat_seconds =
            standstill.map_or(BEAT_SECONDS, |limit| BEAT_SECONDS.min(limit.as_secs_f64() / 4.0));
        let slot = &mut self.slots[i];
        slot.busy = Some(Busy { node, watch: Watch::new(Instant::now()), bytes: 0, stopping: None });
        if let Some(worker) = &mut slot.worker {
            // A worker that has just died is told of by the end of its stdout.
            worker.send(&job);
        }
        Ok(())
    }

    fn prefetch(&mut self, files: Vec<PathBuf>) {
        prefetch(files, self.memory.map_or(0, |memory| memory.available));
    }

    fn news(&mut self) -> Result<Vec<News>, WorkersError> {
        let mut news = Vec::new();
        while let Ok(message) = self.receiver.try_recv() {
            self.take(message, &mut news)?;
        }
        self.supervise(&mut news);
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
        "workers keep their checkpoints"
    }
}
