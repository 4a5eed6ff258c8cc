//! The stages by name, with the version of their code and what they leave behind.

use serde::{Deserialize, Serialize};

/// A node's kind, in the order of the flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// What the annotations say, as tables.
    Ingest,
    /// What lies on disk: each image's digest and size.
    Scan,
    /// Categories to labels.
    Label,
    /// Images to parts.
    Split,
    /// Training rows with their copies and weights.
    Balance,
    /// Images to the pixel store.
    Pixels,
    /// What predictors reach that see no shapes, or nothing at all.
    References,
    /// A model, by a worker.
    Train,
    /// Its scores, by a worker.
    Predict,
    /// Their metrics.
    Evaluate,
    /// Effects and the page.
    Report,
}

impl Stage {
    /// All, in the order of the flow.
    pub const ALL: [Stage; 11] = [
        Stage::Ingest,
        Stage::Scan,
        Stage::Label,
        Stage::Split,
        Stage::Balance,
        Stage::Pixels,
        Stage::References,
        Stage::Train,
        Stage::Predict,
        Stage::Evaluate,
        Stage::Report,
    ];

    /// The name in keys, messages and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Ingest => "ingest",
            Stage::Scan => "scan",
            Stage::Label => "label",
            Stage::Split => "split",
            Stage::Balance => "balance",
            Stage::Pixels => "pixels",
            Stage::References => "references",
            Stage::Train => "train",
            Stage::Predict => "predict",
            Stage::Evaluate => "evaluate",
            Stage::Report => "report",
        }
    }

    /// Raised whenever the stage's code would give other bytes for the same inputs: older results are stale then.
    pub fn version(self) -> u32 {
        match self {
            // `Ingest`: run-length masks, and URLs of small copies.
            Stage::Ingest | Stage::Balance | Stage::Pixels => 2,
            // `Evaluate`: averages by weight and by image, F-beta, Jaccard, Brier score and more; counts, reliability, calibration.
            // `Split`: notices tell apart what is kept together and what leaks.
            Stage::Evaluate | Stage::Split => 3,
            // `Report`: references, flags beside them, and what the test part can show.
            Stage::Report => 4,
            // `history` has a column for every metric of validation; the summary says where a training diverged.
            Stage::Train => 4,
            _ => 1,
        }
    }

    /// The files that it publishes.
    pub fn outputs(self) -> &'static [&'static str] {
        match self {
            Stage::Ingest => &[
                output::IMAGES,
                output::ANNOTATIONS,
                output::CATEGORIES,
                output::SCENES,
                output::SCENE_CATEGORIES,
                output::GIVEN_LABELS,
                output::GIVEN_PARTS,
                output::GIVEN_CAPTURES,
                output::NOTICES,
            ],
            Stage::Scan => &[output::IMAGES, output::NOTICES],
            Stage::Label => &[output::LABELS, output::NOTICES],
            Stage::Split => &[output::SPLIT, output::NOTICES],
            Stage::Balance => &[output::TRAIN_INDEX],
            Stage::Pixels => &[output::PIXELS, output::PIXEL_ROWS, output::PICTURE_HASHES],
            Stage::References => &[output::REFERENCES, output::REFERENCES_RECORD],
            Stage::Train => &[output::MODEL, output::HISTORY, output::SUMMARY],
            Stage::Predict => &[output::PREDICTIONS],
            Stage::Evaluate => &[output::METRICS, output::EVALUATION],
            Stage::Report => &[output::EFFECTS, output::PAGE, output::MARKDOWN],
        }
    }
}

/// The names of outputs.
pub mod output {
    pub use crate::job::output::{HISTORY, MODEL, PREDICTIONS, SUMMARY};

    /// The table `images`.
    pub const IMAGES: &str = "images.parquet";
    /// The table `annotations`.
    pub const ANNOTATIONS: &str = "annotations.parquet";
    /// The table `categories`.
    pub const CATEGORIES: &str = "categories.parquet";
    /// The table `scenes`.
    pub const SCENES: &str = "scenes.parquet";
    /// What scenes can be.
    pub const SCENE_CATEGORIES: &str = "scene_categories.parquet";
    /// The labels that a CSV or folders give.
    pub const GIVEN_LABELS: &str = "given_labels.parquet";
    /// The parts that a CSV gives.
    pub const GIVEN_PARTS: &str = "given_parts.parquet";
    /// The captures that a CSV gives.
    pub const GIVEN_CAPTURES: &str = "given_captures.parquet";
    /// What people should know about the data, as JSON.
    pub const NOTICES: &str = "notices.json";
    /// The table `labels`.
    pub const LABELS: &str = "labels.parquet";
    /// The table `split`.
    pub const SPLIT: &str = "split.parquet";
    /// The table `train_index`.
    pub const TRAIN_INDEX: &str = "train_index.parquet";
    /// The pixel store.
    pub const PIXELS: &str = "pixels.u8";
    /// The table `pixel_rows`.
    pub const PIXEL_ROWS: &str = "pixel_rows.parquet";
    /// The table `picture_hashes`.
    pub const PICTURE_HASHES: &str = "picture_hashes.parquet";
    /// The table `references`.
    pub const REFERENCES: &str = "references.parquet";
    /// What each reference says or was fitted to, and its thresholds, as JSON.
    pub const REFERENCES_RECORD: &str = "references.json";
    /// The table `metrics`.
    pub const METRICS: &str = "metrics.parquet";
    /// Thresholds, flags and labels that cannot be scored, as JSON.
    pub const EVALUATION: &str = "evaluation.json";
    /// The table `effects`.
    pub const EFFECTS: &str = "effects.parquet";
    /// The page.
    pub const PAGE: &str = "index.html";
    /// Its summary.
    pub const MARKDOWN: &str = "summary.md";
}
