//! Grad-CAM and Grad-CAM++: what of an activation speaks for a label.
//!
//! Computed as pytorch-grad-cam 1.5.7 does, on the logit: no sigmoid, no calibration.

use ablatrix::spec::settings::ExplainMethod;
use tch::{Kind, TchError, Tensor};

use crate::model::Tapped;

/// Keeps Grad-CAM++ from dividing by 0; pytorch-grad-cam's.
const EPSILON: f64 = 1e-6;

/// The gradient of one logit of each row, that of `labels`, with respect to the activation, [N, C, h, w]. In evaluation mode
/// rows know nothing of each other: one pass gives all. `keep`: further gradients of the same pass will be asked for.
///
/// # Errors
/// Libtorch's: memory is out.
pub fn gradients(tapped: &Tapped, labels: &[i64], keep: bool) -> Result<Tensor, TchError> {
    let Tapped { logits_nl, activation_nchw } = tapped;
    let (_, n_labels) = logits_nl.size2()?;
    // 1 for the label of each row: unlike an index, it has the same gradient each time on a GPU, too.
    let chosen: Vec<f32> = (labels.iter())
        .flat_map(|&label| (0..n_labels).map(move |other| f32::from(u8::from(other == label))))
        .collect();
    let chosen_nl = Tensor::f_from_slice(&chosen)?.f_view([-1, n_labels])?.f_to(logits_nl.device())?;
    let sum = logits_nl.f_mul(&chosen_nl)?.f_sum(logits_nl.kind())?;
    let mut gradients = Tensor::f_run_backward(&[sum], &[activation_nchw], keep, false)?;
    // One for each of the one tensor that was asked for.
    gradients.pop().ok_or_else(|| TchError::Torch("no gradient of the activation".to_owned()))
}

/// The channels of an activation summed up, each by what its gradient makes of it, and cut at 0: [N, h, w].
///
/// Grad-CAM (Selvaraju et al. 2017, equations 1 and 2) weighs a channel by the mean of its gradient over places. Grad-CAM++
/// (Chattopadhay et al. 2018, equations 5 and 19, with the derivatives of an exponential) takes a weighted sum of the
/// gradient's positive parts.
///
/// # Errors
/// Libtorch's: memory is out.
pub fn weighed(
    method: ExplainMethod,
    activation_nchw: &Tensor,
    gradient_nchw: &Tensor,
) -> Result<Tensor, TchError> {
    let _no_grad = tch::no_grad_guard();
    let places = [2i64, 3].as_slice();
    let weights_nc11 = match method {
        ExplainMethod::GradCam => gradient_nchw.f_mean_dim(places, true, None::<Kind>)?,
        ExplainMethod::GradCamPlusPlus => {
            let square = gradient_nchw.f_square()?;
            let cube = square.f_mul(gradient_nchw)?;
            let sums = activation_nchw.f_sum_dim_intlist(places, true, None::<Kind>)?;
            let below = square.f_mul_scalar(2.0)?.f_add(&sums.f_mul(&cube)?)?.f_add_scalar(EPSILON)?;
            // Where the gradient is 0, so is the share.
            let shares = square.f_div(&below)?.f_masked_fill(&gradient_nchw.f_eq(0.0)?, 0.0)?;
            gradient_nchw.f_relu()?.f_mul(&shares)?.f_sum_dim_intlist(places, true, None::<Kind>)?
        }
    };
    activation_nchw.f_mul(&weights_nc11)?.f_sum_dim_intlist(1, false, None::<Kind>)?.f_relu()
}
