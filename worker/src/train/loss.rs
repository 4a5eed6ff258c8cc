//! The loss.

use tch::{Kind, Reduction, TchError, Tensor};

/// Binary cross-entropy on logits, mean over batch and labels, each row's share multiplied by its weight.
///
/// `logits_nl`, `targets_nl`: [N, L] f32, targets 0 or 1; `weights_n`: [N, 1] f32. Gives a scalar. The mean
/// divides by N x L, not by the sum of the weights, as PyTorch's `weight` argument does.
///
/// # Errors
/// Where the shapes do not fit.
pub fn bce(logits_nl: &Tensor, targets_nl: &Tensor, weights_n: Option<&Tensor>) -> Result<Tensor, TchError> {
    logits_nl.f_binary_cross_entropy_with_logits(targets_nl, weights_n, None::<&Tensor>, Reduction::Mean)
}

/// The same over a whole part: `logits` and `targets` are row-major [N, L]; the mean is taken in f64.
/// NaN where there are no rows.
pub fn bce_of_part(logits: &[f32], targets: &[bool]) -> f64 {
    debug_assert_eq!(logits.len(), targets.len());
    if logits.is_empty() {
        return f64::NAN;
    }
    let logits_t = Tensor::from_slice(logits).to_kind(Kind::Double);
    let targets: Vec<f64> = targets.iter().map(|&positive| f64::from(u8::from(positive))).collect();
    let loss = logits_t.binary_cross_entropy_with_logits::<&Tensor>(
        &Tensor::from_slice(&targets),
        None,
        None,
        Reduction::Mean,
    );
    loss.double_value(&[])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: -ln sigmoid(0) = ln 2; -ln sigmoid(2) = ln(1 + e^-2); -ln(1 - sigmoid(2)) = ln(1 + e^2).
    #[test]
    fn bce_is_the_mean_of_the_hand_worked_terms() {
        let logits = Tensor::from_slice(&[0.0f32, 2.0, 2.0, 0.0]).view([2, 2]);
        let targets = Tensor::from_slice(&[1.0f32, 1.0, 0.0, 0.0]).view([2, 2]);
        let (ln2, right, wrong) = (2f64.ln(), (-2f64).exp().ln_1p(), 2f64.exp().ln_1p());
        let loss = bce(&logits, &targets, None).unwrap().double_value(&[]);
        assert!((loss - (ln2 + right + wrong + ln2) / 4.0).abs() < 1e-6, "{loss}");

        let weights = Tensor::from_slice(&[1.0f32, 3.0]).view([2, 1]);
        let loss = bce(&logits, &targets, Some(&weights)).unwrap().double_value(&[]);
        assert!((loss - (ln2 + right + 3.0 * (wrong + ln2)) / 4.0).abs() < 1e-6, "{loss}");

        let part = bce_of_part(&[0.0, 2.0, 2.0, 0.0], &[true, true, false, false]);
        assert!((part - (ln2 + right + wrong + ln2) / 4.0).abs() < 1e-12, "{part}");
    }

    #[test]
    fn large_logits_stay_finite() {
        let part = bce_of_part(&[1000.0, -1000.0], &[false, true]);
        assert!((part - 1000.0).abs() < 1e-9, "{part}");
        assert!(bce_of_part(&[], &[]).is_nan());
    }
}
