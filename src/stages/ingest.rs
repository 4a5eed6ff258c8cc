//! `ingest`: what the annotations say, as tables. Looks at no image.

use super::error::StageError;
use super::work::{StageWork, write_json, write_table};
use crate::cache::Attempt;
use crate::dataset::{self, ImportError};
use crate::plan::output;
use crate::spec::settings::Dataset;

/// Reads the dataset's annotations.
///
/// # Errors
/// All faults of the annotations.
pub fn ingest(work: &StageWork, out: &Attempt) -> Result<(), StageError> {
    let settings = &work.experiment().dataset;
    let imported = dataset::import(settings).map_err(|error| of_column(error, settings))?;
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
fn of_column(error: ImportError, settings: &Dataset) -> StageError {
    match &error {
        ImportError::NoColumn { column, .. } if *column == settings.image_column => {
            StageError::Column { key: "image_column", source: error }
        }
        ImportError::NoColumn { column, .. } if *column == settings.part_column => {
            StageError::Column { key: "part_column", source: error }
        }
        _ => error.into(),
    }
}
