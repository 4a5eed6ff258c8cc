//! A run that is trained and evaluated, for those who use it: what its answers mean, what it learned from, how good it was
//! on validation.

use std::collections::{HashMap, HashSet};

use super::error::StageError;
use super::evaluate::{EvaluationRecord, PartScores};
use super::work::{Results, read_json};
use crate::cache::{Entry, Store};
use crate::job::input;
use crate::metrics;
use crate::plan::{Plan, Run, output};
use crate::tables;
use crate::tables::rows::{LabelTable, Part, PixelRow, PredictionTable, SplitRow};

/// A run with its results.
#[derive(Clone, Copy, Debug)]
pub struct Trained<'a> {
    /// Results of the plan; those that the run's own stages read are among them.
    pub results: Results<'a>,
    /// The run.
    pub run: &'a Run,
}

impl<'a> Trained<'a> {
    /// The run, where it has all results that its use needs: it is trained, and its thresholds are tuned.
    pub fn of(
        plan: &'a Plan,
        entries: &'a HashMap<usize, Entry>,
        store: &'a Store,
        run: &'a Run,
    ) -> Option<Self> {
        let is_there = [run.train, run.predict, run.evaluate].iter().all(|node| entries.contains_key(node));
        is_there.then_some(Trained { results: Results { plan, entries, store }, run })
    }

    /// Thresholds, calibration and flags; the labels are those of its details.
    ///
    /// # Errors
    /// Where it is damaged.
    pub fn evaluation(&self) -> Result<EvaluationRecord, StageError> {
        read_json(&self.results.output_of(self.run.evaluate, output::EVALUATION)?)
    }

    /// The study's headline metric on the validation part, where thresholds are tuned too; `None` where it is not defined there.
    ///
    /// # Errors
    /// Where a result is damaged.
    pub fn validation_score(&self) -> Result<Option<f64>, StageError> {
        let Trained { results, run } = self;
        let predictions: PredictionTable =
            tables::read(&results.output_of(run.predict, output::PREDICTIONS)?)?;
        let labels: LabelTable = results.label_table(run)?;
        let val = PartScores::of(&predictions, &labels, Part::Val)?;
        let val = val.scored()?;
        let experiment = &results.plan.nodes[run.evaluate].variant.experiment;
        let evaluation = metrics::evaluate(val, val, &labels.labels, &experiment.evaluate);
        Ok(evaluation.aggregate(results.plan.experiment.report.metric.as_str()))
    }

    /// The digests (blake3 in hex) of the image files that the run was trained on.
    ///
    /// # Errors
    /// Where a result is damaged.
    pub fn trained_on(&self) -> Result<HashSet<String>, StageError> {
        let Trained { results, run } = self;
        let table = |name: &str, output: &str| results.output_of(results.input_node(run.train, name), output);
        let split: Vec<SplitRow> = tables::read(&table(input::SPLIT, output::SPLIT)?)?;
        let files: Vec<PixelRow> = tables::read(&table(input::PIXEL_ROWS, output::PIXEL_ROWS)?)?;
        let fold = run.fold.unwrap_or(0);
        let train = split.iter().filter(|row| row.fold == fold && row.part == Part::Train);
        let train: HashSet<i64> = train.map(|row| row.image_id).collect();
        let of_train = files.into_iter().filter(|row| train.contains(&row.image_id));
        Ok(of_train.map(|row| row.digest).collect())
    }
}
