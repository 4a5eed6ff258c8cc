//! The constant predictor: what a model is worth that never looks at a picture.

use super::evaluation::{Evaluation, evaluate};
use super::scored::{Scored, ScoredError};
use crate::spec::settings::Evaluate;

/// Training rows, and how many of them have each label; a row counts as often as it is trained on.
#[derive(Clone, Debug, PartialEq)]
pub struct BaseRates {
    rows: f64,
    positives: Vec<f64>,
}

impl BaseRates {
    /// No row yet.
    pub fn new(n_labels: usize) -> Self {
        BaseRates { rows: 0.0, positives: vec![0.0; n_labels] }
    }

    /// Counts a row with these labels `weight` times.
    pub fn add(&mut self, targets: &[bool], weight: f64) {
        self.rows += weight;
        for (positives, _) in self.positives.iter_mut().zip(targets).filter(|(_, is)| **is) {
            *positives += weight;
        }
    }

    /// The logit of each label's base rate. Without any row every label is a toss-up.
    fn logits(&self) -> Vec<f32> {
        let n = self.rows;
        let logit = |positives: &f64| {
            let positives = positives.clamp(0.5f64.min(n / 2.0), (n - 0.5).max(n / 2.0));
            if n == 0.0 { 0.0 } else { libm::log(positives / (n - positives)) as f32 }
        };
        self.positives.iter().map(logit).collect()
    }
}

/// Scores every image of validation and test with the share of training rows that have each label, through the same
/// code as any model: its average precision is the prevalence on test, its F1 that of "always" or "never".
///
/// A label that no training row has, or every one, is taken as half a row away from that: of `n` rows 1 / 2n
/// or 1 - 1 / 2n, since 0 and 1 are no logits.
///
/// Targets: row-major [images, labels].
///
/// # Errors
/// Where a part's length, or that of the rates, does not fit the number of labels.
pub fn constant_predictor(
    train: &BaseRates,
    val_targets: &[bool],
    test_targets: &[bool],
    labels: &[String],
    settings: &Evaluate,
) -> Result<Evaluation, ScoredError> {
    let logits = train.logits();
    if logits.len() != labels.len() {
        return Err(ScoredError::Ragged { values: logits.len(), n_labels: labels.len() });
    }
    let repeated =
        |targets: &[bool]| -> Vec<f32> { logits.iter().copied().cycle().take(targets.len()).collect() };
    let (val_logits, test_logits) = (repeated(val_targets), repeated(test_targets));
    let val = Scored::new(labels.len(), &val_logits, val_targets)?;
    let test = Scored::new(labels.len(), &test_logits, test_targets)?;
    Ok(evaluate(val, test, labels, settings))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{catalogue as name, probability};
    use crate::spec::settings::{Aim, Threshold};

    const PER_LABEL_F1: Threshold = Threshold::PerLabel { aim: Aim::F1, min_positives: 1 };

    fn rates(targets: &[bool], n_labels: usize) -> BaseRates {
        let mut rates = BaseRates::new(n_labels);
        targets.chunks(n_labels).for_each(|row| rates.add(row, 1.0));
        rates
    }

    #[test]
    fn its_average_precision_is_the_prevalence_and_its_f1_that_of_always() {
        let labels = ["metal".to_owned(), "glass".to_owned()];
        let train = [true, false, true, false, false, true, true, false];
        let test = [true, false, true, false, false, false, false, true];
        let found =
            constant_predictor(&rates(&train, 2), &train, &test, &labels, &Evaluate::at(PER_LABEL_F1))
                .unwrap();
        assert_eq!(found.of_label("metal", name::AP), Some(0.5));
        assert_eq!(found.of_label("glass", name::AP), Some(0.25));
        assert_eq!(found.of_label("glass", name::AUROC), Some(0.5));
        assert_eq!(found.of_label("glass", name::F1), Some(2.0 * 0.25 / 1.25));
        let never = constant_predictor(
            &rates(&train, 2),
            &train,
            &test,
            &labels,
            &Evaluate::at(Threshold::Fixed(0.5)),
        )
        .unwrap();
        assert_eq!(never.of_label("metal", name::RECALL), Some(1.0));
        assert_eq!(never.of_label("glass", name::F1), Some(0.0));
        assert_eq!(never.aggregate(name::SUBSET_ACCURACY), Some(0.5));
    }

    #[test]
    fn rates_of_0_and_1_stay_finite() {
        let logits = rates(&[true, false, true, false], 2).logits();
        assert!((probability(logits[0]) - 0.75).abs() < 1e-7 && (probability(logits[1]) - 0.25).abs() < 1e-7);
        assert_eq!(BaseRates::new(1).logits(), [0.0]);
        let refused =
            constant_predictor(&BaseRates::new(2), &[], &[], &["a".into()], &Evaluate::at(PER_LABEL_F1));
        assert!(refused.is_err());
    }

    #[test]
    fn a_row_counts_as_often_as_it_is_trained_on() {
        let mut weighted = BaseRates::new(1);
        weighted.add(&[true], 3.0);
        weighted.add(&[false], 1.0);
        assert_eq!(weighted, rates(&[true, true, true, false], 1));
    }
}
