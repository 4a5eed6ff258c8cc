//! The grain of a camera's sensor: shifts of hue and of lightness in HLS.
//!
//! As albumentations 2.0.8's ISONoise. With L from 0 to 1, `d` the standard deviation of L over the picture and `i` the
//! intensity, each pixel's L becomes `L + k i (1 - L)`, `k` from the Poisson distribution of mean `d i`, and its hue
//! moves by a normal value of standard deviation `color_shift i` degrees. The way to HLS and back is computed in 32-bit
//! floats without going through angles: a channel is `L + S min(L, 1 - L) (2 t - 1)`, `t` from 0 to 1 by its place on the
//! circle.

use std::fmt;

use super::normal::{Normal, UNIT};
use crate::augment::{Scratch, Transform};
use crate::pixels::RgbImage;
use crate::seed::{Draws, Key};

/// The drawn values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IsoNoise {
    /// Standard deviation of the hue's shift in degrees, at intensity 1.
    pub color_shift: f64,
    /// How many pixels become lighter, and by how much.
    pub intensity: f64,
    /// Names the stream of the draws: 16 bits for the hue and 16 for the lightness of each pixel.
    pub key: Key,
}

impl IsoNoise {
    /// Draws the colour shift, then the intensity, each uniformly.
    pub fn draw(color_shift: [f64; 2], intensity: [f64; 2], key: Key, draws: &mut Draws) -> Self {
        let color_shift = draws.range_f64(color_shift[0], color_shift[1]);
        IsoNoise { color_shift, intensity: draws.range_f64(intensity[0], intensity[1]), key }
    }
}

impl Transform for IsoNoise {
    fn apply(&self, image: &mut RgbImage, _scratch: &mut Scratch) {
        let pixels = image.data.as_chunks_mut::<3>().0;
        let poisson = Poisson::of(lightness_spread(pixels) * self.intensity);
        let normal = Normal::table();
        // From the table's units to sixths of the circle.
        let turn = (self.color_shift * self.intensity / (60.0 * UNIT)) as f32;
        let lighter = self.intensity as f32;
        let mut blocks = [[0; 4]; CHUNK / 4];
        let (mut turns, mut shares) = ([0.0; CHUNK], [0.0; CHUNK]);
        for (n, part) in pixels.chunks_mut(CHUNK).enumerate() {
            self.key.fill((n * blocks.len()) as u64, &mut blocks);
            let words = blocks.as_flattened();
            for (to, &word) in turns.iter_mut().zip(words) {
                *to = f32::from(normal.value(word as u16)) * turn;
            }
            poisson.count(words, lighter, &mut shares);
            shift(part, &turns, &shares);
        }
    }
}

impl fmt::Display for IsoNoise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "color_shift={:.3} intensity={:.2}", self.color_shift, self.intensity)
    }
}

/// Pixels that are worked on at once; a multiple of the four that a block gives.
const CHUNK: usize = 512;

/// Standard deviation of the lightness, 0 to 1.
fn lightness_spread(pixels: &[[u8; 3]]) -> f64 {
    let (sum, squares) = sums(pixels);
    let n = (pixels.len() as f64).max(1.0);
    let mean = sum as f64 / n;
    libm::sqrt((squares as f64 / n - mean * mean).max(0.0)) / 510.0
}

/// Of twice the lightness, in levels.
#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+bmi2",
    "x86_64+avx2+bmi2"
))]
fn sums(pixels: &[[u8; 3]]) -> (u64, u64) {
    let (mut sum, mut squares) = (0, 0);
    for part in pixels.chunks(4096) {
        // 4096 x 510^2 is below 2^31.
        let (mut some, mut squared) = (0u32, 0u32);
        for &[r, g, b] in part {
            let twice = u32::from(r.max(g).max(b)) + u32::from(r.min(g).min(b));
            some += twice;
            squared += twice * twice;
        }
        sum += u64::from(some);
        squares += u64::from(squared);
    }
    (sum, squares)
}

/// Poisson values by 16 random bits: as many as there are limits that the bits do not lie below.
struct Poisson {
    limits: [u32; 64],
    n: usize,
}

impl Poisson {
    /// `mean` is at most 10 / 2; above that, 63 would no longer be beyond reach.
    fn of(mean: f64) -> Self {
        let mut limits = [0; 64];
        let (mut n, mut term, mut below) = (0, libm::exp(-mean), 0.0);
        while n < limits.len() {
            below += term;
            let limit = libm::rint(below * 65_536.0) as u32;
            if limit >= 65_536 {
                break;
            }
            limits[n] = limit;
            n += 1;
            term *= mean / n as f64;
        }
        Poisson { limits, n }
    }

    /// `scale` times the values that the upper halves of the words name.
    fn count(&self, words: &[u32], scale: f32, to: &mut [f32; CHUNK]) {
        count(&self.limits[..self.n], words, scale, to);
    }
}

#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+bmi2",
    "x86_64+avx2+bmi2"
))]
fn count(limits: &[u32], words: &[u32], scale: f32, to: &mut [f32; CHUNK]) {
    for (to, words) in to.as_chunks_mut::<16>().0.iter_mut().zip(words.as_chunks::<16>().0) {
        let mut counts = [0i32; 16];
        for &limit in limits {
            for (count, &word) in counts.iter_mut().zip(words) {
                *count += i32::from((word >> 16) as i32 >= limit as i32);
            }
        }
        for (to, count) in to.iter_mut().zip(counts) {
            *to = count as f32 * scale;
        }
    }
}

/// Turns hues by sixths of the circle, and takes `share` of what is missing to white.
#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+bmi2",
    "x86_64+avx2+bmi2"
))]
fn shift(pixels: &mut [[u8; 3]], turns: &[f32; CHUNK], shares: &[f32; CHUNK]) {
    const LANES: usize = 64;
    let parts = turns.as_chunks::<LANES>().0.iter().zip(shares.as_chunks::<LANES>().0);
    for (pixels, (turns, shares)) in pixels.chunks_mut(LANES).zip(parts) {
        let mut planes = [[0u8; LANES]; 3];
        let mut bytes = [[0; 3]; LANES];
        bytes[..pixels.len()].copy_from_slice(pixels);
        for i in 0..LANES {
            [planes[0][i], planes[1][i], planes[2][i]] = bytes[i];
        }
        let mut levels = [[0u8; LANES]; 3];
        for i in 0..LANES {
            let new = shifted([planes[0][i], planes[1][i], planes[2][i]].map(f32::from), turns[i], shares[i]);
            [levels[0][i], levels[1][i], levels[2][i]] = new;
        }
        for i in 0..LANES {
            bytes[i] = [levels[0][i], levels[1][i], levels[2][i]];
        }
        pixels.copy_from_slice(&bytes[..pixels.len()]);
    }
}

/// One pixel, in levels.
#[inline(always)]
fn shifted([r, g, b]: [f32; 3], turn: f32, share: f32) -> [u8; 3] {
    let (top, bottom) = (larger(larger(r, g), b), smaller(smaller(r, g), b));
    let (range, sum) = (top - bottom, top + bottom);
    // Where all are equal the hue is of no account, and the saturation 0.
    let per = 1.0 / larger(range, 1.0);
    let hue = if top == r { (g - b) * per } else { 0.0 };
    let hue = if top != r && top == g { 2.0 + (b - r) * per } else { hue };
    let hue = if top != r && top != g { 4.0 + (r - g) * per } else { hue };
    let saturation = range / larger(smaller(sum, 510.0 - sum), 1.0);
    let hue = hue + turn;
    let hue = if hue < 0.0 { hue + 6.0 } else { hue };
    let hue = if hue >= 6.0 { hue - 6.0 } else { hue };
    let light = sum * 0.5;
    let light = smaller(light + share * (255.0 - light), 255.0);
    let reach = saturation * smaller(light, 255.0 - light);
    // From 0 to 1: how near the hue lies to the channel's own.
    let red = within(distance(hue, 3.0) - 1.0);
    let green = within(2.0 - distance(hue, 2.0));
    let blue = within(2.0 - distance(hue, 4.0));
    let level = |near: f32| {
        let level = smaller(larger(light + reach * (2.0 * near - 1.0), 0.0), 255.0);
        // Adding 2^23 leaves the nearest whole number in the low bits.
        (level + 8_388_608.0).to_bits() as u8
    };
    [level(red), level(green), level(blue)]
}

#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

#[inline(always)]
fn smaller(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

#[inline(always)]
fn distance(a: f32, b: f32) -> f32 {
    larger(a - b, b - a)
}

#[inline(always)]
fn within(share: f32) -> f32 {
    smaller(larger(share, 0.0), 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without noise the way there and back changes nothing.
    #[test]
    fn all_colours_come_back() {
        for r in (0..=255u8).step_by(5) {
            let mut pixels: Vec<[u8; 3]> = Vec::new();
            for g in (0..=255u8).step_by(3) {
                pixels.extend((0..=255u8).step_by(5).map(|b| [r, g, b]));
            }
            for part in pixels.chunks_mut(CHUNK) {
                let before = part.to_vec();
                shift(part, &[0.0; CHUNK], &[0.0; CHUNK]);
                assert_eq!(part, before);
            }
        }
    }

    #[test]
    fn counts_are_poissons() {
        for mean in [0.01, 0.4, 5.0] {
            let poisson = Poisson::of(mean);
            let mut to = [0.0; CHUNK];
            let (mut sum, mut squares) = (0.0, 0.0);
            for first in (0..65_536).step_by(CHUNK) {
                let words: Vec<u32> = (first..first + CHUNK as u32).map(|bits| bits << 16).collect();
                poisson.count(&words, 1.0, &mut to);
                for count in to.map(f64::from) {
                    sum += count / 65_536.0;
                    squares += count * count / 65_536.0;
                }
            }
            assert!((sum - mean).abs() < 1e-3, "{mean}: {sum}");
            assert!((squares - sum * sum - mean).abs() < 4e-3, "{mean}: {squares}");
        }
    }

    #[test]
    fn pixels_become_lighter_independently() {
        // Black and white columns: the lightness has a standard deviation of a half.
        let data = [[0u8; 3], [255; 3]].as_flattened().repeat(150 * 100);
        let mut image = RgbImage { width: 300, height: 100, data };
        IsoNoise { color_shift: 0.0, intensity: 0.4, key: Key::root(4) }
            .apply(&mut image, &mut Scratch::new());
        let dark: Vec<u8> = image.data.as_chunks::<3>().0.iter().step_by(2).map(|pixel| pixel[0]).collect();
        let n = dark.len() as f64;
        let share = |level: u8| dark.iter().filter(|&&v| v == level).count() as f64 / n;
        for (k, level) in [0, 102, 204].into_iter().enumerate() {
            let expected = libm::exp(-0.2) * [1.0, 0.2, 0.02][k];
            let spread = libm::sqrt(expected * (1.0 - expected) / n);
            assert!((share(level) - expected).abs() < 4.0 * spread, "{level}: {}", share(level));
        }
        let p = 1.0 - share(0);
        for lag in [1, 150, CHUNK / 2] {
            let both = dark.iter().zip(&dark[lag..]).filter(|(a, b)| **a > 0 && **b > 0).count() as f64;
            let expected = p * p * (n - lag as f64);
            assert!((both - expected).abs() < 4.0 * libm::sqrt(expected), "{lag}: {both}");
        }
    }
}
