//! One pass over the training rows.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use ablatrix::seed::Key;
use serde::{Deserialize, Serialize};

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
    /// What an earlier pass over the same rows has done already.
    pub from: Progress,
    /// Pauses after the step that is under way when this time is over.
    pub pause_after: Option<Duration>,
}

/// How far a pass has come: whole steps only, so that no gathered gradients belong to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Steps that were made.
    pub steps: usize,
    /// Rows of these steps.
    pub rows: usize,
    /// Sum of their losses, each as it was when its batch came.
    pub loss_sum: f64,
    /// How long they took, in seconds.
    pub elapsed_s: f64,
    /// Seconds of that in which a step had no batch.
    pub waited_s: f64,
}

/// How a pass ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PassEnd {
    /// All rows were seen.
    Whole(Progress),
    /// A stop was requested, or it is time to pause. Another pass goes on from here.
    Paused(Progress),
    /// The loss of a batch was NaN or infinite; no step was made on it.
    Diverged {
        /// The batch, from 0.
        batch_idx: usize,
    },
}

impl Pass<'_> {
    /// Trains on the batches, one after the other.
    ///
    /// # Errors
    /// Libtorch's: memory is out, or the pictures are too small for the architecture.
    pub fn run(self, batches: &[&[EpochItem]], stop: &Stop) -> Result<PassEnd, JobError> {
        let start = Instant::now();
        let Pass { learner, uploader, source, loader_threads, accumulate, rates, from, pause_after } = self;
        let accumulate = accumulate.max(1);
        let dropout = Key::root(source.seed).child("dropout").index(u64::from(source.epoch_idx));
        let steps: Vec<&[&[EpochItem]]> = batches.chunks(accumulate).collect();
        let mut progress = from;
        let first = (from.steps * accumulate).min(batches.len());
        let visit = |at: usize, batch: &Batch| -> Result<ControlFlow<Pause>, JobError> {
            let batch_idx = first + at;
            let step_idx = batch_idx / accumulate;
            let is_over = || pause_after.is_some_and(|most| start.elapsed() >= most);
            let may_pause = batch_idx.is_multiple_of(accumulate);
            if may_pause && (stop.requested() || (step_idx > from.steps && is_over())) {
                return Ok(ControlFlow::Break(Pause::Asked));
            }
            // Dropout's masks are a function of the batch's number, so that a resumed run draws the same.
            tch::manual_seed(dropout.index(batch_idx as u64).value() as i64);
            let step_rows: usize = steps[step_idx].iter().map(|items| items.len()).sum();
            let loss = learner.gather(batch, uploader, batch.len() as f64 / step_rows as f64)?;
            if !loss.is_finite() {
                return Ok(ControlFlow::Break(Pause::Diverged { batch_idx }));
            }
            progress.loss_sum += loss * batch.len() as f64;
            progress.rows += batch.len();
            if (batch_idx + 1).is_multiple_of(accumulate) || batch_idx + 1 == batches.len() {
                learner.step(rates.of_step(step_idx))?;
                progress.steps += 1;
            }
            Ok(ControlFlow::Continue(()))
        };
        let (waited, end) = loader::for_each_batch(source, &batches[first..], loader_threads, visit)?;
        progress.elapsed_s += start.elapsed().as_secs_f64();
        progress.waited_s += waited.as_secs_f64();
        Ok(match end {
            None => PassEnd::Whole(progress),
            Some(Pause::Asked) => PassEnd::Paused(progress),
            Some(Pause::Diverged { batch_idx }) => PassEnd::Diverged { batch_idx },
        })
    }
}

/// Why a pass breaks off.
enum Pause {
    Asked,
    Diverged { batch_idx: usize },
}
