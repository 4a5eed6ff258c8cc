//! One hole whose area and shape are drawn (Zhong et al., "Random erasing data augmentation", 2017).
//!
//! Drawn as torchvision's RandomErasing draws: area uniformly, the ratio of the sides uniformly in the logarithm; up to ten
//! tries until the hole is smaller than the picture, else nothing is erased. `random` fills with uniform levels, as
//! albumentations does (torchvision: normal ones, for pictures that are normalised).

use std::fmt;

use super::holes::Hole;
use crate::augment::{Mask, Scratch, Transform};
use crate::pixels::RgbImage;
use crate::seed::{Draws, Key};
use crate::spec::ops::Fill;

/// The drawn values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RandomErasing {
    /// The first that fits is taken.
    pub tries: [Try; 10],
    /// What stands in the hole.
    pub fill: Fill,
    /// Names the stream of random fills.
    pub key: Key,
}

/// One hole relative to the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Try {
    /// Of the picture's area, 0 to 1.
    pub area: f64,
    /// Height divided by width.
    pub ratio: f64,
    /// Where, from left (0) to right (2^32).
    pub x: u32,
    /// Where, from top (0) to bottom (2^32).
    pub y: u32,
}

impl RandomErasing {
    /// Draws every try, whether it is needed or not: area, ratio and place.
    pub fn draw(scale: [f64; 2], ratio: [f64; 2], fill: Fill, key: Key, draws: &mut Draws) -> Self {
        let [low, high] = ratio.map(libm::log);
        let tries = std::array::from_fn(|_| Try {
            area: draws.range_f64(scale[0], scale[1]),
            ratio: libm::exp(draws.range_f64(low, high)),
            x: draws.next_u32(),
            y: draws.next_u32(),
        });
        RandomErasing { tries, fill, key }
    }

    fn placed(&self, width: usize, height: usize) -> Option<Hole> {
        self.tries.iter().find_map(|hole| hole.placed(width, height))
    }
}

impl Try {
    /// In a picture of this size; `None` where it is too large for it.
    fn placed(&self, width: usize, height: usize) -> Option<Hole> {
        let area = self.area * (width * height) as f64;
        let tall = libm::rint(libm::sqrt(area * self.ratio)) as usize;
        let wide = libm::rint(libm::sqrt(area / self.ratio)) as usize;
        let fits = tall < height && wide < width;
        fits.then(|| Hole::placed([wide, tall], [width, height], [self.x, self.y]))
    }
}

impl Transform for RandomErasing {
    fn apply(&self, image: &mut RgbImage, _scratch: &mut Scratch) {
        if let Some(hole) = self.placed(image.width, image.height) {
            hole.fill(image, self.fill, self.key);
        }
    }

    fn apply_to_mask(&self, mask: &mut Mask) {
        if let Some(hole) = self.placed(mask.width, mask.height) {
            hole.fill_mask(mask);
        }
    }
}

/// The hole that a large square picture gets.
impl fmt::Display for RandomErasing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SIDE: usize = 1 << 16;
        match self.tries.iter().find(|hole| hole.placed(SIDE, SIDE).is_some()) {
            Some(hole) => write!(f, "area={:.3} ratio={:.2}", hole.area, hole.ratio),
            None => write!(f, "too large"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(scale: [f64; 2], ratio: [f64; 2], seed: u64) -> RandomErasing {
        let key = Key::root(seed);
        RandomErasing::draw(scale, ratio, Fill::Level(0), key, &mut key.draws())
    }

    #[test]
    fn area_and_ratio_are_as_asked() {
        let (mut area, mut log) = (0.0, 0.0);
        let n = 4000;
        for seed in 0..n {
            let hole = drawn([0.02, 0.2], [0.5, 2.0], seed).placed(300, 200).unwrap();
            let share = (hole.width * hole.height) as f64 / 60_000.0;
            let ratio = hole.height as f64 / hole.width as f64;
            assert!((0.019..0.205).contains(&share) && (0.47..2.1).contains(&ratio), "{hole:?}");
            assert!(hole.left + hole.width <= 300 && hole.top + hole.height <= 200);
            area += share / n as f64;
            log += libm::log(ratio) / n as f64;
        }
        assert!((area - 0.11).abs() < 0.004 && log.abs() < 0.03, "{area} {log}");
    }

    #[test]
    fn what_does_not_fit_is_drawn_again_or_left() {
        let mut image = RgbImage { width: 50, height: 50, data: vec![255; 7500] };
        let too_large = drawn([1.0, 1.0], [1.0, 1.0], 1);
        too_large.apply(&mut image, &mut Scratch::new());
        assert!(image.data.iter().all(|&v| v == 255));
        assert_eq!(too_large.to_string(), "too large");
        let again = (0..200).map(|seed| drawn([0.1, 0.4], [0.2, 5.0], seed));
        let again: Vec<_> = again.filter(|op| op.tries[0].placed(50, 50).is_none()).collect();
        assert!(again.len() > 20 && again.iter().all(|op| op.placed(50, 50).is_some()));
    }
}
