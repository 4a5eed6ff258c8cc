//! One pass over the training rows.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use ablatrix::seed::Key;

use super::learner::Learner;
use super::loader::{self, Source};
use super::order::EpochItem;
use super::schedule::EpochRates;
use crate::batch::{Batch, Uploader};
use crate::failure::JobError;
use crate::stop::Stop;

/// What a pass works on. Its order, draws and dropout are functions of the run's seed and the epoch alone.
pub struct Pass<'a> {
    /// Is trained.
    pub learner: &'a mut Learner,
    /// Brings batches to its device.
    pub uploader: &'a Uploader,
    /// Where batches come from.
    pub source: Source<'a>,
    /// Threads that pack batches ahead of the step; 0: none.
    pub loader_threads: usize,
    /// Batches of a step, at least 1; the last step of the epoch takes what is left.
    pub accumulate: usize,
    /// The learning rate of each step.
    pub rates: EpochRates,
}

/// How a pass ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PassEnd {
    /// All rows were seen.
    Whole {
        /// Mean loss over the rows, each as it was when its batch came.
        loss: f64,
        /// Duration.
        elapsed: Duration,
        /// Time in which the step had no batch.
        waited: Duration,
    },
    /// The loss of a batch was NaN or infinite; no step was made on it.
    Diverged,
    /// A stop was requested.
    Interrupted,
}

impl Pass<'_> {
    /// Trains on the batches, one after the other.
    ///
    /// # Errors
    /// Libtorch's: memory is out, or the pictures are too small for the architecture.
    pub fn run(self, batches: &[&[EpochItem]], stop: &Stop) -> Result<PassEnd, JobError> {
        let start = Instant::now();
        let (mut sum, mut n_rows) = (0.0, 0usize);
        let Pass { learner, uploader, source, loader_threads, accumulate, rates } = self;
        let dropout = Key::root(source.seed).child("dropout").index(u64::from(source.epoch_idx));
        let steps: Vec<&[&[EpochItem]]> = batches.chunks(accumulate.max(1)).collect();
        let visit = |batch_idx: usize, batch: &Batch| -> Result<ControlFlow<PassEnd>, JobError> {
            if stop.requested() {
                return Ok(ControlFlow::Break(PassEnd::Interrupted));
            }
            // Dropout's masks are a function of the batch's number, so that a resumed run draws the same.
            tch::manual_seed(dropout.index(batch_idx as u64).value() as i64);
            let step_idx = batch_idx / accumulate.max(1);
            let step_rows: usize = steps[step_idx].iter().map(|items| items.len()).sum();
            let loss = learner.gather(batch, uploader, batch.len() as f64 / step_rows as f64)?;
            if !loss.is_finite() {
                return Ok(ControlFlow::Break(PassEnd::Diverged));
            }
            sum += loss * batch.len() as f64;
            n_rows += batch.len();
            if (batch_idx + 1).is_multiple_of(accumulate.max(1)) || batch_idx + 1 == batches.len() {
                learner.step(rates.of_step(step_idx))?;
            }
            Ok(ControlFlow::Continue(()))
        };
        let (waited, end) = loader::for_each_batch(source, batches, loader_threads, visit)?;
        let whole = PassEnd::Whole { loss: sum / n_rows as f64, elapsed: start.elapsed(), waited };
        Ok(end.unwrap_or(whole))
    }
}
