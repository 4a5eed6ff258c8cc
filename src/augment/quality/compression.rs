//! The losses of JPEG.
//!
//! What libjpeg-turbo's encoder and decoder make of a picture with their defaults (baseline, chroma at half the side both
//! ways, the slow integer transform, smooth upsampling), bit for bit, without writing a file in between: its entropy coding
//! loses nothing. albumentations 2.0.8's ImageCompression hands red for blue to the encoder; here colours are where they
//! belong.

use std::fmt;

use super::jpeg;
use crate::augment::{Scratch, Transform};
use crate::pixels::RgbImage;
use crate::seed::Draws;

/// The drawn value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageCompression {
    /// As libjpeg counts it: 1 to 100.
    pub quality: u8,
}

impl ImageCompression {
    /// Draws the quality uniformly.
    pub fn draw(quality: [i64; 2], draws: &mut Draws) -> Self {
        let quality = quality[0] + draws.below((quality[1] - quality[0] + 1) as u64) as i64;
        ImageCompression { quality: quality as u8 }
    }
}

impl Transform for ImageCompression {
    fn apply(&self, image: &mut RgbImage, scratch: &mut Scratch) {
        jpeg::lose(image, self.quality, &mut scratch.planes);
    }
}

impl fmt::Display for ImageCompression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "quality={}", self.quality)
    }
}
