//! The stage `train`: one run, from its inputs to a model in the cache.
//!
//! ```text
//! order      the rows of an epoch, in its order
//! loader     augmented batches, ahead of the step
//! epoch      one pass: forward, loss, backward, step
//! session    epoch after epoch: validation, the best so far, checkpoints
//! ```

pub mod checkpoint;
mod early_stopping;
pub mod epoch;
pub mod loader;
pub mod loss;
pub mod optimizer;
pub mod order;
mod schedule;
mod session;

use std::path::Path;
use std::time::Instant;

use ablatrix::cache::Store;
use ablatrix::job::{EpochRow, Job, StopReason, TrainSummary, WorkerEvent, input, output};
use ablatrix::metrics::Course;
use ablatrix::spec::settings::{EarlyStopping, StopMetric, Weights};
use ablatrix::tables::{self, rows::HistoryRow};

use crate::failure::JobError;
use crate::inputs::{self, Examples, InputError};
use crate::serve::{self, Outcome, Worker};
use crate::{network, torch};
use session::{EpochEnd, Session};

/// Trains a run from its last checkpoint on, and publishes model, history and summary.
///
/// # Errors
/// See [`JobError`]. A loss that is NaN or infinite is none: it ends the training, and the result says so.
pub fn train(job: &Job, store: &Store, worker: &Worker) -> Result<Outcome, JobError> {
    let started = Instant::now();
    let device = torch::open_device(job.device, job.threads)?;
    let examples = Examples::open(job, store)?;
    let index = examples.train_index(job, store)?;
    if job.train.early_stopping.is_some() && !examples.has_validation() {
        return Err(InputError::TooFew { part: "val", n_rows: 0, least: 1 }.into());
    }
    let mut network = network::of(job, store, examples.labels().len(), device)?;
    let mut replaced = Vec::new();
    if job.inputs.contains_key(input::WEIGHTS) {
        let copy = inputs::path(job, store, input::WEIGHTS)?;
        let named = match &job.model.weights {
            Weights::Path(named) => named.as_path(),
            Weights::None => copy.as_path(),
        };
        replaced = network.load_weights_of(&copy, named)?.replaced;
    }

    let key = &job.fingerprint.key;
    let checkpoint = checkpoint::path(&store.checkpoint_dir(key)?);
    let mut session = Session::new(job, &examples, &index, network, device, checkpoint)?;
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
    let watched = |row: &HistoryRow| match early_stopping.map(|stopping| stopping.metric) {
        Some(StopMetric::ValMapMacro) => (row.val_map_macro, true),
        Some(StopMetric::ValLoss) | None => (row.val_loss, false),
    };
    let higher_is_better = history.first().is_some_and(|row| watched(row).1);
    let finite = |value: f64| if value.is_finite() { value } else { f64::NAN };
    let values: Vec<f64> = history.iter().map(|row| finite(watched(row).0)).collect();
    Course::from_watched(&values, higher_is_better, false).best_epoch
}

fn as_event(row: &HistoryRow) -> EpochRow {
    let finite = |value: f64| value.is_finite().then_some(value);
    EpochRow {
        epoch: row.epoch,
        lr: row.lr,
        train_loss: finite(row.train_loss),
        val_loss: finite(row.val_loss),
        val_map_macro: finite(row.val_map_macro),
        seconds: row.seconds,
        images_per_second: row.images_per_second,
        finished_ms: row.finished_ms,
    }
}
