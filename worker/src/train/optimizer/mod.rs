//! Moves parameters along their gradients, as PyTorch's optimizers of the same names do.
//!
//! ```text
//! group      which parameters share a rate and a decay
//! clip       all gradients together, before the step
//! sgd adam rmsprop    one rule each, with its state
//! ```
//!
//! State is plain tensors under the parameters' names, so that a checkpoint can hold it; `tch`'s own optimizers keep
//! theirs where nobody can reach it.

mod adam;
mod clip;
mod group;
mod rmsprop;
mod sgd;

use ablatrix::spec::settings::{self, Rule};
use tch::{Device, Kind, TchError, Tensor};

use crate::failure::JobError;
use crate::fused::{self, Lists};
use crate::model::TrainedParameter;
use crate::state::Named;
use adam::Adam;
use group::Group;
use rmsprop::RmsProp;
use sgd::Sgd;

/// A rule with its state for the parameters of one group.
trait Stepper {
    /// Moves the parameters; one without a gradient keeps its value and its state.
    fn step(&mut self, lists: Lists, numbers: StepNumbers<'_>) -> Result<(), JobError>;

    /// The state: lists by name, each with a tensor per parameter.
    fn state(&self) -> Vec<(&'static str, &[Tensor])>;
}

/// What a step reads beside gradients and the rule's own numbers.
#[derive(Clone, Copy)]
struct StepNumbers<'a> {
    lr: f64,
    weight_decay: f64,
    /// Steps taken, this one included: a scalar f32.
    count: &'a Tensor,
}

/// The optimizer with its state.
pub struct Optimizer {
    groups: Vec<(Group, Box<dyn Stepper>)>,
    /// Steps taken, as the scalar tensor that libtorch wants.
    count: Tensor,
    /// Largest norm of all gradients together; 0: any.
    clip_norm: f64,
}

impl Optimizer {
    /// For these parameters, with zero state. Their order decides nothing.
    ///
    /// # Errors
    /// Where there is no memory for the state.
    pub fn new(
        settings: &settings::Optimizer,
        clip_norm: f64,
        parameters: Vec<TrainedParameter>,
    ) -> Result<Self, TchError> {
        let device = parameters.first().map_or(Device::Cpu, |parameter| parameter.tensor.device());
        let mut groups = Vec::new();
        for group in Group::of(settings, parameters) {
            let stepper = stepper(&settings.rule, &group.parameters)?;
            groups.push((group, stepper));
        }
        Ok(Optimizer { groups, count: Tensor::f_zeros([], (Kind::Float, device))?, clip_norm })
    }

    /// Takes one step with rate `lr` along the gradients that `backward` left, and drops them.
    ///
    /// # Errors
    /// Where libtorch refuses the tensors, or memory is out.
    pub fn step(&mut self, lr: f64) -> Result<(), JobError> {
        let _no_grad = tch::no_grad_guard();
        let _ = self.count.f_add_scalar_(1.0)?;
        let taken = self.groups.iter().map(|(group, _)| fused::take_gradients(&group.parameters));
        let mut gradients = taken.collect::<Result<Vec<_>, _>>()?;
        if self.clip_norm > 0.0 {
            clip::clip_norm(gradients.iter_mut().flatten().flatten(), self.clip_norm)?;
        }
        for ((group, stepper), gradients) in self.groups.iter_mut().zip(&gradients) {
            let numbers = StepNumbers {
                lr: lr * group.lr_factor,
                weight_decay: group.weight_decay,
                count: &self.count,
            };
            stepper.step(Lists { parameters: &group.parameters, gradients }, numbers)?;
        }
        Ok(())
    }

    /// The state: `step`, and what the rule keeps as `<list>.<parameter>`. The tensors share memory with the optimizer.
    pub fn state(&self) -> Named {
        let mut state = vec![("step".to_owned(), self.count.shallow_clone())];
        for (group, stepper) in &self.groups {
            for (list, tensors) in stepper.state() {
                let named = group.names.iter().zip(tensors);
                state.extend(named.map(|(name, tensor)| (format!("{list}.{name}"), tensor.shallow_clone())));
            }
        }
        state
    }
}

fn stepper(rule: &Rule, parameters: &[Tensor]) -> Result<Box<dyn Stepper>, TchError> {
    Ok(match *rule {
        Rule::Sgd { momentum, nesterov } => Box::new(Sgd::new(momentum, nesterov, parameters)?),
        Rule::Adam { betas, epsilon } => Box::new(Adam::new(betas, epsilon, false, parameters)?),
        Rule::AdamW { betas, epsilon } => Box::new(Adam::new(betas, epsilon, true, parameters)?),
        Rule::RmsProp { alpha, epsilon, momentum, centered } => {
            Box::new(RmsProp::new(rmsprop::Numbers { alpha, epsilon, momentum }, centered, parameters)?)
        }
    })
}

/// A tensor of zeros beside each parameter, laid out in memory as it is.
fn zeros(parameters: &[Tensor]) -> Result<Vec<Tensor>, TchError> {
    let _no_grad = tch::no_grad_guard();
    parameters.iter().map(|parameter| parameter.detach().f_zeros_like()).collect()
}
