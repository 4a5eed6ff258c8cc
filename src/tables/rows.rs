//! What one row of each table holds. Units stand in the names; fractions are 0 to 1.

use serde::{Deserialize, Serialize};

/// A row of `images`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ImageRow {
    /// Unique; COCO's id, or the position in the sorted list of names.
    pub image_id: i64,
    /// Unique lower-case name without folders: `batch_1_000006.jpg`.
    pub file_name: String,
    /// The place below the images folder, as on disk.
    pub path: String,
    /// Width in pixels, upright (EXIF orientation applied).
    pub width: u32,
    /// Height in pixels, upright.
    pub height: u32,
    /// blake3 of the file in hex; empty where images are not checked.
    pub digest: String,
    /// Where the image can be had as it was taken.
    pub url: Option<String>,
    /// Where a smaller copy of it can be had.
    pub url_small: Option<String>,
}

/// A row of `annotations`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AnnotationRow {
    /// Unique.
    pub annotation_id: i64,
    /// The image it lies in.
    pub image_id: i64,
    /// What it is.
    pub category_id: i64,
    /// Left edge in pixels.
    pub bbox_x: f32,
    /// Top edge in pixels.
    pub bbox_y: f32,
    /// Width in pixels.
    pub bbox_w: f32,
    /// Height in pixels.
    pub bbox_h: f32,
    /// Area of the mask in square pixels.
    pub area: f32,
    /// A crowd, not one object.
    pub is_crowd: bool,
    /// Polygons as flat x, y lists in pixels; empty where there is none.
    pub segmentation: Vec<Vec<f32>>,
    /// A mask of run lengths in COCO's compressed form, of the size that the image's record says; column by column
    /// from the left, from top to bottom in each.
    pub mask_rle: Option<String>,
}

/// A row of `categories`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CategoryRow {
    /// Unique.
    pub category_id: i64,
    /// As in the dataset.
    pub name: String,
    /// The group that the dataset itself gives; may be empty.
    pub supercategory: String,
}

/// A row of `scenes`: one scene of an image; an image may have several.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct SceneRow {
    /// The image.
    pub image_id: i64,
    /// The scene's name.
    pub scene: String,
}

/// The table `labels`: one row per image, one boolean column per label, in spec order.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LabelTable {
    /// Column names.
    pub labels: Vec<String>,
    /// One per row, ascending.
    pub image_ids: Vec<i64>,
    /// Row-major [images, labels].
    pub positives: Vec<bool>,
}

impl LabelTable {
    /// The labels of row `row_idx`.
    pub fn row(&self, row_idx: usize) -> &[bool] {
        let n = self.labels.len();
        &self.positives[row_idx * n..(row_idx + 1) * n]
    }
}

/// What a part of the images is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Weights are learned on it.
    Train,
    /// Epochs and thresholds are chosen on it.
    Val,
    /// Variants are compared on it.
    Test,
}

impl Part {
    /// The name in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Part::Train => "train",
            Part::Val => "val",
            Part::Test => "test",
        }
    }
}

/// A row of `split`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SplitRow {
    /// The image.
    pub image_id: i64,
    /// 0 where there are no folds.
    pub fold: u32,
    /// Its part.
    pub part: Part,
}

/// A row of `train_index`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrainIndexRow {
    /// The fold whose training part it is; 0 where there are no folds.
    pub fold: u32,
    /// An image of the training part.
    pub image_id: i64,
    /// How often it is seen in an epoch, each time with draws of its own.
    pub copies: u32,
    /// Weight of its loss.
    pub weight: f32,
    /// The probability that one draw takes this row, where each epoch draws as many rows as the table has, with
    /// replacement; the table's sum is 1. `None` in all rows: nothing is drawn, each epoch sees every copy.
    pub chance: Option<f64>,
}

/// A row of `pixel_rows`: where an image lies in the pixel store.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PixelRow {
    /// The image.
    pub image_id: i64,
    /// Its position in the store.
    pub row: u64,
    /// blake3 of the image file in hex, so that a later store can take the row over.
    pub digest: String,
}

/// A row of `picture_hashes`: what an image looks like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PictureHashRow {
    /// The image.
    pub image_id: i64,
    /// 256 bits, of which pictures of one scene share most; in hex in the table.
    pub hash: [u8; 32],
    /// How much there is to see; 0: a flat picture, whose hash says nothing.
    pub detail: u32,
}

/// A row of `given_captures`: which capture an image belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CaptureRow {
    /// The image.
    pub image_id: i64,
    /// The capture's name in the dataset.
    pub capture: String,
}

/// A row of `history`: one epoch of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryRow {
    /// The run's name.
    pub run: String,
    /// From 1.
    pub epoch: u32,
    /// Learning rate of the epoch's last step.
    pub lr: f64,
    /// Mean loss over the training rows.
    pub train_loss: f64,
    /// What validation gave.
    pub val: Validation,
    /// Duration of the epoch, validation included.
    pub seconds: f64,
    /// Training rows per second of the training pass.
    pub images_per_second: f64,
    /// Share of the training pass that waited for data, 0 to 1.
    pub wait_share: f64,
    /// When the epoch ended, in milliseconds since 1970 (UTC): a tracker that is told twice is told the same.
    pub finished_ms: i64,
}

/// What an epoch's validation gave; NaN where a metric is not defined, or there is no validation part. Metrics of decisions
/// are at the threshold 0.5.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    /// Mean of the training's loss, without smoothing.
    pub loss: f64,
    /// Average precision, mean over labels.
    pub map_macro: f64,
    /// Average precision over all pairs of image and label.
    pub map_micro: f64,
    /// Area under the ROC curve, mean over labels.
    pub auroc_macro: f64,
    /// F1, mean over labels.
    pub f1_macro: f64,
    /// F1 over all pairs of image and label.
    pub f1_micro: f64,
    /// Precision, mean over labels.
    pub precision_macro: f64,
    /// Recall, mean over labels.
    pub recall_macro: f64,
    /// Share of images with every label right.
    pub subset_accuracy: f64,
    /// Share of answers that are wrong.
    pub hamming_loss: f64,
    /// Mean negative log-likelihood.
    pub log_loss: f64,
    /// Expected calibration error, mean over labels.
    pub ece_macro: f64,
}

impl Validation {
    /// Its columns in the table, in the order of [`Validation::numbers`].
    pub const COLUMNS: [&str; 12] = [
        "val_loss",
        "val_map_macro",
        "val_map_micro",
        "val_auroc_macro",
        "val_f1_macro",
        "val_f1_micro",
        "val_precision_macro",
        "val_recall_macro",
        "val_subset_accuracy",
        "val_hamming_loss",
        "val_log_loss",
        "val_ece_macro",
    ];

    /// Nothing known.
    pub const NONE: Validation = Validation::of_numbers([f64::NAN; 12]);

    /// In the order of the columns.
    pub const fn numbers(&self) -> [f64; 12] {
        let Validation { loss, map_macro, map_micro, auroc_macro, f1_macro, f1_micro, .. } = *self;
        let Validation { precision_macro, recall_macro, subset_accuracy, hamming_loss, .. } = *self;
        [
            loss,
            map_macro,
            map_micro,
            auroc_macro,
            f1_macro,
            f1_micro,
            precision_macro,
            recall_macro,
            subset_accuracy,
            hamming_loss,
            self.log_loss,
            self.ece_macro,
        ]
    }

    /// Of numbers in the order of the columns.
    pub const fn of_numbers(numbers: [f64; 12]) -> Self {
        let [loss, map_macro, map_micro, auroc_macro, f1_macro, f1_micro, rest @ ..] = numbers;
        let [precision_macro, recall_macro, subset_accuracy, hamming_loss, log_loss, ece_macro] = rest;
        Validation {
            loss,
            map_macro,
            map_micro,
            auroc_macro,
            f1_macro,
            f1_micro,
            precision_macro,
            recall_macro,
            subset_accuracy,
            hamming_loss,
            log_loss,
            ece_macro,
        }
    }
}

/// The table `predictions`: one row per image of a run, one logit column per label.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PredictionTable {
    /// The run's name.
    pub run: String,
    /// Column names.
    pub labels: Vec<String>,
    /// One per row.
    pub image_ids: Vec<i64>,
    /// One per row; validation and test only.
    pub parts: Vec<Part>,
    /// Row-major [images, labels].
    pub logits: Vec<f32>,
}

/// A row of `metrics`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MetricRow {
    /// The run's name.
    pub run: String,
    /// Its variant.
    pub variant: String,
    /// Its seed.
    pub seed: u64,
    /// The fold that it was tested on; 0 where there are no folds.
    pub fold: u32,
    /// `None`: an aggregate over labels.
    pub label: Option<String>,
    /// The metric's name.
    pub metric: String,
    /// NaN where the metric is not defined.
    pub value: f64,
}

/// What stands beside the models as a measure of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reference {
    /// Says the most frequent label set of the training rows of every image.
    ConstantAnswer,
    /// Gives every image each label's share of the training rows as its probability.
    LabelPrior,
    /// Logistic regression on the mean colour of the picture.
    MeanColour,
}

impl Reference {
    /// All, the simplest first.
    pub const ALL: [Reference; 3] = [Reference::ConstantAnswer, Reference::LabelPrior, Reference::MeanColour];

    /// The name in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Reference::ConstantAnswer => "constant_answer",
            Reference::LabelPrior => "label_prior",
            Reference::MeanColour => "mean_colour",
        }
    }

    /// Whether it says the same of every image.
    pub fn is_constant(self) -> bool {
        matches!(self, Reference::ConstantAnswer | Reference::LabelPrior)
    }
}

/// A row of `references`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReferenceRow {
    /// The first of the variants that it stands beside: those with the same data and the same `[evaluate]`.
    pub variant: String,
    /// Which one.
    pub reference: Reference,
    /// The fold that it was tested on; 0 where there are no folds.
    pub fold: u32,
    /// `None`: an aggregate over labels.
    pub label: Option<String>,
    /// The metric's name.
    pub metric: String,
    /// NaN where the metric is not defined.
    pub value: f64,
}

/// A row of `effects`: variant minus baseline, paired by seed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EffectRow {
    /// The variant.
    pub variant: String,
    /// What it is measured against.
    pub baseline: String,
    /// `None`: the aggregate.
    pub label: Option<String>,
    /// The metric's name.
    pub metric: String,
    /// Mean difference over seeds.
    pub delta: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end of the 95 % interval.
    pub high: f64,
    /// Two-sided p-value, Holm-adjusted over the variants.
    pub p_adjusted: f64,
    /// Seeds that have both.
    pub n_seeds: u32,
    /// `helps`, `hurts`, `no practical effect` or `not enough evidence`.
    pub verdict: String,
}

/// A row of `contrasts`: what ops, pairs of ops, levels and axes do, each over several variants.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ContrastRow {
    /// `main_effect`, `interaction`, `trend`, `axis` or `axis_interaction`.
    pub kind: String,
    /// What cannot be told apart from it, with commas between; often empty.
    pub aliases: String,
    /// What is measured (an op, two ops, a parameter, a value of an axis) in place of the variant, and what it is measured against in
    /// place of the baseline; Holm-adjusted over the rows of its kind, with a verdict in a word that fits it.
    pub effect: EffectRow,
}
