//! Rotation about the centre, bilinear, the size kept.
//!
//! The geometry is albumentations 2.0.8's: the centre lies at `(width / 2 - 0.5, height / 2 - 0.5)`, a positive
//! angle turns counter-clockwise, and each pixel of the result is read from the turned-back place in the
//! source. Interpolation is exact, as OpenCV's is from version 5 on: on any picture the result is within one
//! level of it. OpenCV 4 rounds places to 1/32 pixel and so differs by a few levels at hard edges.
//!
//! All in integers, so that the result is the same on every machine: places with 32 fractional bits, the
//! weights of the four neighbours with 13.

use std::fmt;
use std::ops::Range;

use crate::augment::{Mask, Scratch, Transform};
use crate::pixels::RgbImage;
use crate::seed::Draws;
use crate::spec::ops::Border;

/// The drawn values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rotation {
    /// Degrees, counter-clockwise.
    pub angle: f64,
    /// What lies beyond the border.
    pub border: Border,
}

impl Rotation {
    /// Draws the angle uniformly from `limit`, in degrees.
    pub fn draw(limit: [f64; 2], border: Border, draws: &mut Draws) -> Self {
        Rotation { angle: draws.range_f64(limit[0], limit[1]), border }
    }
}

impl Transform for Rotation {
    fn apply(&self, image: &mut RgbImage, scratch: &mut Scratch) {
        let (width, height) = (image.width, image.height);
        if width == 0 || height == 0 {
            return;
        }
        let source = Source::of(image, self.border, &mut scratch.lanes);
        let turn = Turn::back(self.angle, width, height);
        for (y, row) in image.data.chunks_exact_mut(width * 3).enumerate() {
            let start = turn.row_start(y);
            let inside = turn.inside(start, width, height);
            let (left, rest) = row.as_chunks_mut::<3>().0.split_at_mut(inside.start);
            let (middle, right) = rest.split_at_mut(inside.len());
            source.blend(left, start, turn.right);
            source.blend_inside(middle, start.steps(turn.right, inside.start), turn.right);
            source.blend(right, start.steps(turn.right, inside.end), turn.right);
        }
    }

    fn apply_to_mask(&self, mask: &mut Mask) {
        let (width, height) = (mask.width, mask.height);
        if width == 0 || height == 0 {
            return;
        }
        let old = mask.data.clone();
        let turn = Turn::back(self.angle, width, height);
        // Half a pixel on, so that cutting off is rounding to the nearest.
        let half = Place::of(0.5, 0.5);
        for (y, row) in mask.data.chunks_exact_mut(width).enumerate() {
            let mut place = turn.row_start(y).steps(half, 1);
            for value in row {
                let (x, y) = place.floor();
                let inside = (0..width as i64).contains(&x) && (0..height as i64).contains(&y);
                *value = if inside { old[y as usize * width + x as usize] } else { 0 };
                place = place.steps(turn.right, 1);
            }
        }
    }
}

impl fmt::Display for Rotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "angle={:+.1}", self.angle)
    }
}

/// Fractional bits of a place.
const FRACTION: u32 = 32;
/// Bits of a weight; with 13, `255 x WHOLE + WHOLE / 2` just fits into a lane.
const WEIGHT_BITS: u32 = 13;
/// The sum of the four weights.
const WHOLE: u64 = 1 << WEIGHT_BITS;
/// Bits of a lane: three channels side by side in one word, so that one multiplication weighs all three.
const LANE: u32 = 21;

/// A place in the source in pixels, or a step from one place to another; 32 fractional bits.
#[derive(Clone, Copy)]
struct Place {
    x: i64,
    y: i64,
}

impl Place {
    fn of(x: f64, y: f64) -> Self {
        let unit = (1u64 << FRACTION) as f64;
        Place { x: libm::round(x * unit) as i64, y: libm::round(y * unit) as i64 }
    }

    /// The place `n` steps on.
    #[inline]
    fn steps(self, by: Place, n: usize) -> Self {
        Place { x: self.x + by.x * n as i64, y: self.y + by.y * n as i64 }
    }

    /// The whole pixel at the upper left.
    #[inline]
    fn floor(self) -> (i64, i64) {
        (self.x >> FRACTION, self.y >> FRACTION)
    }

    /// How far from that pixel to the next, in parts of [`WHOLE`].
    #[inline]
    fn fraction(self) -> (u64, u64) {
        let part = |v: i64| (v as u64 >> (FRACTION - WEIGHT_BITS)) & (WHOLE - 1);
        (part(self.x), part(self.y))
    }
}

/// The way from a pixel of the result back to its place in the source.
struct Turn {
    cos: f64,
    sin: f64,
    centre: (f64, f64),
    /// The step in the source for one pixel to the right.
    right: Place,
}

impl Turn {
    fn back(angle: f64, width: usize, height: usize) -> Self {
        let radians = angle.rem_euclid(360.0) * (std::f64::consts::PI / 180.0);
        let (sin, cos) = (libm::sin(radians), libm::cos(radians));
        let centre = (width as f64 / 2.0 - 0.5, height as f64 / 2.0 - 0.5);
        Turn { cos, sin, centre, right: Place::of(cos, sin) }
    }

    /// The place of the first pixel of row `y`, half a part of [`WHOLE`] further on: parts are cut off later.
    fn row_start(&self, y: usize) -> Place {
        let (dx, dy) = (-self.centre.0, y as f64 - self.centre.1);
        let half = 0.5 / WHOLE as f64;
        let x = self.cos * dx - self.sin * dy + self.centre.0;
        let y = self.sin * dx + self.cos * dy + self.centre.1;
        Place::of(x + half, y + half)
    }

    /// The columns of a row for which all four neighbours lie in the picture.
    fn inside(&self, start: Place, width: usize, height: usize) -> Range<usize> {
        let x = columns(start.x, self.right.x, width as i64 - 1, width);
        let y = columns(start.y, self.right.y, height as i64 - 1, width);
        let end = x.end.min(y.end);
        x.start.max(y.start).min(end)..end
    }
}

/// The `n` of 0..`count` with `0 <= start + n x step < end` (`end` in whole pixels).
fn columns(start: i64, step: i64, end: i64, count: usize) -> Range<usize> {
    let last = (end << FRACTION) - 1;
    if last < 0 {
        return 0..0;
    }
    if step == 0 {
        return if (0..=last).contains(&start) { 0..count } else { 0..0 };
    }
    // Mirrored, so that the place only grows.
    let (start, step) = if step > 0 { (start, step) } else { (last - start, -step) };
    let first = if start >= 0 { 0 } else { (-start + step - 1) / step };
    let past = if start > last { 0 } else { (last - start) / step + 1 };
    let clip = |n: i64| usize::try_from(n).map_or(0, |n| n.min(count));
    clip(first)..clip(past)
}

/// The picture as it was, a word of three lanes for each pixel.
struct Source<'a> {
    pixels: &'a [u64],
    width: usize,
    height: usize,
    border: Border,
}

impl<'a> Source<'a> {
    /// Copies the picture into `buffer`.
    fn of(image: &RgbImage, border: Border, buffer: &'a mut Vec<u64>) -> Self {
        buffer.clear();
        buffer.extend(
            image
                .data
                .as_chunks::<3>()
                .0
                .iter()
                .map(|&[r, g, b]| u64::from(r) | (u64::from(g) << LANE) | (u64::from(b) << (2 * LANE))),
        );
        Source { pixels: buffer, width: image.width, height: image.height, border }
    }

    /// Fills part of a row whose four neighbours all lie in the picture, from `place` on.
    #[inline(never)]
    fn blend_inside(&self, row: &mut [[u8; 3]], mut place: Place, right: Place) {
        let (pixels, width) = (self.pixels, self.width);
        for pixel in row {
            let (x, y) = place.floor();
            let i = y as usize * width + x as usize;
            let (upper, lower) = (&pixels[i..i + 2], &pixels[i + width..i + width + 2]);
            *pixel = mix([upper[0], upper[1], lower[0], lower[1]], place.fraction());
            place = place.steps(right, 1);
        }
    }

    /// Fills part of a row whose four neighbours may lie beyond the border, from `place` on.
    fn blend(&self, row: &mut [[u8; 3]], mut place: Place, right: Place) {
        for pixel in row {
            let (x, y) = place.floor();
            let neighbours = [(x, y), (x + 1, y), (x, y + 1), (x + 1, y + 1)];
            *pixel = mix(neighbours.map(|(x, y)| self.beyond(x, y)), place.fraction());
            place = place.steps(right, 1);
        }
    }

    /// The pixel in column `x` of row `y`, which may lie beyond the border.
    fn beyond(&self, x: i64, y: i64) -> u64 {
        let inside = (0..self.width as i64).contains(&x) && (0..self.height as i64).contains(&y);
        match self.border {
            Border::Constant if !inside => 0,
            Border::Constant => self.pixels[y as usize * self.width + x as usize],
            Border::Reflect101 => self.pixels[reflect(y, self.height) * self.width + reflect(x, self.width)],
        }
    }
}

/// `i` mirrored into 0..`count` at the first and the last pixel, which are not repeated.
fn reflect(i: i64, count: usize) -> usize {
    let last = count as i64 - 1;
    if last <= 0 {
        return 0;
    }
    // Seldom more than one reflection: the remainder is slow.
    let i = if (-last..=2 * last).contains(&i) { i.abs() } else { i.rem_euclid(2 * last) };
    (if i > last { 2 * last - i } else { i }) as usize
}

/// Weighs upper left, upper right, lower left and lower right; rounded to the nearest level.
#[inline]
fn mix([a, b, c, d]: [u64; 4], (x, y): (u64, u64)) -> [u8; 3] {
    // The four weights add up to `WHOLE` exactly, and none is negative.
    let both = (x * y + WHOLE / 2) >> WEIGHT_BITS;
    let (right, below) = (x - both, y - both);
    let half = (WHOLE / 2) * (1 | (1 << LANE) | (1 << (2 * LANE)));
    let sum = a * (WHOLE - x - below) + b * right + c * below + d * both + half;
    [0, LANE, 2 * LANE].map(|lane| (sum >> (lane + WEIGHT_BITS)) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The columns found by division are those that counting finds: no pixel beyond the border is read.
        #[test]
        fn columns_are_those_inside(start in -40.0f64..40.0, step in -1.0f64..1.0, end in 0i64..30) {
            for step in [step, 0.0, 1.0, -1.0] {
                let (start, step) = (Place::of(start, 0.0).x, Place::of(step, 0.0).x);
                let inside = |n: &usize| (0..end << FRACTION).contains(&(start + step * *n as i64));
                let counted: Vec<usize> = (0..50).filter(inside).collect();
                prop_assert_eq!(columns(start, step, end, 50).collect::<Vec<_>>(), counted);
            }
        }

        #[test]
        fn reflection_walks_to_and_fro(i in -100i64..100, count in 1usize..12) {
            let period: Vec<usize> = (0..count).chain((1..count.max(2) - 1).rev()).collect();
            prop_assert_eq!(reflect(i, count), period[i.rem_euclid(period.len() as i64) as usize]);
        }
    }

    #[test]
    fn four_quarter_turns_of_a_square_are_none() {
        let data: Vec<u8> = (0..8 * 8 * 3).map(|i| (i * 37 % 251) as u8).collect();
        let mut image = RgbImage { width: 8, height: 8, data: data.clone() };
        let quarter = Rotation { angle: 90.0, border: Border::Constant };
        for turn in 1..=4 {
            let corner = image.pixel(7, 0);
            quarter.apply(&mut image, &mut Scratch::new());
            assert_eq!(image.pixel(0, 0), corner, "a positive angle turns counter-clockwise");
            assert_eq!(image.data == data, turn == 4);
        }
    }
}
