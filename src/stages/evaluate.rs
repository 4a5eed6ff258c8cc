//! `evaluate`: a run's logits to metrics. Thresholds come from validation, values from test.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::error::StageError;
use super::work::{StageWork, read_json, write_json, write_table};
use crate::cache::Attempt;
use crate::job::{StopReason, TrainSummary, input};
use crate::metrics::{
    Calibration, Course, ErrorPair, Flag, LabelDetail, Scored, Thresholds, Undefined, degenerate,
    evaluate as score,
};
use crate::plan::output;
use crate::tables::rows::{LabelTable, MetricRow, Part, PredictionTable, SplitRow};

/// What `evaluation.json` holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvaluationRecord {
    /// How logits become probabilities, fitted on validation.
    pub calibration: Calibration,
    /// One per label, tuned on validation.
    pub thresholds: Thresholds,
    /// What is wrong with the run.
    pub flags: Vec<Flag>,
    /// Labels that a part says too little about.
    pub undefined: Vec<Undefined>,
    /// Label by label, on test: right and wrong answers, and the data of a reliability diagram.
    pub labels: Vec<LabelDetail>,
    /// Which labels are missed while others are said wrongly, on test; the most frequent first.
    pub error_pairs: Vec<ErrorPair>,
}

/// Scores one run.
///
/// # Errors
/// Where a logit is not finite, or an image has no labels.
pub fn evaluate(work: &StageWork, out: &Attempt) -> Result<(), StageError> {
    let predictions: PredictionTable = work.table("predictions")?;
    let labels: LabelTable = work.table("labels")?;
    let summary: TrainSummary = read_json(&work.input("summary")?)?;
    check_images(&predictions, &work.table::<Vec<SplitRow>>(input::SPLIT)?, work.node().fold)?;
    let val = PartScores::of(&predictions, &labels, Part::Val)?;
    let test = PartScores::of(&predictions, &labels, Part::Test)?;
    let (val, test) = (val.scored()?, test.scored()?);
    let evaluation = score(val, test, &labels.labels, &work.experiment().evaluate);
    let course = Course {
        epochs_run: summary.epochs_run,
        best_epoch: summary.best_watched_epoch,
        diverged: summary.stop == StopReason::Diverged,
    };
    let flags = degenerate::flags(&test, &evaluation.said, &labels.labels, &course);
    let node = work.node();
    let row = |value: &crate::metrics::Value| MetricRow {
        run: node.run.clone(),
        variant: node.variant.name.clone(),
        seed: node.seed,
        fold: node.fold.unwrap_or(0),
        label: value.label.clone(),
        metric: value.metric.to_owned(),
        value: value.value.unwrap_or(f64::NAN),
    };
    let rows: Vec<MetricRow> = evaluation.values.iter().map(row).collect();
    write_table(out, output::METRICS, &rows, "evaluate")?;
    let record = EvaluationRecord {
        calibration: evaluation.calibration,
        thresholds: evaluation.thresholds,
        flags,
        undefined: evaluation.undefined,
        labels: evaluation.details,
        error_pairs: evaluation.error_pairs,
    };
    write_json(out, output::EVALUATION, &record)
}

/// Refuses predictions of other images than the split has in a part: runs are compared on the same images or not at all.
fn check_images(
    predictions: &PredictionTable,
    split: &[SplitRow],
    fold: Option<u32>,
) -> Result<(), StageError> {
    for part in [Part::Val, Part::Test] {
        let predicted = predictions.image_ids.iter().zip(&predictions.parts);
        let mut found: Vec<i64> = predicted.filter(|(_, of)| **of == part).map(|(&id, _)| id).collect();
        let rows = split.iter().filter(|row| row.part == part && row.fold == fold.unwrap_or(0));
        let mut expected: Vec<i64> = rows.map(|row| row.image_id).collect();
        found.sort_unstable();
        expected.sort_unstable();
        if found != expected {
            let what = format!(
                "the predictions of `{}` are of {} images of the {} part, which are not the {} of its split; runs are compared \
                 on the same images alone",
                predictions.run,
                found.len(),
                part.as_str(),
                expected.len()
            );
            return Err(StageError::Inconsistent { what });
        }
    }
    Ok(())
}

/// The logits of one part beside the truth.
#[derive(Clone, Debug, Default)]
pub struct PartScores {
    n_labels: usize,
    /// Row-major [images, labels].
    pub logits: Vec<f32>,
    /// Likewise.
    pub targets: Vec<bool>,
}

impl PartScores {
    /// The rows of `part`, in the order of the predictions.
    ///
    /// # Errors
    /// Where an image has no labels.
    pub fn of(predictions: &PredictionTable, labels: &LabelTable, part: Part) -> Result<Self, StageError> {
        let n_labels = predictions.labels.len();
        let row_of: HashMap<i64, usize> =
            labels.image_ids.iter().enumerate().map(|(i, &id)| (id, i)).collect();
        let mut scores = PartScores { n_labels, ..PartScores::default() };
        for (i, image_id) in predictions.image_ids.iter().enumerate() {
            if predictions.parts[i] != part {
                continue;
            }
            let row_idx = row_of.get(image_id).ok_or_else(|| StageError::Inconsistent {
                what: format!("the predictions have image {image_id}, which has no labels"),
            })?;
            scores.logits.extend_from_slice(&predictions.logits[i * n_labels..(i + 1) * n_labels]);
            scores.targets.extend_from_slice(labels.row(*row_idx));
        }
        Ok(scores)
    }

    /// Checked.
    ///
    /// # Errors
    /// Where a logit is not finite.
    pub fn scored(&self) -> Result<Scored<'_>, StageError> {
        Ok(Scored::new(self.n_labels, &self.logits, &self.targets)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predictions_of_other_images_are_refused() {
        let row = |image_id, fold, part| SplitRow { image_id, fold, part };
        let split = [
            row(1, 0, Part::Train),
            row(2, 0, Part::Val),
            row(3, 0, Part::Test),
            row(2, 1, Part::Val),
            row(1, 1, Part::Test),
        ];
        let predicted = |test: i64| PredictionTable {
            run: "flip/seed=1".into(),
            labels: vec!["a".into()],
            image_ids: vec![2, test],
            parts: vec![Part::Val, Part::Test],
            logits: vec![0.5, -0.5],
        };
        assert!(check_images(&predicted(3), &split, None).is_ok());
        assert!(check_images(&predicted(1), &split, Some(1)).is_ok());
        // As many images, and perhaps the same truth: other images all the same.
        let error = check_images(&predicted(1), &split, Some(0)).unwrap_err().to_string();
        assert!(error.contains("`flip/seed=1` are of 1 images of the test part"), "{error}");
    }
}
