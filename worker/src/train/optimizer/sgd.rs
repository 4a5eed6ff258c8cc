//! Stochastic gradient descent, as `torch.optim.SGD` without dampening: with momentum, and Nesterov's (Sutskever et al. 2013).

use tch::{TchError, Tensor};

use super::{StepNumbers, Stepper, zeros};
use crate::failure::JobError;
use crate::fused::{self, Lists, SgdNumbers};

/// The rule with its state.
pub struct Sgd {
    momentum: f64,
    nesterov: bool,
    /// None where `momentum` is 0.
    momenta: Vec<Tensor>,
}

impl Sgd {
    /// With zero state.
    pub fn new(momentum: f64, nesterov: bool, parameters: &[Tensor]) -> Result<Self, TchError> {
        let momenta = if momentum == 0.0 { Vec::new() } else { zeros(parameters)? };
        Ok(Sgd { momentum, nesterov, momenta })
    }
}

impl Stepper for Sgd {
    fn step(
        &mut self,
        lists: Lists,
        StepNumbers { lr, weight_decay, .. }: StepNumbers,
    ) -> Result<(), JobError> {
        let numbers = SgdNumbers { lr, weight_decay, momentum: self.momentum, nesterov: self.nesterov };
        Ok(fused::sgd_step(lists, &self.momenta, numbers)?)
    }

    fn state(&self) -> Vec<(&'static str, &[Tensor])> {
        vec![("momentum", &self.momenta)]
    }
}
