//! Turns one event into calls, so that the same event twice leaves the server as it was after the first.
//!
//! A run is looked for by its tag `study.trial_id` and created only where there is none; parameters, tags and files that
//! the server has are not sent again; points of a metric up to the last step that the server has are not sent
//! again, and of a whole history none that it has. Live events and replayed ones go through here alike.
//!
//! How it looks on the server (checked in MLflow's pages): runs lie flat, since nested ones are missing from
//! charts and comparisons; `variant`, `seed` and `fold` are parameters, to group and filter by; one more run, of
//! `study.kind` = `study`, holds the report and the study's own numbers.

mod files;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::api::{Api, Batch, Dataset, Metric, NewRun, Refusal, RunStatus};
use super::event::{
    DatasetSource, Epoch, History, Outcome, RunFinished, RunStarted, StudyFinished, StudyStarted, TrackEvent,
};
use super::http::CallError;
use super::known_run::KnownRun;
use super::names;
use super::sent::Sent;

/// The tag by which a run is found again.
pub(super) const TRIAL_ID: &str = "study.trial_id";
/// The tag that tells runs (`run`) from the study itself (`study`).
pub(super) const KIND: &str = "study.kind";

/// Sends events to one experiment of one server.
pub(super) struct Delivery {
    pub api: Box<dyn Api>,
    experiment_name: String,
    experiment_id: Option<String>,
    common_tags: BTreeMap<String, String>,
    dataset: Option<Dataset>,
    runs: HashMap<String, KnownRun>,
    /// What was sent of each run since it was last asked for.
    sent: HashMap<String, Sent>,
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

/// A run as an event wants it.
struct Wanted<'a> {
    trial_id: &'a str,
    kind: &'static str,
    name: &'a str,
    start_time_ms: i64,
    params: BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
    with_dataset: bool,
    /// It is under way now.
    live: bool,
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
            sent: HashMap::new(),
            warned: BTreeSet::new(),
            warnings: Vec::new(),
        }
    }

    /// What should be told, each thing once.
    pub fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }

    /// What was sent of a run since the last call.
    pub fn take_sent(&mut self, trial_id: &str) -> Sent {
        self.sent.remove(trial_id).unwrap_or_default()
    }

    /// The name of a run that the server has.
    pub fn name(&self, trial_id: &str) -> Option<&str> {
        self.runs.get(trial_id).map(|run| run.name.as_str())
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
            TrackEvent::History(event) => self.history(event),
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
            live: event.live,
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
            live: event.live,
        })
    }

    fn epoch(&mut self, event: &Epoch) -> Result<Delivered, CallError> {
        self.log_new(&event.trial_id, points(event))
    }

    /// Sends the points that the server lacks, wherever they stand: one that got lost may lie before others that arrived.
    fn history(&mut self, event: &History) -> Result<Delivered, CallError> {
        let Some(run) = self.runs.get(&event.trial_id) else { return Ok(Delivered::NoRun) };
        let mut metrics: Vec<Metric> = event.epochs.iter().flat_map(points).collect();
        for key in run.known_metrics(&metrics) {
            let steps = self.api.steps(&run.run_id, &key)?;
            metrics.retain(|metric| metric.key != key || !steps.contains(&metric.step));
        }
        self.log(&event.trial_id, metrics)
    }

    fn run_finished(&mut self, event: &RunFinished) -> Result<Delivered, CallError> {
        self.end(&event.trial_id, event.outcome, &event.metrics, event.time_ms)
    }

    fn study_finished(&mut self, event: &StudyFinished) -> Result<Delivered, CallError> {
        for file in &event.files {
            self.upload(&event.study_id, file)?;
        }
        self.end(&event.study_id, event.outcome, &event.metrics, event.time_ms)
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
        let sent = self.sent.entry(wanted.trial_id.to_owned()).or_default();
        if !self.runs.contains_key(wanted.trial_id) {
            let experiment_id = self.experiment_id.clone().unwrap_or_default();
            let run = match self.api.find_run(&experiment_id, TRIAL_ID, &names::id(wanted.trial_id))? {
                Some(run) => run,
                None => {
                    let mut run = self.api.create_run(&NewRun {
                        experiment_id: &experiment_id,
                        name: wanted.name,
                        start_time_ms: wanted.start_time_ms,
                        tags: tags.clone(),
                    })?;
                    sent.created = true;
                    run.tags.clone_from(&tags);
                    run
                }
            };
            self.runs.insert(wanted.trial_id.to_owned(), KnownRun::new(wanted.name, run));
        }
        let Some(run) = self.runs.get_mut(wanted.trial_id) else { return Ok(Delivered::NoRun) };
        // One that is told from its results goes on as it ended; how it ended is told next.
        if wanted.live && matches!(run.status, RunStatus::Failed | RunStatus::Killed) {
            self.api.update_run(&run.run_id, RunStatus::Running, None)?;
            run.status = RunStatus::Running;
            sent.marks += 1;
        }
        run.open = run.status == RunStatus::Running;

        tags.retain(|(key, value)| run.tags.get(key) != Some(value));
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
            let batch = Batch { params: params.clone(), tags: tags.clone(), ..Batch::default() };
            let refusals = self.api.log_batch(&run.run_id, batch)?;
            sent.params += params.len();
            sent.marks += tags.len();
            run.params.extend(params);
            run.tags.extend(tags);
            self.note_refusals(wanted.trial_id, &refusals);
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
            self.sent.entry(trial_id.to_owned()).or_default().marks += 1;
        }
        Ok(())
    }

    /// Sends those of the points that the server lacks, going by its last ones.
    fn log_new(&mut self, trial_id: &str, mut metrics: Vec<Metric>) -> Result<Delivered, CallError> {
        let Some(run) = self.runs.get(trial_id) else { return Ok(Delivered::NoRun) };
        metrics.retain(|metric| run.lacks(metric));
        self.log(trial_id, metrics)
    }

    fn log(&mut self, trial_id: &str, metrics: Vec<Metric>) -> Result<Delivered, CallError> {
        let Some(run) = self.runs.get_mut(trial_id) else { return Ok(Delivered::NoRun) };
        if metrics.is_empty() {
            return Ok(Delivered::Sent);
        }
        let refusals =
            self.api.log_batch(&run.run_id, Batch { metrics: metrics.clone(), ..Batch::default() })?;
        run.has_now(&metrics);
        let sent = self.sent.entry(trial_id.to_owned()).or_default();
        sent.points += metrics.len().saturating_sub(refusals.len());
        self.note_refusals(trial_id, &refusals);
        Ok(Delivered::Sent)
    }

    fn end(
        &mut self,
        trial_id: &str,
        outcome: Outcome,
        metrics: &[(String, f64)],
        time_ms: i64,
    ) -> Result<Delivered, CallError> {
        let metrics = metrics.iter().map(|(name, value)| metric(name, *value, 0, time_ms)).collect();
        if self.log_new(trial_id, metrics)? == Delivered::NoRun {
            return Ok(Delivered::NoRun);
        }
        let Some(run) = self.runs.get_mut(trial_id) else { return Ok(Delivered::NoRun) };
        let status = match outcome {
            Outcome::Finished => RunStatus::Finished,
            Outcome::Failed => RunStatus::Failed,
            Outcome::Killed => RunStatus::Killed,
            Outcome::Unknown if run.status == RunStatus::Running => RunStatus::Killed,
            Outcome::Unknown => run.status,
        };
        if status != run.status {
            self.api.update_run(&run.run_id, status, Some(time_ms))?;
            self.sent.entry(trial_id.to_owned()).or_default().marks += 1;
        }
        run.status = status;
        run.open = false;
        Ok(Delivered::Sent)
    }

    fn note_refusals(&mut self, trial_id: &str, refusals: &[Refusal]) {
        let run = self.name(trial_id).unwrap_or(trial_id).to_owned();
        for refusal in refusals {
            let text = format!("{} of run `{run}` was refused: {}", refusal.what, refusal.text);
            self.warn(&refusal.what, text);
            self.sent.entry(trial_id.to_owned()).or_default().refused.push(refusal.what.clone());
        }
    }

    /// Tells `text`, but only once for each `about`.
    fn warn(&mut self, about: &str, text: String) {
        if self.warned.insert(about.to_owned()) {
            self.warnings.push(text);
        }
    }
}

/// The points of an epoch.
fn points(epoch: &Epoch) -> Vec<Metric> {
    let step = i64::from(epoch.epoch);
    epoch.metrics.iter().map(|(name, value)| metric(name, *value, step, epoch.time_ms)).collect()
}

/// A point in the form that the server accepts.
fn metric(name: &str, value: f64, step: i64, time_ms: i64) -> Metric {
    Metric { key: names::key(name), value, time_ms, step }
}

/// The server takes digests of up to 36 characters.
fn dataset(source: &DatasetSource) -> Dataset {
    Dataset {
        name: source.name.chars().take(500).collect(),
        digest: source.digest.chars().take(36).collect(),
        source: source.source.clone(),
    }
}
