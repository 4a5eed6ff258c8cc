//! A grid of stretched and pressed columns and rows, bilinear.
//!
//! albumentations 2.0.8's `GridDistortion` (`normalized`): the sides are cut into `num_steps` cells and a
//! rest, each cell reads a stretch of the source as long as its drawn step, and all together read the whole
//! side. As there, the last column and row read one pixel beyond the border. A side too short for so many
//! cells has fewer.

use std::fmt;

use super::lattice::{Tap, sample, sample_mask};
use crate::augment::{Mask, Scratch, Transform};
use crate::pixels::RgbImage;
use crate::seed::Draws;
use crate::spec::ops::Border;

/// The drawn values.
#[derive(Clone, Debug, PartialEq)]
pub struct GridDistortion {
    /// The lengths of the columns that cells read, as factors; the last is the rest's.
    pub steps_x: Vec<f64>,
    /// Of the rows.
    pub steps_y: Vec<f64>,
    /// What lies beyond the border.
    pub border: Border,
}

impl GridDistortion {
    /// Draws `num_steps + 1` lengths for the columns, then for the rows, each 1 plus a uniform draw from
    /// `limit`.
    pub fn draw(num_steps: i64, limit: [f64; 2], border: Border, draws: &mut Draws) -> Self {
        let mut lengths = || (0..=num_steps).map(|_| 1.0 + draws.range_f64(limit[0], limit[1])).collect();
        GridDistortion { steps_x: lengths(), steps_y: lengths(), border }
    }
}

impl Transform for GridDistortion {
    fn apply(&self, image: &mut RgbImage, scratch: &mut Scratch) {
        let (width, height) = (image.width, image.height);
        let (columns, rows) = (Cells::of(&self.steps_x, width), Cells::of(&self.steps_y, height));
        let tap = |v: f64, count: usize| Tap::bordered(v, count, self.border);
        sample(image, scratch, |x| tap(columns.place(x), width), |y| tap(rows.place(y), height));
    }

    fn apply_to_mask(&self, mask: &mut Mask) {
        let (width, height) = (mask.width, mask.height);
        let (columns, rows) = (Cells::of(&self.steps_x, width), Cells::of(&self.steps_y, height));
        let tap = |v: f64, count: usize| Tap::bordered(v, count, Border::Constant);
        sample_mask(mask, |x| tap(columns.place(x), width), |y| tap(rows.place(y), height));
    }
}

impl fmt::Display for GridDistortion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let least = |steps: &[f64]| steps.iter().copied().fold(f64::INFINITY, f64::min);
        let most = |steps: &[f64]| steps.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let (x, y) = (&self.steps_x, &self.steps_y);
        write!(f, "columns={:.2}..{:.2} rows={:.2}..{:.2}", least(x), most(x), least(y), most(y))
    }
}

/// The cells along one side.
struct Cells {
    /// Pixels of a cell.
    step: usize,
    /// Where each cell begins in the source; one more for the end.
    begins: Vec<f64>,
    side: usize,
}

impl Cells {
    fn of(steps: &[f64], side: usize) -> Self {
        // The rest must be no longer than a cell: where it is, the side is too short for so many.
        let fits = |n: usize| side / n > 0 && side % n <= side / n;
        let cells = (1..steps.len()).rev().find(|&n| fits(n)).unwrap_or(1);
        let step = side / cells;
        let mut lengths = steps[..=cells].to_vec();
        lengths[cells] *= (side - cells * step) as f64 / step as f64;
        let sum: f64 = lengths.iter().sum();
        let factor = side as f64 / sum;
        let mut begins = vec![0.0];
        for length in lengths {
            // Where all is pressed to nothing, the side is as it was.
            let at = if sum > 0.0 {
                begins[begins.len() - 1] + length * factor
            } else {
                begins.len() as f64 * step as f64
            };
            begins.push(at);
        }
        Cells { step, begins, side }
    }

    /// The place in the source of pixel `i`: both ends of a cell are reached.
    fn place(&self, i: usize) -> f64 {
        let cell = i / self.step;
        let first = cell * self.step;
        let pixels = self.step.min(self.side - first);
        let (from, to) = (self.begins[cell], self.begins[cell + 1]);
        match pixels - 1 {
            0 => from,
            last if i - first == last => to,
            last => from + (i - first) as f64 * ((to - from) / last as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Places only grow, from the first pixel to the end of the side.
        #[test]
        fn a_side_is_read_from_end_to_end(
            side in 1usize..200, steps in proptest::collection::vec(0.0f64..2.0, 2..40)
        ) {
            let cells = Cells::of(&steps, side);
            let places: Vec<f64> = (0..side).map(|i| cells.place(i)).collect();
            prop_assert!(places.is_sorted());
            prop_assert_eq!(places[0], 0.0);
            prop_assert!(places[side - 1] <= side as f64 + 1e-9);
            // A last cell of one pixel shows where it begins.
            let ends = (places[side - 1] - side as f64).abs() < 1e-9;
            prop_assert!(ends || cells.step == 1 || side % cells.step == 1);
        }
    }

    #[test]
    fn lengths_of_nothing_are_even() {
        let cells = Cells::of(&[0.0; 6], 20);
        assert!((0..20).all(|i| (cells.place(i) - i as f64).abs() < 1.5));
    }
}
