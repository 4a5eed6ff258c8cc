//! COCO JSON, as TACO writes it, to tables.
//!
//! The file is read as a stream into its records, then checked as a whole, since its sections may stand in any
//! order. Polygons are kept as they are, also where they leave the image; run-length masks are checked and kept in
//! their compressed form.

mod objects;
mod quick;
mod read;
mod records;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::Path;

use self::objects::Objects;
use self::records::{Category, Image, SceneAnnotation, SceneCategory};
use super::faults::{FaultKind, Faults, ImportError};
use super::imported::Imported;
use super::names::{self, ImageName};
use super::notice::{NoticeKind, Tally};
use crate::tables::rows::{CategoryRow, ImageRow, SceneRow};

const SIZELESS: FaultKind =
    FaultKind { what: "images without a size", help: "`width` and `height` are whole numbers from 1" };
const IMAGE_TWICE: FaultKind =
    FaultKind { what: "image ids that occur more than once", help: "give each image an `id` of its own" };
const CATEGORY_TWICE: FaultKind = FaultKind {
    what: "category ids that occur more than once",
    help: "give each category an `id` of its own",
};
const CONTROL: FaultKind = FaultKind {
    what: "categories whose name holds a control character",
    help: "give the category a name of one line that can be shown and typed",
};
const SCENE_TWICE: FaultKind =
    FaultKind { what: "scene ids that occur more than once", help: "give each scene an `id` of its own" };

/// Reads the COCO JSON file at `path`.
///
/// # Errors
/// Where it cannot be read, is no COCO JSON (with line and column), or its records contradict each other.
pub fn import(path: &Path) -> Result<Imported, ImportError> {
    let root = read::root(path)?;
    if root.images.is_empty() {
        return Err(ImportError::Empty {
            path: path.to_owned(),
            what: "images",
            help: "`images` must hold at least one image",
        });
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
    objects.renumber(&mut imported.annotations, &mut faults);
    faults.check(path)?;

    let merged = merged(&imported.categories);
    let mut unknown = Tally::default();
    imported.scenes = scenes(&root.scene_annotations, &imported, &mut unknown);
    imported.notices = objects.notices();
    let what = "categories of one name, which are one label";
    imported.notices.extend(merged.notice(NoticeKind::CategoriesMerged, what));
    let what = "scene annotations that refer to nothing";
    imported.notices.extend(unknown.notice(NoticeKind::ScenesUnknown, what));
    Ok(imported)
}

fn images(records: Vec<Image>, faults: &mut Faults) -> Vec<ImageRow> {
    let mut rows = Vec::with_capacity(records.len());
    for record in records {
        let (id, width, height) = (record.id.0, record.width.0, record.height.0);
        let side = |pixels: i64| u32::try_from(pixels).ok().filter(|&pixels| pixels > 0);
        if side(width).is_none() || side(height).is_none() {
            faults.add(&SIZELESS, format_args!("{id} ({width} x {height})"));
        }
        // A row with a fault stays, or its annotations would be faults as well.
        let name = names::parse(&record.file_name).unwrap_or_else(|error| {
            let why = names::why(&record.file_name, error);
            faults.add(&names::UNUSABLE, format_args!("{id} ({why})"));
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
            faults.add(&IMAGE_TWICE, pair[0].image_id);
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
    sorted_categories(records.into_iter().map(row).collect(), &CATEGORY_TWICE, faults)
}

fn scene_categories(records: Vec<SceneCategory>, faults: &mut Faults) -> Vec<CategoryRow> {
    let row = |record: SceneCategory| CategoryRow {
        category_id: record.id.0,
        name: record.name,
        supercategory: String::new(),
    };
    sorted_categories(records.into_iter().map(row).collect(), &SCENE_TWICE, faults)
}

fn sorted_categories(
    mut rows: Vec<CategoryRow>,
    twice: &'static FaultKind,
    faults: &mut Faults,
) -> Vec<CategoryRow> {
    rows.sort_by_key(|row| row.category_id);
    for pair in rows.windows(2) {
        if pair[0].category_id == pair[1].category_id {
            faults.add(twice, pair[0].category_id);
        }
    }
    for row in &rows {
        if row.name.chars().chain(row.supercategory.chars()).any(char::is_control) {
            faults.add(&CONTROL, format_args!("{} ({})", row.category_id, row.name));
        }
    }
    rows
}

/// Categories that have the name of an earlier one.
fn merged(rows: &[CategoryRow]) -> Tally {
    let mut first = HashMap::new();
    let mut merged = Tally::default();
    for row in rows {
        let id = *first.entry(row.name.as_str()).or_insert(row.category_id);
        if id != row.category_id {
            merged.add(format_args!("{} (ids {id} and {})", row.name, row.category_id));
        }
    }
    merged
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
