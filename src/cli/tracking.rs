//! The engine's news as facts for MLflow. A run that was made before, and was never sent, is told from its results.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::print;
use super::render::{Failure, plain};
use super::study::Study;
use crate::cache::{Entry, Store, write_atomic};
use crate::clock::unix_ms as now_ms;
use crate::engine::{self, Event};
use crate::fingerprint::Digest;
use crate::job::EpochRow;
use crate::plan::{Plan, Stage, output};
use crate::spec::settings::{Dataset, Variant};
use crate::tables;
use crate::tables::rows::{EffectRow, HistoryRow, MetricRow};
use crate::track::{
    Credentials, DatasetSource, Epoch, Outcome, ReportPage, RunFinished, RunStarted, StudyFinished,
    StudyStarted, TrackEvent, Tracker, TrackerConfig,
};

/// How long the end of a study waits for the server.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sends to MLflow, or does nothing where the spec names no server.
pub struct Tracking {
    store: Store,
    plan: Arc<Plan>,
    tracker: Option<Tracker>,
    study_id: String,
    /// Runs whose training is under way here, with the key of it.
    live: HashMap<String, Digest>,
    trained: HashMap<String, Entry>,
    /// The digest of the table of images, which holds theirs.
    images: Option<Digest>,
    delivered: Delivered,
    told: HashSet<String>,
}

impl Tracking {
    /// Asks the server of the spec, if there is one.
    ///
    /// # Errors
    /// What only the user can set right.
    pub fn start(study: &Study) -> Result<Self, Failure> {
        let experiment = &study.plan.experiment;
        let settings = serde_json::to_string(&study.plan.spec).unwrap_or_default();
        let study_id = format!("{}-{}", experiment.name, Digest::of(settings.as_bytes()).short());
        let mut tracking = Tracking {
            store: study.store.clone(),
            plan: study.plan.clone(),
            tracker: None,
            study_id,
            live: HashMap::new(),
            trained: HashMap::new(),
            images: None,
            delivered: Delivered::default(),
            told: HashSet::new(),
        };
        let Some(uri) = &experiment.tracking.mlflow else {
            return Ok(tracking);
        };
        let name = &experiment.tracking.mlflow_experiment;
        let config = TrackerConfig {
            uri: uri.clone(),
            experiment: if name.is_empty() { experiment.name.clone() } else { name.clone() },
            required: experiment.tracking.required,
            credentials: Credentials::from_env(),
            ..TrackerConfig::default()
        };
        let tracker = Tracker::start(config).map_err(|error| {
            Failure::new(1, &error, Some("see docs/mlflow.md; without `[tracking] mlflow` nothing is sent"))
        })?;
        tracking.delivered = Delivered::load(study, uri);
        tracking.tracker = Some(tracker);
        tracking.tell_warnings();
        Ok(tracking)
    }

    /// Goes on with a plan of more runs.
    pub fn follow(&mut self, plan: &Arc<Plan>) {
        self.plan = plan.clone();
    }

    /// Takes in the engine's news.
    pub fn take(&mut self, event: &Event) {
        if self.tracker.is_none() {
            return;
        }
        match event {
            Event::Finished { stage: Stage::Scan, entry, .. } => {
                self.images.get_or_insert_with(|| entry.digest(output::IMAGES).clone());
            }
            Event::Started { stage: Stage::Train, run, key, .. } => {
                self.tell_study();
                self.live.insert(run.clone(), key.clone());
                self.send(self.run_started(run, key, now_ms()));
            }
            Event::Epoch { run, row } => {
                if let Some(key) = self.live.get(run) {
                    self.send(TrackEvent::Epoch(self.epoch(run, key, row)));
                }
            }
            Event::Finished { stage: Stage::Train, run, entry, .. } => {
                self.trained.insert(run.clone(), (**entry).clone());
            }
            Event::Finished { stage: Stage::Evaluate, run, entry, .. } => self.run_finished(run, entry),
            Event::Failed { stage: Stage::Train | Stage::Predict, run, .. } => {
                if let Some(key) = self.live.remove(run) {
                    self.end_without_result(run, &key, Outcome::Failed);
                }
            }
            _ => {}
        }
        self.tell_warnings();
    }

    /// Sends what is left, for at most [`PATIENCE`], and says what the server has. `outcome`: `None` where the study
    /// could not go on; `page` and `effects`: where there is a report.
    pub fn finish(mut self, outcome: Option<&engine::Outcome>, page: Option<&Path>, effects: &[EffectRow]) {
        if self.tracker.is_none() {
            return;
        }
        let ended = match outcome {
            Some(outcome) if outcome.interrupted => Outcome::Killed,
            Some(outcome) if outcome.failed.is_empty() => Outcome::Finished,
            _ => Outcome::Failed,
        };
        for (run, key) in std::mem::take(&mut self.live) {
            let ended = if ended == Outcome::Finished { Outcome::Killed } else { ended };
            self.end_without_result(&run, &key, ended);
        }
        if !self.told.is_empty() {
            let event = StudyFinished {
                study_id: self.study_id.clone(),
                outcome: ended,
                report: page.map(|page| ReportPage::File(page.to_owned())),
                metrics: found(effects),
                time_ms: now_ms(),
            };
            self.send(TrackEvent::StudyFinished(event));
        }
        let Some(tracker) = self.tracker.take() else { return };
        let sent = tracker.finish(PATIENCE);
        for warning in &sent.warnings {
            print::err(&plain(&format!("warning: {warning}")));
        }
        if sent.unsent > 0 {
            print::err(&format!(
                "warning: {} runs are not whole on the MLflow server; nothing is lost, the next `run` sends them",
                sent.unsent
            ));
        } else {
            self.delivered.trials.extend(self.told.drain());
            self.delivered.save();
        }
        if let Some(page) = sent.page.filter(|_| sent.sent > 0) {
            print::err(&format!("MLflow: {page}"));
        }
    }

    fn end_without_result(&self, run: &str, key: &Digest, outcome: Outcome) {
        let trial_id = self.trial_id(run, key);
        let event = RunFinished { trial_id, outcome, metrics: Vec::new(), time_ms: now_ms() };
        self.send(TrackEvent::RunFinished(event));
    }

    fn tell_study(&mut self) {
        if !self.told.insert(self.study_id.clone()) {
            return;
        }
        let experiment = &self.plan.experiment;
        let settings = [
            ("model", format!("{:?}", experiment.model.name)),
            ("epochs", experiment.train.epochs.to_string()),
            ("image_size", experiment.images.size.to_string()),
            ("runs", self.plan.runs.len().to_string()),
        ];
        let event = StudyStarted {
            study_id: self.study_id.clone(),
            name: experiment.name.clone(),
            question: experiment.question.clone(),
            params: settings.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
            dataset: self.images.as_ref().map(|digest| dataset(&experiment.dataset, digest)),
            time_ms: now_ms(),
        };
        self.send(TrackEvent::StudyStarted(event));
    }

    /// A run is whole: its end, or all of it where its training was not watched here.
    fn run_finished(&mut self, run: &str, evaluated: &Entry) {
        let Some(trained) = self.trained.get(run).cloned() else { return };
        let key = trained.key.clone();
        let trial_id = self.trial_id(run, &key);
        let watched = self.live.remove(run).is_some();
        // The key of the scores too: other thresholds are other final numbers of the same run.
        let mark = format!("{trial_id}/{}", evaluated.key.short());
        if self.delivered.trials.contains(&mark) {
            return;
        }
        self.tell_study();
        let end_ms = trained.provenance.finished_unix_s as i64 * 1000;
        if !watched {
            let start_ms = end_ms - (trained.provenance.elapsed_s * 1000.0) as i64;
            self.send(self.run_started(run, &key, start_ms));
            for row in self.history(&trained) {
                self.send(TrackEvent::Epoch(self.epoch(run, &key, &row)));
            }
        }
        let metrics = self.finals(evaluated);
        let event = RunFinished { trial_id, outcome: Outcome::Finished, metrics, time_ms: end_ms };
        self.send(TrackEvent::RunFinished(event));
        self.told.insert(mark);
    }

    fn run_started(&self, run: &str, key: &Digest, start_time_ms: i64) -> TrackEvent {
        let plan = &self.plan;
        let found = plan.runs.iter().find(|candidate| candidate.name == run);
        let variant = found.map(|run| plan.variants[run.variant].clone());
        TrackEvent::RunStarted(RunStarted {
            run: run.to_owned(),
            variant: variant.as_ref().map(|v| v.name.clone()).unwrap_or_default(),
            seed: found.map_or(0, |run| run.seed),
            fold: found.and_then(|run| run.fold),
            trial_id: self.trial_id(run, key),
            params: variant.map(|variant| params(&variant)).unwrap_or_default(),
            tags: BTreeMap::from([("study.fingerprint".to_owned(), key.to_string())]),
            start_time_ms,
        })
    }

    fn epoch(&self, run: &str, key: &Digest, row: &EpochRow) -> Epoch {
        let number = |value: Option<f64>| value.unwrap_or(f64::NAN);
        let metrics = [
            ("train/loss", number(row.train_loss)),
            ("val/loss", number(row.val_loss)),
            ("val/map_macro", number(row.val_map_macro)),
            ("train/lr", row.lr),
            ("time/images_per_second", row.images_per_second),
        ];
        Epoch {
            trial_id: self.trial_id(run, key),
            epoch: row.epoch,
            time_ms: row.finished_ms,
            metrics: metrics.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        }
    }

    fn history(&self, trained: &Entry) -> Vec<EpochRow> {
        let path = self.store.object(trained.digest(output::HISTORY)).ok();
        let rows: Vec<HistoryRow> = path.and_then(|path| tables::read(&path).ok()).unwrap_or_default();
        let finite = |value: f64| value.is_finite().then_some(value);
        let row = |row: HistoryRow| EpochRow {
            epoch: row.epoch,
            lr: row.lr,
            train_loss: finite(row.train_loss),
            val_loss: finite(row.val.loss),
            val_map_macro: finite(row.val.map_macro),
            seconds: row.seconds,
            images_per_second: row.images_per_second,
            finished_ms: row.finished_ms,
        };
        rows.into_iter().map(row).collect()
    }

    fn finals(&self, evaluated: &Entry) -> Vec<(String, f64)> {
        let path = self.store.object(evaluated.digest(output::METRICS)).ok();
        let rows: Vec<MetricRow> = path.and_then(|path| tables::read(&path).ok()).unwrap_or_default();
        let name = |row: &MetricRow| match &row.label {
            None => format!("test/{}", row.metric),
            Some(label) => format!("test/{}/{label}", row.metric),
        };
        let kept =
            |row: &MetricRow| row.label.is_none() || matches!(row.metric.as_str(), "ap" | "f1" | "threshold");
        rows.iter().filter(|row| kept(row)).map(|row| (name(row), row.value)).collect()
    }

    /// The run's name too: a sweep of the evaluation has runs that share a training.
    fn trial_id(&self, run: &str, key: &Digest) -> String {
        let both = Digest::of(format!("{run}\n{key}").as_bytes());
        format!("{}-{}", self.plan.experiment.name, both.short())
    }

    fn send(&self, event: TrackEvent) {
        if let Some(tracker) = &self.tracker {
            tracker.send(event);
        }
    }

    fn tell_warnings(&self) {
        let warnings = self.tracker.as_ref().map(Tracker::take_warnings).unwrap_or_default();
        for warning in warnings {
            print::err(&plain(&format!("warning: {warning}")));
        }
    }
}

/// The dataset by the name of its folder: a path may tell of the machine.
fn dataset(settings: &Dataset, digest: &Digest) -> DatasetSource {
    let folder = settings.images.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let source = match settings.generate {
        Some(_) => "generated",
        None => "files",
    };
    DatasetSource { name: folder, digest: digest.short().to_owned(), source: source.to_owned() }
}

/// What the study found, as numbers: each variant's effect with its interval.
fn found(effects: &[EffectRow]) -> Vec<(String, f64)> {
    let numbers = |row: &EffectRow| {
        let name = format!("effect/{}/{}", row.metric, row.variant);
        [
            (format!("{name}/delta"), row.delta),
            (format!("{name}/low"), row.low),
            (format!("{name}/high"), row.high),
        ]
    };
    effects.iter().flat_map(numbers).collect()
}

/// Settings of a run that are worth comparing on a server.
fn params(variant: &Variant) -> BTreeMap<String, String> {
    let experiment = &variant.experiment;
    let value = serde_json::json!({
        "arm": variant.arm,
        "model": experiment.model,
        "train": experiment.train,
        "images": experiment.images,
        "split": experiment.split,
        "balance": experiment.balance,
    });
    let mut params = BTreeMap::new();
    flatten("", &value, &mut params);
    params.insert("policy".to_owned(), crate::augment::describe(&variant.policy));
    // A path is no setting of the study, and may tell of the machine.
    params.retain(|name, _| name != "model.weights.path" && name != "model.module.path");
    params
}

fn flatten(name: &str, value: &serde_json::Value, params: &mut BTreeMap<String, String>) {
    match value {
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                flatten(&name, value, params);
            }
        }
        serde_json::Value::String(text) => {
            params.insert(name.to_owned(), text.clone());
        }
        other => {
            params.insert(name.to_owned(), other.to_string());
        }
    }
}

/// The runs that a server has whole, so that they are not sent again.
#[derive(Debug, Default)]
struct Delivered {
    place: PathBuf,
    trials: BTreeSet<String>,
}

impl Delivered {
    fn load(study: &Study, uri: &str) -> Self {
        let place = study.store.layout().delivered(&study.plan.experiment.name, uri);
        let bytes = std::fs::read(&place).unwrap_or_default();
        Delivered { place, trials: serde_json::from_slice(&bytes).unwrap_or_default() }
    }

    fn save(&self) {
        let bytes = serde_json::to_vec(&self.trials).unwrap_or_default();
        if let Err(error) = write_atomic(&self.place, &bytes) {
            // Sending twice changes nothing on the server.
            tracing::debug!(%error, "the list of sent runs was not kept");
        }
    }
}
