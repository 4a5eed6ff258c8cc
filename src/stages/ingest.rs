//! `ingest`: what the annotations say, as tables. Looks at no image.

use super::error::StageError;
use super::work::{StageWork, write_json, write_table};
use crate::cache::Attempt;
use crate::dataset::{self, ImportError};
use crate::plan::output;

/// Reads the dataset's annotations.
///
/// # Errors
/// All faults of the annotations.
pub fn ingest(work: &StageWork, out: &Attempt) -> Result<(), StageError> {
    let settings = &work.experiment().dataset;
    let imported = dataset::import(settings).map_err(of_column)?;
    let stage = "ingest";
    write_table(out, output::IMAGES, &imported.images, stage)?;
    write_table(out, output::ANNOTATIONS, &imported.annotations, stage)?;
    write_table(out, output::CATEGORIES, &imported.categories, stage)?;
    write_table(out, output::SCENES, &imported.scenes, stage)?;
    write_table(out, output::SCENE_CATEGORIES, &imported.scene_categories, stage)?;
    write_table(out, output::GIVEN_LABELS, &imported.labels_given.unwrap_or_default(), stage)?;
    write_table(out, output::GIVEN_PARTS, &imported.parts_given.unwrap_or_default(), stage)?;
    write_table(out, output::GIVEN_CAPTURES, &imported.captures_given.unwrap_or_default(), stage)?;
    write_json(out, output::NOTICES, &imported.notices)
}

/// A column that is missing is the fault of the key that names it.
fn of_column(error: ImportError) -> StageError {
    match error {
        ImportError::NoColumn { key, .. } => StageError::Column { key, source: error },
        _ => error.into(),
    }
}
