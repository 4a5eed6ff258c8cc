//! A crop of random area, shape and place, enlarged to the size of the picture, bilinear.
//!
//! As albumentations 2.0.8 and torchvision draw it (Szegedy et al., "Going deeper with convolutions", 2015):
//! up to ten times an area, uniformly, and a ratio of the sides, uniformly in its logarithm; the first crop
//! that fits into the picture is taken. Where none does, it is the largest in the middle whose ratio is
//! allowed.

use std::fmt;

use super::lattice::{Tap, sample, sample_mask};
use crate::augment::{Mask, Scratch, Transform};
use crate::pixels::RgbImage;
use crate::seed::Draws;

/// The drawn values: which crop it is depends on the picture's shape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResizedCrop {
    /// Crops in the order in which they are tried.
    pub tries: [Try; 10],
    /// The least and the largest ratio of width to height.
    pub ratio: [f64; 2],
}

/// A crop in shares of the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Try {
    /// Share of the picture's area.
    pub area: f64,
    /// Width through height, in pixels.
    pub ratio: f64,
    /// Where it lies, across and down: 0 at the first of all places, up to below 1 at the last.
    pub at: [f64; 2],
}

/// Columns and rows of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Region {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

impl ResizedCrop {
    /// Draws all tries, each its area, its ratio, and its place down and across.
    pub fn draw(scale: [f64; 2], ratio: [f64; 2], draws: &mut Draws) -> Self {
        let logarithms = ratio.map(libm::log);
        let tries = std::array::from_fn(|_| {
            let area = draws.range_f64(scale[0], scale[1]);
            let ratio = libm::exp(draws.range_f64(logarithms[0], logarithms[1]));
            let down = draws.f64();
            Try { area, ratio, at: [draws.f64(), down] }
        });
        ResizedCrop { tries, ratio }
    }

    /// The crop of a picture of at least one pixel.
    fn region(&self, width: usize, height: usize) -> Region {
        self.tries
            .iter()
            .find_map(|one| one.region(width, height))
            .unwrap_or_else(|| self.middle(width, height))
    }

    fn middle(&self, width: usize, height: usize) -> Region {
        let (across, down) = (width as f64, height as f64);
        let [least, most] = self.ratio;
        let whole = |v: f64, side: usize| (libm::rint(v) as usize).clamp(1, side);
        let (w, h) = if across / down < least {
            (width, whole(across / least, height))
        } else if across / down > most {
            (whole(down * most, width), height)
        } else {
            (width, height)
        };
        Region { left: (width - w) / 2, top: (height - h) / 2, width: w, height: h }
    }
}

impl Try {
    /// `None` where it does not fit.
    fn region(&self, width: usize, height: usize) -> Option<Region> {
        let area = self.area * (width as f64 * height as f64);
        let fits = |v: f64, side: usize| (v >= 1.0 && v <= side as f64).then_some(v as usize);
        let w = fits(libm::rint(libm::sqrt(area * self.ratio)), width)?;
        let h = fits(libm::rint(libm::sqrt(area / self.ratio)), height)?;
        let place = |side: usize, at: f64| (side as f64 * at) as usize;
        let (left, top) = (place(width - w + 1, self.at[0]), place(height - h + 1, self.at[1]));
        Some(Region { left, top, width: w, height: h })
    }
}

impl Region {
    /// Where column `x` of a result of so many comes from: centres go to centres.
    fn across(&self, x: usize, columns: usize) -> Tap {
        held(x, columns, self.left, self.width)
    }

    fn down(&self, y: usize, rows: usize) -> Tap {
        held(y, rows, self.top, self.height)
    }
}

fn held(i: usize, count: usize, first: usize, length: usize) -> Tap {
    let place = (i as f64 + 0.5) * (length as f64 / count as f64) - 0.5;
    Tap::held(first as f64 + place, first, first + length - 1)
}

impl Transform for ResizedCrop {
    fn apply(&self, image: &mut RgbImage, scratch: &mut Scratch) {
        let (width, height) = (image.width, image.height);
        if width > 0 && height > 0 {
            let region = self.region(width, height);
            sample(image, scratch, |x| region.across(x, width), |y| region.down(y, height));
        }
    }

    fn apply_to_mask(&self, mask: &mut Mask) {
        let (width, height) = (mask.width, mask.height);
        if width > 0 && height > 0 {
            let region = self.region(width, height);
            sample_mask(mask, |x| region.across(x, width), |y| region.down(y, height));
        }
    }
}

/// The crop of a square picture.
impl fmt::Display for ResizedCrop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SIDE: usize = 10_000;
        let Region { left, top, width, height } = self.region(SIDE, SIDE);
        let share = |pixels: usize| pixels as f64 / SIDE as f64;
        write!(
            f,
            "left={:.3} top={:.3} width={:.3} height={:.3}",
            share(left),
            share(top),
            share(width),
            share(height)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Key;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_crop_lies_in_the_picture(
            width in 1usize..300, height in 1usize..300, seed: u64, low in 0.001f64..1.0
        ) {
            let crop = ResizedCrop::draw([low, 1.0], [0.2, 7.0], &mut Key::root(seed).draws());
            let region = crop.region(width, height);
            prop_assert!(region.width >= 1 && region.left + region.width <= width);
            prop_assert!(region.height >= 1 && region.top + region.height <= height);
        }
    }

    #[test]
    fn where_no_crop_fits_the_middle_is_taken() {
        let draws = |seed| Key::root(seed).draws();
        let tall = ResizedCrop::draw([1.0, 1.0], [0.75, 4.0 / 3.0], &mut draws(1)).region(40, 100);
        assert_eq!(tall, Region { left: 0, top: 23, width: 40, height: 53 });
        let wide = ResizedCrop::draw([1.0, 1.0], [0.75, 4.0 / 3.0], &mut draws(1)).region(100, 40);
        assert_eq!(wide, Region { left: 23, top: 0, width: 53, height: 40 });
    }

    #[test]
    fn areas_and_places_are_uniform() {
        let (mut area, mut left, mut n) = (0.0, 0.0, 0.0);
        for seed in 0..4_000 {
            let crop = ResizedCrop::draw([0.2, 0.6], [1.0, 1.0], &mut Key::root(seed).draws());
            let region = crop.region(1_000, 1_000);
            area += (region.width * region.height) as f64 / 1e6;
            left += region.left as f64 / (1_001 - region.width) as f64;
            n += 1.0;
        }
        assert!((area / n - 0.4).abs() < 0.01, "{}", area / n);
        assert!((left / n - 0.5).abs() < 0.02, "{}", left / n);
    }
}
