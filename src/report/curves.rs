//! Learning curves, thinned so that the page of a large study stays small and quick.
//!
//! Each variant has the mean over its runs; single runs are kept for as many variants as the budget
//! allows, baselines and the largest effects first. What was left out is said in a note.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::format::{count, counted, significant};
use super::interest::by_interest;
use super::scores::finished;
use super::study::{Run, RunResult, Study};
use crate::tables::rows::HistoryRow;

/// Epochs of single runs on the page, over all variants.
const RUN_EPOCHS_MAX: usize = 5_000;
/// Epochs of means on the page, over all variants.
const MEAN_EPOCHS_MAX: usize = 4_000;
/// Variants that are drawn before the reader chooses: as many as there are colours and dashes.
const SHOWN_MAX: usize = 7;

/// Learning curves of all variants.
#[derive(Debug, Serialize)]
pub struct Curves {
    /// In the order of the study.
    variants: Vec<VariantCurves>,
    /// Which of them are drawn at first.
    shown: Vec<usize>,
    /// What was left out, in sentences.
    pub notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct VariantCurves {
    name: String,
    baseline: bool,
    /// Over the runs, up to the last epoch that all of them reached.
    mean: Option<Line>,
    /// The learning rate of the longest run: the rate is set, and the same for all seeds.
    schedule: Schedule,
    runs: Vec<RunLine>,
}

#[derive(Debug, Serialize)]
struct RunLine {
    seed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    fold: Option<u32>,
    /// The epoch whose weights were tested, with its place on the curves.
    best: u32,
    #[serde(flatten)]
    line: Line,
}

#[derive(Debug, Default, Serialize)]
struct Schedule {
    epoch: Vec<u32>,
    lr: Vec<Option<f64>>,
}

/// Columns by epoch; `None` where a value is not defined.
#[derive(Debug, Serialize)]
struct Line {
    epoch: Vec<u32>,
    train_loss: Vec<Option<f64>>,
    val_loss: Vec<Option<f64>>,
    val_map: Vec<Option<f64>>,
    rate: Vec<Option<f64>>,
    seconds: Vec<Option<f64>>,
    /// Of a mean over several runs, their sample standard deviation.
    #[serde(skip_serializing_if = "Option::is_none")]
    sd: Option<Deviation>,
}

/// The spread of runs around their mean, by epoch.
#[derive(Debug, Serialize)]
struct Deviation {
    train_loss: Vec<Option<f64>>,
    val_loss: Vec<Option<f64>>,
    val_map: Vec<Option<f64>>,
}

/// Gathers the curves of `study` within the budget.
pub fn curves(study: &Study) -> Curves {
    let mut by_variant: HashMap<&str, Vec<(&Run, &RunResult)>> = HashMap::new();
    for (run, result) in finished(study).filter(|(_, r)| !r.history.is_empty()) {
        by_variant.entry(&run.variant).or_default().push((run, result));
    }
    let longest = by_variant.values().flatten().map(|(_, r)| r.history.len()).max().unwrap_or(0);
    let stride = (longest * study.variants.len()).div_ceil(MEAN_EPOCHS_MAX).max(1);
    let order = by_interest(study);
    let with_runs = within_budget(&order, study, &by_variant, stride);

    let variants = study.variants.iter().enumerate().map(|(v, variant)| {
        let runs = by_variant.get(variant.name.as_str()).map_or(&[][..], Vec::as_slice);
        let single = if with_runs.contains(&v) { runs } else { &[] };
        VariantCurves {
            name: variant.name.clone(),
            baseline: variant.arm == study.baseline,
            mean: mean(runs, stride),
            schedule: schedule(runs, stride),
            runs: single
                .iter()
                .map(|(run, result)| RunLine {
                    seed: run.seed,
                    fold: run.fold,
                    best: result.summary.best_epoch,
                    line: line(result, stride),
                })
                .collect(),
        }
    });
    Curves {
        variants: variants.collect(),
        shown: order.iter().copied().take(SHOWN_MAX).collect(),
        notes: notes(study, with_runs.len(), by_variant.len(), stride),
    }
}

/// The variants whose single runs are kept.
fn within_budget(
    order: &[usize],
    study: &Study,
    by_variant: &HashMap<&str, Vec<(&Run, &RunResult)>>,
    stride: usize,
) -> HashSet<usize> {
    let mut left = RUN_EPOCHS_MAX;
    let mut kept = HashSet::new();
    for &v in order {
        let Some(runs) = by_variant.get(study.variants[v].name.as_str()) else { continue };
        let epochs: usize = runs.iter().map(|(_, r)| r.history.len().div_ceil(stride) + 1).sum();
        let Some(rest) = left.checked_sub(epochs) else { break };
        left = rest;
        kept.insert(v);
    }
    kept
}

fn notes(study: &Study, with_runs: usize, with_curves: usize, stride: usize) -> Vec<String> {
    let mut notes = Vec::new();
    if with_runs < with_curves {
        notes.push(format!(
            "To keep the page small, single runs are drawn for {with_runs} of {} (the baselines and those \
             with the largest effects); the others show their mean. The table “history” has every epoch.",
            counted(with_curves, "variant"),
        ));
    }
    if stride > 1 {
        notes.push(format!("One epoch in {} is drawn, and the last.", count(stride as u64)));
    }
    let without = study.variants.len() - with_curves;
    if without > 0 {
        notes.push(format!("{} without a finished run and so without curves.", counted(without, "variant")));
    }
    notes
}

/// Every `stride`-th epoch from the first, and the last.
fn kept(n_epochs: usize, stride: usize) -> impl Iterator<Item = usize> {
    (0..n_epochs).filter(move |i| i % stride == 0 || i + 1 == n_epochs)
}

fn line(result: &RunResult, stride: usize) -> Line {
    let rows: Vec<&HistoryRow> = kept(result.history.len(), stride).map(|i| &result.history[i]).collect();
    let column = |value: fn(&HistoryRow) -> f64| rows.iter().map(|row| significant(value(row))).collect();
    Line {
        epoch: rows.iter().map(|row| row.epoch).collect(),
        train_loss: column(|r| r.train_loss),
        val_loss: column(|r| r.val.loss),
        val_map: column(|r| 100.0 * r.val.map_macro),
        rate: column(|r| r.images_per_second),
        seconds: column(|r| r.seconds),
        sd: None,
    }
}

fn schedule(runs: &[(&Run, &RunResult)], stride: usize) -> Schedule {
    let Some((_, longest)) = runs.iter().max_by_key(|(_, r)| r.history.len()) else {
        return Schedule::default();
    };
    let rows = || kept(longest.history.len(), stride).map(|i| &longest.history[i]);
    Schedule { epoch: rows().map(|r| r.epoch).collect(), lr: rows().map(|r| significant(r.lr)).collect() }
}

fn mean(runs: &[(&Run, &RunResult)], stride: usize) -> Option<Line> {
    // Beyond the shortest run the mean would be over other runs than before, and would jump.
    let shortest = runs.iter().map(|(_, r)| r.history.len()).min()?;
    let epochs: Vec<usize> = kept(shortest, stride).collect();
    let n = runs.len() as f64;
    let mean_at = |value: fn(&HistoryRow) -> f64, i: usize| {
        runs.iter().map(|(_, r)| value(&r.history[i])).sum::<f64>() / n
    };
    let column = |value: fn(&HistoryRow) -> f64| {
        epochs.iter().map(|&i| significant(mean_at(value, i))).collect::<Vec<_>>()
    };
    let spread = |value: fn(&HistoryRow) -> f64| {
        let at = |&i: &usize| {
            let mean = mean_at(value, i);
            let squares: f64 = runs.iter().map(|(_, r)| (value(&r.history[i]) - mean).powi(2)).sum();
            significant((squares / (n - 1.0)).sqrt())
        };
        epochs.iter().map(at).collect::<Vec<_>>()
    };
    Some(Line {
        epoch: epochs.iter().map(|&i| runs[0].1.history[i].epoch).collect(),
        train_loss: column(|r| r.train_loss),
        val_loss: column(|r| r.val.loss),
        val_map: column(|r| 100.0 * r.val.map_macro),
        rate: column(|r| r.images_per_second),
        seconds: column(|r| r.seconds),
        sd: (runs.len() > 1).then(|| Deviation {
            train_loss: spread(|r| r.train_loss),
            val_loss: spread(|r| r.val.loss),
            val_map: spread(|r| 100.0 * r.val.map_macro),
        }),
    })
}
