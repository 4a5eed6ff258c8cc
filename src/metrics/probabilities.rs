//! Metrics of the probabilities themselves: log loss, Brier score, reliability and expected calibration error.

use serde::{Deserialize, Serialize};

use super::scored::logistic;

/// Bins of the expected calibration error.
pub const N_BINS: usize = 15;

/// Mean negative log-likelihood in nats, from logits: `ln(1 + e^x) - y x`, in the form that neither overflows nor
/// loses small losses. `None` without scores.
///
/// `scored`: calibrated logits with the truth beside them, of one label or of all.
pub fn log_loss(scored: impl Iterator<Item = (f64, bool)>) -> Option<f64> {
    let (mut sum, mut n) = (0.0, 0u64);
    for (x, truth) in scored {
        sum += x.max(0.0) - if truth { x } else { 0.0 } + libm::log1p(libm::exp(-x.abs()));
        n += 1;
    }
    (n > 0).then(|| sum / n as f64)
}

/// Mean squared distance of the probabilities from the truth, 0 to 1 (Brier 1950, in the form of
/// scikit-learn's `brier_score_loss`). `None` without scores.
///
/// `scored`: calibrated logits with the truth beside them, of one label or of all.
pub fn brier(scored: impl Iterator<Item = (f64, bool)>) -> Option<f64> {
    let (mut sum, mut n) = (0.0, 0u64);
    for (logit, truth) in scored {
        // 1 - p as the probability of the opposite, which does not lose small distances.
        let distance = logistic(if truth { -logit } else { logit });
        sum += distance * distance;
        n += 1;
    }
    (n > 0).then(|| sum / n as f64)
}

/// How the probabilities of one label keep what they promise: the data of a reliability diagram, in [`N_BINS`]
/// bins of equal width, each with its upper edge.
#[derive(Clone, Debug, PartialEq)]
pub struct Reliability {
    bins: [Sums; N_BINS],
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Sums {
    n_images: u64,
    n_positives: u64,
    probability: f64,
}

/// A bin of a reliability diagram.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Lower edge, a probability that is not in the bin (but for 0).
    pub above: f64,
    /// Upper edge, a probability that is.
    pub up_to: f64,
    /// Images with a probability in it.
    pub n_images: u64,
    /// Their mean probability; `None` without images.
    pub mean_probability: Option<f64>,
    /// Share of them that have the label; `None` without images.
    pub positive_share: Option<f64>,
}

impl Reliability {
    /// `scored`: calibrated logits of one label with the truth beside them.
    pub fn of(scored: impl Iterator<Item = (f64, bool)>) -> Self {
        let mut bins = [Sums::default(); N_BINS];
        for (logit, truth) in scored {
            let p = logistic(logit);
            let bin = &mut bins[bin_of(p)];
            bin.n_images += 1;
            bin.n_positives += u64::from(truth);
            bin.probability += p;
        }
        Reliability { bins }
    }

    /// Expected calibration error, 0 to 1: the mean over images of how far the probability of their bin is from the
    /// share of its images that have the label (Guo et al. 2017, "On calibration of modern neural networks", for the
    /// probability of the label instead of that of the top class). `None` without scores.
    pub fn expected_calibration_error(&self) -> Option<f64> {
        let n_images: u64 = self.bins.iter().map(|bin| bin.n_images).sum();
        let gap: f64 = self.bins.iter().map(|bin| (bin.probability - bin.n_positives as f64).abs()).sum();
        (n_images > 0).then(|| gap / n_images as f64)
    }

    /// All bins, from the lowest probabilities.
    pub fn bins(&self) -> Vec<Bin> {
        let mean = |sum: f64, n: u64| (n > 0).then(|| sum / n as f64);
        let bin = |(at, bin): (usize, &Sums)| Bin {
            above: at as f64 / N_BINS as f64,
            up_to: (at + 1) as f64 / N_BINS as f64,
            n_images: bin.n_images,
            mean_probability: mean(bin.probability, bin.n_images),
            positive_share: mean(bin.n_positives as f64, bin.n_images),
        };
        self.bins.iter().enumerate().map(bin).collect()
    }
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

    #[test]
    fn brier_holds_at_the_ends() {
        assert_eq!(brier([(0.0, true), (0.0, false)].into_iter()), Some(0.25));
        assert_eq!(brier([(1000.0, true), (1000.0, false)].into_iter()), Some(0.5));
        let small = brier([(40.0, true)].into_iter()).unwrap();
        assert!((small / (-80f64).exp() - 1.0).abs() < 1e-12);
        assert_eq!(brier(std::iter::empty()), None);
    }

    /// Four images at probability one half, three of which have the label: a gap of a quarter.
    #[test]
    fn reliability_of_a_hand_worked_case() {
        let found = Reliability::of([(0.0, true), (0.0, true), (0.0, true), (0.0, false)].into_iter());
        assert_eq!(found.expected_calibration_error(), Some(0.25));
        let bins = found.bins();
        assert_eq!((bins.len(), bins[0].mean_probability, bins[14].up_to), (N_BINS, None, 1.0));
        let half = Bin {
            above: 7.0 / 15.0,
            up_to: 8.0 / 15.0,
            n_images: 4,
            mean_probability: Some(0.5),
            positive_share: Some(0.75),
        };
        assert_eq!(bins[7], half);
        assert_eq!(Reliability::of(std::iter::empty()).expected_calibration_error(), None);
    }
}
