//! Metrics of the probabilities themselves: log loss and expected calibration error.

use super::scored::probability;

/// Bins of the expected calibration error.
pub const N_BINS: usize = 15;

/// Mean negative log-likelihood in nats, from logits: `ln(1 + e^x) - y x`, in the form that neither overflows nor
/// loses small losses. `None` without scores.
///
/// `scored`: logits with the truth beside them, of one label or of all.
pub fn log_loss(scored: impl Iterator<Item = (f32, bool)>) -> Option<f64> {
    let (mut sum, mut n) = (0.0, 0u64);
    for (logit, truth) in scored {
        let x = f64::from(logit);
        sum += x.max(0.0) - if truth { x } else { 0.0 } + libm::log1p(libm::exp(-x.abs()));
        n += 1;
    }
    (n > 0).then(|| sum / n as f64)
}

/// Expected calibration error, 0 to 1, of one label: the mean over images of how far the probability of their bin
/// is from the share of its images that have the label (Guo et al. 2017, "On calibration of modern neural
/// networks", for the probability of the label instead of that of the top class). [`N_BINS`] bins of equal
/// width, each with its upper edge. `None` without scores.
pub fn expected_calibration_error(scored: impl Iterator<Item = (f32, bool)>) -> Option<f64> {
    let mut probability_sums = [0.0; N_BINS];
    let mut positives = [0u64; N_BINS];
    let mut n = 0u64;
    for (logit, truth) in scored {
        let p = probability(logit);
        let bin = bin_of(p);
        probability_sums[bin] += p;
        positives[bin] += u64::from(truth);
        n += 1;
    }
    let gaps =
        probability_sums.iter().zip(&positives).map(|(sum, &positives)| (sum - positives as f64).abs());
    (n > 0).then(|| gaps.sum::<f64>() / n as f64)
}

/// The bin whose lower edge is the last one below `p`.
fn bin_of(p: f64) -> usize {
    (1..N_BINS).filter(|&edge| p > edge as f64 * (1.0 / N_BINS as f64)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_loss_holds_at_the_ends() {
        let half = log_loss([(0.0, true), (0.0, false)].into_iter()).unwrap();
        assert!((half - std::f64::consts::LN_2).abs() < 1e-15);
        assert_eq!(log_loss([(1000.0, true)].into_iter()), Some(0.0));
        assert_eq!(log_loss([(1000.0, false)].into_iter()), Some(1000.0));
        assert_eq!(log_loss([(-1000.0, true)].into_iter()), Some(1000.0));
        // Where 1 - p is 0 in f64, the loss still is e^-40.
        let small = log_loss([(40.0, true)].into_iter()).unwrap();
        assert!((small / (-40f64).exp() - 1.0).abs() < 1e-12);
        assert_eq!(log_loss(std::iter::empty()), None);
    }

    #[test]
    fn bins_have_their_upper_edge() {
        assert_eq!((bin_of(0.0), bin_of(1.0)), (0, N_BINS - 1));
        assert_eq!((bin_of(1.0 / 15.0), bin_of(1.0 / 15.0 + 1e-12)), (0, 1));
    }

    /// Four images at probability one half, three of which have the label: a gap of a quarter.
    #[test]
    fn calibration_error_of_a_hand_worked_case() {
        let scored = [(0.0, true), (0.0, true), (0.0, true), (0.0, false)];
        assert_eq!(expected_calibration_error(scored.into_iter()), Some(0.25));
        assert_eq!(expected_calibration_error(std::iter::empty()), None);
    }
}
