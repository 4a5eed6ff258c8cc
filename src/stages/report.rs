//! `report`: the results of all runs to effects, and to the page.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, UNIX_EPOCH};

use super::error::StageError;
use super::evaluate::{EvaluationRecord, PartScores};
use super::foresight::test_parts;
use super::report_augmented::augmented;
use super::report_data::{Shared, data, part_targets};
use super::report_references::Beside;
use super::work::{StageWork, read_json, write_table};
use crate::cache::Attempt;
use crate::clock;
use crate::effects::{self, Comparison, Incomplete, Pair, RunScores};
use crate::job::LIBTORCH;
use crate::metrics::{Flag, catalogue};
use crate::plan::{Run, output};
use crate::report::{
    self, Effect, Metric, Provenance as Origin, RunResult, RunState, Score, SeedDelta, StageRecord, Study,
    Unit, Variant,
};
use crate::seed::Key;
use crate::spec::settings::HeadlineMetric;
use crate::tables::rows::{EffectRow, HistoryRow, LabelTable, MetricRow, Part, PredictionTable, SplitRow};
use crate::tables::{self};

/// Seed of the bootstrap: the same results give the same intervals.
const BOOTSTRAP_SEED: u64 = 0;

/// Compares the runs and makes the page.
///
/// # Errors
/// Where results do not fit together.
pub fn report(work: &StageWork, out: &Attempt) -> Result<(), StageError> {
    let mut groups: BTreeMap<usize, Vec<Done>> = BTreeMap::new();
    let mut states = HashMap::new();
    let beside = Beside::load(work)?;
    for run in &work.plan.runs {
        if let Some(done) = Done::load(work, run, &beside)? {
            states.insert(run.name.clone(), RunState::Done(Box::new(done.result.clone())));
            groups.entry(split_node(work, run)).or_default().push(done);
        }
    }
    let experiment = &work.plan.experiment;
    let mut comparison = Comparison::default();
    for runs in groups.values() {
        let more = compare(work, runs)?;
        comparison.effects.extend(more.effects);
        comparison.undefined_labels.extend(more.undefined_labels);
        comparison.unpaired_variants.extend(more.unpaired_variants);
        comparison.incomplete.extend(more.incomplete);
    }
    let rows: Vec<EffectRow> = comparison.effects.iter().map(effects::Effect::row).collect();
    write_table(out, output::EFFECTS, &rows, "report")?;

    let shared = Shared::load(work)?;
    let (headline, label_metric) =
        [false, true].map(|of_label| effects::metric_name(experiment.report.metric, of_label)).into();
    let study = Study {
        name: experiment.name.clone(),
        question: experiment.question.clone(),
        generated_at: now(),
        headline: metric(headline),
        label_metric: metric(label_metric),
        other_metrics: others(headline).map(metric).collect(),
        equivalence: experiment.report.equivalence,
        folds: experiment.split.folds,
        labels: shared.labels.labels.clone(),
        data: data(work, &shared)?,
        augmented: augmented(work, &shared)?,
        baseline: experiment.report.baseline.clone(),
        variants: variants(work),
        runs: runs(work, &mut states),
        references: beside.shown(work),
        test_parts: test_parts(&work.plan, |node, output| work.output_of(node, output))?,
        effects: comparison.effects.iter().filter(|e| fits(e, headline, label_metric)).map(effect).collect(),
        effects_method: method(experiment.split.folds),
        warnings: warnings(&comparison),
        provenance: origin(work),
    };
    write_text(out, output::PAGE, &report::page(&study)?)?;
    write_text(out, output::MARKDOWN, &report::summary_md(&study))
}

const METHOD: &str = "Differences are paired by seed: each run of a variant against the run of its baseline with the \
    same seed, initial weights and order of images, on the same test images. The 95 % interval joins the spread over seeds \
    (Student's t) and the part of the spread over 2,000 resamples of the test images that more seeds would not average \
    away; p-values are Holm-adjusted over the variants.";

/// How effects were measured, for the page.
fn method(folds: u32) -> String {
    if folds == 0 {
        return METHOD.to_owned();
    }
    format!(
        "{METHOD} With {folds} folds each image is tested on once per seed. The value of a seed is the mean over its folds, \
         each of which ranks its own test images under its own thresholds; a fold without a positive of a label is left out of \
         that label's mean, and test images are resampled within their fold. Folds share training images, so the units that \
         intervals count are seeds, not folds. A seed counts where variant and baseline have all its folds."
    )
}

/// A run with its results.
struct Done {
    run: Run,
    test: PartScores,
    record: EvaluationRecord,
    result: RunResult,
}

impl Done {
    fn load(work: &StageWork, run: &Run, beside: &Beside) -> Result<Option<Self>, StageError> {
        let nodes = [run.train, run.predict, run.evaluate];
        if !nodes.iter().all(|node| work.entries.contains_key(node)) {
            return Ok(None);
        }
        let mut record: EvaluationRecord = read_json(&work.output_of(run.evaluate, output::EVALUATION)?)?;
        let scores: Vec<MetricRow> = tables::read(&work.output_of(run.evaluate, output::METRICS)?)?;
        let headline = effects::metric_name(work.plan.experiment.report.metric, false);
        record.flags.extend(beside.flag(run, &scores, headline));
        let history: Vec<HistoryRow> = tables::read(&work.output_of(run.train, output::HISTORY)?)?;
        let predictions: PredictionTable = tables::read(&work.output_of(run.predict, output::PREDICTIONS)?)?;
        let labels = label_table(work, run)?;
        let (grave, light): (Vec<_>, Vec<_>) = record.flags.iter().partition(|flag| flag.spoils_comparison());
        let sentences = |flags: Vec<&Flag>| flags.into_iter().map(told).collect::<Vec<_>>();
        let mut cautions = sentences(light);
        cautions.extend(record.undefined.iter().map(|undefined| undefined.sentence()));
        let result = RunResult {
            summary: read_json(&work.output_of(run.train, output::SUMMARY)?)?,
            flags: sentences(grave),
            cautions,
            history,
            scores: scores.iter().map(Score::from).collect(),
            thresholds: record.thresholds.values.clone(),
        };
        let test = PartScores::of(&predictions, &labels, Part::Test)?;
        Ok(Some(Done { run: run.clone(), test, record, result }))
    }
}

/// What is wrong, and what can be done about it.
fn told(flag: &Flag) -> String {
    format!("{}; {}", flag.sentence(), flag.advice())
}

/// The node that a run's stage reads under `name`.
pub(super) fn input_node(work: &StageWork, node: usize, name: &str) -> usize {
    work.plan.input_of(node, name)
}

pub(super) fn split_node(work: &StageWork, run: &Run) -> usize {
    input_node(work, run.train, crate::job::input::SPLIT)
}

pub(super) fn label_table(work: &StageWork, run: &Run) -> Result<LabelTable, StageError> {
    let node = input_node(work, run.train, crate::job::input::LABELS);
    Ok(tables::read(&work.output_of(node, output::LABELS)?)?)
}

/// The effects among runs that share their test images.
fn compare(work: &StageWork, runs: &[Done]) -> Result<Comparison, StageError> {
    let Some(first) = runs.first() else {
        return Ok(Comparison::default());
    };
    let labels = label_table(work, &first.run)?;
    let truths = truths(work, &labels, runs)?;
    let scores: Vec<RunScores<'_>> = runs
        .iter()
        .map(|done| RunScores {
            variant: &work.plan.variants[done.run.variant].name,
            seed: done.run.seed,
            fold: done.run.fold.unwrap_or(0) as usize,
            logits: &done.test.logits,
            calibration: &done.record.calibration,
            thresholds: &done.record.thresholds.values,
            flags: &done.record.flags,
        })
        .collect();
    let pairs = pairs(work, runs);
    if pairs.is_empty() {
        return Ok(Comparison::default());
    }
    let experiment = &work.plan.experiment;
    let metrics = match experiment.report.metric {
        HeadlineMetric::MapMacro => [HeadlineMetric::MapMacro, HeadlineMetric::F1Macro],
        HeadlineMetric::F1Macro => [HeadlineMetric::F1Macro, HeadlineMetric::MapMacro],
    };
    Ok(effects::compare(&effects::Study {
        labels: &labels.labels,
        folds: &truths.iter().map(Vec::as_slice).collect::<Vec<_>>(),
        runs: &scores,
        pairs: &pairs,
        metrics: &metrics,
        equivalence: experiment.report.equivalence,
        n_resamples: effects::RESAMPLES,
        key: Key::root(BOOTSTRAP_SEED).child("effects"),
    })?)
}

/// The truth of the test part of each fold, of runs that share their split.
fn truths(work: &StageWork, labels: &LabelTable, runs: &[Done]) -> Result<Vec<Vec<bool>>, StageError> {
    let Some(first) = runs.first() else { return Ok(Vec::new()) };
    let split: Vec<SplitRow> = tables::read(&work.output_of(split_node(work, &first.run), output::SPLIT)?)?;
    let of_fold = |fold: u32| {
        let rows: Vec<SplitRow> = split.iter().filter(|row| row.fold == fold).cloned().collect();
        part_targets(labels, &rows, Part::Test)
    };
    let truths: Vec<Vec<bool>> = (0..work.plan.experiment.split.folds.max(1)).map(of_fold).collect();
    for done in runs {
        if truths.get(done.run.fold.unwrap_or(0) as usize) != Some(&done.test.targets) {
            let what =
                format!("the predictions of `{}` are not of the test images of its split", done.run.name);
            return Err(StageError::Inconsistent { what });
        }
    }
    Ok(truths)
}

/// Each variant against the baseline's arm at the same point of the matrix, where both have a run.
fn pairs<'a>(work: &'a StageWork, runs: &[Done]) -> Vec<Pair<'a>> {
    let has: BTreeSet<usize> = runs.iter().map(|done| done.run.variant).collect();
    let variants = &work.plan.variants;
    let baseline_arm = &work.plan.experiment.report.baseline;
    let mut pairs = Vec::new();
    for &idx in &has {
        let variant = &variants[idx];
        let baseline = has
            .iter()
            .find(|&&other| variants[other].arm == *baseline_arm && variants[other].point == variant.point);
        if let Some(&baseline) = baseline.filter(|_| variant.arm != *baseline_arm) {
            pairs.push(Pair { variant: &variant.name, baseline: &variants[baseline].name });
        }
    }
    pairs
}

fn variants(work: &StageWork) -> Vec<Variant> {
    let shown = |variant: &crate::spec::settings::Variant| Variant {
        name: variant.name.clone(),
        arm: variant.arm.clone(),
        point: variant.point.iter().map(|(key, value)| (key.clone(), value.to_string())).collect(),
        ops: crate::augment::describe(&variant.policy),
    };
    work.plan.variants.iter().map(|variant| shown(variant)).collect()
}

fn runs(work: &StageWork, states: &mut HashMap<String, RunState>) -> Vec<report::Run> {
    let why = |run: &Run| work.missing.iter().find(|missing| missing.run == run.name).map(|m| m.why.clone());
    let shown = |run: &Run| report::Run {
        name: run.name.clone(),
        variant: work.plan.variants[run.variant].name.clone(),
        seed: run.seed,
        fold: run.fold,
        state: states.remove(&run.name).unwrap_or_else(|| match why(run) {
            Some(message) => RunState::Failed { message },
            None => RunState::Missing { message: "it has not been run".to_owned() },
        }),
    };
    work.plan.runs.iter().map(shown).collect()
}

fn fits(effect: &effects::Effect, headline: &str, label_metric: &str) -> bool {
    effect.metric == if effect.label.is_none() { headline } else { label_metric }
}

fn effect(effect: &effects::Effect) -> Effect {
    Effect {
        row: effect.row(),
        by_seed: effect
            .seeds
            .iter()
            .zip(&effect.deltas)
            .map(|(&seed, &delta)| SeedDelta { seed, delta })
            .collect(),
        p: effect.p.unwrap_or(f64::NAN),
        improvement: effect.probability_of_improvement.unwrap_or(f64::NAN),
        reason: match &effect.verdict {
            effects::Verdict::NotEnoughEvidence { reason } => Some(reason.sentence()),
            _ => None,
        },
        seeds_needed: effect.verdict.seeds_needed(),
    }
}

fn warnings(comparison: &Comparison) -> Vec<String> {
    let mut warnings = Vec::new();
    let listed =
        |names: &[String]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if !comparison.undefined_labels.is_empty() {
        let names = listed(&comparison.undefined_labels);
        warnings.push(format!("No test image has {names}: left out of averages, and without effects"));
    }
    if !comparison.unpaired_variants.is_empty() {
        let names = listed(&comparison.unpaired_variants);
        warnings
            .push(format!("{names} share no seed with their baseline, so that nothing can be said of them"));
    }
    if !comparison.incomplete.is_empty() {
        let lacking = |one: &Incomplete| {
            format!("{}, seed {} ({} of {} folds)", one.variant, one.seed, one.n_folds, one.of)
        };
        let names = listed(&comparison.incomplete.iter().map(lacking).collect::<Vec<_>>());
        warnings.push(format!("Left out, since runs of some folds are lacking: {names}"));
    }
    warnings
}

fn metric(name: &'static str) -> Metric {
    let known = catalogue::find(name).unwrap_or_else(|| panic!("bug: no metric `{name}`"));
    let shown = match name {
        catalogue::MAP_MACRO => "mAP",
        catalogue::AP => "AP",
        catalogue::F1_MACRO => "macro F1",
        catalogue::F1 => "F1",
        catalogue::AUROC_MACRO => "macro AUROC",
        catalogue::MAP_MICRO => "micro AP",
        catalogue::F1_MICRO => "micro F1",
        catalogue::SUBSET_ACCURACY => "subset accuracy",
        catalogue::HAMMING_LOSS => "Hamming loss",
        catalogue::LOG_LOSS => "log loss",
        other => other,
    };
    Metric {
        metric: name.to_owned(),
        name: shown.to_owned(),
        meaning: known.meaning.to_owned(),
        higher_is_better: known.higher_is_better.unwrap_or(true),
        unit: match known.unit {
            catalogue::Unit::Fraction => Unit::Share,
            _ => Unit::Plain,
        },
    }
}

fn others(headline: &'static str) -> impl Iterator<Item = &'static str> {
    [
        catalogue::MAP_MACRO,
        catalogue::F1_MACRO,
        catalogue::AUROC_MACRO,
        catalogue::MAP_MICRO,
        catalogue::SUBSET_ACCURACY,
        catalogue::HAMMING_LOSS,
        catalogue::LOG_LOSS,
    ]
    .into_iter()
    .filter(move |name| *name != headline)
}

fn origin(work: &StageWork) -> Origin {
    let mut stages = Vec::new();
    let mut hosts = BTreeSet::new();
    for (i, node) in work.plan.nodes.iter().enumerate() {
        if let Some(entry) = work.entries.get(&i) {
            let note = |name: &str| {
                entry.provenance.notes.get(name).map(|v| format!(", {name} {v}")).unwrap_or_default()
            };
            hosts.insert(format!("{}{}{}", entry.provenance.host, note("device"), note("threads")));
            let fingerprint = entry.key.to_string();
            let stage = match node.run.as_str() {
                "" => node.name.clone(),
                run => format!("{}({run})", node.stage.as_str()),
            };
            stages.push(StageRecord { stage, fingerprint });
        }
    }
    let experiment = &work.plan.experiment;
    Origin {
        spec: work.plan.spec.clone(),
        command: format!("ablatrix run {}.toml", experiment.name),
        versions: vec![
            ("ablatrix".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
            ("libtorch".to_owned(), LIBTORCH.to_owned()),
        ],
        seeds: experiment.seeds.clone(),
        stages,
        hosts: hosts.into_iter().collect(),
    }
}

fn now() -> String {
    let now = UNIX_EPOCH + Duration::from_millis(clock::unix_ms().unsigned_abs());
    let text = humantime::format_rfc3339_seconds(now).to_string();
    text.replace('T', " ").replace('Z', " UTC")
}

fn write_text(out: &Attempt, name: &str, text: &str) -> Result<(), StageError> {
    let path = out.path(name);
    std::fs::write(&path, text).map_err(|source| StageError::Write { path, source })
}
