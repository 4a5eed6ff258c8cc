//! Pads every side and crops the picture's own size from a random place: a shift by whole pixels.
//!
//! torchvision's `RandomCrop(size, padding, padding_mode)` with the picture's size, as it is used on CIFAR
//! (He et al., "Deep residual learning", 2016: 4 pixels around 32). The padding is a share of the side,
//! rounded to whole pixels.

use std::fmt;

use super::sampler::reflect;
use crate::augment::{Mask, Scratch, Transform};
use crate::pixels::RgbImage;
use crate::seed::Draws;
use crate::spec::ops::Border;

/// The drawn values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RandomCrop {
    /// Share of the side that is added at each end.
    pub padding: f64,
    /// Where the crop lies, across and down: 0 at the first of all places, up to below 1 at the last.
    pub at: [f64; 2],
    /// What the padding is made of.
    pub border: Border,
}

impl RandomCrop {
    /// Draws the place across, then down, each place as likely as the others.
    pub fn draw(padding: f64, border: Border, draws: &mut Draws) -> Self {
        RandomCrop { padding, at: [draws.f64(), draws.f64()], border }
    }

    /// How far the picture moves left and up, in pixels.
    fn shift(&self, width: usize, height: usize) -> [i32; 2] {
        let shift = |side: usize, at: f64| {
            let padding = libm::round(self.padding * side as f64);
            (at * (2.0 * padding + 1.0)) as i32 - padding as i32
        };
        [shift(width, self.at[0]), shift(height, self.at[1])]
    }
}

impl Transform for RandomCrop {
    fn apply(&self, image: &mut RgbImage, scratch: &mut Scratch) {
        let (width, height) = (image.width, image.height);
        if width == 0 || height == 0 {
            return;
        }
        let [left, up] = self.shift(width, height);
        scratch.bytes.clear();
        scratch.bytes.extend_from_slice(&image.data);
        shift::<3>(&scratch.bytes, &mut image.data, width, [left, up], self.border);
    }

    fn apply_to_mask(&self, mask: &mut Mask) {
        if mask.width > 0 && mask.height > 0 {
            let old = mask.data.clone();
            shift::<1>(
                &old,
                &mut mask.data,
                mask.width,
                self.shift(mask.width, mask.height),
                Border::Constant,
            );
        }
    }
}

impl fmt::Display for RandomCrop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = |at: f64| self.padding * (2.0 * at - 1.0);
        write!(f, "left={:+.3} up={:+.3}", share(self.at[0]), share(self.at[1]))
    }
}

/// Moves pixels of `N` bytes to the left and up.
fn shift<const N: usize>(old: &[u8], new: &mut [u8], width: usize, [left, up]: [i32; 2], border: Border) {
    let height = (old.len() / (width * N)) as i32;
    // The columns of the result that come from within the picture.
    let (first, last) =
        (0.max(-left).min(width as i32) as usize, (width as i32 - left).clamp(0, width as i32) as usize);
    let last = last.max(first);
    for (y, row) in (up..).zip(new.chunks_exact_mut(width * N)) {
        let y = match border {
            Border::Constant if !(0..height).contains(&y) => {
                row.fill(0);
                continue;
            }
            Border::Constant => y as u32,
            Border::Reflect101 => reflect(y, height - 1),
        };
        let old = &old[y as usize * width * N..][..width * N];
        let (before, rest) = row.split_at_mut(first * N);
        let (within, after) = rest.split_at_mut((last - first) * N);
        let from = ((first as i32 + left).max(0) as usize).min(width - within.len() / N);
        within.copy_from_slice(&old[from * N..][..within.len()]);
        beyond::<N>(before, old, left, border);
        beyond::<N>(after, old, last as i32 + left, border);
    }
}

/// Fills part of a row that comes from beyond the border, from column `start` on.
fn beyond<const N: usize>(part: &mut [u8], old: &[u8], start: i32, border: Border) {
    match border {
        Border::Constant => part.fill(0),
        Border::Reflect101 => {
            let old = old.as_chunks::<N>().0;
            for (x, pixel) in (start..).zip(part.as_chunks_mut::<N>().0) {
                *pixel = old[reflect(x, old.len() as i32 - 1) as usize];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Key;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn each_pixel_comes_from_the_side(
            width in 1usize..20, height in 1usize..20, left in -50i32..50, up in -50i32..50
        ) {
            let old: Vec<u8> = (0..width * height * 3).map(|i| (i * 37 % 251) as u8 + 1).collect();
            let picture = RgbImage { width, height, data: old.clone() };
            for border in [Border::Constant, Border::Reflect101] {
                let mut new = RgbImage::new(width, height);
                shift::<3>(&old, &mut new.data, width, [left, up], border);
                for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
                    let (a, b) = (x as i32 + left, y as i32 + up);
                    let (right, bottom) = (width as i32 - 1, height as i32 - 1);
                    let inside = (0..=right).contains(&a) && (0..=bottom).contains(&b);
                    let mirrored = picture.pixel(reflect(a, right) as usize, reflect(b, bottom) as usize);
                    let expected = if inside || border == Border::Reflect101 { mirrored } else { [0; 3] };
                    prop_assert_eq!(new.pixel(x, y), expected);
                }
            }
        }
    }

    #[test]
    fn every_place_is_as_likely() {
        let mut counts = [0; 9];
        for id in 0..9_000 {
            let crop = RandomCrop::draw(0.125, Border::Constant, &mut Key::root(id).draws());
            let [left, up] = crop.shift(32, 16);
            counts[(left + 4) as usize] += 1;
            assert!((-2..=2).contains(&up));
        }
        assert!(counts.iter().all(|n| (870..1_130).contains(n)), "{counts:?}");
    }
}
