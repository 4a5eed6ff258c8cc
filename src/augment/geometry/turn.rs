//! Transposition and quarter turns: every pixel moves to another place and stays what it is. Of a picture
//! that is not square the sides are swapped.

use std::fmt;

use super::flip::Flip;
use super::reverse::reverse;
use super::sampler::{BATCH, four_bytes, pack};
use crate::augment::{Mask, Scratch, Transform};
use crate::pixels::RgbImage;
use crate::seed::Draws;

/// Swaps rows and columns. Nothing is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transposition;

impl Transform for Transposition {
    fn apply(&self, image: &mut RgbImage, scratch: &mut Scratch) {
        transpose(image, Columns::Forward, Rows::Forward, &mut scratch.bytes);
    }

    fn apply_to_mask(&self, mask: &mut Mask) {
        transpose_mask(mask);
    }
}

impl fmt::Display for Transposition {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

/// Turns by whole quarters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuarterTurns {
    /// Quarters, counter-clockwise; whole turns are none.
    pub turns: u64,
}

impl QuarterTurns {
    /// Draws 0, 1, 2 or 3 quarters, each as likely as the others.
    pub fn draw(draws: &mut Draws) -> Self {
        QuarterTurns { turns: draws.below(4) }
    }
}

impl Transform for QuarterTurns {
    fn apply(&self, image: &mut RgbImage, scratch: &mut Scratch) {
        match self.turns % 4 {
            0 => {}
            1 => transpose(image, Columns::Backward, Rows::Forward, &mut scratch.bytes),
            2 => reverse(&mut image.data),
            _ => transpose(image, Columns::Forward, Rows::Backward, &mut scratch.bytes),
        }
    }

    fn apply_to_mask(&self, mask: &mut Mask) {
        match self.turns % 4 {
            0 => {}
            1 => {
                transpose_mask(mask);
                Flip::Vertical.apply_to_mask(mask);
            }
            2 => mask.data.reverse(),
            _ => {
                transpose_mask(mask);
                Flip::Horizontal.apply_to_mask(mask);
            }
        }
    }
}

impl fmt::Display for QuarterTurns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "turns={}", self.turns)
    }
}

/// Which of the old columns becomes the first row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Columns {
    Forward,
    Backward,
}

/// Which of the old rows becomes the first column.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rows {
    Forward,
    Backward,
}

/// Makes rows of the columns.
fn transpose(image: &mut RgbImage, columns: Columns, rows: Rows, buffer: &mut Vec<u8>) {
    let (width, height) = (image.width, image.height);
    (image.width, image.height) = (height, width);
    if width == 0 || height == 0 {
        return;
    }
    buffer.clear();
    buffer.reserve(image.data.len() + 4);
    buffer.extend_from_slice(&image.data);
    buffer.extend_from_slice(&[0; 4]);
    // In stripes of a batch of old rows, so that they stay in the processor's nearest cache.
    for left in (0..height).step_by(BATCH) {
        // Where in the old picture the pixels of a stripe begin; those beyond its end are not looked at.
        let begins = std::array::from_fn(|i| {
            let x = (left + i).min(height - 1);
            (if rows == Rows::Forward { x } else { height - 1 - x }) * width * 3
        });
        fill_stripe(buffer, &begins, columns, &mut image.data, height, left);
    }
}

/// Fills [`BATCH`] columns of a picture of `width` columns from `left` on, or as many as there are.
#[multiversion::multiversion(targets("x86_64+avx2+bmi1+bmi2"))]
fn fill_stripe(
    old: &[u8],
    begins: &[usize; BATCH],
    columns: Columns,
    new: &mut [u8],
    width: usize,
    left: usize,
) {
    let rows = new.len() / (width * 3);
    let pixels = BATCH.min(width - left);
    for (y, row) in new.chunks_exact_mut(width * 3).enumerate() {
        let column = (if columns == Columns::Forward { y } else { rows - 1 - y }) * 3;
        let mut words = [0; BATCH];
        for (word, begin) in words.iter_mut().zip(begins) {
            *word = four_bytes(old, begin + column) & 0x00ff_ffff;
        }
        let part = &mut row[left * 3..][..pixels * 3];
        if let Some(whole) = part.first_chunk_mut() {
            pack(&words, whole);
        } else {
            let mut last = [0; BATCH * 3];
            pack(&words, &mut last);
            part.copy_from_slice(&last[..pixels * 3]);
        }
    }
}

fn transpose_mask(mask: &mut Mask) {
    let (width, height) = (mask.width, mask.height);
    let old = std::mem::take(&mut mask.data);
    mask.data =
        (0..width).flat_map(|x| (0..height).map(move |y| (x, y))).map(|(x, y)| old[y * width + x]).collect();
    (mask.width, mask.height) = (height, width);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Pixel by pixel, and masks as pictures.
        #[test]
        fn pixels_go_where_they_belong(width in 1usize..40, height in 1usize..40) {
            let mut old = RgbImage::new(width, height);
            let mut old_mask = Mask::new(width, height);
            for i in 0..width * height {
                old.set_pixel(i % width, i / width, [i as u8, (i >> 8) as u8, 7]);
                old_mask.data[i] = i as u8;
            }
            let check = |op: &dyn Transform, from: &dyn Fn(usize, usize) -> (usize, usize)| {
                let (mut image, mut mask) = (old.clone(), old_mask.clone());
                op.apply(&mut image, &mut Scratch::new());
                op.apply_to_mask(&mut mask);
                prop_assert_eq!((mask.width, mask.height), (image.width, image.height));
                for (x, y) in (0..image.height).flat_map(|y| (0..image.width).map(move |x| (x, y))) {
                    let (a, b) = from(x, y);
                    prop_assert_eq!(image.pixel(x, y), old.pixel(a, b));
                    prop_assert_eq!(mask.data[y * mask.width + x], old_mask.data[b * width + a]);
                }
                Ok(())
            };
            check(&Transposition, &|x, y| (y, x))?;
            check(&QuarterTurns { turns: 0 }, &|x, y| (x, y))?;
            check(&QuarterTurns { turns: 1 }, &|x, y| (width - 1 - y, x))?;
            check(&QuarterTurns { turns: 2 }, &|x, y| (width - 1 - x, height - 1 - y))?;
            check(&QuarterTurns { turns: 3 }, &|x, y| (y, height - 1 - x))?;
        }
    }
}
