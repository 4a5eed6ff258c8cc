//! Every metric by name: what it means, its unit and range, and which way is better. For docs and report.

/// What is told of a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metric {
    /// As in the tables `metrics` and `effects`.
    pub name: &'static str,
    /// What it is computed over.
    pub scope: Scope,
    /// What its values count.
    pub unit: Unit,
    /// Lowest and highest value.
    pub range: [f64; 2],
    /// Whether higher is better; `None` for what is neither good nor bad.
    pub higher_is_better: Option<bool>,
    /// One line for people.
    pub meaning: &'static str,
}

/// What a metric is computed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One label.
    Label,
    /// All labels together.
    Aggregate,
    /// One label, and all labels together.
    Both,
}

/// What a metric's values count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A share, 0 to 1.
    Fraction,
    /// A whole number.
    Count,
    /// Natural units of information.
    Nats,
}

pub use names::*;

/// The names, as in the tables.
mod names {
    #![expect(missing_docs, reason = "what each name means stands in `METRICS`, once")]
    pub const AP: &str = "ap";
    pub const AUROC: &str = "auroc";
    pub const AUROC_MACRO: &str = "auroc_macro";
    pub const ECE: &str = "ece";
    pub const ECE_MACRO: &str = "ece_macro";
    pub const F1: &str = "f1";
    pub const F1_MACRO: &str = "f1_macro";
    pub const F1_MICRO: &str = "f1_micro";
    pub const HAMMING_LOSS: &str = "hamming_loss";
    pub const LOG_LOSS: &str = "log_loss";
    pub const MAP_MACRO: &str = "map_macro";
    pub const MAP_MICRO: &str = "map_micro";
    pub const N_IMAGES: &str = "n_images";
    pub const N_POSITIVES: &str = "n_positives";
    pub const PRECISION: &str = "precision";
    pub const PRECISION_MACRO: &str = "precision_macro";
    pub const PREVALENCE: &str = "prevalence";
    pub const RECALL: &str = "recall";
    pub const RECALL_MACRO: &str = "recall_macro";
    pub const SUBSET_ACCURACY: &str = "subset_accuracy";
    pub const THRESHOLD: &str = "threshold";
}

const FRACTION: [f64; 2] = [0.0, 1.0];
const UNBOUNDED: [f64; 2] = [0.0, f64::INFINITY];

const fn share(name: &'static str, scope: Scope, better: Option<bool>, meaning: &'static str) -> Metric {
    Metric { name, scope, unit: Unit::Fraction, range: FRACTION, higher_is_better: better, meaning }
}

/// All metrics, in the order in which a report shows them.
pub const METRICS: &[Metric] = &[
    share(
        MAP_MACRO,
        Scope::Aggregate,
        Some(true),
        "average precision, mean over the labels that have positives: how well scores rank images, label by label",
    ),
    share(
        MAP_MICRO,
        Scope::Aggregate,
        Some(true),
        "average precision over all pairs of image and label in one ranking: frequent labels count more",
    ),
    share(
        AUROC_MACRO,
        Scope::Aggregate,
        Some(true),
        "area under the ROC curve, mean over the labels that have both positives and negatives; 0.5 is chance",
    ),
    share(
        F1_MACRO,
        Scope::Aggregate,
        Some(true),
        "F1 at the tuned thresholds, mean over the labels that have positives",
    ),
    share(
        F1_MICRO,
        Scope::Aggregate,
        Some(true),
        "F1 at the tuned thresholds over all pairs of image and label: frequent labels count more",
    ),
    share(
        PRECISION_MACRO,
        Scope::Aggregate,
        Some(true),
        "share of what is said that is true, mean over the labels that have positives",
    ),
    share(
        RECALL_MACRO,
        Scope::Aggregate,
        Some(true),
        "share of the positives that are said, mean over the labels that have positives",
    ),
    share(
        SUBSET_ACCURACY,
        Scope::Aggregate,
        Some(true),
        "share of images with every label right; high for a constant answer where one label set is frequent",
    ),
    share(
        HAMMING_LOSS,
        Scope::Aggregate,
        Some(false),
        "share of answers that are wrong, over all images and labels; low for silence where labels are rare",
    ),
    Metric {
        name: LOG_LOSS,
        scope: Scope::Both,
        unit: Unit::Nats,
        range: UNBOUNDED,
        higher_is_better: Some(false),
        meaning: "mean negative log-likelihood of the truth under the probabilities; 0.693 is one half for all",
    },
    share(
        ECE_MACRO,
        Scope::Aggregate,
        Some(false),
        "expected calibration error, mean over labels: how far probabilities are from the shares they promise",
    ),
    Metric {
        name: N_IMAGES,
        scope: Scope::Aggregate,
        unit: Unit::Count,
        range: UNBOUNDED,
        higher_is_better: None,
        meaning: "images of the test part",
    },
    share(
        AP,
        Scope::Label,
        Some(true),
        "average precision: the precision reached, averaged over the recall gained; the prevalence is chance",
    ),
    share(
        AUROC,
        Scope::Label,
        Some(true),
        "how often an image with the label is scored above one without it, ties counting half; 0.5 is chance",
    ),
    share(F1, Scope::Label, Some(true), "harmonic mean of precision and recall at the tuned threshold"),
    share(PRECISION, Scope::Label, Some(true), "share of what is said that is true, 0 where nothing is said"),
    share(RECALL, Scope::Label, Some(true), "share of the positives that are said"),
    share(
        ECE,
        Scope::Label,
        Some(false),
        "expected calibration error over 15 bins: how far probabilities are from the shares they promise",
    ),
    share(PREVALENCE, Scope::Label, None, "share of test images that have the label"),
    Metric {
        name: N_POSITIVES,
        scope: Scope::Label,
        unit: Unit::Count,
        range: UNBOUNDED,
        higher_is_better: None,
        meaning: "test images that have the label",
    },
    share(THRESHOLD, Scope::Label, None, "probability from which the label is said, tuned on validation"),
];

/// What is told of the metric called `name`.
pub fn find(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_meanings_are_lines() {
        for (at, metric) in METRICS.iter().enumerate() {
            assert_eq!(METRICS.iter().position(|other| other.name == metric.name), Some(at));
            assert!(!metric.meaning.ends_with('.') && !metric.meaning.contains('\n'), "{}", metric.name);
            assert!(metric.range[0] < metric.range[1]);
        }
        assert_eq!(find(HAMMING_LOSS).and_then(|metric| metric.higher_is_better), Some(false));
        assert_eq!(find("accuracy"), None);
    }
}
