//! Stretches each channel from its darkest to its brightest level over all levels, or equalizes it between them.
//!
//! Equal to albumentations 2.0.8's AutoContrast without `ignore`, including that it never counts level 255.

use std::fmt;

use super::histogram::{self, Histogram};
use crate::augment::lookup::look_up_channels;
use crate::augment::{Scratch, Transform};
use crate::pixels::RgbImage;
use crate::spec::ops::ContrastMethod;

/// What is cut off, and how the rest is spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AutoContrast {
    /// Percent of a channel's pixels that are cut off at each end.
    pub cutoff: f64,
    /// How the levels between are spread.
    pub method: ContrastMethod,
}

impl Transform for AutoContrast {
    fn apply(&self, image: &mut RgbImage, _scratch: &mut Scratch) {
        let tables = histogram::of_channels(&image.data).map(|mut histogram| {
            histogram[255] = 0;
            self.table(&histogram)
        });
        look_up_channels(&mut image.data, &tables);
    }
}

impl fmt::Display for AutoContrast {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl AutoContrast {
    fn table(&self, histogram: &Histogram) -> [u8; 256] {
        let same = std::array::from_fn(|level| level as u8);
        let (low, high) = ends(histogram, self.cutoff);
        if high <= low {
            return same;
        }
        let counts = &histogram[low..=high];
        if self.method == ContrastMethod::Cdf && counts.iter().all(|&count| count == 0) {
            return same;
        }
        let first = counts[0];
        let all = (counts.iter().sum::<u32>() - first) as f32;
        let scale = 255.0 / (high - low) as f64;
        let mut sum = 0;
        std::array::from_fn(|level| match level {
            _ if level < low => 0,
            _ if level > high => 255,
            _ => match self.method {
                ContrastMethod::Cdf => {
                    sum += histogram[level];
                    // Nothing above the first level gives 0 / 0, which the cast makes 0.
                    ((sum - first) as f32 * 255.0 / all).round_ties_even() as u8
                }
                ContrastMethod::Pil => ((level - low) as f64 * scale).round_ties_even() as u8,
            },
        })
    }
}

/// The darkest and the brightest level that are left when `cutoff` percent are cut off at each end.
fn ends(histogram: &Histogram, cutoff: f64) -> (usize, usize) {
    let occurs = |count: &u32| *count > 0;
    let (Some(first), Some(last)) = (histogram.iter().position(occurs), histogram.iter().rposition(occurs))
    else {
        return (0, 0);
    };
    if cutoff == 0.0 {
        return (first, last);
    }
    let total: u32 = histogram.iter().sum();
    let cut = (f64::from(total) * cutoff / 100.0) as f32;
    let mut sum = 0;
    let mut reached = |count: &u32| {
        sum += count;
        sum as f32 >= cut
    };
    let low = histogram.iter().position(&mut reached).map_or(0, |level| (level + 1).min(255));
    sum = 0;
    let mut reached = |count: &u32| {
        sum += count;
        sum as f32 >= cut
    };
    let high = histogram.iter().rposition(&mut reached).unwrap_or(255);
    // What crosses leaves nothing to stretch.
    if low > high { (127, 127) } else { (low, high) }
}
