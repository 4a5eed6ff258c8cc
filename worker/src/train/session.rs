//! A training between its steps: what is learned so far, the best of it, and how it goes on.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use ablatrix::augment::Policy;
use ablatrix::clock;
use ablatrix::job::{Divergence, Job, StopReason};
use ablatrix::tables::rows::{HistoryRow, TrainIndexRow, Validation};

use super::checkpoint::Checkpoint;
use super::early_stopping;
use super::epoch::{Pass, PassEnd, Progress};
use super::kept::Kept;
use super::learner::Learner;
use super::loader::Source;
use super::order::{self, Cut, EpochItem, EpochRows};
use super::schedule::{self, EpochRates};
use super::validation::ValidationPart;
use crate::batch::Uploader;
use crate::failure::JobError;
use crate::inputs::Examples;
use crate::model::Network;
use crate::state;
use crate::stop::Stop;

/// One run's training.
pub struct Session<'a> {
    job: &'a Job,
    examples: &'a Examples,
    /// What every epoch is made of.
    rows: EpochRows,
    validation: ValidationPart,
    policy: Policy,
    learner: Learner,
    uploader: Uploader,
    kept: Kept,
    /// Also holds the row of an epoch that diverged.
    history: Vec<HistoryRow>,
    epochs_done: u32,
    /// How far the next epoch has come, as a checkpoint holds it.
    progress: Progress,
    cut: Cut,
    divergence: Option<Divergence>,
    checkpoint: PathBuf,
}

/// How an epoch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EpochEnd {
    /// Its row stands in the history and its state in a checkpoint.
    Whole,
    /// Its row stands in the history; the network that is kept is as it was before.
    Diverged,
    /// A checkpoint holds what was done of it.
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
    /// Where it diverged, if it did.
    pub divergence: Option<Divergence>,
    /// The batches that it was made with.
    pub cut: Cut,
}

impl<'a> Session<'a> {
    /// Begins at the learner's initial weights, with epochs that are cut as `cut` says.
    ///
    /// # Errors
    /// Where memory is out.
    pub fn new(
        job: &'a Job,
        examples: &'a Examples,
        index: &[TrainIndexRow],
        learner: Learner,
        cut: Cut,
        uploader: Uploader,
        checkpoint: PathBuf,
    ) -> Result<Self, JobError> {
        Ok(Session {
            job,
            examples,
            rows: EpochRows::new(index),
            validation: ValidationPart::of(examples, job.alone),
            policy: Policy::new(&job.policy),
            uploader,
            kept: Kept::new(learner.scored())?,
            learner,
            history: Vec::new(),
            epochs_done: 0,
            progress: Progress::default(),
            cut,
            divergence: None,
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
        let Some(cut) = Cut::of(&self.job.train).into_batches_of(found.batch_size) else {
            return Ok(Some(format!("its batches are of `{}` rows", found.batch_size)));
        };
        let epochs_done = found.history.len() as u32;
        let epochs_begun = epochs_done + u32::from(found.progress.steps > 0);
        let of_all = match self.unfreezes_within(epochs_begun) {
            true => Some(self.learner.optimizer_of_all(&self.job.train)?),
            false => None,
        };
        let average = self.learner.average.as_ref().map(|average| average.network.named_state());
        let states = [
            (self.learner.network.named_state(), &found.model),
            (of_all.as_ref().unwrap_or(&self.learner.optimizer).state(), &found.optimizer),
            (average.unwrap_or_default(), found.average.as_ref().unwrap_or(&Vec::new())),
            (
                self.learner.scored().named_state(),
                found.last.as_ref().or(found.average.as_ref()).unwrap_or(&found.model),
            ),
        ]
        .map(|(state, values)| (state, state::shared(values)));
        // All are looked at before one is changed.
        if let Some(reason) = states.iter().find_map(|(state, values)| state::misfit(state, values)) {
            return Ok(Some(reason));
        }
        // The last is held in `kept` alone.
        for (state, values) in &states[..3] {
            if let Err(reason) = state::overwrite(state, values)? {
                panic!("bug: a state that fits does not: {reason}");
            }
        }
        self.kept = Kept {
            last: found.last.or(found.average).unwrap_or(found.model),
            best_model: found.best_model,
            best: found.best,
        };
        if let Some(optimizer) = of_all {
            self.learner.unfreeze(optimizer);
        }
        self.epochs_done = epochs_done;
        self.history = found.history;
        self.progress = found.progress;
        if cut.batch_size < self.cut.batch_size {
            // Memory was out with larger ones.
            self.cut = cut;
        }
        Ok(None)
    }

    /// Whether the whole network trained in one of the first `epochs`.
    fn unfreezes_within(&self, epochs: u32) -> bool {
        let model = &self.job.model;
        !model.freeze.is_none() && model.unfreeze_after > 0 && epochs > model.unfreeze_after
    }

    /// Epochs whose state is kept.
    pub fn epochs_done(&self) -> u32 {
        self.epochs_done
    }

    /// Steps of the next epoch that are kept.
    pub fn steps_done(&self) -> usize {
        self.progress.steps
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
        early_stopping::is_over(stopping, self.kept.best, self.epochs_done())
    }

    /// Trains for one epoch, or what is left of it, validates, and writes a checkpoint.
    ///
    /// # Errors
    /// See [`JobError`].
    pub fn run_epoch(&mut self, stop: &Stop) -> Result<EpochEnd, JobError> {
        let epoch_idx = self.epochs_done();
        let joins = self.unfreezes_within(epoch_idx + 1) && !self.unfreezes_within(epoch_idx);
        if joins && self.progress.steps == 0 {
            let optimizer = self.learner.optimizer_of_all(&self.job.train)?;
            self.learner.unfreeze(optimizer);
        }
        let train = &self.job.train;
        let seed = self.job.stream_seed();
        let items = self.rows.epoch(seed, epoch_idx);
        let batches = order::batches(&items, self.cut.batch_size as usize);
        let accumulate = self.cut.accumulate as usize;
        let epoch_steps = batches.len().div_ceil(accumulate);
        let rates = schedule::rates(train, epoch_idx, epoch_steps, &self.history);
        let mut row = HistoryRow {
            run: self.job.run.clone(),
            epoch: epoch_idx + 1,
            lr: rates.of_step(epoch_steps.saturating_sub(1)),
            train_loss: f64::NAN,
            val: Validation::NONE,
            seconds: 0.0,
            images_per_second: 0.0,
            wait_share: 0.0,
            finished_ms: 0,
        };
        let start = Instant::now();
        let before_s = self.progress.elapsed_s;
        let mut bad_batch = None;
        let mut is_sound = false;
        match self.pass_over(&batches, rates, stop)? {
            PassEnd::Paused(_) => return Ok(EpochEnd::Interrupted),
            PassEnd::Diverged { batch_idx } => bad_batch = Some(batch_idx as u64 + 1),
            PassEnd::Whole(progress) => {
                row.train_loss = progress.loss_sum / progress.rows as f64;
                row.images_per_second = progress.rows as f64 / progress.elapsed_s;
                row.wait_share = progress.waited_s / progress.elapsed_s;
                let Some(val) = self.validate(stop)? else {
                    self.pause_at(progress)?;
                    return Ok(EpochEnd::Interrupted);
                };
                row.val = val;
                is_sound = !val.loss.is_infinite() && state::is_finite(&self.learner.network.named_state())?;
            }
        }
        row.seconds = before_s + start.elapsed().as_secs_f64();
        row.finished_ms = clock::unix_ms();
        let (epoch, val) = (row.epoch, row.val);
        self.history.push(row);
        if !is_sound {
            self.divergence = Some(Divergence { epoch, batch: bad_batch, batches: batches.len() as u64 });
            return Ok(EpochEnd::Diverged);
        }
        self.keep(&val)?;
        Ok(EpochEnd::Whole)
    }

    /// Trains on what is left of the epoch's batches; keeps checkpoints as often as the job wants, and where it is stopped.
    fn pass_over(
        &mut self,
        batches: &[&[EpochItem]],
        rates: EpochRates,
        stop: &Stop,
    ) -> Result<PassEnd, JobError> {
        let minutes = self.job.checkpoint_minutes;
        let pause_after = (minutes > 0.0).then(|| Duration::from_secs_f64(minutes * 60.0));
        let (seed, epoch_idx) = (self.job.stream_seed(), self.epochs_done);
        loop {
            let pass = Pass {
                learner: &mut self.learner,
                uploader: &self.uploader,
                source: Source { examples: self.examples, policy: &self.policy, seed, epoch_idx },
                loader_threads: super::loader_threads(self.job.threads),
                accumulate: self.cut.accumulate as usize,
                rates,
                from: self.progress,
                pause_after,
            };
            let end = pass.run(batches, stop)?;
            let PassEnd::Paused(progress) = end else { return Ok(end) };
            self.pause_at(progress)?;
            if stop.requested() {
                return Ok(end);
            }
        }
    }

    /// Keeps a checkpoint within an epoch.
    fn pause_at(&mut self, progress: Progress) -> Result<(), JobError> {
        if progress.steps == self.progress.steps {
            return Ok(());
        }
        self.progress = progress;
        self.write_checkpoint()
    }

    /// What is to be said of it meanwhile, each time once.
    pub fn take_notice(&self) -> Option<String> {
        self.validation.take_notice()
    }

    /// Pictures that are scored at a time, where memory allows fewer than usual.
    pub fn fewer(&self) -> Option<usize> {
        self.validation.fewer()
    }

    fn validate(&self, stop: &Stop) -> Result<Option<Validation>, JobError> {
        let Learner { loss, .. } = &self.learner;
        self.validation.score(self.learner.scored(), loss, &self.uploader, self.examples, stop)
    }

    /// Keeps the state of a whole epoch: in memory, and in a checkpoint.
    fn keep(&mut self, val: &Validation) -> Result<(), JobError> {
        self.epochs_done += 1;
        let stopping = self.job.train.early_stopping.as_ref();
        self.kept.add(self.learner.scored(), self.epochs_done, val, stopping)?;
        self.progress = Progress::default();
        self.write_checkpoint()
    }

    fn write_checkpoint(&self) -> Result<(), JobError> {
        let network = self.learner.network.named_state();
        let average = self.learner.average.as_ref().map(|average| average.network.named_state());
        // Between epochs the network that is scored is the one that is kept.
        let last = (self.progress.steps > 0).then(|| state::shared(&self.kept.last));
        let checkpoint = Checkpoint {
            model: network,
            average,
            last,
            best_model: self.kept.best_model.as_ref().map(state::shared),
            optimizer: self.learner.optimizer.state(),
            best: self.kept.best,
            history: self.history.clone(),
            progress: self.progress,
            batch_size: self.cut.batch_size,
        };
        checkpoint.write(&self.checkpoint, &self.job.fingerprint.key)
    }

    /// Ends the training with the weights that are to be kept: of the best epoch where early stopping restores
    /// it, else of the last one that did not diverge; averaged, where an average is taken.
    ///
    /// # Errors
    /// Where libtorch cannot copy them.
    pub fn finish(self) -> Result<Trained, JobError> {
        let (best_epoch, kept) = self.kept.at_end(self.epochs_done, self.job.train.early_stopping.as_ref());
        if let Err(reason) = state::overwrite(&self.learner.network.named_state(), kept)? {
            panic!("bug: the network's own state does not fit it: {reason}");
        }
        Ok(Trained {
            network: self.learner.network,
            history: self.history,
            best_epoch,
            divergence: self.divergence,
            cut: self.cut,
        })
    }
}
