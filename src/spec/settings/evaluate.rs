//! How runs are scored.

use serde::{Deserialize, Serialize};

/// `[evaluate]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluate {
    /// Where a probability becomes a prediction; tuned on validation, applied to test.
    pub threshold: Threshold,
    /// How many times as much recall counts as precision in F-beta.
    pub beta: f64,
    /// How logits become probabilities; fitted on validation.
    pub calibration: CalibrationMethod,
}

impl Evaluate {
    /// `threshold` and nothing else said: beta is 2, probabilities are as they come.
    pub fn at(threshold: Threshold) -> Self {
        Evaluate { threshold, beta: 2.0, calibration: CalibrationMethod::None }
    }

    /// Whether a precision is asked for.
    pub fn reads_precision_floor(&self) -> bool {
        let aim = match self.threshold {
            Threshold::Fixed(_) => None,
            Threshold::Global { aim } | Threshold::PerLabel { aim, .. } => Some(aim),
        };
        matches!(aim, Some(Aim::Precision(_)))
    }

    /// Whether something is fitted to each label alone, which needs positives.
    pub fn reads_min_positives(&self) -> bool {
        matches!(self.threshold, Threshold::PerLabel { .. })
            || matches!(self.calibration, CalibrationMethod::Platt { .. })
    }
}

/// Where a probability becomes a prediction.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Threshold {
    /// This probability for all labels.
    Fixed(f64),
    /// One for all labels, the best on validation.
    Global {
        /// What is best.
        aim: Aim,
    },
    /// One per label, the best on validation.
    PerLabel {
        /// What is best.
        aim: Aim,
        /// A label with fewer positives on validation gets the one for all labels.
        min_positives: u32,
    },
}

/// What makes a threshold the best.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aim {
    /// F1.
    F1,
    /// F-beta, with this beta.
    FBeta(f64),
    /// The highest recall with at least this precision.
    Precision(f64),
}

/// How logits become probabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CalibrationMethod {
    /// By the logistic function alone.
    None,
    /// All logits are divided by one number first.
    Temperature,
    /// A line is laid through the logits of each label first.
    Platt {
        /// A label with fewer positives, or negatives, on validation stays as it is.
        min_positives: u32,
    },
}
