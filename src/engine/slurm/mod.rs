//! Jobs in the queue of a Slurm cluster: the second way to have them done, beside the pool on this machine.
//!
//! A thread of its own ([`watcher`]) speaks with Slurm by its commands; the walk never waits for it. Jobs outlive this process: the
//! next one finds them by what [`submission`] has written down.

mod answers;
mod chunks;
mod client;
mod events;
mod follow;
mod preflight;
mod refusal;
mod rows;
mod script;
mod study;
mod submission;
mod submit;
mod tracked;
mod verdict;
mod watcher;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;

pub use client::{CallError, Client};
pub use preflight::{Cluster, cluster, would_take};
pub use study::{CancelError, InQueue, cancel, in_queue};
pub use submission::claims;
use watcher::{Command, Setting, Watcher};

use super::workers::{End, Engine, News, Order, Wake, Workers, WorkersError};
use crate::cache::Store;
use crate::spec::settings::Slurm;

/// Files that are open beside the locks of jobs: each job that is under way holds one.
const OTHER_FILES: u64 = 128;

/// How jobs are submitted.
#[derive(Clone, Debug)]
pub struct SlurmConfig {
    /// The settings.
    pub settings: Slurm,
    /// The worker's program, by an absolute path.
    pub worker: PathBuf,
    /// The cache, by an absolute path.
    pub store: Store,
    /// The study.
    pub study: String,
    /// Threads that each job computes with.
    pub threads: u32,
    /// Jobs in the queue at once, where fewer are wanted than the settings say.
    pub most: Option<u32>,
}

impl Engine for SlurmConfig {
    fn begin(&self, wake: Wake) -> Box<dyn Workers> {
        let SlurmConfig { settings, worker, store, study, threads, .. } = self.clone();
        let most = self.most.unwrap_or(settings.max_queued).min(settings.max_queued) as usize;
        let setting = Setting { slurm: settings, store, study, worker, threads };
        let client = Client::default();
        let (commands, orders) = channel();
        let (sender, news) = channel();
        let watcher = Watcher::new(setting, client.clone(), sender, wake);
        let thread = std::thread::Builder::new().name("slurm".into()).spawn(move || watcher.run(&orders));
        let cache = self.store.layout().root().to_owned();
        Box::new(Queue {
            commands,
            news,
            client,
            thread: thread.ok(),
            cache,
            most: most.min(most_locks()),
            under_way: 0,
        })
    }

    fn threads(&self) -> u32 {
        self.threads
    }

    fn takes_up(&self) -> bool {
        true
    }

    fn for_cache(&self, cache: &Path) -> Option<Arc<dyn Engine>> {
        // As the nodes can read it.
        let cache = std::path::absolute(cache).unwrap_or_else(|_| cache.to_owned());
        let store = Store::existing(&cache).ok()?;
        Some(Arc::new(SlurmConfig { store, ..self.clone() }))
    }
}

/// Jobs whose locks can be held.
fn most_locks() -> usize {
    let open = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    open.map_or(usize::MAX, |open| open.saturating_sub(OTHER_FILES).max(1) as usize)
}

/// The queue, as the walk sees it.
struct Queue {
    commands: Sender<Command>,
    news: Receiver<Result<News, WorkersError>>,
    client: Client,
    thread: Option<JoinHandle<()>>,
    cache: PathBuf,
    most: usize,
    under_way: usize,
}

impl Workers for Queue {
    fn room(&mut self, _avoid: &[String]) -> usize {
        self.most.saturating_sub(self.under_way)
    }

    fn give(&mut self, mut order: Order) -> Result<(), WorkersError> {
        self.under_way += 1;
        // On a node no path is relative to where the study was started.
        order.job.cache = self.cache.clone();
        // Slurm says whether a job lives.
        order.job.beat_seconds = 0.0;
        match self.commands.send(Command::Give(Box::new(order))) {
            Ok(()) => Ok(()),
            Err(_) => {
                Err(WorkersError::NoWorkers { why: "the thread that speaks with Slurm has ended".to_owned() })
            }
        }
    }

    fn news(&mut self) -> Result<Vec<News>, WorkersError> {
        let mut all = Vec::new();
        loop {
            match self.news.try_recv() {
                Ok(Ok(news)) => {
                    self.under_way -= usize::from(matches!(news, News::Ended { .. }));
                    all.push(news);
                }
                Ok(Err(error)) => return Err(error),
                Err(TryRecvError::Empty) => return Ok(all),
                Err(TryRecvError::Disconnected) => {
                    let why = "the thread that speaks with Slurm has ended".to_owned();
                    return Err(WorkersError::NoWorkers { why });
                }
            }
        }
    }

    fn end(&mut self, how: End) {
        self.client.stop();
        let _ = self.commands.send(Command::End(how));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }

    fn told_on_interrupt(&self) -> &'static str {
        "jobs go on in Slurm's queue; `run` takes them up again, `ablatrix cancel` ends them"
    }
}
