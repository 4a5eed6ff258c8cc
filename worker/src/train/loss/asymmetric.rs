//! Asymmetric loss (Ridnik et al., "Asymmetric loss for multi-label classification", 2021), as the authors' `AsymmetricLoss`.

use tch::{TchError, Tensor};

/// The least probability whose logarithm is taken.
const LEAST: f64 = 1e-8;

/// The loss of each label of each row, [N, L].
///
/// Positives and negatives have exponents of their own, `[gamma_negative, gamma_positive]`, and negatives below the
/// probability `clip` count nothing. No gradient flows through the focusing weights, as the authors' code has it by default.
pub fn loss(
    logits_nl: &Tensor,
    targets_nl: &Tensor,
    [gamma_negative, gamma_positive]: [f64; 2],
    clip: f64,
) -> Result<Tensor, TchError> {
    let negated_nl = targets_nl.f_rsub_scalar(1.0)?;
    let positive_nl = logits_nl.f_sigmoid()?;
    let mut negative_nl = positive_nl.f_rsub_scalar(1.0)?;
    if clip > 0.0 {
        negative_nl = negative_nl.f_add_scalar(clip)?.f_clamp_max(1.0)?;
    }
    let log = |probability_nl: &Tensor| probability_nl.f_clamp_min(LEAST)?.f_log();
    let likelihood_nl =
        targets_nl.f_mul(&log(&positive_nl)?)?.f_add(&negated_nl.f_mul(&log(&negative_nl)?)?)?;
    if gamma_negative == 0.0 && gamma_positive == 0.0 {
        return likelihood_nl.f_neg();
    }
    let focus_nl = {
        let _no_grad = tch::no_grad_guard();
        let right_nl = positive_nl.f_mul(targets_nl)?.f_add(&negative_nl.f_mul(&negated_nl)?)?;
        let gamma_nl =
            targets_nl.f_mul_scalar(gamma_positive)?.f_add(&negated_nl.f_mul_scalar(gamma_negative)?)?;
        // Rounding may leave less than nothing, which has no power.
        right_nl.f_rsub_scalar(1.0)?.f_clamp_min(0.0)?.f_pow(&gamma_nl)?
    };
    likelihood_nl.f_mul(&focus_nl)?.f_neg()
}
