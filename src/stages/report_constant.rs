//! What the constant predictor scores: with folds, in each of them, and the mean as for the runs.

use std::collections::HashMap;

use indexmap::IndexMap;

use super::error::StageError;
use super::report::Shared;
use crate::metrics::constant_predictor;
use crate::report::Score;
use crate::spec::settings::Threshold;
use crate::tables::rows::{LabelTable, Part, SplitRow, TrainIndexRow};

/// Its scores; a fold in which one is not defined is left out of that one's mean.
///
/// # Errors
/// Where the tables do not fit each other.
pub(super) fn constant(shared: &Shared, threshold: Threshold) -> Result<Vec<Score>, StageError> {
    let mut values: IndexMap<(Option<String>, &'static str), Vec<f64>> = IndexMap::new();
    for (split, train_index) in shared.folds() {
        let evaluation = constant_predictor(
            &train_targets(&shared.labels, train_index),
            &part_targets(&shared.labels, split, Part::Val),
            &part_targets(&shared.labels, split, Part::Test),
            &shared.labels.labels,
            threshold,
        )?;
        for value in evaluation.values {
            values.entry((value.label, value.metric)).or_default().extend(value.value);
        }
    }
    let score = |((label, metric), values): ((Option<String>, &'static str), Vec<f64>)| Score {
        label,
        metric: metric.to_owned(),
        value: values.iter().sum::<f64>() / values.len() as f64,
    };
    Ok(values.into_iter().map(score).collect())
}

/// The truth of a part of one fold, row-major, ascending by image id.
pub(super) fn part_targets(labels: &LabelTable, split: &[SplitRow], part: Part) -> Vec<bool> {
    let parts: HashMap<i64, Part> = split.iter().map(|row| (row.image_id, row.part)).collect();
    let rows = (0..labels.image_ids.len()).filter(|&row| parts.get(&labels.image_ids[row]) == Some(&part));
    rows.flat_map(|row| labels.row(row).to_vec()).collect()
}

/// The truth of the training rows of one fold, copies counted.
fn train_targets(labels: &LabelTable, train_index: &[TrainIndexRow]) -> Vec<bool> {
    let row_of: HashMap<i64, usize> = labels.image_ids.iter().enumerate().map(|(i, &id)| (id, i)).collect();
    let mut targets = Vec::new();
    for row in train_index {
        if let Some(&idx) = row_of.get(&row.image_id) {
            for _ in 0..row.copies {
                targets.extend_from_slice(labels.row(idx));
            }
        }
    }
    targets
}
