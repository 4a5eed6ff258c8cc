//! Reads a picture where columns stay columns and rows stay rows: in two passes, first along the rows, then
//! down.
//!
//! Places have 12 fractional bits. The first pass keeps 7 more bits than a level has, so that the result is
//! within one level of exact interpolation.

use super::sampler::{BATCH, eight_bytes, pack, reflect};
use crate::augment::{Mask, Scratch};
use crate::pixels::RgbImage;
use crate::spec::ops::Border;

/// The sum of two weights.
const WHOLE: u32 = 1 << WHOLE_BITS;
const WHOLE_BITS: u32 = 12;
/// Bits below a level that the first pass keeps: with 7, what it makes fits 15 bits.
const KEPT_BITS: u32 = 7;
/// All bits of what the first pass makes: the mask tells compilers that it is short.
const KEPT: u16 = (1 << (8 + KEPT_BITS)) - 1;

/// Two neighbours along one side of a picture and their weights, of which the sum is [`WHOLE`], or less where
/// black lies beyond the border.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tap {
    /// The first of the two. The second has no weight where the side is one pixel long.
    first: u32,
    weights: [u32; 2],
}

impl Tap {
    /// The place `v` along a side of `count` pixels, beyond whose ends lies `border`.
    pub(super) fn bordered(v: f64, count: usize, border: Border) -> Self {
        let last = count as i32 - 1;
        let (whole, share) = split(v);
        let weights = [WHOLE - share, share];
        match border {
            Border::Reflect101 => Tap::of([whole, whole + 1].map(|i| reflect(i, last)), weights),
            Border::Constant => {
                let seen = |i: i32, weight: u32| if (0..=last).contains(&i) { weight } else { 0 };
                let weights = [seen(whole, weights[0]), seen(whole + 1, weights[1])];
                Tap::of([whole, whole + 1].map(|i| i.clamp(0, last) as u32), weights)
            }
        }
    }

    /// The place `v` along a side, of which only the pixels `first..=last` count; the ends go on for ever.
    pub(super) fn held(v: f64, first: usize, last: usize) -> Self {
        let (whole, share) = split(v);
        let places = [whole, whole + 1].map(|i| i.clamp(first as i32, last as i32) as u32);
        Tap::of(places, [WHOLE - share, share])
    }

    /// Two places that are the same or neighbours.
    fn of([a, b]: [u32; 2], [near, far]: [u32; 2]) -> Self {
        let sum = near + far;
        match a.cmp(&b) {
            std::cmp::Ordering::Less => Tap { first: a, weights: [near, far] },
            std::cmp::Ordering::Greater => Tap { first: b, weights: [far, near] },
            std::cmp::Ordering::Equal if a == 0 => Tap { first: 0, weights: [sum, 0] },
            std::cmp::Ordering::Equal => Tap { first: a - 1, weights: [0, sum] },
        }
    }

    /// The nearer of the two; `None` where it lies beyond the border.
    fn nearest(self) -> Option<usize> {
        let second = self.weights[1] > self.weights[0];
        let weight = self.weights[usize::from(second)];
        (2 * weight >= WHOLE).then_some(self.first as usize + usize::from(second))
    }
}

/// Whole pixels and parts. Further than 131,072 pixels away: as far.
fn split(v: f64) -> (i32, u32) {
    const FAR: f64 = 131_072.0;
    let parts = libm::floor(v.clamp(-FAR, FAR) * f64::from(WHOLE) + 0.5) as i32;
    (parts >> WHOLE_BITS, parts as u32 & (WHOLE - 1))
}

/// Working memory: where columns come from, and two rows between the passes.
#[derive(Clone, Debug, Default)]
pub(in crate::augment) struct Rows {
    taps: Taps,
    upper: Planes,
    lower: Planes,
    words: Vec<u32>,
}

/// The taps of all columns, field by field.
#[derive(Clone, Debug, Default)]
struct Taps {
    /// Where the two pixels begin in a row, in bytes.
    starts: Vec<u32>,
    weights: [Vec<u32>; 2],
    /// The two pixels of a row.
    pixels: [Vec<u32>; 2],
}

/// A row of the source at the columns of the result, channel by channel, [`KEPT_BITS`] below levels.
#[derive(Clone, Debug, Default)]
struct Planes {
    number: Option<u32>,
    channels: [Vec<u16>; 3],
}

/// Makes each pixel anew: column `x` comes from `across(x)` and row `y` from `down(y)`.
pub(super) fn sample(
    image: &mut RgbImage,
    scratch: &mut Scratch,
    across: impl Fn(usize) -> Tap,
    down: impl Fn(usize) -> Tap,
) {
    let (width, height) = (image.width, image.height);
    if width == 0 || height == 0 {
        return;
    }
    let Scratch { bytes, lattice: Rows { taps, upper, lower, words }, .. } = scratch;
    bytes.clear();
    bytes.reserve(image.data.len() + 8);
    bytes.extend_from_slice(&image.data);
    // Two pixels are read as a word.
    bytes.extend_from_slice(&[0; 8]);
    taps.set(width, across);
    for planes in [&mut *upper, &mut *lower] {
        planes.number = None;
        planes.channels.iter_mut().for_each(|channel| channel.resize(width, 0));
    }
    words.resize(width.next_multiple_of(BATCH), 0);
    for (y, out) in image.data.chunks_exact_mut(width * 3).enumerate() {
        let tap = down(y);
        // The row that was lower becomes the upper one of the next.
        if lower.number == Some(tap.first) {
            std::mem::swap(upper, lower);
        }
        let second = (tap.first + 1).min(height as u32 - 1);
        for (planes, number) in [&mut *upper, &mut *lower].into_iter().zip([tap.first, second]) {
            if planes.number != Some(number) {
                across_row(&bytes[number as usize * width * 3..], taps, &mut planes.channels);
                planes.number = Some(number);
            }
        }
        between_rows(&upper.channels, &lower.channels, tap.weights, words);
        pack_row(words, out);
    }
}

impl Taps {
    fn set(&mut self, width: usize, across: impl Fn(usize) -> Tap) {
        self.starts.clear();
        self.weights.iter_mut().for_each(Vec::clear);
        for tap in (0..width).map(across) {
            self.starts.push(tap.first * 3);
            for (weights, weight) in self.weights.iter_mut().zip(tap.weights) {
                weights.push(weight);
            }
        }
        self.pixels.iter_mut().for_each(|pixels| pixels.resize(width, 0));
    }
}

/// The first pass: each channel of a row, which is followed by more bytes.
#[multiversion::multiversion(targets("x86_64+avx2+bmi1+bmi2"))]
fn across_row(source: &[u8], taps: &mut Taps, channels: &mut [Vec<u16>; 3]) {
    let [first, second] = &mut taps.pixels;
    for ((&start, first), second) in taps.starts.iter().zip(&mut *first).zip(&mut *second) {
        let pair = eight_bytes(source, start as usize);
        (*first, *second) = (pair as u32, (pair >> 24) as u32);
    }
    let [near, far] = &taps.weights;
    let weights = near.iter().zip(far);
    let [r, g, b] = channels;
    let channels = r.iter_mut().zip(g).zip(b);
    for ((((r, g), b), (&first, &second)), (&near, &far)) in
        channels.zip(first.iter().zip(&*second)).zip(weights)
    {
        let (near, far) = (near & (2 * WHOLE - 1), far & (2 * WHOLE - 1));
        let channel = |shift: u32| {
            let sum = ((first >> shift) & 255) * near + ((second >> shift) & 255) * far;
            ((sum + (1 << (WHOLE_BITS - KEPT_BITS - 1))) >> (WHOLE_BITS - KEPT_BITS)) as u16
        };
        (*r, *g, *b) = (channel(0), channel(8), channel(16));
    }
}

/// The second pass: a word for each pixel.
#[multiversion::multiversion(targets("x86_64+avx2+bmi1+bmi2"))]
fn between_rows(upper: &[Vec<u16>; 3], lower: &[Vec<u16>; 3], weights: [u32; 2], words: &mut [u32]) {
    let [near, far] = weights.map(|weight| weight & (2 * WHOLE - 1));
    let mix = |upper: u16, lower: u16| {
        let (upper, lower) = (u32::from(upper & KEPT), u32::from(lower & KEPT));
        let bits = WHOLE_BITS + KEPT_BITS;
        (upper * near + lower * far + (1 << (bits - 1))) >> bits
    };
    let [a, b, c] = upper;
    let [d, e, f] = lower;
    let upper = a.iter().zip(b).zip(c);
    let lower = d.iter().zip(e).zip(f);
    for ((word, ((a, b), c)), ((d, e), f)) in words.iter_mut().zip(upper).zip(lower) {
        *word = mix(*a, *d) | (mix(*b, *e) << 8) | (mix(*c, *f) << 16);
    }
}

/// Writes the words of a row, filled up to whole batches.
#[multiversion::multiversion(targets("x86_64+avx2+bmi1+bmi2"))]
fn pack_row(words: &[u32], out: &mut [u8]) {
    let (whole, end) = out.as_chunks_mut::<{ BATCH * 3 }>();
    let words = words.as_chunks::<BATCH>().0;
    for (words, out) in words.iter().zip(&mut *whole) {
        pack(words, out);
    }
    if let (false, Some(words)) = (end.is_empty(), words.last()) {
        let mut last = [0; BATCH * 3];
        pack(words, &mut last);
        end.copy_from_slice(&last[..end.len()]);
    }
}

/// Moves a mask as [`sample`] moves the pixels, the nearest value; beyond the border lies 0.
pub(super) fn sample_mask(mask: &mut Mask, across: impl Fn(usize) -> Tap, down: impl Fn(usize) -> Tap) {
    let (width, height) = (mask.width, mask.height);
    if width == 0 || height == 0 {
        return;
    }
    let old = std::mem::take(&mut mask.data);
    let columns: Vec<Option<usize>> = (0..width).map(|x| across(x).nearest()).collect();
    mask.data = Vec::with_capacity(old.len());
    for row in (0..height).map(|y| down(y).nearest()) {
        let value = |x: Option<usize>| row.zip(x).map_or(0, |(row, x)| old[row * width + x]);
        mask.data.extend(columns.iter().map(|&x| value(x)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The same as the sampler of any maps.
        #[test]
        fn two_passes_are_one(
            width in 1usize..50, height in 1usize..30, stretch in -2.0f64..2.0, start in -9.0f64..40.0
        ) {
            use crate::augment::geometry::sampler::{Places, Way, sample as sample_any};
            struct Steps(f64, f64);
            impl Way for Steps {
                type Row = f64;
                fn row(&self, y: usize) -> f64 {
                    self.1 - y as f64 * 0.7 * self.0
                }
                fn places(&self, &y: &f64, x: usize, places: &mut Places) {
                    let x = std::array::from_fn(|i| self.1 + (x + i) as f64 * self.0);
                    places.set(&x, &[y; BATCH]);
                }
            }
            for border in [Border::Constant, Border::Reflect101] {
                let data: Vec<u8> = (0..width * height * 3).map(|i| (i * i * 37 % 251) as u8).collect();
                let mut twice = RgbImage { width, height, data };
                let mut once = twice.clone();
                let tap = |v: f64, count: usize| Tap::bordered(v, count, border);
                sample(
                    &mut twice,
                    &mut Scratch::new(),
                    |x| tap(start + x as f64 * stretch, width),
                    |y| tap(start - y as f64 * 0.7 * stretch, height),
                );
                sample_any(&mut once, border, &mut Vec::new(), &Steps(stretch, start));
                let furthest = once.data.iter().zip(&twice.data).map(|(a, b)| a.abs_diff(*b)).max();
                prop_assert!(furthest <= Some(1), "{furthest:?}");
            }
        }
    }
}
