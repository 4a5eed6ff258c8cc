//! The loss of a batch, and of a whole part.
//!
//! Each loss gives a number for each label of each row; the loss of a batch is their mean, each row's share multiplied by
//! its weight. The mean divides by rows x labels, not by the sum of the weights, as PyTorch's `weight` argument does.

mod asymmetric;
mod focal;
pub mod positive_weights;

use ablatrix::spec::settings::Loss;
use tch::{Device, Kind, Reduction, TchError, Tensor};

/// A loss, ready for a device.
#[derive(Debug)]
pub struct LossFunction {
    settings: Loss,
    /// How much more each label's positives weigh; empty: as much.
    positive_weights: Vec<f64>,
    /// The same, f32 [L], on the device.
    positive_weights_l: Option<Tensor>,
}

impl LossFunction {
    /// Of these settings; `positive_weights` is empty, or has a number for each label.
    ///
    /// # Errors
    /// Where the device has no room.
    pub fn new(settings: &Loss, positive_weights: Vec<f64>, device: Device) -> Result<Self, TchError> {
        let on_device = || Tensor::f_from_slice(&positive_weights)?.f_to_kind(Kind::Float)?.f_to(device);
        let positive_weights_l = if positive_weights.is_empty() { None } else { Some(on_device()?) };
        Ok(LossFunction { settings: settings.clone(), positive_weights, positive_weights_l })
    }

    /// The loss of a batch: a scalar.
    ///
    /// `logits_nl`, `targets_nl`: [N, L] f32, targets 0 to 1; `weights_n`: [N, 1] f32.
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn of_batch(
        &self,
        logits_nl: &Tensor,
        targets_nl: &Tensor,
        weights_n: Option<&Tensor>,
    ) -> Result<Tensor, TchError> {
        let smoothed;
        let targets_nl = match self.settings {
            Loss::Bce { smoothing, .. } if smoothing > 0.0 => {
                // Towards one half, as the op `label_smoothing` does.
                smoothed = targets_nl.f_mul_scalar(1.0 - smoothing)?.f_add_scalar(smoothing / 2.0)?;
                &smoothed
            }
            _ => targets_nl,
        };
        self.mean(logits_nl, targets_nl, weights_n, self.positive_weights_l.as_ref())
    }

    /// The same over a whole part, without smoothing: `logits` and `targets` are row-major [N, L]; all is done in f64. NaN
    /// where there are no rows.
    pub fn of_part(&self, logits: &[f32], targets: &[bool], n_labels: usize) -> f64 {
        debug_assert_eq!(logits.len(), targets.len());
        if logits.is_empty() {
            return f64::NAN;
        }
        let shape = [-1, n_labels as i64];
        let logits_nl = Tensor::from_slice(logits).to_kind(Kind::Double).view(shape);
        let targets: Vec<f64> = targets.iter().map(|&positive| f64::from(u8::from(positive))).collect();
        let targets_nl = Tensor::from_slice(&targets).view(shape);
        let positive_l =
            (!self.positive_weights.is_empty()).then(|| Tensor::from_slice(&self.positive_weights));
        match self.mean(&logits_nl, &targets_nl, None, positive_l.as_ref()) {
            Ok(loss) => loss.double_value(&[]),
            Err(error) => panic!("bug: the loss of a part: {error}"),
        }
    }

    fn mean(
        &self,
        logits_nl: &Tensor,
        targets_nl: &Tensor,
        weights_n: Option<&Tensor>,
        positive_l: Option<&Tensor>,
    ) -> Result<Tensor, TchError> {
        let loss_nl = match self.settings {
            Loss::Bce { .. } => {
                let mean = Reduction::Mean;
                return logits_nl.f_binary_cross_entropy_with_logits(targets_nl, weights_n, positive_l, mean);
            }
            Loss::Focal { gamma, alpha } => focal::loss(logits_nl, targets_nl, gamma, alpha)?,
            Loss::Asymmetric { gamma_negative, gamma_positive, clip } => {
                asymmetric::loss(logits_nl, targets_nl, [gamma_negative, gamma_positive], clip)?
            }
        };
        match weights_n {
            Some(weights_n) => loss_nl.f_mul(weights_n)?.f_mean(None),
            None => loss_nl.f_mean(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use ablatrix::spec::settings::PositiveWeights;

    use super::*;

    fn bce(smoothing: f64, positive_weights: Vec<f64>) -> LossFunction {
        let settings = Loss::Bce { positive_weights: PositiveWeights::None, smoothing };
        LossFunction::new(&settings, positive_weights, Device::Cpu).unwrap()
    }

    fn every_loss() -> [LossFunction; 4] {
        let focal = |gamma, alpha| Loss::Focal { gamma, alpha };
        let asymmetric = Loss::Asymmetric { gamma_negative: 4.0, gamma_positive: 1.0, clip: 0.05 };
        let of = |settings: &Loss| LossFunction::new(settings, vec![], Device::Cpu).unwrap();
        [bce(0.0, vec![2.0]), of(&focal(2.0, Some(0.25))), of(&focal(0.5, None)), of(&asymmetric)]
    }

    /// By hand: -ln sigmoid(0) = ln 2; -ln sigmoid(2) = ln(1 + e^-2); -ln(1 - sigmoid(2)) = ln(1 + e^2).
    #[test]
    fn bce_is_the_mean_of_the_hand_worked_terms() {
        let logits = Tensor::from_slice(&[0.0f32, 2.0, 2.0, 0.0]).view([2, 2]);
        let targets = Tensor::from_slice(&[1.0f32, 1.0, 0.0, 0.0]).view([2, 2]);
        let (ln2, right, wrong) = (2f64.ln(), (-2f64).exp().ln_1p(), 2f64.exp().ln_1p());
        let loss = bce(0.0, vec![]).of_batch(&logits, &targets, None).unwrap().double_value(&[]);
        assert!((loss - (ln2 + right + wrong + ln2) / 4.0).abs() < 1e-6, "{loss}");

        let weights = Tensor::from_slice(&[1.0f32, 3.0]).view([2, 1]);
        let loss = bce(0.0, vec![]).of_batch(&logits, &targets, Some(&weights)).unwrap().double_value(&[]);
        assert!((loss - (ln2 + right + 3.0 * (wrong + ln2)) / 4.0).abs() < 1e-6, "{loss}");

        let part = bce(0.5, vec![]).of_part(&[0.0, 2.0, 2.0, 0.0], &[true, true, false, false], 2);
        assert!((part - (ln2 + right + wrong + ln2) / 4.0).abs() < 1e-12, "{part}");
        let part = bce(0.0, vec![3.0, 1.0]).of_part(&[0.0, 2.0, 2.0, 0.0], &[true, true, false, false], 2);
        assert!((part - (3.0 * ln2 + right + wrong + ln2) / 4.0).abs() < 1e-12, "{part}");
    }

    /// A target of 1 counts as 0.9 under a smoothing of 0.2: nine tenths of the positive's loss, one of the negative's.
    #[test]
    fn smoothing_goes_towards_one_half() {
        let logits = Tensor::from_slice(&[2.0f32]).view([1, 1]);
        let targets = Tensor::from_slice(&[1.0f32]).view([1, 1]);
        let loss = bce(0.2, vec![]).of_batch(&logits, &targets, None).unwrap().double_value(&[]);
        let expected = 0.9 * (-2f64).exp().ln_1p() + 0.1 * 2f64.exp().ln_1p();
        assert!((loss - expected).abs() < 1e-6, "{loss}, expected {expected}");
    }

    #[test]
    fn large_logits_stay_finite_and_so_do_their_gradients() {
        for loss in every_loss() {
            let logits = Tensor::from_slice(&[1000f32, -1000.0, 1000.0, -1000.0, 0.0]).view([5, 1]);
            let logits = logits.set_requires_grad(true);
            let targets = Tensor::from_slice(&[0f32, 1.0, 1.0, 0.0, 0.5]).view([5, 1]);
            let value = loss.of_batch(&logits, &targets, None).unwrap();
            assert!(value.double_value(&[]).is_finite(), "{loss:?}");
            value.backward();
            let gradients = Vec::<f32>::try_from(logits.grad().reshape(-1)).unwrap();
            assert!(gradients.iter().all(|gradient| gradient.is_finite()), "{loss:?}: {gradients:?}");
            let part = loss.of_part(&[1000.0, -1000.0], &[false, true], 1);
            assert!(part.is_finite() && part > 1.0, "{loss:?}: {part}");
            assert!(loss.of_part(&[], &[], 1).is_nan());
        }
    }

    /// Without focusing, clipping and weights all are binary cross-entropy.
    #[test]
    fn each_loss_without_its_own_is_bce() {
        let logits = Tensor::from_slice(&[0.3f32, -1.5, 2.0, 0.1]).view([2, 2]);
        let targets = Tensor::from_slice(&[1f32, 0.0, 0.25, 0.5]).view([2, 2]);
        let value = |loss: LossFunction| loss.of_batch(&logits, &targets, None).unwrap().double_value(&[]);
        let expected = value(bce(0.0, vec![]));
        let focal = Loss::Focal { gamma: 0.0, alpha: None };
        let asymmetric = Loss::Asymmetric { gamma_negative: 0.0, gamma_positive: 0.0, clip: 0.0 };
        for settings in [focal, asymmetric] {
            let found = value(LossFunction::new(&settings, vec![], Device::Cpu).unwrap());
            assert!((found - expected).abs() < 1e-6, "{settings:?}: {found}, expected {expected}");
        }
    }
}
