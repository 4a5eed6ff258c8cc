//! The contract between engine and worker: a job goes in, events come out.
//!
//! Jobs and events are JSON, one a line. A local worker reads jobs on stdin until it is closed;
//! `ablatrix-worker job FILE` reads one from a file. What a worker has made counts only once it stands in
//! the cache: events are news, not results.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::fingerprint::{Digest, Fingerprint};
use crate::seed::Key;
use crate::spec::ops::NamedOp;
use crate::spec::settings::{Device, Explain, Images, Model, Train};

/// Version of this contract; orchestrator and worker must agree.
pub const PROTOCOL: u32 = 8;

/// The libtorch that workers are built with; it changes numbers, so it is part of the keys of what they do.
pub const LIBTORCH: &str = "2.11.0";

/// The note in a result's provenance that says how many bytes of memory its worker had for itself when it was done.
pub const MEMORY_NOTE: &str = "memory_bytes";

/// The note that says how many pictures were scored at a time, where memory allowed fewer than usual.
pub const ROWS_NOTE: &str = "rows_at_once";

/// The note that says with how many threads it computed.
pub const THREADS_NOTE: &str = "threads";

/// The note that says on what type of processor, in words that are compared as they are; only where that was the device.
pub const PROCESSOR_NOTE: &str = "processor";

/// The names of a job's inputs.
pub mod input {
    /// The pixel store: raw uint8 [images, side, side, 3].
    pub const PIXELS: &str = "pixels";
    /// The table `pixel_rows`.
    pub const PIXEL_ROWS: &str = "pixel_rows";
    /// The table `labels`.
    pub const LABELS: &str = "labels";
    /// The table `split`.
    pub const SPLIT: &str = "split";
    /// The table `train_index` (train only).
    pub const TRAIN_INDEX: &str = "train_index";
    /// Initial weights (train only, optional): the safetensors file that the spec names, in the cache.
    pub const WEIGHTS: &str = "weights";
    /// The TorchScript module that the spec names (train and predict, where the model is one), in the cache.
    pub const MODULE: &str = "module";
    /// The trained model (predict and explain).
    pub const MODEL: &str = "model";
    /// The table `regions` (explain only).
    pub const REGIONS: &str = "regions";
}

/// The names of what a job publishes.
pub mod output {
    /// Trained weights, safetensors, of the best epoch where early stopping restores it.
    pub const MODEL: &str = "model.safetensors";
    /// The table `history`.
    pub const HISTORY: &str = "history.parquet";
    /// How the training ended: [`super::TrainSummary`] as JSON.
    pub const SUMMARY: &str = "summary.json";
    /// The table `predictions`.
    pub const PREDICTIONS: &str = "predictions.parquet";
    /// The table `attention`.
    pub const ATTENTION: &str = "attention.parquet";
    /// The table `attention_maps`.
    pub const ATTENTION_MAPS: &str = "attention_maps.parquet";
}

/// One stage of one run, for a worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// [`PROTOCOL`] of the sender.
    pub protocol: u32,
    /// What is to be done.
    pub stage: JobStage,
    /// The run's name, as in `flip/lr=0.0001/seed=2`, with folds `flip/lr=0.0001/seed=2/fold=0`.
    pub run: String,
    /// The key under which the result is published, with its fields.
    pub fingerprint: Fingerprint,
    /// The network.
    pub model: Model,
    /// How it is trained.
    pub train: Train,
    /// How maps of where it looks are made (explain only).
    pub explain: Explain,
    /// The side of the pictures.
    pub images: Images,
    /// The ops in the order in which they are applied.
    pub policy: Vec<NamedOp>,
    /// Input name to its digest in the cache.
    pub inputs: BTreeMap<String, Digest>,
    /// The cache's folder.
    pub cache: PathBuf,
    /// The run's seed: initial weights, shuffling, dropout and draws come from it and from the fold.
    pub seed: u64,
    /// The fold of `split` and `train_index` that the run reads; 0 where there are no folds.
    pub fold: u32,
    /// Threads that the worker may compute with.
    pub threads: u32,
    /// Minutes after which a checkpoint is kept within an epoch too; 0: only after whole epochs, and when the job is stopped.
    pub checkpoint_minutes: f64,
    /// Where tensors live.
    pub device: Device,
    /// Seconds between two signs of life: [`WorkerEvent::Beat`]; 0: none.
    pub beat_seconds: f64,
    /// No other job computes on its device: only then does want of memory say what the job needs.
    pub alone: bool,
}

impl Job {
    /// The seed of everything that is random in the run: the same for all variants of a seed and fold, another one for each
    /// fold, and the run's seed itself for fold 0.
    pub fn stream_seed(&self) -> u64 {
        match self.fold {
            0 => self.seed,
            fold => Key::root(self.seed).child("fold").index(u64::from(fold)).value(),
        }
    }
}

/// What a worker can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStage {
    /// Trains a model.
    Train,
    /// Scores the validation and test images with it.
    Predict,
    /// Measures where it looks on the test images.
    Explain,
}

/// What a worker finds on its machine; `ablatrix-worker devices` writes it as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Devices {
    /// [`PROTOCOL`] of the worker.
    pub protocol: u32,
    /// The worker's version.
    pub version: String,
    /// The version of libtorch.
    pub libtorch: String,
    /// The widest vector instructions that libtorch uses, as `AVX512`.
    pub cpu: String,
    /// GPUs that libtorch can use.
    pub gpus: u32,
    /// Why it can use none.
    pub why_none: Option<String>,
}

/// What a worker says, one JSON object a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum WorkerEvent {
    /// The worker is up.
    Ready {
        /// [`PROTOCOL`] of the worker.
        protocol: u32,
        /// Its version.
        version: String,
        /// Libtorch's version.
        libtorch: String,
    },
    /// A job begins.
    Started {
        /// The job's key.
        key: Digest,
        /// Epochs that a checkpoint already holds.
        resumed_epochs: u32,
        /// Steps of the next epoch that it holds.
        resumed_steps: u64,
        /// Epochs that are planned.
        epochs: u32,
    },
    /// A sign of life: the process runs, and its work gets on where `steps` grows.
    Beat {
        /// The job's key.
        key: Digest,
        /// Steps, and batches that were scored, since the job began.
        steps: u64,
    },
    /// An epoch ended.
    Epoch {
        /// The job's key.
        key: Digest,
        /// The epoch's row of `history`.
        row: EpochRow,
    },
    /// Something that people should know; the job goes on.
    Notice {
        /// The job's key.
        key: Digest,
        /// A sentence without a full stop.
        message: String,
        /// Whether it is enough to tell it of one of the runs that it is true of.
        once: bool,
    },
    /// The result is in the cache.
    Finished {
        /// The job's key.
        key: Digest,
    },
    /// The job stopped on request; a checkpoint is kept.
    Interrupted {
        /// The job's key.
        key: Digest,
    },
    /// A line on standard input was no job; the worker ends, since what follows cannot be trusted.
    Refused {
        /// What was wrong.
        message: String,
    },
    /// The job failed.
    Failed {
        /// The job's key.
        key: Digest,
        /// Whether another try could end otherwise.
        kind: FailureKind,
        /// What was wrong, and where.
        message: String,
    },
}

/// The numbers of one epoch as they travel; NaN and infinity become `null`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRow {
    /// From 1.
    pub epoch: u32,
    /// Learning rate.
    pub lr: f64,
    /// Mean training loss.
    pub train_loss: Option<f64>,
    /// Mean validation loss.
    pub val_loss: Option<f64>,
    /// Mean average precision on the validation part.
    pub val_map_macro: Option<f64>,
    /// Duration.
    pub seconds: f64,
    /// Training rows per second.
    pub images_per_second: f64,
    /// When it ended, in milliseconds since 1970 (UTC).
    pub finished_ms: i64,
}

/// Whether another try could end otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// It would fail the same way again: wrong weights, unreadable input, refused settings.
    Final,
    /// Disk or device trouble: worth another try.
    Infrastructure,
    /// Memory was out. Beside fewer others it may suffice.
    Memory,
}

/// How a training ended; published beside the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainSummary {
    /// Epochs that were run, one that diverged included.
    pub epochs_run: u32,
    /// Epochs that were asked for.
    pub epochs_planned: u32,
    /// The epoch whose weights were kept, from 1; 0 where the first epoch diverged: the initial weights.
    pub best_epoch: u32,
    /// The epoch that was best by what early stopping watches, or by the validation loss without it; from 1, whichever was
    /// kept; 0 where none has a finite value.
    pub best_watched_epoch: u32,
    /// Why it ended.
    pub stop: StopReason,
    /// Where it diverged, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub divergence: Option<Divergence>,
    /// The size of the batches, where memory did not allow the one that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smaller_batches: Option<u32>,
    /// Parameters that were trained, and all of them.
    pub trained_parameters: u64,
    /// All parameters of the model.
    pub parameters: u64,
    /// Tensors of the weights file that were replaced, since their shape differs (the head), by name.
    pub replaced: Vec<String>,
    /// How much more each label's positives weighed in the loss than its negatives; empty where they weighed as much.
    pub positive_weights: Vec<f64>,
}

/// Where a training diverged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Divergence {
    /// The epoch, from 1.
    pub epoch: u32,
    /// The batch of that epoch whose loss was NaN or infinite, from 1; `None` where that was seen after its last step, in the
    /// weights or on the validation part.
    pub batch: Option<u64>,
    /// Batches of an epoch.
    pub batches: u64,
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Divergence { epoch, batch, batches } = self;
        match batch {
            Some(batch) => write!(
                f,
                "diverged in batch {batch} of {batches} of epoch {epoch}: its loss was NaN or infinite"
            )?,
            None => write!(
                f,
                "diverged in epoch {epoch}: after it, weights or validation loss were NaN or infinite"
            )?,
        }
        match epoch - 1 {
            0 => f.write_str("; the initial weights are kept"),
            last_good => write!(f, "; the last good epoch is {last_good}"),
        }
    }
}

/// Why a training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// All epochs were run.
    LastEpoch,
    /// The watched metric did not improve for the patience.
    EarlyStopping,
    /// The loss became NaN or infinite; the last good epoch's weights are kept.
    Diverged,
}
