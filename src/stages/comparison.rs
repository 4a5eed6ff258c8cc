//! Runs with their scores to effects: those that share test images and labels are compared, others never.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Deserialize;

use super::attention_values::AttentionValues;
use super::error::StageError;
use super::evaluate::PartScores;
use super::report_contrasts::{contrasts, pairs};
use super::report_data::part_targets;
use super::report_references::Beside;
use super::work::{Results, read_json};
use crate::effects::{self, Comparison, Fold, Looks, Measure, RunScores};
use crate::job::input;
use crate::metrics::{Calibration, Counts, Flag, Thresholds, Undefined};
use crate::plan::{Run, output};
use crate::seed::Key;
use crate::spec::settings::HeadlineMetric;
use crate::tables;
use crate::tables::rows::{LabelTable, MetricRow, Part, PredictionTable, SplitRow};

/// Seed of the bootstrap: the same results give the same intervals.
const BOOTSTRAP_SEED: u64 = 0;

/// What a finished run is compared by.
pub(super) struct RunResults {
    pub run: Run,
    /// The images of its test part, in the order of its scores.
    pub test_ids: Vec<i64>,
    pub test: PartScores,
    pub record: RunRecord,
}

/// What runs are compared by of the record of an evaluation. Most of that is the data of diagrams, of which few runs are shown.
#[derive(Debug, Deserialize)]
pub(super) struct RunRecord {
    pub calibration: Calibration,
    pub thresholds: Thresholds,
    pub flags: Vec<Flag>,
    pub undefined: Vec<Undefined>,
    pub labels: Vec<LabelCounts>,
}

/// Right and wrong answers for one label, on test.
#[derive(Debug, Deserialize)]
pub(super) struct LabelCounts {
    pub counts: Counts,
}

/// Reads the results of runs, and once what they share.
pub(super) struct RunReader<'a> {
    results: Results<'a>,
    beside: &'a Beside,
    /// By the node that made them.
    labels: HashMap<usize, LabelTable>,
}

impl<'a> RunReader<'a> {
    /// For the runs of the plan.
    ///
    /// # Errors
    /// Where labels are damaged.
    pub(super) fn new(results: Results<'a>, beside: &'a Beside) -> Result<Self, StageError> {
        let mut labels = HashMap::new();
        for run in &results.plan.runs {
            let node = results.input_node(run.train, input::LABELS);
            if results.entries.contains_key(&node) && !labels.contains_key(&node) {
                labels.insert(node, results.label_table(run)?);
            }
        }
        Ok(RunReader { results, beside, labels })
    }

    /// With what is wrong with the run, also beside the references; and its metrics. `None` where the run has no scores.
    ///
    /// # Errors
    /// Where a result is damaged, or an image has no labels.
    pub(super) fn read(&self, run: &Run) -> Result<Option<(RunResults, Vec<MetricRow>)>, StageError> {
        let RunReader { results, beside, labels } = self;
        if ![run.predict, run.evaluate].iter().all(|node| results.entries.contains_key(node)) {
            return Ok(None);
        }
        let mut record: RunRecord = read_json(&results.output_of(run.evaluate, output::EVALUATION)?)?;
        let scores: Vec<MetricRow> = tables::read(&results.output_of(run.evaluate, output::METRICS)?)?;
        let headline = Measure::Headline(results.plan.experiment.report.metric).name(false);
        record.flags.extend(beside.flag(run, &scores, headline));
        let predictions: PredictionTable =
            tables::read(&results.output_of(run.predict, output::PREDICTIONS)?)?;
        let node = results.input_node(run.train, input::LABELS);
        let labels =
            labels.get(&node).unwrap_or_else(|| panic!("bug: `{}` was trained without labels", run.name));
        let test = PartScores::of(&predictions, labels, Part::Test)?;
        let rows = predictions.image_ids.iter().zip(&predictions.parts);
        let test_ids = rows.filter(|(_, part)| **part == Part::Test).map(|(&id, _)| id).collect();
        Ok(Some((RunResults { run: run.clone(), test_ids, test, record }, scores)))
    }
}

/// The nodes that say what a run is tested on: its split, and its labels.
type TestedOn = (usize, usize);

fn tested_on(results: &Results, run: &Run) -> TestedOn {
    (results.input_node(run.train, input::SPLIT), results.input_node(run.train, input::LABELS))
}

/// How much is asked of the runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// Variants against their baselines on the metric that decides.
    Headline,
    /// All that the study asks, on both metrics.
    All,
    /// Likewise of where the models look, among the runs that have maps.
    Attention,
}

/// All effects, group by group of runs that share test images and labels.
///
/// # Errors
/// Where results do not fit together.
pub(super) fn compare(
    results: &Results,
    runs: &[RunResults],
    asked: Asked,
) -> Result<Comparison, StageError> {
    let mut groups: BTreeMap<TestedOn, Vec<&RunResults>> = BTreeMap::new();
    let has_what_is_asked = |of_run: &&RunResults| {
        let has_maps = of_run.run.explain.is_some_and(|node| results.entries.contains_key(&node));
        asked != Asked::Attention || has_maps
    };
    for of_run in runs.iter().filter(has_what_is_asked) {
        groups.entry(tested_on(results, &of_run.run)).or_default().push(of_run);
    }
    let mut comparison = Comparison::default();
    for (&group, runs) in &groups {
        let more = compare_group(results, group, runs, asked)?;
        comparison.effects.extend(more.effects);
        comparison.undefined_labels.extend(more.undefined_labels);
        comparison.unpaired_variants.extend(more.unpaired_variants);
        comparison.unpaired_contrasts.extend(more.unpaired_contrasts);
        comparison.incomplete.extend(more.incomplete);
    }
    Ok(comparison)
}

/// The effects among runs that share their test images and labels.
fn compare_group(
    results: &Results,
    group: TestedOn,
    runs: &[&RunResults],
    asked: Asked,
) -> Result<Comparison, StageError> {
    let Some(first) = runs.first() else {
        return Ok(Comparison::default());
    };
    let plan = results.plan;
    let of_group = plan.runs.iter().filter(|run| tested_on(results, run) == group);
    let variants: BTreeSet<usize> = of_group.map(|run| run.variant).collect();
    let done: BTreeSet<usize> = runs.iter().map(|of_run| of_run.run.variant).collect();
    let (variants, done): (Vec<usize>, Vec<usize>) =
        (variants.into_iter().collect(), done.into_iter().collect());
    let contrasts = match asked {
        Asked::Headline => pairs(plan, &done),
        Asked::All | Asked::Attention => contrasts(plan, &variants, &done),
    };
    if contrasts.is_empty() {
        return Ok(Comparison::default());
    }
    let labels = results.label_table(&first.run)?;
    let truths = truths(results, &labels, runs)?;
    let folds: Vec<Fold> =
        truths.iter().map(|(targets, n_train)| Fold { targets, n_train: *n_train }).collect();
    let scores: Vec<RunScores<'_>> = runs
        .iter()
        .map(|of_run| RunScores {
            variant: &plan.variants[of_run.run.variant].name,
            seed: of_run.run.seed,
            fold: of_run.run.fold.unwrap_or(0) as usize,
            logits: &of_run.test.logits,
            calibration: &of_run.record.calibration,
            thresholds: &of_run.record.thresholds.values,
            flags: &of_run.record.flags,
        })
        .collect();
    let (headline, other) = match plan.experiment.report.metric {
        HeadlineMetric::MapMacro => (HeadlineMetric::MapMacro, HeadlineMetric::F1Macro),
        HeadlineMetric::F1Macro => (HeadlineMetric::F1Macro, HeadlineMetric::MapMacro),
    };
    let attention = match asked {
        Asked::Attention => Some(AttentionValues::load(results, runs, &labels.labels)?),
        Asked::Headline | Asked::All => None,
    };
    let measures: Vec<Measure> = match (&attention, asked) {
        (Some(values), _) => values.measures(),
        (None, Asked::Headline) => vec![Measure::Headline(headline)],
        (None, _) => [headline, other].map(Measure::Headline).to_vec(),
    };
    let looks = plan.experiment.adaptive.map_or_else(Looks::once, |seeds| Looks::at(&seeds.looks()));
    Ok(effects::compare(&effects::Study {
        labels: &labels.labels,
        folds: &folds,
        runs: &scores,
        contrasts: &contrasts,
        measures: &measures,
        equivalence: plan.experiment.report.equivalence,
        n_resamples: effects::RESAMPLES,
        looks: &looks,
        key: Key::root(BOOTSTRAP_SEED).child("effects"),
    })?)
}

/// Of each fold the truth of its test part, and its training images; of runs that share their split.
fn truths(
    results: &Results,
    labels: &LabelTable,
    runs: &[&RunResults],
) -> Result<Vec<(Vec<bool>, usize)>, StageError> {
    let Some(first) = runs.first() else { return Ok(Vec::new()) };
    let node = results.input_node(first.run.train, input::SPLIT);
    let split: Vec<SplitRow> = tables::read(&results.output_of(node, output::SPLIT)?)?;
    let of_fold = |fold: u32| {
        let rows: Vec<SplitRow> = split.iter().filter(|row| row.fold == fold).cloned().collect();
        let n_train = rows.iter().filter(|row| row.part == Part::Train).count();
        (part_targets(labels, &rows, Part::Test), n_train)
    };
    let truths: Vec<(Vec<bool>, usize)> =
        (0..results.plan.experiment.split.folds.max(1)).map(of_fold).collect();
    for of_run in runs {
        let expected = truths.get(of_run.run.fold.unwrap_or(0) as usize).map(|(targets, _)| targets);
        if expected != Some(&of_run.test.targets) {
            let what =
                format!("the predictions of `{}` are not of the test images of its split", of_run.run.name);
            return Err(StageError::Inconsistent { what });
        }
    }
    Ok(truths)
}
