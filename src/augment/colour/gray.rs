//! Takes the colour away.
//!
//! The methods are those of albumentations 2.0.8's ToGray but for `pca`, with equal results; `from_lab` has the
//! distance of [`lab`](super::lab) to OpenCV.

use std::fmt;

use super::lab::{LabTables, lightness};
use crate::augment::planes::{BLOCK, Plane, join, split};
use crate::augment::{Scratch, Transform};
use crate::pixels::RgbImage;
use crate::spec::ops::GrayMethod;

/// How the one value of a pixel comes from its three channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gray {
    /// The formula.
    pub method: GrayMethod,
}

impl Transform for Gray {
    fn apply(&self, image: &mut RgbImage, _scratch: &mut Scratch) {
        fade(&mut image.data, self.method);
    }
}

impl fmt::Display for Gray {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

/// Luma after ITU-R BT.601 (0.299 red, 0.587 green, 0.114 blue) in 15 fractional bits, as OpenCV's `RGB2GRAY` has it.
#[inline(always)]
pub(super) fn luma(r: u8, g: u8, b: u8) -> u8 {
    let sum = u32::from(r) * 9_798 + u32::from(g) * 19_235 + u32::from(b) * 3_735;
    ((sum + (1 << 14)) >> 15) as u8
}

/// The middle between the strongest and the weakest channel, cut off.
#[inline(always)]
fn middle(r: u8, g: u8, b: u8) -> u8 {
    let (most, least) = (r.max(g).max(b), r.min(g).min(b));
    (most & least) + ((most ^ least) >> 1)
}

/// A third of the sum, cut off: 21,846 / 65,536 is near enough to a third for sums up to 765.
#[inline(always)]
fn mean(r: u8, g: u8, b: u8) -> u8 {
    (((u32::from(r) + u32::from(g) + u32::from(b)) * 21_846) >> 16) as u8
}

#[inline(always)]
fn strongest(r: u8, g: u8, b: u8) -> u8 {
    r.max(g).max(b)
}

/// `gray` for each pixel of a block.
#[inline(always)]
pub(super) fn each([r, g, b]: &[Plane; 3], gray: fn(u8, u8, u8) -> u8) -> Plane {
    let mut plane = [0; BLOCK];
    for i in 0..BLOCK {
        plane[i] = gray(r[i], g[i], b[i]);
    }
    plane
}

#[multiversion::multiversion(targets("x86_64+avx2+bmi2"))]
fn fade(data: &mut [u8], method: GrayMethod) {
    let tables = LabTables::get();
    for part in data.chunks_mut(BLOCK * 3) {
        let planes = split(part);
        let gray = match method {
            GrayMethod::WeightedAverage => each(&planes, luma),
            GrayMethod::FromLab => lightness(tables, &planes),
            GrayMethod::Desaturation => each(&planes, middle),
            GrayMethod::Average => each(&planes, mean),
            GrayMethod::Max => each(&planes, strongest),
        };
        join(&[gray; 3], part);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_third_is_a_third() {
        assert!((0..=765u32).all(|sum| (sum * 21_846) >> 16 == sum / 3));
    }
}
