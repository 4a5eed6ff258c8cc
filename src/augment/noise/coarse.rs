//! Several holes, anywhere within the picture.
//!
//! As albumentations 2.0.8's CoarseDropout with sizes as shares: cut off to whole pixels, every place equally likely.

use std::fmt;

use super::holes::Hole;
use crate::augment::{Mask, Scratch, Transform};
use crate::pixels::RgbImage;
use crate::seed::{Draws, Key};
use crate::spec::ops::Fill;

/// The drawn values.
#[derive(Clone, Debug, PartialEq)]
pub struct CoarseDropout {
    /// The holes.
    pub holes: Vec<Share>,
    /// What stands in them.
    pub fill: Fill,
    /// Names the stream of random fills.
    pub key: Key,
}

/// A hole relative to the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// Of the picture's height, 0 to 1.
    pub height: f64,
    /// Of the picture's width, 0 to 1.
    pub width: f64,
    /// Where, from left (0) to right (2^32).
    pub x: u32,
    /// Where, from top (0) to bottom (2^32).
    pub y: u32,
}

impl CoarseDropout {
    /// Draws the number of holes, then for each its height, width and place, all uniformly.
    pub fn draw(
        number: [i64; 2],
        height: [f64; 2],
        width: [f64; 2],
        fill: Fill,
        key: Key,
        draws: &mut Draws,
    ) -> Self {
        let n = number[0] + draws.below((number[1] - number[0] + 1) as u64) as i64;
        let hole = |_| Share {
            height: draws.range_f64(height[0], height[1]),
            width: draws.range_f64(width[0], width[1]),
            x: draws.next_u32(),
            y: draws.next_u32(),
        };
        CoarseDropout { holes: (0..n).map(hole).collect(), fill, key }
    }

    /// In a picture of this size.
    fn placed(&self, width: usize, height: usize) -> impl Iterator<Item = Hole> {
        let pixels = |side: usize, share: f64| ((side as f64 * share) as usize).min(side);
        self.holes.iter().map(move |hole| {
            let size = [pixels(width, hole.width), pixels(height, hole.height)];
            Hole::placed(size, [width, height], [hole.x, hole.y])
        })
    }
}

impl Transform for CoarseDropout {
    fn apply(&self, image: &mut RgbImage, _scratch: &mut Scratch) {
        for (i, hole) in self.placed(image.width, image.height).enumerate() {
            hole.fill(image, self.fill, self.key.index(i as u64));
        }
    }

    fn apply_to_mask(&self, mask: &mut Mask) {
        for hole in self.placed(mask.width, mask.height) {
            hole.fill_mask(mask);
        }
    }
}

impl fmt::Display for CoarseDropout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "holes={}", self.holes.len())?;
        // More than a few would be a wall of numbers.
        for hole in self.holes.iter().take(3) {
            write!(f, " {:.2}x{:.2}", hole.width, hole.height)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(seed: u64, fill: Fill) -> CoarseDropout {
        let key = Key::root(seed);
        CoarseDropout::draw([1, 3], [0.1, 0.25], [0.05, 0.5], fill, key, &mut key.draws())
    }

    #[test]
    fn numbers_sizes_and_places_are_as_asked() {
        let (mut numbers, mut lefts) = ([0; 4], [0; 4]);
        for seed in 0..3000 {
            let op = drawn(seed, Fill::Level(0));
            numbers[op.holes.len()] += 1;
            for hole in op.placed(101, 60) {
                assert!((6..=15).contains(&hole.height) && (5..=50).contains(&hole.width), "{hole:?}");
                assert!(hole.left + hole.width <= 101 && hole.top + hole.height <= 60);
                lefts[4 * hole.left / (102 - hole.width)] += 1;
            }
        }
        assert!(numbers[0] == 0 && numbers[1..].iter().all(|n| (900..1100).contains(n)), "{numbers:?}");
        let each = lefts.iter().sum::<i32>() / 4;
        assert!(lefts.iter().all(|n| (n - each).abs() < each / 10), "{lefts:?}");
    }

    #[test]
    fn holes_are_filled_and_nothing_else() {
        for fill in [Fill::Level(9), Fill::Random, Fill::RandomUniform] {
            for seed in 0..20 {
                let op = drawn(seed, fill);
                let mut image = RgbImage { width: 90, height: 70, data: vec![255; 90 * 70 * 3] };
                let mut mask = Mask::of_box(90, 70, 0..90, 0..70);
                op.apply(&mut image, &mut Scratch::new());
                op.apply_to_mask(&mut mask);
                let gone = image.data.as_chunks::<3>().0.iter().map(|pixel| *pixel != [255; 3]);
                // White may be drawn, though hardly ever.
                let differ = gone.zip(&mask.data).filter(|(gone, mask)| *gone != (**mask == 0)).count();
                assert!(differ <= 1 && mask.area() < 90 * 70, "{fill:?}: {differ}");
            }
        }
    }

    #[test]
    fn random_fills_are_uniform() {
        let whole = Share { height: 1.0, width: 1.0, x: 0, y: 0 };
        let mut image = RgbImage::new(120, 100);
        let op = CoarseDropout { holes: vec![whole], fill: Fill::Random, key: Key::root(1) };
        op.apply(&mut image, &mut Scratch::new());
        let mut counts = [0i32; 256];
        image.data.iter().for_each(|&v| counts[usize::from(v)] += 1);
        let expected = image.data.len() as f64 / 256.0;
        let chi: f64 = counts.iter().map(|&n| (f64::from(n) - expected).powi(2) / expected).sum();
        // 255 degrees of freedom: mean 255, standard deviation 22.6.
        assert!((chi - 255.0).abs() < 3.3 * 22.6, "{chi}");
        let colours: std::collections::BTreeSet<_> = image.data.as_chunks::<3>().0.iter().collect();
        assert!(colours.len() > 11_980, "{}", colours.len());
    }
}
