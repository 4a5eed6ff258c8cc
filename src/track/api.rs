//! The ten calls of MLflow's REST API that a study needs, and the plain types that they carry.
//!
//! [`Client`](super::Client) speaks them to a server; the tests have one in memory that also fails on demand.
//! Names and values arrive here in the form that MLflow accepts.

use std::collections::BTreeSet;
use std::time::Instant;

use super::http::CallError;

/// An MLflow server.
pub trait Api: Send {
    /// No call lasts beyond `deadline`; `None`: only the usual limits count.
    fn limit(&mut self, deadline: Option<Instant>);

    /// Whether the server is up; open also where a login is needed.
    ///
    /// # Errors
    /// As all calls: see [`CallError`].
    fn health(&self) -> Result<(), CallError>;

    /// The server's version, as `3.17.2`; needs the login.
    ///
    /// # Errors
    /// [`CallError`].
    fn version(&self) -> Result<ServerVersion, CallError>;

    /// The experiment of that name, also a deleted one, which still owns its name.
    ///
    /// # Errors
    /// [`CallError`].
    fn experiment(&self, name: &str) -> Result<Option<Experiment>, CallError>;

    /// Creates an experiment; gives its id. Never tried twice: look for it first.
    ///
    /// # Errors
    /// [`CallError`]; refused where the name is taken.
    fn create_experiment(&self, name: &str, tags: &[(String, String)]) -> Result<String, CallError>;

    /// The oldest run of the experiment whose tag `tag` is `value`; deleted ones do not count.
    ///
    /// # Errors
    /// [`CallError`].
    fn find_run(&self, experiment_id: &str, tag: &str, value: &str) -> Result<Option<FoundRun>, CallError>;

    /// The steps at which a run has a point of the metric `key`.
    ///
    /// # Errors
    /// [`CallError`].
    fn steps(&self, run_id: &str, key: &str) -> Result<BTreeSet<i64>, CallError>;

    /// Creates a run. Never tried twice: look for it first.
    ///
    /// # Errors
    /// [`CallError`].
    fn create_run(&self, run: &NewRun<'_>) -> Result<FoundRun, CallError>;

    /// Sets a run's status and, where given, its end.
    ///
    /// # Errors
    /// [`CallError`].
    fn update_run(&self, run_id: &str, status: RunStatus, end_time_ms: Option<i64>) -> Result<(), CallError>;

    /// Sends any number of metrics, parameters and tags, in pieces that the server takes; gives those that it
    /// refused one by one, so that a bad value loses only itself.
    ///
    /// # Errors
    /// [`CallError`] for what concerns the batch as a whole.
    fn log_batch(&self, run_id: &str, batch: Batch) -> Result<Vec<Refusal>, CallError>;

    /// Says what a run trains on. Never tried twice: [`FoundRun::datasets`] tells what is there.
    ///
    /// # Errors
    /// [`CallError`].
    fn log_input(&self, run_id: &str, dataset: &Dataset) -> Result<(), CallError>;

    /// Stores a file with a run.
    ///
    /// # Errors
    /// [`CallError`].
    fn put_artifact(&self, upload: &Upload<'_>) -> Result<(), CallError>;

    /// A page where people see the runs of an experiment.
    fn page(&self, experiment_id: &str) -> String;
}

/// The server's version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerVersion(pub String);

/// An experiment: where runs are kept together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Experiment {
    /// Its id.
    pub experiment_id: String,
    /// It was deleted, and can be restored.
    pub deleted: bool,
}

/// A run that is to be created.
#[derive(Clone, Debug)]
pub struct NewRun<'a> {
    /// Where.
    pub experiment_id: &'a str,
    /// For people; need not be unique.
    pub name: &'a str,
    /// In milliseconds since 1970 (UTC).
    pub start_time_ms: i64,
    /// Tags that it has from the first moment.
    pub tags: Vec<(String, String)>,
}

/// A run as the server has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FoundRun {
    /// Its id.
    pub run_id: String,
    /// Where its artifacts go.
    pub artifact_uri: String,
    /// How it stands.
    pub status: RunStatus,
    /// The last point of each metric.
    pub metrics: Vec<Metric>,
    /// Its parameters.
    pub params: Vec<(String, String)>,
    /// Its tags.
    pub tags: Vec<(String, String)>,
    /// Digests of the datasets that it trains on.
    pub datasets: Vec<String>,
}

/// How a run stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RunStatus {
    /// Under way.
    #[default]
    Running,
    /// Ended with a result.
    Finished,
    /// Ended with an error.
    Failed,
    /// Was stopped.
    Killed,
}

impl RunStatus {
    /// MLflow's name.
    pub fn as_str(self) -> &'static str {
        match self {
            RunStatus::Running => "RUNNING",
            RunStatus::Finished => "FINISHED",
            RunStatus::Failed => "FAILED",
            RunStatus::Killed => "KILLED",
        }
    }

    /// The reverse; `SCHEDULED` and what is not known count as running.
    pub fn parse(text: &str) -> Self {
        match text {
            "FINISHED" => RunStatus::Finished,
            "FAILED" => RunStatus::Failed,
            "KILLED" => RunStatus::Killed,
            _ => RunStatus::Running,
        }
    }
}

/// One point of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Its name.
    pub key: String,
    /// Any number, NaN and infinity too.
    pub value: f64,
    /// In milliseconds since 1970 (UTC).
    pub time_ms: i64,
    /// The epoch, or 0 for a final value.
    pub step: i64,
}

/// What is logged together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Points of metrics.
    pub metrics: Vec<Metric>,
    /// Parameters, which can be set only once.
    pub params: Vec<(String, String)>,
    /// Tags, which can be set again.
    pub tags: Vec<(String, String)>,
}

impl Batch {
    /// How many things it holds.
    pub fn len(&self) -> usize {
        self.metrics.len() + self.params.len() + self.tags.len()
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A value that the server did not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// `metric`, `param` or `tag` with its name.
    pub what: String,
    /// The server's words.
    pub text: String,
}

/// What a run trains on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// A short name.
    pub name: String,
    /// At most 36 characters.
    pub digest: String,
    /// Where it came from.
    pub source: String,
}

/// A file on its way to the server.
#[derive(Clone, Debug)]
pub struct Upload<'a> {
    /// The run that it belongs to.
    pub run_id: &'a str,
    /// The run's [`FoundRun::artifact_uri`].
    pub artifact_uri: &'a str,
    /// The file's name there.
    pub name: &'a str,
    /// Its contents.
    pub bytes: &'a [u8],
}
