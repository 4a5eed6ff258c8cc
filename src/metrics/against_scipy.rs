//! Calibration and the rules for thresholds beside scipy's and scikit-learn's answers, case by case:
//! `tests/golden/metrics/make_calibration.py`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::catalogue as name;
use super::*;
use crate::spec::settings::{Aim, CalibrationMethod, Evaluate, Threshold};

#[derive(Deserialize)]
struct Case {
    name: String,
    n_labels: usize,
    beta: f64,
    floor: f64,
    min_positives: u32,
    val_logits: Vec<f32>,
    val_targets: Vec<u8>,
    logits: Vec<f32>,
    targets: Vec<u8>,
    temperature: f64,
    /// Slope and shift of each label; none where nothing can be fitted.
    lines: Vec<Option<[f64; 2]>>,
    rules: BTreeMap<String, Thresholds>,
    none_scores: BTreeMap<String, f64>,
    temperature_scores: BTreeMap<String, f64>,
    platt_scores: BTreeMap<String, f64>,
}

fn bools(values: &[u8]) -> Vec<bool> {
    values.iter().map(|&value| value == 1).collect()
}

fn assert_near(case: &Case, what: &str, found: f64, expected: f64) {
    let near = (found - expected).abs() <= 1e-9 * expected.abs().max(1.0);
    assert!(near, "{}: {what} is {found}, expected {expected}", case.name);
}

/// Each case with its validation and test part.
fn each(check: impl Fn(&Case, Scored, Scored)) {
    let cases: Vec<Case> =
        serde_json::from_str(include_str!("../../tests/golden/metrics/calibration.json")).unwrap();
    assert!(cases.len() >= 110);
    for case in &cases {
        let (val_targets, targets) = (bools(&case.val_targets), bools(&case.targets));
        let val = Scored::new(case.n_labels, &case.val_logits, &val_targets).unwrap();
        let test = Scored::new(case.n_labels, &case.logits, &targets).unwrap();
        check(case, val, test);
    }
}

#[test]
fn calibration_equals_scipys_and_scikit_learns() {
    each(|case, val, test| {
        let labels: Vec<String> = (0..case.n_labels).map(|label| format!("label {label}")).collect();
        let methods = [
            (CalibrationMethod::None, &case.none_scores),
            (CalibrationMethod::Temperature, &case.temperature_scores),
            (CalibrationMethod::Platt { min_positives: 1 }, &case.platt_scores),
        ];
        for (calibration, scores) in methods {
            let settings = Evaluate { calibration, ..Evaluate::at(Threshold::Fixed(0.5)) };
            let found = evaluate(val, test, &labels, &settings);
            match &found.calibration {
                Calibration::None => {}
                Calibration::Temperature { temperature } => {
                    assert_near(case, "the temperature", *temperature, case.temperature);
                }
                Calibration::Platt { lines } => {
                    assert_eq!(lines.len(), case.lines.len());
                    for (line, expected) in lines.iter().zip(&case.lines) {
                        assert_eq!(line.is_some(), expected.is_some(), "{}: {line:?}", case.name);
                        if let (Some(line), Some([slope, shift])) = (line, expected) {
                            assert_near(case, "the slope", line.slope, *slope);
                            assert_near(case, "the shift", line.shift, *shift);
                        }
                    }
                }
            }
            for metric in [name::LOG_LOSS, name::BRIER, name::ECE_MACRO] {
                let value = found.aggregate(metric).unwrap();
                assert_near(case, &format!("{metric} with {calibration:?}"), value, scores[metric]);
            }
        }
    });
}

#[test]
fn thresholds_are_those_of_trying_every_one() {
    each(|case, val, _| {
        let (f_beta, precision) = (Aim::FBeta(case.beta), Aim::Precision(case.floor));
        let per_label = |aim| Threshold::PerLabel { aim, min_positives: case.min_positives };
        let rules = [
            ("global_f_beta", Threshold::Global { aim: f_beta }),
            ("per_label_f_beta", per_label(f_beta)),
            ("global_precision", Threshold::Global { aim: precision }),
            ("per_label_precision", per_label(precision)),
        ];
        for (rule, threshold) in rules {
            let found = tune(&val, &Calibration::None, threshold);
            let expected = &case.rules[rule];
            assert_eq!(found.fallbacks, expected.fallbacks, "{}: {rule}", case.name);
            assert_eq!(found.below_floor, expected.below_floor, "{}: {rule}", case.name);
            for (&value, &expected) in found.values.iter().zip(&expected.values) {
                assert_near(case, rule, value, expected);
            }
        }
    });
}
