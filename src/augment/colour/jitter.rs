//! Brightness, contrast, saturation and hue, each a little, in a drawn order.
//!
//! As albumentations 2.0.8's ColorJitter, which follows torchvision's. Brightness and contrast are equal to it,
//! saturation but for values beside a half, and hue as [`HsvShift`] is.

use std::fmt;

use super::brightness::linear;
use super::gray::{each, luma};
use super::hsv::HsvShift;
use crate::augment::lookup::look_up;
use crate::augment::planes::{BLOCK, join, rounded, split};
use crate::augment::{Scratch, Transform};
use crate::pixels::RgbImage;
use crate::seed::Draws;

/// One of the four changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Values times a factor.
    Brightness,
    /// Differences to the mean luma times a factor.
    Contrast,
    /// Differences to a pixel's luma times a factor.
    Saturation,
    /// The hue turned.
    Hue,
}

/// The drawn values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Jitter {
    /// Factor; 1 changes nothing, 0 makes black.
    pub brightness: f64,
    /// Factor; 1 changes nothing, 0 leaves the mean.
    pub contrast: f64,
    /// Factor; 1 changes nothing, 0 leaves no colour.
    pub saturation: f64,
    /// Turns of the circle.
    pub hue: f64,
    /// What is done first.
    pub order: [Change; 4],
}

impl Jitter {
    /// Draws brightness, contrast, saturation and hue uniformly, then the order, each as likely as the others.
    pub fn draw(ranges: [[f64; 2]; 4], draws: &mut Draws) -> Self {
        let [brightness, contrast, saturation, hue] = ranges.map(|[low, high]| draws.range_f64(low, high));
        let mut order = [Change::Brightness, Change::Contrast, Change::Saturation, Change::Hue];
        draws.shuffle(&mut order);
        Jitter { brightness, contrast, saturation, hue, order }
    }
}

impl Transform for Jitter {
    fn apply(&self, image: &mut RgbImage, scratch: &mut Scratch) {
        for change in self.order {
            match change {
                Change::Brightness => look_up(&mut image.data, &linear(self.brightness as f32, 0.0)),
                Change::Contrast => contrast(&mut image.data, self.contrast),
                Change::Saturation if self.saturation != 1.0 => saturate(&mut image.data, self.saturation),
                Change::Saturation => {}
                Change::Hue => {
                    let turned = HsvShift { hue: 180.0 * self.hue, saturation: 0.0, value: 0.0 };
                    turned.apply(image, scratch);
                }
            }
        }
    }
}

impl fmt::Display for Jitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, change) in self.order.iter().enumerate() {
            let (name, value) = match change {
                Change::Brightness => ("brightness", self.brightness),
                Change::Contrast => ("contrast", self.contrast),
                Change::Saturation => ("saturation", self.saturation),
                Change::Hue => ("hue", self.hue),
            };
            let space = if i == 0 { "" } else { " " };
            write!(f, "{space}{name}={value:.3}")?;
        }
        Ok(())
    }
}

/// `factor x value + (1 - factor) x mean`, cut off. A factor of 0 leaves the mean, rounded.
fn contrast(data: &mut [u8], factor: f64) {
    if factor == 1.0 || data.is_empty() {
        return;
    }
    let mean = luma_sum(data) as f64 / (data.len() / 3) as f64;
    if factor == 0.0 {
        data.fill((mean + 0.5) as u8);
    } else {
        look_up(data, &linear(factor as f32, (mean * (1.0 - factor)) as f32));
    }
}

#[multiversion::multiversion(targets("x86_64+avx2+bmi2"))]
fn luma_sum(data: &[u8]) -> u64 {
    let mut sum = 0;
    for part in data.chunks(BLOCK * 3) {
        // What fills the block up is black.
        let gray = each(&split(part), luma);
        sum += u64::from(gray.iter().map(|&value| u32::from(value)).sum::<u32>());
    }
    sum
}

/// `factor x value + (1 - factor) x luma`, rounded to even.
#[multiversion::multiversion(targets("x86_64+avx2+bmi2"))]
fn saturate(data: &mut [u8], factor: f64) {
    let (own, common) = (factor as f32, (1.0 - factor) as f32);
    for part in data.chunks_mut(BLOCK * 3) {
        let mut planes = split(part);
        let gray = each(&planes, luma);
        for plane in &mut planes {
            for (value, &gray) in plane.iter_mut().zip(&gray) {
                *value = rounded(f32::from(*value) * own + f32::from(gray) * common);
            }
        }
        join(&planes, part);
    }
}
