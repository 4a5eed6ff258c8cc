//! Labels that a part says too little about, by name and with what is missing.

use serde::{Deserialize, Serialize};

/// A label that a part says too little about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undefined {
    /// The label.
    pub label: String,
    /// What is missing.
    pub gap: Gap,
}

/// What a part lacks for a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gap {
    /// No threshold of its own.
    ValidationPositives,
    /// No threshold of its own either: there are fewer than `evaluate.min_positives`.
    FewValidationPositives {
        /// Images with the label.
        n_images: u64,
    },
    /// No threshold with the precision that is asked for.
    PrecisionFloor,
    /// No calibration of its own.
    Calibration,
    /// No average precision, AUROC, precision, recall, F1, F-beta or Jaccard; left out of their means.
    TestPositives,
    /// No AUROC; left out of its mean.
    TestNegatives,
}

impl Undefined {
    /// For people, without a final stop.
    pub fn sentence(&self) -> String {
        let label = &self.label;
        match self.gap {
            Gap::ValidationPositives => {
                format!("no validation image has `{label}`: its threshold is the one for all labels")
            }
            Gap::FewValidationPositives { n_images } => format!(
                "{n_images} validation images have `{label}`, fewer than `evaluate.min_positives`: its threshold is the one for all labels"
            ),
            Gap::PrecisionFloor => format!(
                "`{label}` does not reach `evaluate.precision_floor` on validation: its threshold has the highest precision there is"
            ),
            Gap::Calibration => format!(
                "`{label}` is not calibrated: validation has too few images with or without it, or its scores do not rise with it"
            ),
            Gap::TestPositives => {
                format!("no test image has `{label}`: it is left out of the means over labels")
            }
            Gap::TestNegatives => format!("every test image has `{label}`: it is left out of the mean AUROC"),
        }
    }
}
