//! Reads a picture at places between its pixels: the one engine of all ops that turn, bend and stretch.
//!
//! A [`Way`] says for each pixel of the result which place of the source it comes from. Pixels are made in
//! batches of [`BATCH`], each step over a whole batch, so that compilers turn it into vector instructions.
//! All in integers: a place is a whole pixel and a fraction of 13 bits, and so are the weights of the four
//! neighbours, whose sum is exact. On any picture the result is within one level of exact interpolation, as
//! OpenCV's is from version 5 on; OpenCV 4 rounds places to 1/32 pixel and so differs by a few levels at hard
//! edges.

#![expect(clippy::needless_range_loop, reason = "loops over several batches at once read alike")]

use crate::augment::Mask;
use crate::pixels::RgbImage;
use crate::spec::ops::Border;

/// Pixels that are made at once.
pub(super) const BATCH: usize = 16;
/// Bits of a weight.
pub(super) const WEIGHT_BITS: u32 = 13;
/// The sum of the four weights, and the parts of a pixel that places are told in.
pub(super) const WHOLE: u32 = 1 << WEIGHT_BITS;

/// The places in the source of pixels that follow each other in a row.
pub(super) struct Places {
    /// Whole pixels to the right and down; may lie beyond the border.
    x: [i32; BATCH],
    y: [i32; BATCH],
    /// How far on to the next pixel, in parts of [`WHOLE`].
    right: [u32; BATCH],
    below: [u32; BATCH],
}

impl Places {
    pub(super) fn new() -> Self {
        Places { x: [0; BATCH], y: [0; BATCH], right: [0; BATCH], below: [0; BATCH] }
    }

    /// Places with 32 fractional bits: a start and how far each lies from it.
    #[inline(always)]
    pub(super) fn set_line(&mut self, start: [i64; 2], steps: &[[i64; BATCH]; 2]) {
        for i in 0..BATCH {
            let (x, y) = (start[0] + steps[0][i], start[1] + steps[1][i]);
            (self.x[i], self.y[i]) = ((x >> 32) as i32, (y >> 32) as i32);
            self.right[i] = x as u32 >> (32 - WEIGHT_BITS);
            self.below[i] = y as u32 >> (32 - WEIGHT_BITS);
        }
    }

    /// Any places, in pixels.
    #[inline(always)]
    pub(super) fn set(&mut self, x: &[f64; BATCH], y: &[f64; BATCH]) {
        for i in 0..BATCH {
            let (x, y) = (parts(x[i]), parts(y[i]));
            (self.x[i], self.y[i]) = (x >> WEIGHT_BITS, y >> WEIGHT_BITS);
            self.right[i] = x as u32 & (WHOLE - 1);
            self.below[i] = y as u32 & (WHOLE - 1);
        }
    }
}

/// A coordinate in parts of [`WHOLE`], the nearest one. Further away than 131,072 pixels, or no number: as
/// far.
#[inline(always)]
pub(super) fn parts(v: f64) -> i32 {
    const FAR: f64 = 131_072.0;
    let v = if v > -FAR { v } else { -FAR };
    let v = if v < FAR { v } else { FAR };
    // In the sum the last bit is worth 1 / 8192, and the upper half of the mantissa is 1.5.
    (v + 1.5 * (1u64 << (52 - WEIGHT_BITS)) as f64).to_bits() as i32
}

/// From a pixel of the result back to its place in the source.
pub(super) trait Way {
    /// What is the same for all pixels of a row.
    type Row;

    /// Row `y` of the result.
    fn row(&self, y: usize) -> Self::Row;

    /// The places of the pixels from column `x` on; as many as fit, also beyond the end of the row.
    fn places(&self, row: &Self::Row, x: usize, places: &mut Places);
}

/// Makes each pixel anew from its place in the old picture. `buffer` keeps the old one meanwhile.
pub(super) fn sample(image: &mut RgbImage, border: Border, buffer: &mut Vec<u8>, way: &impl Way) {
    let (width, height) = (image.width, image.height);
    if width > 0 && height > 0 {
        let source = Source::of(width, height, &image.data, border, buffer);
        fill(width, &mut image.data, &source, way);
    }
}

/// Moves a mask as [`sample`] moves the pixels, the nearest value; beyond the border lies 0.
pub(super) fn sample_mask(mask: &mut Mask, way: &impl Way) {
    if mask.width == 0 || mask.height == 0 {
        return;
    }
    let (width, height) = (mask.width, mask.height);
    let old = mask.data.clone();
    let mut places = Places::new();
    for (y, row) in mask.data.chunks_exact_mut(width).enumerate() {
        let start = way.row(y);
        for (n, part) in row.chunks_mut(BATCH).enumerate() {
            way.places(&start, n * BATCH, &mut places);
            for (i, value) in part.iter_mut().enumerate() {
                let x = i64::from(places.x[i]) + i64::from(places.right[i] >= WHOLE / 2);
                let y = i64::from(places.y[i]) + i64::from(places.below[i] >= WHOLE / 2);
                let inside = (0..width as i64).contains(&x) && (0..height as i64).contains(&y);
                *value = if inside { old[y as usize * width + x as usize] } else { 0 };
            }
        }
    }
}

#[multiversion::multiversion(targets("x86_64+avx2+bmi1+bmi2"))]
fn fill<W: Way>(width: usize, data: &mut [u8], source: &Source<'_>, way: &W) {
    let mut places = Places::new();
    for (y, row) in data.chunks_exact_mut(width * 3).enumerate() {
        let start = way.row(y);
        let (batches, rest) = row.as_chunks_mut::<{ BATCH * 3 }>();
        let n = batches.len();
        for (n, batch) in batches.iter_mut().enumerate() {
            way.places(&start, n * BATCH, &mut places);
            pack(&source.read(&places), batch);
        }
        if !rest.is_empty() {
            let mut last = [0; BATCH * 3];
            way.places(&start, n * BATCH, &mut places);
            pack(&source.read(&places), &mut last);
            rest.copy_from_slice(&last[..rest.len()]);
        }
    }
}

/// The picture as it was, three bytes for each pixel, and a black one behind the last, with enough behind it
/// to be read as a word.
struct Source<'a> {
    bytes: &'a [u8],
    width: usize,
    height: usize,
    border: Border,
}

impl<'a> Source<'a> {
    fn of(width: usize, height: usize, data: &[u8], border: Border, buffer: &'a mut Vec<u8>) -> Self {
        buffer.clear();
        buffer.reserve(data.len() + 8);
        buffer.extend_from_slice(data);
        buffer.extend_from_slice(&[0; 8]);
        Source { bytes: buffer, width, height, border }
    }

    /// The picture at these places.
    #[inline(always)]
    fn read(&self, places: &Places) -> [u32; BATCH] {
        let (left, right) = ends(&places.x);
        let (top, bottom) = ends(&places.y);
        let (width, height) = (self.width as i32, self.height as i32);
        if left >= 0 && top >= 0 && right < width - 1 && bottom < height - 1 {
            return self.read_inside(places);
        }
        if self.border == Border::Constant && (right < -1 || left >= width || bottom < -1 || top >= height) {
            return [0; BATCH];
        }
        self.read_beyond(places)
    }

    /// Where all four neighbours of all places lie in the picture.
    #[inline(always)]
    fn read_inside(&self, places: &Places) -> [u32; BATCH] {
        let mut at = [0; BATCH];
        for i in 0..BATCH {
            at[i] = (places.y[i] as u32).wrapping_mul(self.width as u32).wrapping_add(places.x[i] as u32);
        }
        // Two pixels that lie side by side in one word.
        let (mut upper, mut lower) = ([0; BATCH], [0; BATCH]);
        let stride = self.width * 3;
        for i in 0..BATCH {
            let at = at[i] as usize * 3;
            (upper[i], lower[i]) = (eight_bytes(self.bytes, at), eight_bytes(self.bytes, at + stride));
        }
        let mut near = [[0; BATCH]; 4];
        for i in 0..BATCH {
            (near[0][i], near[1][i]) = (upper[i] as u32, (upper[i] >> 24) as u32);
            (near[2][i], near[3][i]) = (lower[i] as u32, (lower[i] >> 24) as u32);
        }
        mix(&near, places)
    }

    /// Where neighbours may lie beyond the border.
    #[inline(always)]
    fn read_beyond(&self, places: &Places) -> [u32; BATCH] {
        let mut near = [[0; BATCH]; 4];
        let (columns, rows) = (Side::of(self.width), Side::of(self.height));
        let width = self.width as u32;
        let black = (self.width * self.height) as u32;
        for (n, near) in near.iter_mut().enumerate() {
            let (mut x, mut y) = (places.x, places.y);
            for i in 0..BATCH {
                x[i] += (n & 1) as i32;
                y[i] += (n >> 1) as i32;
            }
            let mut at = [black; BATCH];
            match self.border {
                Border::Constant => {
                    for i in 0..BATCH {
                        let inside = columns.has(x[i]) & rows.has(y[i]);
                        let there = (y[i] as u32).wrapping_mul(width).wrapping_add(x[i] as u32);
                        at[i] = if inside { there } else { black };
                    }
                }
                Border::Reflect101 => {
                    let (x, y) = (columns.reflect(&x), rows.reflect(&y));
                    for i in 0..BATCH {
                        at[i] = y[i].wrapping_mul(width).wrapping_add(x[i]);
                    }
                }
            }
            for i in 0..BATCH {
                near[i] = four_bytes(self.bytes, at[i] as usize * 3);
            }
        }
        mix(&near, places)
    }
}

/// Eight bytes from `at` on: the pixel there, red lowest, the next one, and more.
#[inline(always)]
pub(super) fn eight_bytes(bytes: &[u8], at: usize) -> u64 {
    let mut eight = [0; 8];
    eight.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(eight)
}

/// Four bytes from `at` on: the pixel there, red lowest, and a byte of the next.
#[inline(always)]
pub(super) fn four_bytes(bytes: &[u8], at: usize) -> u32 {
    let mut four = [0; 4];
    four.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(four)
}

/// The least and the largest of a batch.
#[inline(always)]
fn ends(values: &[i32; BATCH]) -> (i32, i32) {
    let (mut least, mut most) = (values[0], values[0]);
    for &value in values {
        least = least.min(value);
        most = most.max(value);
    }
    (least, most)
}

/// The pixels along one side of a picture.
struct Side {
    last: i32,
}

impl Side {
    fn of(count: usize) -> Self {
        Side { last: count as i32 - 1 }
    }

    #[inline(always)]
    fn has(&self, i: i32) -> bool {
        (i >= 0) & (i <= self.last)
    }

    /// Each position mirrored into the picture at the first and the last pixel, which are not repeated.
    #[inline(always)]
    fn reflect(&self, positions: &[i32; BATCH]) -> [u32; BATCH] {
        let (least, most) = ends(positions);
        // Seldom more than one reflection: the remainder is slow.
        if least >= -self.last && most <= 2 * self.last {
            let mut mirrored = [0; BATCH];
            for i in 0..BATCH {
                let there = positions[i].abs();
                mirrored[i] = (if there > self.last { 2 * self.last - there } else { there }) as u32;
            }
            return mirrored;
        }
        positions.map(|i| reflect(i, self.last))
    }
}

/// `i` mirrored into `0..=last`, however far away.
pub(super) fn reflect(i: i32, last: i32) -> u32 {
    if last == 0 {
        return 0;
    }
    let i = i64::from(i).rem_euclid(2 * i64::from(last)) as i32;
    (if i > last { 2 * last - i } else { i }) as u32
}

/// Weighs upper left, upper right, lower left and lower right, channel by channel; rounded to the nearest
/// level.
#[inline(always)]
fn mix(near: &[[u32; BATCH]; 4], places: &Places) -> [u32; BATCH] {
    let mut result = [0; BATCH];
    for i in 0..BATCH {
        let (x, y) = (places.right[i] & (WHOLE - 1), places.below[i] & (WHOLE - 1));
        // The four weights add up to `WHOLE` exactly, and none is negative. Masks tell compilers that they
        // are short.
        let both = (x * y + WHOLE / 2) >> WEIGHT_BITS;
        let (right, below) = (x - both, y - both);
        let short = 2 * WHOLE - 1;
        let weights = [(WHOLE - x - below) & short, right & short, below & short, both & short];
        let channel = |shift: u32| {
            let mut sum = WHOLE / 2;
            for (near, weight) in near.iter().zip(weights) {
                sum += ((near[i] >> shift) & 255) * weight;
            }
            sum >> WEIGHT_BITS
        };
        result[i] = channel(0) | (channel(8) << 8) | (channel(16) << 16);
    }
    result
}

/// Writes words of three bytes each one after the other.
#[inline(always)]
pub(super) fn pack(words: &[u32; BATCH], bytes: &mut [u8; BATCH * 3]) {
    for (four, out) in words.as_chunks::<4>().0.iter().zip(bytes.as_chunks_mut::<12>().0) {
        let [a, b, c, d] = *four;
        let three = [a | (b << 24), (b >> 8) | (c << 16), (c >> 16) | (d << 8)];
        for (word, out) in three.iter().zip(out.as_chunks_mut::<4>().0) {
            *out = word.to_le_bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn reflection_walks_to_and_fro(i in -100i32..100, count in 1usize..12) {
            let period: Vec<u32> = (0..count as u32).chain((1..count.max(2) as u32 - 1).rev()).collect();
            let expected = period[i.rem_euclid(period.len() as i32) as usize];
            prop_assert_eq!(reflect(i, count as i32 - 1), expected);
            prop_assert_eq!(Side::of(count).reflect(&[i; BATCH]), [expected; BATCH]);
        }

        #[test]
        fn parts_are_the_nearest(v in -130_000.0f64..130_000.0) {
            prop_assert!((f64::from(parts(v)) / f64::from(WHOLE) - v).abs() <= 0.5 / f64::from(WHOLE));
        }
    }

    #[test]
    fn what_is_far_or_no_number_stays_a_place() {
        let far = 131_072 * WHOLE as i32;
        let ends = [f64::NAN, f64::NEG_INFINITY, -1e300, 1e300, f64::INFINITY].map(parts);
        assert_eq!(ends, [-far, -far, -far, far, far]);
    }

    /// Anywhere, also far away.
    struct Scattered(u64);

    impl Way for Scattered {
        type Row = u64;

        fn row(&self, y: usize) -> u64 {
            self.0.wrapping_add(y as u64 * 7919)
        }

        fn places(&self, row: &u64, x: usize, places: &mut Places) {
            let at = |i: usize, salt: u64| {
                let bits = (row + (x + i) as u64 * salt).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
                bits as f64 / f64::from(1 << 18) - 24.0
            };
            places.set(&std::array::from_fn(|i| at(i, 31)), &std::array::from_fn(|i| at(i, 77)));
        }
    }

    proptest! {
        /// One pixel at a time, in real numbers.
        #[test]
        fn a_pixel_is_the_mean_of_its_neighbours(width in 1usize..40, height in 1usize..20, seed: u32) {
            for border in [Border::Reflect101, Border::Constant] {
                let data: Vec<u8> =
                    (0..width * height * 3).map(|i| ((i as u32 ^ seed).wrapping_mul(7919) >> 5) as u8).collect();
                let old = RgbImage { width, height, data };
                let mut new = old.clone();
                let way = Scattered(seed.into());
                sample(&mut new, border, &mut Vec::new(), &way);
                let pixel = |x: i32, y: i32| {
                    let (right, bottom) = (width as i32 - 1, height as i32 - 1);
                    let inside = (0..=right).contains(&x) && (0..=bottom).contains(&y);
                    match border {
                        Border::Constant if !inside => [0; 3],
                        Border::Constant => old.pixel(x as usize, y as usize),
                        Border::Reflect101 => {
                            old.pixel(reflect(x, right) as usize, reflect(y, bottom) as usize)
                        }
                    }
                };
                let mut places = Places::new();
                for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
                    way.places(&way.row(y), x, &mut places);
                    let (left, top) = (places.x[0], places.y[0]);
                    let share = |parts: u32| f64::from(parts) / f64::from(WHOLE);
                    let (right, below) = (share(places.right[0]), share(places.below[0]));
                    for channel in 0..3 {
                        let at = |dx, dy| f64::from(pixel(left + dx, top + dy)[channel]);
                        let upper = at(0, 0) * (1.0 - right) + at(1, 0) * right;
                        let lower = at(0, 1) * (1.0 - right) + at(1, 1) * right;
                        let expected = upper * (1.0 - below) + lower * below;
                        let found = f64::from(new.pixel(x, y)[channel]);
                        prop_assert!((found - expected).abs() < 0.6, "{found} {expected}");
                    }
                }
            }
        }
    }
}
