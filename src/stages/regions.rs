//! `regions`: the pixels that the objects of each label take, in the pictures as models see them.

use std::collections::HashMap;

use rayon::prelude::*;

use super::error::StageError;
use super::work::{StageWork, write_table};
use crate::cache::Attempt;
use crate::dataset::{Imported, labels};
use crate::pixels::Region;
use crate::pixels::region::Original;
use crate::pixels::resize::Placement;
use crate::plan::output;
use crate::spec::settings::Images;
use crate::tables::attention::RegionRow;
use crate::tables::rows::{AnnotationRow, ImageRow, LabelTable};

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
    let found = labels::objects_of_labels(&experiment.labels, &imported, &table.labels)?;
    let is_kept = |image_id: i64| table.image_ids.binary_search(&image_id).is_ok();
    let mut objects: Vec<(i64, usize, usize)> = (found.into_iter())
        .map(|(object_idx, label_idx)| (imported.annotations[object_idx].image_id, label_idx, object_idx))
        .filter(|&(image_id, ..)| is_kept(image_id) && sizes.contains_key(&image_id))
        .collect();
    objects.sort_unstable();
    // One region at a time for each thread: as bits, those of a large dataset would fill the memory.
    let of_pairs: Vec<&[(i64, usize, usize)]> = objects.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)).collect();
    let row = |of_pair: &&[(i64, usize, usize)]| {
        let (image_id, label_idx, _) = of_pair[0];
        let (width, height) = sizes[&image_id];
        let objects = of_pair.iter().map(|&(.., object_idx)| &imported.annotations[object_idx]);
        row(objects, &experiment.images, (width, height), &table.labels[label_idx])
    };
    let rows: Vec<Option<RegionRow>> = of_pairs.par_iter().map(row).collect::<Result<_, _>>()?;
    let rows: Vec<RegionRow> = rows.into_iter().flatten().collect();
    write_table(out, output::REGIONS, &rows, "regions")
}

/// The pixels that objects of one image and label take; `None` where none of them is in the picture.
fn row<'a>(
    objects: impl Iterator<Item = &'a AnnotationRow>,
    images: &Images,
    (width, height): (u32, u32),
    label: &str,
) -> Result<Option<RegionRow>, StageError> {
    let placement = Placement::new(width, height, images.size, images.fit);
    let original = Original { width, height, placement };
    let (mut region, mut has_boxes, mut image_id) = (Region::none(images.size), false, None);
    for object in objects {
        image_id = Some(object.image_id);
        let is_there = region.add(object, &original).map_err(|error| StageError::Inconsistent {
            what: format!("the mask of annotation {}: {error}", object.annotation_id),
        })?;
        has_boxes |= is_there && object.mask_rle.is_none() && object.segmentation.is_empty();
    }
    Ok(image_id.filter(|_| !region.is_empty()).map(|image_id| RegionRow {
        image_id,
        label: label.to_owned(),
        side: images.size,
        has_boxes,
        mask_rle: region.to_rle(),
    }))
}
