//! Reads a picture where columns stay columns and rows stay rows: in two passes, first along the rows, then down.
//!
//! Places have 12 fractional bits. The first pass keeps 7 more bits than a level has, so that the result is within one
//! level of exact interpolation.

use super::sampler::{BATCH, pack, reflect};
use crate::augment::{Mask, Scratch};
use crate::pixels::RgbImage;
use crate::spec::ops::Border;

/// Parts of a pixel that places are told in.
const WHOLE: u32 = 1 << WHOLE_BITS;
const WHOLE_BITS: u32 = 12;
/// Bits below a level that the first pass keeps: with 7, what it makes fits 15 bits.
const KEPT_BITS: u32 = 7;
/// All bits of what the first pass makes: the mask tells compilers that it is short.
const KEPT: u16 = (1 << (8 + KEPT_BITS)) - 1;

/// Two neighbours along one side of a picture, and how much the second counts, in parts of [`WHOLE`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::augment) struct Tap {
    first: u32,
    second: u32,
    share: u32,
}

impl Tap {
    /// The place `v` along a side of `count` pixels, beyond whose ends lies `border`.
    pub(super) fn bordered(v: f64, count: usize, border: Border) -> Self {
        let (whole, share) = split(v);
        let last = count as i32 - 1;
        let at = |i: i32| match border {
            Border::Reflect101 => reflect(i, last),
            // One behind the last pixel lies black.
            Border::Constant => {
                if (0..=last).contains(&i) {
                    i as u32
                } else {
                    count as u32
                }
            }
        };
        Tap { first: at(whole), second: at(whole + 1), share }
    }

    /// The place `v` along a side, of which only the pixels `first..=last` count; the ends go on for ever.
    pub(super) fn held(v: f64, first: usize, last: usize) -> Self {
        let (whole, share) = split(v);
        let at = |i: i32| i.clamp(first as i32, last as i32) as u32;
        Tap { first: at(whole), second: at(whole + 1), share }
    }

    /// The nearer of the two.
    fn nearest(self) -> usize {
        if self.share >= WHOLE / 2 { self.second as usize } else { self.first as usize }
    }
}

/// Whole pixels and parts. Further than 131,072 pixels away: as far.
fn split(v: f64) -> (i32, u32) {
    const FAR: f64 = 131_072.0;
    let parts = libm::floor(v.clamp(-FAR, FAR) * f64::from(WHOLE) + 0.5) as i32;
    (parts >> WHOLE_BITS, parts as u32 & (WHOLE - 1))
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
    let Scratch { words, taps, rows, .. } = scratch;
    // A black pixel behind each row.
    words.clear();
    words.reserve((width + 1) * height);
    for row in image.data.chunks_exact(width * 3) {
        words.extend(row.as_chunks::<3>().0.iter().map(|&[r, g, b]| u32::from_le_bytes([r, g, b, 0])));
        words.push(0);
    }
    taps.clear();
    taps.extend((0..width).map(across));
    // The last batch may be part of one.
    let batches = width.div_ceil(BATCH);
    taps.resize(batches * BATCH, Tap::default());
    rows.clear();
    rows.resize(batches * 2, [[0; BATCH]; 3]);
    let (upper, lower) = rows.split_at_mut(batches);
    let mut rows = [Row { number: None, batches: upper }, Row { number: None, batches: lower }];
    for (y, out) in image.data.chunks_exact_mut(width * 3).enumerate() {
        let tap = down(y);
        // The row that was lower becomes the upper one of the next.
        if rows[1].number == Some(tap.first) {
            rows.swap(0, 1);
        }
        for (row, number) in rows.iter_mut().zip([tap.first, tap.second]) {
            if row.number != Some(number) {
                let source = words.chunks_exact(width + 1).nth(number as usize);
                across_row(source, taps, row.batches);
                row.number = Some(number);
            }
        }
        between_rows(rows[0].batches, rows[1].batches, tap.share, out);
    }
}

/// A row of the source, at the columns of the result.
struct Row<'a> {
    number: Option<u32>,
    batches: &'a mut [[[u16; BATCH]; 3]],
}

/// The first pass: each channel of a row, [`KEPT_BITS`] below levels. No source: black.
#[multiversion::multiversion(targets("x86_64+avx2+bmi1+bmi2"))]
fn across_row(source: Option<&[u32]>, taps: &[Tap], batches: &mut [[[u16; BATCH]; 3]]) {
    let Some(source) = source else {
        batches.fill([[0; BATCH]; 3]);
        return;
    };
    for (taps, [r, g, b]) in taps.as_chunks::<BATCH>().0.iter().zip(batches) {
        let first = taps.map(|tap| source[tap.first as usize]);
        let second = taps.map(|tap| source[tap.second as usize]);
        for i in 0..BATCH {
            let share = taps[i].share & (WHOLE - 1);
            let channel = |shift: u32| {
                let (first, second) = ((first[i] >> shift) & 255, (second[i] >> shift) & 255);
                let round = 1 << (WHOLE_BITS - KEPT_BITS - 1);
                ((first * (WHOLE - share) + second * share + round) >> (WHOLE_BITS - KEPT_BITS)) as u16
            };
            (r[i], g[i], b[i]) = (channel(0), channel(8), channel(16));
        }
    }
}

/// The second pass: `share` parts of the lower row, the rest of the upper.
#[multiversion::multiversion(targets("x86_64+avx2+bmi1+bmi2"))]
fn between_rows(upper: &[[[u16; BATCH]; 3]], lower: &[[[u16; BATCH]; 3]], share: u32, out: &mut [u8]) {
    let share = share & (WHOLE - 1);
    let rest = WHOLE - share;
    let batch = |upper: &[[u16; BATCH]; 3], lower: &[[u16; BATCH]; 3]| {
        let mut words = [0; BATCH];
        for i in 0..BATCH {
            let channel = |c: usize| {
                let (upper, lower) = (u32::from(upper[c][i] & KEPT), u32::from(lower[c][i] & KEPT));
                let bits = WHOLE_BITS + KEPT_BITS;
                (upper * rest + lower * share + (1 << (bits - 1))) >> bits
            };
            words[i] = channel(0) | (channel(1) << 8) | (channel(2) << 16);
        }
        words
    };
    let (whole, end) = out.as_chunks_mut::<{ BATCH * 3 }>();
    for ((upper, lower), out) in upper.iter().zip(lower).zip(&mut *whole) {
        pack(&batch(upper, lower), out);
    }
    if let (false, Some((upper, lower))) = (end.is_empty(), upper.last().zip(lower.last())) {
        let mut last = [0; BATCH * 3];
        pack(&batch(upper, lower), &mut last);
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
    let columns: Vec<usize> = (0..width).map(|x| across(x).nearest()).collect();
    mask.data = Vec::with_capacity(old.len());
    for row in (0..height).map(|y| down(y).nearest()) {
        let row = old.chunks_exact(width).nth(row).unwrap_or_default();
        mask.data.extend(columns.iter().map(|&x| row.get(x).copied().unwrap_or(0)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The same as the sampler of any maps.
        #[test]
        fn two_passes_are_one(width in 1usize..50, height in 1usize..30, stretch in -2.0f64..2.0, start in -9.0f64..40.0) {
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
