//! Cross-validated studies: worked by hand, and set beside the same numbers without folds.

use super::*;
use crate::metrics::{Calibration, Flag};
use crate::seed::Key;
use crate::spec::settings::HeadlineMetric;

const FIRST: [bool; 6] = [true, true, true, false, false, false];
const SECOND: [bool; 4] = [false, true, false, true];

/// Variant, seed, fold, logits.
type Run = (&'static str, u64, usize, Vec<f32>);

fn compare_folds(runs: &[Run], folds: &[&[bool]], labels: &[&str], flags: &[Flag]) -> Comparison {
    let thresholds = vec![0.6; labels.len()];
    let scores: Vec<RunScores> = runs
        .iter()
        .map(|(variant, seed, fold, logits)| RunScores {
            variant,
            seed: *seed,
            fold: *fold,
            logits,
            calibration: &Calibration::None,
            thresholds: &thresholds,
            flags,
        })
        .collect();
    let study = Study {
        labels: &labels.iter().map(|&label| label.to_owned()).collect::<Vec<_>>(),
        folds: &folds
            .iter()
            .map(|targets| Fold { targets, n_train: 10_usize.saturating_sub(targets.len()).max(1) })
            .collect::<Vec<_>>(),
        runs: &scores,
        contrasts: &pairs_against("none", &scores),
        measures: &[Measure::Headline(HeadlineMetric::MapMacro)],
        equivalence: 0.005,
        looks: &Looks::once(),
        n_resamples: 200,
        key: Key::root(1),
    };
    compare(&study).unwrap()
}

/// Two seeds and two folds of one label. The second fold's logits lie far above the first's: pooled, they would be one wrong ranking.
fn two_by_two() -> Vec<Run> {
    let (good, wrong) = (vec![3., 2., 1., 0., -1., -2.], vec![3., 2., -1., 0., 1., -2.]);
    let (best, worse) = (vec![90., 93., 91., 92.], vec![93., 92., 90., 91.]);
    vec![
        ("none", 1, 0, wrong.clone()),
        ("none", 1, 1, worse.clone()),
        ("none", 2, 0, good.clone()),
        ("none", 2, 1, worse),
        ("flip", 1, 0, good.clone()),
        ("flip", 1, 1, best.clone()),
        ("flip", 2, 0, good),
        ("flip", 2, 1, best),
    ]
}

#[test]
fn a_seeds_value_is_the_mean_over_its_folds() {
    let found = compare_folds(&two_by_two(), &[&FIRST, &SECOND], &["metal"], &[]);
    // Fold 0, seed 1: positives at ranks 1, 2 and 5. Fold 1: at ranks 2 and 3.
    let first = 1.0 - (1.0 + 1.0 + 3.0 / 5.0) / 3.0;
    let second = 1.0 - (1.0 / 2.0 + 2.0 / 3.0) / 2.0;
    for effect in &found.effects {
        assert_eq!(effect.seeds, [1, 2]);
        for (found, expected) in effect.deltas.iter().zip([(first + second) / 2.0, second / 2.0]) {
            assert!((found - expected).abs() < 1e-12, "{:?}", effect.deltas);
        }
        assert_eq!(effect.row().n_seeds, 2, "folds are no seeds");
    }
    assert!(found.incomplete.is_empty());
}

#[test]
fn the_order_of_runs_changes_no_number() {
    let straight = compare_folds(&two_by_two(), &[&FIRST, &SECOND], &["metal"], &[]);
    let mut runs = two_by_two();
    runs.reverse();
    assert_eq!(compare_folds(&runs, &[&FIRST, &SECOND], &["metal"], &[]), straight);
}

#[test]
fn a_seed_that_lacks_a_fold_is_left_out_and_named() {
    let mut runs = two_by_two();
    runs.retain(|run| (run.0, run.1, run.2) != ("none", 2, 1));
    let found = compare_folds(&runs, &[&FIRST, &SECOND], &["metal"], &[]);
    assert!(found.effects.iter().all(|effect| effect.seeds == [1]));
    let lacking = Incomplete { variant: "none".into(), seed: 2, n_folds: 1, of: 2 };
    assert_eq!((found.incomplete, found.unpaired_variants.len()), (vec![lacking], 0));

    runs.retain(|run| (run.0, run.1, run.2) != ("none", 1, 0));
    let found = compare_folds(&runs, &[&FIRST, &SECOND], &["metal"], &[]);
    assert_eq!(
        (found.effects.len(), found.unpaired_variants, found.incomplete.len()),
        (0, vec!["flip".to_owned()], 2)
    );
}

/// `rare` has positives in the second fold only; so the first has no part in it, and its mean over labels is `metal` alone.
#[test]
fn a_fold_without_a_positive_has_no_part_in_that_label() {
    let first: Vec<bool> = FIRST.iter().flat_map(|&metal| [metal, false]).collect();
    let second: Vec<bool> = SECOND.iter().flat_map(|&metal| [metal, !metal]).collect();
    let wide = |fold: usize, logits: &[f32]| -> Vec<f32> {
        let rare = |at: usize, logit: f32| if fold == 0 { at as f32 } else { -logit };
        logits.iter().enumerate().flat_map(|(at, &logit)| [logit, rare(at, logit)]).collect()
    };
    let runs: Vec<Run> =
        two_by_two().into_iter().map(|(v, s, fold, logits)| (v, s, fold, wide(fold, &logits))).collect();
    let found = compare_folds(&runs, &[&first, &second], &["metal", "rare"], &[]);
    let deltas = |label: Option<&str>| {
        found.effects.iter().find(|effect| effect.label.as_deref() == label).unwrap().deltas.clone()
    };
    let (all, metal, rare) = (deltas(None), deltas(Some("metal")), deltas(Some("rare")));
    // `rare` is the complement under the turned ranking: where the positives of `metal` stand at ranks 2 and 3 of 4, its own
    // stand at 1 and 4.
    assert!((rare[0] - (1.0 - (1.0 + 2.0 / 4.0) / 2.0)).abs() < 1e-12, "{rare:?}");
    let second = 1.0 - (1.0 / 2.0 + 2.0 / 3.0) / 2.0;
    let first = 2.0 * metal[0] - second;
    assert!((all[0] - (first + (second + rare[0]) / 2.0) / 2.0).abs() < 1e-12, "{all:?}");
    assert!(found.undefined_labels.is_empty());
}

/// The interval of Student's t with one degree of freedom, by the corrected variance: ten images in all, of which each fold trains on those
/// of the other.
#[test]
fn the_interval_is_over_folds() {
    let found = compare_folds(&two_by_two(), &[&FIRST, &SECOND], &["metal"], &[]);
    let effect = &found.effects[1];
    let first = 1.0 - (1.0 + 1.0 + 3.0 / 5.0) / 3.0;
    let second = 1.0 - (1.0 / 2.0 + 2.0 / 3.0) / 2.0;
    let (a, b) = (first / 2.0, second);
    let half = 12.706_204_736 * (1.5_f64 * (a - b) * (a - b) / 2.0).sqrt();
    let [low, high] = effect.interval.unwrap();
    assert!((effect.delta - (a + b) / 2.0).abs() < 1e-12);
    assert!(((high - low) / 2.0 - half).abs() < 1e-8, "{} {half}", (high - low) / 2.0);
    assert_eq!(effect.image_error, 0.0);
}

/// One seed and two folds give an interval, and no word on what more seeds would do; a label that one fold alone tests on gives none.
#[test]
fn one_seed_is_enough_and_one_fold_is_not() {
    let mut runs = two_by_two();
    runs.retain(|run| run.1 == 1);
    let found = compare_folds(&runs, &[&FIRST, &SECOND], &["metal"], &[]);
    let unknown = Verdict::NotEnoughEvidence { reason: Undecided::TooWideForOneSeed };
    assert!(found.effects[0].interval.is_some());
    assert_eq!((&found.effects[0].verdict, found.effects[0].seeds.as_slice()), (&unknown, [1].as_slice()));

    let first: Vec<bool> = FIRST.iter().flat_map(|&metal| [metal, metal]).collect();
    let second: Vec<bool> = SECOND.iter().flat_map(|&metal| [metal, false]).collect();
    let wide = |logits: &[f32]| logits.iter().flat_map(|&logit| [logit, logit]).collect::<Vec<f32>>();
    let runs: Vec<Run> = two_by_two().into_iter().map(|(v, s, fold, x)| (v, s, fold, wide(&x))).collect();
    let mut twice = first.clone();
    twice.extend(&first);
    let runs: Vec<Run> = runs
        .into_iter()
        .map(|(v, s, fold, x)| (v, s, fold, if fold == 0 { [x.clone(), x].concat() } else { x }))
        .collect();
    let found = compare_folds(&runs, &[&twice, &second], &["metal", "rare"], &[]);
    let rare = found.effects.iter().find(|effect| effect.label.as_deref() == Some("rare")).unwrap();
    assert_eq!((rare.interval, rare.spread_error), (None, None));
    assert_eq!(rare.verdict, Verdict::NotEnoughEvidence { reason: Undecided::OneFold });
}

#[test]
fn flagged_runs_are_counted_one_by_one() {
    let found = compare_folds(&two_by_two(), &[&FIRST, &SECOND], &["metal"], &[Flag::Diverged]);
    let degenerate = Verdict::NotEnoughEvidence { reason: Undecided::Degenerate { n_runs: 8, of: 8 } };
    assert!(found.effects.iter().all(|effect| effect.verdict == degenerate));
}

/// One positive in each of five folds: too few to speak of the label.
#[test]
fn one_image_per_fold_decides_nothing() {
    let fold = [true, false, false, false, false, false, false];
    let run =
        |variant, seed, fold: usize, best: f32| (variant, seed, fold, vec![best, 2., 1., 0., -1., -2., -3.]);
    let runs: Vec<Run> = [("none", 1.5), ("flip", 3.0)]
        .into_iter()
        .flat_map(|(v, best)| {
            (1..=3).flat_map(move |s| (0..5).map(move |f| run(v, s, f, best + s as f32 * 0.1)))
        })
        .collect();
    let folds: Vec<&[bool]> = vec![&fold; 5];
    let found = compare_folds(&runs, &folds, &["metal"], &[]);
    let of_label = found.effects.iter().find(|effect| effect.label.is_some()).unwrap();
    let few = Verdict::NotEnoughEvidence { reason: Undecided::FewImages { n_images: 1 } };
    assert_eq!(of_label.verdict, few);
}

#[test]
fn folds_that_there_are_not_and_folds_twice_are_refused() {
    let refuse = |runs: &[Run]| {
        let scores: Vec<RunScores> = runs
            .iter()
            .map(|(variant, seed, fold, logits)| RunScores {
                variant,
                seed: *seed,
                fold: *fold,
                logits,
                calibration: &Calibration::None,
                thresholds: &[0.6],
                flags: &[],
            })
            .collect();
        let study = Study {
            labels: &["metal".to_owned()],
            folds: &[&FIRST as &[bool], &SECOND].map(|targets| Fold { targets, n_train: targets.len() }),
            runs: &scores,
            contrasts: &pairs_against("none", &scores),
            measures: &[Measure::Headline(HeadlineMetric::MapMacro)],
            equivalence: 0.005,
            looks: &Looks::once(),
            n_resamples: 100,
            key: Key::root(1),
        };
        compare(&study).unwrap_err().to_string()
    };
    let mut runs = two_by_two();
    runs[1].2 = 2;
    assert_eq!(refuse(&runs), "variant `none`, seed `1` has fold `2`, expected one below `2`");
    let mut runs = two_by_two();
    runs.push(runs[1].clone());
    assert_eq!(refuse(&runs), "variant `none` has two runs with seed `1` and fold `1`, expected one");
    let mut runs = two_by_two();
    runs[1].2 = 0;
    assert_eq!(refuse(&runs), "cannot score the run of variant `none` with seed `1`");
}
