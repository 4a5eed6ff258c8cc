//! The pixels that objects take in a picture of the pixel store.
//!
//! Takes objects as the dataset gives them (run-length masks, polygons, or boxes alone) and how [`fit`](super::resize::fit)
//! brought their picture to a square; gives one boolean per pixel of the square. A pixel belongs to an object that covers its
//! centre; an object that is too thin for any takes the pixel in the middle of its box, where that is in the square.

use super::resize::Placement;
use crate::tables::rle::{self, RleError};
use crate::tables::rows::AnnotationRow;

/// Some of the pixels of a square picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    side: usize,
    /// Row by row.
    pixels: Vec<bool>,
}

/// A picture before it became a square.
#[derive(Clone, Copy, Debug)]
pub struct Original {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// How it became one.
    pub placement: Placement,
}

impl Region {
    /// No pixel of a picture of this side.
    pub fn none(side: u32) -> Self {
        let side = side as usize;
        Region { side, pixels: vec![false; side * side] }
    }

    /// Adds the pixels of an object; says whether there are any. Where it has neither mask nor polygon, its box stands for it.
    ///
    /// # Errors
    /// Where its mask cannot be read, or is not of the original's size.
    pub fn add(&mut self, object: &AnnotationRow, original: &Original) -> Result<bool, RleError> {
        let bounds = [object.bbox_x, object.bbox_y, object.bbox_w, object.bbox_h].map(f64::from);
        let mut has_any = match &object.mask_rle {
            Some(mask) => self.add_runs(&rle::decompress(mask)?, original),
            None if object.segmentation.is_empty() => self.add_box(original.placement.place(bounds)),
            None => {
                let mut has_any = false;
                for polygon in &object.segmentation {
                    has_any |= self.add_polygon(polygon, original.placement);
                }
                has_any
            }
        };
        if !has_any {
            has_any = self.add_middle(original.placement.place(bounds));
        }
        Ok(has_any)
    }

    /// Row by row.
    pub fn pixels(&self) -> &[bool] {
        &self.pixels
    }

    /// Side of the picture in pixels.
    pub fn side(&self) -> usize {
        self.side
    }

    /// Whether the pixel is one of them; those outside are not.
    pub fn has(&self, x: usize, y: usize) -> bool {
        x < self.side && y < self.side && self.pixels[y * self.side + x]
    }

    /// Whether there is no pixel.
    pub fn is_empty(&self) -> bool {
        !self.pixels.contains(&true)
    }

    /// Run lengths, column by column from the left, each from top to bottom, in COCO's compressed form.
    pub fn to_rle(&self) -> String {
        let (mut runs, mut is_inside) = (vec![0_u32], false);
        for x in 0..self.side {
            for y in 0..self.side {
                if self.has(x, y) != is_inside {
                    is_inside = !is_inside;
                    runs.push(0);
                }
                if let Some(run) = runs.last_mut() {
                    *run += 1;
                }
            }
        }
        rle::compress(&runs)
    }

    /// The region that [`Region::to_rle`] wrote.
    ///
    /// # Errors
    /// Where it is none, or not of a picture of this side.
    pub fn of_rle(side: u32, text: &str) -> Result<Self, RleError> {
        let runs = rle::decompress(text)?;
        let mut region = Region::none(side);
        let all = region.pixels.len() as u64;
        let found = rle::pixels(&runs).0;
        if found != all {
            return Err(RleError::Length { found, expected: all });
        }
        let (mut at, mut is_inside) = (0_usize, false);
        for run in runs {
            for place in at..at + run as usize {
                region.pixels[place % region.side * region.side + place / region.side] = is_inside;
            }
            (at, is_inside) = (at + run as usize, !is_inside);
        }
        Ok(region)
    }

    fn set(&mut self, x: usize, y: usize) {
        self.pixels[y * self.side + x] = true;
    }

    fn add_box(&mut self, [left, top, width, height]: [f64; 4]) -> bool {
        let (columns, rows) = (self.centres(left, left + width), self.centres(top, top + height));
        for y in rows.clone() {
            columns.clone().for_each(|x| self.set(x, y));
        }
        !columns.is_empty() && !rows.is_empty()
    }

    /// The pixel in the middle of a box.
    fn add_middle(&mut self, [left, top, width, height]: [f64; 4]) -> bool {
        let (x, y) = (left + width / 2.0, top + height / 2.0);
        let is_in = |along: f64| (0.0..self.side as f64).contains(&along);
        let is_there = is_in(x) && is_in(y);
        if is_there {
            self.set(x as usize, y as usize);
        }
        is_there
    }

    /// The pixels along one side whose centres lie from `from` on and before `to`.
    fn centres(&self, from: f64, to: f64) -> std::ops::Range<usize> {
        let first = |edge: f64| (edge - 0.5).ceil().clamp(0.0, self.side as f64) as usize;
        first(from)..first(to).max(first(from))
    }

    /// A polygon as a flat list of x, y; where it crosses itself, what lies inside an odd number of times.
    fn add_polygon(&mut self, flat: &[f32], placement: Placement) -> bool {
        let point = |xy: &[f32]| {
            let [x, y, _, _] = placement.place([f64::from(xy[0]), f64::from(xy[1]), 0.0, 0.0]);
            (x, y)
        };
        let points: Vec<(f64, f64)> = flat.chunks_exact(2).map(point).collect();
        let mut has_any = false;
        let mut crossings = Vec::new();
        for y in 0..self.side {
            let middle = y as f64 + 0.5;
            crossings.clear();
            for (i, &(x0, y0)) in points.iter().enumerate() {
                let (x1, y1) = points[(i + 1) % points.len()];
                if (y0 <= middle) != (y1 <= middle) {
                    crossings.push(x0 + (middle - y0) / (y1 - y0) * (x1 - x0));
                }
            }
            crossings.sort_by(f64::total_cmp);
            for span in crossings.chunks_exact(2) {
                for x in self.centres(span[0], span[1]) {
                    self.set(x, y);
                    has_any = true;
                }
            }
        }
        has_any
    }

    /// Run lengths of the original, column by column.
    fn add_runs(&mut self, runs: &[u32], original: &Original) -> bool {
        let ends: Vec<u64> = runs
            .iter()
            .scan(0, |end, &run| {
                *end += u64::from(run);
                Some(*end)
            })
            .collect();
        let Original { width, height, placement } = *original;
        let before = |along: usize, axis: usize, length: u32| {
            let place = (along as f64 + 0.5 - placement.offset[axis]) / placement.scale[axis];
            (0.0..f64::from(length)).contains(&place).then_some(place as u64)
        };
        let mut has_any = false;
        for x in 0..self.side {
            let Some(column) = before(x, 0, width) else { continue };
            for y in 0..self.side {
                let Some(row) = before(y, 1, height) else { continue };
                let place = column * u64::from(height) + row;
                // Every second run is the object's.
                if ends.partition_point(|&end| end <= place) % 2 == 1 {
                    self.set(x, y);
                    has_any = true;
                }
            }
        }
        has_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::settings::Fit;

    fn object(bounds: [f32; 4]) -> AnnotationRow {
        let [bbox_x, bbox_y, bbox_w, bbox_h] = bounds;
        AnnotationRow {
            annotation_id: 1,
            image_id: 1,
            category_id: 1,
            bbox_x,
            bbox_y,
            bbox_w,
            bbox_h,
            area: bbox_w * bbox_h,
            is_crowd: false,
            segmentation: vec![],
            mask_rle: None,
        }
    }

    fn original(width: u32, height: u32, side: u32, fit: Fit) -> Original {
        Original { width, height, placement: Placement::new(width, height, side, fit) }
    }

    /// The pixels as text, one line a row.
    fn drawn(region: &Region) -> String {
        let row = |row: &[bool]| row.iter().map(|&is_in| if is_in { '#' } else { '.' }).collect::<String>();
        region.pixels().chunks(region.side()).map(row).collect::<Vec<_>>().join(" ")
    }

    fn of(object: &AnnotationRow, original: Original, side: u32) -> Region {
        let mut region = Region::none(side);
        region.add(object, &original).unwrap();
        region
    }

    #[test]
    fn a_box_takes_the_pixels_whose_centres_it_covers() {
        let at = |fit| drawn(&of(&object([2.0, 2.0, 4.0, 2.0]), original(8, 4, 4, fit), 4));
        assert_eq!(at(Fit::Stretch), ".... .... .##. .##.");
        // The middle four columns, as they are.
        assert_eq!(at(Fit::Crop), ".... .... #### ####");
        // Half as large, below one row of padding.
        assert_eq!(at(Fit::Pad), ".... .... .##. ....");
    }

    #[test]
    fn polygons_masks_and_boxes_of_a_rectangle_take_the_same_pixels() {
        for fit in [Fit::Stretch, Fit::Crop, Fit::Pad] {
            for (width, height) in [(50, 30), (30, 50), (16, 16), (5, 7)] {
                let (w, h) = (width as f32, height as f32);
                let [x, y, across, down] =
                    [(w / 5.0).floor(), (h / 4.0).floor(), (w / 2.0).floor(), (h / 2.0).floor()];
                let plain = object([x, y, across, down]);
                let (right, bottom) = (x + across, y + down);
                let polygon = AnnotationRow {
                    segmentation: vec![vec![x, y, right, y, right, bottom, x, bottom]],
                    ..plain.clone()
                };
                let mut runs = vec![0];
                let mut inside = false;
                for column in 0..width {
                    for row in 0..height {
                        let is_in =
                            (x..right).contains(&(column as f32)) && (y..bottom).contains(&(row as f32));
                        if is_in != inside {
                            inside = is_in;
                            runs.push(0);
                        }
                        *runs.last_mut().unwrap() += 1;
                    }
                }
                let mask = AnnotationRow { mask_rle: Some(rle::compress(&runs)), ..plain.clone() };
                let original = original(width, height, 16, fit);
                let expected = of(&plain, original, 16);
                assert!(!expected.is_empty());
                assert_eq!(
                    drawn(&of(&polygon, original, 16)),
                    drawn(&expected),
                    "{width} x {height} {fit:?}"
                );
                assert_eq!(drawn(&of(&mask, original, 16)), drawn(&expected), "{width} x {height} {fit:?}");
            }
        }
    }

    #[test]
    fn a_polygon_with_a_hole_by_crossing_itself_has_that_hole() {
        // Two squares, the inner one run through the other way.
        let ring = [0., 0., 6., 0., 6., 6., 0., 6., 0., 0., 2., 2., 2., 4., 4., 4., 4., 2., 2., 2.];
        let object = AnnotationRow { segmentation: vec![ring.to_vec()], ..object([0.0, 0.0, 6.0, 6.0]) };
        let region = of(&object, original(6, 6, 6, Fit::Stretch), 6);
        assert!(region.has(1, 3) && !region.has(3, 3), "{}", drawn(&region));
    }

    #[test]
    fn what_is_thinner_than_a_pixel_still_has_one_and_what_is_cut_off_none() {
        let thin = AnnotationRow {
            segmentation: vec![vec![40.0, 10.0, 41.0, 10.0, 41.0, 12.0, 40.0, 12.0]],
            ..object([40.0, 10.0, 1.0, 2.0])
        };
        assert_eq!(drawn(&of(&thin, original(100, 100, 4, Fit::Stretch), 4)), ".#.. .... .... ....");
        let cut = object([0.0, 0.0, 10.0, 100.0]);
        let mut region = Region::none(4);
        assert!(!region.add(&cut, &original(300, 100, 4, Fit::Crop)).unwrap() && region.is_empty());
    }

    #[test]
    fn regions_come_back_from_their_run_lengths() {
        for bounds in [[0.0, 0.0, 3.0, 3.0], [1.0, 2.0, 4.0, 1.0], [0.0, 0.0, 6.0, 6.0]] {
            let region = of(&object(bounds), original(6, 6, 6, Fit::Stretch), 6);
            assert_eq!(Region::of_rle(6, &region.to_rle()), Ok(region.clone()));
            let wrong = Region::of_rle(5, &region.to_rle());
            assert_eq!(wrong, Err(RleError::Length { found: 36, expected: 25 }));
        }
        assert_eq!(Region::of_rle(6, &Region::none(6).to_rle()), Ok(Region::none(6)));
    }
}
