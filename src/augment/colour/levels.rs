//! Changes of single levels by a rule that is the same for all channels: fewer bits, turned over, turned over from a
//! threshold on. Equal to albumentations 2.0.8's Posterize, InvertImg and Solarize.

use std::fmt;

use crate::augment::{Scratch, Tables, Transform};
use crate::pixels::RgbImage;
use crate::seed::Draws;

/// Keeps the highest bits of each value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posterize {
    /// 1 to 7 bits that are kept.
    pub bits: u8,
}

impl Posterize {
    /// Draws the number of bits, each in the range as likely as the others.
    pub fn draw([low, high]: [i64; 2], draws: &mut Draws) -> Self {
        let (low, high) = (low.clamp(1, 8), high.clamp(1, 8));
        let bits = low + draws.below((high - low).max(0) as u64 + 1) as i64;
        Posterize { bits: bits as u8 }
    }

    fn mask(self) -> u8 {
        (0xff00_u16 >> self.bits.min(8)) as u8
    }
}

impl Transform for Posterize {
    fn apply(&self, image: &mut RgbImage, _scratch: &mut Scratch) {
        let mask = self.mask();
        for value in &mut image.data {
            *value &= mask;
        }
    }

    fn tables(&self) -> Option<Tables> {
        Some(Tables::same(std::array::from_fn(|value| value as u8 & self.mask())))
    }
}

impl fmt::Display for Posterize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bits={}", self.bits)
    }
}

/// `255 - value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invert;

impl Transform for Invert {
    fn apply(&self, image: &mut RgbImage, _scratch: &mut Scratch) {
        for value in &mut image.data {
            *value = !*value;
        }
    }

    fn tables(&self) -> Option<Tables> {
        Some(Tables::same(std::array::from_fn(|value| !(value as u8))))
    }
}

impl fmt::Display for Invert {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

/// Turns over what is at least as bright as a threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Solarize {
    /// As a share of 255; 0 turns over all, and what is above 1 nothing.
    pub threshold: f64,
}

impl Solarize {
    /// Draws the threshold uniformly.
    pub fn draw(threshold: [f64; 2], draws: &mut Draws) -> Self {
        Solarize { threshold: draws.range_f64(threshold[0], threshold[1]) }
    }

    /// The first level that is turned over; `None`: none is.
    fn first(self) -> Option<u8> {
        (0..=255u8).find(|&value| f64::from(value) >= self.threshold * 255.0)
    }
}

impl Transform for Solarize {
    fn apply(&self, image: &mut RgbImage, _scratch: &mut Scratch) {
        let Some(first) = self.first() else { return };
        for value in &mut image.data {
            *value = turned_over(*value, first);
        }
    }

    fn tables(&self) -> Option<Tables> {
        let first = self.first();
        let turned = |value| first.map_or(value, |first| turned_over(value, first));
        Some(Tables::same(std::array::from_fn(|value| turned(value as u8))))
    }
}

fn turned_over(value: u8, first: u8) -> u8 {
    if value >= first { 255 - value } else { value }
}

impl fmt::Display for Solarize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "threshold={:.3}", self.threshold)
    }
}
