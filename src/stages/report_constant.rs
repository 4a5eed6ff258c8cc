//! What the constant predictor scores: with folds, in each of them, and the mean as for the runs.

use std::collections::HashMap;

use indexmap::IndexMap;

use super::error::StageError;
use super::report_data::Shared;
use crate::dataset::balance::presence;
use crate::metrics::{BaseRates, constant_predictor};
use crate::report::Score;
use crate::spec::settings::Evaluate;
use crate::tables::rows::{LabelTable, Part, SplitRow, TrainIndexRow};

/// Its scores; a fold in which one is not defined is left out of that one's mean.
///
/// # Errors
/// Where the tables do not fit each other.
pub(super) fn constant(shared: &Shared, settings: &Evaluate) -> Result<Vec<Score>, StageError> {
    let mut values: IndexMap<(Option<String>, &'static str), Vec<f64>> = IndexMap::new();
    for (split, train_index) in shared.folds() {
        let evaluation = constant_predictor(
            &base_rates(&shared.labels, train_index),
            &part_targets(&shared.labels, split, Part::Val),
            &part_targets(&shared.labels, split, Part::Test),
            &shared.labels.labels,
            settings,
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

/// The truth of the training rows of one fold, each as often as it counts in an epoch.
fn base_rates(labels: &LabelTable, train_index: &[TrainIndexRow]) -> BaseRates {
    let presence = presence(train_index);
    let mut rates = BaseRates::new(labels.labels.len());
    for (row_idx, image_id) in labels.image_ids.iter().enumerate() {
        if let Some(&weight) = presence.get(image_id) {
            rates.add(labels.row(row_idx), weight);
        }
    }
    rates
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::settings::Threshold;

    /// Eight images in two folds; `positive` have the label.
    fn shared(positive: &[i64]) -> Shared {
        let fold = |fold: u32| -> (Vec<SplitRow>, Vec<TrainIndexRow>) {
            let part = |image_id: i64| match (image_id / 4 == i64::from(fold), image_id % 2) {
                (true, _) => Part::Test,
                (false, 0) => Part::Train,
                (false, _) => Part::Val,
            };
            let split: Vec<SplitRow> =
                (0..8).map(|image_id| SplitRow { image_id, fold, part: part(image_id) }).collect();
            let trained = split.iter().filter(|row| row.part == Part::Train);
            let index = trained.map(|row| TrainIndexRow {
                fold,
                image_id: row.image_id,
                copies: 2,
                weight: 1.0,
                chance: None,
            });
            (split.clone(), index.collect())
        };
        let (split, train_index) = fold(0);
        let labels = LabelTable {
            labels: vec!["a".into()],
            image_ids: (0..8).collect(),
            positives: (0..8).map(|image_id| positive.contains(&image_id)).collect(),
        };
        Shared { labels, split, train_index, images: Vec::new(), later: vec![fold(1)] }
    }

    fn ap(positive: &[i64]) -> f64 {
        let scores = constant(&shared(positive), &Evaluate::at(Threshold::Fixed(0.5))).unwrap();
        scores.iter().find(|score| score.metric == "ap" && score.label.is_some()).unwrap().value
    }

    /// Its average precision in a fold is the label's prevalence there.
    #[test]
    fn folds_are_averaged_and_one_without_the_label_is_left_out() {
        assert_eq!(ap(&[0, 4, 5, 6]), (0.25 + 0.75) / 2.0);
        assert_eq!(ap(&[4, 5, 6]), 0.75);
        assert!(ap(&[]).is_nan());
    }
}
