//! How much more a label's positives weigh in the loss than its negatives.

use ablatrix::spec::settings::{Loss, PositiveWeights};
use ablatrix::tables::rows::TrainIndexRow;

use crate::inputs::{Examples, InputError};

/// A number for each label, in the order of the labels; none where all weigh alike.
///
/// Balanced, it is negatives divided by positives over the training rows, each of which counts as often as the loss sees it:
/// by its copies and its weight, or by its chance. A label that all rows have, or none, weighs 1.
///
/// # Errors
/// Where another number of weights is given than there are labels.
pub fn of(loss: &Loss, examples: &Examples, index: &[TrainIndexRow]) -> Result<Vec<f64>, InputError> {
    let Loss::Bce { positive_weights, .. } = loss else { return Ok(Vec::new()) };
    match positive_weights {
        PositiveWeights::None => Ok(Vec::new()),
        PositiveWeights::Given(weights) if weights.len() == examples.labels().len() => Ok(weights.clone()),
        PositiveWeights::Given(weights) => {
            Err(InputError::PositiveWeights { n_weights: weights.len(), labels: examples.labels().to_vec() })
        }
        PositiveWeights::Balanced => {
            let row = |row: &TrainIndexRow| {
                let seen = row.chance.unwrap_or_else(|| f64::from(row.copies) * f64::from(row.weight));
                (seen, row.image_id)
            };
            let rows: Vec<(f64, i64)> = index.iter().map(row).collect();
            let all: f64 = rows.iter().map(|(seen, _)| seen).sum();
            let weight = |label_idx: usize| {
                let has = |image_id: i64| examples.targets(image_id)[label_idx];
                let positives: f64 = rows.iter().filter(|row| has(row.1)).map(|(seen, _)| seen).sum();
                let n_positives = rows.iter().filter(|row| row.0 > 0.0 && has(row.1)).count();
                let n_seen = rows.iter().filter(|row| row.0 > 0.0).count();
                if n_positives == 0 || n_positives == n_seen { 1.0 } else { (all - positives) / positives }
            };
            Ok((0..examples.labels().len()).map(weight).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(
        positive_weights: PositiveWeights,
        rows: &[(u32, f32, Option<f64>)],
    ) -> Result<Vec<f64>, InputError> {
        let folder = tempfile::tempdir().unwrap();
        let labels = [[true, false, true], [false, false, true], [true, false, true], [false, false, true]];
        let pictures: Vec<_> = labels.iter().map(|labels| (vec![0; 3], labels.to_vec())).collect();
        let examples = Examples::for_test(folder.path(), 1, &pictures);
        let row = |(i, &(copies, weight, chance)): (usize, &(u32, f32, Option<f64>))| TrainIndexRow {
            fold: 0,
            image_id: i as i64,
            copies,
            weight,
            chance,
        };
        let index: Vec<TrainIndexRow> = rows.iter().enumerate().map(row).collect();
        of(&Loss::Bce { positive_weights, smoothing: 0.0 }, &examples, &index)
    }

    #[test]
    fn balanced_is_negatives_by_positives_as_the_loss_sees_them() {
        let balanced = |rows: &[(u32, f32, Option<f64>)]| weights(PositiveWeights::Balanced, rows).unwrap();
        let row = (1, 1.0, None);
        assert_eq!(balanced(&[row, row, (0, 1.0, None), row]), [2.0, 1.0, 1.0]);
        assert_eq!(balanced(&[row, (3, 1.0, None), row, (3, 1.0, None)]), [3.0, 1.0, 1.0]);
        assert_eq!(
            balanced(&[(1, 0.5, None), (1, 1.5, None), (1, 0.5, None), (1, 1.5, None)]),
            [3.0, 1.0, 1.0]
        );
        let drawn = |chance| (1, 1.0, Some(chance));
        assert_eq!(balanced(&[drawn(0.25), drawn(0.25), drawn(0.25), drawn(0.25)]), [1.0, 1.0, 1.0]);
        assert_eq!(balanced(&[drawn(0.125), drawn(0.25), drawn(0.125), drawn(0.5)]), [3.0, 1.0, 1.0]);
    }

    #[test]
    fn given_weights_are_one_for_each_label() {
        let rows = [(1, 1.0, None); 4];
        let given = |numbers: &[f64]| weights(PositiveWeights::Given(numbers.to_vec()), &rows);
        assert_eq!(given(&[1.0, 2.0, 0.5]).unwrap(), [1.0, 2.0, 0.5]);
        let error = given(&[1.0, 2.0]).unwrap_err().to_string();
        assert!(error.contains("`2`") && error.contains("label 0, label 1, label 2"), "{error}");
        assert_eq!(weights(PositiveWeights::None, &rows).unwrap(), [0.0; 0]);
    }
}
