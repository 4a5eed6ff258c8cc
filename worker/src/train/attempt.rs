//! One try at a training, with batches of one size: from its inputs or its checkpoint to the weights that are kept.

use ablatrix::cache::Store;
use ablatrix::job::{Job, StopReason, WorkerEvent, input};
use ablatrix::tables::rows::TrainIndexRow;
use tch::Device;

use super::average::Average;
use super::checkpoint;
use super::learner::Learner;
use super::loss::LossFunction;
use super::order::Cut;
use super::session::{EpochEnd, Session, Trained};
use crate::batch::Uploader;
use crate::failure::JobError;
use crate::inputs::{self, Examples};
use crate::serve::Worker;
use crate::{network, query};

/// What every try is made of.
pub struct Ground<'a> {
    /// What is wanted.
    pub job: &'a Job,
    /// Where its inputs and its checkpoint are.
    pub store: &'a Store,
    /// Who is told.
    pub worker: &'a Worker,
    /// Where tensors live.
    pub device: Device,
    /// Pictures and labels.
    pub examples: &'a Examples,
    /// The rows of an epoch.
    pub index: &'a [TrainIndexRow],
    /// How much more each label's positives weigh; empty: as much.
    pub positive_weights: Vec<f64>,
}

/// A training that came to its end.
pub struct Ended {
    /// What it learned.
    pub trained: Trained,
    /// Why there was no further epoch.
    pub stop: StopReason,
    /// Tensors of the weights file that were replaced.
    pub replaced: Vec<String>,
    /// Pictures that were scored at a time, where memory allowed fewer than usual.
    pub fewer: Option<usize>,
}

impl Ground<'_> {
    /// A network in training as it is before the first step, and the tensors of the weights file that did not fit it.
    ///
    /// # Errors
    /// Where the weights are not those of the network, or memory is out.
    pub fn learner(&self) -> Result<(Learner, Vec<String>), JobError> {
        let Ground { job, store, device, .. } = *self;
        let build = || network::of(job, store, self.examples.labels().len(), device);
        let mut network = build()?;
        let mut replaced = Vec::new();
        if job.inputs.contains_key(input::WEIGHTS) {
            let copy = inputs::path(job, store, input::WEIGHTS)?;
            replaced = network.load_weights_of(&copy, &query::named(&job.model, &copy))?.replaced;
        }
        let loss = LossFunction::new(&job.train.loss, self.positive_weights.clone(), device)?;
        let average = match job.train.ema {
            decay if decay > 0.0 => Some(Average::new(build()?, &network, decay)?),
            _ => None,
        };
        Ok((Learner::new(&job.train, network, loss, average)?, replaced))
    }

    /// Brings batches to where `learner` wants them.
    pub fn uploader(&self, learner: &Learner) -> Uploader {
        Uploader::new(self.device, self.examples.side(), learner.network.normalisation())
    }

    /// Trains to the end; `None` where a stop was requested: a checkpoint is kept.
    ///
    /// # Errors
    /// See [`JobError`].
    pub fn attempt(&self, cut: Cut) -> Result<Option<Ended>, JobError> {
        let Ground { job, worker, .. } = self;
        let key = &job.fingerprint.key;
        let (learner, replaced) = self.learner()?;
        let uploader = self.uploader(&learner);
        let checkpoint = checkpoint::path(&self.store.checkpoint_dir(key)?);
        let mut session = Session::new(job, self.examples, self.index, learner, cut, uploader, checkpoint)?;
        if !replaced.is_empty() {
            let names = replaced.join("`, `");
            self.notice_once(format!("not taken from the weights file, but drawn from the seed: `{names}`"));
        }
        if let Some(reason) = session.resume()? {
            self.notice(format!("the checkpoint is passed over, and the training begins anew: {reason}"));
        }
        worker.events.emit(&WorkerEvent::Started {
            key: key.clone(),
            resumed_epochs: session.epochs_done(),
            resumed_steps: session.steps_done() as u64,
            epochs: job.train.epochs,
        });
        let stop = loop {
            if let Some(stop) = session.is_over() {
                break stop;
            }
            let end = session.run_epoch(&worker.stop)?;
            if let Some(message) = session.take_notice() {
                self.notice(message);
            }
            if end == EpochEnd::Interrupted {
                return Ok(None);
            }
            if let Some(row) = session.last_row() {
                let row = super::as_event(row);
                worker.events.emit(&WorkerEvent::Epoch { key: key.clone(), row });
            }
            if end == EpochEnd::Diverged {
                break StopReason::Diverged;
            }
        };
        let fewer = session.fewer();
        let trained = session.finish()?;
        if let Some(divergence) = &trained.divergence {
            self.notice(divergence.to_string());
        }
        Ok(Some(Ended { trained, stop, replaced, fewer }))
    }

    /// Says something about the run to whoever watches it, and to the log.
    pub fn notice(&self, message: String) {
        self.emit_notice(message, false);
    }

    /// Likewise what is told of one of the runs that it is true of.
    fn notice_once(&self, message: String) {
        self.emit_notice(message, true);
    }

    fn emit_notice(&self, message: String, once: bool) {
        self.worker.notice(self.job, message, once);
    }
}
