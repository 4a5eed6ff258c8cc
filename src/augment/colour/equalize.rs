//! Spreads the levels so that all are about as frequent: a histogram's running sum becomes the new level.
//!
//! Equal to albumentations 2.0.8's Equalize with `mode = "cv"`, that is OpenCV's `equalizeHist`, on each channel or on
//! the luma of YCrCb.

use std::fmt;

use super::histogram::{self, Counts, Histogram};
use super::ycrcb::{from_ycrcb, luma, to_ycrcb};
use crate::augment::lookup::{look_up, look_up_channels};
use crate::augment::planes::{BLOCK, join, split};
use crate::augment::{Scratch, Transform};
use crate::pixels::RgbImage;

/// What is equalized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Equalize {
    /// Each channel for itself (true), or brightness alone (false), which keeps the colours.
    pub by_channels: bool,
}

impl Transform for Equalize {
    fn apply(&self, image: &mut RgbImage, _scratch: &mut Scratch) {
        if self.by_channels {
            let tables = histogram::of_channels(&image.data).map(|histogram| table(&histogram));
            look_up_channels(&mut image.data, &tables);
        } else {
            let table = table(&luma_histogram(&image.data));
            change_luma(&mut image.data, &table);
        }
    }
}

impl fmt::Display for Equalize {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

#[multiversion::multiversion(targets("x86_64+avx2+bmi2"))]
fn luma_histogram(data: &[u8]) -> Histogram {
    let mut counts = Counts::none();
    for part in data.chunks(BLOCK * 3) {
        counts.add(&luma(&split(part))[..part.len() / 3]);
    }
    counts.total()
}

#[multiversion::multiversion(targets("x86_64+avx2+bmi2"))]
fn change_luma(data: &mut [u8], table: &[u8; 256]) {
    for part in data.chunks_mut(BLOCK * 3) {
        let mut planes = split(part);
        to_ycrcb(&mut planes);
        look_up(&mut planes[0], table);
        from_ycrcb(&mut planes);
        join(&planes, part);
    }
}

/// The running sum of all levels but the first that occurs, scaled to 255 in 32-bit floats and rounded to even. One
/// level alone stays as it is.
fn table(histogram: &Histogram) -> [u8; 256] {
    let mut table = std::array::from_fn(|level| level as u8);
    let total: u32 = histogram.iter().sum();
    let Some(first) = histogram.iter().position(|&count| count > 0) else { return table };
    if histogram[first] == total {
        return table;
    }
    let scale = 255.0 / (total - histogram[first]) as f32;
    let mut sum = 0;
    table[..=first].fill(0);
    for (level, &count) in table.iter_mut().zip(histogram).skip(first + 1) {
        sum += count;
        *level = (sum as f32 * scale).round_ties_even() as u8;
    }
    table
}
