//! Every metric beside scikit-learn's answer, case by case: `tests/golden/metrics/make_metrics.py`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::*;
use crate::spec::settings::{Aim, Evaluate, Threshold};

#[derive(Deserialize)]
struct Case {
    name: String,
    rule: String,
    beta: f64,
    n_labels: usize,
    val_logits: Vec<f32>,
    val_targets: Vec<u8>,
    logits: Vec<f32>,
    targets: Vec<u8>,
    aggregate: BTreeMap<String, Option<f64>>,
    per_label: Vec<BTreeMap<String, Option<f64>>>,
    /// Hits, misses, false alarms, and what is rightly not said.
    counts: Vec<[u64; 4]>,
    /// Bin, images, mean probability and share of positives, for each bin that has images.
    bins: Vec<Vec<(usize, u64, f64, f64)>>,
    /// Missed label, label said wrongly, images.
    errors: Vec<(usize, usize, u64)>,
    weighted: Weighted,
}

#[derive(Deserialize)]
struct Weighted {
    multiplicities: Vec<f32>,
    ap: Option<f64>,
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("../../tests/golden/metrics/metrics.json")).unwrap()
}

fn bools(values: &[u8]) -> Vec<bool> {
    values.iter().map(|&value| value == 1).collect()
}

fn assert_same(case: &str, what: &str, found: Option<f64>, expected: Option<f64>) {
    match (found, expected) {
        (None, None) => {}
        (Some(a), Some(b)) if (a - b).abs() <= 1e-9 * b.abs().max(1.0) => {}
        _ => panic!("{case}: {what} is {found:?}, scikit-learn gives {expected:?}"),
    }
}

#[test]
fn every_metric_equals_scikit_learns() {
    let cases = cases();
    let n_random = cases.iter().filter(|case| case.name.starts_with("random")).count();
    assert!(n_random >= 200 && cases.len() - n_random >= 20);
    for case in &cases {
        let (val_targets, targets) = (bools(&case.val_targets), bools(&case.targets));
        let val = Scored::new(case.n_labels, &case.val_logits, &val_targets).unwrap();
        let test = Scored::new(case.n_labels, &case.logits, &targets).unwrap();
        let rule = match case.rule.as_str() {
            "fixed" => Threshold::Fixed(0.4),
            "global_f1" => Threshold::Global { aim: Aim::F1 },
            _ => Threshold::PerLabel { aim: Aim::F1, min_positives: 1 },
        };
        let labels: Vec<String> = (0..case.n_labels).map(|label| format!("label {label}")).collect();
        let found = evaluate(val, test, &labels, &Evaluate { beta: case.beta, ..Evaluate::at(rule) });
        assert_eq!(
            found.values.len(),
            case.aggregate.len() + case.per_label.iter().map(BTreeMap::len).sum::<usize>()
        );
        for (metric, &expected) in &case.aggregate {
            assert_same(&case.name, metric, found.aggregate(metric), expected);
        }
        for (label, expected) in labels.iter().zip(&case.per_label) {
            for (metric, &expected) in expected {
                assert_same(
                    &case.name,
                    &format!("{metric} of {label}"),
                    found.of_label(label, metric),
                    expected,
                );
            }
        }
        assert_same_details(case, &found);
    }
}

fn assert_same_details(case: &Case, found: &Evaluation) {
    assert_eq!(found.details.len(), case.n_labels);
    for (detail, (counts, bins)) in found.details.iter().zip(case.counts.iter().zip(&case.bins)) {
        let [true_positives, false_negatives, false_positives, true_negatives] = *counts;
        let expected = Counts { true_positives, false_positives, false_negatives, true_negatives };
        assert_eq!(detail.counts, expected, "{}: {}", case.name, detail.label);
        let filled = detail.reliability.iter().enumerate().filter(|(_, bin)| bin.n_images > 0);
        let filled: Vec<_> = filled.collect();
        assert_eq!(filled.len(), bins.len(), "{}: {}", case.name, detail.label);
        for ((at, bin), &(expected_at, n_images, mean, share)) in filled.into_iter().zip(bins) {
            assert_eq!((at, bin.n_images), (expected_at, n_images), "{}: {}", case.name, detail.label);
            assert_same(&case.name, "mean probability", bin.mean_probability, Some(mean));
            assert_same(&case.name, "share of positives", bin.positive_share, Some(share));
        }
    }
    let mut expected = case.errors.clone();
    expected.sort_by_key(|&(.., n_images)| std::cmp::Reverse(n_images));
    let named = expected.into_iter().map(|(missed, said, n_images)| ErrorPair {
        missed: format!("label {missed}"),
        said: format!("label {said}"),
        n_images,
    });
    assert_eq!(found.error_pairs, named.collect::<Vec<_>>(), "{}", case.name);
}

/// The bootstrap's average precision, which counts images more than once: f32, so to 1e-6.
#[test]
fn average_precision_with_multiplicities_equals_scikit_learns() {
    for case in cases() {
        let targets = bools(&case.targets);
        let test = Scored::new(case.n_labels, &case.logits, &targets).unwrap();
        let times: Vec<_> =
            case.weighted.multiplicities.iter().map(|&times| [times; ranking::LANES]).collect();
        let found = Ranking::new(test.column(0)).average_precision_lanes(&times)[3];
        match case.weighted.ap {
            Some(expected) => assert!((f64::from(found) - expected).abs() < 1e-6, "{}: {found}", case.name),
            None => assert!(found.is_nan(), "{}: {found}", case.name),
        }
    }
}
