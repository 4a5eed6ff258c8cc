//! Transforms that read each pixel of the result from a place that can be told without the picture's values.

use std::fmt;

use super::sampler::{Way, sample, sample_mask};
use crate::augment::{Mask, Scratch, Transform};
use crate::pixels::RgbImage;
use crate::spec::ops::Border;

/// A transform that is a way back from the result to the source: pixels are mixed from the four around their place, masks
/// take the nearest.
pub(super) trait Warp: fmt::Debug + fmt::Display {
    /// The way back.
    type Way: Way;

    /// What lies beyond the border.
    fn border(&self) -> Border;

    /// The way back in a picture of these sides.
    fn way(&self, width: usize, height: usize) -> Self::Way;
}

impl<W: Warp> Transform for W {
    fn apply(&self, image: &mut RgbImage, scratch: &mut Scratch) {
        let way = self.way(image.width, image.height);
        sample(image, self.border(), &mut scratch.bytes, &way);
    }

    fn apply_to_mask(&self, mask: &mut Mask) {
        let way = self.way(mask.width, mask.height);
        sample_mask(mask, &way);
    }
}
