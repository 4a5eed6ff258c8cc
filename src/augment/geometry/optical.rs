//! The distortion of a lens, bilinear.
//!
//! The camera model of albumentations 2.0.8, which is OpenCV's `initUndistortRectifyMap` with focal lengths
//! as long as the sides and `k1 = k2 = k`: with `(x, y)` the place from the centre in shares of the sides and
//! `r` its length, a pixel comes from `(x, y) x (1 + k r^2 + k r^4)`. The centre is the picture's middle.
//! (albumentations reads half a pixel to the lower right of it, since the two centres that it gives to OpenCV
//! differ by so much.)

use std::fmt;

use super::sampler::{BATCH, Places, Way};
use super::warp::Warp;
use crate::seed::Draws;
use crate::spec::ops::Border;

/// The drawn values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OpticalDistortion {
    /// The coefficient: a barrel where it is above 0, a pincushion below.
    pub k: f64,
    /// What lies beyond the border.
    pub border: Border,
}

impl OpticalDistortion {
    /// Draws the coefficient uniformly.
    pub fn draw(limit: [f64; 2], border: Border, draws: &mut Draws) -> Self {
        OpticalDistortion { k: draws.range_f64(limit[0], limit[1]), border }
    }
}

impl Warp for OpticalDistortion {
    type Way = Lens;

    fn border(&self) -> Border {
        self.border
    }

    fn way(&self, width: usize, height: usize) -> Lens {
        let (width, height) = (width as f64, height as f64);
        Lens { k: self.k, width, height, centre: [width / 2.0 - 0.5, height / 2.0 - 0.5] }
    }
}

impl fmt::Display for OpticalDistortion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "k={:+.3}", self.k)
    }
}

pub(super) struct Lens {
    k: f64,
    width: f64,
    height: f64,
    centre: [f64; 2],
}

impl Way for Lens {
    /// How far down from the centre, as a share of the height.
    type Row = f64;

    #[inline(always)]
    fn row(&self, y: usize) -> f64 {
        (y as f64 - self.centre[1]) / self.height
    }

    #[inline(always)]
    fn places(&self, &down: &f64, column: usize, places: &mut Places) {
        let (mut x, mut y) = ([0.0; BATCH], [0.0; BATCH]);
        let per_column = 1.0 / self.width;
        for i in 0..BATCH {
            let across = ((column + i) as u32 as f64 - self.centre[0]) * per_column;
            let square = across * across + down * down;
            let factor = 1.0 + (square * self.k + self.k) * square;
            x[i] = across * factor * self.width + self.centre[0];
            y[i] = down * factor * self.height + self.centre[1];
        }
        places.set(&x, &y);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::{Scratch, Transform};
    use crate::pixels::RgbImage;

    #[test]
    fn a_lens_without_distortion_changes_nothing() {
        let data: Vec<u8> = (0..9 * 7 * 3).map(|i| (i * 37 % 251) as u8).collect();
        let mut image = RgbImage { width: 9, height: 7, data: data.clone() };
        OpticalDistortion { k: 0.0, border: Border::Constant }.apply(&mut image, &mut Scratch::new());
        assert_eq!(image.data, data);
    }
}
