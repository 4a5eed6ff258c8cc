//! The difference between variant and baseline, paired by seed, and its variance from seeds and from images.

/// Below this standard error nothing moved: metrics of 2^24 images differ by more.
const NOTHING: f64 = 1e-9;

/// The mean difference over seeds with the two parts of its variance. See the room's page for why these two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Paired {
    /// Mean over seeds.
    pub delta: f64,
    /// Seeds that have both.
    pub n_seeds: u32,
    /// Variance over seeds, of one seed's difference; 0 with one seed, where it cannot be told.
    pub seed_variance: f64,
    /// Variance of the mean that more seeds do not take away.
    pub image_variance: f64,
}

impl Paired {
    /// `deltas`: one per seed. `resampled`: for each seed, its difference on each resample of the test images; NaN where
    /// a resample has no positive, in all seeds alike. `correction`: see [`correction`].
    pub fn new(deltas: &[f64], resampled: &[Vec<f32>], correction: f64) -> Self {
        let n = deltas.len() as f64;
        let delta = deltas.iter().sum::<f64>() / n;
        let squares: f64 = deltas.iter().map(|d| (d - delta) * (d - delta)).sum();
        let spread = if deltas.len() > 1 { squares / (n - 1.0) } else { 0.0 };
        let seeds_agree = spread.sqrt() < NOTHING;

        let of_mean = variance(&mean_over_seeds(resampled));
        let image_variance = if deltas.len() == 1 || seeds_agree {
            // Seeds that agree to the last digit hold no image noise of their own: all of it is counted here.
            of_mean
        } else {
            let of_seeds: f64 = resampled.iter().map(|values| variance(values)).sum();
            // The mean covariance of two seeds. An estimate may fall below 0; a variance does not.
            ((n * n * of_mean - of_seeds) / (n * (n - 1.0))).max(0.0)
        };
        let image_variance = correction * image_variance;
        let seed_variance = if seeds_agree { 0.0 } else { spread };
        Paired { delta, n_seeds: deltas.len() as u32, seed_variance, image_variance }
    }

    /// Variance of the mean that comes from seeds.
    pub fn t_variance(&self) -> f64 {
        self.seed_variance / f64::from(self.n_seeds)
    }

    /// Whether neither seeds nor images move the difference at all.
    pub fn is_rigid(&self) -> bool {
        (self.t_variance() + self.image_variance).sqrt() < NOTHING
    }
}

/// What the variance over resamples is multiplied by: a bootstrap's variance of a mean of `n` is too small by
/// `(n - 1) / n`, and average precision and F1 are in effect means over the images with the label (or over those
/// without, where they are fewer). `n_images`: that smaller number for each label that goes into the metric.
pub fn correction(n_images: impl ExactSizeIterator<Item = usize>) -> f64 {
    let n_labels = n_images.len() as f64;
    // From a single image nothing can be told; such a label gets no verdict, and in a mean it counts as two.
    n_images.map(|n| n.max(2) as f64).map(|n| n / (n - 1.0)).sum::<f64>() / n_labels
}

fn mean_over_seeds(resampled: &[Vec<f32>]) -> Vec<f32> {
    let n_resamples = resampled.first().map_or(0, Vec::len);
    let mean = |at: usize| {
        resampled.iter().map(|values| f64::from(values[at])).sum::<f64>() / resampled.len() as f64
    };
    (0..n_resamples).map(|at| mean(at) as f32).collect()
}

/// Sample variance of what is defined; 0 of less than two values.
fn variance(values: &[f32]) -> f64 {
    let defined = || values.iter().filter(|value| !value.is_nan()).map(|&value| f64::from(value));
    let n = defined().count() as f64;
    if n < 2.0 {
        return 0.0;
    }
    let mean = defined().sum::<f64>() / n;
    defined().map(|value| (value - mean) * (value - mean)).sum::<f64>() / (n - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: deltas 1 and 3 have variance 2; resampled, both seeds move together by 1 or -1, and each by a 1 or
    /// -1 of its own that has nothing to do with the other's.
    #[test]
    fn what_seeds_have_in_common_is_told_from_their_own() {
        let (first, second) = (vec![2.0, 0.0, 0.0, -2.0], vec![2.0, 0.0, -2.0, 0.0]);
        let found = Paired::new(&[1.0, 3.0], &[first, second], 1.0);
        assert_eq!((found.delta, found.seed_variance, found.t_variance()), (2.0, 2.0, 1.0));
        assert!((found.image_variance - 4.0 / 3.0).abs() < 1e-12, "{found:?}");
        let opposed = Paired::new(&[1.0, 3.0], &[vec![1.0, -1.0], vec![-1.0, 1.0]], 1.0);
        assert_eq!(opposed.image_variance, 0.0);
    }

    #[test]
    fn seeds_that_agree_leave_all_to_the_images() {
        let (a, b) = (vec![1.0, -1.0, 0.0], vec![0.0, 0.0, 0.0]);
        let found = Paired::new(&[0.1, 0.1], &[a.clone(), b], 1.0);
        assert_eq!((found.seed_variance, found.image_variance), (0.0, 0.25));
        assert_eq!(Paired::new(&[0.1], &[a], 1.0).image_variance, 1.0);
    }

    #[test]
    fn resamples_without_a_positive_are_passed_over() {
        let found = Paired::new(&[0.0], &[vec![1.0, f32::NAN, -1.0]], 1.0);
        assert_eq!(found.image_variance, 2.0);
        assert!(Paired::new(&[0.0, 0.0], &[vec![f32::NAN], vec![f32::NAN]], 1.0).is_rigid());
    }

    #[test]
    fn few_images_make_the_variance_larger() {
        assert_eq!(correction([5].into_iter()), 1.25);
        assert_eq!(correction([5, 1].into_iter()), 1.625);
        assert_eq!(Paired::new(&[0.1], &[vec![1.0, -1.0, 0.0]], 1.25).image_variance, 1.25);
    }
}
