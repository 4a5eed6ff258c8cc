//! What the engine tells those who listen: displays and trackers.

use std::path::PathBuf;

use serde::{Serialize, Serializer};

use crate::cache::Entry;
use crate::fingerprint::Digest;
use crate::job::EpochRow;
use crate::plan::Stage;

/// News of a run of the engine. Listeners cannot change what happens.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Event {
    /// A look into the cache has shown what is to be done.
    Planned {
        /// Stages in all.
        stages: usize,
        /// Those whose result is there already.
        fresh: usize,
        /// Training runs in all.
        runs: usize,
        /// Those that are still to be trained, or scored.
        runs_to_do: usize,
    },
    /// A stage begins.
    Started {
        /// The node's name.
        node: String,
        /// Its kind.
        stage: Stage,
        /// The run it belongs to; empty for shared stages.
        run: String,
        /// Its key.
        key: Digest,
    },
    /// A job has its place.
    Placed {
        /// The node's name.
        node: String,
        /// The slot, as people know it: `worker 2`, `worker 3 on GPU 0`.
        slot: String,
        /// How many jobs there can be at once.
        slots: usize,
    },
    /// A long stage has come further.
    Progress {
        /// The node's name.
        node: String,
        /// Items done.
        done: usize,
        /// Items in all.
        total: usize,
    },
    /// A training begins, or goes on from a checkpoint.
    TrainingFrom {
        /// The run.
        run: String,
        /// Epochs that a checkpoint already holds.
        resumed_epochs: u32,
        /// Steps of the next epoch that it holds.
        resumed_steps: u64,
        /// Epochs in all.
        epochs: u32,
    },
    /// What people should know of a run that goes on.
    Notice {
        /// What is being done.
        stage: Stage,
        /// The run.
        run: String,
        /// A sentence without a full stop.
        message: String,
        /// Whether it is enough to tell it of one of the runs that it is true of.
        once: bool,
    },
    /// An epoch of a training ended.
    Epoch {
        /// The run.
        run: String,
        /// Its numbers.
        row: EpochRow,
    },
    /// A stage has its result.
    Finished {
        /// The node's name.
        node: String,
        /// Its kind.
        stage: Stage,
        /// The run it belongs to; empty for shared stages.
        run: String,
        /// The result; in a journal its key stands for it.
        #[serde(rename = "key", serialize_with = "key")]
        entry: Box<Entry>,
        /// It was in the cache already, or another process made it.
        cached: bool,
        /// It came from the remote in this run; then `cached` is set too, since nothing was computed.
        fetched: bool,
        /// Seconds that it took here.
        elapsed_s: f64,
    },
    /// The remote has a stage's result, and it is on its way.
    Fetching {
        /// The node's name.
        node: String,
        /// Its kind.
        stage: Stage,
        /// The run it belongs to; empty for shared stages.
        run: String,
        /// Bytes that are to come.
        bytes: u64,
    },
    /// What the remote has of a stage is not what was sent; nothing of it was taken, and the stage is computed.
    RemoteDamaged {
        /// The node's name.
        node: String,
        /// The file in the remote.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The remote failed and is asked no more; told once.
    RemoteLost {
        /// Why.
        why: String,
    },
    /// A stage failed for good.
    Failed {
        /// The node's name.
        node: String,
        /// Its kind.
        stage: Stage,
        /// The run it belongs to; empty for shared stages.
        run: String,
        /// What was wrong, with its causes.
        message: String,
        /// The log to look into.
        log: Option<PathBuf>,
    },
    /// Another process computes the stage; this one waits for it.
    Waiting {
        /// The node's name.
        node: String,
        /// Who computes it.
        holder: String,
    },
    /// A worker died or was in trouble; its job is tried again.
    Retrying {
        /// The node's name.
        node: String,
        /// Its kind.
        stage: Stage,
        /// The run it belongs to; empty for shared stages.
        run: String,
        /// Why.
        why: String,
    },
    /// What people should know of those who do the jobs.
    Workers {
        /// A sentence without a full stop.
        message: String,
    },
    /// Cached bytes were found to be wrong; what they came from is made again.
    Rebuilding {
        /// What was found.
        what: String,
    },
    /// Stages whose results are there are about to be done again, to compare.
    Rechecking {
        /// How many.
        stages: usize,
        /// Of so many.
        of: usize,
    },
    /// A stage whose result is there was done again.
    Rechecked {
        /// The node's name.
        node: String,
        /// Its kind.
        stage: Stage,
        /// The run it belongs to; empty for shared stages.
        run: String,
        /// The same came out.
        same: bool,
        /// Seconds that it took here.
        elapsed_s: f64,
    },
    /// The user asked to stop.
    Interrupting {
        /// What becomes of jobs that are under way.
        jobs: &'static str,
    },
}

fn key<S: Serializer>(entry: &Entry, serializer: S) -> Result<S::Ok, S::Error> {
    entry.key.serialize(serializer)
}
