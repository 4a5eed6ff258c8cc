//! Where a probability becomes a prediction: tuned on validation, applied to test, which is never looked at.
//!
//! A label is said of an image where its probability is at or above the threshold. The candidates are the
//! probabilities that occur on validation; of candidates that are equally good the highest wins, so that the answer is one
//! and the fewest labels are said for it.

use serde::{Deserialize, Serialize};

use super::calibration::Calibration;
use super::scored::{Scored, logistic};
use super::sum_tree::SumTree;
use crate::spec::settings::{Aim, Threshold};

/// The threshold of labels that nothing could be tuned for.
pub const UNTUNED: f64 = 0.5;

/// One threshold per label, with the labels that could not have their own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    /// A probability for each label.
    pub values: Vec<f64>,
    /// Positions of labels with too few positives on validation, whose value is another than the rule asks for: the
    /// one for all labels or, where no label has a positive, [`UNTUNED`].
    pub fallbacks: Vec<usize>,
    /// Positions of labels whose value does not reach the precision that is asked for, on validation: no value does, and theirs has
    /// the highest precision.
    pub below_floor: Vec<usize>,
}

/// A threshold, and whether it does what was asked of it.
#[derive(Clone, Copy, Debug)]
struct Found {
    threshold: f64,
    reaches_floor: bool,
}

/// Applies `rule` to the validation part.
///
/// `PerLabel`: a label with fewer than `min_positives` positives on `val`, or none, gets the threshold that `Global` would give.
/// `Global`: F1 and F-beta are means over the labels that have positives, precision and recall are of all pairs of image and
/// label; where no label has a positive, [`UNTUNED`].
pub fn tune(val: &Scored, calibration: &Calibration, rule: Threshold) -> Thresholds {
    let n_labels = val.n_labels();
    let (aim, own): (Aim, Vec<Option<Found>>) = match rule {
        Threshold::Fixed(value) => {
            return Thresholds {
                values: vec![value; n_labels],
                fallbacks: Vec::new(),
                below_floor: Vec::new(),
            };
        }
        Threshold::Global { aim } => (aim, vec![None; n_labels]),
        Threshold::PerLabel { aim, min_positives } => {
            let enough = |label: &usize| val.n_positives(*label) >= min_positives.max(1) as usize;
            let best = |label: usize| best_of(scores(calibration.column(val, label)), aim);
            (aim, (0..n_labels).map(|label| Some(label).filter(enough).and_then(best)).collect())
        }
    };
    // The one for all costs a sort of everything, and mostly nobody needs it.
    let needs_global = own.iter().any(Option::is_none);
    let global = if needs_global { best_for_all(val, calibration, aim) } else { None };
    let lacks_own = |label: &usize| own[*label].is_none();
    let is_fallback = matches!(rule, Threshold::PerLabel { .. }) || global.is_none();
    let chosen = own.iter().map(|own| own.or(global));
    Thresholds {
        values: chosen.clone().map(|found| found.map_or(UNTUNED, |found| found.threshold)).collect(),
        fallbacks: if is_fallback { (0..n_labels).filter(lacks_own).collect() } else { Vec::new() },
        below_floor: (0..n_labels)
            .zip(chosen)
            .filter(|(_, found)| found.is_some_and(|found| !found.reaches_floor))
            .map(|(label, _)| label)
            .collect(),
    }
}

/// Probabilities with the truth, the highest first. `scored`: calibrated logits.
fn scores(scored: impl Iterator<Item = (f64, bool)>) -> Vec<(f64, bool)> {
    let mut scores: Vec<(f64, bool)> = scored.map(|(logit, truth)| (logistic(logit), truth)).collect();
    scores.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    scores
}

/// The best threshold for these scores taken as of one label; `None` without positives.
fn best_of(scores: Vec<(f64, bool)>, aim: Aim) -> Option<Found> {
    let n_positives = scores.iter().filter(|&&(_, truth)| truth).count() as f64;
    if n_positives == 0.0 {
        return None;
    }
    match aim {
        Aim::F1 => best_f(&scores, n_positives, 1.0),
        Aim::FBeta(beta) => best_f(&scores, n_positives, beta),
        Aim::Precision(floor) => best_recall(&scores, floor),
    }
}

/// Each distinct probability from the highest, with how many images are said there and how many of them rightly.
fn steps(scores: &[(f64, bool)]) -> impl Iterator<Item = (f64, f64, f64)> {
    let (mut said, mut hits) = (0.0, 0.0);
    scores.chunk_by(|a, b| a.0 == b.0).map(move |group| {
        said += group.len() as f64;
        hits += group.iter().filter(|&&(_, truth)| truth).count() as f64;
        (group[0].0, said, hits)
    })
}

/// F-beta is `(1 + beta^2) hits / (said + beta^2 positives)`; fractions are compared crosswise, which is exact for F1.
fn best_f(scores: &[(f64, bool)], n_positives: f64, beta: f64) -> Option<Found> {
    let mut best: Option<(f64, f64, f64)> = None;
    for (threshold, said, hits) in steps(scores) {
        let whole = said + beta * beta * n_positives;
        if best.is_none_or(|(top, below, _)| hits * below > top * whole) {
            best = Some((hits, whole, threshold));
        }
    }
    best.map(|(.., threshold)| Found { threshold, reaches_floor: true })
}

/// The most hits with a precision of at least `floor`; where no threshold has that, the highest precision, and the
/// most hits with it.
fn best_recall(scores: &[(f64, bool)], floor: f64) -> Option<Found> {
    let mut reaching: Option<(f64, f64)> = None;
    let mut purest: Option<(f64, f64, f64)> = None;
    for (threshold, said, hits) in steps(scores) {
        if hits / said >= floor && reaching.is_none_or(|(most, _)| hits > most) {
            reaching = Some((hits, threshold));
        }
        if purest.is_none_or(|(top, of, _)| hits * of >= top * said) {
            purest = Some((hits, said, threshold));
        }
    }
    // A precision of 0 asks for nothing, and a threshold without a hit reaches nothing.
    match reaching.filter(|&(hits, _)| hits > 0.0) {
        Some((_, threshold)) => Some(Found { threshold, reaches_floor: true }),
        None => purest.map(|(.., threshold)| Found { threshold, reaches_floor: false }),
    }
}

/// The best threshold for all labels together; `None` without positives.
fn best_for_all(val: &Scored, calibration: &Calibration, aim: Aim) -> Option<Found> {
    match aim {
        Aim::F1 => best_macro_f(val, calibration, 1.0),
        Aim::FBeta(beta) => best_macro_f(val, calibration, beta),
        Aim::Precision(_) => best_of(scores(calibration.pairs(val)), aim),
    }
}

/// The highest of the thresholds with the best macro F-beta over the labels that have positives.
fn best_macro_f(val: &Scored, calibration: &Calibration, beta: f64) -> Option<Found> {
    let n_labels = val.n_labels();
    let weight = beta * beta;
    let n_positives: Vec<usize> = (0..n_labels).map(|label| val.n_positives(label)).collect();
    let mut scores: Vec<(f64, usize, bool)> = calibration
        .pairs(val)
        .enumerate()
        .map(|(at, (logit, truth))| (logistic(logit), at % n_labels, truth))
        .filter(|&(_, label, _)| n_positives[label] > 0)
        .collect();
    scores.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let mut said = vec![0usize; n_labels];
    let mut hits = vec![0usize; n_labels];
    let mut sum = SumTree::new(n_labels);
    let mut best: Option<(f64, f64)> = None;
    for group in scores.chunk_by(|a, b| a.0 == b.0) {
        for &(_, label, truth) in group {
            said[label] += 1;
            hits[label] += usize::from(truth);
            let whole = said[label] as f64 + weight * n_positives[label] as f64;
            sum.set(label, (1.0 + weight) * hits[label] as f64 / whole);
        }
        if best.is_none_or(|(top, _)| sum.sum() > top) {
            best = Some((sum.sum(), group[0].0));
        }
    }
    best.map(|(_, threshold)| Found { threshold, reaches_floor: true })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::probability;

    const GLOBAL_F1: Threshold = Threshold::Global { aim: Aim::F1 };
    const PER_LABEL_F1: Threshold = Threshold::PerLabel { aim: Aim::F1, min_positives: 1 };

    fn tuned(n_labels: usize, logits: &[f32], targets: &[bool], rule: Threshold) -> Thresholds {
        tune(&Scored::new(n_labels, logits, targets).unwrap(), &Calibration::None, rule)
    }

    /// By hand: at 2 F1 is 2/3, at 1 it is 2/4, at 0 it is 4/5, at -1 it is 4/6.
    #[test]
    fn the_best_f1_of_one_label() {
        let found = tuned(1, &[2.0, 1.0, 0.0, -1.0], &[true, false, true, false], PER_LABEL_F1);
        assert_eq!(found.values, [0.5]);
        assert_eq!(found.fallbacks, [0usize; 0]);
    }

    /// By hand: F1 is 2/3 both at 3 (one of two, none wrong) and at 1 (both, two wrong).
    #[test]
    fn of_equal_f1_the_highest_threshold_wins() {
        let targets = [true, false, false, true];
        let found = tuned(1, &[3.0, 2.0, 1.5, 1.0], &targets, PER_LABEL_F1);
        assert_eq!(found.values, [probability(3.0)]);
        let found = tuned(1, &[3.0, 2.0, 1.5, 1.0], &targets, GLOBAL_F1);
        assert_eq!(found.values, [probability(3.0)]);
    }

    /// Label 1 has no positive on validation: it gets what is best for all, and is named.
    #[test]
    fn a_label_without_positives_falls_back() {
        let (logits, targets) = ([2.0, 5.0, 1.0, 5.0, -1.0, 5.0], [true, false, true, false, false, false]);
        let found = tuned(2, &logits, &targets, PER_LABEL_F1);
        assert_eq!(
            found,
            Thresholds { values: vec![probability(1.0); 2], fallbacks: vec![1], below_floor: vec![] }
        );
        let none = tuned(2, &logits, &[false; 6], PER_LABEL_F1);
        assert_eq!(none, Thresholds { values: vec![UNTUNED; 2], fallbacks: vec![0, 1], below_floor: vec![] });
        assert_eq!(tuned(2, &[], &[], GLOBAL_F1), none);
    }

    #[test]
    fn a_fixed_threshold_needs_no_validation() {
        let found = tuned(3, &[], &[], Threshold::Fixed(0.22));
        assert_eq!(found, Thresholds { values: vec![0.22; 3], fallbacks: vec![], below_floor: vec![] });
    }

    /// By hand: said from the top there are hits, hit, miss, hit, miss: precisions 1, 1, 2/3, 3/4, 3/5.
    #[test]
    fn the_highest_recall_with_a_precision() {
        let (logits, targets) = ([5.0, 4.0, 3.0, 2.0, 1.0], [true, true, false, true, false]);
        let at = |floor| {
            let rule = Threshold::PerLabel { aim: Aim::Precision(floor), min_positives: 1 };
            tuned(1, &logits, &targets, rule).values[0]
        };
        assert_eq!([at(1.0), at(0.75), at(0.7), at(0.0)], [4.0, 2.0, 2.0, 2.0].map(probability));
        let global = tuned(1, &logits, &targets, Threshold::Global { aim: Aim::Precision(0.8) });
        assert_eq!(global.values, [probability(4.0)]);
    }

    /// By hand: precisions 0, 1/2, 2/4, so a precision of 0.9 cannot be had; the most hits with 1/2 are at the lowest.
    #[test]
    fn a_precision_that_cannot_be_had_is_said() {
        let rule = Threshold::PerLabel { aim: Aim::Precision(0.9), min_positives: 1 };
        let found = tuned(1, &[3.0, 2.0, 1.0, 1.0], &[false, true, true, false], rule);
        assert_eq!((found.values, found.below_floor), (vec![probability(1.0)], vec![0]));
    }

    /// By hand: with beta 2 recall counts more, and the lowest threshold wins.
    #[test]
    fn a_high_beta_says_more() {
        let (logits, targets) = ([4.0, 3.0, 2.0, 1.0, 0.0, -1.0], [true, true, false, false, false, true]);
        let of = |aim| tuned(1, &logits, &targets, Threshold::PerLabel { aim, min_positives: 1 }).values[0];
        assert_eq!(of(Aim::F1), probability(3.0));
        assert_eq!(of(Aim::FBeta(1.0)), probability(3.0));
        assert_eq!(of(Aim::FBeta(2.0)), probability(-1.0));
    }

    #[test]
    fn a_label_with_few_positives_falls_back() {
        let logits = [2.0, 5.0, 1.0, 4.0, -1.0, 5.0];
        let targets = [true, false, true, true, false, false];
        let rule = Threshold::PerLabel { aim: Aim::F1, min_positives: 2 };
        let found = tuned(2, &logits, &targets, rule);
        let global = tuned(2, &logits, &targets, GLOBAL_F1);
        assert_eq!((found.values[0], found.fallbacks), (probability(1.0), vec![1]));
        assert_eq!(found.values[1], global.values[1]);
        assert!(global.fallbacks.is_empty());
        assert!(tuned(2, &logits, &targets, PER_LABEL_F1).fallbacks.is_empty());
    }
}
