//! The rows of the page's tables: scores, runs, data, stages.

use std::collections::HashMap;

use serde::Serialize;

use super::data::Counts;
use super::format;
use super::scores::{Scores, aggregate, metrics};
use super::study::{Run, RunState, Study};
use super::{references, test_part};
use crate::job::StopReason;

/// Fingerprints on the page; a large study has thousands.
const STAGES_MAX: usize = 300;
/// Variants that are named beside a reference.
const VARIANTS_MAX: usize = 3;

/// A value as shown, with the number that it is sorted by.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cell {
    /// As shown.
    pub text: String,
    /// What it is sorted by, where the text does not begin with that number.
    pub value: Option<f64>,
}

impl From<String> for Cell {
    /// A text that begins with the number that it is sorted by, or a dash, which sorts last.
    fn from(text: String) -> Self {
        Cell { text, value: None }
    }
}

/// A row of the table of absolute scores.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScoreRow {
    /// The variant, or the reference.
    pub name: String,
    /// The number of its test part, where there are several.
    pub test_part: Option<usize>,
    /// What is done to a picture, in words.
    pub ops: String,
    /// `baseline`, `reference` or `variant`.
    pub kind: &'static str,
    /// Finished runs out of those asked for.
    pub runs: String,
    /// Mean and spread, one for each metric.
    pub scores: Vec<Cell>,
}

/// A row of the table of runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunRow {
    /// The variant.
    pub variant: String,
    /// The seed.
    pub seed: u64,
    /// The fold, where there are any.
    pub fold: Option<u32>,
    /// `done`, `failed` or `missing`.
    pub state: &'static str,
    /// Told apart without colour.
    pub symbol: &'static str,
    /// One for each metric; empty where the run has no results.
    pub scores: Vec<Cell>,
    /// The epoch whose weights were tested.
    pub best_epoch: Cell,
    /// Epochs that were run, out of those planned.
    pub epochs: String,
    /// Why the training ended.
    pub stop: &'static str,
    /// Time of all epochs.
    pub time: Cell,
    /// Flags, or what went wrong.
    pub notes: Vec<String>,
}

/// A row of the table of labels in the data.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DataRow {
    /// The label; `None`: all rows.
    pub label: Option<String>,
    /// Count and share for each part.
    pub parts: Vec<Cell>,
    /// Count and share of the training rows after balancing.
    pub after: Cell,
    /// How many times more rows.
    pub factor: Cell,
}

/// The stages of the study.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stages {
    /// Stage and fingerprint.
    pub shown: Vec<(String, String)>,
    /// How many fingerprints are left out.
    pub more: usize,
}

/// Absolute scores of each variant, the references first.
pub fn score_rows(study: &Study, scores: &Scores) -> Vec<ScoreRow> {
    let metrics = metrics(study);
    let references = study.references.iter().flat_map(|set| set.of.iter().map(move |of| (set, of)));
    let references = references.map(|(set, of)| ScoreRow {
        name: references::name(of.reference).into(),
        test_part: set.variants.first().and_then(|variant| test_part::number(study, variant)),
        ops: match study.references.len() {
            1 => of.does.clone(),
            _ => format!("{}; beside {}", of.does, format::listed(&set.variants, VARIANTS_MAX)),
        },
        kind: "reference",
        runs: format::NONE.into(),
        scores: metrics
            .iter()
            .map(|m| format::score(m.unit, aggregate(&of.scores, &m.metric)).into())
            .collect(),
    });
    let mut runs: HashMap<&str, (usize, usize)> = HashMap::new();
    for run in &study.runs {
        let entry = runs.entry(&run.variant).or_default();
        entry.1 += 1;
        entry.0 += usize::from(matches!(run.state, RunState::Done(_)));
    }
    let variants = study.variants.iter().zip(&scores.aggregate).map(|(variant, spreads)| {
        let (done, all) = runs.get(variant.name.as_str()).copied().unwrap_or_default();
        ScoreRow {
            name: variant.name.clone(),
            test_part: test_part::number(study, &variant.name),
            ops: if variant.ops.is_empty() { "no augmentation".into() } else { variant.ops.clone() },
            kind: if variant.arm == study.baseline { "baseline" } else { "variant" },
            runs: format!("{done} of {all}"),
            scores: metrics
                .iter()
                .zip(spreads)
                .map(|(m, s)| format::spread(m.unit, s.mean(), s.sd()).into())
                .collect(),
        }
    });
    references.chain(variants).collect()
}

/// Each run in the order of the study.
pub fn run_rows(study: &Study) -> Vec<RunRow> {
    study.runs.iter().map(|run| run_row(study, run)).collect()
}

fn run_row(study: &Study, run: &Run) -> RunRow {
    let none = || Cell::from(String::from(format::NONE));
    let mut row = RunRow {
        variant: run.variant.clone(),
        seed: run.seed,
        fold: run.fold,
        state: "done",
        symbol: "✓",
        scores: vec![none(); 1 + study.other_metrics.len()],
        best_epoch: none(),
        epochs: format::NONE.into(),
        stop: format::NONE,
        time: none(),
        notes: Vec::new(),
    };
    match &run.state {
        RunState::Done(result) => {
            let summary = &result.summary;
            for (cell, metric) in row.scores.iter_mut().zip(metrics(study)) {
                *cell = format::score(metric.unit, aggregate(&result.scores, &metric.metric)).into();
            }
            row.best_epoch = summary.best_epoch.to_string().into();
            row.epochs = format!("{} of {}", summary.epochs_run, summary.epochs_planned);
            row.stop = match summary.stop {
                StopReason::LastEpoch => "all epochs run",
                StopReason::EarlyStopping => "early stopping",
                StopReason::Diverged => "diverged",
            };
            let seconds: f64 = result.history.iter().map(|h| h.seconds).sum();
            row.time = Cell { text: format::duration(seconds), value: format::significant(seconds) };
            row.notes = result.flags.iter().chain(&result.cautions).cloned().collect();
            row.notes.extend(summary.divergence.as_ref().map(ToString::to_string));
            row.notes.extend(summary.smaller_batches.map(|size| {
                format!("trained with batches of {size}, gathered to the same steps: memory was out with the batches asked for")
            }));
        }
        RunState::Failed { message } => {
            (row.state, row.symbol) = ("failed", "✕");
            row.notes.push(message.clone());
        }
        RunState::ToCome => (row.state, row.symbol) = ("to come", "○"),
        RunState::Missing { message } => {
            (row.state, row.symbol) = ("missing", "…");
            row.notes.push(message.clone());
        }
    }
    row
}

/// Counts of each label, all rows first.
pub fn data_rows(study: &Study) -> Vec<DataRow> {
    let data = &study.data;
    let whole = |counts: &Counts| Cell::from(format::count(counts.rows));
    let all = DataRow {
        label: None,
        parts: data.parts.iter().map(|p| whole(&p.counts)).collect(),
        after: whole(&data.after),
        factor: factor(data.before.rows, data.after.rows),
    };
    let labels = study.labels.iter().enumerate().map(|(l, label)| DataRow {
        label: Some(label.clone()),
        parts: data.parts.iter().map(|p| share(&p.counts, l)).collect(),
        after: share(&data.after, l),
        factor: factor(positives(&data.before, l), positives(&data.after, l)),
    });
    std::iter::once(all).chain(labels).collect()
}

fn positives(counts: &Counts, label_idx: usize) -> u64 {
    counts.positives.get(label_idx).copied().unwrap_or(0)
}

fn share(counts: &Counts, label_idx: usize) -> Cell {
    let n = positives(counts, label_idx);
    format!("{} ({})", format::count(n), format::percent(n, counts.rows)).into()
}

fn factor(before: u64, after: u64) -> Cell {
    if before == 0 {
        return String::from(format::NONE).into();
    }
    let factor = after as f64 / before as f64;
    Cell { text: format!("× {factor:.1}"), value: format::significant(factor) }
}

/// The stages' fingerprints as far as they fit.
pub fn stages(study: &Study) -> Stages {
    let records = &study.provenance.stages;
    Stages {
        shown: records.iter().take(STAGES_MAX).map(|r| (r.stage.clone(), r.fingerprint.clone())).collect(),
        more: records.len().saturating_sub(STAGES_MAX),
    }
}
