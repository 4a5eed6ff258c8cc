//! Moves bounding boxes as a policy moves the pixels.
//!
//! A box is moved by its mask: filled, moved, and bounded anew. What comes out is the smallest upright box,
//! in whole pixels, around what is left of it, however the picture was turned or bent. Masks are moved to the
//! nearest pixel and know no mirrored border, so that a box never grows into what was mirrored.

use super::{Mask, Policy};
use crate::seed::Key;

/// An upright box in pixels. The pixel in column 3 lies between `x` = 3 and 4.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoundingBox {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Above 0.
    pub width: f64,
    /// Above 0.
    pub height: f64,
}

/// What is left of a box.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MovedBox {
    /// Around all that is left.
    pub bounds: BoundingBox,
    /// Share of the box's area within the old picture that is still seen, above 0 to 1, whether it is shown
    /// larger or smaller.
    pub visible: f64,
}

impl BoundingBox {
    /// Moves a box of a picture of `width` x `height` pixels as [`Policy::apply`] moves the pixels of the
    /// same sample. A box that ends within pixels is first widened to whole ones. `None` where nothing of it
    /// is left, or nothing of it lay within the picture.
    pub fn moved(&self, policy: &Policy, sample: Key, width: usize, height: usize) -> Option<MovedBox> {
        let columns = pixels(self.x, self.width, width);
        let rows = pixels(self.y, self.height, height);
        let cells = Cells::of(columns.len(), rows.len())?;
        let mut mask = Mask::new(width, height);
        for (y, row) in rows.enumerate() {
            for (x, value) in mask.data[row * width..][columns.clone()].iter_mut().enumerate() {
                *value = cells.name(x, y);
            }
        }
        let before = count(&mask);
        policy.apply_to_mask(&mut mask, sample);
        let [x, y, width, height] = mask.bounds()?.map(|v| v as f64);
        let visible = visible(&before, &count(&mask));
        Some(MovedBox { bounds: BoundingBox { x, y, width, height }, visible })
    }
}

/// The pixels of a side that a stretch touches.
fn pixels(start: f64, length: f64, side: usize) -> std::ops::Range<usize> {
    let clip = |v: f64| v.clamp(0.0, side as f64) as usize;
    let (first, end) = (clip(libm::floor(start)), clip(libm::ceil(start + length)));
    if length > 0.0 && first < end { first..end } else { 0..0 }
}

/// A box cut into cells, at most 15 x 17, each of several pixels where the box is large enough. Each cell has
/// a name from 1 on: how much of each is left tells what is cut off from what is only shown smaller.
struct Cells {
    columns: usize,
    rows: usize,
    width: usize,
    height: usize,
}

impl Cells {
    /// Pixels of a cell's side, at least: fewer might be left out where a picture is shown smaller.
    const SIDE: usize = 4;

    /// `None` where there are no pixels.
    fn of(width: usize, height: usize) -> Option<Self> {
        let cells = |pixels: usize, most: usize| (pixels / Self::SIDE).clamp(1, most);
        let (columns, rows) = (cells(width, 15), cells(height, 17));
        (width > 0 && height > 0).then_some(Cells { columns, rows, width, height })
    }

    /// The name of the cell that a pixel of the box lies in.
    fn name(&self, x: usize, y: usize) -> u8 {
        (1 + x * self.columns / self.width + y * self.rows / self.height * self.columns) as u8
    }
}

/// How many pixels have each value.
fn count(mask: &Mask) -> [u32; 256] {
    let mut counts = [0; 256];
    for &value in &mask.data {
        counts[usize::from(value)] += 1;
    }
    counts
}

/// The share of the pixels `before` that is left, by cells. How much larger or smaller the picture is shown
/// is told by the cell in the middle of all that are left; of a cell that shrank more, the rest is cut off.
fn visible(before: &[u32; 256], after: &[u32; 256]) -> f64 {
    let cells = || (1..256).filter(|&cell| before[cell] > 0);
    let growth = |cell: usize| f64::from(after[cell]) / f64::from(before[cell]);
    let mut seen: Vec<f64> = cells().map(growth).filter(|&growth| growth > 0.0).collect();
    seen.sort_by(f64::total_cmp);
    let Some(&middle) = seen.get(seen.len() / 2) else { return 0.0 };
    let left: f64 = cells().map(|cell| f64::from(before[cell]) * (growth(cell) / middle).min(1.0)).sum();
    left / cells().map(|cell| f64::from(before[cell])).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::sample_key;
    use crate::spec::ops::{Action, Border, Geometry, NamedOp, Op};
    use proptest::prelude::*;

    fn policy(op: Geometry) -> Policy {
        Policy::new(&[NamedOp {
            name: "op".to_owned(),
            op: Op { p: 1.0, action: Action::Geometry(op) },
            nth: 0,
        }])
    }

    fn moved(op: Geometry, [x, y, width, height]: [f64; 4], id: i64) -> Option<MovedBox> {
        BoundingBox { x, y, width, height }.moved(&policy(op), sample_key(1, 1, id, 0), 120, 80)
    }

    fn affine(scale: f64, shift: f64, rotate: f64) -> Geometry {
        Geometry::Affine {
            scale: [scale; 2],
            keep_ratio: true,
            translate_percent: [shift; 2],
            rotate: [rotate; 2],
            shear: [0.0; 2],
            border: Border::Reflect101,
        }
    }

    proptest! {
        #[test]
        fn a_flip_mirrors_a_box_exactly(x in 0u8..100, y in 0u8..60, w in 1u8..20, h in 1u8..20) {
            let [x, y, width, height] = [x, y, w, h].map(f64::from);
            let whole = |x, y| Some(MovedBox { bounds: BoundingBox { x, y, width, height }, visible: 1.0 });
            let found = moved(Geometry::HorizontalFlip {}, [x, y, width, height], 1);
            prop_assert_eq!(found, whole(120.0 - x - width, y));
            let found = moved(Geometry::VerticalFlip {}, [x, y, width, height], 1);
            prop_assert_eq!(found, whole(x, 80.0 - y - height));
        }
    }

    #[test]
    fn a_transposition_swaps_what_a_box_is_made_of() {
        let found = moved(Geometry::Transpose {}, [3.0, 10.0, 20.0, 7.0], 1);
        let bounds = BoundingBox { x: 10.0, y: 3.0, width: 7.0, height: 20.0 };
        assert_eq!(found, Some(MovedBox { bounds, visible: 1.0 }));
    }

    #[test]
    fn a_box_that_a_crop_misses_is_gone() {
        let corner = [0.0, 0.0, 6.0, 5.0];
        let (mut gone, mut kept) = (0, 0);
        for id in 0..400 {
            let crop = Geometry::RandomResizedCrop { scale: [0.5, 0.5], ratio: [1.0, 1.0] };
            match moved(crop, corner, id) {
                None => gone += 1,
                Some(found) => {
                    assert!(found.visible > 0.0 && found.visible <= 1.0);
                    kept += 1;
                }
            }
        }
        assert!(gone > 300 && kept > 5, "{gone} {kept}");
        assert_eq!(moved(affine(1.0, 1.0, 0.0), corner, 1), None);
    }

    #[test]
    fn a_smaller_or_larger_box_is_still_whole() {
        for (scale, rotate) in [(0.5, 0.0), (1.6, 0.0), (0.7, 30.0), (0.8, 90.0)] {
            let found = moved(affine(scale, 0.0, rotate), [45.0, 28.0, 30.0, 24.0], 1).unwrap();
            assert!(found.visible > 0.93, "{scale} {rotate}: {}", found.visible);
            if rotate == 0.0 {
                assert!((found.bounds.width - 30.0 * scale).abs() <= 1.0, "{found:?}");
                assert!((found.bounds.height - 24.0 * scale).abs() <= 1.0, "{found:?}");
            }
        }
    }

    #[test]
    fn what_is_cut_off_is_not_seen() {
        // Shifted by 12 and 8 pixels: 8 of 20 columns go.
        let found = moved(affine(1.0, 0.1, 0.0), [104.0, 30.0, 16.0, 24.0], 1).unwrap();
        assert!((found.visible - 0.25).abs() < 0.03, "{}", found.visible);
        assert_eq!(found.bounds, BoundingBox { x: 116.0, y: 38.0, width: 4.0, height: 24.0 });
    }

    #[test]
    fn only_what_lies_in_the_picture_counts() {
        let still = || affine(1.0, 0.0, 0.0);
        let found = moved(still(), [-5.5, 70.2, 10.0, 40.0], 1).unwrap();
        let bounds = BoundingBox { x: 0.0, y: 70.0, width: 5.0, height: 10.0 };
        assert_eq!(found, MovedBox { bounds, visible: 1.0 });
        for none in
            [[200.0, 3.0, 5.0, 5.0], [3.0, 3.0, 0.0, 5.0], [3.0, 3.0, -4.0, 5.0], [f64::NAN, 3.0, 4.0, 5.0]]
        {
            assert_eq!(moved(still(), none, 1), None, "{none:?}");
        }
    }
}
