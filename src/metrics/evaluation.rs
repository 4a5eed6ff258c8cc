//! All metrics of one run: thresholds from validation, values from test.

use serde::{Deserialize, Serialize};

use super::calibration::{expected_calibration_error, log_loss};
use super::catalogue as name;
use super::counts::{self, Counts};
use super::ranking::{Ranking, micro_average_precision};
use super::scored::{Scored, mean_of_defined};
use super::threshold::{Thresholds, tune};
use crate::spec::settings::Threshold;

/// What is known of a run's scores on the test part.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// From validation.
    pub thresholds: Thresholds,
    /// From test: aggregates first, then label by label.
    pub values: Vec<Value>,
    /// The labels that some metric or threshold could not be had for.
    pub undefined: Vec<Undefined>,
}

/// One number.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// `None`: over all labels.
    pub label: Option<String>,
    /// A name of [`super::catalogue`].
    pub metric: &'static str,
    /// `None` where the metric is not defined.
    pub value: Option<f64>,
}

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
    /// No average precision, AUROC, precision, recall or F1; left out of their means.
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
            Gap::TestPositives => {
                format!("no test image has `{label}`: it is left out of the means over labels")
            }
            Gap::TestNegatives => format!("every test image has `{label}`: it is left out of the mean AUROC"),
        }
    }
}

impl Evaluation {
    /// The aggregate called `metric`; `None` where it is not defined.
    pub fn aggregate(&self, metric: &str) -> Option<f64> {
        self.find(None, metric)
    }

    /// The value of `metric` for `label`; `None` where it is not defined.
    pub fn of_label(&self, label: &str, metric: &str) -> Option<f64> {
        self.find(Some(label), metric)
    }

    fn find(&self, label: Option<&str>, metric: &str) -> Option<f64> {
        self.values.iter().find(|v| v.label.as_deref() == label && v.metric == metric).and_then(|v| v.value)
    }
}

/// Tunes thresholds on `val`, then scores `test` with them.
///
/// `labels`: the names.
///
/// # Panics
/// Where names, validation and test do not have the same number of labels: they come from one table.
pub fn evaluate(val: Scored, test: Scored, labels: &[String], threshold: Threshold) -> Evaluation {
    assert_eq!(labels.len(), test.n_labels(), "bug: names for another number of labels");
    assert_eq!(val.n_labels(), test.n_labels(), "bug: validation and test with different labels");
    let thresholds = tune(&val, threshold);
    let said = counts::decisions(&test, &thresholds.values);
    let counts = counts::count(&test, &said);
    let rankings: Vec<Ranking> = (0..test.n_labels()).map(|label| Ranking::new(test.column(label))).collect();

    let mut values = aggregates(&test, &said, &counts, &rankings);
    for (label_idx, label) in labels.iter().enumerate() {
        let of_label = of_label(&test, label_idx, &counts[label_idx], &rankings[label_idx]);
        let threshold = (name::THRESHOLD, thresholds.values.get(label_idx).copied());
        let named = of_label.into_iter().chain([threshold]);
        values.extend(named.map(|(metric, value)| Value { label: Some(label.clone()), metric, value }));
    }
    let undefined = gaps(&val, &test, labels);
    Evaluation { thresholds, values, undefined }
}

/// The metrics of one part over all labels, decided at one threshold for all of them.
pub fn aggregates_at(part: &Scored, threshold: f64) -> Vec<Value> {
    let said = counts::decisions(part, &vec![threshold; part.n_labels()]);
    let counts = counts::count(part, &said);
    let rankings: Vec<Ranking> = (0..part.n_labels()).map(|label| Ranking::new(part.column(label))).collect();
    aggregates(part, &said, &counts, &rankings)
}

fn aggregates(test: &Scored, said: &[bool], counts: &[Counts], rankings: &[Ranking]) -> Vec<Value> {
    let pairs = || test.logits().iter().copied().zip(test.targets().iter().copied());
    let calibration = (0..test.n_labels()).map(|label| expected_calibration_error(test.column(label)));
    let named = [
        (name::MAP_MACRO, mean_of_defined(rankings.iter().map(Ranking::average_precision))),
        (name::MAP_MICRO, micro_average_precision(test)),
        (name::AUROC_MACRO, mean_of_defined(rankings.iter().map(Ranking::auroc))),
        (name::F1_MACRO, counts::macro_f1(counts)),
        (name::F1_MICRO, counts::sum(counts).f1()),
        (name::PRECISION_MACRO, mean_of_defined(counts.iter().map(Counts::precision))),
        (name::RECALL_MACRO, mean_of_defined(counts.iter().map(Counts::recall))),
        (name::SUBSET_ACCURACY, counts::subset_accuracy(test, said)),
        (name::HAMMING_LOSS, counts::hamming_loss(test, said)),
        (name::LOG_LOSS, log_loss(pairs())),
        (name::ECE_MACRO, mean_of_defined(calibration)),
        (name::N_IMAGES, Some(test.n_images() as f64)),
    ];
    named.into_iter().map(|(metric, value)| Value { label: None, metric, value }).collect()
}

fn of_label(
    test: &Scored,
    label_idx: usize,
    counts: &Counts,
    ranking: &Ranking,
) -> [(&'static str, Option<f64>); 9] {
    [
        (name::AP, ranking.average_precision()),
        (name::AUROC, ranking.auroc()),
        (name::F1, counts.f1()),
        (name::PRECISION, counts.precision()),
        (name::RECALL, counts.recall()),
        (name::LOG_LOSS, log_loss(test.column(label_idx))),
        (name::ECE, expected_calibration_error(test.column(label_idx))),
        (name::PREVALENCE, test.prevalence(label_idx)),
        (name::N_POSITIVES, Some(ranking.n_positives() as f64)),
    ]
}

fn gaps(val: &Scored, test: &Scored, labels: &[String]) -> Vec<Undefined> {
    let mut undefined = Vec::new();
    for (label_idx, label) in labels.iter().enumerate() {
        let n_positives = test.n_positives(label_idx);
        let gaps = [
            (Gap::ValidationPositives, val.n_positives(label_idx) == 0),
            (Gap::TestPositives, n_positives == 0),
            (Gap::TestNegatives, n_positives == test.n_images()),
        ];
        let found = gaps.into_iter().filter(|&(_, missing)| missing);
        undefined.extend(found.map(|(gap, _)| Undefined { label: label.clone(), gap }));
    }
    undefined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    /// A label that is missing on test, or everywhere, is named and pulls no mean down.
    #[test]
    fn labels_without_positives_are_left_out_and_named() {
        let val = Scored::new(3, &[1.0, -1.0, 0.0, -1.0, 1.0, 0.0], &[true, false, true, false, true, false])
            .unwrap();
        let test =
            Scored::new(3, &[1.0, 0.0, 1.0, -1.0, 0.0, -1.0], &[true, false, true, false, false, true])
                .unwrap();
        let found = evaluate(val, test, &labels(&["metal", "glass", "paper"]), Threshold::PerLabelF1);
        assert_eq!(found.of_label("glass", name::AP), None);
        assert_eq!(found.of_label("glass", name::F1), None);
        assert_eq!(found.of_label("paper", name::AUROC), None);
        assert_eq!(found.aggregate(name::MAP_MACRO), Some(1.0));
        assert_eq!(found.aggregate(name::AUROC_MACRO), Some(1.0));
        let gaps: Vec<_> = found.undefined.iter().map(|u| (u.label.as_str(), u.gap)).collect();
        assert_eq!(gaps, [("glass", Gap::TestPositives), ("paper", Gap::TestNegatives)]);
    }

    /// The test part must not move a threshold.
    #[test]
    fn thresholds_come_from_validation_alone() {
        let (val_logits, val_targets) = ([2.0, 1.0, -1.0], [true, true, false]);
        let val = Scored::new(1, &val_logits, &val_targets).unwrap();
        let a = Scored::new(1, &[0.5, 3.0], &[true, false]).unwrap();
        let b = Scored::new(1, &[-2.0, 0.1], &[false, true]).unwrap();
        let names = labels(&["metal"]);
        let on = |test| evaluate(val, test, &names, Threshold::PerLabelF1).thresholds;
        assert_eq!(on(a), on(b));
    }

    #[test]
    fn every_value_is_in_the_catalogue_and_in_range() {
        let scored =
            Scored::new(2, &[1.0, -1.0, 0.0, -1.0, 1.0, 0.5], &[true, false, true, false, false, true])
                .unwrap();
        let found = evaluate(scored, scored, &labels(&["metal", "glass"]), Threshold::GlobalF1);
        assert_eq!(found.values.len(), 12 + 2 * 10);
        for value in &found.values {
            let metric = name::find(value.metric).unwrap();
            let is_label = value.label.is_some();
            assert!(metric.scope == name::Scope::Both || is_label == (metric.scope == name::Scope::Label));
            let number = value.value.unwrap();
            assert!(metric.range[0] <= number && number <= metric.range[1], "{value:?}");
        }
    }

    #[test]
    fn no_images_are_no_numbers() {
        let nothing = Scored::new(1, &[], &[]).unwrap();
        let found = evaluate(nothing, nothing, &labels(&["metal"]), Threshold::PerLabelF1);
        assert_eq!(found.aggregate(name::MAP_MACRO), None);
        assert_eq!(found.aggregate(name::LOG_LOSS), None);
        assert_eq!(found.aggregate(name::N_IMAGES), Some(0.0));
    }
}
