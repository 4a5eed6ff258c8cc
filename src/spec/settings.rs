//! The checked experiment: every value present, in range and of its own type.
//!
//! The TOML face (spans, layers, spellings) is `read`; nothing here knows that there was a file.

use std::collections::BTreeMap;
use std::path::PathBuf;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::ops::{NamedOp, Op};

/// One TOML, one question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Experiment {
    /// Short name; also the folder of its report.
    pub name: String,
    /// What the study wants to know, shown on top of the report.
    pub question: String,
    /// Every variant runs on the same seeds, so that comparisons are paired.
    pub seeds: Vec<u64>,
    /// Where the rows and pictures come from.
    pub dataset: Dataset,
    /// How categories become labels.
    pub labels: Labels,
    /// How images are divided into parts.
    pub split: Split,
    /// How rare labels or combinations are made more frequent.
    pub balance: Balance,
    /// How pictures are brought to one size.
    pub images: Images,
    /// The network.
    pub model: Model,
    /// How it is trained.
    pub train: Train,
    /// The ops and the design of the grid.
    pub augment: Augment,
    /// Other settings, crossed with the grid: dotted key to values, in the order of the file.
    pub matrix: IndexMap<String, Vec<serde_json::Value>>,
    /// How runs are scored.
    pub evaluate: Evaluate,
    /// What the report compares.
    pub report: Report,
    /// Who does the work; never part of a fingerprint.
    pub workers: Workers,
    /// Where runs are logged; never part of a fingerprint.
    pub tracking: Tracking,
}

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

/// `[model]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// The architecture.
    pub name: Architecture,
    /// Where the initial weights come from.
    pub weights: Weights,
    /// Leading share of the backbone's layers that is not trained, 0 to 1.
    pub freeze: f64,
    /// Sizes of hidden layers between the features and the logits.
    pub head: Vec<u32>,
    /// Dropout before each layer of the head, 0 to below 1.
    pub dropout: f64,
}

/// The architectures that exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Architecture {
    /// MobileNetV3-Small 1.0 (Howard et al. 2019), timm's `mobilenetv3_small_100`.
    MobilenetV3Small,
    /// ResNet-18 (He et al. 2015), timm's `resnet18`.
    Resnet18,
    /// SqueezeNet 1.1 (Iandola et al. 2016), torchvision's `squeezenet1_1`.
    #[serde(rename = "squeezenet1_1")]
    Squeezenet1_1,
}

/// Where the initial weights come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weights {
    /// Random, from the run's seed.
    None,
    /// A safetensors file.
    Path(PathBuf),
}

/// `[train]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Train {
    /// Passes over the training rows, at most.
    pub epochs: u32,
    /// Rows per step.
    pub batch_size: u32,
    /// The loss.
    pub loss: Loss,
    /// Number format of the forward and backward pass.
    pub precision: Precision,
    /// The optimizer.
    pub optimizer: Optimizer,
    /// The learning rate over the epochs.
    pub schedule: Schedule,
    /// When to stop before `epochs`; `None`: never.
    pub early_stopping: Option<EarlyStopping>,
}

/// The loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Binary cross-entropy on logits, mean over batch and labels.
    Bce,
}

/// Number format of the forward and backward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// 32-bit floats throughout.
    Fp32,
}

/// The optimizer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "name")]
pub enum Optimizer {
    /// Adam (Kingma and Ba 2015) with beta 0.9 and 0.999, epsilon 1e-8.
    Adam {
        /// Learning rate where the schedule is static, and the peak that an exponential one warms up to.
        lr: f64,
        /// L2 penalty added to the gradient.
        weight_decay: f64,
    },
}

impl HeadlineMetric {
    /// The name in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            HeadlineMetric::MapMacro => "map_macro",
            HeadlineMetric::F1Macro => "f1_macro",
        }
    }
}

impl Optimizer {
    /// The learning rate that the schedule starts from.
    pub fn lr(&self) -> f64 {
        match self {
            Optimizer::Adam { lr, .. } => *lr,
        }
    }
}

/// The learning rate over the epochs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "name")]
pub enum Schedule {
    /// The optimizer's rate throughout.
    Static,
    /// The study's `lr_function`: from `start_lr` in a line to the optimizer's rate over `warmup_epochs`,
    /// that rate for `hold_epochs`, then towards `min_lr` by the factor `decay` each epoch.
    Exponential {
        /// Rate of the first epoch.
        start_lr: f64,
        /// Rate that is approached.
        min_lr: f64,
        /// Epochs of the rise.
        warmup_epochs: u32,
        /// Epochs at the peak.
        hold_epochs: u32,
        /// Factor per epoch, 0 to 1.
        decay: f64,
    },
}

/// When to stop before the last epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EarlyStopping {
    /// What is watched, on the validation part.
    pub metric: StopMetric,
    /// Epochs without improvement that are borne.
    pub patience: u32,
    /// Ends with the weights of the best epoch.
    pub restore_best: bool,
}

/// What early stopping watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopMetric {
    /// The loss; lower is better.
    ValLoss,
    /// Mean average precision over labels; higher is better.
    ValMapMacro,
}

/// `[augment]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Augment {
    /// The named ops, in spec order.
    pub ops: IndexMap<String, Op>,
    /// Which of them are tried together.
    pub design: Design,
    /// Named lists of op names, in spec order; read by the design `policies`.
    pub policies: IndexMap<String, Vec<String>>,
}

/// Which ops are tried together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Design {
    /// Only the variant without augmentation.
    None,
    /// None, and each op alone.
    AddOne,
    /// None, and the named lists.
    Policies,
}

/// `[evaluate]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluate {
    /// Where a score becomes a prediction; tuned on validation, applied to test.
    pub threshold: Threshold,
}

/// Where a score becomes a prediction.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Threshold {
    /// This probability for all labels.
    Fixed(f64),
    /// One for all labels, with the best macro F1 on validation.
    GlobalF1,
    /// One per label, with the best F1 on validation.
    PerLabelF1,
}

/// `[report]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The grid variant that effects are measured against.
    pub baseline: String,
    /// The metric that decides.
    pub metric: HeadlineMetric,
    /// Half-width of the region of practical equivalence, as a fraction (0.005 is half a point).
    pub equivalence: f64,
}

/// The metric that decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeadlineMetric {
    /// Average precision, mean over labels.
    MapMacro,
    /// F1 at the tuned threshold, mean over labels.
    F1Macro,
}

/// `[workers]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Workers {
    /// Who runs the jobs.
    pub engine: Engine,
    /// Worker processes; 0: one per core.
    pub slots: u32,
    /// Threads of each worker; 0: the cores divided by the workers.
    pub threads: u32,
    /// Where tensors live.
    pub device: Device,
}

/// Who runs the jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    /// A pool of worker processes on this machine.
    Local,
}

/// Where tensors live; its kind is part of a training's fingerprint, since it changes numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Device {
    /// The processor.
    Cpu,
    /// The first NVIDIA GPU.
    Cuda,
}

/// `[tracking]`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tracking {
    /// URL of an MLflow server; `None`: nothing is sent.
    pub mlflow: Option<String>,
    /// The MLflow experiment; empty: the study's name.
    pub mlflow_experiment: String,
    /// Refuse to start where the server cannot be reached.
    pub required: bool,
}

/// The settings of one variant: one point of grid x matrix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    /// Stable, readable name: `flip/lr=0.0001`, or `none`.
    pub name: String,
    /// The grid's part of the name: `none`, `flip`, or a policy's name.
    pub arm: String,
    /// The matrix's part: dotted key to value, in spec order.
    pub point: BTreeMap<String, serde_json::Value>,
    /// The ops in the order in which they are applied.
    pub policy: Vec<NamedOp>,
    /// The experiment with this variant's matrix values in place.
    pub experiment: Experiment,
}
