//! What can be watched on the validation part after each epoch.

use serde::{Deserialize, Serialize};

/// A metric of the validation part; those of decisions are at the threshold 0.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValMetric {
    /// The training's loss, without smoothing.
    ValLoss,
    /// Average precision, mean over labels.
    ValMapMacro,
    /// Average precision over all pairs of image and label.
    ValMapMicro,
    /// Area under the ROC curve, mean over labels.
    ValAurocMacro,
    /// F1, mean over labels.
    ValF1Macro,
    /// F1 over all pairs of image and label.
    ValF1Micro,
    /// Precision, mean over labels.
    ValPrecisionMacro,
    /// Recall, mean over labels.
    ValRecallMacro,
    /// Share of images with every label right.
    ValSubsetAccuracy,
    /// Share of answers that are wrong.
    ValHammingLoss,
    /// Mean negative log-likelihood, whatever the training's loss.
    ValLogLoss,
    /// Expected calibration error, mean over labels.
    ValEceMacro,
}

impl ValMetric {
    /// All by name, in the order of the columns of `history`.
    pub const ALL: [(&'static str, ValMetric); 12] = [
        ("val_loss", ValMetric::ValLoss),
        ("val_map_macro", ValMetric::ValMapMacro),
        ("val_map_micro", ValMetric::ValMapMicro),
        ("val_auroc_macro", ValMetric::ValAurocMacro),
        ("val_f1_macro", ValMetric::ValF1Macro),
        ("val_f1_micro", ValMetric::ValF1Micro),
        ("val_precision_macro", ValMetric::ValPrecisionMacro),
        ("val_recall_macro", ValMetric::ValRecallMacro),
        ("val_subset_accuracy", ValMetric::ValSubsetAccuracy),
        ("val_hamming_loss", ValMetric::ValHammingLoss),
        ("val_log_loss", ValMetric::ValLogLoss),
        ("val_ece_macro", ValMetric::ValEceMacro),
    ];

    /// Whether higher is better; else lower is.
    pub fn higher_is_better(self) -> bool {
        !matches!(
            self,
            ValMetric::ValLoss | ValMetric::ValHammingLoss | ValMetric::ValLogLoss | ValMetric::ValEceMacro
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_the_name_that_it_is_written_by() {
        for (name, metric) in ValMetric::ALL {
            assert_eq!(serde_json::to_value(metric).unwrap(), name);
        }
    }
}
