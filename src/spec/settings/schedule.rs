//! `[train.schedule]`: the learning rate over the training.

use serde::{Deserialize, Serialize};

use super::ValMetric;

/// The learning rate over the training. Each rises to, or starts from, the optimizer's rate: the peak.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "name")]
pub enum Schedule {
    /// The peak throughout.
    Static,
    /// Falls by a factor every few epochs, as PyTorch's `StepLR`.
    Step {
        /// Epochs of each step.
        step_epochs: u32,
        /// Factor from one step to the next.
        gamma: f64,
    },
    /// The study's `lr_function`: from `start_lr` in a line to the peak over `warmup_epochs`, the peak for
    /// `hold_epochs`, then towards `min_lr` by the factor `decay` each epoch.
    Exponential {
        /// Rate of the first epoch.
        start_lr: f64,
        /// Rate that is approached.
        min_lr: f64,
        /// Epochs of the rise.
        warmup_epochs: u32,
        /// Epochs at the peak.
        hold_epochs: u32,
        /// Factor per epoch, 0 to 1.
        decay: f64,
    },
    /// Half a cosine from the peak to `min_lr`, again and again, as PyTorch's `CosineAnnealingWarmRestarts`
    /// (Loshchilov and Hutter 2017); before the first one a rise in a line.
    Cosine {
        /// Epochs of the rise.
        warmup_epochs: u32,
        /// Rate of the first epoch, where there is a rise.
        start_lr: f64,
        /// Rate that each cycle approaches.
        min_lr: f64,
        /// Epochs of the first cycle; 0: all that follow the rise.
        cycle_epochs: u32,
        /// How many times longer each cycle is than the one before.
        cycle_factor: u32,
    },
    /// Up and down once along cosines, step by step, as PyTorch's `OneCycleLR` (Smith and Topin 2018).
    OneCycle {
        /// Share of the steps that rise.
        rise: f64,
        /// The peak divided by the first rate.
        start_divisor: f64,
        /// The first rate divided by the last one.
        end_divisor: f64,
    },
    /// Falls as a power of the epochs that are left, as PyTorch's `PolynomialLR`.
    Polynomial {
        /// The power; 1: in a line.
        power: f64,
        /// Rate that the end approaches.
        min_lr: f64,
    },
    /// Falls by a factor when a metric no longer improves, as PyTorch's `ReduceLROnPlateau`.
    Plateau {
        /// What is watched, on the validation part.
        metric: ValMetric,
        /// Factor of each fall.
        factor: f64,
        /// Epochs without improvement that are borne.
        patience: u32,
        /// Share of the best value by which another must be better to count.
        threshold: f64,
        /// Rate below which it does not fall.
        min_lr: f64,
    },
}

impl Schedule {
    /// Whether the validation part decides about the rate.
    pub fn needs_validation(&self) -> bool {
        matches!(self, Schedule::Plateau { .. })
    }
}
