//! The bootstrap over test images: every column scored on the same resamples, so that comparisons are paired.
//!
//! A column is one label of one run under one metric, sorted or thresholded once. A resample gives each image a
//! multiplicity; a block of [`LANES`] resamples is scored in one walk over each column.

use rayon::prelude::*;

use crate::metrics::counts::{Answers, f1_lanes};
use crate::metrics::ranking::{LANES, Multiplicities, Ranking};
use crate::seed::Key;

/// What is scored on each resample.
#[derive(Clone, Debug)]
pub enum Column {
    /// Average precision of a ranking.
    AveragePrecision(Ranking),
    /// F1 of what was said of each image beside what is true.
    F1(Answers),
    /// Mean of what images have; NaN for those that have none.
    Mean(Vec<f32>),
}

impl Column {
    fn lanes(&self, multiplicities: &[Multiplicities]) -> Multiplicities {
        match self {
            Column::AveragePrecision(ranking) => ranking.average_precision_lanes(multiplicities),
            Column::F1(answers) => f1_lanes(answers, multiplicities),
            Column::Mean(values) => mean_lanes(values, multiplicities),
        }
    }
}

/// NaN where a resample has no image with a value.
fn mean_lanes(values: &[f32], multiplicities: &[Multiplicities]) -> Multiplicities {
    let (mut sums, mut counts) = ([0.0; LANES], [0.0; LANES]);
    for (&value, times) in values.iter().zip(multiplicities).filter(|(value, _)| !value.is_nan()) {
        for lane in 0..LANES {
            sums[lane] += times[lane] * value;
            counts[lane] += times[lane];
        }
    }
    std::array::from_fn(|lane| sums[lane] / counts[lane])
}

/// Blocks that a column is scored on while it is in the processor's cache, at most: many columns are larger than any cache.
const BLOCKS_AT_ONCE: usize = 4;
/// Bytes that the draws of these blocks may take: they are to stay in the cache themselves.
const DRAWS_AT_ONCE: usize = 1 << 18;

/// What columns come to on each resample: [blocks of [`LANES`] resamples][columns]. The last block may hold more resamples than were
/// asked for.
pub type Blocks = Vec<Vec<[f32; LANES]>>;

/// Each column's metric on `n_resamples` resamples of the `n_images` images, drawn with replacement; NaN where a
/// resample has no positive. Resample `b` draws from `key.index(b)` and from nothing else, so that threads,
/// other resamples and other columns change nothing.
pub fn resample(columns: &[&Column], n_images: usize, n_resamples: usize, key: Key) -> Blocks {
    let blocks: Vec<usize> = (0..n_resamples.div_ceil(LANES)).collect();
    let of_block = n_images.max(1) * size_of::<Multiplicities>();
    let score = |some: &[usize]| {
        let draws: Vec<_> = some.iter().map(|&block| draw_block(block, n_images, key)).collect();
        let mut scored: Blocks = some.iter().map(|_| Vec::with_capacity(columns.len())).collect();
        for column in columns {
            for (scored, multiplicities) in scored.iter_mut().zip(&draws) {
                scored.push(column.lanes(multiplicities));
            }
        }
        scored
    };
    blocks.par_chunks((DRAWS_AT_ONCE / of_block).clamp(1, BLOCKS_AT_ONCE)).flat_map_iter(score).collect()
}

/// How often each image is drawn in each resample of the block.
fn draw_block(block: usize, n_images: usize, key: Key) -> Vec<Multiplicities> {
    let mut multiplicities = vec![[0.0; LANES]; n_images];
    for (lane, number) in (block * LANES..(block + 1) * LANES).enumerate() {
        let mut draws = key.index(number as u64).draws();
        for _ in 0..n_images {
            let image = draws.below(n_images as u64) as usize;
            multiplicities[image][lane] += 1.0;
        }
    }
    multiplicities
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resample_draws_as_many_images_as_there_are() {
        let block = draw_block(3, 50, Key::root(1));
        for lane in 0..LANES {
            assert_eq!(block.iter().map(|times| times[lane]).sum::<f32>(), 50.0);
        }
        assert_ne!(block, draw_block(4, 50, Key::root(1)));
        assert_eq!(draw_block(0, 0, Key::root(1)), [[0.0; LANES]; 0]);
    }

    /// F1 of one label is a function of counts, so its variance over resamples has a known first-order form.
    #[test]
    fn the_variance_of_f1_is_that_of_the_delta_method() {
        let n = 400;
        let answers: Vec<(bool, bool)> =
            (0..n).map(|i| (i % 4 == 0 || i % 10 == 1, i % 4 == 0 || i % 8 == 3)).collect();
        let column = Column::F1(answers.iter().copied().collect());
        let blocks = resample(&[&column], n, 4_000, Key::root(2));
        let found: Vec<f32> = blocks.iter().flat_map(|block| block[0]).collect();
        let whole: f64 = answers.iter().map(|&(a, b)| f64::from(u8::from(a) + u8::from(b))).sum();
        let f1 = answers.iter().filter(|&&(a, b)| a && b).count() as f64 * 2.0 / whole;
        let expected: f64 = answers
            .iter()
            .map(|&(a, b)| {
                let (both, either) = (f64::from(u8::from(a && b)), f64::from(u8::from(a) + u8::from(b)));
                ((2.0 * both - f1 * either) / whole).powi(2)
            })
            .sum();
        let mean = found.iter().map(|&v| f64::from(v)).sum::<f64>() / found.len() as f64;
        let variance = found.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / found.len() as f64;
        assert!((mean - f1).abs() < 0.005, "{mean} {f1}");
        assert!((variance / expected - 1.0).abs() < 0.1, "{variance} {expected}");
    }

    #[test]
    fn means_are_of_what_is_there() {
        let mut multiplicities = vec![[1.0; LANES]; 3];
        multiplicities[0][1] = 3.0;
        multiplicities[0][2] = 0.0;
        multiplicities[2][2] = 0.0;
        let found = mean_lanes(&[1.0, f32::NAN, 4.0], &multiplicities);
        assert_eq!((found[0], found[1]), (2.5, 7.0 / 4.0));
        assert!(found[2].is_nan());
    }

    #[test]
    fn threads_change_nothing() {
        let column = Column::F1((0..30).map(|i| (i % 2 == 0, i % 3 == 0)).collect());
        let with = |n_threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            pool.install(|| resample(&[&column], 30, 100, Key::root(4)))
        };
        let one = with(1);
        assert_eq!(one, with(5));
        assert_eq!((one.len(), one[0].len()), (7, 1));
    }
}
