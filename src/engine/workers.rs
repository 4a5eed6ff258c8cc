//! The seam between the walk and what does its jobs: the pool on this machine, or the queue of a cluster.
//!
//! The walk gives jobs and asks for news; it believes only the cache. An engine believes nobody: jobs may be started
//! twice, vanish, or end without a word, and each of that is news like any other.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::job::{Job, WorkerEvent};

/// A way to have jobs done, as the spec asks for it: `[workers] engine`.
pub trait Engine: fmt::Debug + Send + Sync {
    /// Begins. Nothing is started before the first job. `wake` is to be called whenever there may be news.
    fn begin(&self, wake: Wake) -> Box<dyn Workers>;

    /// Threads that each job may compute with.
    fn threads(&self) -> u32;

    /// Whether it goes on with jobs that others have begun for the same results: where jobs outlive who has begun them.
    fn takes_up(&self) -> bool {
        false
    }

    /// The same engine for jobs whose results go into the cache in this folder; `None` where it serves any cache as it is.
    fn for_cache(&self, _cache: &Path) -> Option<Arc<dyn Engine>> {
        None
    }
}

/// Has the walk ask for news at once; from any thread.
#[derive(Clone)]
pub struct Wake(Arc<dyn Fn() + Send + Sync>);

impl Wake {
    /// One that calls `wake`.
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> Self {
        Wake(Arc::new(wake))
    }

    /// There may be news.
    pub fn call(&self) {
        (self.0)();
    }
}

impl fmt::Debug for Wake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wake")
    }
}

/// Workers that are at it.
pub trait Workers {
    /// How many jobs it would take now that had better not go to the places in `avoid`, named as [`News::Ended`] names them. Where
    /// there are no other places, these are as good as any.
    fn room(&mut self, avoid: &[String]) -> usize;

    /// Takes a job; there is [`room`](Workers::room) for it.
    ///
    /// # Errors
    /// Where no job of the study can be done, and why. What is wrong with one job is news.
    fn give(&mut self, order: Order) -> Result<(), WorkersError>;

    /// A job that reads these files will be given soon: they may be brought nearer.
    fn prefetch(&mut self, _files: Vec<PathBuf>) {}

    /// What has happened since the last call, oldest first. Called at least ten times a second; must not wait.
    ///
    /// # Errors
    /// Where no job can be done any more, and why.
    fn news(&mut self) -> Result<Vec<News>, WorkersError>;

    /// The walk ends: with jobs unfinished where it was interrupted, or must not go on. What can be taken up again later is left
    /// in a state in which it can.
    fn end(&mut self, how: End);

    /// What people are told when they interrupt a study: what becomes of jobs that are under way, a sentence without a full stop.
    fn told_on_interrupt(&self) -> &'static str;
}

/// A job with what helps to place it.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// The node of the plan; news name it.
    pub node: usize,
    /// What is to be done.
    pub job: Job,
    /// The most memory that jobs like it were seen to have, in bytes, if somebody knows.
    pub expected_bytes: Option<u64>,
    /// Places where it failed before; see [`Workers::room`].
    pub avoid: Vec<String>,
}

/// How a walk ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// All jobs have ended.
    Done,
    /// The user stopped it, or something of the moment did, a full disk say: what is under way is wanted later.
    Interrupted,
    /// No worker can do such jobs, or none is to since a run failed: what is under way is not wanted.
    Failed,
}

/// What has happened.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// A job was given to a slot; an engine whose places others choose says nothing of it.
    Placed {
        /// The job's node.
        node: usize,
        /// The slot, as people know it.
        slot: String,
        /// How many slots there are.
        slots: usize,
    },
    /// The worker of a job said something that does not end it.
    Told {
        /// The job's node.
        node: usize,
        /// What.
        event: WorkerEvent,
    },
    /// A job has ended, and its place is free.
    Ended {
        /// The job's node.
        node: usize,
        /// How.
        how: Ended,
        /// Where it was done, as people know it: a slot or a node of a cluster.
        place: Option<String>,
        /// What it wrote beside its events.
        log: Option<PathBuf>,
    },
    /// What people should know of the workers, a sentence without a full stop.
    Notice {
        /// The sentence.
        message: String,
    },
}

/// How a job ended, as far as its engine knows. Whether there is a result is told by the cache alone.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    /// It says that its result is published, or it went so well that it should be.
    Well,
    /// It would fail again the same way; why, in words.
    Failed(String),
    /// It failed, or was lost, by what may pass, or what another place does not have; why, in words.
    Lost(String),
    /// It was stopped from outside with its checkpoint kept, through no fault of its own or of its place; why, in words. Such a
    /// job goes on later, however often it happens.
    Preempted(String),
}

/// Why no job can be done.
#[derive(Debug, thiserror::Error)]
pub enum WorkersError {
    /// The program cannot be started.
    #[error("cannot start the worker `{program}`")]
    Start {
        /// The program.
        program: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A GPU is asked for, and cannot be had.
    #[error("{why}")]
    NoGpu {
        /// In words.
        why: String,
    },
    /// A log or another file of the engine cannot be written.
    #[error("cannot write `{path}`")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Workers die before they are up, or are of another version.
    #[error("no worker can do the training: {why}")]
    NoWorkers {
        /// In words.
        why: String,
    },
    /// A command of the cluster is not installed here.
    #[error(
        "`{program}` is not on the PATH: `engine = \"slurm\"` needs Slurm's commands on the machine where `ablatrix` runs"
    )]
    NoProgram {
        /// The command.
        program: &'static str,
    },
    /// The cluster does not answer.
    #[error("Slurm does not answer: {why}")]
    NoAnswer {
        /// In words.
        why: String,
    },
    /// The cluster will not take such jobs.
    #[error("Slurm refuses the jobs: {why}")]
    Refused {
        /// The key of `[workers.slurm]` that says so; empty where it is not known.
        key: &'static str,
        /// Its own words.
        why: String,
    },
    /// Somebody has cancelled the study.
    #[error("the study was cancelled by `ablatrix cancel`")]
    Cancelled,
}
