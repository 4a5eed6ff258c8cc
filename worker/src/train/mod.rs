//! The stage `train`: one run, from its inputs to a model in the cache.
//!
//! ```text
//! order      the rows of an epoch, in its order
//! loader     augmented batches, ahead of the step
//! learner    forward, loss, backward, step; the average of the weights
//! epoch      one pass: batch after batch, each step at the rate of the schedule
//! session    epoch after epoch: validation, the best so far, checkpoints
//! attempt    all of that once, with batches of one size
//! memory     which smaller size fits, where that one does not
//! ```

mod attempt;
pub mod average;
pub mod checkpoint;
mod early_stopping;
pub mod epoch;
mod kept;
pub mod learner;
pub mod loader;
pub mod loss;
mod memory;
pub mod optimizer;
pub mod order;
pub mod schedule;
mod session;
mod validation;

use std::path::Path;
use std::time::Instant;

use ablatrix::cache::Store;
use ablatrix::job::{EpochRow, Job, TrainSummary, output};
use ablatrix::metrics::Course;
use ablatrix::spec::settings::{EarlyStopping, ValMetric};
use ablatrix::tables::{self, rows::HistoryRow};

use crate::failure::JobError;
use crate::inputs::{Examples, InputError};
use crate::serve::{self, Outcome, Worker};
use crate::{precision, torch};
use attempt::{Ended, Ground};
use early_stopping::watched;
use loss::positive_weights;
use order::Cut;

/// Trains a run from its last checkpoint on, and publishes model, history and summary.
///
/// # Errors
/// See [`JobError`]. A loss that is NaN or infinite is none: it ends the training, and the result says so.
pub fn train(job: &Job, store: &Store, worker: &Worker) -> Result<Outcome, JobError> {
    let started = Instant::now();
    let device = torch::open_device(job.device, job.threads)?;
    torch::set_deterministic(job.train.deterministic);
    precision::prepare(job.train.precision);
    let examples = Examples::open(job, store)?;
    let index = examples.train_index(job, store)?;
    if job.train.needs_validation() && !examples.has_validation() {
        return Err(InputError::TooFew { part: "val", n_rows: 0, least: 1 }.into());
    }
    let positive_weights = positive_weights::of(&job.train.loss, &examples, &index)?;
    let ground = Ground { job, store, worker, device, examples: &examples, index: &index, positive_weights };
    let ended = match ground.attempt(Cut::of(&job.train)) {
        Err(error) if error.is_out_of_memory() => ground.attempt(memory::smaller(&ground, error)?),
        other => other,
    };
    let Some(Ended { trained, stop, replaced, fewer }) = ended? else { return Ok(Outcome::Interrupted) };

    let (trained_parameters, parameters) = trained.network.parameters();
    let batch_size = trained.cut.batch_size;
    let summary = TrainSummary {
        epochs_run: trained.history.len() as u32,
        epochs_planned: job.train.epochs,
        best_epoch: trained.best_epoch,
        best_watched_epoch: best_watched(&trained.history, job.train.early_stopping.as_ref()),
        stop,
        divergence: trained.divergence,
        smaller_batches: (batch_size < job.train.batch_size).then_some(batch_size),
        trained_parameters,
        parameters,
        replaced,
        positive_weights: ground.positive_weights,
    };
    let attempt = store.attempt(&job.fingerprint)?;
    trained.network.save(&attempt.path(output::MODEL))?;
    tables::write(&attempt.path(output::HISTORY), &trained.history, &job.fingerprint.stage)?;
    write_summary(&attempt.path(output::SUMMARY), &summary)?;
    attempt.publish(
        &[output::MODEL, output::HISTORY, output::SUMMARY],
        serve::provenance(job, started, fewer),
    )?;
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
