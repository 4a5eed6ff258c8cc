//! Sharpens: the picture mixed with its differences to the eight neighbours.
//!
//! As albumentations 2.0.8's Sharpen with `method = "kernel"`; sums are rounded in another order than OpenCV's
//! `filter2D` rounds them, so that a value beside a half may differ by one level.

use std::fmt;

use crate::augment::planes::rounded;
use crate::augment::{Scratch, Transform};
use crate::pixels::RgbImage;
use crate::seed::Draws;

/// The drawn values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sharpen {
    /// Share of the sharpened picture, 0 to 1.
    pub alpha: f64,
    /// Weight of the pixel itself beyond its neighbours'; 1 keeps the brightness.
    pub lightness: f64,
}

impl Sharpen {
    /// Draws the share, then the lightness, each uniformly.
    pub fn draw(alpha: [f64; 2], lightness: [f64; 2], draws: &mut Draws) -> Self {
        let alpha = draws.range_f64(alpha[0], alpha[1]);
        Sharpen { alpha, lightness: draws.range_f64(lightness[0], lightness[1]) }
    }
}

/// `out = (1 - alpha) x in + alpha x ((8 + lightness) x in - the sum of the eight neighbours)`, rounded to even and
/// clipped. Beyond the border lies the picture mirrored, the border pixel not repeated.
impl Transform for Sharpen {
    fn apply(&self, image: &mut RgbImage, scratch: &mut Scratch) {
        let (width, height) = (image.width, image.height);
        if width == 0 || height == 0 {
            return;
        }
        let alpha = self.alpha as f32;
        // Of the pixel in the sum of all nine, whose weight is -alpha.
        let centre = (1.0 - self.alpha) as f32 + alpha * (8.0 + self.lightness) as f32 + alpha;
        let row = width * 3;
        scratch.bytes.clear();
        scratch.bytes.extend_from_slice(&image.data);
        scratch.sums.clear();
        scratch.sums.resize(row + 6, 0);
        let before = |y: usize| &scratch.bytes[y * row..][..row];
        for (y, out) in image.data.chunks_exact_mut(row).enumerate() {
            let above = before(if y == 0 { 1.min(height - 1) } else { y - 1 });
            let below = before(if y + 1 == height { height.saturating_sub(2) } else { y + 1 });
            let middle = before(y);
            let (sums, inner) = (&mut scratch.sums, 3..row + 3);
            add_rows(&mut sums[inner], above, middle, below);
            // The mirrored columns.
            let next = if width > 1 { 3 } else { 0 };
            for c in 0..3 {
                sums[c] = sums[3 + next + c];
                sums[row + 3 + c] = sums[row - next + c];
            }
            mix(out, middle, sums, centre, alpha);
        }
    }
}

impl fmt::Display for Sharpen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "alpha={:.3} lightness={:.3}", self.alpha, self.lightness)
    }
}

#[multiversion::multiversion(targets("x86_64+avx2+bmi2"))]
fn add_rows(sums: &mut [u16], above: &[u8], middle: &[u8], below: &[u8]) {
    for (((sum, &a), &b), &c) in sums.iter_mut().zip(above).zip(middle).zip(below) {
        *sum = u16::from(a) + u16::from(b) + u16::from(c);
    }
}

/// `sums` begin and end one pixel before and after the row.
#[multiversion::multiversion(targets("x86_64+avx2+bmi2"))]
fn mix(out: &mut [u8], row: &[u8], sums: &[u16], centre: f32, alpha: f32) {
    let n = out.len();
    let (left, middle, right) = (&sums[..n], &sums[3..][..n], &sums[6..][..n]);
    for ((((out, &value), &l), &m), &r) in out.iter_mut().zip(row).zip(left).zip(middle).zip(right) {
        let nine = f32::from(l + m + r);
        *out = rounded(f32::from(value) * centre - nine * alpha);
    }
}
