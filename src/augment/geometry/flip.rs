//! Mirrors a picture in place. Nothing is drawn: both flips have no parameters.

use std::fmt;

use super::reverse::reverse;
use crate::augment::{Mask, Scratch, Transform};
use crate::pixels::RgbImage;

/// One of the two mirrors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flip {
    /// Left and right.
    Horizontal,
    /// Top and bottom.
    Vertical,
}

impl Transform for Flip {
    fn apply(&self, image: &mut RgbImage, scratch: &mut Scratch) {
        if image.width == 0 {
            return;
        }
        match self {
            Flip::Horizontal => image.data.chunks_exact_mut(image.width * 3).for_each(reverse),
            Flip::Vertical => swap_rows(&mut image.data, image.width * 3, image.height, &mut scratch.bytes),
        }
    }

    fn apply_to_mask(&self, mask: &mut Mask) {
        if mask.width == 0 {
            return;
        }
        match self {
            Flip::Horizontal => mask.data.chunks_exact_mut(mask.width).for_each(<[u8]>::reverse),
            Flip::Vertical => swap_rows(&mut mask.data, mask.width, mask.height, &mut Vec::new()),
        }
    }
}

impl fmt::Display for Flip {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

fn swap_rows(values: &mut [u8], stride: usize, rows: usize, buffer: &mut Vec<u8>) {
    let (top, bottom) = values.split_at_mut(rows / 2 * stride);
    for (upper, lower) in top.chunks_exact_mut(stride).zip(bottom.rchunks_exact_mut(stride)) {
        // Three copies of a row are faster than a swap value by value.
        buffer.clear();
        buffer.extend_from_slice(upper);
        upper.copy_from_slice(lower);
        lower.copy_from_slice(buffer);
    }
}
