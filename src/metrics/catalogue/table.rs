//! What is told of each metric.

use super::names::*;
use super::{Metric, Scope, Unit};

const FRACTION: [f64; 2] = [0.0, 1.0];
const UNBOUNDED: [f64; 2] = [0.0, f64::INFINITY];

const fn share(name: &'static str, scope: Scope, better: Option<bool>, meaning: &'static str) -> Metric {
    Metric { name, scope, unit: Unit::Fraction, range: FRACTION, higher_is_better: better, meaning }
}

const fn other(
    name: &'static str,
    scope: Scope,
    unit: Unit,
    better: Option<bool>,
    meaning: &'static str,
) -> Metric {
    Metric { name, scope, unit, range: UNBOUNDED, higher_is_better: better, meaning }
}

/// All metrics: those over all labels, then those label by label.
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
        MAP_WEIGHTED,
        Scope::Aggregate,
        Some(true),
        "average precision, mean over labels weighted by their positives",
    ),
    share(
        MAP_SAMPLES,
        Scope::Aggregate,
        Some(true),
        "average precision of each image's labels, mean over images; 0 for an image without labels",
    ),
    share(
        AUROC_MACRO,
        Scope::Aggregate,
        Some(true),
        "area under the ROC curve, mean over the labels that have both positives and negatives; 0.5 is chance",
    ),
    share(
        AUROC_MICRO,
        Scope::Aggregate,
        Some(true),
        "area under the ROC curve over all pairs of image and label in one ranking; 0.5 is chance",
    ),
    share(
        AUROC_WEIGHTED,
        Scope::Aggregate,
        Some(true),
        "area under the ROC curve, mean over labels weighted by their positives; 0.5 is chance",
    ),
    share(
        AUROC_SAMPLES,
        Scope::Aggregate,
        Some(true),
        "area under the ROC curve of each image's labels, mean over the images with some labels and not all",
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
        F1_WEIGHTED,
        Scope::Aggregate,
        Some(true),
        "F1 at the tuned thresholds, mean over labels weighted by their positives",
    ),
    share(
        F1_SAMPLES,
        Scope::Aggregate,
        Some(true),
        "F1 of each image's labels, mean over images; 0 where none is said and none is true",
    ),
    share(
        F_BETA_MACRO,
        Scope::Aggregate,
        Some(true),
        "F-beta at the tuned thresholds, mean over the labels that have positives",
    ),
    share(
        F_BETA_MICRO,
        Scope::Aggregate,
        Some(true),
        "F-beta at the tuned thresholds over all pairs of image and label",
    ),
    share(
        F_BETA_WEIGHTED,
        Scope::Aggregate,
        Some(true),
        "F-beta at the tuned thresholds, mean over labels weighted by their positives",
    ),
    share(
        F_BETA_SAMPLES,
        Scope::Aggregate,
        Some(true),
        "F-beta of each image's labels, mean over images; 0 where none is said and none is true",
    ),
    share(
        JACCARD_MACRO,
        Scope::Aggregate,
        Some(true),
        "labels said and true among those said or true, mean over the labels that have positives",
    ),
    share(
        JACCARD_MICRO,
        Scope::Aggregate,
        Some(true),
        "pairs of image and label said and true among those said or true",
    ),
    share(
        JACCARD_WEIGHTED,
        Scope::Aggregate,
        Some(true),
        "labels said and true among those said or true, mean over labels weighted by their positives",
    ),
    share(
        JACCARD_SAMPLES,
        Scope::Aggregate,
        Some(true),
        "labels said and true among those said or true, image by image, mean over images; 0 where none is said and none is true",
    ),
    share(
        PRECISION_MACRO,
        Scope::Aggregate,
        Some(true),
        "share of what is said that is true, mean over the labels that have positives",
    ),
    share(
        PRECISION_MICRO,
        Scope::Aggregate,
        Some(true),
        "share of what is said that is true, over all pairs of image and label",
    ),
    share(
        PRECISION_WEIGHTED,
        Scope::Aggregate,
        Some(true),
        "share of what is said that is true, mean over labels weighted by their positives",
    ),
    share(
        PRECISION_SAMPLES,
        Scope::Aggregate,
        Some(true),
        "share of what is said that is true, image by image, mean over images; 0 where nothing is said",
    ),
    share(
        RECALL_MACRO,
        Scope::Aggregate,
        Some(true),
        "share of the positives that are said, mean over the labels that have positives",
    ),
    share(
        RECALL_MICRO,
        Scope::Aggregate,
        Some(true),
        "share of the positives that are said, over all pairs of image and label",
    ),
    share(
        RECALL_WEIGHTED,
        Scope::Aggregate,
        Some(true),
        "share of the positives that are said, mean over labels weighted by their positives",
    ),
    share(
        RECALL_SAMPLES,
        Scope::Aggregate,
        Some(true),
        "share of the positives that are said, image by image, mean over images; 0 for an image without labels",
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
    share(
        LRAP,
        Scope::Aggregate,
        Some(true),
        "label ranking average precision: of the labels scored at or above a true one, how many are true; 1 for an image without labels",
    ),
    share(
        RANKING_LOSS,
        Scope::Aggregate,
        Some(false),
        "share of an image's pairs of a true and a false label in the wrong order or tied, mean over images",
    ),
    other(
        COVERAGE_ERROR,
        Scope::Aggregate,
        Unit::Labels,
        Some(false),
        "labels to go down an image's ranking until all true ones are met, mean over images",
    ),
    other(
        LOG_LOSS,
        Scope::Both,
        Unit::Nats,
        Some(false),
        "mean negative log-likelihood of the truth under the probabilities; 0.693 is one half for all",
    ),
    share(
        BRIER,
        Scope::Both,
        Some(false),
        "mean squared distance of the probabilities from the truth; 0.25 is one half for all",
    ),
    share(
        ECE_MACRO,
        Scope::Aggregate,
        Some(false),
        "expected calibration error, mean over labels: how far probabilities are from the shares they promise",
    ),
    other(N_IMAGES, Scope::Aggregate, Unit::Count, None, "images of the test part"),
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
    share(
        F_BETA,
        Scope::Label,
        Some(true),
        "weighted harmonic mean of precision and recall: recall counts `evaluate.beta` times as much",
    ),
    share(
        JACCARD,
        Scope::Label,
        Some(true),
        "images of which the label is said and true among those of which it is said or true",
    ),
    share(PRECISION, Scope::Label, Some(true), "share of what is said that is true, 0 where nothing is said"),
    share(RECALL, Scope::Label, Some(true), "share of the positives that are said"),
    share(
        ECE,
        Scope::Label,
        Some(false),
        "expected calibration error over 15 bins: how far probabilities are from the shares they promise",
    ),
    share(PREVALENCE, Scope::Label, None, "share of test images that have the label"),
    other(N_POSITIVES, Scope::Label, Unit::Count, None, "test images that have the label"),
    share(THRESHOLD, Scope::Label, None, "probability from which the label is said, tuned on validation"),
];
