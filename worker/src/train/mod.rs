//! The stage `train`: one run, from its inputs to a model in the cache.
//!
//! ```text
//! order      the rows of an epoch, in its order
//! loader     augmented batches, ahead of the step
//! learner    forward, loss, backward, step; the average of the weights
//! epoch      one pass: batch after batch, each step at the rate of the schedule
//! session    epoch after epoch: validation, the best so far, checkpoints
//! ```

pub mod average;
pub mod checkpoint;
mod early_stopping;
pub mod epoch;
mod kept;
pub mod learner;
pub mod loader;
pub mod loss;
pub mod optimizer;
pub mod order;
pub mod schedule;
mod session;
mod validation;

use std::path::Path;
use std::time::Instant;

use ablatrix::cache::Store;
use ablatrix::job::{EpochRow, Job, StopReason, TrainSummary, WorkerEvent, input, output};
use ablatrix::metrics::Course;
use ablatrix::spec::settings::{EarlyStopping, ValMetric, Weights};
use ablatrix::tables::{self, rows::HistoryRow};

use crate::failure::JobError;
use crate::inputs::{self, Examples, InputError};
use crate::serve::{self, Outcome, Worker};
use crate::{network, precision, torch};
use average::Average;
use early_stopping::watched;
use learner::Learner;
use loss::{LossFunction, positive_weights};
use session::{EpochEnd, Session};

/// Trains a run from its last checkpoint on, and publishes model, history and summary.
///
/// # Errors
/// See [`JobError`]. A loss that is NaN or infinite is none: it ends the training, and the result says so.
pub fn train(job: &Job, store: &Store, worker: &Worker) -> Result<Outcome, JobError> {
    let started = Instant::now();
    let device = torch::open_device(job.device, job.threads)?;
    precision::prepare(job.train.precision);
    let examples = Examples::open(job, store)?;
    let index = examples.train_index(job, store)?;
    if job.train.needs_validation() && !examples.has_validation() {
        return Err(InputError::TooFew { part: "val", n_rows: 0, least: 1 }.into());
    }
    let build = || network::of(job, store, examples.labels().len(), device);
    let mut network = build()?;
    let mut replaced = Vec::new();
    if job.inputs.contains_key(input::WEIGHTS) {
        let copy = inputs::path(job, store, input::WEIGHTS)?;
        let named = match &job.model.weights {
            Weights::Path(named) => named.clone(),
            Weights::Hub(model) => model.to_string().into(),
            Weights::None => copy.clone(),
        };
        replaced = network.load_weights_of(&copy, &named)?.replaced;
    }
    let positive_weights = positive_weights::of(&job.train.loss, &examples, &index)?;
    let loss = LossFunction::new(&job.train.loss, positive_weights.clone(), device)?;
    let average = match job.train.ema {
        decay if decay > 0.0 => Some(Average::new(build()?, &network, decay)?),
        _ => None,
    };
    let learner = Learner::new(&job.train, network, loss, average)?;

    let key = &job.fingerprint.key;
    let checkpoint = checkpoint::path(&store.checkpoint_dir(key)?);
    let mut session = Session::new(job, &examples, &index, learner, device, checkpoint)?;
    if let Some(reason) = session.resume()? {
        worker.warn(&format!("the checkpoint of `{}` is passed over: {reason}", job.run));
    }
    let (resumed_epochs, epochs) = (session.epochs_done(), job.train.epochs);
    worker.events.emit(&WorkerEvent::Started { key: key.clone(), resumed_epochs, epochs });

    let stop = loop {
        if let Some(stop) = session.is_over() {
            break stop;
        }
        let end = session.run_epoch(&worker.stop)?;
        if end == EpochEnd::Interrupted {
            return Ok(Outcome::Interrupted);
        }
        if let Some(row) = session.last_row() {
            worker.events.emit(&WorkerEvent::Epoch { key: key.clone(), row: as_event(row) });
        }
        if end == EpochEnd::Diverged {
            break StopReason::Diverged;
        }
    };

    let trained = session.finish()?;
    let (trained_parameters, parameters) = trained.network.parameters();
    let summary = TrainSummary {
        epochs_run: trained.history.len() as u32,
        epochs_planned: epochs,
        best_epoch: trained.best_epoch,
        best_watched_epoch: best_watched(&trained.history, job.train.early_stopping.as_ref()),
        stop,
        trained_parameters,
        parameters,
        replaced,
        positive_weights,
    };
    let attempt = store.attempt(&job.fingerprint)?;
    trained.network.save(&attempt.path(output::MODEL))?;
    tables::write(&attempt.path(output::HISTORY), &trained.history, &job.fingerprint.stage)?;
    write_summary(&attempt.path(output::SUMMARY), &summary)?;
    attempt.publish(&[output::MODEL, output::HISTORY, output::SUMMARY], serve::provenance(job, started))?;
    Ok(Outcome::Published)
}

/// Loader threads beside `threads` that compute: none where there is one, for it would only take the core away
/// from the step; else one, whose work is short beside the step's.
fn loader_threads(threads: u32) -> usize {
    usize::from(threads > 1)
}

fn write_summary(path: &Path, summary: &TrainSummary) -> Result<(), JobError> {
    let text = serde_json::to_vec_pretty(summary)
        .unwrap_or_else(|error| panic!("bug: a summary is plain data: {error}"));
    std::fs::write(path, text).map_err(|source| JobError::Io {
        doing: "write",
        path: path.to_owned(),
        source,
    })
}

/// The epoch that was best by what early stopping watches, or by the validation loss without it; the first of equals, 0
/// where none has a finite value.
fn best_watched(history: &[HistoryRow], early_stopping: Option<&EarlyStopping>) -> u32 {
    let metric = early_stopping.map_or(ValMetric::ValLoss, |stopping| stopping.metric);
    let finite = |value: f64| if value.is_finite() { value } else { f64::NAN };
    let values: Vec<f64> = history.iter().map(|row| finite(watched(&row.val, metric))).collect();
    Course::from_watched(&values, metric.higher_is_better(), false).best_epoch
}

fn as_event(row: &HistoryRow) -> EpochRow {
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
