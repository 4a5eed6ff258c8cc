//! The states that a training may end with: of its last good epoch, and of its best one.

use ablatrix::spec::settings::EarlyStopping;
use ablatrix::tables::rows::Validation;
use tch::TchError;

use super::early_stopping::{self, Best, watched};
use crate::model::Network;
use crate::state::{self, Named};

/// States of the network that is scored.
pub struct Kept {
    /// After the last good epoch.
    pub last: Named,
    /// After the best epoch, where early stopping restores it and it is not the last.
    pub best_model: Option<Named>,
    /// The best epoch, where early stopping watches.
    pub best: Option<Best>,
}

impl Kept {
    /// Before the first epoch.
    ///
    /// # Errors
    /// Where memory is out.
    pub fn new(network: &Network) -> Result<Self, TchError> {
        Ok(Kept { last: state::copied(&network.named_state())?, best_model: None, best: None })
    }

    /// Takes in the state of `network` after the good epoch `epoch`, from 1.
    ///
    /// # Errors
    /// Where memory is out.
    pub fn add(
        &mut self,
        network: &Network,
        epoch: u32,
        val: &Validation,
        stopping: Option<&EarlyStopping>,
    ) -> Result<(), TchError> {
        if let Some(stopping) = stopping {
            let value = watched(val, stopping.metric);
            if early_stopping::improves(stopping.metric, self.best, value) {
                self.best = Some(Best { epoch, value });
                self.best_model = None;
            } else if stopping.restore_best && self.best.is_some() && self.best_model.is_none() {
                // The epoch before this one was the best.
                self.best_model = Some(state::copied(&self.last)?);
            }
        }
        if let Err(reason) = state::overwrite(&self.last, &network.named_state())? {
            panic!("bug: the network's own state does not fit it: {reason}");
        }
        Ok(())
    }

    /// The epoch whose state is kept, and that state: of the best epoch where early stopping restores it, else of the last
    /// of `epochs_done`.
    pub fn at_end(&self, epochs_done: u32, stopping: Option<&EarlyStopping>) -> (u32, &Named) {
        let restores = stopping.is_some_and(|stopping| stopping.restore_best);
        match self.best.filter(|_| restores) {
            Some(best) => (best.epoch, self.best_model.as_ref().unwrap_or(&self.last)),
            None => (epochs_done, &self.last),
        }
    }
}
