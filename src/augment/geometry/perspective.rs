//! A quadrilateral within the picture, stretched to the whole of it, bilinear.
//!
//! Corners are drawn as albumentations 2.0.8 draws them: each coordinate moves inwards by the absolute value
//! of a normal draw, as a share of the side, modulo 0.32. The four corners then fill the picture exactly.
//! (albumentations 2.0.8 with `keep_size` enlarges what comes out once more, by up to a half, so that its
//! right and lower parts are cut off.)

use std::fmt;

use super::sampler::{BATCH, Places, Way};
use super::warp::Warp;
use crate::seed::Draws;
use crate::spec::ops::Border;

/// The drawn values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Perspective {
    /// How far the corners move inwards, as shares of width and height, each below a half: upper left, upper
    /// right, lower right, lower left.
    pub inwards: [[f64; 2]; 4],
}

impl Perspective {
    /// Draws the standard deviation uniformly from `scale`, then the corners.
    pub fn draw(scale: [f64; 2], draws: &mut Draws) -> Self {
        let scale = draws.range_f64(scale[0], scale[1]);
        let inwards = std::array::from_fn(|_| std::array::from_fn(|_| (draws.normal() * scale).abs() % 0.32));
        Perspective { inwards }
    }
}

impl Warp for Perspective {
    type Way = Homography;

    /// Nothing is read beyond the border, but for what rounding does.
    fn border(&self) -> Border {
        Border::Reflect101
    }

    fn way(&self, width: usize, height: usize) -> Homography {
        let (right, bottom) = (width as f64, height as f64);
        let [a, b, c, d] = self.inwards;
        // Rounded as OpenCV takes them.
        let corner = |x: f64, y: f64| [f64::from((x * right) as f32), f64::from((y * bottom) as f32)];
        let corners = [
            corner(a[0], a[1]),
            corner(1.0 - b[0], b[1]),
            corner(1.0 - c[0], 1.0 - c[1]),
            corner(d[0], 1.0 - d[1]),
        ];
        Homography::from_rectangle(width, height, corners)
    }
}

impl fmt::Display for Perspective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = ["upper_left", "upper_right", "lower_right", "lower_left"];
        for (i, (name, [x, y])) in names.iter().zip(self.inwards).enumerate() {
            let space = if i == 0 { "" } else { " " };
            write!(f, "{space}{name}={x:.3},{y:.3}")?;
        }
        Ok(())
    }
}

/// A projective map: `x` and `y` are quotients with one denominator.
pub(super) struct Homography {
    x: [f64; 3],
    y: [f64; 3],
    below: [f64; 3],
}

impl Homography {
    /// The map that takes the corners of a picture (0, 0), (width, 0), (width, height), (0, height) to
    /// `corners`, which bound a convex area (Heckbert, "Fundamentals of texture mapping and image warping",
    /// 1989, section 2.2.3).
    fn from_rectangle(width: usize, height: usize, corners: [[f64; 2]; 4]) -> Self {
        let [p, q, r, s] = corners;
        let across =
            |axis: usize| [q[axis] - r[axis], s[axis] - r[axis], p[axis] - q[axis] + r[axis] - s[axis]];
        let ([x1, x2, x3], [y1, y2, y3]) = (across(0), across(1));
        let area = x1 * y2 - x2 * y1;
        let (g, h) = ((x3 * y2 - x2 * y3) / area, (x1 * y3 - x3 * y1) / area);
        let (width, height) = (width as f64, height as f64);
        let top = |i: usize| [(q[i] - p[i] + g * q[i]) / width, (s[i] - p[i] + h * s[i]) / height, p[i]];
        Homography { x: top(0), y: top(1), below: [g / width, h / height, 1.0] }
    }
}

impl Way for Homography {
    type Row = [f64; 3];

    #[inline(always)]
    fn row(&self, y: usize) -> [f64; 3] {
        [self.x, self.y, self.below].map(|[_, down, constant]| down * y as f64 + constant)
    }

    #[inline(always)]
    fn places(&self, row: &[f64; 3], column: usize, places: &mut Places) {
        let (mut x, mut y) = ([0.0; BATCH], [0.0; BATCH]);
        for i in 0..BATCH {
            let column = (column + i) as u32 as f64;
            let share = 1.0 / (self.below[0] * column + row[2]);
            x[i] = (self.x[0] * column + row[0]) * share;
            y[i] = (self.y[0] * column + row[1]) * share;
        }
        places.set(&x, &y);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::{Scratch, Transform};
    use crate::pixels::RgbImage;
    use crate::seed::Key;

    #[test]
    fn corners_go_to_corners() {
        let corners = [[3.0, 5.0], [90.0, 11.0], [80.0, 55.0], [7.0, 48.0]];
        let map = Homography::from_rectangle(100, 60, corners);
        for ([x, y], expected) in
            [[0.0, 0.0], [100.0, 0.0], [100.0, 60.0], [0.0, 60.0]].into_iter().zip(corners)
        {
            let at = |[a, b, c]: [f64; 3]| a * x + b * y + c;
            let found = [at(map.x) / at(map.below), at(map.y) / at(map.below)];
            assert!((0..2).all(|i| (found[i] - expected[i]).abs() < 1e-9), "{found:?} {expected:?}");
        }
    }

    #[test]
    fn corners_that_stay_change_nothing() {
        let data: Vec<u8> = (0..9 * 7 * 3).map(|i| (i * 37 % 251) as u8).collect();
        let mut image = RgbImage { width: 9, height: 7, data: data.clone() };
        let still = Perspective { inwards: [[0.0; 2]; 4] };
        still.apply(&mut image, &mut Scratch::new());
        assert_eq!(image.data, data);
    }

    /// Half-normal, folded at 0.32: the mean of the absolute value is `scale x sqrt(2 / pi)` where nothing is
    /// folded.
    #[test]
    fn corners_move_as_far_as_asked() {
        let (mut sum, mut n) = (0.0, 0.0);
        for id in 0..2_000 {
            let drawn = Perspective::draw([0.06, 0.06], &mut Key::root(id).draws());
            for share in drawn.inwards.into_iter().flatten() {
                assert!((0.0..0.32).contains(&share));
                sum += share;
                n += 1.0;
            }
        }
        assert!((sum / n / (0.06 * (2.0 / std::f64::consts::PI).sqrt()) - 1.0).abs() < 0.02, "{}", sum / n);
    }
}
