//! What a step moves: network, optimizer and average, along a loss.

use ablatrix::spec::settings::Train;
use tch::TchError;

use super::average::Average;
use super::loss::LossFunction;
use super::optimizer::Optimizer;
use crate::batch::{Batch, Uploader};
use crate::failure::JobError;
use crate::model::Network;

/// A network in training.
pub struct Learner {
    /// Is trained.
    pub network: Network,
    /// Moves its parameters.
    pub optimizer: Optimizer,
    /// What is made small.
    pub loss: LossFunction,
    /// The average of its weights, where there is one.
    pub average: Option<Average>,
}

impl Learner {
    /// With fresh state.
    ///
    /// # Errors
    /// Where there is no memory for it.
    pub fn new(
        train: &Train,
        network: Network,
        loss: LossFunction,
        average: Option<Average>,
    ) -> Result<Self, TchError> {
        let optimizer = Optimizer::new(&train.optimizer, train.clip_norm, network.trained_parameters())?;
        Ok(Learner { network, optimizer, loss, average })
    }

    /// An optimizer of all parameters of the network, frozen ones too, with fresh state.
    ///
    /// # Errors
    /// Where there is no memory for it.
    pub fn optimizer_of_all(&self, train: &Train) -> Result<Optimizer, TchError> {
        Optimizer::new(&train.optimizer, train.clip_norm, self.network.all_parameters())
    }

    /// Trains the whole network from now on, by `optimizer`.
    pub fn unfreeze(&mut self, optimizer: Optimizer) {
        self.network.unfreeze();
        self.optimizer = optimizer;
    }

    /// The network that is scored and kept: the average, where there is one.
    pub fn scored(&self) -> &Network {
        self.average.as_ref().map_or(&self.network, |average| &average.network)
    }

    /// Adds the gradients of a batch, which is `share` of its step's rows, to those that are there. Gives the batch's mean
    /// loss, and adds nothing where that is not finite.
    ///
    /// # Errors
    /// Libtorch's: memory is out, or the pictures are too small for the architecture.
    pub fn gather(&self, batch: &Batch, uploader: &Uploader, share: f64) -> Result<f64, JobError> {
        let logits_nl = self.network.forward_t(&uploader.images(batch)?, true)?;
        let weights_n = uploader.weights(batch)?;
        let loss = self.loss.of_batch(&logits_nl, &uploader.targets(batch)?, weights_n.as_ref())?;
        let value = loss.f_double_value(&[])?;
        if value.is_finite() {
            // The loss of a step is the mean over its rows, however they are cut into batches.
            let loss = if share < 1.0 { loss.f_mul_scalar(share)? } else { loss };
            loss.f_backward()?;
        }
        Ok(value)
    }

    /// Takes a step along the gathered gradients, and drops them.
    ///
    /// # Errors
    /// As of the optimizer.
    pub fn step(&mut self, lr: f64) -> Result<(), JobError> {
        self.optimizer.step(lr)?;
        if let Some(average) = &self.average {
            average.update(&self.network)?;
        }
        Ok(())
    }
}
