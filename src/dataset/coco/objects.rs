//! The annotations of a COCO file: each record checked against its image and category and made a row.

use super::super::faults::{FaultKind, Faults};
use super::super::notice::{Notice, NoticeKind, Tally};
use super::records::{Annotation, Runs, Segmentation};
use crate::tables::rle;
use crate::tables::rows::{AnnotationRow, CategoryRow, ImageRow};

const NO_IMAGE: FaultKind = FaultKind {
    what: "annotations of images that are not there",
    help: "add the images to `images`, or remove their annotations",
};
const NO_CATEGORY: FaultKind = FaultKind {
    what: "annotations of categories that are not there",
    help: "add the categories to `categories`, or remove their annotations",
};
const SIZE: FaultKind = FaultKind {
    what: "annotations of impossible size",
    help: "`bbox` is x, y, width and height, none of the last two and no `area` below 0",
};
const POLYGON: FaultKind = FaultKind {
    what: "annotations whose polygons are no lists of x, y",
    help: "each polygon is a flat list of x, y, x, y, …",
};
const MASK_SIZE: FaultKind = FaultKind {
    what: "run-length masks of another size than their images",
    help: "`size` of a mask is the height and width that the image's record says",
};
const MASK: FaultKind = FaultKind {
    what: "run-length masks that cannot be read",
    help: "`counts` are run lengths that add up to the pixels of the image, as a list or as pycocotools compresses them",
};
const TWICE: FaultKind = FaultKind {
    what: "annotation ids that occur more than once",
    help: "give each annotation an `id` of its own",
};

/// A box that leaves its image by no more than this many pixels is cut without a word: it is rounding.
const ROUNDING_PX: f64 = 0.01;

/// Turns annotations into rows and counts what had to be changed.
#[derive(Default)]
pub(super) struct Objects {
    renumbered: Tally,
    empty: Tally,
    outside: Tally,
    clipped: Tally,
}

/// What an annotation says of its shape.
#[derive(Default)]
struct Shape {
    polygons: Vec<Vec<f32>>,
    mask_rle: Option<String>,
    /// Pixels of the mask.
    mask_px: Option<u64>,
}

impl Shape {
    /// In square pixels; `None` where only the box is known. Polygons are taken not to overlap.
    fn area(&self) -> Option<f64> {
        let polygons = || self.polygons.iter().map(|polygon| area(polygon)).sum();
        self.mask_px.map(|pixels| pixels as f64).or_else(|| (!self.polygons.is_empty()).then(polygons))
    }
}

impl Objects {
    /// The row of a record; `None` where there is a fault, or the object is left out.
    pub fn row(
        &mut self,
        record: Annotation,
        images: &[ImageRow],
        categories: &[CategoryRow],
        faults: &mut Faults,
    ) -> Option<AnnotationRow> {
        let (id, image_id, category_id) = (record.id.0, record.image_id.0, record.category_id.0);
        let Ok(image_idx) = images.binary_search_by_key(&image_id, |row| row.image_id) else {
            faults.add(&NO_IMAGE, format_args!("{id} (image {image_id})"));
            return None;
        };
        if categories.binary_search_by_key(&category_id, |row| row.category_id).is_err() {
            faults.add(&NO_CATEGORY, format_args!("{id} (category {category_id})"));
            return None;
        }
        let shape = match record.segmentation {
            Segmentation::None => Shape::default(),
            Segmentation::Polygons(polygons) => of_polygons(id, polygons, faults)?,
            Segmentation::Runs(runs) => of_runs(id, runs, &images[image_idx], faults)?,
        };
        let [_, _, w, h] = record.bbox;
        let area = record.area.or_else(|| shape.area()).unwrap_or(w * h);
        if w < 0.0 || h < 0.0 || !(0.0..=f64::from(f32::MAX)).contains(&area) {
            faults.add(&SIZE, format_args!("{id} ({w} x {h}, area {area:?})"));
            return None;
        }
        let [x, y, w, h] = self.clip(id, record.bbox, &images[image_idx])?;
        Some(AnnotationRow {
            annotation_id: id,
            image_id,
            category_id,
            bbox_x: x as f32,
            bbox_y: y as f32,
            bbox_w: w as f32,
            bbox_h: h as f32,
            area: area as f32,
            is_crowd: record.iscrowd.0,
            segmentation: shape.polygons,
            mask_rle: shape.mask_rle,
        })
    }

    /// The box inside its image; `None` where nothing of it is.
    fn clip(&mut self, id: i64, [x, y, w, h]: [f64; 4], image: &ImageRow) -> Option<[f64; 4]> {
        if w == 0.0 || h == 0.0 {
            self.empty.add(id);
            return None;
        }
        let (width, height) = (f64::from(image.width), f64::from(image.height));
        let (left, top) = (x.max(0.0), y.max(0.0));
        let (right, bottom) = ((x + w).min(width), (y + h).min(height));
        if right <= left || bottom <= top {
            self.outside.add(id);
            return None;
        }
        let beyond = (-x).max(-y).max(x + w - width).max(y + h - height);
        if beyond <= 0.0 {
            return Some([x, y, w, h]);
        }
        if beyond > ROUNDING_PX {
            self.clipped.add(id);
        }
        Some([left, top, right - left, bottom - top])
    }

    /// Sorts by id and gives those that share one a new id behind all others: TACO's official file has two ids with
    /// two different objects each. Nothing refers to an annotation, so no meaning is lost.
    pub fn renumber(&mut self, rows: &mut [AnnotationRow], faults: &mut Faults) {
        // Among equal ids the order in the file must not decide.
        rows.sort_by(|a, b| {
            let key = |row: &AnnotationRow| (row.annotation_id, row.image_id, row.category_id);
            let corner =
                |row: &AnnotationRow| [row.bbox_x, row.bbox_y, row.bbox_w, row.bbox_h].map(f32::to_bits);
            key(a).cmp(&key(b)).then_with(|| corner(a).cmp(&corner(b)))
        });
        let (mut last, mut before) = (rows.last().map_or(0, |row| row.annotation_id), None);
        for row in rows.iter_mut() {
            let id = row.annotation_id;
            if before.replace(id) == Some(id) {
                match last.checked_add(1) {
                    Some(next) => {
                        self.renumbered.add(id);
                        (last, row.annotation_id) = (next, next);
                    }
                    None => faults.add(&TWICE, id),
                }
            }
        }
        rows.sort_by_key(|row| row.annotation_id);
    }

    /// What had to be changed.
    pub fn notices(&self) -> Vec<Notice> {
        let dropped = NoticeKind::BoxesDropped;
        let renumbered = "annotation ids that occur more than once, made unique";
        [
            self.renumbered.notice(NoticeKind::AnnotationsRenumbered, renumbered),
            self.empty.notice(dropped, "annotations left out, their boxes are empty"),
            self.outside.notice(dropped, "annotations left out, their boxes are outside"),
            self.clipped.notice(NoticeKind::BoxesClipped, "annotations whose boxes were cut at the border"),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

fn of_polygons(id: i64, polygons: Vec<Vec<f32>>, faults: &mut Faults) -> Option<Shape> {
    let pairs = polygons.iter().all(|polygon| polygon.len() % 2 == 0);
    if !pairs || polygons.iter().flatten().any(|coordinate| !coordinate.is_finite()) {
        faults.add(&POLYGON, id);
        return None;
    }
    Some(Shape { polygons, ..Shape::default() })
}

fn of_runs(id: i64, mask: Runs, image: &ImageRow, faults: &mut Faults) -> Option<Shape> {
    let [height, width] = mask.size.map(|side| side.0);
    if (width, height) != (i64::from(image.width), i64::from(image.height)) {
        let (of_image, of_mask) =
            (format!("{} x {}", image.width, image.height), format!("{width} x {height}"));
        faults.add(&MASK_SIZE, format_args!("{id} ({of_mask}, image {of_image})"));
        return None;
    }
    let runs = mask.runs.map_err(|error| faults.add(&MASK, format_args!("{id} ({error})"))).ok()?;
    let (pixels, area) = rle::pixels(&runs);
    let expected = u64::from(image.width) * u64::from(image.height);
    if pixels != expected {
        faults.add(&MASK, format_args!("{id} ({pixels} pixels, expected {expected})"));
        return None;
    }
    Some(Shape { mask_rle: Some(rle::compress(&runs)), mask_px: Some(area), ..Shape::default() })
}

/// The area of a polygon by the shoelace formula.
fn area(flat: &[f32]) -> f64 {
    let points = flat.chunks_exact(2).map(|point| [f64::from(point[0]), f64::from(point[1])]);
    let next = points.clone().cycle().skip(1);
    let twice: f64 = points.zip(next).map(|(a, b)| a[0] * b[1] - b[0] * a[1]).sum();
    twice.abs() / 2.0
}
