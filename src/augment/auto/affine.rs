//! Shears, shifts and turns, the size kept, black from beyond the border.
//!
//! The geometry is torchvision's: shears hold the upper left corner of the picture, turns its centre. torchvision computes
//! places in 32-bit floats, here they have 32 fractional bits. So the nearest pixel is the same but where a place lies in
//! the middle between two, which rounding noise decides there and which goes right or down here: whole rows do so at a few
//! magnitudes of a shear (0.04, 0.12, 0.2, 0.28). Bilinear values are within one level.

use std::ops::Range;

use crate::augment::{Mask, Scratch};
use crate::pixels::RgbImage;
use crate::spec::ops::Interpolation;

/// The way from a pixel of the result to its place in the source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Affine {
    /// Column in the source: this much for each column and each row of the result, and for the first pixel.
    x: [f64; 3],
    /// Row in the source, likewise.
    y: [f64; 3],
}

impl Affine {
    /// Each row is read from `x` times its middle further right, each column from `y` times its middle further down.
    pub fn shear(x: f64, y: f64) -> Self {
        Affine { x: [1.0, x, 0.5 * x], y: [y, 1.0, 0.5 * y] }
    }

    /// The picture moves right and down.
    pub fn translation(right: i64, down: i64) -> Self {
        Affine { x: [1.0, 0.0, -right as f64], y: [0.0, 1.0, -down as f64] }
    }

    /// The picture turns counter-clockwise about its centre.
    pub fn rotation(degrees: f64, width: usize, height: usize) -> Self {
        let radians = degrees.rem_euclid(360.0) * (std::f64::consts::PI / 180.0);
        let (sin, cos) = (libm::sin(radians), libm::cos(radians));
        let (x, y) = (width as f64 / 2.0 - 0.5, height as f64 / 2.0 - 0.5);
        Affine { x: [cos, -sin, x - cos * x + sin * y], y: [sin, cos, y - sin * x - cos * y] }
    }

    /// Moves the pixels of a picture that has some.
    pub fn apply(&self, interpolation: Interpolation, image: &mut RgbImage, scratch: &mut Scratch) {
        let is_whole = self.x.iter().chain(&self.y).all(|part| *part == libm::floor(*part));
        if interpolation == Interpolation::Nearest || is_whole {
            scratch.before.clear();
            scratch.before.extend_from_slice(&image.data);
            let before = scratch.before.as_chunks::<3>().0;
            self.nearest(before, image.data.as_chunks_mut::<3>().0, image.width, image.height);
        } else {
            self.bilinear(image, &mut scratch.lanes);
        }
    }

    /// Moves the values of a mask that has some.
    pub fn apply_to_mask(&self, mask: &mut Mask) {
        let before = mask.data.clone();
        self.nearest(&before, &mut mask.data, mask.width, mask.height);
    }

    fn nearest<T: Copy + Default>(&self, before: &[T], after: &mut [T], width: usize, height: usize) {
        let right = Place::of(self.x[0], self.y[0]);
        for (y, row) in after.chunks_exact_mut(width).enumerate() {
            // Half a pixel on, so that cutting off is rounding to the nearest.
            let start = self.row_start(y).steps(Place::of(0.5, 0.5), 1);
            let inside = inside(start, right, [width, height], width);
            row[..inside.start].fill(T::default());
            row[inside.end..].fill(T::default());
            if inside.is_empty() {
                continue;
            }
            let mut place = start.steps(right, inside.start);
            let row = &mut row[inside];
            if right == Place::of(1.0, 0.0) {
                let (x, y) = place.pixel();
                row.copy_from_slice(&before[y * width + x..][..row.len()]);
                continue;
            }
            for value in row {
                let (x, y) = place.pixel();
                *value = before[y * width + x];
                place = place.steps(right, 1);
            }
        }
    }

    fn bilinear(&self, image: &mut RgbImage, lanes: &mut Vec<u64>) {
        let (width, height) = (image.width, image.height);
        lanes.clear();
        lanes.extend(image.data.as_chunks::<3>().0.iter().map(|&pixel| spread(pixel)));
        let source = Source { pixels: lanes, width, height };
        let right = Place::of(self.x[0], self.y[0]);
        // Half a part of a weight on: parts are cut off.
        let half = Place::of(0.5 / WHOLE as f64, 0.5 / WHOLE as f64);
        for (y, row) in image.data.chunks_exact_mut(width * 3).enumerate() {
            let row = row.as_chunks_mut::<3>().0;
            let start = self.row_start(y).steps(half, 1);
            // All four neighbours are in the picture; at least one is; none is.
            let full = inside(start, right, [width - 1, height - 1], width);
            let some = inside(start.steps(Place::of(1.0, 1.0), 1), right, [width + 1, height + 1], width);
            let full = if full.is_empty() { some.start..some.start } else { full };
            row[..some.start].fill([0; 3]);
            row[some.end..].fill([0; 3]);
            source.blend_edge(&mut row[some.start..full.start], start.steps(right, some.start), right);
            source.blend(&mut row[full.clone()], start.steps(right, full.start), right);
            source.blend_edge(&mut row[full.end..some.end], start.steps(right, full.end), right);
        }
    }

    fn row_start(&self, y: usize) -> Place {
        let y = y as f64;
        Place::of(self.x[1] * y + self.x[2], self.y[1] * y + self.y[2])
    }
}

/// Fractional bits of a place.
const FRACTION: u32 = 32;
/// Bits of a weight; with 13, `255 x WHOLE + WHOLE / 2` just fits into a lane.
const WEIGHT_BITS: u32 = 13;
/// The sum of four weights.
const WHOLE: u64 = 1 << WEIGHT_BITS;
/// Bits of a lane: three channels side by side in a word, so that one multiplication weighs all.
const LANE: u32 = 21;

/// A place in the source, or a step from one to another, in pixels with [`FRACTION`] fractional bits.
#[derive(Clone, Copy, PartialEq)]
struct Place {
    x: i64,
    y: i64,
}

impl Place {
    fn of(x: f64, y: f64) -> Self {
        let unit = (1u64 << FRACTION) as f64;
        Place { x: libm::round(x * unit) as i64, y: libm::round(y * unit) as i64 }
    }

    #[inline]
    fn steps(self, by: Place, n: usize) -> Self {
        Place { x: self.x + by.x * n as i64, y: self.y + by.y * n as i64 }
    }

    /// Column and row of the pixel at the upper left, which is in the picture.
    #[inline]
    fn pixel(self) -> (usize, usize) {
        ((self.x >> FRACTION) as usize, (self.y >> FRACTION) as usize)
    }
}

/// The `n` of 0..`count` for which the place `n` steps from `start` has its upper left pixel in a picture of these sides.
fn inside(start: Place, step: Place, sides: [usize; 2], count: usize) -> Range<usize> {
    let x = between(start.x, step.x, sides[0], count);
    let y = between(start.y, step.y, sides[1], count);
    let first = x.start.max(y.start);
    first..x.end.min(y.end).max(first)
}

/// The `n` of 0..`count` with `0 <= start + n x step < side`; an empty range for none.
fn between(start: i64, step: i64, side: usize, count: usize) -> Range<usize> {
    let end = (side as i64) << FRACTION;
    // Counted so that places grow.
    let (start, step) = if step < 0 { (end - 1 - start, -step) } else { (start, step) };
    if step == 0 {
        return if (0..end).contains(&start) { 0..count } else { 0..0 };
    }
    // Whole steps until `place` is reached or passed.
    let until = |place: i64| if place <= start { 0 } else { (place - start - 1) / step + 1 };
    let clip = |n: i64| usize::try_from(n).map_or(count, |n| n.min(count));
    clip(until(0))..clip(until(end)).max(clip(until(0)))
}

#[inline]
fn spread([r, g, b]: [u8; 3]) -> u64 {
    u64::from(r) | (u64::from(g) << LANE) | (u64::from(b) << (2 * LANE))
}

/// The picture as it was, a word of three lanes for each pixel.
struct Source<'a> {
    pixels: &'a [u64],
    width: usize,
    height: usize,
}

impl Source<'_> {
    /// Fills part of a row from `place` on, where all neighbours are in the picture.
    fn blend(&self, row: &mut [[u8; 3]], mut place: Place, right: Place) {
        for pixel in row {
            let (x, y) = place.pixel();
            let i = y * self.width + x;
            let (upper, lower) = (&self.pixels[i..i + 2], &self.pixels[i + self.width..i + self.width + 2]);
            *pixel = mix([upper[0], upper[1], lower[0], lower[1]], place);
            place = place.steps(right, 1);
        }
    }

    /// Fills part of a row from `place` on, where neighbours may be missing: they are black.
    fn blend_edge(&self, row: &mut [[u8; 3]], mut place: Place, right: Place) {
        let at = |x: i64, y: i64| {
            let is_inside = (0..self.width as i64).contains(&x) && (0..self.height as i64).contains(&y);
            if is_inside { self.pixels[y as usize * self.width + x as usize] } else { 0 }
        };
        for pixel in row {
            let (x, y) = (place.x >> FRACTION, place.y >> FRACTION);
            *pixel = mix([at(x, y), at(x + 1, y), at(x, y + 1), at(x + 1, y + 1)], place);
            place = place.steps(right, 1);
        }
    }
}

/// The mean of upper left, upper right, lower left and lower right, by how near they are; rounded.
#[inline]
fn mix([a, b, c, d]: [u64; 4], place: Place) -> [u8; 3] {
    let part = |v: i64| (v as u64 >> (FRACTION - WEIGHT_BITS)) & (WHOLE - 1);
    let (x, y) = (part(place.x), part(place.y));
    // The four weights add up to `WHOLE` exactly, and none is negative.
    let both = (x * y + WHOLE / 2) >> WEIGHT_BITS;
    let (beside, below) = (x - both, y - both);
    let half = (WHOLE / 2) * (1 | (1 << LANE) | (1 << (2 * LANE)));
    let sum = a * (WHOLE - x - below) + b * beside + c * below + d * both + half;
    [0, LANE, 2 * LANE].map(|lane| (sum >> (lane + WEIGHT_BITS)) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The steps found by division are those that counting finds: no pixel beyond the border is read.
        #[test]
        fn steps_are_those_inside(start in -40.0f64..40.0, step in -1.0f64..1.0, side in 0usize..30) {
            for step in [step, 0.0, 1.0, -1.0] {
                for start in [start, libm::floor(start)] {
                    let (start, step) = (Place::of(start, 0.0).x, Place::of(step, 0.0).x);
                    let inside = |n: &usize| (0..(side as i64) << FRACTION).contains(&(start + step * *n as i64));
                    let counted: Vec<usize> = (0..50).filter(inside).collect();
                    prop_assert_eq!(between(start, step, side, 50).collect::<Vec<_>>(), counted);
                }
            }
        }
    }

    fn picture(width: usize, height: usize) -> RgbImage {
        let data = (0..width * height * 3).map(|i| (i * 37 % 251) as u8 + 1).collect();
        RgbImage { width, height, data }
    }

    #[test]
    fn a_positive_distance_moves_right_and_down() {
        for interpolation in [Interpolation::Nearest, Interpolation::Bilinear] {
            let (before, mut after) = (picture(9, 7), picture(9, 7));
            Affine::translation(2, 3).apply(interpolation, &mut after, &mut Scratch::new());
            for (x, y) in (0..9).flat_map(|x| (0..7).map(move |y| (x, y))) {
                let expected = if x < 2 || y < 3 { [0; 3] } else { before.pixel(x - 2, y - 3) };
                assert_eq!(after.pixel(x, y), expected);
            }
        }
    }

    #[test]
    fn four_quarter_turns_of_a_square_are_none() {
        for interpolation in [Interpolation::Nearest, Interpolation::Bilinear] {
            let (before, mut image) = (picture(8, 8), picture(8, 8));
            for turn in 1..=4 {
                let corner = image.pixel(7, 0);
                Affine::rotation(90.0, 8, 8).apply(interpolation, &mut image, &mut Scratch::new());
                assert_eq!(image.pixel(0, 0), corner, "a positive angle turns counter-clockwise");
                assert_eq!(image == before, turn == 4);
            }
        }
    }

    /// Far away, nothing is left, and nothing is read that is not there.
    #[test]
    fn all_can_be_moved_away() {
        for interpolation in [Interpolation::Nearest, Interpolation::Bilinear] {
            for affine in [Affine::translation(9, 0), Affine::translation(0, -70), Affine::shear(40.0, 0.0)] {
                let mut image = picture(9, 7);
                affine.apply(interpolation, &mut image, &mut Scratch::new());
                assert!(image.data.iter().all(|&value| value == 0));
            }
        }
    }
}
