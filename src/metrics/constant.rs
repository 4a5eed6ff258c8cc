//! The constant predictors: what a model is worth that never looks at a picture.
//!
//! - The **constant answer** says the most frequent label set of the training rows of every image.
//! - The **label prior** gives every image each label's share of the training rows as its probability, and goes through the
//!   same thresholds as any model.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::catalogue as name;
use super::evaluation::{Evaluation, evaluate};
use super::scored::{Scored, ScoredError};
use crate::spec::settings::{CalibrationMethod, Evaluate, Threshold};

/// Sums of weights that differ by less than this share of themselves are equal: weights of a loss are rounded to `f32`, and
/// balancing by combination makes label sets equally frequent but for that.
const EQUALLY_FREQUENT: f64 = 1e-5;

/// Metrics that an answer without a probability does not have.
const OF_PROBABILITIES: [&str; 5] =
    [name::LOG_LOSS, name::BRIER, name::ECE, name::ECE_MACRO, name::THRESHOLD];

/// The labels of the training rows; a row counts as often as it is trained on.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainedLabels {
    n_labels: usize,
    rows: f64,
    sets: BTreeMap<Vec<bool>, LabelSet>,
}

/// How frequent a label set is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct LabelSet {
    weight: f64,
    images: u64,
}

impl TrainedLabels {
    /// No row yet.
    pub fn new(n_labels: usize) -> Self {
        TrainedLabels { n_labels, rows: 0.0, sets: BTreeMap::new() }
    }

    /// Counts an image with these labels `weight` times.
    pub fn add(&mut self, targets: &[bool], weight: f64) {
        self.rows += weight;
        let set = self.sets.entry(targets.to_vec()).or_default();
        set.weight += weight;
        set.images += 1;
    }

    /// The share of rows that have each label, 0 to 1; half where there is no row.
    ///
    /// A label that no row has, or every one, is taken as half a row away from that: of `n` rows 1 / 2n or 1 - 1 / 2n,
    /// since 0 and 1 are no logits.
    pub fn rates(&self) -> Vec<f64> {
        let n = self.rows;
        let rate = |label: usize| {
            let having = self.sets.iter().filter(|(set, _)| set.get(label) == Some(&true));
            let positives: f64 = having.map(|(_, set)| set.weight).sum();
            let positives = positives.clamp(0.5f64.min(n / 2.0), (n - 0.5).max(n / 2.0));
            if n == 0.0 { 0.5 } else { positives / n }
        };
        (0..self.n_labels).map(rate).collect()
    }

    /// The most frequent label set, and its share of the rows. Of equals the one that more images have, then the one with
    /// fewer labels, then the one whose labels come first. Without any row no label, with share 0.
    pub fn most_frequent(&self) -> (Vec<bool>, f64) {
        let n_said = |set: &[bool]| set.iter().filter(|said| **said).count();
        let order = |a: &(&Vec<bool>, &LabelSet), b: &(&Vec<bool>, &LabelSet)| {
            let apart = a.1.weight - b.1.weight;
            let by_weight = if apart.abs() <= EQUALLY_FREQUENT * a.1.weight.max(b.1.weight) {
                Ordering::Equal
            } else {
                apart.total_cmp(&0.0)
            };
            let by_labels = n_said(b.0).cmp(&n_said(a.0)).then(a.0.cmp(b.0));
            by_weight.then(a.1.images.cmp(&b.1.images)).then(by_labels)
        };
        let best = self.sets.iter().reduce(|best, set| if order(&set, &best).is_gt() { set } else { best });
        match best {
            Some((set, LabelSet { weight, .. })) if self.rows > 0.0 => (set.clone(), weight / self.rows),
            _ => (vec![false; self.n_labels], 0.0),
        }
    }
}

/// Scores every image of validation and test with the share of training rows that have each label, through the same
/// code as any model: its average precision is the prevalence on test, its F1 that of "always" or "never".
///
/// Targets: row-major [images, labels].
///
/// # Errors
/// Where a part's length, or that of the rates, does not fit the number of labels.
pub fn label_prior(
    train: &TrainedLabels,
    val_targets: &[bool],
    test_targets: &[bool],
    labels: &[String],
    settings: &Evaluate,
) -> Result<Evaluation, ScoredError> {
    let logits: Vec<f32> =
        train.rates().into_iter().map(|rate| libm::log(rate / (1.0 - rate)) as f32).collect();
    repeated(&logits, val_targets, test_targets, labels, settings)
}

/// Says the most frequent label set of the training rows of every image. There is no threshold to tune and no probability to
/// calibrate: metrics of these are not defined. Its subset accuracy is the share of test images with just that label set.
///
/// Targets: row-major [images, labels].
///
/// # Errors
/// Where a part's length, or that of the label set, does not fit the number of labels.
pub fn constant_answer(
    train: &TrainedLabels,
    val_targets: &[bool],
    test_targets: &[bool],
    labels: &[String],
    settings: &Evaluate,
) -> Result<Evaluation, ScoredError> {
    let (said, _) = train.most_frequent();
    let logits: Vec<f32> = said.into_iter().map(|said| if said { 1.0 } else { -1.0 }).collect();
    let settings = Evaluate {
        threshold: Threshold::Fixed(0.5),
        calibration: CalibrationMethod::None,
        ..settings.clone()
    };
    let mut found = repeated(&logits, val_targets, test_targets, labels, &settings)?;
    let of_probabilities = |value: &&mut super::Value| OF_PROBABILITIES.contains(&value.metric);
    found.values.iter_mut().filter(of_probabilities).for_each(|value| value.value = None);
    Ok(found)
}

/// The evaluation of the same `logits`, one for each label, for every image.
fn repeated(
    logits: &[f32],
    val_targets: &[bool],
    test_targets: &[bool],
    labels: &[String],
    settings: &Evaluate,
) -> Result<Evaluation, ScoredError> {
    if logits.len() != labels.len() {
        return Err(ScoredError::Ragged { values: logits.len(), n_labels: labels.len() });
    }
    let of_all =
        |targets: &[bool]| -> Vec<f32> { logits.iter().copied().cycle().take(targets.len()).collect() };
    let (val_logits, test_logits) = (of_all(val_targets), of_all(test_targets));
    let val = Scored::new(labels.len(), &val_logits, val_targets)?;
    let test = Scored::new(labels.len(), &test_logits, test_targets)?;
    Ok(evaluate(val, test, labels, settings))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::settings::Aim;

    const PER_LABEL_F1: Threshold = Threshold::PerLabel { aim: Aim::F1, min_positives: 1 };

    fn trained(targets: &[bool], n_labels: usize) -> TrainedLabels {
        let mut trained = TrainedLabels::new(n_labels);
        targets.chunks(n_labels).for_each(|row| trained.add(row, 1.0));
        trained
    }

    #[test]
    fn the_priors_average_precision_is_the_prevalence_and_its_f1_that_of_always() {
        let labels = ["metal".to_owned(), "glass".to_owned()];
        let train = [true, false, true, false, false, true, true, false];
        let test = [true, false, true, false, false, false, false, true];
        let prior = |threshold| {
            label_prior(&trained(&train, 2), &train, &test, &labels, &Evaluate::at(threshold)).unwrap()
        };
        let found = prior(PER_LABEL_F1);
        assert_eq!(found.of_label("metal", name::AP), Some(0.5));
        assert_eq!(found.of_label("glass", name::AP), Some(0.25));
        assert_eq!(found.of_label("glass", name::AUROC), Some(0.5));
        assert_eq!(found.of_label("glass", name::F1), Some(2.0 * 0.25 / 1.25));
        let never = prior(Threshold::Fixed(0.5));
        assert_eq!(never.of_label("metal", name::RECALL), Some(1.0));
        assert_eq!(never.of_label("glass", name::F1), Some(0.0));
        assert_eq!(never.aggregate(name::SUBSET_ACCURACY), Some(0.5));
    }

    /// The most frequent set is two labels together; label by label the prior at 0.5 would say the first alone.
    #[test]
    fn the_constant_answer_is_a_set_of_labels_and_no_probability() {
        let labels = ["metal".to_owned(), "glass".to_owned()];
        let train =
            [true, true, true, true, true, true, true, false, true, false, false, false, false, false];
        let test = [true, true, true, false, false, false, true, true];
        // Whatever rule thresholds are tuned by.
        for threshold in [PER_LABEL_F1, Threshold::Fixed(0.99)] {
            let settings = Evaluate::at(threshold);
            let found = constant_answer(&trained(&train, 2), &train, &test, &labels, &settings).unwrap();
            assert_eq!(found.aggregate(name::SUBSET_ACCURACY), Some(0.5));
            assert_eq!(found.said, [true; 8]);
            assert_eq!(found.of_label("glass", name::F1), Some(2.0 * 0.5 / 1.5));
            assert_eq!(found.of_label("glass", name::AP), Some(0.5));
            let probabilities = [name::LOG_LOSS, name::BRIER, name::ECE_MACRO];
            assert!(probabilities.iter().all(|metric| found.aggregate(metric).is_none()));
            assert_eq!(found.of_label("glass", name::THRESHOLD), None);
        }
    }

    #[test]
    fn rates_of_0_and_1_stay_finite() {
        assert_eq!(trained(&[true, false, true, false], 2).rates(), [0.75, 0.25]);
        assert_eq!(TrainedLabels::new(1).rates(), [0.5]);
        let refused =
            label_prior(&TrainedLabels::new(2), &[], &[], &["a".into()], &Evaluate::at(PER_LABEL_F1));
        assert!(refused.is_err());
    }

    #[test]
    fn a_row_counts_as_often_as_it_is_trained_on() {
        let mut weighted = TrainedLabels::new(1);
        weighted.add(&[true], 3.0);
        weighted.add(&[false], 1.0);
        assert_eq!(weighted.rates(), trained(&[true, true, true, false], 1).rates());
        weighted.add(&[false], 2.5);
        assert_eq!(weighted.most_frequent(), (vec![false], 3.5 / 6.5));
    }

    /// Balancing makes sets equally frequent up to rounding: then most images decide, then the fewest labels, then the order.
    #[test]
    fn of_equally_frequent_sets_the_one_with_most_images_is_said() {
        let mut balanced = TrainedLabels::new(2);
        balanced.add(&[true, true], 3.000_000_1);
        (0..3).for_each(|_| balanced.add(&[false, true], 1.0));
        assert_eq!(balanced.most_frequent().0, [false, true]);
        assert_eq!(trained(&[true, true, false, true], 2).most_frequent().0, [false, true]);
        assert_eq!(trained(&[false, true, true, false], 2).most_frequent().0, [true, false]);
        assert_eq!(TrainedLabels::new(2).most_frequent(), (vec![false, false], 0.0));
    }
}
