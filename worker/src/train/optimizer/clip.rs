//! Gradients kept from being too long.

use tch::{TchError, Tensor};

/// Scales all gradients by one factor, so that the Euclidean norm of all their numbers together is at most `largest`: as
/// `torch.nn.utils.clip_grad_norm_`. The device is not waited for.
///
/// # Errors
/// Where there is no memory for the norms.
pub fn clip_norm<'a>(gradients: impl Iterator<Item = &'a mut Tensor>, largest: f64) -> Result<(), TchError> {
    let mut gradients: Vec<&mut Tensor> = gradients.collect();
    if gradients.is_empty() {
        return Ok(());
    }
    let norms = gradients.iter().map(|gradient| gradient.f_norm()).collect::<Result<Vec<_>, _>>()?;
    let whole = Tensor::f_stack(&norms, 0)?.f_norm()?;
    let factor = whole.f_add_scalar(1e-6)?.f_reciprocal()?.f_mul_scalar(largest)?.f_clamp_max(1.0)?;
    for gradient in &mut gradients {
        let _ = gradient.f_mul_(&factor)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: the norm of (3, 4) and (12) is 13.
    #[test]
    fn all_gradients_are_scaled_alike_and_short_ones_are_left_alone() {
        let clipped = |largest: f64| {
            let mut gradients = [Tensor::from_slice(&[3f32, 4.0]), Tensor::from_slice(&[12f32])];
            clip_norm(gradients.iter_mut(), largest).unwrap();
            Vec::<f32>::try_from(Tensor::cat(&gradients, 0)).unwrap()
        };
        assert_eq!(clipped(13.5), [3.0, 4.0, 12.0]);
        for (found, expected) in clipped(1.3).into_iter().zip([0.3, 0.4, 1.2]) {
            assert!((found - expected).abs() < 1e-6, "{found}, expected {expected}");
        }
    }
}
