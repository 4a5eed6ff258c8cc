//! Where a score becomes a prediction: tuned on validation, applied to test, which is never looked at.
//!
//! A label is said of an image where its probability is at or above the threshold. The candidates are the
//! probabilities that occur on validation; of candidates with the same F1 the highest wins, so that the answer is one
//! and the fewest labels are said for it.

use serde::{Deserialize, Serialize};

use super::scored::{Scored, mean_of_defined, probability};
use crate::spec::settings::Threshold;

/// The threshold of labels that nothing could be tuned for.
pub const UNTUNED: f64 = 0.5;

/// One threshold per label, with the labels that could not have their own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    /// A probability for each label.
    pub values: Vec<f64>,
    /// Positions of labels without a positive on validation, whose value is another than the rule asks for: the
    /// one for all labels or, where no label has a positive, [`UNTUNED`].
    pub fallbacks: Vec<usize>,
}

/// Applies `rule` to the validation part.
///
/// `PerLabelF1`: a label without positives on `val` gets the threshold that `GlobalF1` would give. `GlobalF1`
/// is the best macro F1 over the labels that have positives; where none has, [`UNTUNED`].
pub fn tune(val: &Scored, rule: Threshold) -> Thresholds {
    let n_labels = val.n_labels();
    match rule {
        Threshold::Fixed(value) => Thresholds { values: vec![value; n_labels], fallbacks: Vec::new() },
        Threshold::GlobalF1 => match best_for_all(val) {
            Some(value) => Thresholds { values: vec![value; n_labels], fallbacks: Vec::new() },
            None => Thresholds { values: vec![UNTUNED; n_labels], fallbacks: (0..n_labels).collect() },
        },
        Threshold::PerLabelF1 => {
            let own: Vec<Option<f64>> = (0..n_labels).map(|label| best_for_one(val, label)).collect();
            let fallbacks: Vec<usize> = (0..n_labels).filter(|&label| own[label].is_none()).collect();
            // The one for all costs a sort of everything, and mostly nobody needs it.
            let fallback = if fallbacks.is_empty() { UNTUNED } else { best_for_all(val).unwrap_or(UNTUNED) };
            Thresholds { values: own.into_iter().map(|own| own.unwrap_or(fallback)).collect(), fallbacks }
        }
    }
}

/// The highest of the thresholds with the best F1 for one label; `None` without positives.
fn best_for_one(val: &Scored, label_idx: usize) -> Option<f64> {
    let mut scores: Vec<(f64, bool)> =
        val.column(label_idx).map(|(logit, truth)| (probability(logit), truth)).collect();
    scores.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let n_positives = val.n_positives(label_idx) as u128;
    // F1 = 2 hits / (said + positives); fractions are compared crosswise, in whole numbers.
    let (mut said, mut hits) = (0u128, 0u128);
    let mut best: Option<(u128, u128, f64)> = None;
    for (at, &(score, truth)) in scores.iter().enumerate() {
        said += 1;
        hits += u128::from(truth);
        if scores.get(at + 1).is_some_and(|next| next.0 == score) {
            continue;
        }
        let whole = said + n_positives;
        if best.is_none_or(|(top, below, _)| hits * below > top * whole) {
            best = Some((hits, whole, score));
        }
    }
    best.filter(|_| n_positives > 0).map(|(_, _, score)| score)
}

/// The highest of the thresholds with the best macro F1 over the labels that have positives; `None` without any.
fn best_for_all(val: &Scored) -> Option<f64> {
    let n_labels = val.n_labels();
    let n_positives: Vec<usize> = (0..n_labels).map(|label| val.n_positives(label)).collect();
    let mut scores: Vec<(f64, usize, bool)> = Vec::with_capacity(val.logits().len());
    for (at, (&logit, &truth)) in val.logits().iter().zip(val.targets()).enumerate() {
        if n_positives[at % n_labels] > 0 {
            scores.push((probability(logit), at % n_labels, truth));
        }
    }
    scores.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let mut said = vec![0usize; n_labels];
    let mut hits = vec![0usize; n_labels];
    let mut best: Option<(f64, f64)> = None;
    for (at, &(score, label, truth)) in scores.iter().enumerate() {
        said[label] += 1;
        hits[label] += usize::from(truth);
        if scores.get(at + 1).is_some_and(|next| next.0 == score) {
            continue;
        }
        // Summed afresh in label order, so that equal states give equal bits and ties are ties.
        let f1 = mean_of_defined((0..n_labels).map(|label| {
            let whole = said[label] + n_positives[label];
            (n_positives[label] > 0).then(|| 2.0 * hits[label] as f64 / whole as f64)
        }))?;
        if best.is_none_or(|(top, _)| f1 > top) {
            best = Some((f1, score));
        }
    }
    best.map(|(_, score)| score)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tuned(n_labels: usize, logits: &[f32], targets: &[bool], rule: Threshold) -> Thresholds {
        tune(&Scored::new(n_labels, logits, targets).unwrap(), rule)
    }

    /// By hand: at 2 F1 is 2/3, at 1 it is 2/4, at 0 it is 4/5, at -1 it is 4/6.
    #[test]
    fn the_best_f1_of_one_label() {
        let found = tuned(1, &[2.0, 1.0, 0.0, -1.0], &[true, false, true, false], Threshold::PerLabelF1);
        assert_eq!(found.values, [0.5]);
        assert_eq!(found.fallbacks, [0usize; 0]);
    }

    /// By hand: F1 is 2/3 both at 3 (one of two, none wrong) and at 1 (both, two wrong).
    #[test]
    fn of_equal_f1_the_highest_threshold_wins() {
        let targets = [true, false, false, true];
        let found = tuned(1, &[3.0, 2.0, 1.5, 1.0], &targets, Threshold::PerLabelF1);
        assert_eq!(found.values, [probability(3.0)]);
        let found = tuned(1, &[3.0, 2.0, 1.5, 1.0], &targets, Threshold::GlobalF1);
        assert_eq!(found.values, [probability(3.0)]);
    }

    /// Label 1 has no positive on validation: it gets what is best for all, and is named.
    #[test]
    fn a_label_without_positives_falls_back() {
        let (logits, targets) = ([2.0, 5.0, 1.0, 5.0, -1.0, 5.0], [true, false, true, false, false, false]);
        let found = tuned(2, &logits, &targets, Threshold::PerLabelF1);
        assert_eq!(found, Thresholds { values: vec![probability(1.0); 2], fallbacks: vec![1] });
        let none = tuned(2, &logits, &[false; 6], Threshold::PerLabelF1);
        assert_eq!(none, Thresholds { values: vec![UNTUNED; 2], fallbacks: vec![0, 1] });
        assert_eq!(tuned(2, &[], &[], Threshold::GlobalF1), none);
    }

    #[test]
    fn a_fixed_threshold_needs_no_validation() {
        let found = tuned(3, &[], &[], Threshold::Fixed(0.22));
        assert_eq!(found, Thresholds { values: vec![0.22; 3], fallbacks: vec![] });
    }
}
