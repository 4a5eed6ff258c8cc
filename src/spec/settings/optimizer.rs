//! `[train.optimizer]`: how gradients move parameters.

use serde::{Deserialize, Serialize};

/// The optimizer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Optimizer {
    /// The rule, with what it alone reads.
    pub rule: Rule,
    /// Learning rate where the schedule is static, and the peak of every other schedule.
    pub lr: f64,
    /// Weight decay: of `adamw` taken off the parameter, of the others added to the gradient (an L2 penalty).
    pub weight_decay: f64,
    /// Whether parameters of one dimension (of norms, and biases) decay, too.
    pub decay_norms_and_biases: bool,
    /// Factor of the learning rate from one layer to the one before it, from the head backwards; 1: all layers learn alike.
    pub layer_decay: f64,
}

/// What is done with a gradient; PyTorch's optimizers of these names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "name")]
pub enum Rule {
    /// Stochastic gradient descent.
    Sgd {
        /// Share of the last step that is made once more, 0 to below 1.
        momentum: f64,
        /// Nesterov's momentum (Sutskever et al. 2013).
        nesterov: bool,
    },
    /// Adam (Kingma and Ba 2015).
    Adam {
        /// Decay of the means of the gradients and of their squares.
        betas: [f64; 2],
        /// Added to the denominator.
        epsilon: f64,
    },
    /// Adam with decoupled weight decay (Loshchilov and Hutter 2019).
    #[serde(rename = "adamw")]
    AdamW {
        /// As of `Adam`.
        betas: [f64; 2],
        /// As of `Adam`.
        epsilon: f64,
    },
    /// RMSprop (Hinton 2012).
    #[serde(rename = "rmsprop")]
    RmsProp {
        /// Decay of the mean of the squares.
        alpha: f64,
        /// Added to the denominator.
        epsilon: f64,
        /// As of `Sgd`, over the scaled gradients.
        momentum: f64,
        /// Divides by the deviation of the gradients instead of the root of their mean square.
        centered: bool,
    },
}
