//! The difference between variant and baseline, paired by seed, and its variance from seeds and from images, or from folds.

/// Below this standard error nothing moved: metrics of 2^24 images differ by more.
const NOTHING: f64 = 1e-9;

/// The mean difference with the parts of its variance. See the room's page for why these.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Paired {
    /// Mean over seeds, and over folds where there are any.
    pub delta: f64,
    /// Seeds that have both.
    pub n_seeds: u32,
    /// What counts as one value for Student's t.
    pub units: Units,
    /// Variance over seeds, of one seed's difference, as far as more seeds take it away; 0 with one seed, where it cannot be told.
    pub seed_variance: f64,
    /// Variance of the mean over folds that more seeds do not take away; 0 without folds.
    pub fold_variance: f64,
    /// Variance of the mean from test images that more seeds do not take away; normal. With folds it is part of the folds'.
    pub image_variance: f64,
}

/// What counts as one value for Student's t.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Units {
    /// Each seed.
    Seeds,
    /// Each fold: the mean over its seeds. With the degrees of freedom.
    Folds(u32),
}

impl Paired {
    /// `deltas`: one per seed. `resampled`: their differences on each resample of the test images, row-major [resamples, seeds]; NaN where
    /// a resample has no positive, in all seeds alike. `correction`: see [`correction`].
    pub fn over_seeds(deltas: &[f64], resampled: &[f32], correction: f64) -> Self {
        let n = deltas.len() as f64;
        let spread = variance(deltas.iter().copied());
        let seeds_agree = spread.sqrt() < NOTHING;

        let of_mean = variances(&means(resampled, deltas.len()), 1)[0];
        let image_variance = if deltas.len() == 1 || seeds_agree {
            // Seeds that agree to the last digit hold no image noise of their own: all of it is counted here.
            of_mean
        } else {
            let of_seeds: f64 = variances(resampled, deltas.len()).iter().sum();
            // The mean covariance of two seeds. An estimate may fall below 0; a variance does not.
            ((n * n * of_mean - of_seeds) / (n * (n - 1.0))).max(0.0)
        };
        Paired {
            delta: mean(deltas),
            n_seeds: deltas.len() as u32,
            units: Units::Seeds,
            seed_variance: if seeds_agree { 0.0 } else { spread },
            fold_variance: 0.0,
            image_variance: correction * image_variance,
        }
    }

    /// The corrected variance of Nadeau and Bengio ("Inference for the generalization error", Machine Learning 52, 2003): that of
    /// the folds' differences times `1 / folds + test images / training images`, for folds share training images.
    ///
    /// What a seed does to all folds alike cannot be seen there; it is told from how the seeds' means differ beyond chance (the
    /// component of variance in a two-way layout), and added, with Satterthwaite's degrees of freedom for the sum (Biometrics Bulletin 2,
    /// 1946), rounded down. One seed cannot show it.
    ///
    /// `of_folds`: for each fold its difference with each seed. `test_to_train`: images that a fold tests on for each that it trains on.
    pub fn over_folds(of_folds: &[Vec<f64>], test_to_train: f64) -> Self {
        let layout = TwoWay::new(of_folds);
        let (n_folds, n_seeds) = (of_folds.len() as f64, layout.n_seeds);
        let factor = 1.0 / n_folds + test_to_train;
        let folds = factor * layout.fold_variance;
        let luck = ((layout.seed_variance - layout.residual / n_folds) / n_seeds).max(0.0);
        let whole = folds + luck;
        let nothing = whole.sqrt() < NOTHING;
        let degrees = whole * whole
            / (folds * folds / (n_folds - 1.0)
                + if luck > 0.0 { luck * luck / (n_seeds - 1.0) } else { 0.0 });
        // What seeds of a fold differ by is what more seeds average away, and no more than there is.
        let of_seeds = (factor * layout.residual).min(n_seeds * folds) + n_seeds * luck;
        Paired {
            delta: layout.mean,
            n_seeds: n_seeds as u32,
            // Not a number where nothing differs or there is one fold: no degrees, and no interval.
            units: Units::Folds(if nothing { 0 } else { degrees as u32 }),
            seed_variance: if nothing { 0.0 } else { of_seeds },
            fold_variance: if nothing { 0.0 } else { whole - of_seeds / n_seeds },
            image_variance: 0.0,
        }
    }

    /// The part of the mean's variance that Student's t stands for, if there were `n_seeds` seeds.
    pub fn t_variance_with(&self, n_seeds: u32) -> f64 {
        self.fold_variance + self.seed_variance / f64::from(n_seeds)
    }

    /// The same with the seeds that there are.
    pub fn t_variance(&self) -> f64 {
        self.t_variance_with(self.n_seeds)
    }

    /// Degrees of freedom of Student's t, if there were `n_seeds` seeds; 0: there is no interval.
    pub fn degrees_with(&self, n_seeds: u32) -> u32 {
        match self.units {
            Units::Seeds => n_seeds.saturating_sub(1),
            Units::Folds(degrees) => degrees,
        }
    }

    /// The same with the seeds that there are.
    pub fn degrees(&self) -> u32 {
        self.degrees_with(self.n_seeds)
    }

    /// Whether nothing moves the difference at all.
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

/// The mean of each row of `n_columns` values.
fn means(rows: &[f32], n_columns: usize) -> Vec<f32> {
    let mean = |row: &[f32]| row.iter().map(|&value| f64::from(value)).sum::<f64>() / n_columns as f64;
    rows.chunks_exact(n_columns).map(|row| mean(row) as f32).collect()
}

/// The sample variance of each column of what is defined there; 0 of less than two values. Columns are summed side by side: a sum alone
/// would wait for each of its additions.
#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+bmi2",
    "x86_64+avx2+bmi2"
))]
fn variances(rows: &[f32], n_columns: usize) -> Vec<f64> {
    let rows = rows.chunks_exact(n_columns);
    let (mut sums, mut counts) = (vec![0.0; n_columns], vec![0.0; n_columns]);
    for row in rows.clone() {
        for ((sum, count), &value) in sums.iter_mut().zip(&mut counts).zip(row) {
            *sum += if value.is_nan() { 0.0 } else { f64::from(value) };
            *count += if value.is_nan() { 0.0 } else { 1.0 };
        }
    }
    let means: Vec<f64> = sums.iter().zip(&counts).map(|(sum, count)| sum / count).collect();
    let mut squares = vec![0.0; n_columns];
    for row in rows {
        for ((square, mean), &value) in squares.iter_mut().zip(&means).zip(row) {
            let away = f64::from(value) - mean;
            *square += if value.is_nan() { 0.0 } else { away * away };
        }
    }
    let of_column = |(square, count): (f64, f64)| if count < 2.0 { 0.0 } else { square / (count - 1.0) };
    squares.into_iter().zip(counts).map(of_column).collect()
}

fn variance(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let n = values.clone().count() as f64;
    if n < 2.0 {
        return 0.0;
    }
    let mean = values.clone().sum::<f64>() / n;
    values.map(|value| (value - mean) * (value - mean)).sum::<f64>() / (n - 1.0)
}

/// Folds x seeds, taken apart.
struct TwoWay {
    n_seeds: f64,
    mean: f64,
    /// Sample variance of the folds' means.
    fold_variance: f64,
    /// Sample variance of the seeds' means; 0 of one.
    seed_variance: f64,
    /// Mean square of what is left when both are taken away; 0 with one seed or one fold.
    residual: f64,
}

impl TwoWay {
    fn new(of_folds: &[Vec<f64>]) -> Self {
        let n_seeds = of_folds.first().map_or(0, Vec::len);
        let of_fold: Vec<f64> = of_folds.iter().map(|deltas| mean(deltas)).collect();
        let of_seed: Vec<f64> = (0..n_seeds)
            .map(|seed| of_folds.iter().map(|deltas| deltas[seed]).sum::<f64>() / of_folds.len() as f64)
            .collect();
        let whole = mean(&of_fold);
        let left = |fold: usize, seed: usize| of_folds[fold][seed] - of_fold[fold] - of_seed[seed] + whole;
        let squares: f64 = (0..of_folds.len())
            .flat_map(|fold| (0..n_seeds).map(move |seed| (fold, seed)))
            .map(|(fold, seed)| left(fold, seed).powi(2))
            .sum();
        let degrees = (of_folds.len().saturating_sub(1) * n_seeds.saturating_sub(1)) as f64;
        TwoWay {
            n_seeds: n_seeds as f64,
            mean: whole,
            fold_variance: variance(of_fold.iter().copied()),
            seed_variance: variance(of_seed.iter().copied()),
            residual: if degrees > 0.0 { squares / degrees } else { 0.0 },
        }
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: deltas 1 and 3 have variance 2; resampled, both seeds move together by 1 or -1, and each by a 1 or
    /// -1 of its own that has nothing to do with the other's.
    #[test]
    fn what_seeds_have_in_common_is_told_from_their_own() {
        let resampled = [[2.0, 2.0], [0.0, 0.0], [0.0, -2.0], [-2.0, 0.0]];
        let found = Paired::over_seeds(&[1.0, 3.0], resampled.as_flattened(), 1.0);
        assert_eq!((found.delta, found.seed_variance, found.t_variance()), (2.0, 2.0, 1.0));
        assert!((found.image_variance - 4.0 / 3.0).abs() < 1e-12, "{found:?}");
        let opposed = Paired::over_seeds(&[1.0, 3.0], &[1.0, -1.0, -1.0, 1.0], 1.0);
        assert_eq!(opposed.image_variance, 0.0);
    }

    #[test]
    fn seeds_that_agree_leave_all_to_the_images() {
        let resampled = [[1.0, 0.0], [-1.0, 0.0], [0.0, 0.0]];
        let found = Paired::over_seeds(&[0.1, 0.1], resampled.as_flattened(), 1.0);
        assert_eq!((found.seed_variance, found.image_variance), (0.0, 0.25));
        assert_eq!(Paired::over_seeds(&[0.1], &[1.0, -1.0, 0.0], 1.0).image_variance, 1.0);
    }

    #[test]
    fn resamples_without_a_positive_are_passed_over() {
        let found = Paired::over_seeds(&[0.0], &[1.0, f32::NAN, -1.0], 1.0);
        assert_eq!(found.image_variance, 2.0);
        assert!(Paired::over_seeds(&[0.0, 0.0], &[f32::NAN, f32::NAN], 1.0).is_rigid());
    }

    #[test]
    fn few_images_make_the_variance_larger() {
        assert_eq!(correction([5].into_iter()), 1.25);
        assert_eq!(correction([5, 1].into_iter()), 1.625);
        assert_eq!(Paired::over_seeds(&[0.1], &[1.0, -1.0, 0.0], 1.25).image_variance, 1.25);
    }

    /// Five folds by hand: differences 1 to 5 have variance 2.5, and each fold tests on a quarter of what it trains on.
    #[test]
    fn folds_count_by_the_correction_of_nadeau_and_bengio() {
        let folds: Vec<Vec<f64>> = (1..=5).map(|delta| vec![f64::from(delta)]).collect();
        let found = Paired::over_folds(&folds, 0.25);
        assert_eq!((found.delta, found.n_seeds, found.degrees()), (3.0, 1, 4));
        assert!((found.t_variance() - 2.5 * 0.45).abs() < 1e-12);
        assert_eq!((found.seed_variance, found.image_variance), (0.0, 0.0));
        assert!(Paired::over_folds(&[vec![0.5], vec![0.5]], 0.25).is_rigid());
    }

    /// Two folds whose means are 1 and 3, two seeds whose means are 1.5 and 2.5, and nothing else: the seeds' luck is their variance of 0.5
    /// over two of them.
    #[test]
    fn what_a_seed_does_to_all_folds_is_added() {
        let found = Paired::over_folds(&[vec![0.5, 1.5], vec![2.5, 3.5]], 1.0);
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
        close(found.t_variance(), 1.5 * 2.0 + 0.25);
        close(found.seed_variance, 0.5);
        close(found.fold_variance, 3.0);
        assert_eq!(found.degrees_with(100), 1);
    }

    /// Seeds that differ in each fold in another way, and not on average: what they differ by is averaged away.
    #[test]
    fn what_seeds_of_a_fold_differ_by_is_averaged_away() {
        let found = Paired::over_folds(&[vec![0.5, 1.5], vec![3.5, 2.5]], 1.0);
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
        close(found.t_variance(), 3.0);
        // Four rests of 0.5 with one degree of freedom.
        close(found.seed_variance, 1.5);
        close(found.fold_variance, 3.0 - 0.75);
    }
}
