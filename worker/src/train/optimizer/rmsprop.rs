//! RMSprop (Hinton 2012), as `torch.optim.RMSprop`. Libtorch has no fused kernel for it.

use tch::{TchError, Tensor};

use super::{StepNumbers, Stepper, zeros};
use crate::failure::JobError;
use crate::fused::Lists;

/// The rule's own numbers.
#[derive(Clone, Copy, Debug)]
pub struct Numbers {
    /// Decay of the means.
    pub alpha: f64,
    /// Added to the denominator.
    pub epsilon: f64,
    /// Share of the last step that is made once more.
    pub momentum: f64,
}

/// The rule with its state.
pub struct RmsProp {
    numbers: Numbers,
    squares: Vec<Tensor>,
    /// Running means of the gradients; none where the rule is not centred.
    means: Vec<Tensor>,
    /// None where `momentum` is 0.
    momenta: Vec<Tensor>,
}

impl RmsProp {
    /// With zero state.
    pub fn new(numbers: Numbers, centered: bool, parameters: &[Tensor]) -> Result<Self, TchError> {
        let some = |wanted: bool| if wanted { zeros(parameters) } else { Ok(Vec::new()) };
        let (means, momenta) = (some(centered)?, some(numbers.momentum > 0.0)?);
        Ok(RmsProp { numbers, squares: zeros(parameters)?, means, momenta })
    }

    fn move_one(
        &mut self,
        at: usize,
        parameter: &Tensor,
        gradient: &Tensor,
        step: StepNumbers,
    ) -> Result<(), TchError> {
        let Numbers { alpha, epsilon, momentum } = self.numbers;
        let mut parameter = parameter.shallow_clone();
        let mut gradient = gradient.shallow_clone();
        if step.weight_decay > 0.0 {
            gradient = (parameter.f_mul_scalar(step.weight_decay)?).f_add_(&gradient)?;
        }
        let square = &mut self.squares[at];
        let _ = square.f_mul_scalar_(alpha)?.f_add_(&gradient.f_square()?.f_mul_scalar_(1.0 - alpha)?)?;
        let mut spread = match self.means.get_mut(at) {
            None => square.f_sqrt()?,
            Some(mean) => {
                let _ = mean.f_lerp_(&gradient, 1.0 - alpha)?;
                square.f_sub(&mean.f_square()?)?.f_sqrt_()?
            }
        };
        let scaled = gradient.f_div(&spread.f_add_scalar_(epsilon)?)?;
        let mut moved = match self.momenta.get_mut(at) {
            None => scaled,
            // A copy: the rate is no part of the state.
            Some(buffer) => buffer.f_mul_scalar_(momentum)?.f_add_(&scaled)?.f_detach_copy()?,
        };
        let _ = parameter.f_sub_(&moved.f_mul_scalar_(step.lr)?)?;
        Ok(())
    }
}

impl Stepper for RmsProp {
    fn step(&mut self, lists: Lists, numbers: StepNumbers) -> Result<(), JobError> {
        for (at, (parameter, gradient)) in lists.parameters.iter().zip(lists.gradients).enumerate() {
            if let Some(gradient) = gradient {
                self.move_one(at, parameter, gradient, numbers)?;
            }
        }
        Ok(())
    }

    fn state(&self) -> Vec<(&'static str, &[Tensor])> {
        vec![("square", &self.squares), ("mean", &self.means), ("momentum", &self.momenta)]
    }
}
