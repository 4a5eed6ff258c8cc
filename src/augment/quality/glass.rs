//! Neighbouring pixels exchanged between two blurs, as ribbed glass does (Hendrycks and Dietterich, "Benchmarking neural
//! network robustness to common corruptions and perturbations", 2019).
//!
//! As albumentations 2.0.8's GlassBlur. Each pixel that lies far enough from the border has a partner, up to `max_delta`
//! to the left or above, and up to `max_delta - 1` to the right or below. Its mode `fast` is equal to this one. Its mode
//! `exact` copies the partner where it means to exchange (both sides of the assignment are views of one array); here the
//! pixels are exchanged.

use std::fmt;

use super::separable::{Taps, blur};
use crate::augment::{Scratch, Transform};
use crate::pixels::RgbImage;
use crate::seed::Key;
use crate::spec::ops::GlassMode;

/// The drawn values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GlassBlur {
    /// Standard deviation of both blurs in pixels; 0: none.
    pub sigma: f64,
    /// The furthest that a pixel goes.
    pub max_delta: usize,
    /// How often each pixel is exchanged.
    pub iterations: usize,
    /// All at once, or one after the other.
    pub mode: GlassMode,
    /// Names the stream of the partners: 32 bits for each pixel and iteration, from the last pixel of the last row on.
    pub key: Key,
}

impl Transform for GlassBlur {
    fn apply(&self, image: &mut RgbImage, scratch: &mut Scratch) {
        let taps = Taps::gaussian(self.sigma, libm::rint(self.sigma * 6.0 + 1.0) as usize | 1);
        blur(image, &taps, &mut scratch.rows);
        self.exchange(image, scratch);
        blur(image, &taps, &mut scratch.rows);
    }
}

impl fmt::Display for GlassBlur {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sigma={} max_delta={} iterations={}", self.sigma, self.max_delta, self.iterations)
    }
}

/// Words that are drawn at once; a multiple of the four that a block gives.
const CHUNK: usize = 1024;

impl GlassBlur {
    fn exchange(&self, image: &mut RgbImage, scratch: &mut Scratch) {
        let far = self.max_delta;
        let (Some(columns), Some(rows)) =
            (image.width.checked_sub(2 * far), image.height.checked_sub(2 * far))
        else {
            return;
        };
        if columns == 0 || rows == 0 {
            return;
        }
        let [words, before, partners] = &mut scratch.words;
        words.clear();
        words.extend(image.data.as_chunks().0.iter().map(|&[r, g, b]| u32::from_le_bytes([r, g, b, 0])));
        partners.resize(columns * rows, 0);
        for round in 0..self.iterations {
            self.find(round, image.width, partners);
            let region = Region { last: (image.height - far) * image.width + image.width - far, columns };
            match self.mode {
                GlassMode::Fast => region.exchange_at_once(words, before, partners, image.width),
                GlassMode::Exact => region.exchange_in_turn(words, partners, image.width),
            }
        }
        for (pixel, word) in image.data.as_chunks_mut().0.iter_mut().zip(words) {
            let [r, g, b, _] = word.to_le_bytes();
            *pixel = [r, g, b];
        }
    }

    /// How far before each pixel its partner lies, row by row from the last one on; `width` is the picture's. It may lie
    /// behind: the numbers wrap.
    fn find(&self, round: usize, width: usize, partners: &mut [u32]) {
        let mut blocks = [[0; 4]; CHUNK / 4];
        let first = (round * partners.len().div_ceil(CHUNK) * blocks.len()) as u64;
        for (n, partners) in partners.chunks_mut(CHUNK).enumerate() {
            self.key.fill(first + (n * blocks.len()) as u64, &mut blocks);
            steps(blocks.as_flattened(), self.max_delta as u32, width as u32, partners);
        }
    }
}

/// Both deltas by 16 bits each: the lower ones down, the upper ones to the right.
#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+bmi2",
    "x86_64+avx2+bmi2"
))]
fn steps(words: &[u32], far: u32, width: u32, partners: &mut [u32]) {
    for (partner, &word) in partners.iter_mut().zip(words) {
        let down = ((word & 0xffff) * (2 * far)) >> 16;
        let right = ((word >> 16) * (2 * far)) >> 16;
        *partner = (far.wrapping_sub(down)).wrapping_mul(width).wrapping_add(far.wrapping_sub(right));
    }
}

/// The pixels that are exchanged.
struct Region {
    /// The place of the last one.
    last: usize,
    /// Pixels in a row.
    columns: usize,
}

impl Region {
    /// Every pixel takes the value that its partner had, then every partner that of its pixel, column by column from the
    /// last one on: where several meet, the last stays.
    fn exchange_at_once(&self, words: &mut [u32], before: &mut Vec<u32>, partners: &[u32], width: usize) {
        before.clear();
        before.extend_from_slice(words);
        for (row, partners) in partners.chunks_exact(self.columns).enumerate() {
            let start = self.last - row * width;
            for (column, &partner) in partners.iter().enumerate() {
                words[start - column] = before[other(start - column, partner)];
            }
        }
        for column in 0..self.columns {
            let partners = partners[column..].iter().step_by(self.columns);
            for (row, &partner) in partners.enumerate() {
                let place = self.last - row * width - column;
                words[other(place, partner)] = before[place];
            }
        }
    }

    /// Row by row from the last one on.
    fn exchange_in_turn(&self, words: &mut [u32], partners: &[u32], width: usize) {
        for (row, partners) in partners.chunks_exact(self.columns).enumerate() {
            let start = self.last - row * width;
            for (column, &partner) in partners.iter().enumerate() {
                words.swap(start - column, other(start - column, partner));
            }
        }
    }
}

#[inline(always)]
fn other(place: usize, partner: u32) -> usize {
    (place as u32).wrapping_sub(partner) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchanged(mode: GlassMode, iterations: usize, max_delta: usize) -> Vec<[u8; 3]> {
        let data = (0..60 * 50u32).flat_map(|i| [i as u8, (i >> 8) as u8, 7]).collect();
        let mut image = RgbImage { width: 60, height: 50, data };
        let op = GlassBlur { sigma: 0.0, max_delta, iterations, mode, key: Key::root(9) };
        op.apply(&mut image, &mut Scratch::new());
        image.data.as_chunks::<3>().0.to_vec()
    }

    #[test]
    fn exchanges_lose_no_pixel() {
        for iterations in [1, 3] {
            let mut pixels = exchanged(GlassMode::Exact, iterations, 5);
            pixels.sort_unstable();
            pixels.dedup();
            assert_eq!(pixels.len(), 3000);
        }
        let mut pixels = exchanged(GlassMode::Fast, 1, 5);
        pixels.sort_unstable();
        pixels.dedup();
        assert!((1500..2500).contains(&pixels.len()), "{}", pixels.len());
    }

    #[test]
    fn steps_are_uniform_and_within_reach() {
        let far = 4;
        let words: Vec<[u32; 4]> = (0..20_000).map(|i| Key::root(2).block(i)).collect();
        let mut partners = vec![0; 80_000];
        steps(words.as_flattened(), far, 1000, &mut partners);
        let mut counts = [[0i32; 8]; 8];
        for partner in partners {
            let at = 4004u32.wrapping_sub(partner);
            counts[(at / 1000) as usize][(at % 1000) as usize] += 1;
        }
        // From -4 to 3 both ways: 1250 each, with a standard deviation of 35.
        assert!(counts.as_flattened().iter().all(|n| (n - 1250).abs() < 160), "{counts:?}");
    }
}
