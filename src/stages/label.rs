//! `label`: which labels each image has.

use std::collections::HashSet;

use super::error::StageError;
use super::work::{StageWork, write_json, write_table};
use crate::cache::Attempt;
use crate::dataset::{Imported, labels};
use crate::plan::output;
use crate::spec::settings::Format;
use crate::tables::rows::{ImageRow, LabelTable};

/// Makes the label table of the images that the scan left.
///
/// # Errors
/// Where the groups of the spec do not fit the dataset.
pub fn label(work: &StageWork, out: &Attempt) -> Result<(), StageError> {
    let images: Vec<ImageRow> = work.table("images")?;
    let kept: HashSet<i64> = images.iter().map(|image| image.image_id).collect();
    let given: LabelTable = work.table("given_labels")?;
    let has_labels = work.experiment().dataset.format != Format::Coco;
    let imported = Imported {
        images,
        annotations: work.table("annotations")?,
        categories: work.table("categories")?,
        scenes: work.table("scenes")?,
        scene_categories: work.table("scene_categories")?,
        labels_given: has_labels.then(|| only(given, &kept)),
        ..Imported::default()
    };
    let labelled = labels::label_table(&work.experiment().labels, &imported)?;
    write_table(out, output::LABELS, &labelled.table, "label")?;
    write_json(out, output::NOTICES, &labelled.notices)
}

/// The rows of images that are kept.
fn only(table: LabelTable, kept: &HashSet<i64>) -> LabelTable {
    let mut left = LabelTable { labels: table.labels.clone(), ..LabelTable::default() };
    for (row_idx, &image_id) in table.image_ids.iter().enumerate() {
        if kept.contains(&image_id) {
            left.image_ids.push(image_id);
            left.positives.extend_from_slice(table.row(row_idx));
        }
    }
    left
}
