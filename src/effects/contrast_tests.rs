//! Contrasts of many variants, folds and bootstraps beside scipy, statsmodels and scikit-learn.

use serde::Deserialize;

use super::images::{Column, resample};
use super::paired::Paired;
use super::tail::Tail;
use super::*;
use crate::metrics::{Calibration, Ranking};
use crate::seed::Key;
use crate::spec::settings::HeadlineMetric;

#[derive(Deserialize)]
struct Golden {
    folds: Vec<Folds>,
    factorial: Vec<Factorial>,
    bootstraps: Vec<Bootstrap>,
}

#[derive(Deserialize)]
struct Folds {
    deltas: Vec<Vec<f64>>,
    test_to_train: f64,
    p: f64,
    half_width: f64,
}

#[derive(Deserialize)]
struct Factorial {
    applies: Vec<Vec<bool>>,
    values: Vec<Vec<f64>>,
    deltas: Vec<f64>,
    p: Vec<f64>,
}

#[derive(Deserialize)]
struct Bootstrap {
    truth: Vec<bool>,
    scores: Vec<f32>,
    said: Vec<bool>,
    ap: f64,
    f1: f64,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../../tests/golden/effects/effects.json")).unwrap()
}

#[test]
fn the_corrected_test_over_folds_is_that_of_scikit_learns_example() {
    let cases = golden().folds;
    assert_eq!(cases.len(), 5);
    for case in cases {
        let mean = |deltas: &Vec<f64>| vec![deltas.iter().sum::<f64>() / deltas.len() as f64];
        let of_folds: Vec<Vec<f64>> = case.deltas.iter().map(mean).collect();
        let paired = Paired::over_folds(&of_folds, case.test_to_train);
        let tail = Tail::new(paired.degrees());
        let p = tail.two_sided(paired.delta, paired.t_variance(), paired.image_variance);
        let half_width = tail.quantile(0.05, paired.t_variance(), paired.image_variance);
        assert!((p - case.p).abs() < 1e-9 && (half_width - case.half_width).abs() < 1e-9, "{p} {half_width}");
    }
}

/// A value for each variant and seed, given as the mean of one image: the whole way from contrasts to p-values.
#[test]
fn effects_of_factorial_designs_are_those_of_statsmodels() {
    for case in golden().factorial {
        let (n_arms, n_ops) = (case.applies.len(), case.applies[0].len());
        let names: Vec<String> = (0..n_arms).map(|arm| format!("arm {arm}")).collect();
        let ops: Vec<String> = (0..n_ops).map(|op| format!("op {op}")).collect();
        let places: Vec<design::Place> = names
            .iter()
            .zip(&case.applies)
            .map(|(name, applies)| design::Place {
                variant: name,
                arm: name,
                applies: applies.clone(),
                point: Vec::new(),
            })
            .collect();
        let pairs: Vec<Vec<(usize, usize)>> =
            (0..n_ops).flat_map(|a| (a + 1..n_ops).map(move |b| vec![(a, b)])).collect();
        let mut contrasts = design::main_effects(&ops, &places);
        contrasts.extend(design::interactions(&ops, &places, &pairs));

        let logits = [0.5; 6];
        let mut runs = Vec::new();
        let mut values = Vec::new();
        for (seed, of_arms) in case.values.iter().enumerate() {
            for (name, &value) in names.iter().zip(of_arms) {
                runs.push(RunScores {
                    variant: name,
                    seed: seed as u64,
                    fold: 0,
                    logits: &logits,
                    calibration: &Calibration::None,
                    thresholds: &[0.5],
                    flags: &[],
                });
                values.push(vec![value as f32; 6]);
            }
        }
        let found = compare(&Study {
            labels: &["metal".to_owned()],
            folds: &[Fold { targets: &[true, true, true, true, true, false], n_train: 0 }],
            runs: &runs,
            contrasts: &contrasts,
            measures: &[Measure::OfImages(OfImages { name: "value", values: &values })],
            equivalence: 0.0,
            looks: &Looks::once(),
            n_resamples: 100,
            key: Key::root(1),
        })
        .unwrap();
        let over_all: Vec<&Effect> = found.effects.iter().filter(|effect| effect.label.is_none()).collect();
        assert_eq!(over_all.len(), case.deltas.len());
        for ((effect, delta), p) in over_all.iter().zip(&case.deltas).zip(&case.p) {
            assert!((effect.delta - delta).abs() < 1e-6, "{} {delta}", effect.delta);
            assert!((effect.p.unwrap() - p).abs() < 1e-4, "{:?} {p}", effect.p);
        }
    }
}

/// Of 20,000 resamples by scipy and 20,000 of ours, by other generators.
#[test]
fn standard_errors_over_images_are_those_of_scipys_bootstrap() {
    for case in golden().bootstraps {
        let n = case.truth.len();
        let ranking = Ranking::new(case.scores.iter().copied().zip(case.truth.iter().copied()));
        let answers = case.said.iter().copied().zip(case.truth.iter().copied()).collect();
        let columns = [Column::AveragePrecision(ranking), Column::F1(answers)];
        let found = resample(&columns.each_ref(), n, 20_000, Key::root(5));
        for (column, expected) in [case.ap, case.f1].into_iter().enumerate() {
            let values: Vec<f32> = found.iter().flat_map(|block| block[column]).collect();
            let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / values.len() as f64;
            let squares: f64 = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum();
            let error = (squares / (values.len() - 1) as f64).sqrt();
            assert!((error / expected - 1.0).abs() < 0.03, "{error}, scipy {expected}");
        }
    }
}

const TARGETS: [bool; 12] = [true, true, true, true, true, true, false, false, false, false, false, false];

/// Three variants of two seeds: how far the best positive is above the rest.
fn compare_three(contrasts: &[Contrast], looks: &Looks, missing: Option<(&str, u64)>) -> Comparison {
    let logits = |swap: usize| {
        let mut logits = vec![6., 5., 4., 3., 2., 1., 0., -1., -2., -3., -4., -5.];
        logits.swap(5 - swap % 3, 6 + swap);
        logits
    };
    let of = [("none", 1, 4), ("none", 2, 5), ("none", 3, 3), ("a", 1, 1), ("a", 2, 2), ("a", 3, 1)];
    let more = [("b", 1, 0), ("b", 2, 1), ("b", 3, 0)];
    let runs: Vec<(&str, u64, Vec<f32>)> = of
        .into_iter()
        .chain(more)
        .filter(|&(variant, seed, _)| Some((variant, seed)) != missing)
        .map(|(variant, seed, swap)| (variant, seed, logits(swap)))
        .collect();
    let scores: Vec<RunScores> = runs
        .iter()
        .map(|(variant, seed, logits)| RunScores {
            variant,
            seed: *seed,
            fold: 0,
            logits,
            calibration: &Calibration::None,
            thresholds: &[0.6],
            flags: &[],
        })
        .collect();
    compare(&Study {
        labels: &["metal".to_owned()],
        folds: &[Fold { targets: &TARGETS, n_train: 0 }],
        runs: &scores,
        contrasts,
        measures: &[Measure::Headline(HeadlineMetric::MapMacro)],
        equivalence: 0.005,
        looks,
        n_resamples: 200,
        key: Key::root(1),
    })
    .unwrap()
}

/// The same two p-values, once as one family and once as two.
#[test]
fn each_kind_is_a_family_of_its_own() {
    let pairs = [Contrast::pair("a", "none"), Contrast::pair("b", "none")];
    let as_axis = |mut contrast: Contrast<'static>| {
        contrast.kind = Kind::Axis;
        contrast
    };
    let together = compare_three(&pairs, &Looks::once(), None).effects;
    let apart = compare_three(&[pairs[0].clone(), as_axis(pairs[1].clone())], &Looks::once(), None).effects;
    assert_eq!(together[0].p, apart[0].p);
    assert_eq!((apart[0].p_adjusted, apart[1].p_adjusted), (apart[0].p, apart[1].p));
    assert!(together.iter().any(|effect| effect.p_adjusted > effect.p));
    assert_eq!((apart[0].kind, apart[1].kind), (Kind::Variant, Kind::Axis));
    assert_eq!(apart[1].contrast_row().kind, "axis");
}

#[test]
fn a_contrast_counts_the_seeds_that_all_its_variants_have() {
    let both = Contrast::of_weights(
        Kind::MainEffect,
        "op".into(),
        "not applied".into(),
        [("a", 0.5), ("b", 0.5), ("none", -1.0)],
    )
    .unwrap();
    let whole = compare_three(std::slice::from_ref(&both), &Looks::once(), None);
    assert_eq!(whole.effects[0].seeds, [1, 2, 3]);
    let found = compare_three(std::slice::from_ref(&both), &Looks::once(), Some(("b", 2)));
    assert_eq!(found.effects[0].seeds, [1, 3]);
    let stranger =
        Contrast::of_weights(Kind::MainEffect, "other".into(), String::new(), [("a", 1.0), ("gone", -1.0)]);
    let found = compare_three(&[both, stranger.unwrap()], &Looks::once(), None);
    assert_eq!(found.unpaired_contrasts, ["other"]);
}

#[test]
fn looks_widen_intervals_and_raise_p_values() {
    let pair = [Contrast::pair("b", "none")];
    let once = compare_three(&pair, &Looks::once(), None).effects.remove(0);
    let looks = Looks::at(&[3, 5, 8, 10]);
    let often = compare_three(&pair, &looks, None).effects.remove(0);
    let width = |effect: &Effect| effect.interval.map(|[low, high]| high - low).unwrap();
    assert!(width(&often) > 1.1 * width(&once));
    assert_eq!((often.p, often.p_adjusted), (once.p, once.p.map(|p| looks.overall(p))));
    assert!(often.p_adjusted > once.p_adjusted);
}
