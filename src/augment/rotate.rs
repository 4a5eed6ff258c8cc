//! Rotation about the centre, bilinear, the size kept.
//!
//! The geometry is albumentations 2.0.8's: the centre lies at `(width / 2 - 0.5, height / 2 - 0.5)`, a positive
//! angle turns counter-clockwise, and each pixel of the result is read from the turned-back place in the
//! source. Interpolation is exact, as OpenCV's is from version 5 on: on any picture the result is within one
//! level of it. OpenCV 4 rounds places to 1/32 pixel and so differs by a few levels at hard edges.
//!
//! Places are 64-bit fixed-point numbers with 32 fractional bits, so that the result is the same on every
//! machine; the four neighbours are weighted in 32-bit floats without fused operations.

use std::fmt;
use std::ops::Range;

use super::Scratch;
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

    /// Turns the picture.
    pub fn apply(self, image: &mut RgbImage, scratch: &mut Scratch) {
        let (width, height) = (image.width, image.height);
        if width == 0 || height == 0 {
            return;
        }
        let source = Source::of(image, self.border, &mut scratch.source);
        let turn = Turn::back(self.angle, width, height);
        for (y, row) in image.data.chunks_exact_mut(width * 3).enumerate() {
            let mut place = turn.row_start(y);
            let inside = turn.inside(place, width, height);
            for (x, pixel) in row.as_chunks_mut::<3>().0.iter_mut().enumerate() {
                *pixel = if inside.contains(&x) { source.blend_inside(place) } else { source.blend(place) };
                place = place.step(turn.right);
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

    #[inline]
    fn step(self, by: Place) -> Self {
        Place { x: self.x + by.x, y: self.y + by.y }
    }

    /// The whole pixel at the upper left.
    #[inline]
    fn floor(self) -> (i64, i64) {
        (self.x >> FRACTION, self.y >> FRACTION)
    }

    /// How far from that pixel to the next, 0 to below 1: 24 bits, which is what an f32 holds exactly.
    #[inline]
    fn fraction(self) -> (f32, f32) {
        let part = |v: i64| ((v >> 8) & 0xff_ffff) as i32 as f32 * (1.0 / 16_777_216.0);
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

    /// The place of the first pixel of row `y`.
    fn row_start(&self, y: usize) -> Place {
        let (dx, dy) = (-self.centre.0, y as f64 - self.centre.1);
        Place::of(self.cos * dx - self.sin * dy + self.centre.0, self.sin * dx + self.cos * dy + self.centre.1)
    }

    /// The columns of a row for which all four neighbours lie in the picture.
    fn inside(&self, start: Place, width: usize, height: usize) -> Range<usize> {
        let x = columns(start.x, self.right.x, width as i64 - 1, width);
        let y = columns(start.y, self.right.y, height as i64 - 1, width);
        x.start.max(y.start)..x.end.min(y.end)
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

/// The picture as it was.
struct Source<'a> {
    data: &'a [u8],
    width: usize,
    height: usize,
    border: Border,
}

impl<'a> Source<'a> {
    /// Copies the picture into `buffer`.
    fn of(image: &RgbImage, border: Border, buffer: &'a mut Vec<u8>) -> Self {
        buffer.clear();
        buffer.extend_from_slice(&image.data);
        // Pixels are read four bytes at a time: one more behind the last.
        buffer.push(0);
        Source { data: buffer, width: image.width, height: image.height, border }
    }

    /// The blend of the four pixels about `place`, all of which lie in the picture.
    #[inline]
    fn blend_inside(&self, place: Place) -> [u8; 3] {
        let (x, y) = place.floor();
        let upper = (y as usize * self.width + x as usize) * 3;
        let lower = upper + self.width * 3;
        let neighbours = [upper, upper + 3, lower, lower + 3].map(|i| self.at(i));
        mix(neighbours, place.fraction())
    }

    /// The blend of the four pixels about `place`, some of which may lie beyond the border.
    fn blend(&self, place: Place) -> [u8; 3] {
        let (x, y) = place.floor();
        let neighbours = [(x, y), (x + 1, y), (x, y + 1), (x + 1, y + 1)];
        mix(neighbours.map(|(x, y)| self.beyond(x, y)), place.fraction())
    }

    /// The pixel in column `x` of row `y`, which may lie beyond the border.
    fn beyond(&self, x: i64, y: i64) -> [f32; 4] {
        let inside = (0..self.width as i64).contains(&x) && (0..self.height as i64).contains(&y);
        match self.border {
            Border::Constant if !inside => [0.0; 4],
            Border::Constant => self.at((y as usize * self.width + x as usize) * 3),
            Border::Reflect101 => {
                self.at((reflect(y, self.height) * self.width + reflect(x, self.width)) * 3)
            }
        }
    }

    /// The pixel at byte `i`, and a fourth value that means nothing.
    #[inline]
    fn at(&self, i: usize) -> [f32; 4] {
        let bytes: [u8; 4] = self.data[i..i + 4].try_into().unwrap_or([0; 4]);
        bytes.map(f32::from)
    }
}

/// `i` mirrored into 0..`count` at the first and the last pixel, which are not repeated.
fn reflect(i: i64, count: usize) -> usize {
    if count <= 1 {
        return 0;
    }
    let last = count as i64 - 1;
    let i = i.rem_euclid(2 * last);
    (if i > last { 2 * last - i } else { i }) as usize
}

/// Weighs upper left, upper right, lower left and lower right.
#[inline]
fn mix([a, b, c, d]: [[f32; 4]; 4], (x, y): (f32, f32)) -> [u8; 3] {
    let lanes: [u8; 4] = std::array::from_fn(|i| {
        let upper = a[i] + (b[i] - a[i]) * x;
        let lower = c[i] + (d[i] - c[i]) * x;
        round(upper + (lower - upper) * y)
    });
    [lanes[0], lanes[1], lanes[2]]
}

/// The nearest whole number, ties to even, of a value in 0 to 255: adding 1.5 x 2^23 leaves it in the low bits.
#[inline]
fn round(value: f32) -> u8 {
    (value + 12_582_912.0).to_bits() as u8
}
