//! COCO JSON, as TACO writes it, to tables.
//!
//! The file is read as a stream into its records, then checked as a whole, since its sections may stand in any
//! order. Polygons are kept as they are, also where they leave the image; of run-length masks only the box.

mod read;
mod records;
#[cfg(test)]
mod tests;

use std::path::Path;

use self::records::{Annotation, Category, Image, SceneAnnotation, SceneCategory, Segmentation};
use super::faults::{Faults, ImportError};
use super::imported::Imported;
use super::names::{self, ImageName};
use super::notice::{NoticeKind, Tally};
use crate::tables::rows::{AnnotationRow, CategoryRow, ImageRow, SceneRow};

/// A box that leaves its image by no more than this many pixels is cut without a word: it is rounding.
const ROUNDING_PX: f64 = 0.01;

/// Reads the COCO JSON file at `path`.
///
/// # Errors
/// Where it cannot be read, is no COCO JSON (with line and column), or its records contradict each other.
pub fn import(path: &Path) -> Result<Imported, ImportError> {
    let root = read::root(path)?;
    if root.images.is_empty() {
        return Err(ImportError::Empty { path: path.to_owned(), what: "images" });
    }
    let mut faults = Faults::default();
    let mut imported = Imported {
        images: images(root.images, &mut faults),
        categories: categories(root.categories, &mut faults),
        scene_categories: scene_categories(root.scene_categories, &mut faults),
        ..Imported::default()
    };
    let mut objects = Objects::default();
    imported.annotations = root
        .annotations
        .into_iter()
        .filter_map(|record| objects.row(record, &imported.images, &imported.categories, &mut faults))
        .collect();
    let renumbered = renumber(&mut imported.annotations, &mut faults);
    faults.check(path)?;

    let mut unknown = Tally::default();
    imported.scenes = scenes(&root.scene_annotations, &imported, &mut unknown);
    imported.notices = [
        renumbered.notice(
            NoticeKind::AnnotationsRenumbered,
            "annotation ids that occur more than once, made unique",
        ),
        objects.empty.notice(NoticeKind::BoxesDropped, "annotations left out, their boxes are empty"),
        objects.outside.notice(NoticeKind::BoxesDropped, "annotations left out, their boxes are outside"),
        objects.clipped.notice(NoticeKind::BoxesClipped, "annotations whose boxes were cut at the border"),
        objects.runs.notice(NoticeKind::MasksAsBoxes, "annotations with run-length masks, kept as boxes"),
        unknown.notice(NoticeKind::ScenesUnknown, "scene annotations that refer to nothing"),
    ]
    .into_iter()
    .flatten()
    .collect();
    Ok(imported)
}

fn images(records: Vec<Image>, faults: &mut Faults) -> Vec<ImageRow> {
    let mut rows = Vec::with_capacity(records.len());
    for record in records {
        let (id, width, height) = (record.id.0, record.width.0, record.height.0);
        let side = |pixels: i64| u32::try_from(pixels).ok().filter(|&pixels| pixels > 0);
        if side(width).is_none() || side(height).is_none() {
            faults.add("images without a size", format_args!("{id} ({width} x {height})"));
        }
        // A row with a fault stays, or its annotations would be faults as well.
        let name = names::parse(&record.file_name).unwrap_or_else(|error| {
            faults.add(names::UNUSABLE, format_args!("{} {error}", record.file_name));
            ImageName { path: record.file_name.clone(), file_name: id.to_string() }
        });
        // COCO keeps copies of its own; what its photographers left on Flickr may be gone or of another size.
        let urls = [record.coco_url, record.flickr_url];
        rows.push(ImageRow {
            image_id: id,
            file_name: name.file_name,
            path: name.path,
            width: side(width).unwrap_or_default(),
            height: side(height).unwrap_or_default(),
            digest: String::new(),
            url: urls.into_iter().flatten().find(|url| !url.is_empty()),
            url_small: record.flickr_640_url.filter(|url| !url.is_empty()),
        });
    }
    rows.sort_by_key(|row| row.image_id);
    for pair in rows.windows(2) {
        if pair[0].image_id == pair[1].image_id {
            faults.add("image ids that occur more than once", pair[0].image_id);
        }
    }
    names::check_unique(rows.iter().map(|row| (row.file_name.as_str(), row.path.as_str())), faults);
    rows
}

fn categories(records: Vec<Category>, faults: &mut Faults) -> Vec<CategoryRow> {
    let row = |record: Category| CategoryRow {
        category_id: record.id.0,
        name: record.name,
        supercategory: record.supercategory.unwrap_or_default(),
    };
    sorted_categories(
        records.into_iter().map(row).collect(),
        "category ids that occur more than once",
        faults,
    )
}

fn scene_categories(records: Vec<SceneCategory>, faults: &mut Faults) -> Vec<CategoryRow> {
    let row = |record: SceneCategory| CategoryRow {
        category_id: record.id.0,
        name: record.name,
        supercategory: String::new(),
    };
    sorted_categories(records.into_iter().map(row).collect(), "scene ids that occur more than once", faults)
}

fn sorted_categories(
    mut rows: Vec<CategoryRow>,
    twice: &'static str,
    faults: &mut Faults,
) -> Vec<CategoryRow> {
    rows.sort_by_key(|row| row.category_id);
    for pair in rows.windows(2) {
        if pair[0].category_id == pair[1].category_id {
            faults.add(twice, pair[0].category_id);
        }
    }
    rows
}

/// Sorts by id and gives those that share one a new id behind all others: TACO's official file has two ids with
/// two different objects each. Nothing refers to an annotation, so no meaning is lost.
fn renumber(rows: &mut [AnnotationRow], faults: &mut Faults) -> Tally {
    // Among equal ids the order in the file must not decide.
    rows.sort_by(|a, b| {
        let key = |row: &AnnotationRow| (row.annotation_id, row.image_id, row.category_id);
        let corner = |row: &AnnotationRow| [row.bbox_x, row.bbox_y, row.bbox_w, row.bbox_h].map(f32::to_bits);
        key(a).cmp(&key(b)).then_with(|| corner(a).cmp(&corner(b)))
    });
    let mut renumbered = Tally::default();
    let (mut last, mut before) = (rows.last().map_or(0, |row| row.annotation_id), None);
    for row in rows.iter_mut() {
        let id = row.annotation_id;
        if before.replace(id) == Some(id) {
            match last.checked_add(1) {
                Some(next) => {
                    renumbered.add(id);
                    (last, row.annotation_id) = (next, next);
                }
                None => faults.add("annotation ids that occur more than once", id),
            }
        }
    }
    rows.sort_by_key(|row| row.annotation_id);
    renumbered
}

/// Turns annotations into rows and counts what had to be changed.
#[derive(Default)]
struct Objects {
    empty: Tally,
    outside: Tally,
    clipped: Tally,
    runs: Tally,
}

impl Objects {
    /// `None` where there is a fault, or the object is left out.
    fn row(
        &mut self,
        record: Annotation,
        images: &[ImageRow],
        categories: &[CategoryRow],
        faults: &mut Faults,
    ) -> Option<AnnotationRow> {
        let (id, image_id, category_id) = (record.id.0, record.image_id.0, record.category_id.0);
        let image_idx = images.binary_search_by_key(&image_id, |row| row.image_id);
        let Ok(image_idx) = image_idx else {
            faults.add("annotations of images that are not there", format_args!("{id} (image {image_id})"));
            return None;
        };
        if categories.binary_search_by_key(&category_id, |row| row.category_id).is_err() {
            let what = "annotations of categories that are not there";
            faults.add(what, format_args!("{id} (category {category_id})"));
            return None;
        }
        let area = record.area.unwrap_or(record.bbox[2] * record.bbox[3]);
        if record.bbox[2] < 0.0 || record.bbox[3] < 0.0 || !(0.0..=f64::from(f32::MAX)).contains(&area) {
            let [_, _, w, h] = record.bbox;
            faults.add("annotations of impossible size", format_args!("{id} ({w} x {h}, area {area:?})"));
            return None;
        }
        let segmentation = match record.segmentation {
            Segmentation::None => Vec::new(),
            Segmentation::Polygons(polygons) => polygons,
            Segmentation::Runs => {
                self.runs.add(id);
                Vec::new()
            }
        };
        let whole = segmentation.iter().all(|polygon| polygon.len() % 2 == 0);
        if !whole || segmentation.iter().flatten().any(|coordinate| !coordinate.is_finite()) {
            faults.add("annotations whose polygons are no lists of x, y", id);
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
            segmentation,
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
}

/// Each scene of each image once, ascending; what refers to nothing goes to `unknown`.
fn scenes(records: &[SceneAnnotation], imported: &Imported, unknown: &mut Tally) -> Vec<SceneRow> {
    let mut rows = Vec::new();
    let mut missing: Vec<(i64, i64)> = Vec::new();
    for record in records {
        let image_id = record.image_id.0;
        let known = imported.images.binary_search_by_key(&image_id, |row| row.image_id).is_ok();
        for scene_id in record.background_ids.iter().map(|id| id.0) {
            match imported.scene_categories.binary_search_by_key(&scene_id, |row| row.category_id) {
                Ok(idx) if known => {
                    rows.push(SceneRow { image_id, scene: imported.scene_categories[idx].name.clone() });
                }
                _ => missing.push((scene_id, image_id)),
            }
        }
    }
    rows.sort_unstable();
    rows.dedup();
    missing.sort_unstable();
    missing.dedup();
    for (scene_id, image_id) in missing {
        unknown.add(format_args!("scene {scene_id} of image {image_id}"));
    }
    rows
}
