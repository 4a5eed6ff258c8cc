//! `[train.loss]`: what training makes small.

use serde::{Deserialize, Serialize};

/// The loss: of each label of each row, then the mean over rows and labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "name")]
pub enum Loss {
    /// Binary cross-entropy on logits.
    Bce {
        /// How much more a label's positives weigh than its negatives.
        positive_weights: PositiveWeights,
        /// How far targets go towards one half, 0 to below 1; in training only.
        smoothing: f64,
    },
    /// Focal loss (Lin et al. 2017): what is right already counts less.
    Focal {
        /// How much less: the exponent.
        gamma: f64,
        /// Weight of positives, that of negatives being 1 less this; `None`: both count fully.
        alpha: Option<f64>,
    },
    /// Asymmetric loss (Ridnik et al. 2021): a focal loss that is stricter with negatives.
    Asymmetric {
        /// Exponent of negatives.
        gamma_negative: f64,
        /// Exponent of positives.
        gamma_positive: f64,
        /// Probability below which a negative counts nothing.
        clip: f64,
    },
}

/// How much more a label's positives weigh than its negatives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PositiveWeights {
    /// As much.
    None,
    /// Negatives divided by positives, over the training rows.
    Balanced,
    /// One number per label.
    Given(Vec<f64>),
}
