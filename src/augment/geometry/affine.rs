//! Straight maps: scaled, turned, sheared and shifted about the centre, bilinear, the size kept.
//!
//! The geometry is albumentations 2.0.8's: the centre lies at `(width / 2 - 0.5, height / 2 - 0.5)`; about it
//! the picture is scaled, then turned (a positive angle counter-clockwise), then sheared, then shifted by
//! whole pixels.

use std::fmt;

use super::sampler::{BATCH, Places, WHOLE, Way};
use super::warp::Warp;
use crate::seed::Draws;
use crate::spec::ops::Border;

/// The drawn values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine {
    /// Factors of width and height.
    pub scale: [f64; 2],
    /// Shares of width and height, to the right and down; whole pixels are moved.
    pub translate: [f64; 2],
    /// Degrees, counter-clockwise.
    pub rotate: f64,
    /// Degrees along x and along y.
    pub shear: [f64; 2],
    /// What lies beyond the border.
    pub border: Border,
}

/// The settings of `affine`: ranges.
pub struct Ranges {
    /// Of both factors.
    pub scale: [f64; 2],
    /// One factor for both sides (true) or one for each.
    pub keep_ratio: bool,
    /// Of the shift as a share of the width and of the height.
    pub translate: [[f64; 2]; 2],
    /// In degrees.
    pub rotate: [f64; 2],
    /// Of both angles, in degrees.
    pub shear: [f64; 2],
}

impl Affine {
    /// Draws shifts, shears, factors and the angle, in this order, each uniformly.
    pub fn draw(ranges: &Ranges, border: Border, draws: &mut Draws) -> Self {
        let mut draw = |[low, high]: [f64; 2]| draws.range_f64(low, high);
        let translate = ranges.translate.map(&mut draw);
        let shear = [ranges.shear; 2].map(&mut draw);
        let [x, y] = [ranges.scale; 2].map(&mut draw);
        let scale = if ranges.keep_ratio { [x, x] } else { [x, y] };
        Affine { scale, translate, rotate: draw(ranges.rotate), shear, border }
    }
}

impl Warp for Affine {
    type Way = Line;

    fn border(&self) -> Border {
        self.border
    }

    fn way(&self, width: usize, height: usize) -> Line {
        let (sin, cos) = sin_cos(self.rotate);
        let tan = |degrees: f64| libm::tan(degrees * (std::f64::consts::PI / 180.0));
        let [shear_x, shear_y] = self.shear.map(|degrees| -tan(degrees));
        let [scale_x, scale_y] = self.scale;
        // Shear x turn x scale; y points down.
        let [a, b] = [(cos - shear_x * sin) * scale_x, (sin + shear_x * cos) * scale_y];
        let [c, d] = [(shear_y * cos - sin) * scale_x, (shear_y * sin + cos) * scale_y];
        let determinant = a * d - b * c;
        // A picture that is pressed into a line has no way back: the middle pixel is everywhere.
        let inverse = if determinant == 0.0 { 0.0 } else { 1.0 / determinant };
        let back = [[d * inverse, -b * inverse], [-c * inverse, a * inverse]];
        let [x, y] = [self.translate[0] * width as f64, self.translate[1] * height as f64].map(libm::trunc);
        Line::about_centre(back, [x, y], width, height)
    }
}

impl fmt::Display for Affine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ([sx, sy], [tx, ty]) = (self.scale, self.translate);
        write!(f, "scale={sx:.3},{sy:.3} shift={tx:+.3},{ty:+.3} rotate={:+.1}", self.rotate)?;
        match self.shear {
            [0.0, 0.0] => Ok(()),
            [x, y] => write!(f, " shear={x:+.1},{y:+.1}"),
        }
    }
}

/// Sine and cosine of an angle in degrees.
pub(super) fn sin_cos(degrees: f64) -> (f64, f64) {
    let radians = degrees.rem_euclid(360.0) * (std::f64::consts::PI / 180.0);
    (libm::sin(radians), libm::cos(radians))
}

/// A straight map back from the result to the source. Places are whole numbers with 32 fractional bits, so
/// that steps add up without error.
pub(super) struct Line {
    back: [[f64; 2]; 2],
    /// The point of the result that comes from `centre`.
    from: [f64; 2],
    centre: [f64; 2],
    /// The steps in the source for 0, 1, 2 ... pixels to the right.
    steps: [[i64; BATCH]; 2],
    /// No place is further from the centre than this, in pixels.
    far: f64,
}

impl Line {
    /// The map `back` about the centre, of a picture that is then shifted by so many pixels.
    pub(super) fn about_centre(back: [[f64; 2]; 2], shift: [f64; 2], width: usize, height: usize) -> Self {
        let centre = [width as f64 / 2.0 - 0.5, height as f64 / 2.0 - 0.5];
        let from = [centre[0] + shift[0], centre[1] + shift[1]];
        // A batch may run beyond the end of a row.
        let columns = (width + BATCH) as f64;
        let far = f64::from(1 << 29);
        let steepest = far / columns;
        let steps = [back[0][0], back[1][0]].map(|step| {
            let step = fixed(step.clamp(-steepest, steepest));
            std::array::from_fn(|i| step * i as i64)
        });
        Line { back, from, centre, steps, far }
    }
}

impl Way for Line {
    type Row = [i64; 2];

    #[inline(always)]
    fn row(&self, y: usize) -> [i64; 2] {
        let (dx, dy) = (-self.from[0], y as f64 - self.from[1]);
        // Half a part further on: parts are cut off later.
        let half = 0.5 / f64::from(WHOLE);
        let start = |axis: usize| {
            let [across, down] = self.back[axis];
            let place = across * dx + down * dy + self.centre[axis] + half;
            fixed(place.clamp(-self.far, self.far))
        };
        [start(0), start(1)]
    }

    #[inline(always)]
    fn places(&self, [x, y]: &[i64; 2], column: usize, places: &mut Places) {
        let column = column as i64;
        let start = [x + self.steps[0][1] * column, y + self.steps[1][1] * column];
        places.set_line(start, &self.steps);
    }
}

/// Pixels with 32 fractional bits.
fn fixed(v: f64) -> i64 {
    libm::round(v * (1u64 << 32) as f64) as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::{Mask, Scratch, Transform};
    use crate::pixels::RgbImage;

    fn picture() -> RgbImage {
        let data: Vec<u8> = (0..9 * 7 * 3).map(|i| (i * 37 % 251) as u8).collect();
        RgbImage { width: 9, height: 7, data }
    }

    fn still() -> Affine {
        let (scale, zero) = ([1.0; 2], [0.0; 2]);
        Affine { scale, translate: zero, rotate: 0.0, shear: zero, border: Border::Constant }
    }

    #[test]
    fn nothing_drawn_moves_nothing() {
        let mut image = picture();
        still().apply(&mut image, &mut Scratch::new());
        assert_eq!(image, picture());
    }

    #[test]
    fn a_shift_moves_whole_pixels_to_the_right_and_down() {
        let mut image = picture();
        Affine { translate: [2.9 / 9.0, 1.9 / 7.0], ..still() }.apply(&mut image, &mut Scratch::new());
        for (x, y) in (0..7).flat_map(|y| (0..9).map(move |x| (x, y))) {
            let expected = if x < 2 || y < 1 { [0; 3] } else { picture().pixel(x - 2, y - 1) };
            assert_eq!(image.pixel(x, y), expected, "{x} {y}");
        }
    }

    /// No panic, no overflow, whatever is asked for.
    #[test]
    fn a_picture_pressed_into_a_line_or_blown_up_is_a_picture() {
        for border in [Border::Constant, Border::Reflect101] {
            for affine in [
                Affine { shear: [45.0, 45.0], ..still() },
                Affine { shear: [44.999_999_999, 45.0], ..still() },
                Affine { scale: [0.0, 1e-12], ..still() },
                Affine { scale: [1e12, 1e-300], ..still() },
                Affine { translate: [1e9, -1e300], ..still() },
            ] {
                let affine = Affine { border, ..affine };
                let mut image = picture();
                affine.apply(&mut image, &mut Scratch::new());
                let mut mask = Mask::of_box(9, 7, 0..9, 0..7);
                affine.apply_to_mask(&mut mask);
            }
        }
    }
}
