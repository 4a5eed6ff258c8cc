//! Brightness and contrast: one table of 256 values, applied to all channels.
//!
//! Equal to albumentations 2.0.8's RandomBrightnessContrast for 8-bit pictures: the table is computed in
//! 32-bit floats, clipped, and cut off (not rounded) to whole levels.

use std::fmt;

use crate::augment::lookup::look_up;
use crate::augment::{Scratch, Tables, Transform};
use crate::pixels::RgbImage;
use crate::seed::Draws;

/// The drawn values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BrightnessContrast {
    /// Factor on each value; 1 changes nothing.
    pub contrast: f64,
    /// Added brightness as a share of 255, or of the picture's mean.
    pub brightness: f64,
    /// The share is of 255 (true) or of the mean over all pixels and channels (false).
    pub by_max: bool,
}

impl BrightnessContrast {
    /// Draws the contrast, then the brightness, each uniformly.
    pub fn draw(brightness: [f64; 2], contrast: [f64; 2], by_max: bool, draws: &mut Draws) -> Self {
        let contrast = 1.0 + draws.range_f64(contrast[0], contrast[1]);
        let brightness = draws.range_f64(brightness[0], brightness[1]);
        BrightnessContrast { contrast, brightness, by_max }
    }
}

/// `out = contrast x in + brightness x 255` (or `x mean`), clipped to 0 to 255.
impl Transform for BrightnessContrast {
    fn apply(&self, image: &mut RgbImage, _scratch: &mut Scratch) {
        let unit = if self.by_max { 255.0 } else { mean(&image.data) };
        look_up(&mut image.data, &linear(self.contrast as f32, (self.brightness * unit) as f32));
    }

    fn tables(&self) -> Option<Tables> {
        let added = (self.brightness * 255.0) as f32;
        self.by_max.then(|| Tables::same(linear(self.contrast as f32, added)))
    }
}

impl fmt::Display for BrightnessContrast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "brightness={:+.3} contrast={:.3}", self.brightness, self.contrast)
    }
}

/// Of an empty picture: 0.
fn mean(values: &[u8]) -> f64 {
    sum(values) as f64 / values.len().max(1) as f64
}

#[multiversion::multiversion(targets("x86_64+avx2+bmi2"))]
fn sum(values: &[u8]) -> u64 {
    values
        .chunks(1 << 16)
        .map(|part| u64::from(part.iter().map(|&value| u32::from(value)).sum::<u32>()))
        .sum()
}

/// `factor x value + added` for each value, clipped to 0 to 255 and cut off to whole levels.
pub(super) fn linear(factor: f32, added: f32) -> [u8; 256] {
    std::array::from_fn(|value| {
        // Two roundings, as in the reference: the product, then the sum. The cast cuts off and clips.
        let product = value as f32 * factor;
        (product + added) as u8
    })
}
