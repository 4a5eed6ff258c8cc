//! A training between its epochs: what is learned so far, the best of it, and how it goes on.

use std::path::PathBuf;
use std::time::Instant;

use ablatrix::augment::Policy;
use ablatrix::clock;
use ablatrix::job::{Job, StopReason};
use ablatrix::metrics::{Scored, ScoredError, macro_average_precision};
use ablatrix::tables::rows::{HistoryRow, Part, TrainIndexRow};
use tch::Device;

use super::checkpoint::Checkpoint;
use super::early_stopping::{self, Best, Scores};
use super::epoch::{Pass, PassEnd};
use super::loader::Source;
use super::optimizer::Adam;
use super::order::{self, EpochRows};
use super::{loss, schedule};
use crate::batch::Uploader;
use crate::failure::JobError;
use crate::inputs::Examples;
use crate::model::Network;
use crate::score;
use crate::state::{self, Named};
use crate::stop::Stop;

/// One run's training.
pub struct Session<'a> {
    job: &'a Job,
    examples: &'a Examples,
    /// What every epoch is made of.
    rows: EpochRows,
    val_images: Vec<i64>,
    val_targets: Vec<bool>,
    policy: Policy,
    network: Network,
    adam: Adam,
    uploader: Uploader,
    /// The state after the last good epoch.
    last_model: Named,
    /// The state of the best epoch, where early stopping restores it and it is not the last.
    best_model: Option<Named>,
    best: Option<Best>,
    /// Also holds the row of an epoch that diverged.
    history: Vec<HistoryRow>,
    epochs_done: u32,
    checkpoint: PathBuf,
}

/// How an epoch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EpochEnd {
    /// Its row stands in the history and its state in a checkpoint.
    Whole,
    /// Its row stands in the history; the network is as it was before.
    Diverged,
    /// Nothing of it is kept.
    Interrupted,
}

/// What a training publishes.
pub struct Trained {
    /// With the weights that are kept.
    pub network: Network,
    /// One row per epoch.
    pub history: Vec<HistoryRow>,
    /// The epoch whose weights are kept, from 1; 0: the initial ones, since the first epoch diverged.
    pub best_epoch: u32,
}

impl<'a> Session<'a> {
    /// Begins at the network's initial weights.
    ///
    /// # Errors
    /// Where memory is out.
    pub fn new(
        job: &'a Job,
        examples: &'a Examples,
        index: &[TrainIndexRow],
        network: Network,
        device: Device,
        checkpoint: PathBuf,
    ) -> Result<Self, JobError> {
        let trainable = network.named_parameters().into_iter().filter(|(_, tensor)| tensor.requires_grad());
        let adam = Adam::new(&job.train.optimizer, trainable.collect());
        let val_images = examples.images_of(Part::Val);
        let val_targets = val_images.iter().flat_map(|&image_id| examples.targets(image_id)).copied();
        Ok(Session {
            job,
            examples,
            rows: EpochRows::new(index),
            val_targets: val_targets.collect(),
            val_images,
            policy: Policy::new(&job.policy),
            adam,
            uploader: Uploader::new(device, examples.side(), network.normalisation()),
            last_model: state::copied(&network.named_state())?,
            network,
            best_model: None,
            best: None,
            history: Vec::new(),
            epochs_done: 0,
            checkpoint,
        })
    }

    /// Goes on from a checkpoint, where there is one of this run. Gives why one that is there was passed over.
    ///
    /// # Errors
    /// Where it cannot be read, or memory is out.
    pub fn resume(&mut self) -> Result<Option<String>, JobError> {
        let key = &self.job.fingerprint.key;
        let found = match Checkpoint::read(&self.checkpoint, key, &self.job.run)? {
            None => return Ok(None),
            Some(Err(reason)) => return Ok(Some(reason)),
            Some(Ok(found)) => found,
        };
        // Both are looked at before either is changed; the network's old state is at hand if the second fails.
        if let Err(reason) = state::overwrite(&self.network.named_state(), &found.model)? {
            return Ok(Some(reason));
        }
        let epochs_done = found.history.len() as u32;
        let adam_of_all = self.unfreezes_within(epochs_done).then(|| self.adam_of_all());
        let adam = adam_of_all.as_ref().unwrap_or(&self.adam);
        if let Err(reason) = state::overwrite(&adam.state(), &found.optimizer)? {
            let _ = state::overwrite(&self.network.named_state(), &self.last_model)?;
            return Ok(Some(reason));
        }
        if let Some(adam) = adam_of_all {
            self.network.unfreeze();
            self.adam = adam;
        }
        self.last_model = found.model;
        self.best_model = found.best_model;
        self.best = found.best;
        self.epochs_done = epochs_done;
        self.history = found.history;
        Ok(None)
    }

    /// Whether the whole network trained in one of the first `epochs`.
    fn unfreezes_within(&self, epochs: u32) -> bool {
        let model = &self.job.model;
        !model.freeze.is_none() && model.unfreeze_after > 0 && epochs > model.unfreeze_after
    }

    /// An optimizer of all parameters, with zero state.
    fn adam_of_all(&self) -> Adam {
        Adam::new(&self.job.train.optimizer, self.network.named_parameters())
    }

    /// Epochs whose state is kept.
    pub fn epochs_done(&self) -> u32 {
        self.epochs_done
    }

    /// The last epoch's row.
    pub fn last_row(&self) -> Option<&HistoryRow> {
        self.history.last()
    }

    /// Why there is no further epoch, if there is none.
    pub fn is_over(&self) -> Option<StopReason> {
        if self.epochs_done() >= self.job.train.epochs {
            return Some(StopReason::LastEpoch);
        }
        let stopping = self.job.train.early_stopping.as_ref()?;
        early_stopping::is_over(stopping, self.best, self.epochs_done())
    }

    /// Trains for one epoch, validates, and writes a checkpoint.
    ///
    /// # Errors
    /// See [`JobError`].
    pub fn run_epoch(&mut self, stop: &Stop) -> Result<EpochEnd, JobError> {
        let start = Instant::now();
        let epoch_idx = self.epochs_done();
        if self.unfreezes_within(epoch_idx + 1) && !self.unfreezes_within(epoch_idx) {
            self.network.unfreeze();
            self.adam = self.adam_of_all();
        }
        let train = &self.job.train;
        let lr = schedule::rate(&train.schedule, train.optimizer.lr(), epoch_idx);
        let seed = self.job.stream_seed();
        let items = self.rows.epoch(seed, epoch_idx);
        let batches = order::batches(&items, train.batch_size as usize);
        let pass = Pass {
            network: &self.network,
            adam: &mut self.adam,
            uploader: &self.uploader,
            source: Source { examples: self.examples, policy: &self.policy, seed, epoch_idx },
            loader_threads: super::loader_threads(self.job.threads),
            lr,
        };
        let end = pass.run(&batches, stop)?;
        let mut row = HistoryRow {
            run: self.job.run.clone(),
            epoch: epoch_idx + 1,
            lr,
            train_loss: f64::NAN,
            val_loss: f64::NAN,
            val_map_macro: f64::NAN,
            seconds: 0.0,
            images_per_second: 0.0,
            wait_share: 0.0,
            finished_ms: 0,
        };
        let mut diverged = true;
        match end {
            PassEnd::Interrupted => return Ok(EpochEnd::Interrupted),
            PassEnd::Diverged => {}
            PassEnd::Whole { loss, elapsed, waited } => {
                row.train_loss = loss;
                row.images_per_second = items.len() as f64 / elapsed.as_secs_f64();
                row.wait_share = waited.as_secs_f64() / elapsed.as_secs_f64();
                let Some(scores) = self.validate(stop)? else { return Ok(EpochEnd::Interrupted) };
                (row.val_loss, row.val_map_macro) = (scores.loss, scores.map_macro);
                diverged = scores.loss.is_infinite() || !state::is_finite(&self.network.named_state())?;
            }
        }
        row.seconds = start.elapsed().as_secs_f64();
        row.finished_ms = clock::unix_ms();
        let scores = Scores { loss: row.val_loss, map_macro: row.val_map_macro };
        self.history.push(row);
        if diverged {
            return Ok(EpochEnd::Diverged);
        }
        self.keep(scores)?;
        Ok(EpochEnd::Whole)
    }

    /// Scores the validation part as a whole; `None` where a stop was requested meanwhile. The loss is infinite
    /// where a logit is not finite, and NaN where there is no validation part.
    fn validate(&self, stop: &Stop) -> Result<Option<Scores>, JobError> {
        let images = &self.val_images;
        let Some(logits) = score::logits(&self.network, &self.uploader, self.examples, images, stop)? else {
            return Ok(None);
        };
        let scores = match Scored::new(self.examples.labels().len(), &logits, &self.val_targets) {
            Ok(scored) => Scores {
                loss: loss::bce_of_part(&logits, &self.val_targets),
                map_macro: macro_average_precision(&scored).unwrap_or(f64::NAN),
            },
            Err(ScoredError::NotFinite { .. }) => Scores { loss: f64::INFINITY, map_macro: f64::NAN },
            Err(error) => panic!("bug: {error}"),
        };
        Ok(Some(scores))
    }

    /// Keeps the state of a whole epoch: in memory, and in a checkpoint.
    fn keep(&mut self, scores: Scores) -> Result<(), JobError> {
        self.epochs_done += 1;
        if let Some(stopping) = &self.job.train.early_stopping {
            let value = scores.watched(stopping.metric);
            if early_stopping::improves(stopping.metric, self.best, value) {
                self.best = Some(Best { epoch: self.epochs_done, value });
                self.best_model = None;
            } else if stopping.restore_best && self.best.is_some() && self.best_model.is_none() {
                // The epoch before this one was the best.
                self.best_model = Some(state::copied(&self.last_model)?);
            }
        }
        if let Err(reason) = state::overwrite(&self.last_model, &self.network.named_state())? {
            panic!("bug: the network's own state does not fit it: {reason}");
        }
        let checkpoint = Checkpoint {
            model: state::shared(&self.last_model),
            best_model: self.best_model.as_ref().map(state::shared),
            optimizer: self.adam.state(),
            best: self.best,
            history: self.history.clone(),
        };
        checkpoint.write(&self.checkpoint, &self.job.fingerprint.key)
    }

    /// Ends the training with the weights that are to be kept: of the best epoch where early stopping restores
    /// it, else of the last one that did not diverge.
    ///
    /// # Errors
    /// Where libtorch cannot copy them.
    pub fn finish(self) -> Result<Trained, JobError> {
        let restores = self.job.train.early_stopping.as_ref().is_some_and(|stopping| stopping.restore_best);
        let best = self.best.filter(|_| restores);
        let best_epoch = best.map_or(self.epochs_done, |best| best.epoch);
        let kept = self.best_model.as_ref().filter(|_| best.is_some()).unwrap_or(&self.last_model);
        if let Err(reason) = state::overwrite(&self.network.named_state(), kept)? {
            panic!("bug: the network's own state does not fit it: {reason}");
        }
        Ok(Trained { network: self.network, history: self.history, best_epoch })
    }
}
