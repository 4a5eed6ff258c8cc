//! `regions`: the pixels that the objects of each label take, in the pictures as models see them.

use std::collections::{BTreeMap, HashMap};

use super::error::StageError;
use super::work::{StageWork, write_table};
use crate::cache::Attempt;
use crate::dataset::{Imported, labels};
use crate::pixels::Region;
use crate::pixels::region::Original;
use crate::pixels::resize::Placement;
use crate::plan::output;
use crate::tables::attention::RegionRow;
use crate::tables::rows::{ImageRow, LabelTable};

/// Draws the objects of each label that is made of objects, for each image that has it.
///
/// # Errors
/// Where the groups of the spec do not fit the dataset, or a mask cannot be read.
pub fn regions(work: &StageWork, out: &Attempt) -> Result<(), StageError> {
    let experiment = work.experiment();
    // Boxes and masks are in the pixels of the records: an image on disk may be a smaller copy.
    let records: Vec<ImageRow> = work.table("records")?;
    let sizes: HashMap<i64, (u32, u32)> =
        records.iter().map(|image| (image.image_id, (image.width, image.height))).collect();
    let table: LabelTable = work.table("labels")?;
    let imported = Imported {
        images: work.table("images")?,
        annotations: work.table("annotations")?,
        categories: work.table("categories")?,
        ..Imported::default()
    };
    let (side, fit) = (experiment.images.size, experiment.images.fit);
    let mut regions: BTreeMap<(i64, usize), (Region, bool)> = BTreeMap::new();
    for (object_idx, label_idx) in labels::objects_of_labels(&experiment.labels, &imported, &table.labels)? {
        let object = &imported.annotations[object_idx];
        let is_kept = table.image_ids.binary_search(&object.image_id).is_ok();
        let Some(&(width, height)) = sizes.get(&object.image_id).filter(|_| is_kept) else { continue };
        let original = Original { width, height, placement: Placement::new(width, height, side, fit) };
        let (region, has_boxes) =
            regions.entry((object.image_id, label_idx)).or_insert_with(|| (Region::none(side), false));
        let is_there = region.add(object, &original).map_err(|error| StageError::Inconsistent {
            what: format!("the mask of annotation {}: {error}", object.annotation_id),
        })?;
        *has_boxes |= is_there && object.mask_rle.is_none() && object.segmentation.is_empty();
    }
    let seen = regions.into_iter().filter(|(_, (region, _))| !region.is_empty());
    let row = |((image_id, label_idx), (region, has_boxes)): ((i64, usize), (Region, bool))| RegionRow {
        image_id,
        label: table.labels[label_idx].clone(),
        side,
        has_boxes,
        mask_rle: region.to_rle(),
    };
    let rows: Vec<RegionRow> = seen.map(row).collect();
    write_table(out, output::REGIONS, &rows, "regions")
}
