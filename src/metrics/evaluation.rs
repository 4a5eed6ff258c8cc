//! All metrics of one run: thresholds from validation, values from test.

use serde::{Deserialize, Serialize};

use super::calibration::Calibration;
use super::catalogue as name;
use super::counts::Counts;
use super::error_pairs::{ErrorPair, error_pairs};
use super::judged::{Judged, Named};
use super::probabilities::{Bin, Reliability};
use super::scored::Scored;
use super::threshold::{Thresholds, tune};
use super::undefined::{Gap, Undefined};
use crate::spec::settings::Evaluate;

/// What is known of a run's scores on the test part.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// From validation.
    pub calibration: Calibration,
    /// From validation, of calibrated probabilities.
    pub thresholds: Thresholds,
    /// From test: aggregates first, then label by label.
    pub values: Vec<Value>,
    /// The labels that some metric or threshold could not be had for.
    pub undefined: Vec<Undefined>,
    /// From test, label by label.
    pub details: Vec<LabelDetail>,
    /// What is said of the test part: row-major [images, labels].
    pub said: Vec<bool>,
    /// From test: which errors come together.
    pub error_pairs: Vec<ErrorPair>,
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

/// What one label's numbers are made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelDetail {
    /// The label.
    pub label: String,
    /// Right and wrong answers at its threshold.
    pub counts: Counts,
    /// The data of its reliability diagram.
    pub reliability: Vec<Bin>,
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

/// Calibrates and tunes thresholds on `val`, then scores `test` with both.
///
/// `labels`: the names.
///
/// # Panics
/// Where names, validation and test do not have the same number of labels: they come from one table.
pub fn evaluate(val: Scored, test: Scored, labels: &[String], settings: &Evaluate) -> Evaluation {
    assert_eq!(labels.len(), test.n_labels(), "bug: names for another number of labels");
    assert_eq!(val.n_labels(), test.n_labels(), "bug: validation and test with different labels");
    let calibration = Calibration::fit(&val, settings.calibration);
    let thresholds = tune(&val, &calibration, settings.threshold);
    let judged = Judged::new(test, &calibration, &thresholds.values);
    let mut values = over_labels(judged.main_aggregates());
    values.extend(over_labels(judged.more_aggregates(settings.beta)));
    for (label_idx, label) in labels.iter().enumerate() {
        let threshold = (name::THRESHOLD, thresholds.values.get(label_idx).copied());
        let named = judged.of_label(label_idx, settings.beta).into_iter().chain([threshold]);
        values.extend(named.map(|(metric, value)| Value { label: Some(label.clone()), metric, value }));
    }
    let detail = |((label, counts), reliability): ((&String, &Counts), &Reliability)| LabelDetail {
        label: label.clone(),
        counts: *counts,
        reliability: reliability.bins(),
    };
    let details = labels.iter().zip(&judged.counts).zip(&judged.reliability).map(detail).collect();
    let error_pairs = error_pairs(&test, &judged.said, labels);
    let undefined = gaps(&val, &test, labels, &calibration, &thresholds);
    Evaluation { said: judged.said, calibration, thresholds, values, undefined, details, error_pairs }
}

/// The main metrics of one part over all labels, decided at one threshold for all of them.
pub fn aggregates_at(part: &Scored, threshold: f64) -> Vec<Value> {
    over_labels(Judged::new(*part, &Calibration::None, &vec![threshold; part.n_labels()]).main_aggregates())
}

fn over_labels(named: impl IntoIterator<Item = Named>) -> Vec<Value> {
    named.into_iter().map(|(metric, value)| Value { label: None, metric, value }).collect()
}

fn gaps(
    val: &Scored,
    test: &Scored,
    labels: &[String],
    calibration: &Calibration,
    thresholds: &Thresholds,
) -> Vec<Undefined> {
    let uncalibrated: Vec<usize> = calibration.uncalibrated().collect();
    let mut undefined = Vec::new();
    for (label_idx, label) in labels.iter().enumerate() {
        let n_positives = test.n_positives(label_idx);
        let n_on_validation = val.n_positives(label_idx);
        let is_few = n_on_validation > 0 && thresholds.fallbacks.contains(&label_idx);
        let gaps = [
            (Gap::ValidationPositives, n_on_validation == 0),
            (Gap::FewValidationPositives { n_images: n_on_validation as u64 }, is_few),
            (Gap::PrecisionFloor, thresholds.below_floor.contains(&label_idx)),
            (Gap::Calibration, uncalibrated.contains(&label_idx)),
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
    use crate::spec::settings::{Aim, CalibrationMethod, Threshold};

    const PER_LABEL_F1: Threshold = Threshold::PerLabel { aim: Aim::F1, min_positives: 1 };

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
        let found = evaluate(val, test, &labels(&["metal", "glass", "paper"]), &Evaluate::at(PER_LABEL_F1));
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
        let on = |test| evaluate(val, test, &names, &Evaluate::at(PER_LABEL_F1)).thresholds;
        assert_eq!(on(a), on(b));
    }

    #[test]
    fn every_value_is_in_the_catalogue_and_in_range() {
        let scored =
            Scored::new(2, &[1.0, -1.0, 0.0, -1.0, 1.0, 0.5], &[true, false, true, false, false, true])
                .unwrap();
        let found = evaluate(
            scored,
            scored,
            &labels(&["metal", "glass"]),
            &Evaluate::at(Threshold::Global { aim: Aim::F1 }),
        );
        assert_eq!(found.values.len(), 37 + 2 * 13);
        let named = |of_label: bool| {
            let listed = name::METRICS.iter().filter(move |metric| match metric.scope {
                name::Scope::Both => true,
                name::Scope::Label => of_label,
                name::Scope::Aggregate => !of_label,
            });
            listed.map(|metric| metric.name).collect::<Vec<_>>()
        };
        assert!(named(false).iter().all(|metric| found.aggregate(metric).is_some()));
        assert!(named(true).iter().all(|metric| found.of_label("glass", metric).is_some()));
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
        let found = evaluate(nothing, nothing, &labels(&["metal"]), &Evaluate::at(PER_LABEL_F1));
        assert_eq!(found.aggregate(name::MAP_MACRO), None);
        assert_eq!(found.aggregate(name::LOG_LOSS), None);
        assert_eq!(found.aggregate(name::N_IMAGES), Some(0.0));
    }

    /// Calibration rises with the logit: it moves no image past another, so it changes no metric of order; and thresholds
    /// that are tuned label by label on probabilities that it moved decide as they did before.
    #[test]
    fn calibration_changes_probabilities_and_no_order() {
        let mut draws = crate::seed::Key::root(11).draws();
        let mut part = |n_images: usize| {
            let targets: Vec<bool> = (0..3 * n_images).map(|_| draws.chance(0.4)).collect();
            let logit = |&truth: &bool| (3.0 * draws.normal() + if truth { 2.0 } else { -1.0 }) as f32;
            let logits: Vec<f32> = targets.iter().map(logit).collect();
            (logits, targets)
        };
        let ((val_logits, val_targets), (logits, targets)) = (part(60), part(40));
        let (val, test) =
            (Scored::new(3, &val_logits, &val_targets).unwrap(), Scored::new(3, &logits, &targets).unwrap());
        let names = labels(&["metal", "glass", "paper"]);
        let with = |calibration| {
            evaluate(val, test, &names, &Evaluate { calibration, ..Evaluate::at(PER_LABEL_F1) })
        };
        let plain = with(CalibrationMethod::None);
        for method in [CalibrationMethod::Temperature, CalibrationMethod::Platt { min_positives: 5 }] {
            let found = with(method);
            assert_eq!(found.calibration.uncalibrated().count(), 0);
            assert_eq!(found.said, plain.said);
            assert_ne!(found.thresholds, plain.thresholds);
            for (value, before) in found.values.iter().zip(&plain.values) {
                let of_probabilities =
                    [name::LOG_LOSS, name::BRIER, name::ECE, name::ECE_MACRO, name::THRESHOLD];
                let moves = of_probabilities.contains(&value.metric);
                assert_eq!(value == before, !moves, "{method:?}: {value:?} {before:?}");
            }
            let better = |metric| found.aggregate(metric) < plain.aggregate(metric);
            assert!(better(name::LOG_LOSS) && better(name::BRIER) && better(name::ECE_MACRO), "{method:?}");
        }
    }

    #[test]
    fn what_validation_says_too_little_for_is_named() {
        let (logits, targets) = ([1.0, 2.0, 0.5, 1.0, -1.0, 3.0], [true, true, true, false, false, false]);
        let scored = Scored::new(2, &logits, &targets).unwrap();
        let settings = Evaluate {
            calibration: CalibrationMethod::Platt { min_positives: 2 },
            ..Evaluate::at(Threshold::PerLabel { aim: Aim::Precision(0.9), min_positives: 2 })
        };
        let found = evaluate(scored, scored, &labels(&["metal", "glass"]), &settings);
        let gaps: Vec<_> = found.undefined.iter().map(|u| (u.label.as_str(), u.gap)).collect();
        let few = Gap::FewValidationPositives { n_images: 1 };
        assert_eq!(
            gaps,
            [
                ("metal", Gap::Calibration),
                ("glass", few),
                ("glass", Gap::PrecisionFloor),
                ("glass", Gap::Calibration)
            ]
        );
    }
}
