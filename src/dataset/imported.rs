//! A dataset as tables, before anything is made of it.

use crate::spec::settings::{Dataset, Format};
use crate::tables::rows::{AnnotationRow, CaptureRow, CategoryRow, ImageRow, LabelTable, SceneRow, SplitRow};

use super::faults::ImportError;
use super::image_labels::{self, Layout};
use super::notice::Notice;
use super::{coco, folders};

/// What a dataset holds, whatever its format; every table ascends by its id, whatever the order in the files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Imported {
    /// All images. Digests are empty; width and height are 0 where the format does not tell them.
    pub images: Vec<ImageRow>,
    /// Objects; none where the format has only labels.
    pub annotations: Vec<AnnotationRow>,
    /// What objects can be.
    pub categories: Vec<CategoryRow>,
    /// The scenes of the images (TACO's `scene_annotations`), each once per image.
    pub scenes: Vec<SceneRow>,
    /// What scenes can be.
    pub scene_categories: Vec<CategoryRow>,
    /// Labels that the format itself gives: the columns of a table, the folders.
    pub labels_given: Option<LabelTable>,
    /// Parts that the format itself gives; fold 0.
    pub parts_given: Option<Vec<SplitRow>>,
    /// Captures that the format itself gives: an image without one has an empty name.
    pub captures_given: Option<Vec<CaptureRow>>,
    /// What was met on the way.
    pub notices: Vec<Notice>,
}

/// Reads the dataset that `settings` name.
///
/// # Errors
/// Where a file cannot be read, or its rows contradict the format or each other: all such faults together.
pub fn import(settings: &Dataset) -> Result<Imported, ImportError> {
    match settings.format {
        Format::Coco => coco::import(&settings.annotations),
        Format::Csv => {
            image_labels::csv::import(&settings.annotations, settings.delimiter, &Layout::of(settings))
        }
        Format::Parquet => image_labels::parquet::import(&settings.annotations, &Layout::of(settings)),
        Format::Folders => folders::import(&settings.images, settings.same_file),
    }
}
