//! Turns one event into calls, so that the same event twice leaves the server as it was after the first.
//!
//! A run is looked for by its tag `study.trial_id` and created only where there is none; parameters that the
//! server has are not sent again; points of a metric up to the last step that the server has are not sent
//! again. Live events and replayed ones go through here alike.
//!
//! How it looks on the server (checked in MLflow's pages): runs lie flat, since nested ones are missing from
//! charts and comparisons; `variant`, `seed` and `fold` are parameters, to group and filter by; one more run, of
//! `study.kind` = `study`, holds the report and the study's own numbers.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::api::{Api, Batch, Dataset, FoundRun, Metric, NewRun, Refusal, RunStatus, Upload};
use super::event::{
    DatasetSource, Epoch, Outcome, ReportPage, RunFinished, RunStarted, StudyFinished, StudyStarted,
    TrackEvent,
};
use super::http::{CallError, Severity};
use super::names;

/// The tag by which a run is found again.
pub(super) const TRIAL_ID: &str = "study.trial_id";
/// The tag that tells runs (`run`) from the study itself (`study`).
pub(super) const KIND: &str = "study.kind";
/// The report's name among the artifacts.
const REPORT: &str = "report.html";

/// Sends events to one experiment of one server.
pub(super) struct Delivery {
    pub api: Box<dyn Api>,
    experiment_name: String,
    experiment_id: Option<String>,
    common_tags: BTreeMap<String, String>,
    dataset: Option<Dataset>,
    runs: HashMap<String, KnownRun>,
    warned: BTreeSet<String>,
    warnings: Vec<String>,
}

/// What became of an event that raised no error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivered {
    /// The server has it.
    Sent,
    /// The server has no such run, since its start was refused.
    NoRun,
}

/// A run on the server, and what it has.
struct KnownRun {
    name: String,
    run_id: String,
    artifact_uri: String,
    status: RunStatus,
    /// Last step and value of each metric.
    last: HashMap<String, (i64, f64)>,
    params: HashMap<String, String>,
    datasets: Vec<String>,
    /// Started by an event, not yet ended by one.
    open: bool,
}

/// A run as an event wants it.
struct Wanted<'a> {
    trial_id: &'a str,
    kind: &'static str,
    name: &'a str,
    start_time_ms: i64,
    params: BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
    with_dataset: bool,
}

impl Delivery {
    pub fn new(api: Box<dyn Api>, experiment_name: String, common_tags: BTreeMap<String, String>) -> Self {
        Delivery {
            api,
            experiment_name,
            experiment_id: None,
            common_tags,
            dataset: None,
            runs: HashMap::new(),
            warned: BTreeSet::new(),
            warnings: Vec::new(),
        }
    }

    /// What should be told, each thing once.
    pub fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }

    /// Where people see the runs; known once the experiment is.
    pub fn page(&self) -> Option<String> {
        self.experiment_id.as_deref().map(|id| self.api.page(id))
    }

    /// Takes the experiment that was looked up at the start.
    pub fn set_experiment(&mut self, experiment_id: String) {
        self.experiment_id = Some(experiment_id);
    }

    /// Sends one event. After an error the same event can be sent again.
    pub fn deliver(&mut self, event: &TrackEvent) -> Result<Delivered, CallError> {
        match event {
            TrackEvent::StudyStarted(event) => self.study_started(event),
            TrackEvent::RunStarted(event) => self.run_started(event),
            TrackEvent::Epoch(event) => self.epoch(event),
            TrackEvent::RunFinished(event) => self.run_finished(event),
            TrackEvent::StudyFinished(event) => self.study_finished(event),
        }
    }

    /// Marks runs that were started but not ended as killed; what fails here stays as it is.
    pub fn close(&mut self, time_ms: i64) {
        for run in self.runs.values_mut().filter(|run| run.open) {
            run.open = false;
            if let Err(error) = self.api.update_run(&run.run_id, RunStatus::Killed, Some(time_ms)) {
                tracing::debug!(%error, run = run.name, "not marked as killed");
                return;
            }
        }
    }

    fn study_started(&mut self, event: &StudyStarted) -> Result<Delivered, CallError> {
        self.dataset = event.dataset.as_ref().map(dataset);
        let note = [("mlflow.note.content".to_owned(), event.question.clone())];
        self.ensure_experiment(&note)?;
        let mut tags = BTreeMap::from(note);
        tags.insert("study.name".to_owned(), event.name.clone());
        self.attach(&Wanted {
            trial_id: &event.study_id,
            kind: "study",
            name: &event.name,
            start_time_ms: event.time_ms,
            params: event.params.clone(),
            tags,
            with_dataset: false,
        })
    }

    fn run_started(&mut self, event: &RunStarted) -> Result<Delivered, CallError> {
        self.ensure_experiment(&[])?;
        let mut params = event.params.clone();
        params.insert("variant".to_owned(), event.variant.clone());
        params.insert("seed".to_owned(), event.seed.to_string());
        if let Some(fold) = event.fold {
            params.insert("fold".to_owned(), fold.to_string());
        }
        self.attach(&Wanted {
            trial_id: &event.trial_id,
            kind: "run",
            name: &event.run,
            start_time_ms: event.start_time_ms,
            params,
            tags: event.tags.clone(),
            with_dataset: true,
        })
    }

    fn epoch(&mut self, event: &Epoch) -> Result<Delivered, CallError> {
        self.log_metrics(&event.trial_id, &event.metrics, i64::from(event.epoch), event.time_ms)
    }

    fn run_finished(&mut self, event: &RunFinished) -> Result<Delivered, CallError> {
        self.end(&event.trial_id, event.outcome, &event.metrics, event.time_ms)
    }

    fn study_finished(&mut self, event: &StudyFinished) -> Result<Delivered, CallError> {
        if let Some(page) = &event.report {
            self.upload_report(&event.study_id, page)?;
        }
        self.end(&event.study_id, event.outcome, &event.metrics, event.time_ms)
    }

    fn upload_report(&mut self, study_id: &str, page: &ReportPage) -> Result<(), CallError> {
        let from_disk;
        let bytes: &[u8] = match page {
            ReportPage::Bytes(bytes) => bytes,
            ReportPage::File(path) => match std::fs::read(path) {
                Ok(bytes) => {
                    from_disk = bytes;
                    &from_disk
                }
                Err(error) => {
                    self.warn(REPORT, format!("cannot read report `{}`: {error}", path.display()));
                    return Ok(());
                }
            },
        };
        let Some(run) = self.runs.get(study_id) else { return Ok(()) };
        let upload = Upload { run_id: &run.run_id, artifact_uri: &run.artifact_uri, name: REPORT, bytes };
        match self.api.put_artifact(&upload) {
            Err(error) if error.severity() == Severity::Item => {
                self.warn(REPORT, format!("the report was not uploaded: {}", error.with_causes()));
                Ok(())
            }
            other => other,
        }
    }

    /// Finds or creates the experiment.
    fn ensure_experiment(&mut self, tags: &[(String, String)]) -> Result<(), CallError> {
        if self.experiment_id.is_some() {
            return Ok(());
        }
        let found = self.api.experiment(&self.experiment_name)?;
        let id = match found {
            // A deleted one refuses runs in the server's own words.
            Some(experiment) => experiment.experiment_id,
            None => match self.api.create_experiment(&self.experiment_name, tags) {
                Err(error) if error.has_code("RESOURCE_ALREADY_EXISTS") => {
                    // Somebody else was quicker.
                    self.api.experiment(&self.experiment_name)?.map(|e| e.experiment_id).ok_or(error)?
                }
                other => other?,
            },
        };
        self.experiment_id = Some(id);
        Ok(())
    }

    /// Finds or creates a run, and brings its parameters and tags up to what is wanted.
    fn attach(&mut self, wanted: &Wanted<'_>) -> Result<Delivered, CallError> {
        let mut tags: Vec<(String, String)> = self
            .common_tags
            .iter()
            .chain(&wanted.tags)
            .map(|(key, value)| (names::key(key), names::tag(value)))
            .collect();
        tags.push((KIND.to_owned(), wanted.kind.to_owned()));
        tags.push((TRIAL_ID.to_owned(), names::id(wanted.trial_id)));
        if !self.runs.contains_key(wanted.trial_id) {
            let experiment_id = self.experiment_id.clone().unwrap_or_default();
            let run = match self.api.find_run(&experiment_id, TRIAL_ID, &names::id(wanted.trial_id))? {
                Some(run) => run,
                None => self.api.create_run(&NewRun {
                    experiment_id: &experiment_id,
                    name: wanted.name,
                    start_time_ms: wanted.start_time_ms,
                    tags: std::mem::take(&mut tags),
                })?,
            };
            self.runs.insert(wanted.trial_id.to_owned(), KnownRun::new(wanted.name, run));
        }
        let Some(run) = self.runs.get_mut(wanted.trial_id) else { return Ok(Delivered::NoRun) };
        if matches!(run.status, RunStatus::Failed | RunStatus::Killed) {
            self.api.update_run(&run.run_id, RunStatus::Running, None)?;
            run.status = RunStatus::Running;
        }
        run.open = run.status == RunStatus::Running;

        let mut changed = Vec::new();
        let mut params = Vec::new();
        for (key, value) in &wanted.params {
            let (key, value) = (names::key(key), names::param(value));
            match run.params.get(&key) {
                None => params.push((key, value)),
                Some(there) if *there == value => {}
                Some(there) => {
                    let text = format!(
                        "parameter `{key}` of run `{}` is `{there}` on the server and cannot become `{value}`",
                        run.name
                    );
                    changed.push((key, text));
                }
            }
        }
        if !params.is_empty() || !tags.is_empty() {
            let batch = Batch { params: params.clone(), tags, ..Batch::default() };
            let refusals = self.api.log_batch(&run.run_id, batch)?;
            run.params.extend(params);
            let name = run.name.clone();
            self.warn_refusals(&name, &refusals);
        }
        for (key, text) in changed {
            self.warn(&format!("changed {key}"), text);
        }
        if wanted.with_dataset {
            self.log_dataset(wanted.trial_id)?;
        }
        Ok(Delivered::Sent)
    }

    fn log_dataset(&mut self, trial_id: &str) -> Result<(), CallError> {
        if let (Some(dataset), Some(run)) = (&self.dataset, self.runs.get_mut(trial_id))
            && !run.datasets.contains(&dataset.digest)
        {
            if let Err(error) = self.api.log_input(&run.run_id, dataset) {
                // It may have been done: the next try looks at the run first.
                self.runs.remove(trial_id);
                return Err(error);
            }
            run.datasets.push(dataset.digest.clone());
        }
        Ok(())
    }

    /// Sends points beyond the last step that the server has, or of the same step with another value for
    /// final ones (`step` 0).
    fn log_metrics(
        &mut self,
        trial_id: &str,
        metrics: &[(String, f64)],
        step: i64,
        time_ms: i64,
    ) -> Result<Delivered, CallError> {
        let Some(run) = self.runs.get_mut(trial_id) else { return Ok(Delivered::NoRun) };
        let is_new = |key: &str, value: f64| match run.last.get(key) {
            None => true,
            Some((last, there)) if step == 0 => {
                let same = *there == value || (there.is_nan() && value.is_nan());
                *last != 0 || !same
            }
            Some((last, _)) => step > *last,
        };
        let metrics: Vec<Metric> = metrics
            .iter()
            .map(|(name, value)| Metric { key: names::key(name), value: *value, time_ms, step })
            .filter(|metric| is_new(&metric.key, metric.value))
            .collect();
        if metrics.is_empty() {
            return Ok(Delivered::Sent);
        }
        let refusals =
            self.api.log_batch(&run.run_id, Batch { metrics: metrics.clone(), ..Batch::default() })?;
        run.last.extend(metrics.into_iter().map(|metric| (metric.key, (metric.step, metric.value))));
        let name = run.name.clone();
        self.warn_refusals(&name, &refusals);
        Ok(Delivered::Sent)
    }

    fn end(
        &mut self,
        trial_id: &str,
        outcome: Outcome,
        metrics: &[(String, f64)],
        time_ms: i64,
    ) -> Result<Delivered, CallError> {
        if self.log_metrics(trial_id, metrics, 0, time_ms)? == Delivered::NoRun {
            return Ok(Delivered::NoRun);
        }
        let Some(run) = self.runs.get_mut(trial_id) else { return Ok(Delivered::NoRun) };
        let status = match outcome {
            Outcome::Finished => RunStatus::Finished,
            Outcome::Failed => RunStatus::Failed,
            Outcome::Killed => RunStatus::Killed,
        };
        self.api.update_run(&run.run_id, status, Some(time_ms))?;
        run.status = status;
        run.open = false;
        Ok(Delivered::Sent)
    }

    fn warn_refusals(&mut self, run: &str, refusals: &[Refusal]) {
        for refusal in refusals {
            let text = format!("{} of run `{run}` was refused: {}", refusal.what, refusal.text);
            self.warn(&refusal.what, text);
        }
    }

    /// Tells `text`, but only once for each `about`.
    fn warn(&mut self, about: &str, text: String) {
        if self.warned.insert(about.to_owned()) {
            self.warnings.push(text);
        }
    }
}

impl KnownRun {
    fn new(name: &str, run: FoundRun) -> Self {
        KnownRun {
            name: name.to_owned(),
            run_id: run.run_id,
            artifact_uri: run.artifact_uri,
            status: run.status,
            last: run.metrics.into_iter().map(|m| (m.key, (m.step, m.value))).collect(),
            params: run.params.into_iter().collect(),
            datasets: run.datasets,
            open: false,
        }
    }
}

/// The server takes digests of up to 36 characters.
fn dataset(source: &DatasetSource) -> Dataset {
    Dataset {
        name: source.name.chars().take(500).collect(),
        digest: source.digest.chars().take(36).collect(),
        source: source.source.clone(),
    }
}
