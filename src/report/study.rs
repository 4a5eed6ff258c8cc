//! What the report is made of: plain data, already computed.
//!
//! Scores are fractions from 0 to 1 here; the page shows them times 100. Where a value is not defined it
//! is NaN (`null` once serialized). Names (labels, variants, files) are foreign text and may hold anything.

use std::collections::BTreeMap;

use serde::Serialize;

use super::answers::Answers;
use super::attention::Attention;
use super::augmented::Augmented;
use super::data::{Data, PartCounts};
use super::mistakes::Mistakes;
use super::references::References;
use super::test_part::TestPart;
use crate::job::TrainSummary;
use crate::metrics;
use crate::tables::rows::{EffectRow, HistoryRow, MetricRow, Part};

/// Everything that the report shows of one study.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Study {
    /// The experiment's name.
    pub name: String,
    /// What the study wants to know.
    pub question: String,
    /// When the page was written, as text: `2026-11-24 10:15 UTC`.
    pub generated_at: String,
    /// The aggregate metric that decides, for instance `map_macro`.
    pub headline: Metric,
    /// The metric of a single label, for instance `ap`.
    pub label_metric: Metric,
    /// Further aggregate metrics to show beside the headline, in this order.
    pub other_metrics: Vec<Metric>,
    /// Half-width of the region of practical equivalence, as a fraction (0.005 is half a point).
    pub equivalence: f64,
    /// Folds of the cross-validation; 0 where there is none.
    pub folds: u32,
    /// Label names in spec order; each list "per label" below has this length and order.
    pub labels: Vec<String>,
    /// What the models were trained and tested on.
    pub data: Data,
    /// What the ops do to pictures; `None` where there are no ops.
    pub augmented: Option<Augmented>,
    /// Where the models look; `None` where no maps were asked for.
    pub attention: Option<Attention>,
    /// The arm that effects are measured against: each variant of this arm is a baseline.
    pub baseline: String,
    /// Variants in the order of the spec, baselines among them.
    pub variants: Vec<Variant>,
    /// What was varied step by step: levels of ops, axes of the matrix.
    pub axes: Vec<Axis>,
    /// One for each variant, seed and fold that the study asks for, also those that failed or never ran.
    pub runs: Vec<Run>,
    /// What stands beside the models: one set for all variants that share their data and the rule of their thresholds, that
    /// of the first variant first.
    pub references: Vec<References>,
    /// The test parts that variants are compared on, with what each can show, that of the first variant first. Variants of
    /// different ones are never compared.
    pub test_parts: Vec<TestPart>,
    /// Variants against their baselines, for the aggregates and for each label.
    pub effects: Vec<Effect>,
    /// What ops, pairs of ops, levels and axes do, each over several variants; for the aggregates and for each label.
    pub contrasts: Vec<Contrast>,
    /// Curves of the answers of some variants, in the order of [`super::by_interest`].
    pub answers: Vec<Answers>,
    /// Where they are sure and wrong.
    pub mistakes: Mistakes,
    /// How intervals and p-values were made, in a sentence or two.
    pub effects_method: String,
    /// Further guardrail findings, each a sentence; shown at the top.
    pub warnings: Vec<String>,
    /// Where the results come from.
    pub provenance: Provenance,
}

impl Study {
    /// Images with a label that a seed is tested on: those of the test part, with folds all, since each is tested on in one of
    /// them. `None` where the counts are not known.
    pub fn tested_positives(&self, label_idx: usize) -> Option<u64> {
        let is_tested = |part: &&PartCounts| self.folds > 0 || part.part == Part::Test;
        let counts = self
            .data
            .parts
            .iter()
            .filter(is_tested)
            .map(|part| part.counts.positives.get(label_idx).copied());
        counts.reduce(|sum, n| Some(sum? + n?)).flatten()
    }
}

/// A metric as people read it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Metric {
    /// The name in the tables: `map_macro`.
    pub metric: String,
    /// The name on the page: `mAP`.
    pub name: String,
    /// What it measures, in a short sentence.
    pub meaning: String,
    /// Whether a larger value is better.
    pub higher_is_better: bool,
    /// Whether values are shares (0 to 1), shown times 100, or plain numbers such as a loss.
    pub unit: Unit,
}

/// How values of a metric are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A share from 0 to 1, shown times 100; differences are points.
    Share,
    /// A number without a fixed range, shown as it is.
    Plain,
}

/// One point of grid x matrix.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Variant {
    /// `flip/lr=0.0001`
    pub name: String,
    /// The grid's part: `flip`.
    pub arm: String,
    /// The matrix's part, values as text.
    pub point: BTreeMap<String, String>,
    /// What is done to a picture, in words; empty: nothing.
    pub ops: String,
}

/// Something that was varied step by step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Axis {
    /// `noise.std`, or `lr`.
    pub name: String,
    /// Where it stands in the spec.
    pub of: AxisOf,
    /// In the order in which they are drawn: numbers ascending, else as in the spec.
    pub values: Vec<AxisValue>,
}

/// Where an axis stands in the spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AxisOf {
    /// Levels of a parameter of an op.
    Op,
    /// `[matrix]`.
    Matrix,
}

/// One step of an axis.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AxisValue {
    /// As names show it.
    pub text: String,
    /// Where it is a number.
    pub number: Option<f64>,
    /// The variants that have it, by name.
    pub variants: Vec<String>,
}

/// A variant with one seed, and with one fold where there are any.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Run {
    /// `flip/lr=0.0001/seed=2`, with folds `flip/lr=0.0001/seed=2/fold=0`
    pub name: String,
    /// Its variant's name.
    pub variant: String,
    /// Its seed.
    pub seed: u64,
    /// Its fold, where there are any.
    pub fold: Option<u32>,
    /// How it ended.
    pub state: RunState,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// It has results.
    Done(Box<RunResult>),
    /// It was tried and gave none.
    Failed {
        /// What went wrong.
        message: String,
    },
    /// The study is under way, and the run has not ended.
    ToCome,
    /// It was not tried.
    Missing {
        /// Why.
        message: String,
    },
}

/// What a finished run gave.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunResult {
    /// How the training ended.
    pub summary: TrainSummary,
    /// Guardrail findings, each a sentence: `constant output for 3 of 6 labels`.
    pub flags: Vec<String>,
    /// What is worth knowing but makes no result worthless: `was still improving when it ended`.
    pub cautions: Vec<String>,
    /// Its epochs.
    pub history: Vec<HistoryRow>,
    /// Scores on the test part, aggregate and per label.
    pub scores: Vec<Score>,
    /// The threshold of each label, 0 to 1, chosen on the validation part.
    pub thresholds: Vec<f64>,
    /// Right and wrong answers on the test part for each label, at these thresholds.
    pub counts: Vec<metrics::Counts>,
}

/// One number of a metric.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Score {
    /// `None`: the aggregate over labels.
    pub label: Option<String>,
    /// The metric's name in the tables.
    pub metric: String,
    /// NaN where it is not defined.
    pub value: f64,
}

impl From<MetricRow> for Score {
    fn from(row: MetricRow) -> Self {
        Score { label: row.label, metric: row.metric, value: row.value }
    }
}

/// Variant minus baseline, paired by seed, with what the table `effects` leaves out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Effect {
    /// The row of the table.
    pub row: EffectRow,
    /// The difference of each seed that has both.
    pub by_seed: Vec<SeedDelta>,
    /// Two-sided p-value before adjustment.
    pub p: f64,
    /// The same without any distribution: by flipping the signs of seeds.
    pub p_sign_flip: f64,
    /// How sure the data make one that the variant is better, 0 to 1.
    pub improvement: f64,
    /// Why there is not enough evidence, in a phrase without a final stop; `None` where there is a verdict,
    /// or where `seeds_needed` says it.
    pub reason: Option<String>,
    /// Seeds that would be needed for a verdict; `None` where there is one, or where it cannot be told.
    pub seeds_needed: Option<u32>,
}

/// What an op, a pair of ops, a level or a value of an axis does.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Contrast {
    /// `main_effect`, `interaction`, `trend`, `axis` or `axis_interaction`.
    pub kind: String,
    /// What cannot be told apart from it.
    pub aliases: Vec<String>,
    /// What is measured stands in place of the variant, what it is measured against in place of the baseline.
    pub effect: Effect,
}

/// The difference of one seed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SeedDelta {
    /// The seed.
    pub seed: u64,
    /// Variant minus baseline.
    pub delta: f64,
}

/// Where the results come from.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Provenance {
    /// The resolved spec as TOML.
    pub spec: String,
    /// The command that makes the study again.
    pub command: String,
    /// Programs and libraries with their versions.
    pub versions: Vec<(String, String)>,
    /// The seeds of the study.
    pub seeds: Vec<u64>,
    /// Stages with their fingerprints and what became of them.
    pub stages: Vec<StageRecord>,
    /// Machines that computed results, with device and threads where known.
    pub hosts: Vec<String>,
}

/// One stage of the study.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StageRecord {
    /// The stage, as in `train(flip/seed=2)`.
    pub stage: String,
    /// Its key in hex.
    pub fingerprint: String,
    /// How long it took to make the result, in seconds.
    pub seconds: f64,
    /// When that ended, as text: `2026-11-24 10:15 UTC`; empty where it is not known.
    pub finished_at: String,
    /// What a worker computed on (`cpu`, `cuda(0)`); `None` for stages without a worker.
    pub device: Option<String>,
    /// Its threads, where that is known.
    pub threads: Option<u32>,
}

impl StageRecord {
    /// The stage without its run: `train`.
    pub fn kind(&self) -> &str {
        self.stage.split('(').next().unwrap_or(&self.stage)
    }
}
