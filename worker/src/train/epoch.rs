//! One pass over the training rows.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use ablatrix::seed::Key;

use super::loader::{self, Source};
use super::loss;
use super::optimizer::Adam;
use super::order::EpochItem;
use crate::batch::{Batch, Uploader};
use crate::failure::JobError;
use crate::model::Network;
use crate::stop::Stop;

/// What a pass works on. Its order, draws and dropout are functions of the run's seed and the epoch alone.
pub struct Pass<'a> {
    /// Is trained.
    pub network: &'a Network,
    /// Moves its parameters.
    pub adam: &'a mut Adam,
    /// Brings batches to its device.
    pub uploader: &'a Uploader,
    /// Where batches come from.
    pub source: Source<'a>,
    /// Threads that pack batches ahead of the step; 0: none.
    pub loader_threads: usize,
    /// Learning rate.
    pub lr: f64,
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
    pub fn run(mut self, batches: &[&[EpochItem]], stop: &Stop) -> Result<PassEnd, JobError> {
        let start = Instant::now();
        let (mut sum, mut n_rows) = (0.0, 0usize);
        let dropout = Key::root(self.source.seed).child("dropout").index(u64::from(self.source.epoch_idx));
        let (source, threads) = (self.source, self.loader_threads);
        let step = |batch_idx: usize, batch: &Batch| -> Result<ControlFlow<PassEnd>, JobError> {
            if stop.requested() {
                return Ok(ControlFlow::Break(PassEnd::Interrupted));
            }
            // Dropout's masks are a function of the step's number, so that a resumed run draws the same.
            tch::manual_seed(dropout.index(batch_idx as u64).value() as i64);
            let loss = self.step(batch)?;
            if !loss.is_finite() {
                return Ok(ControlFlow::Break(PassEnd::Diverged));
            }
            sum += loss * batch.len() as f64;
            n_rows += batch.len();
            Ok(ControlFlow::Continue(()))
        };
        let (waited, end) = loader::for_each_batch(source, batches, threads, step)?;
        let whole = PassEnd::Whole { loss: sum / n_rows as f64, elapsed: start.elapsed(), waited };
        Ok(end.unwrap_or(whole))
    }

    /// One step; gives the batch's loss, and moves nothing where that is not finite.
    fn step(&mut self, batch: &Batch) -> Result<f64, JobError> {
        let logits_nl = self.network.forward_t(&self.uploader.images(batch)?, true)?;
        let weights_n = self.uploader.weights(batch)?;
        let loss = loss::bce(&logits_nl, &self.uploader.targets(batch)?, weights_n.as_ref())?;
        let value = loss.f_double_value(&[])?;
        if value.is_finite() {
            loss.f_backward()?;
            self.adam.step(self.lr)?;
        }
        Ok(value)
    }
}
