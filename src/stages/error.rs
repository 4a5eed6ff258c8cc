//! What can go wrong in a stage.

use std::path::PathBuf;

use crate::cache::{CacheError, advice};
use crate::dataset::ImportError;
use crate::dataset::balance::BalanceError;
use crate::dataset::labels::LabelError;
use crate::dataset::split::SplitError;
use crate::effects::EffectError;
use crate::metrics::ScoredError;
use crate::pixels::store::{BadImage, StoreError};
use crate::report::ReportError;
use crate::report::figures::FigureError;
use crate::tables::TableError;

/// Bad images that a message names; the rest is counted.
const NAMED: usize = 10;

/// What can go wrong in a stage.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The cache failed, or an input is damaged.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// A table cannot be read or written.
    #[error(transparent)]
    Table(#[from] TableError),
    /// An output cannot be written.
    #[error("cannot write `{path}`")]
    Write {
        /// The output.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// An input cannot be read.
    #[error("cannot read `{path}`")]
    Read {
        /// The input.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// An input is no JSON of the expected form.
    #[error("`{path}` is not what this version writes")]
    Json {
        /// The input.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The dataset cannot be read.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The dataset has no column of the name that the spec gives.
    #[error("{source}")]
    Column {
        /// The key in `[dataset]` that names it.
        key: &'static str,
        /// What the reader says.
        source: ImportError,
    },
    /// The labels do not fit the dataset.
    #[error(transparent)]
    Labels(#[from] LabelError),
    /// The images cannot be divided.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// Images are missing or unreadable.
    #[error("{} of {total} images cannot be used: {}", bad.len(), listed(bad))]
    BadImages {
        /// Name and reason of each.
        bad: Vec<(String, String)>,
        /// Images in all.
        total: usize,
        /// Bad ones that are not there, and whose records say where they can be had.
        fetchable: usize,
    },
    /// Training rows cannot be balanced.
    #[error(transparent)]
    Balance(#[from] BalanceError),
    /// A part of the split has no image.
    #[error("the {part} part of {} is empty: {} too few for these shares", split_or(*fold), in_units(*images, *units))]
    EmptyPart {
        /// Its name.
        part: &'static str,
        /// Its fold, where there are any.
        fold: Option<u32>,
        /// Images in all.
        images: usize,
        /// What can be placed apart: fewer than images where some are kept together.
        units: usize,
    },
    /// Labels are too rare in a part to be learned or measured.
    #[error(
        "the {part} part{} has too few images with {}; `labels.min_positives` asks for {min_positives}",
        fold.map(|fold| format!(" of fold {fold}")).unwrap_or_default(),
        few_listed(few)
    )]
    FewPositives {
        /// The part.
        part: &'static str,
        /// Its fold, where there are any.
        fold: Option<u32>,
        /// Labels and their positive images.
        few: Vec<(String, usize)>,
        /// What the spec asks for.
        min_positives: u32,
    },
    /// The pixel store cannot be written.
    #[error(transparent)]
    Pixels(#[from] StoreError),
    /// Scores are not finite, or do not fit the labels.
    #[error(transparent)]
    Scores(#[from] ScoredError),
    /// Runs cannot be compared.
    #[error(transparent)]
    Effects(#[from] EffectError),
    /// The page cannot be made.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A figure cannot be drawn.
    #[error(transparent)]
    Figure(#[from] FigureError),
    /// A table lacks what another one names.
    #[error("{what}")]
    Inconsistent {
        /// In words.
        what: String,
    },
    /// A slip in this program.
    #[error("this is a fault of ablatrix, not yours: {message}")]
    Panicked {
        /// What it said.
        message: String,
    },
}

impl StageError {
    /// From images that could not be decoded.
    pub fn bad_images(bad: &[BadImage], total: usize) -> Self {
        let reason = |bad: &BadImage| {
            let mut text = bad.error.to_string();
            if let Some(cause) = std::error::Error::source(&bad.error) {
                text = format!("{text}: {cause}");
            }
            (bad.path.display().to_string(), text)
        };
        StageError::BadImages { bad: bad.iter().map(reason).collect(), total, fetchable: 0 }
    }

    /// The message with its causes, in one line.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            let message = error.to_string();
            if !text.ends_with(&message) {
                text.push_str(": ");
                text.push_str(&message);
            }
            cause = error.source();
        }
        if let (Some(help), None) = (self.help(), self.spec_path()) {
            text.push_str("\n  help: ");
            text.push_str(&help);
        }
        text
    }

    /// What to do, where that is known.
    pub fn help(&self) -> Option<String> {
        match self {
            StageError::BadImages { fetchable: 1.., .. } => Some(
                "`ablatrix data fetch SPEC` downloads the missing ones; `bad_images = \"skip\"` in `[dataset]` sets all bad ones aside"
                    .to_owned(),
            ),
            StageError::BadImages { bad, total, .. } if bad.len() == *total => Some(
                "no image can be used: see whether `images` in `[dataset]` is the folder that their names are relative to"
                    .to_owned(),
            ),
            StageError::BadImages { .. } => Some(
                "mend them, or write `bad_images = \"skip\"` in `[dataset]` to set them aside; `check_images = false` reads tables only"
                    .to_owned(),
            ),
            StageError::EmptyPart { images, units, .. } if units < images => Some(
                "captures and photos that look nearly the same are kept in one part: see `split.captures` and `split.near_duplicates`"
                    .to_owned(),
            ),
            StageError::FewPositives { fold: Some(_), .. } => Some(
                "ask for fewer `folds` in `[split]`, put rare labels into a group with others, or write `min_positives = 0` in `[labels]` to leave a label out of the averages of a fold that has none of it"
                    .to_owned(),
            ),
            StageError::FewPositives { fold: None, .. } => Some(
                "write `method = \"iterative\"` in `[split]`, which spreads rare labels, put them into a group with others, or write `min_positives = 0` in `[labels]` to leave them out of averages"
                    .to_owned(),
            ),
            StageError::Column { key, .. } => Some(format!("write the name of the column as `{key}` in `[dataset]`")),
            StageError::Cache(error) => error.help(),
            StageError::Write { path, .. } | StageError::Table(TableError::Io { path, .. } | TableError::Parquet { path, .. }) => advice(path, self),
            StageError::Pixels(StoreError::Io { path, .. }) => advice(path, self),
            StageError::Import(error) => error.help(),
            StageError::Labels(LabelError::Unmapped { table, .. }) => Some(format!(
                "put them into groups of `[{table}.groups]`, or write `unmapped = \"ignore\"` in `[{table}]`"
            )),
            _ => None,
        }
    }

    /// The key of the spec that is at fault, where one is.
    pub fn spec_path(&self) -> Option<Vec<String>> {
        match self {
            StageError::Column { key, .. } => Some(path(&["dataset", key])),
            StageError::Labels(error) => Some(labels_path(error)),
            StageError::Split(_) | StageError::EmptyPart { .. } => Some(path(&["split"])),
            StageError::FewPositives { .. } => Some(path(&["labels", "min_positives"])),
            StageError::Balance(_) => Some(path(&["balance", "exponent"])),
            _ => None,
        }
    }

    /// Whether cached bytes were found to be wrong, so that what made them should run again.
    pub fn is_damage(&self) -> bool {
        matches!(self, StageError::Cache(CacheError::Damaged { .. }))
    }
}

/// What a part belongs to.
fn split_or(fold: Option<u32>) -> String {
    fold.map_or_else(|| "the split".to_owned(), |fold| format!("fold {fold}"))
}

fn path(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|&key| key.to_owned()).collect()
}

/// The keys of a dotted table, and then `keys`.
fn below(table: &str, keys: &[&str]) -> Vec<String> {
    table.split('.').chain(keys.iter().copied()).map(str::to_owned).collect()
}

fn labels_path(error: &LabelError) -> Vec<String> {
    match error {
        LabelError::Unknown { table, names } => match names.first() {
            Some(first) => below(table, &["groups", &first.group]),
            None => below(table, &["groups"]),
        },
        LabelError::EmptyGroup { table, label }
        | LabelError::Name { table, label }
        | LabelError::Clash { table, label, .. } => below(table, &["groups", label]),
        LabelError::Unmapped { table, .. } => below(table, &["unmapped"]),
        LabelError::NoSource { .. } | LabelError::None { .. } => path(&["labels", "from"]),
    }
}

fn in_units(images: usize, units: usize) -> String {
    match units {
        _ if units >= images => format!("{images} images are"),
        1 => format!("{images} images are kept together in 1 group,"),
        _ => format!("{images} images are kept together in {units} groups,"),
    }
}

fn few_listed(few: &[(String, usize)]) -> String {
    few.iter().map(|(label, n)| format!("`{label}` ({n})")).collect::<Vec<_>>().join(", ")
}

fn listed(bad: &[(String, String)]) -> String {
    let shown: Vec<_> = bad.iter().take(NAMED).map(|(name, why)| format!("`{name}`: {why}")).collect();
    let more = bad.len() - shown.len();
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    format!("{}{more}", shown.join("; "))
}
