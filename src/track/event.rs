//! What a tracker is told: plain facts about a study, with the time at which each was true.
//!
//! The events can come from a study that runs now or from its results: a server that gets the same events
//! twice ends the same. So times, ids and numbers must be those of the results, not of the moment of sending.
//! Knows nothing of MLflow.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// One fact about a study.
#[derive(Clone, Debug, PartialEq)]
pub enum TrackEvent {
    /// The study begins.
    StudyStarted(StudyStarted),
    /// A run begins.
    RunStarted(RunStarted),
    /// An epoch of a run ended.
    Epoch(Epoch),
    /// Epochs of a run, read from its results.
    History(History),
    /// A run ended.
    RunFinished(RunFinished),
    /// The study ended and has its report.
    StudyFinished(StudyFinished),
}

impl TrackEvent {
    /// The id of the run (or of the study) that the event belongs to.
    pub fn trial_id(&self) -> &str {
        match self {
            TrackEvent::StudyStarted(event) => &event.study_id,
            TrackEvent::RunStarted(event) => &event.trial_id,
            TrackEvent::Epoch(event) => &event.trial_id,
            TrackEvent::History(event) => &event.trial_id,
            TrackEvent::RunFinished(event) => &event.trial_id,
            TrackEvent::StudyFinished(event) => &event.study_id,
        }
    }

    /// When it happened, in milliseconds since 1970 (UTC).
    pub fn time_ms(&self) -> i64 {
        match self {
            TrackEvent::StudyStarted(event) => event.time_ms,
            TrackEvent::RunStarted(event) => event.start_time_ms,
            TrackEvent::Epoch(event) => event.time_ms,
            TrackEvent::History(event) => event.epochs.last().map_or(0, |epoch| epoch.time_ms),
            TrackEvent::RunFinished(event) => event.time_ms,
            TrackEvent::StudyFinished(event) => event.time_ms,
        }
    }
}

/// The study begins.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StudyStarted {
    /// Stable and unique: the study's name and the fingerprint of its settings. A changed spec is another id,
    /// since the parameters of a run cannot change on the server.
    pub study_id: String,
    /// The study's name.
    pub name: String,
    /// What it wants to know.
    pub question: String,
    /// Settings that hold for the whole study.
    pub params: BTreeMap<String, String>,
    /// What all its runs train on.
    pub dataset: Option<DatasetSource>,
    /// It is under way now, and not told from its results.
    pub live: bool,
    /// When it began, in milliseconds since 1970 (UTC).
    pub time_ms: i64,
}

/// The dataset of a study.
#[derive(Clone, Debug, PartialEq)]
pub struct DatasetSource {
    /// A short name.
    pub name: String,
    /// The digest of its contents.
    pub digest: String,
    /// Where it came from, for people; never a secret.
    pub source: String,
}

/// A run begins.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunStarted {
    /// The run's name: `flip/lr=0.0001/seed=2`, with folds `flip/lr=0.0001/seed=2/fold=0`.
    pub run: String,
    /// Its variant.
    pub variant: String,
    /// Its seed.
    pub seed: u64,
    /// Its fold, where there are any.
    pub fold: Option<u32>,
    /// Stable and unique: the study's name and the fingerprint of the training.
    pub trial_id: String,
    /// Settings of the run.
    pub params: BTreeMap<String, String>,
    /// What else should be seen beside it.
    pub tags: BTreeMap<String, String>,
    /// It is under way now, and not told from its results: on the server it counts as running again.
    pub live: bool,
    /// When it began, in milliseconds since 1970 (UTC).
    pub start_time_ms: i64,
}

/// An epoch of a run ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Epoch {
    /// The run's id.
    pub trial_id: String,
    /// From 1.
    pub epoch: u32,
    /// When it ended, in milliseconds since 1970 (UTC).
    pub time_ms: i64,
    /// Names as `train/loss` and values; NaN and infinity are kept.
    pub metrics: Vec<(String, f64)>,
}

/// Epochs of a run that need not be told one by one. Points that the server lacks are sent, also those in the middle.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// The run's id.
    pub trial_id: String,
    /// In their order; all of this run.
    pub epochs: Vec<Epoch>,
}

/// A run ended.
#[derive(Clone, Debug, PartialEq)]
pub struct RunFinished {
    /// The run's id.
    pub trial_id: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Final metrics, names as `test/map_macro`; not the names of per-epoch metrics.
    pub metrics: Vec<(String, f64)>,
    /// When it ended, in milliseconds since 1970 (UTC).
    pub time_ms: i64,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With a result.
    Finished,
    /// With an error.
    Failed,
    /// It was stopped.
    Killed,
    /// Its results do not tell. What the server knows stays; a run that counts as running there is marked as stopped.
    Unknown,
}

/// The study ended.
#[derive(Clone, Debug, PartialEq)]
pub struct StudyFinished {
    /// The study's id.
    pub study_id: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Its report and its tables.
    pub files: Vec<StudyFile>,
    /// What the study found, in numbers.
    pub metrics: Vec<(String, f64)>,
    /// When it ended, in milliseconds since 1970 (UTC).
    pub time_ms: i64,
}

/// A file that is kept with the study.
#[derive(Clone, Debug, PartialEq)]
pub struct StudyFile {
    /// Its name on the server, as `report.html`: a plain file name.
    pub name: String,
    /// What it holds.
    pub content: Content,
}

/// What a file holds, and where that lies.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// On disk.
    File(PathBuf),
    /// In memory.
    Bytes(Vec<u8>),
}
