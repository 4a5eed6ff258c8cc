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
    /// The pixels of each label's objects, where maps are asked for.
    Regions,
    /// What predictors reach that see no shapes, or nothing at all.
    References,
    /// A model, by a worker.
    Train,
    /// Its scores, by a worker.
    Predict,
    /// Their metrics.
    Evaluate,
    /// Where it looks, by a worker, where that is asked for.
    Explain,
    /// Effects and the page.
    Report,
}

impl Stage {
    /// All, in the order of the flow.
    pub const ALL: [Stage; 13] = [
        Stage::Ingest,
        Stage::Scan,
        Stage::Label,
        Stage::Split,
        Stage::Balance,
        Stage::Pixels,
        Stage::Regions,
        Stage::References,
        Stage::Train,
        Stage::Predict,
        Stage::Evaluate,
        Stage::Explain,
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
            Stage::Regions => "regions",
            Stage::References => "references",
            Stage::Train => "train",
            Stage::Predict => "predict",
            Stage::Evaluate => "evaluate",
            Stage::Explain => "explain",
            Stage::Report => "report",
        }
    }

    /// Whether a worker does it.
    pub fn is_job(self) -> bool {
        matches!(self, Stage::Train | Stage::Predict | Stage::Explain)
    }

    /// Raised whenever the stage's code would give other bytes for the same inputs: older results are stale then.
    pub fn version(self) -> u32 {
        match self {
            // `Scan`: says which pictures are converted or hold one pixel. `Label`: says which names no image has.
            Stage::Balance | Stage::Pixels | Stage::Scan | Stage::Label => 2,
            // `Ingest`: run-length masks, and URLs of small copies. 3: says which categories share a name, and refuses
            // names that hold control characters.
            // `Evaluate`: averages by weight and by image, F-beta, Jaccard, Brier score and more; counts, reliability, calibration.
            // `Split`: notices tell apart what is kept together and what leaks.
            Stage::Ingest | Stage::Evaluate | Stage::Split => 3,
            // `history` has a column for every metric of validation; the summary says where a training diverged.
            Stage::Train => 4,
            // References, what the test part can show; contrasts; where the models look, with effects.
            // 7: axes, curves of answers, mistakes, costs. 8: figures, CSV, LaTeX.
            Stage::Report => 9,
            _ => 1,
        }
    }

    /// The files that it publishes; `report` also the figures of the study.
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
            Stage::Regions => &[output::REGIONS],
            Stage::References => &[output::REFERENCES, output::REFERENCES_RECORD],
            Stage::Train => &[output::MODEL, output::HISTORY, output::SUMMARY],
            Stage::Predict => &[output::PREDICTIONS],
            Stage::Evaluate => &[output::METRICS, output::EVALUATION],
            Stage::Explain => &[output::ATTENTION, output::ATTENTION_MAPS],
            Stage::Report => &[
                output::EFFECTS,
                output::CONTRASTS,
                output::PAGE,
                output::MARKDOWN,
                output::EFFECTS_CSV,
                output::CONTRASTS_CSV,
                output::EFFECTS_TEX,
            ],
        }
    }
}

/// The names of outputs.
pub mod output {
    pub use crate::job::output::{ATTENTION, ATTENTION_MAPS, HISTORY, MODEL, PREDICTIONS, SUMMARY};

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
    /// The table `regions`.
    pub const REGIONS: &str = "regions.parquet";
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
    /// The table `contrasts`.
    pub const CONTRASTS: &str = "contrasts.parquet";
    /// The page.
    pub const PAGE: &str = "index.html";
    /// Its summary.
    pub const MARKDOWN: &str = "summary.md";
    /// The table `effects` as CSV.
    pub const EFFECTS_CSV: &str = "effects.csv";
    /// The table `contrasts` as CSV.
    pub const CONTRASTS_CSV: &str = "contrasts.csv";
    /// The effects on the headline metric as a table for LaTeX.
    pub const EFFECTS_TEX: &str = "effects.tex";
    /// The endings of the files of a figure.
    pub const FIGURE_KINDS: [&str; 2] = ["svg", "png"];

    /// Whether an output is a figure.
    pub fn is_figure(name: &str) -> bool {
        FIGURE_KINDS.iter().any(|kind| name.strip_suffix(kind).is_some_and(|stem| stem.ends_with('.')))
    }
}
