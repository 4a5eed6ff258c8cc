//! Smaller and large again, each time with the nearest pixel: blocks of one colour.
//!
//! Equal to albumentations 2.0.8's Downscale with its interpolation pair of nearest and nearest (OpenCV's `INTER_NEAREST`,
//! which takes the pixel at or before the place), but that one pixel is left where it would leave none.

use std::fmt;

use crate::augment::{Scratch, Transform};
use crate::pixels::RgbImage;
use crate::seed::Draws;

/// The drawn values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Downscale {
    /// The smaller side as a share of the larger one, above 0 to 1.
    pub scale: f64,
}

impl Downscale {
    /// Draws the scale uniformly.
    pub fn draw(scale: [f64; 2], draws: &mut Draws) -> Self {
        Downscale { scale: draws.range_f64(scale[0], scale[1]) }
    }

    /// Where each of `n` pixels of a side comes from.
    fn sources(&self, n: usize, sources: &mut Vec<u32>) {
        let small = (libm::rint(n as f64 * self.scale) as usize).max(1);
        let (down, up) = (1.0 / self.scale, small as f64 / n as f64);
        // OpenCV takes the reciprocal of the reciprocal.
        let up = 1.0 / (1.0 / up);
        sources.clear();
        sources.extend((0..n).map(|i| {
            let middle = ((i as f64 * up) as usize).min(small - 1);
            ((middle as f64 * down) as usize).min(n - 1) as u32
        }));
    }
}

impl Transform for Downscale {
    fn apply(&self, image: &mut RgbImage, scratch: &mut Scratch) {
        let (width, height) = (image.width, image.height);
        if image.data.is_empty() {
            return;
        }
        let [columns, rows, _] = &mut scratch.words;
        self.sources(width, columns);
        self.sources(height, rows);
        let length = width * 3;
        let before = &mut scratch.padded;
        before.clear();
        before.extend_from_slice(&image.data);
        for y in 0..height {
            if y > 0 && rows[y] == rows[y - 1] {
                image.data.copy_within((y - 1) * length..y * length, y * length);
                continue;
            }
            let from = before[rows[y] as usize * length..][..length].as_chunks::<3>().0;
            let to = image.data[y * length..][..length].as_chunks_mut::<3>().0;
            for (pixel, &column) in to.iter_mut().zip(&*columns) {
                *pixel = from[column as usize];
            }
        }
    }
}

impl fmt::Display for Downscale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "scale={:.3}", self.scale)
    }
}
