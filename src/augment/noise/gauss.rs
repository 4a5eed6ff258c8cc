//! Normal noise, added to each value or to each pixel.
//!
//! Each value's noise is a function of the key and of its position alone. A standard normal value is looked
//! up by 16 random bits: 65,536 equally likely values at the quantiles of the normal distribution, out to
//! 4.3 standard deviations. The sum is rounded to whole levels and clipped. (albumentations 2.0.8 cuts the
//! noise off towards zero before it adds it, so that its spread comes out up to a few percent smaller.)

use std::fmt;

use super::normal::{Normal, UNIT};
use crate::augment::{Scratch, Transform};
use crate::pixels::RgbImage;
use crate::seed::{Draws, Key};

/// The drawn values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GaussNoise {
    /// Standard deviation as a share of 255.
    pub std: f64,
    /// Mean as a share of 255.
    pub mean: f64,
    /// A draw for each channel (true) or one for all three (false).
    pub per_channel: bool,
    /// Names the stream of the per-pixel draws.
    pub key: Key,
}

impl GaussNoise {
    /// Draws the standard deviation, then the mean, each uniformly; the pixels' draws come from `key`.
    pub fn draw(std: [f64; 2], mean: [f64; 2], per_channel: bool, key: Key, draws: &mut Draws) -> Self {
        let std = draws.range_f64(std[0], std[1]);
        GaussNoise { std, mean: draws.range_f64(mean[0], mean[1]), per_channel, key }
    }
}

impl Transform for GaussNoise {
    fn apply(&self, image: &mut RgbImage, _scratch: &mut Scratch) {
        let scale = (self.std * 255.0 / UNIT) as f32;
        let mean = (self.mean * 255.0) as f32;
        let channels = if self.per_channel { 1 } else { 3 };
        let mut normal = [0i16; CHUNK];
        let mut spread = [0i16; CHUNK * 3];
        for (n, part) in image.data.chunks_mut(CHUNK * channels).enumerate() {
            fill(&mut normal, self.key, n);
            if channels == 1 {
                add(part, &normal, scale, mean);
            } else {
                for (three, &one) in spread.as_chunks_mut::<3>().0.iter_mut().zip(&normal) {
                    *three = [one; 3];
                }
                add(part, &spread, scale, mean);
            }
        }
    }
}

impl fmt::Display for GaussNoise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "std={:.3} mean={:+.3}", self.std, self.mean)
    }
}

/// Draws that are made at once; a multiple of the eight that a block gives.
const CHUNK: usize = 1024;

/// Chunk `n` of the stream of `key`.
fn fill(normal: &mut [i16; CHUNK], key: Key, n: usize) {
    let mut blocks = [[0; 4]; CHUNK / 8];
    key.fill((n * blocks.len()) as u64, &mut blocks);
    Normal::table().values(blocks.as_flattened(), normal);
}

/// `value + mean + scale x normal`, rounded to even and clipped.
#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+bmi2",
    "x86_64+avx2+bmi2"
))]
fn add(values: &mut [u8], normal: &[i16], scale: f32, mean: f32) {
    for (value, &z) in values.iter_mut().zip(normal) {
        let sum = f32::from(*value) + (f32::from(z) * scale + mean);
        let sum = if sum > 0.0 { sum } else { 0.0 };
        let sum = if sum < 255.0 { sum } else { 255.0 };
        // Adding 1.5 x 2^23 leaves the nearest whole number in the low bits.
        *value = (sum + 12_582_912.0).to_bits() as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The noise on a grey picture, where nothing is clipped: [height, width, 3] in levels.
    fn noise_on_grey(std: f64, mean: f64, per_channel: bool, seed: u64) -> Vec<f64> {
        let mut image = RgbImage { width: 160, height: 120, data: vec![128; 160 * 120 * 3] };
        GaussNoise { std, mean, per_channel, key: Key::root(seed) }.apply(&mut image, &mut Scratch::new());
        image.data.iter().map(|&v| f64::from(v) - 128.0).collect()
    }

    fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
        let (sum, n) = values.into_iter().fold((0.0, 0.0), |(sum, n), v| (sum + v, n + 1.0));
        sum / n
    }

    fn correlation(pairs: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
        let (a, b) = (mean(pairs.clone().map(|p| p.0)), mean(pairs.clone().map(|p| p.1)));
        let spread =
            |part: fn(&(f64, f64)) -> f64, m: f64| mean(pairs.clone().map(|p| (part(&p) - m).powi(2)));
        let together = mean(pairs.clone().map(|(x, y)| (x - a) * (y - b)));
        together / (spread(|p| p.0, a) * spread(|p| p.1, b)).sqrt()
    }

    #[test]
    fn mean_and_variance_are_as_drawn() {
        for (std, shift, seed) in [(0.02, 0.0, 1), (0.08, 0.05, 2), (0.11, -0.03, 3)] {
            let noise = noise_on_grey(std, shift, true, seed);
            let (levels, n) = (std * 255.0, noise.len() as f64);
            let m = mean(noise.iter().copied());
            assert!((m - shift * 255.0).abs() < 4.0 * levels / n.sqrt(), "{m}");
            // Rounding to whole levels adds a twelfth.
            let variance = mean(noise.iter().map(|v| (v - m).powi(2)));
            let expected = levels * levels + 1.0 / 12.0;
            assert!((variance / expected - 1.0).abs() < 4.0 * (2.0 / n).sqrt(), "{variance}, {expected}");
        }
    }

    /// Kolmogorov and Smirnov's distance at the borders between levels, at the 1 % point.
    #[test]
    fn noise_is_normal() {
        let std = 0.09;
        let mut noise = noise_on_grey(std, 0.0, true, 4);
        noise.sort_by(f64::total_cmp);
        let n = noise.len() as f64;
        let largest = (-100..=100).map(|level| {
            let border = f64::from(level) + 0.5;
            let below = noise.partition_point(|&v| v < border) as f64 / n;
            (below - 0.5 * libm::erfc(-border / (std * 255.0) / std::f64::consts::SQRT_2)).abs()
        });
        let largest = largest.fold(0.0, f64::max);
        assert!(largest < 1.63 / n.sqrt(), "{largest}");
    }

    #[test]
    fn channels_and_neighbours_are_independent() {
        let noise = noise_on_grey(0.09, 0.0, true, 5);
        // To the next channel, the next pixel, the pixel below, and across one and two chunks of draws.
        for lag in [1, 2, 3, 160 * 3, CHUNK, 2 * CHUNK] {
            let pairs = noise.iter().copied().zip(noise[lag..].iter().copied());
            let bound = 4.0 / (noise.len() as f64).sqrt();
            assert!(correlation(pairs.clone()).abs() < bound, "{lag}: {}", correlation(pairs));
        }
        let other = noise_on_grey(0.09, 0.0, true, 6);
        assert!(correlation(noise.iter().copied().zip(other)).abs() < 0.02);
    }

    #[test]
    fn one_draw_for_all_channels_gives_grey_noise() {
        let noise = noise_on_grey(0.09, 0.0, false, 7);
        assert!(noise.as_chunks::<3>().0.iter().all(|[r, g, b]| r == g && g == b));
        let pixels: Vec<f64> = noise.into_iter().step_by(3).collect();
        assert!((mean(pixels.iter().map(|v| v * v)).sqrt() / (0.09 * 255.0) - 1.0).abs() < 0.02);
        let next = pixels.iter().copied().zip(pixels[1..].iter().copied());
        assert!(correlation(next).abs() < 0.03);
    }

    #[test]
    fn sums_are_clipped() {
        let mut image = RgbImage { width: 64, height: 64, data: [0, 128, 255].repeat(64 * 64) };
        GaussNoise { std: 1.0, mean: 0.0, per_channel: true, key: Key::root(8) }
            .apply(&mut image, &mut Scratch::new());
        let share =
            |level| image.data.iter().filter(|&&v| v == level).count() as f64 / image.data.len() as f64;
        // What falls 0, a half and one standard deviation below the mean of the three values.
        let end = (0.5 + 0.3085 + 0.1587) / 3.0;
        assert!((share(0) - end).abs() < 0.015 && (share(255) - end).abs() < 0.015, "{}", share(0));
    }
}
