//! A job's tables and pictures, out of the cache.
//!
//! Takes input names and digests; gives tables whose images are all there, so that whoever walks over them later
//! finds each one. Knows nothing of tensors.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

use ablatrix::cache::{CacheError, Store};
use ablatrix::job::{Job, input};
use ablatrix::pixels::PixelStore;
use ablatrix::pixels::store::StoreError;
use ablatrix::tables::rows::{LabelTable, Part, PixelRow, SplitRow, TrainIndexRow};
use ablatrix::tables::{self, Table, TableError};

/// Why a job's inputs cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The job does not say where it is.
    #[error("the job names no input `{name}`")]
    NotNamed {
        /// The input.
        name: &'static str,
    },
    /// It is not whole in the cache.
    #[error("input `{name}` cannot be had; `ablatrix run` makes what is missing again")]
    Cache {
        /// The input.
        name: &'static str,
        /// Why.
        #[source]
        source: CacheError,
    },
    /// It is no such table.
    #[error("input `{name}` cannot be read")]
    Table {
        /// The input.
        name: &'static str,
        /// Why.
        #[source]
        source: TableError,
    },
    /// The pixel store and its table.
    #[error("input `pixels` cannot be read")]
    Pixels(#[source] StoreError),
    /// Two tables are not of the same images.
    #[error(
        "`{n_images}` images of table `{table}` are not in `{lacks}`, `{image_id}` first; the inputs are not of \
         one dataset: `ablatrix run` makes them again"
    )]
    UnknownImages {
        /// The table that has them.
        table: &'static str,
        /// The one that does not.
        lacks: &'static str,
        /// How many.
        n_images: usize,
        /// The lowest of them.
        image_id: i64,
    },
    /// There is nothing to work on.
    #[error("the {part} part has `{n_rows}` rows, expected at least `{least}`: raise `split.{part}`")]
    TooFew {
        /// Its name.
        part: &'static str,
        /// What it has.
        n_rows: usize,
        /// What is needed.
        least: usize,
    },
    /// Some rows are drawn, others are not.
    #[error("table `train_index` has chances for `{n_drawn}` of `{n_rows}` rows, expected all or none")]
    SomeDrawn {
        /// Rows with a chance.
        n_drawn: usize,
        /// All rows.
        n_rows: usize,
    },
    /// A chance that is none.
    #[error("table `train_index` gives image `{image_id}` the chance `{found}`, expected 0 to 1")]
    Chance {
        /// The image.
        image_id: i64,
        /// Its chance.
        found: f64,
    },
    /// A region is not one of the pictures.
    #[error("table `regions` has no usable region of `{label}` in image `{image_id}`: {why}")]
    Region {
        /// The image.
        image_id: i64,
        /// The label.
        label: String,
        /// What is wrong.
        why: String,
    },
    /// The table has no column.
    #[error("the table `labels` has no label, expected at least one")]
    NoLabels,
    /// Weights for other labels.
    #[error(
        "`train.loss.positive_weights` has `{n_weights}` numbers, expected `{}`: one each for {}",
        .labels.len(), .labels.join(", ")
    )]
    PositiveWeights {
        /// How many are given.
        n_weights: usize,
        /// The labels, in order.
        labels: Vec<String>,
    },
}

impl InputError {
    /// Whether the disk failed, and not what was on it.
    pub fn is_io(&self) -> bool {
        match self {
            InputError::Cache { source, .. } => matches!(source, CacheError::Io { .. }),
            InputError::Table { source, .. } => matches!(source, TableError::Io { .. }),
            InputError::Pixels(source) => matches!(source, StoreError::Io { .. }),
            _ => false,
        }
    }
}

/// The path of an input, its bytes checked.
///
/// # Errors
/// Where the job does not name it, or the cache does not have it whole.
pub fn path(job: &Job, store: &Store, name: &'static str) -> Result<PathBuf, InputError> {
    let digest = job.inputs.get(name).ok_or(InputError::NotNamed { name })?;
    store.object(digest).map_err(|source| InputError::Cache { name, source })
}

/// The table of an input.
///
/// # Errors
/// Where the job does not name it, the cache does not have it whole, or it is another table.
pub fn table<T: Table>(job: &Job, store: &Store, name: &'static str) -> Result<T, InputError> {
    tables::read(&path(job, store, name)?).map_err(|source| InputError::Table { name, source })
}

/// Pictures with their labels and parts in the job's fold. Every image of `split` has both.
#[derive(Debug)]
pub struct Examples {
    pixels: PixelStore,
    labels: LabelTable,
    row_of_image: HashMap<i64, usize>,
    split: Vec<SplitRow>,
}

impl Examples {
    /// Opens the inputs that training and prediction share.
    ///
    /// # Errors
    /// See [`InputError`].
    pub fn open(job: &Job, store: &Store) -> Result<Self, InputError> {
        let rows: Vec<PixelRow> = table(job, store, input::PIXEL_ROWS)?;
        let pixels = PixelStore::open(&path(job, store, input::PIXELS)?, &rows, job.images.size)
            .map_err(InputError::Pixels)?;
        let labels: LabelTable = table(job, store, input::LABELS)?;
        if labels.labels.is_empty() {
            return Err(InputError::NoLabels);
        }
        let mut split: Vec<SplitRow> = table(job, store, input::SPLIT)?;
        split.retain(|row| row.fold == job.fold);
        split.sort_by_key(|row| row.image_id);
        let row_of_image: HashMap<i64, usize> =
            labels.image_ids.iter().enumerate().map(|(row_idx, &image_id)| (image_id, row_idx)).collect();

        let in_pixels = |image_id: &i64| pixels.image(*image_id).is_some();
        known("labels", labels.image_ids.iter(), "pixels", in_pixels)?;
        let in_labels = |image_id: &i64| row_of_image.contains_key(image_id);
        known("split", split.iter().map(|row| &row.image_id), "labels", in_labels)?;
        Ok(Examples { pixels, labels, row_of_image, split })
    }

    /// The rows of the job's fold to train on; each of their images is in the training part.
    ///
    /// # Errors
    /// Where an image is not, chances are none, or there are fewer than two rows: batch norm has no variance over one.
    pub fn train_index(&self, job: &Job, store: &Store) -> Result<Vec<TrainIndexRow>, InputError> {
        let mut index: Vec<TrainIndexRow> = table(job, store, input::TRAIN_INDEX)?;
        index.retain(|row| row.fold == job.fold);
        let train: BTreeSet<i64> = self.images_of(Part::Train).into_iter().collect();
        let images = index.iter().map(|row| &row.image_id);
        known("train_index", images, "the training part of split", |image_id| train.contains(image_id))?;
        let n_rows = index.iter().map(|row| row.copies as usize).sum();
        if n_rows < 2 {
            return Err(InputError::TooFew { part: "train", n_rows, least: 2 });
        }
        let n_drawn = index.iter().filter(|row| row.chance.is_some()).count();
        if n_drawn != 0 && n_drawn != index.len() {
            return Err(InputError::SomeDrawn { n_drawn, n_rows: index.len() });
        }
        let chance = |row: &TrainIndexRow| row.chance.map(|found| (row.image_id, found));
        let wrong = index.iter().filter_map(chance).find(|(_, found)| !(0.0..=1.0).contains(found));
        match wrong {
            None => Ok(index),
            Some((image_id, found)) => Err(InputError::Chance { image_id, found }),
        }
    }

    /// The images of a part, ascending.
    pub fn images_of(&self, part: Part) -> Vec<i64> {
        self.split.iter().filter(|row| row.part == part).map(|row| row.image_id).collect()
    }

    /// Whether there is a validation part.
    pub fn has_validation(&self) -> bool {
        self.split.iter().any(|row| row.part == Part::Val)
    }

    /// Image and part of all images that no weights are learned on, in the order of image ids.
    pub fn held_out(&self) -> Vec<(i64, Part)> {
        let held_out = self.split.iter().filter(|row| row.part != Part::Train);
        held_out.map(|row| (row.image_id, row.part)).collect()
    }

    /// Names of the labels, in the order of the model's outputs.
    pub fn labels(&self) -> &[String] {
        &self.labels.labels
    }

    /// The side of the pictures in pixels.
    pub fn side(&self) -> usize {
        self.pixels.side() as usize
    }

    /// The picture of an image of the split: uint8 [side, side, 3].
    ///
    /// # Panics
    /// For any other image: a mistake of the caller.
    pub fn picture(&self, image_id: i64) -> &[u8] {
        match self.pixels.image(image_id) {
            Some(picture) => picture,
            None => panic!("bug: image `{image_id}` is not in the pixel store"),
        }
    }

    /// The labels of an image of the split.
    ///
    /// # Panics
    /// For any other image: a mistake of the caller.
    pub fn targets(&self, image_id: i64) -> &[bool] {
        match self.row_of_image.get(&image_id) {
            Some(&row_idx) => self.labels.row(row_idx),
            None => panic!("bug: image `{image_id}` has no labels"),
        }
    }
}

#[cfg(test)]
impl Examples {
    /// Pictures to train on, uint8 [side, side, 3] each, with their labels; image ids count from 0. Their file is kept
    /// in `folder`.
    pub(crate) fn for_test(folder: &std::path::Path, side: u32, pictures: &[(Vec<u8>, Vec<bool>)]) -> Self {
        let path = folder.join("pixels");
        let bytes: Vec<u8> = pictures.iter().flat_map(|(picture, _)| picture.clone()).collect();
        std::fs::write(&path, bytes).unwrap();
        let ids = || 0..pictures.len() as i64;
        let row = |image_id: i64| PixelRow { image_id, row: image_id as u64, digest: "0".repeat(64) };
        let rows: Vec<PixelRow> = ids().map(row).collect();
        let labels = LabelTable {
            labels: (0..pictures[0].1.len()).map(|label_idx| format!("label {label_idx}")).collect(),
            image_ids: ids().collect(),
            positives: pictures.iter().flat_map(|(_, labels)| labels.clone()).collect(),
        };
        Examples {
            pixels: PixelStore::open(&path, &rows, side).unwrap(),
            labels,
            row_of_image: ids().map(|image_id| (image_id, image_id as usize)).collect(),
            split: ids().map(|image_id| SplitRow { image_id, fold: 0, part: Part::Train }).collect(),
        }
    }
}

/// Refuses images of `table` that are not in `lacks`.
fn known<'a>(
    table: &'static str,
    images: impl Iterator<Item = &'a i64>,
    lacks: &'static str,
    is_in: impl Fn(&i64) -> bool,
) -> Result<(), InputError> {
    let unknown: BTreeSet<i64> = images.copied().filter(|image_id| !is_in(image_id)).collect();
    match unknown.first() {
        None => Ok(()),
        Some(&image_id) => Err(InputError::UnknownImages { table, lacks, n_images: unknown.len(), image_id }),
    }
}
