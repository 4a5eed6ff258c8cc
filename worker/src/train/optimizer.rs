//! Adam (Kingma and Ba 2015), as `torch.optim.Adam` computes it.
//!
//! Takes the trainable tensors and, each step, the gradients that `backward` left on them. Its state is plain
//! tensors under the parameters' names, so that a checkpoint can hold it; `tch`'s own optimizer keeps its
//! state where nobody can reach it.

use ablatrix::spec::settings::Optimizer;
use tch::{Kind, Tensor};

use crate::torch::{self, AdamLists, AdamNumbers, TorchError};

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// The optimizer with its state.
pub struct Adam {
    names: Vec<String>,
    parameters: Vec<Tensor>,
    means: Vec<Tensor>,
    squares: Vec<Tensor>,
    /// Steps taken, as the scalar tensor that libtorch wants.
    step: Tensor,
    weight_decay: f64,
}

impl Adam {
    /// For these parameters, with zero state. The order decides nothing.
    pub fn new(settings: &Optimizer, parameters: Vec<(String, Tensor)>) -> Self {
        let Optimizer::Adam { weight_decay, .. } = *settings;
        let (names, parameters): (Vec<_>, Vec<_>) = parameters.into_iter().unzip();
        let zeros = || parameters.iter().map(|parameter: &Tensor| parameter.detach().zeros_like()).collect();
        let device = parameters.first().map_or(tch::Device::Cpu, Tensor::device);
        let step = Tensor::zeros([], (Kind::Float, device));
        Adam { names, means: zeros(), squares: zeros(), parameters, step, weight_decay }
    }

    /// Takes one step with rate `lr` along the gradients, and drops them.
    ///
    /// # Errors
    /// Where libtorch refuses the tensors.
    pub fn step(&mut self, lr: f64) -> Result<(), TorchError> {
        let _no_grad = tch::no_grad_guard();
        let _ = self.step.g_add_scalar_(1.0);
        let lists = AdamLists { parameters: &self.parameters, means: &self.means, squares: &self.squares };
        let numbers =
            AdamNumbers { lr, beta1: BETA1, beta2: BETA2, weight_decay: self.weight_decay, epsilon: EPSILON };
        torch::adam_step(&lists, &self.step, numbers)
    }

    /// The state: `mean.<parameter>`, `square.<parameter>` and `step`.
    pub fn state(&self) -> Vec<(String, Tensor)> {
        let mut state = vec![("step".to_owned(), self.step.shallow_clone())];
        for (i, name) in self.names.iter().enumerate() {
            state.push((format!("mean.{name}"), self.means[i].shallow_clone()));
            state.push((format!("square.{name}"), self.squares[i].shallow_clone()));
        }
        state
    }
}
