//! The settings about rows and pictures: dataset, labels, split, balance, images.

use std::path::PathBuf;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// `[dataset]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dataset {
    /// The layout on disk.
    pub format: Format,
    /// COCO JSON, CSV or Parquet file; empty for folders.
    pub annotations: PathBuf,
    /// The folder that image names are relative to.
    pub images: PathBuf,
    /// Read and check every image (false: tables only, for images that are not there yet).
    pub check_images: bool,
    /// What happens to an image that is missing or cannot be read.
    pub bad_images: BadImages,
    /// Tables: the column that holds the image's name.
    pub image_column: String,
    /// Tables: the column that holds the part (train, val, test), for `split.method = "column"`; may be empty.
    pub part_column: String,
    /// CSV: the column that names the capture of an image, for `split.captures = "column"`; may be empty.
    pub capture_column: String,
    /// Tables: the one column that holds all labels of an image; empty: one column per label.
    pub label_column: String,
    /// Tables: what stands between two labels in `label_column`.
    pub label_separator: String,
    /// CSV: the ASCII character between fields; `None`: as the header suggests.
    pub delimiter: Option<char>,
    /// Folders: what the same file in several folders is.
    pub same_file: SameFile,
    /// Which pictures `ablatrix data fetch` downloads; never part of a fingerprint, since files are hashed.
    pub fetch: Fetch,
    /// A dataset that Ablatrix draws itself where it is not there yet; `None` for a real one.
    pub generate: Option<Generate>,
}

/// `[dataset.fetch]`: the pictures that a COCO set's URLs lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fetch {
    /// Which of them.
    pub size: FetchSize,
}

/// Which picture is downloaded where there are several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FetchSize {
    /// As it was taken: `coco_url`, else `flickr_url`.
    Original,
    /// The smaller copy where there is one, `flickr_640_url`; else the original.
    Small,
}

/// `[dataset.generate]`: the generated litter scenes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Generate {
    /// Number of pictures.
    pub images: u32,
    /// Seed of the scenes.
    pub seed: u64,
    /// Longest side of a picture in pixels.
    pub side: u32,
}

/// The layout of a dataset on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// COCO JSON with boxes and masks.
    Coco,
    /// A CSV of image-level labels.
    Csv,
    /// The same in Parquet.
    Parquet,
    /// One folder per class.
    Folders,
}

/// What the same file in several folders of classes is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SameFile {
    /// As many images, each with the label of its folder.
    Separate,
    /// One image with the labels of all these folders.
    OneImage,
}

/// What happens to an image that is missing or cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BadImages {
    /// The study stops and names them.
    Error,
    /// They are set aside, counted and named.
    Skip,
}

/// `[labels]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Labels {
    /// What labels are made of, each thing once; their columns stand in this order.
    pub sources: Vec<LabelsFrom>,
    /// Positive images that each label must have in each part; 0: labels without any are left out of averages.
    pub min_positives: u32,
}

impl Labels {
    /// The sources, each with the table of the spec that it is written in: `labels` for the first, then `labels.scene`.
    pub fn tables(&self) -> impl Iterator<Item = (String, &LabelsFrom)> {
        self.sources.iter().enumerate().map(|(i, source)| match i {
            0 => ("labels".to_owned(), source),
            _ => (format!("labels.{}", source.from.as_str()), source),
        })
    }
}

/// The labels that are made of one thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelsFrom {
    /// What they are made of.
    pub from: LabelSource,
    /// What happens to categories in no group.
    pub unmapped: Unmapped,
    /// Label to categories, in spec order. Empty: each category is a label of its own.
    pub groups: IndexMap<String, Vec<String>>,
}

/// What a label is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LabelSource {
    /// The annotation's category.
    Category,
    /// The category's supercategory.
    Supercategory,
    /// The scene of TACO's `scene_annotations`.
    Scene,
    /// The columns of a CSV.
    Columns,
    /// The folder that the image lies in.
    Folder,
}

impl LabelSource {
    /// The name in specs.
    pub fn as_str(self) -> &'static str {
        match self {
            LabelSource::Category => "category",
            LabelSource::Supercategory => "supercategory",
            LabelSource::Scene => "scene",
            LabelSource::Columns => "columns",
            LabelSource::Folder => "folder",
        }
    }
}

/// What happens to categories in no group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unmapped {
    /// The study stops and names them.
    Error,
    /// They are left out; an image of only such categories has no positive label.
    Ignore,
    /// They go to this group.
    Group(String),
}

/// `[split]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// How images are divided.
    pub method: SplitMethod,
    /// Share of images to train on.
    pub train: f64,
    /// Share of images to choose epochs and thresholds on.
    pub val: f64,
    /// Share of images to compare on; with folds one over their number.
    pub test: f64,
    /// Parts that take turns in being compared on (cross-validation); 0 where there is one split for all runs.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub folds: u32,
    /// Seed of the shuffling; another one gives another split for all runs.
    pub seed: u64,
    /// Which images are one capture, and kept in one part.
    pub captures: Captures,
    /// Bits of 256 in which the hashes of two photos that are kept in one part may differ; `None`: photos are not compared.
    pub near_duplicates: Option<u32>,
}

/// Which images are one capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Captures {
    /// None is told.
    None,
    /// Those in the same folder.
    Folder,
    /// As a column of the CSV says.
    Column,
}

impl Split {
    /// The folds of each seed: `None` alone where there is one split for all runs.
    pub fn each_fold(&self) -> Vec<Option<u32>> {
        if self.folds == 0 { vec![None] } else { (0..self.folds).map(Some).collect() }
    }
}

/// Left out of what is written, so that the keys of studies without folds are what they were before there were any.
fn is_zero(value: &u32) -> bool {
    *value == 0
}

/// How images are divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SplitMethod {
    /// Each group of images with the same labels is divided in proportion.
    Combination,
    /// Iterative stratification (Sechidis, Tsoumakas and Vlahavas, 2011).
    Iterative,
    /// The part is given in a column.
    Column,
    /// Every image is in the training part: for tables, since nothing is left to compare on.
    None,
}

/// `[balance]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Balance {
    /// What is done.
    pub method: BalanceMethod,
    /// What is counted.
    pub by: BalanceBy,
    /// A row counts `(largest group / group) ^ exponent` times; 0 changes nothing, 1 makes all groups equal.
    pub exponent: f64,
    /// Oversampling: most copies of a row; 0: as many as the exponent asks for.
    pub max_copies: u32,
}

/// What balancing does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BalanceMethod {
    /// Nothing.
    None,
    /// Rows of rare groups are repeated in the training part.
    Oversample,
    /// Each row is seen once; the loss of rows of rare groups weighs more.
    LossWeights,
    /// Each epoch draws as many rows as there are, with replacement; rows of rare groups are likelier.
    Sampler,
}

/// What balancing counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BalanceBy {
    /// Images with exactly the same labels are a group.
    Combination,
    /// An image belongs to the group of its rarest label.
    Label,
}

/// `[images]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Images {
    /// Side of the square that the model sees, in pixels.
    pub size: u32,
    /// How a picture becomes square.
    pub fit: Fit,
}

/// How a picture becomes square.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// Both sides are scaled to the size.
    Stretch,
    /// The short side is scaled to the size, the long one cut at the centre.
    Crop,
    /// The long side is scaled to the size, the rest filled with black.
    Pad,
}
