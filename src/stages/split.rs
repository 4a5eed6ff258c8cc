//! `split`: which part each image is for. Images that are or look the same, and images of one capture, stay together.

use std::collections::HashMap;

use super::error::StageError;
use super::work::{StageWork, write_json, write_table};
use crate::cache::Attempt;
use crate::dataset::leakage::{Bonds, Evidence};
use crate::dataset::split::{self as division, Divided};
use crate::plan::output;
use crate::spec::settings::SplitMethod;
use crate::tables::rows::{CaptureRow, ImageRow, LabelTable, Part, PictureHashRow, SplitRow};

/// Divides the images.
///
/// # Errors
/// Where a part is empty, or a label has too few positives in one.
pub fn split(work: &StageWork, out: &Attempt) -> Result<(), StageError> {
    let labels: LabelTable = work.table("labels")?;
    let images: Vec<ImageRow> = work.table("images")?;
    let given: Vec<SplitRow> = work.table("given_parts")?;
    let settings = &work.experiment().split;
    let hashes: Vec<PictureHashRow> = match settings.near_duplicates {
        Some(_) => work.table("picture_hashes")?,
        None => Vec::new(),
    };
    let captures: Vec<CaptureRow> = work.table("given_captures")?;
    let format = work.experiment().dataset.format;
    let bonds =
        Bonds::find(settings, &Evidence { images: &images, format, hashes: &hashes, captures: &captures });
    let given = (settings.method == SplitMethod::Column && !given.is_empty()).then_some(given.as_slice());
    let mut divided = division::split(settings, &labels, &bonds.together(), given)?;
    divided.notices.extend(bonds.notices(settings, &images, &labels, &divided.rows));
    let parts: &[Part] = match settings.method {
        SplitMethod::None => &[Part::Train],
        _ => &[Part::Train, Part::Val, Part::Test],
    };
    check(&labels, &divided, parts, work.experiment().labels.min_positives)?;
    write_table(out, output::SPLIT, &divided.rows, "split")?;
    write_json(out, output::NOTICES, &divided.notices)
}

fn check(
    labels: &LabelTable,
    divided: &Divided,
    parts: &[Part],
    min_positives: u32,
) -> Result<(), StageError> {
    let n_folds = divided.rows.iter().map(|row| row.fold + 1).max().unwrap_or(1);
    for fold in 0..n_folds {
        let of_fold = (n_folds > 1).then_some(fold);
        let rows = divided.rows.iter().filter(|row| row.fold == fold);
        let part_of: HashMap<i64, Part> = rows.map(|row| (row.image_id, row.part)).collect();
        for &part in parts {
            check_part(labels, &part_of, part, of_fold, divided.n_units, min_positives)?;
        }
    }
    Ok(())
}

fn check_part(
    labels: &LabelTable,
    part_of: &HashMap<i64, Part>,
    part: Part,
    fold: Option<u32>,
    units: usize,
    min_positives: u32,
) -> Result<(), StageError> {
    let rows: Vec<usize> = (0..labels.image_ids.len())
        .filter(|&row_idx| part_of.get(&labels.image_ids[row_idx]) == Some(&part))
        .collect();
    let part = part.as_str();
    if rows.is_empty() {
        return Err(StageError::EmptyPart { part, fold, images: labels.image_ids.len(), units });
    }
    let count = |label_idx: usize| rows.iter().filter(|&&row_idx| labels.row(row_idx)[label_idx]).count();
    let few: Vec<(String, usize)> = (0..labels.labels.len())
        .map(|label_idx| (labels.labels[label_idx].clone(), count(label_idx)))
        .filter(|(_, n)| *n < min_positives as usize)
        .collect();
    if few.is_empty() { Ok(()) } else { Err(StageError::FewPositives { part, fold, few, min_positives }) }
}
