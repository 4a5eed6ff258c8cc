//! Values multiplied by a factor: one for the picture, or one for each pixel.
//!
//! As albumentations 2.0.8's MultiplicativeNoise: the product in 32-bit floats, clipped and cut off to a whole level.

use std::fmt;

use crate::augment::{Scratch, Tables, Transform};
use crate::pixels::RgbImage;
use crate::seed::{Draws, Key};

/// Factors of the whole picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Factors(
    /// For red, green and blue.
    pub [f64; 3],
);

impl Factors {
    /// Draws a factor for each channel, or one for all, uniformly.
    pub fn draw([low, high]: [f64; 2], per_channel: bool, draws: &mut Draws) -> Self {
        let first = draws.range_f64(low, high);
        if !per_channel {
            return Factors([first; 3]);
        }
        Factors([first, draws.range_f64(low, high), draws.range_f64(low, high)])
    }
}

impl Transform for Factors {
    fn apply(&self, image: &mut RgbImage, _scratch: &mut Scratch) {
        self.all().apply(image);
    }

    fn tables(&self) -> Option<Tables> {
        Some(self.all())
    }
}

impl Factors {
    fn all(&self) -> Tables {
        let table = |factor: f64| std::array::from_fn(|level| product(level as u8, factor as f32));
        Tables(Box::new(self.0.map(table)))
    }
}

impl fmt::Display for Factors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [r, g, b] = self.0;
        if r == g && g == b {
            write!(f, "multiplier={r:.3}")
        } else {
            write!(f, "multiplier={r:.3},{g:.3},{b:.3}")
        }
    }
}

/// Factors of their own for each pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PixelFactors {
    /// From which they are drawn uniformly, in 65,536 steps.
    pub range: [f64; 2],
    /// A factor for each channel (true) or one for all three (false).
    pub per_channel: bool,
    /// Names the stream of the draws: 16 bits for each factor.
    pub key: Key,
}

impl Transform for PixelFactors {
    fn apply(&self, image: &mut RgbImage, _scratch: &mut Scratch) {
        let [low, high] = self.range;
        let (low, step) = (low as f32, ((high - low) / 65_536.0) as f32);
        let channels = if self.per_channel { 1 } else { 3 };
        let mut blocks = [[0; 4]; CHUNK / 8];
        let mut factors = [0.0; CHUNK];
        for (n, part) in image.data.chunks_mut(CHUNK * channels).enumerate() {
            self.key.fill((n * blocks.len()) as u64, &mut blocks);
            scale(blocks.as_flattened(), low, step, &mut factors);
            if channels == 1 {
                multiply(part, &factors);
            } else {
                multiply_pixels(part.as_chunks_mut().0, &factors);
            }
        }
    }
}

impl fmt::Display for PixelFactors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "multiplier={:.3}..{:.3}", self.range[0], self.range[1])
    }
}

/// Factors that are drawn at once; a multiple of the eight that a block gives.
const CHUNK: usize = 1024;

/// The middle of each step.
#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+bmi2",
    "x86_64+avx2+bmi2"
))]
fn scale(words: &[u32], low: f32, step: f32, factors: &mut [f32; CHUNK]) {
    for (two, &word) in factors.as_chunks_mut::<2>().0.iter_mut().zip(words) {
        *two = [word & 0xffff, word >> 16].map(|bits| low + (bits as f32 + 0.5) * step);
    }
}

#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+bmi2",
    "x86_64+avx2+bmi2"
))]
fn multiply(values: &mut [u8], factors: &[f32; CHUNK]) {
    for (value, &factor) in values.iter_mut().zip(factors) {
        *value = product(*value, factor);
    }
}

#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+bmi2",
    "x86_64+avx2+bmi2"
))]
fn multiply_pixels(pixels: &mut [[u8; 3]], factors: &[f32; CHUNK]) {
    for (pixel, &factor) in pixels.iter_mut().zip(factors) {
        *pixel = pixel.map(|value| product(value, factor));
    }
}

/// Factors are 0 or more.
#[inline(always)]
fn product(value: u8, factor: f32) -> u8 {
    let product = f32::from(value) * factor;
    let product = if product < 255.0 { product } else { 255.0 };
    // Rounded to the nearest whole number, which is one too many where it lies above.
    let nearest = product + 8_388_608.0;
    let above = nearest - 8_388_608.0 > product;
    (nearest.to_bits() as u8).wrapping_sub(u8::from(above))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factors(range: [f64; 2], per_channel: bool, seed: u64) -> Vec<f64> {
        let mut image = RgbImage { width: 160, height: 120, data: vec![200; 160 * 120 * 3] };
        PixelFactors { range, per_channel, key: Key::root(seed) }.apply(&mut image, &mut Scratch::new());
        // What was cut off is half a level in the mean.
        image.data.iter().map(|&v| (f64::from(v) + 0.5) / 200.0).collect()
    }

    #[test]
    fn factors_are_uniform_and_independent() {
        let all = factors([0.7, 1.1], true, 1);
        let n = all.len() as f64;
        let mean = all.iter().sum::<f64>() / n;
        let variance = all.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
        let expected = 0.4 * 0.4 / 12.0;
        assert!((mean - 0.9).abs() < 4.0 * (expected / n).sqrt(), "{mean}");
        assert!((variance / expected - 1.0).abs() < 0.02, "{variance}");
        for lag in [1, 3, 480, CHUNK] {
            let pairs = all.iter().zip(&all[lag..]);
            let together = pairs.map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>() / (n - lag as f64);
            assert!((together / expected).abs() < 4.0 / n.sqrt(), "{lag}: {together}");
        }
        // Kolmogorov and Smirnov's distance at the borders between levels, at the 1 % point.
        let below = |limit: f64| all.iter().filter(|&&v| v < limit).count() as f64 / n;
        for level in 141..220 {
            let border = f64::from(level) / 200.0;
            assert!((below(border) - (border - 0.7) / 0.4).abs() < 1.63 / n.sqrt(), "{level}");
        }
    }

    #[test]
    fn one_factor_for_all_channels_keeps_grey() {
        let all = factors([0.5, 1.0], false, 2);
        assert!(all.as_chunks::<3>().0.iter().all(|[r, g, b]| r == g && g == b));
        assert!(all[..300].iter().step_by(3).any(|&v| v != all[0]));
    }
}
