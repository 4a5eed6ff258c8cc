//! What `check` knows of the data: labels, parts and training rows, as far as the stages up to `balance` give them.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use super::display::{Detail, Display};
use super::links;
use super::render::Failure;
use super::study::Study;
use crate::cache::Entry;
use crate::dataset::balance::presence;
use crate::dataset::{Notice, NoticeKind};
use crate::engine::{self, Interrupt};
use crate::plan::{Stage, output};
use crate::report::TestPart;
use crate::stages::{StageError, foresight};
use crate::tables;
use crate::tables::rows::{AnnotationRow, ImageRow, LabelTable, Part, SplitRow, TrainIndexRow};

/// What the stages of the data gave; with folds, for the first of them.
pub struct Facts {
    /// The labels of all images.
    pub labels: LabelTable,
    /// What the stages noticed.
    pub notices: Vec<Notice>,
    /// The test parts that variants are compared on, and what each can show.
    pub test_parts: Vec<TestPart>,
    /// The images that there are.
    pub images: Vec<ImageRow>,
    /// The images as the dataset's own records have them.
    pub records: Vec<ImageRow>,
    /// Objects.
    annotations: PathBuf,
    parts: HashMap<i64, Part>,
    /// How many rows of an epoch an image stands for.
    presence: BTreeMap<i64, f64>,
}

/// Rows, and how many of them each label has: no whole numbers where rows are weighted or drawn.
pub struct Counts {
    rows: f64,
    positives: Vec<f64>,
}

impl Counts {
    /// All rows, rounded.
    pub fn rows(&self) -> u64 {
        self.rows.round() as u64
    }

    /// Rows that have the label, rounded.
    pub fn positives(&self, label_idx: usize) -> u64 {
        self.positives[label_idx].round() as u64
    }

    /// The share of rows that have the label, 0 to 1; `None` without rows.
    pub fn share(&self, label_idx: usize) -> Option<f64> {
        (self.rows > 0.0).then(|| self.positives[label_idx] / self.rows)
    }
}

impl Facts {
    /// Computes the stages up to the balance, or takes them from the cache.
    ///
    /// # Errors
    /// Rendered, with the exit code.
    pub fn gather(study: &Study) -> Result<Self, Failure> {
        let config = study.engine_without_workers(Some(Stage::Balance));
        let mut display = Display::new(Detail::Quiet);
        let mut listener = |event: engine::Event| {
            // Faults are shown below, where they stand in the spec.
            if !matches!(event, engine::Event::Failed { .. }) {
                display.show(&event);
            }
        };
        let outcome = engine::run(&study.plan, &config, &study.sources, &Interrupt::never(), &mut listener)
            .map_err(|error| study.engine_failure(&error))?;
        if let Some(failure) = outcome.spec_fault.as_ref().and_then(|error| study.spec_failure(error)) {
            return Err(failure);
        }
        if let Some((_, message)) = outcome.failed.first() {
            return Err(Failure::text(1, message, None));
        }
        let first =
            |stage: Stage| study.plan.of_stage(stage).next().and_then(|node| outcome.entries.get(&node));
        let labels: LabelTable = read(study, first(Stage::Label), output::LABELS)?;
        let mut split: Vec<SplitRow> = read(study, first(Stage::Split), output::SPLIT)?;
        split.retain(|row| row.fold == 0);
        let mut index: Vec<TrainIndexRow> = read(study, first(Stage::Balance), output::TRAIN_INDEX)?;
        index.retain(|row| row.fold == 0);
        let images: Vec<ImageRow> = read(study, first(Stage::Scan), output::IMAGES)?;
        let records: Vec<ImageRow> = read(study, first(Stage::Ingest), output::IMAGES)?;
        let annotations = place(study, first(Stage::Ingest), output::ANNOTATIONS)?;
        let file = |node: usize, name: &'static str| -> Result<PathBuf, StageError> {
            let entry =
                outcome.entries.get(&node).unwrap_or_else(|| panic!("bug: node {node} has no result"));
            Ok(study.store.object(entry.digest(name))?)
        };
        let test_parts = foresight::test_parts(&study.plan, file)
            .map_err(|error| Failure::text(1, &error.chain(), None))?;
        let mut notices: Vec<Notice> = Vec::new();
        for stage in [Stage::Ingest, Stage::Scan, Stage::Label, Stage::Split] {
            // A matrix may have several, of which most say the same.
            for entry in study.plan.of_stage(stage).filter_map(|node| outcome.entries.get(&node)) {
                let path = study.store.object(entry.digest(output::NOTICES)).ok();
                let bytes = path.and_then(|path| std::fs::read(path).ok()).unwrap_or_default();
                let read: Vec<Notice> = serde_json::from_slice(&bytes).unwrap_or_default();
                notices
                    .extend(read.into_iter().filter(|notice| !notices.contains(notice)).collect::<Vec<_>>());
            }
        }
        notices.extend(links::notice(&study.plan.experiment.dataset, &images));
        Ok(Facts {
            labels,
            images,
            records,
            annotations,
            parts: split.iter().map(|row| (row.image_id, row.part)).collect(),
            presence: presence(&index),
            notices,
            test_parts,
        })
    }

    /// What says that images that belong together stand in different parts.
    pub fn leaks(&self) -> impl Iterator<Item = &Notice> {
        self.notices.iter().filter(|notice| notice.kind == NoticeKind::Leakage)
    }

    /// Whether an image is one to train on.
    pub fn is_trained(&self, image_id: i64) -> bool {
        self.parts.get(&image_id) == Some(&Part::Train)
    }

    /// The objects in the images; none where the dataset has no boxes.
    ///
    /// # Errors
    /// Rendered, with the exit code.
    pub fn annotations(&self) -> Result<Vec<AnnotationRow>, Failure> {
        tables::read(&self.annotations).map_err(|error| Failure::new(1, &error, None))
    }

    /// Counts each image as often as `weigh` says.
    fn count(&self, weigh: impl Fn(i64) -> f64) -> Counts {
        let mut rows = 0.0;
        let mut positives = vec![0.0; self.labels.labels.len()];
        for (row_idx, &image_id) in self.labels.image_ids.iter().enumerate() {
            let weight = weigh(image_id);
            rows += weight;
            for (count, _) in positives.iter_mut().zip(self.labels.row(row_idx)).filter(|(_, is)| **is) {
                *count += weight;
            }
        }
        Counts { rows, positives }
    }

    /// Columns: all, train, val, test, and training rows after balancing.
    pub fn columns(&self) -> Vec<(&'static str, Counts)> {
        let part = |part: Part| self.count(|id| f64::from(u8::from(self.parts.get(&id) == Some(&part))));
        vec![
            ("all", self.count(|_| 1.0)),
            ("train", part(Part::Train)),
            ("val", part(Part::Val)),
            ("test", part(Part::Test)),
            ("balanced", self.balanced()),
        ]
    }

    /// The rows of an epoch: copies counted, weighted by the loss, or as many as are expected to be drawn.
    pub fn balanced(&self) -> Counts {
        self.count(|id| self.presence.get(&id).copied().unwrap_or(0.0))
    }
}

fn place(study: &Study, entry: Option<&Entry>, name: &str) -> Result<PathBuf, Failure> {
    let entry = entry.ok_or_else(|| Failure::text(1, &format!("there is no `{name}`"), None))?;
    study.store.object(entry.digest(name)).map_err(|error| super::study::cache_failure(&error))
}

fn read<T: tables::Table>(study: &Study, entry: Option<&Entry>, name: &str) -> Result<T, Failure> {
    tables::read(&place(study, entry, name)?).map_err(|error| Failure::new(1, &error, None))
}
