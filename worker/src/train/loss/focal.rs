//! Focal loss (Lin et al., "Focal loss for dense object detection", 2017), as torchvision's `sigmoid_focal_loss`.

use tch::{Reduction, TchError, Tensor};

/// The least distance from the truth that is raised to a power: at 0 a power below 1 has no finite slope.
const LEAST: f64 = 1e-12;

/// The loss of each label of each row, [N, L]: cross-entropy times the distance of the probability from the target to the
/// power `gamma`; with `alpha`, positives count `alpha` and negatives `1 - alpha`.
pub fn loss(
    logits_nl: &Tensor,
    targets_nl: &Tensor,
    gamma: f64,
    alpha: Option<f64>,
) -> Result<Tensor, TchError> {
    let none = None::<&Tensor>;
    let entropy_nl = logits_nl.f_binary_cross_entropy_with_logits(targets_nl, none, none, Reduction::None)?;
    let probability_nl = logits_nl.f_sigmoid()?;
    let negative_nl = targets_nl.f_rsub_scalar(1.0)?;
    let distance_nl =
        probability_nl.f_mul(&negative_nl)?.f_add(&probability_nl.f_rsub_scalar(1.0)?.f_mul(targets_nl)?)?;
    let focus_nl = distance_nl.f_clamp_min(LEAST)?.f_pow_tensor_scalar(gamma)?;
    let loss_nl = entropy_nl.f_mul(&focus_nl)?;
    match alpha {
        None => Ok(loss_nl),
        Some(alpha) => {
            let weight_nl = targets_nl.f_mul_scalar(2.0 * alpha - 1.0)?.f_add_scalar(1.0 - alpha)?;
            loss_nl.f_mul(&weight_nl)
        }
    }
}
