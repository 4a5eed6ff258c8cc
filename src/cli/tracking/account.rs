//! What there is to tell of a study: its plan and its results as facts for a tracking server.
//!
//! Facts are made of settings and results, not of the moment at which they are told, so that a run that was watched and the same
//! run read from the cache end as the same run on the server.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::render::with_cause;
use crate::cache::{Entry, Store};
use crate::fingerprint::Digest;
use crate::job::EpochRow;
use crate::plan::{Plan, output};
use crate::spec::settings::{Dataset, Variant};
use crate::tables;
use crate::tables::rows::{EffectRow, HistoryRow, MetricRow};
use crate::track::{
    Content, DatasetSource, Epoch, History, Outcome, RunFinished, RunStarted, StudyFile, StudyFinished,
    StudyStarted, TrackEvent,
};

/// The report's name on the server.
const REPORT: &str = "report.html";
/// The name of the table of effects there.
const EFFECTS: &str = "effects.csv";

/// Tells of one study.
pub struct Account {
    store: Store,
    plan: Arc<Plan>,
    study_id: String,
    /// The digest of the table of images, which holds theirs.
    images: Option<Digest>,
}

impl Account {
    /// Of this plan, with results in `store`.
    pub fn new(store: &Store, plan: &Arc<Plan>) -> Self {
        let settings = serde_json::to_string(&plan.spec).unwrap_or_default();
        let study_id = format!("{}-{}", plan.experiment.name, Digest::of(settings.as_bytes()).short());
        Account { store: store.clone(), plan: plan.clone(), study_id, images: None }
    }

    /// Goes on with a plan of more runs.
    pub fn follow(&mut self, plan: &Arc<Plan>) {
        self.plan = plan.clone();
    }

    /// Takes note of the images: `scanned` is the result of `scan`.
    pub fn see_images(&mut self, scanned: &Entry) {
        self.images.get_or_insert_with(|| scanned.digest(output::IMAGES).clone());
    }

    /// The id of the study itself.
    pub fn study_id(&self) -> &str {
        &self.study_id
    }

    /// The id of a run. It holds the run's name too: a sweep of the evaluation has runs that share a training.
    pub fn trial_id(&self, run: &str, key: &Digest) -> String {
        let both = Digest::of(format!("{run}\n{key}").as_bytes());
        format!("{}-{}", self.plan.experiment.name, both.short())
    }

    /// What stands for a run with its scores: other thresholds are other final numbers of the same run.
    pub fn mark(&self, run: &str, trained: &Entry, evaluated: &Entry) -> String {
        format!("{}/{}", self.trial_id(run, &trained.key), evaluated.key.short())
    }

    /// The study begins.
    pub fn study_started(&self, time_ms: i64, live: bool) -> TrackEvent {
        let experiment = &self.plan.experiment;
        let mut settings = vec![
            ("model", format!("{:?}", experiment.model.name)),
            ("epochs", experiment.train.epochs.to_string()),
            ("image_size", experiment.images.size.to_string()),
        ];
        // A study that adds seeds has more of them later, and a parameter cannot change.
        if experiment.adaptive.is_none() {
            settings.push(("runs", self.plan.runs.len().to_string()));
        }
        TrackEvent::StudyStarted(StudyStarted {
            study_id: self.study_id.clone(),
            name: experiment.name.clone(),
            question: experiment.question.clone(),
            params: settings.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
            dataset: self.images.as_ref().map(|digest| dataset(&experiment.dataset, digest)),
            live,
            time_ms,
        })
    }

    /// A run begins; `key`: of its training.
    pub fn run_started(&self, run: &str, key: &Digest, start_time_ms: i64, live: bool) -> TrackEvent {
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
            live,
            start_time_ms,
        })
    }

    /// An epoch of a run.
    pub fn epoch(&self, run: &str, key: &Digest, row: &EpochRow) -> Epoch {
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

    /// A run that has its scores ends.
    ///
    /// # Errors
    /// What of its results cannot be read, and why.
    pub fn run_finished(&self, run: &str, trained: &Entry, evaluated: &Entry) -> Result<TrackEvent, String> {
        let rows: Vec<MetricRow> = self.table(evaluated, output::METRICS)?;
        let name = |row: &MetricRow| match &row.label {
            None => format!("test/{}", row.metric),
            Some(label) => format!("test/{}/{label}", row.metric),
        };
        let kept =
            |row: &MetricRow| row.label.is_none() || matches!(row.metric.as_str(), "ap" | "f1" | "threshold");
        Ok(TrackEvent::RunFinished(RunFinished {
            trial_id: self.trial_id(run, &trained.key),
            outcome: Outcome::Finished,
            metrics: rows.iter().filter(|row| kept(row)).map(|row| (name(row), row.value)).collect(),
            time_ms: end_ms(trained),
        }))
    }

    /// A run ends that has no scores.
    pub fn run_ended(&self, run: &str, key: &Digest, outcome: Outcome, time_ms: i64) -> TrackEvent {
        let trial_id = self.trial_id(run, key);
        TrackEvent::RunFinished(RunFinished { trial_id, outcome, metrics: Vec::new(), time_ms })
    }

    /// All of a run that was not watched, from its results; how it ended is not known without scores.
    ///
    /// # Errors
    /// What of its results cannot be read, and why.
    pub fn whole_run(
        &self,
        run: &str,
        trained: &Entry,
        evaluated: Option<&Entry>,
    ) -> Result<Vec<TrackEvent>, String> {
        let key = &trained.key;
        let rows: Vec<HistoryRow> = self.table(trained, output::HISTORY)?;
        let epochs = rows.into_iter().map(|row| self.epoch(run, key, &told(row))).collect();
        let ended = match evaluated {
            Some(evaluated) => self.run_finished(run, trained, evaluated)?,
            None => self.run_ended(run, key, Outcome::Unknown, end_ms(trained)),
        };
        let history = TrackEvent::History(History { trial_id: self.trial_id(run, key), epochs });
        Ok(vec![self.run_started(run, key, start_ms(trained), false), history, ended])
    }

    /// The study ends; `report`: where there is one.
    ///
    /// # Errors
    /// What of the report cannot be read, and why.
    pub fn study_finished(
        &self,
        outcome: Outcome,
        report: Option<&Entry>,
        time_ms: i64,
    ) -> Result<TrackEvent, String> {
        let (mut files, mut metrics) = (Vec::new(), Vec::new());
        if let Some(report) = report {
            let path = |name| self.store.object(report.digest(name)).map_err(|error| with_cause(&error));
            for (name, from) in [(REPORT, output::PAGE), (EFFECTS, output::EFFECTS_CSV)] {
                files.push(StudyFile { name: name.to_owned(), content: Content::File(path(from)?) });
            }
            metrics = found(&self.table::<Vec<EffectRow>>(report, output::EFFECTS)?);
        }
        let study_id = self.study_id.clone();
        Ok(TrackEvent::StudyFinished(StudyFinished { study_id, outcome, files, metrics, time_ms }))
    }

    fn table<T: tables::Table>(&self, entry: &Entry, name: &str) -> Result<T, String> {
        let path = self.store.object(entry.digest(name)).map_err(|error| with_cause(&error))?;
        tables::read(&path).map_err(|error| with_cause(&error))
    }
}

/// When a training began, in milliseconds since 1970 (UTC); of one that was resumed, its last part.
pub fn start_ms(trained: &Entry) -> i64 {
    end_ms(trained) - (trained.provenance.elapsed_s * 1000.0) as i64
}

/// When a result was there, likewise.
pub fn end_ms(entry: &Entry) -> i64 {
    i64::try_from(entry.provenance.finished_unix_s).unwrap_or(i64::MAX / 1000).saturating_mul(1000)
}

/// An epoch of a history, as it is told of while it is under way.
fn told(row: HistoryRow) -> EpochRow {
    let finite = |value: f64| value.is_finite().then_some(value);
    EpochRow {
        epoch: row.epoch,
        lr: row.lr,
        train_loss: finite(row.train_loss),
        val_loss: finite(row.val.loss),
        val_map_macro: finite(row.val.map_macro),
        seconds: row.seconds,
        images_per_second: row.images_per_second,
        finished_ms: row.finished_ms,
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

/// What the study found over all labels, as numbers: each variant's effect with its interval.
fn found(effects: &[EffectRow]) -> Vec<(String, f64)> {
    let numbers = |row: &EffectRow| {
        let name = format!("effect/{}/{}", row.metric, row.variant);
        [
            (format!("{name}/delta"), row.delta),
            (format!("{name}/low"), row.low),
            (format!("{name}/high"), row.high),
        ]
    };
    effects.iter().filter(|row| row.label.is_none()).flat_map(numbers).collect()
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
