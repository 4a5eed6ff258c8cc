//! Adds a drawn number of levels to each channel. Equal to albumentations 2.0.8's RGBShift.

use std::fmt;

use crate::augment::{Scratch, Tables, Transform};
use crate::pixels::RgbImage;
use crate::seed::Draws;

/// The drawn values: what is added to red, green and blue, cut off to whole levels; the sum is clipped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RgbShift(
    /// In levels.
    pub [f64; 3],
);

impl RgbShift {
    /// Draws the shifts of red, green and blue, in this order, each uniformly.
    pub fn draw(limits: [[f64; 2]; 3], draws: &mut Draws) -> Self {
        RgbShift(limits.map(|[low, high]| draws.range_f64(low, high)))
    }
}

/// Channels in a stretch of whole pixels and whole vectors.
const STRETCH: usize = 96;

impl Transform for RgbShift {
    fn apply(&self, image: &mut RgbImage, _scratch: &mut Scratch) {
        let shifts = self.0.map(|shift| shift as i32);
        let up: [u8; STRETCH] = std::array::from_fn(|i| shifts[i % 3].clamp(0, 255) as u8);
        let down: [u8; STRETCH] = std::array::from_fn(|i| (-shifts[i % 3].clamp(-255, 0)) as u8);
        let shift = |value: &mut u8, i: usize| *value = value.saturating_add(up[i]).saturating_sub(down[i]);
        let (stretches, rest) = image.data.as_chunks_mut::<STRETCH>();
        for stretch in stretches {
            for (i, value) in stretch.iter_mut().enumerate() {
                shift(value, i);
            }
        }
        for (i, value) in rest.iter_mut().enumerate() {
            shift(value, i);
        }
    }

    fn tables(&self) -> Option<Tables> {
        let of = |shift: f64| std::array::from_fn(|value| (value as i32 + shift as i32).clamp(0, 255) as u8);
        Some(Tables(Box::new(self.0.map(of))))
    }
}

impl fmt::Display for RgbShift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [r, g, b] = self.0;
        write!(f, "r={r:+.1} g={g:+.1} b={b:+.1}")
    }
}
