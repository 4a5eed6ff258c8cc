//! Rotation about the centre, bilinear, the size kept.
//!
//! The geometry is albumentations 2.0.8's: the centre lies at `(width / 2 - 0.5, height / 2 - 0.5)`, a
//! positive angle turns counter-clockwise, and each pixel of the result is read from the turned-back place in
//! the source.

use std::fmt;

use super::affine::{Line, sin_cos};
use super::warp::Warp;
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

impl Warp for Rotation {
    type Way = Line;

    fn border(&self) -> Border {
        self.border
    }

    fn way(&self, width: usize, height: usize) -> Line {
        let (sin, cos) = sin_cos(self.angle);
        Line::about_centre([[cos, -sin], [sin, cos]], [0.0, 0.0], width, height)
    }
}

impl fmt::Display for Rotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "angle={:+.1}", self.angle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::{Scratch, Transform};
    use crate::pixels::RgbImage;

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
