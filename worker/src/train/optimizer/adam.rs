//! Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019), as `torch.optim.Adam` and `torch.optim.AdamW`.

use tch::{TchError, Tensor};

use super::{StepNumbers, Stepper, zeros};
use crate::failure::JobError;
use crate::fused::{self, AdamNumbers, AdamState, Lists};

/// The rule with its state.
pub struct Adam {
    betas: [f64; 2],
    epsilon: f64,
    /// Weight decay is taken off the parameter, not added to the gradient: AdamW.
    decoupled: bool,
    means: Vec<Tensor>,
    squares: Vec<Tensor>,
}

impl Adam {
    /// With zero state.
    pub fn new(
        betas: [f64; 2],
        epsilon: f64,
        decoupled: bool,
        parameters: &[Tensor],
    ) -> Result<Self, TchError> {
        Ok(Adam { betas, epsilon, decoupled, means: zeros(parameters)?, squares: zeros(parameters)? })
    }
}

impl Stepper for Adam {
    fn step(&mut self, lists: Lists, numbers: StepNumbers) -> Result<(), JobError> {
        let StepNumbers { lr, weight_decay, count } = numbers;
        let Adam { betas, epsilon, decoupled, .. } = *self;
        let state = AdamState { means: &self.means, squares: &self.squares, step: count };
        Ok(fused::adam_step(lists, state, AdamNumbers { lr, betas, weight_decay, epsilon, decoupled })?)
    }

    fn state(&self) -> Vec<(&'static str, &[Tensor])> {
        vec![("mean", &self.means), ("square", &self.squares)]
    }
}
