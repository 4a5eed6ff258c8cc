//! The constant predictor: what a model is worth that never looks at a picture.

use super::evaluation::{Evaluation, evaluate};
use super::scored::{Scored, ScoredError};
use crate::spec::settings::Threshold;

/// Scores every image of validation and test with the share of training rows that have each label, through the same
/// code as any model: its average precision is the prevalence on test, its F1 that of "always" or "never".
///
/// A label that no training row has, or every one, is taken as half a row away from that: of `n` rows 1 / 2n
/// or 1 - 1 / 2n, since 0 and 1 are no logits.
///
/// All targets: row-major [rows, labels]; `train_targets` as often as rows are trained on.
///
/// # Errors
/// Where a part's length does not fit the number of labels.
pub fn constant_predictor(
    train_targets: &[bool],
    val_targets: &[bool],
    test_targets: &[bool],
    labels: &[String],
    threshold: Threshold,
) -> Result<Evaluation, ScoredError> {
    let logits = base_rate_logits(train_targets, labels.len())?;
    let repeated =
        |targets: &[bool]| -> Vec<f32> { logits.iter().copied().cycle().take(targets.len()).collect() };
    let (val_logits, test_logits) = (repeated(val_targets), repeated(test_targets));
    let val = Scored::new(labels.len(), &val_logits, val_targets)?;
    let test = Scored::new(labels.len(), &test_logits, test_targets)?;
    Ok(evaluate(val, test, labels, threshold))
}

/// The logit of each label's base rate. Without any row every label is a toss-up.
///
/// # Errors
/// Where the length is no multiple of the number of labels, or that is 0.
pub fn base_rate_logits(train_targets: &[bool], n_labels: usize) -> Result<Vec<f32>, ScoredError> {
    let zeros = vec![0.0; train_targets.len()];
    let rows = Scored::new(n_labels, &zeros, train_targets)?;
    let n = rows.n_images() as f64;
    Ok((0..n_labels)
        .map(|label| {
            let n_positives =
                (rows.n_positives(label) as f64).clamp(0.5f64.min(n / 2.0), (n - 0.5).max(n / 2.0));
            if n == 0.0 { 0.0 } else { libm::log(n_positives / (n - n_positives)) as f32 }
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{catalogue as name, probability};

    #[test]
    fn its_average_precision_is_the_prevalence_and_its_f1_that_of_always() {
        let labels = ["metal".to_owned(), "glass".to_owned()];
        let train = [true, false, true, false, false, true, true, false];
        let test = [true, false, true, false, false, false, false, true];
        let found = constant_predictor(&train, &train, &test, &labels, Threshold::PerLabelF1).unwrap();
        assert_eq!(found.of_label("metal", name::AP), Some(0.5));
        assert_eq!(found.of_label("glass", name::AP), Some(0.25));
        assert_eq!(found.of_label("glass", name::AUROC), Some(0.5));
        assert_eq!(found.of_label("glass", name::F1), Some(2.0 * 0.25 / 1.25));
        let never = constant_predictor(&train, &train, &test, &labels, Threshold::Fixed(0.5)).unwrap();
        assert_eq!(never.of_label("metal", name::RECALL), Some(1.0));
        assert_eq!(never.of_label("glass", name::F1), Some(0.0));
        assert_eq!(never.aggregate(name::SUBSET_ACCURACY), Some(0.5));
    }

    #[test]
    fn rates_of_0_and_1_stay_finite() {
        let logits = base_rate_logits(&[true, false, true, false], 2).unwrap();
        assert!((probability(logits[0]) - 0.75).abs() < 1e-7 && (probability(logits[1]) - 0.25).abs() < 1e-7);
        assert_eq!(base_rate_logits(&[], 1).unwrap(), [0.0]);
        assert!(base_rate_logits(&[true], 2).is_err());
    }
}
