//! Blur by a normal distribution.
//!
//! As albumentations 2.0.8's GaussianBlur, that is Pillow's kernel: 3.5 standard deviations to each side, sampled at whole
//! pixels; mirrored beyond the border.

use std::fmt;

use super::separable::{Taps, blur};
use crate::augment::{Scratch, Transform};
use crate::pixels::RgbImage;
use crate::seed::Draws;

/// The drawn values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GaussianBlur {
    /// Standard deviation in pixels.
    pub sigma: f64,
    /// Side of the kernel; 0: 3.5 standard deviations to each side.
    pub size: usize,
}

impl GaussianBlur {
    /// Draws the standard deviation, then the side, each uniformly.
    pub fn draw(sigma: [f64; 2], size: [i64; 2], draws: &mut Draws) -> Self {
        let sigma = draws.range_f64(sigma[0], sigma[1]);
        let size = size[0] + draws.below((size[1] - size[0] + 1) as u64) as i64;
        GaussianBlur { sigma, size: size as usize }
    }
}

impl Transform for GaussianBlur {
    fn apply(&self, image: &mut RgbImage, scratch: &mut Scratch) {
        let size = if self.size == 0 { (self.sigma * 3.5) as usize * 2 } else { self.size };
        blur(image, &Taps::gaussian(self.sigma, size | 1), &mut scratch.rows);
    }
}

impl fmt::Display for GaussianBlur {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sigma={:.2}", self.sigma)?;
        if self.size > 0 { write!(f, " kernel={}", self.size | 1) } else { Ok(()) }
    }
}
