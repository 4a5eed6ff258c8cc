//! Small studies worked by hand, and what must change no number: the order of runs, the number of threads.

use super::*;
use crate::metrics::{Calibration, Flag};
use crate::seed::Key;
use crate::spec::settings::HeadlineMetric;

const TARGETS: [bool; 12] = [true, true, true, true, true, true, false, false, false, false, false, false];
const GOOD: [f32; 12] = [6., 5., 4., 3., 2., 1., 0., -1., -2., -3., -4., -5.];

/// A run of one label: [`GOOD`], with the scores of some images exchanged.
fn logits(swaps: &[(usize, usize)]) -> Vec<f32> {
    let mut logits = GOOD.to_vec();
    swaps.iter().for_each(|&(a, b)| logits.swap(a, b));
    logits
}

/// A study of a label, told by variant, seed and logits.
fn compare_all(
    runs: &[(&str, u64, Vec<f32>)],
    baseline: &str,
    flags: &[Flag],
) -> Result<Comparison, EffectError> {
    let runs: Vec<RunScores> = runs
        .iter()
        .map(|(variant, seed, logits)| RunScores {
            variant,
            seed: *seed,
            fold: 0,
            logits,
            calibration: &Calibration::None,
            thresholds: &[0.6],
            flags,
        })
        .collect();
    compare(&Study {
        labels: &["metal".to_owned()],
        folds: &[Fold { targets: &TARGETS, n_train: 0 }],
        runs: &runs,
        contrasts: &pairs_against(baseline, &runs),
        measures: &[HeadlineMetric::MapMacro, HeadlineMetric::F1Macro].map(Measure::Headline),
        equivalence: 0.005,
        looks: &Looks::once(),
        n_resamples: 400,
        key: Key::root(1),
    })
}

fn three_by_three() -> Vec<(&'static str, u64, Vec<f32>)> {
    vec![
        ("none", 1, logits(&[(5, 6), (3, 8)])),
        ("none", 2, logits(&[(4, 6)])),
        ("none", 3, logits(&[(0, 11), (5, 7)])),
        ("flip", 1, logits(&[(5, 6)])),
        ("flip", 2, logits(&[])),
        ("flip", 3, logits(&[(0, 9)])),
        ("noise", 1, logits(&[(0, 11)])),
        ("noise", 2, logits(&[(1, 10), (0, 7)])),
        ("noise", 3, logits(&[(2, 8), (5, 6)])),
    ]
}

/// Two seeds by hand. Seed 1: the baseline has a negative at rank 6 and its sixth positive at rank 7, so its average
/// precision is `(5 + 6/7) / 6`. Seed 2: the negative stands at rank 1, the positives at 2 to 7.
#[test]
fn a_hand_worked_study() {
    let first_last = (2.0 / 3.0 + 1.0 / 2.0 + 3.0 / 4.0 + 4.0 / 5.0 + 5.0 / 6.0 + 6.0 / 7.0) / 6.0;
    let runs = [
        ("none", 1, logits(&[(5, 6)])),
        ("none", 2, logits(&[(0, 6)])),
        ("flip", 1, logits(&[])),
        ("flip", 2, logits(&[])),
    ];
    let found = compare_all(&runs, "none", &[]).unwrap();
    let ap = found.effects.iter().find(|e| e.metric == "ap").unwrap();
    let expected = [1.0 - (5.0 + 6.0 / 7.0) / 6.0, 1.0 - first_last];
    assert!(ap.deltas.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{:?}", ap.deltas);
    assert_eq!((ap.label.as_deref(), ap.seeds.as_slice()), (Some("metal"), [1, 2].as_slice()));
    // One label: the mean over labels is the label.
    let all = found.effects.iter().find(|e| e.metric == "map_macro").unwrap();
    assert_eq!((all.delta, all.interval, all.label.as_deref()), (ap.delta, ap.interval, None));
    // Student's t alone would give this half-width; images only add to it.
    let half = 12.706_204_736 * (expected[0] - expected[1]).abs() / 2.0;
    let [low, high] = ap.interval.unwrap();
    assert!((low + high) / 2.0 - ap.delta < 1e-12 && (high - low) / 2.0 >= half - 1e-9);
    assert!(ap.p.unwrap() > 0.05 && ap.probability_of_improvement.unwrap() > 0.5);
    // F1 at 0.6, which a logit of 1 passes and 0 does not: 11/12 answers are the same, the baseline misses one positive.
    let f1 = found.effects.iter().find(|e| e.metric == "f1").unwrap();
    assert!((f1.delta - (1.0 - 10.0 / 12.0)).abs() < 1e-12, "{}", f1.delta);
    assert_eq!(f1.spread_error, Some(0.0));
    assert_eq!(ap.row().n_seeds, 2);
}

#[test]
fn changing_sides_changes_signs_and_nothing_else() {
    let runs: Vec<_> = three_by_three().into_iter().filter(|run| run.0 != "noise").collect();
    let there = compare_all(&runs, "none", &[]).unwrap().effects;
    let back = compare_all(&runs, "flip", &[]).unwrap().effects;
    for (a, b) in there.iter().zip(&back) {
        assert_eq!(a.delta, -b.delta);
        assert_eq!((a.p, a.p_adjusted, a.image_error), (b.p, b.p_adjusted, b.image_error));
        let ([low, high], [back_low, back_high]) = (a.interval.unwrap(), b.interval.unwrap());
        assert_eq!((low, high), (-back_high, -back_low));
        let sum = a.probability_of_improvement.unwrap() + b.probability_of_improvement.unwrap();
        assert!((sum - 1.0).abs() < 1e-12);
    }
}

#[test]
fn the_order_of_runs_and_the_number_of_threads_change_no_number() {
    let straight = compare_all(&three_by_three(), "none", &[]).unwrap();
    let mut runs = three_by_three();
    runs.reverse();
    let mut reversed = compare_all(&runs, "none", &[]).unwrap();
    let place = |e: &Effect| {
        straight.effects.iter().position(|o| (&o.variant, e.metric) == (&e.variant, o.metric)).unwrap()
    };
    reversed.effects.sort_by_key(place);
    assert_eq!(reversed, straight);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(7).build().unwrap();
    assert_eq!(pool.install(|| compare_all(&three_by_three(), "none", &[])).unwrap(), straight);
}

/// With two variants the p-values of a metric and label are one family.
#[test]
fn p_values_are_adjusted_over_the_variants() {
    let found = compare_all(&three_by_three(), "none", &[]).unwrap().effects;
    let family: Vec<&Effect> = found.iter().filter(|e| e.metric == "map_macro").collect();
    let p: Vec<f64> = family.iter().map(|e| e.p.unwrap()).collect();
    let adjusted: Vec<f64> = family.iter().map(|e| e.p_adjusted.unwrap()).collect();
    assert_eq!(adjusted, holm::adjust(&p));
    assert!((adjusted[0].min(adjusted[1]) - (2.0 * p[0].min(p[1])).min(1.0)).abs() < 1e-12);
}

#[test]
fn one_seed_never_decides() {
    let runs = [("none", 1, logits(&[(0, 11), (1, 10), (2, 9)])), ("flip", 1, logits(&[]))];
    for effect in compare_all(&runs, "none", &[]).unwrap().effects {
        assert_eq!(effect.verdict, Verdict::NotEnoughEvidence { reason: Undecided::OneSeed });
        assert_eq!((effect.interval, effect.p, effect.spread_error), (None, None, None));
        assert!(effect.delta > 0.0 && effect.image_error > 0.0 && effect.row().low.is_nan());
    }
}

#[test]
fn degenerate_runs_get_no_verdict_and_warnings_do_not_forbid_one() {
    let runs: Vec<_> = three_by_three();
    let reasons = |flags: &[Flag]| -> Vec<bool> {
        let effects = compare_all(&runs, "none", flags).unwrap().effects;
        let degenerate = Verdict::NotEnoughEvidence { reason: Undecided::Degenerate { n_runs: 6, of: 6 } };
        effects.iter().map(|effect| effect.verdict == degenerate).collect()
    };
    assert!(reasons(&[Flag::Diverged]).into_iter().all(|is| is));
    assert!(!reasons(&[Flag::StillImproving { epoch: 3 }]).into_iter().any(|is| is));
}

#[test]
fn equal_runs_move_nothing_and_say_nothing() {
    let runs = [
        ("none", 1, logits(&[(0, 8)])),
        ("none", 2, logits(&[(3, 9)])),
        ("flip", 1, logits(&[(0, 8)])),
        ("flip", 2, logits(&[(3, 9)])),
    ];
    for effect in compare_all(&runs, "none", &[]).unwrap().effects {
        assert_eq!(effect.verdict, Verdict::NotEnoughEvidence { reason: Undecided::NoSpread });
        assert_eq!((effect.delta, effect.interval, effect.p), (0.0, None, None));
    }
}

#[test]
fn only_shared_seeds_are_compared_and_strangers_are_named() {
    let mut runs = three_by_three();
    runs.retain(|run| (run.0, run.1) != ("none", 2));
    runs.push(("late", 7, logits(&[])));
    let found = compare_all(&runs, "none", &[]).unwrap();
    assert!(found.effects.iter().all(|effect| effect.seeds == [1, 3]));
    assert_eq!(found.unpaired_variants, ["late"]);
}

#[test]
fn labels_that_no_image_has_are_named_and_few_images_decide_nothing() {
    let labels = ["metal".to_owned(), "glass".to_owned(), "paper".to_owned()];
    let row = |at: usize| [TARGETS[at], false, at == 0];
    let targets: Vec<bool> = (0..12).flat_map(row).collect();
    let wide = |column: Vec<f32>| column.into_iter().flat_map(|x| [x, 0.5, x]).collect::<Vec<f32>>();
    let runs: Vec<(&str, u64, Vec<f32>)> =
        three_by_three().into_iter().map(|(v, s, x)| (v, s, wide(x))).collect();
    let thresholds = [0.5; 3];
    let runs: Vec<RunScores> = runs
        .iter()
        .map(|(variant, seed, logits)| RunScores {
            variant,
            seed: *seed,
            fold: 0,
            logits,
            calibration: &Calibration::None,
            thresholds: &thresholds,
            flags: &[],
        })
        .collect();
    let found = compare(&Study {
        labels: &labels,
        folds: &[Fold { targets: &targets, n_train: 0 }],
        runs: &runs,
        contrasts: &[Contrast::pair("flip", "none")],
        measures: &[Measure::Headline(HeadlineMetric::MapMacro)],
        equivalence: 0.005,
        looks: &Looks::once(),
        n_resamples: 100,
        key: Key::root(1),
    })
    .unwrap();
    assert_eq!(found.undefined_labels, ["glass"]);
    let labels: Vec<Option<&str>> = found.effects.iter().map(|e| e.label.as_deref()).collect();
    assert_eq!(labels, [None, Some("metal"), Some("paper")]);
    let few = Verdict::NotEnoughEvidence { reason: Undecided::FewImages { n_images: 1 } };
    assert_eq!(found.effects[2].verdict, few);
    assert!((found.effects[0].delta - (found.effects[1].delta + found.effects[2].delta) / 2.0).abs() < 1e-12);
}

#[test]
fn runs_that_do_not_belong_together_are_refused() {
    let mut runs = three_by_three();
    let error = compare_all(&runs, "nil", &[]).unwrap_err();
    assert_eq!(error.to_string(), "baseline `nil` has no run");
    runs.push(("flip", 1, logits(&[])));
    let error = compare_all(&runs, "none", &[]).unwrap_err();
    assert_eq!(error.to_string(), "variant `flip` has two runs with seed `1` and fold `0`, expected one");
    let error = compare_all(&[("none", 1, vec![0.0; 11])], "none", &[]).unwrap_err();
    assert!(matches!(error, EffectError::Scores { .. }), "{error}");
    let mut broken = logits(&[]);
    broken[4] = f32::NAN;
    let error = compare_all(&[("none", 1, broken)], "none", &[]).unwrap_err();
    assert!(matches!(error, EffectError::Scores { .. }), "{error}");
}

#[test]
fn nothing_to_compare_on_is_an_error_not_a_panic() {
    let study = Study {
        labels: &[],
        folds: &[Fold { targets: &TARGETS, n_train: 0 }],
        runs: &[],
        contrasts: &[],
        measures: &[Measure::Headline(HeadlineMetric::MapMacro)],
        equivalence: 0.005,
        looks: &Looks::once(),
        n_resamples: 100,
        key: Key::root(1),
    };
    assert_eq!(compare(&study), Err(EffectError::Empty));
    assert_eq!(
        compare(&Study {
            labels: &["metal".to_owned()],
            folds: &[Fold { targets: &[], n_train: 0 }],
            ..study
        }),
        Err(EffectError::Empty)
    );
    // Labels that no image has: nothing is measured, and that is said.
    let none = compare(&Study {
        labels: &["metal".to_owned()],
        folds: &[Fold { targets: &[false; 3], n_train: 0 }],
        ..study
    })
    .unwrap();
    assert_eq!((none.effects.len(), none.undefined_labels), (0, vec!["metal".to_owned()]));
}
