//! Blur by a disc, as a lens out of focus does, with a softened edge.
//!
//! As albumentations 2.0.8's Defocus: pixels at most `radius` away count alike, and a normal distribution of 3 (radius up
//! to 8) or 5 pixels softens the edge; mirrored beyond the border. Here the edge's blur is done on the picture instead of
//! the kernel, which comes to the same, but that albumentations' kernel has no room for it from a radius of 8 on: it
//! mirrors the disc's four ends there, and the picture becomes up to 1 % lighter. A row of the disc is the difference of
//! two running sums.

use std::fmt;

use super::border::{BLOCK, Beyond, Padded};
use super::separable::{FRACTION, Taps, blur_rows};
use crate::augment::{Scratch, Transform};
use crate::pixels::RgbImage;
use crate::seed::Draws;

/// The drawn values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Defocus {
    /// In pixels; at most 127.
    pub radius: usize,
    /// Standard deviation of the edge's blur in pixels; 0 leaves it hard.
    pub alias_blur: f64,
}

impl Defocus {
    /// Draws radius and edge, each uniformly.
    pub fn draw(radius: [i64; 2], alias_blur: [f64; 2], draws: &mut Draws) -> Self {
        let radius = radius[0] + draws.below((radius[1] - radius[0] + 1) as u64) as i64;
        Defocus { radius: radius as usize, alias_blur: draws.range_f64(alias_blur[0], alias_blur[1]) }
    }

    /// How far the disc reaches to both sides, row by row.
    fn reaches(&self) -> impl Iterator<Item = usize> {
        let square = self.radius * self.radius;
        let reach = move |y: usize| (square - y * y).isqrt();
        (1..=self.radius).rev().map(reach).chain((0..=self.radius).map(reach))
    }
}

impl Transform for Defocus {
    fn apply(&self, image: &mut RgbImage, scratch: &mut Scratch) {
        if image.data.is_empty() {
            return;
        }
        let padded = Padded::of(image, self.radius, Beyond::Mirror, &mut scratch.padded);
        let stride = padded.stride + 3;
        let height = image.height + 2 * self.radius;
        let sums = &mut scratch.sums;
        sums.resize(height * stride + BLOCK, 0);
        for (row, sums) in padded.data.chunks_exact(padded.stride).zip(sums.chunks_exact_mut(stride)) {
            running_sums(row, sums);
        }
        let spans = self.reaches().enumerate().map(|(y, reach)| Span {
            start: y * stride + (self.radius - reach) * 3,
            end: y * stride + (self.radius + reach + 1) * 3,
            pixels: 2 * reach + 1,
        });
        let spans: Vec<Span> = spans.collect();
        let taps = Taps::gaussian(self.alias_blur, if self.radius <= 8 { 3 } else { 5 });
        blur_rows(image, &taps, &mut scratch.rows, |_, y, row| disc(&sums[y * stride..], &spans, row));
    }
}

impl fmt::Display for Defocus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "radius={} alias_blur={:.2}", self.radius, self.alias_blur)
    }
}

/// Where a row of the disc begins and ends in the sums.
struct Span {
    start: usize,
    end: usize,
    pixels: usize,
}

/// The sum of what comes before each value in its channel, modulo 2^16: differences of up to 257 pixels are right.
fn running_sums(row: &[u8], sums: &mut [u16]) {
    let mut sum = [0u16; 3];
    for (to, from) in
        sums.as_chunks_mut::<3>().0.iter_mut().zip(row.as_chunks::<3>().0.iter().chain([&[0; 3]]))
    {
        *to = sum;
        for (sum, &value) in sum.iter_mut().zip(from) {
            *sum = sum.wrapping_add(u16::from(value));
        }
    }
}

/// One row of means over the disc, with [`FRACTION`] fractional bits.
#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+bmi2",
    "x86_64+avx2+bmi2"
))]
fn disc(sums: &[u16], spans: &[Span], out: &mut [u16]) {
    let pixels: usize = spans.iter().map(|span| span.pixels).sum();
    let share = (1 << FRACTION) as f32 / pixels as f32;
    for (n, out) in out.chunks_mut(BLOCK).enumerate() {
        let mut all = [0i32; BLOCK];
        let mut some = [0u16; BLOCK];
        // The pixels whose sum is in `some`: 257 fill it.
        let mut held = 0;
        for span in spans {
            if held + span.pixels > 257 {
                add(&mut all, &mut some);
                held = 0;
            }
            held += span.pixels;
            let (start, end) = (span.start + n * BLOCK, span.end + n * BLOCK);
            let (before, after) = (&sums[start..start + BLOCK], &sums[end..end + BLOCK]);
            for ((some, &before), &after) in some.iter_mut().zip(before).zip(after) {
                *some = some.wrapping_add(after.wrapping_sub(before));
            }
        }
        add(&mut all, &mut some);
        let mut means = [0; BLOCK];
        for (mean, sum) in means.iter_mut().zip(all) {
            *mean = nearest(sum as f32 * share);
        }
        out.copy_from_slice(&means[..out.len()]);
    }
}

/// Adding 2^23 leaves the nearest whole number in the low bits.
#[inline(always)]
fn nearest(value: f32) -> u16 {
    (value + 8_388_608.0).to_bits() as u16
}

#[inline(always)]
fn add(all: &mut [i32; BLOCK], some: &mut [u16; BLOCK]) {
    for (all, some) in all.iter_mut().zip(some) {
        *all += i32::from(*some);
        *some = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_pictures_stay_flat() {
        for radius in [1, 3, 8, 10, 23, 50] {
            for level in [0, 1, 100, 254, 255] {
                let mut image = RgbImage { width: 30, height: 9, data: vec![level; 30 * 9 * 3] };
                Defocus { radius, alias_blur: 0.4 }.apply(&mut image, &mut Scratch::new());
                assert!(image.data.iter().all(|&v| v == level), "{radius} {level}");
            }
        }
    }

    /// A white pixel becomes a disc.
    #[test]
    fn a_point_becomes_a_disc() {
        for radius in [1, 4, 9, 12] {
            let mut image = RgbImage::new(41, 41);
            image.set_pixel(20, 20, [255; 3]);
            Defocus { radius, alias_blur: 0.0 }.apply(&mut image, &mut Scratch::new());
            let inside = |x: isize, y: isize| (x * x + y * y) as usize <= radius * radius;
            let cells =
                (-20..=20).flat_map(|y| (-20..=20).map(move |x| (x, y))).filter(|(x, y)| inside(*x, *y));
            let level = (255.0 / cells.count() as f64).round() as u8;
            for (i, pixel) in image.data.as_chunks::<3>().0.iter().enumerate() {
                let (x, y) = (i as isize % 41 - 20, i as isize / 41 - 20);
                assert_eq!(*pixel, if inside(x, y) { [level; 3] } else { [0; 3] }, "{radius}: {x} {y}");
            }
        }
    }
}
