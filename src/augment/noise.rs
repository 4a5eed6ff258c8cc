//! Normal noise, added to each value or to each pixel.
//!
//! Each value's noise is a function of the key and of its position alone. A standard normal value is looked
//! up by 16 random bits: 65,536 equally likely values at the quantiles of the normal distribution, out to
//! 4.3 standard deviations. The sum is rounded to whole levels and clipped. (albumentations 2.0.8 cuts the
//! noise off towards zero before it adds it, so that its spread comes out up to a few percent smaller.)

use std::fmt;

use super::normal::{Normal, UNIT};
use crate::pixels::RgbImage;
use crate::seed::{Draws, Key};

/// The drawn values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    /// Standard deviation as a share of 255.
    pub std: f64,
    /// Mean as a share of 255.
    pub mean: f64,
    /// A draw for each channel (true) or one for all three (false).
    pub per_channel: bool,
    /// Names the stream of the per-pixel draws.
    pub key: Key,
}

impl Noise {
    /// Draws the standard deviation, then the mean, each uniformly; the pixels' draws come from `key`.
    pub fn draw(std: [f64; 2], mean: [f64; 2], per_channel: bool, key: Key, draws: &mut Draws) -> Self {
        let std = draws.range_f64(std[0], std[1]);
        Noise { std, mean: draws.range_f64(mean[0], mean[1]), per_channel, key }
    }

    /// Adds the noise.
    pub fn apply(self, image: &mut RgbImage) {
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

impl fmt::Display for Noise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "std={:.3} mean={:+.3}", self.std, self.mean)
    }
}

/// Draws that are made at once; a multiple of the eight that a block gives.
const CHUNK: usize = 1024;

/// Chunk `n` of the stream of `key`.
fn fill(normal: &mut [i16; CHUNK], key: Key, n: usize) {
    let table = Normal::table();
    let first = (n * (CHUNK / 8)) as u64;
    for (i, eight) in normal.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        let words = key.block(first + i as u64);
        for (two, word) in eight.as_chunks_mut::<2>().0.iter_mut().zip(words) {
            *two = [word as u16, (word >> 16) as u16].map(|bits| table.value(bits));
        }
    }
}

/// `value + mean + scale x normal`, rounded to even and clipped.
fn add(values: &mut [u8], normal: &[i16], scale: f32, mean: f32) {
    for (value, &z) in values.iter_mut().zip(normal) {
        let sum = f32::from(*value) + (f32::from(z) * scale + mean);
        let sum = if sum > 0.0 { sum } else { 0.0 };
        let sum = if sum < 255.0 { sum } else { 255.0 };
        // Adding 1.5 x 2^23 leaves the nearest whole number in the low bits.
        *value = (sum + 12_582_912.0).to_bits() as u8;
    }
}
