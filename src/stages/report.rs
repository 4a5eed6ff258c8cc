//! `report`: the results of all runs to effects, and to the page.

use std::collections::HashMap;

use rayon::prelude::*;

use super::comparison::{Asked, RunReader, RunResults, compare};
use super::error::StageError;
use super::foresight::test_parts;
use super::report_answers::answers;
use super::report_attention::attention;
use super::report_augmented::augmented;
use super::report_contrasts::varied;
use super::report_data::{Shared, data};
use super::report_mistakes::mistakes;
use super::report_origin::origin;
use super::report_papers::papers;
use super::report_references::Beside;
use super::work::{StageWork, read_json, write_table};
use crate::cache::Attempt;
use crate::clock;
use crate::effects::{self, Comparison, Incomplete, Kind, Measure};
use crate::metrics::{Flag, catalogue};
use crate::plan::{Run, output};
use crate::report::{
    self, Contrast, Effect, Metric, Mistakes, RunResult, RunState, Score, SeedDelta, Study, Unit, Variant,
};
use crate::spec::settings::Experiment;
use crate::tables;
use crate::tables::rows::{ContrastRow, EffectRow, HistoryRow, MetricRow};

/// Compares the runs and makes the page. Returns the names of the study's figures.
///
/// # Errors
/// Where results do not fit together.
pub fn report(work: &StageWork, out: &Attempt) -> Result<Vec<String>, StageError> {
    let mut scored = Vec::new();
    let mut states = HashMap::new();
    let beside = Beside::load(&work.results())?;
    let reader = RunReader::new(work.results(), &beside)?;
    let loaded: Vec<_> = work.plan.runs.par_iter().map(|run| load(work, run, &reader)).collect();
    for (run, loaded) in work.plan.runs.iter().zip(loaded) {
        if let Some((scores, result)) = loaded? {
            states.insert(run.name.clone(), RunState::Done(Box::new(result)));
            scored.push(scores);
        }
    }
    let experiment = &work.plan.experiment;
    let mut comparison = compare(&work.results(), &scored, Asked::All)?;
    let of_attention = compare(&work.results(), &scored, Asked::Attention)?.effects;
    comparison.effects.extend(of_attention);
    let (of_variants, of_contrasts): (Vec<_>, Vec<_>) =
        comparison.effects.iter().partition(|effect| effect.kind == Kind::Variant);
    let effect_rows: Vec<EffectRow> = of_variants.iter().map(|effect| effect.row()).collect();
    write_table(out, output::EFFECTS, &effect_rows, "report")?;
    let contrast_rows: Vec<ContrastRow> = of_contrasts.iter().map(|effect| effect.contrast_row()).collect();
    write_table(out, output::CONTRASTS, &contrast_rows, "report")?;

    let shared = Shared::load(work)?;
    let (headline, label_metric) = headlines(experiment);
    let mut study = Study {
        name: experiment.name.clone(),
        question: experiment.question.clone(),
        generated_at: clock::readable(clock::unix_ms()),
        headline: metric(headline),
        label_metric: metric(label_metric),
        other_metrics: others(headline).map(metric).collect(),
        equivalence: experiment.report.equivalence,
        folds: experiment.split.folds,
        labels: shared.labels.labels.clone(),
        data: data(work, &shared)?,
        augmented: augmented(work, &shared)?,
        attention: attention(work, &shared, &of_variants)?,
        baseline: experiment.report.baseline.clone(),
        variants: variants(work),
        axes: varied(&work.plan),
        runs: runs(work, &mut states),
        references: beside.shown(&work.plan),
        test_parts: test_parts(&work.plan, |node, output| work.output_of(node, output))?,
        effects: of_variants.iter().filter(|e| fits(e, headline, label_metric)).map(|e| effect(e)).collect(),
        contrasts: of_contrasts
            .iter()
            .filter(|e| fits(e, headline, label_metric))
            .map(|e| contrast(e))
            .collect(),
        answers: Vec::new(),
        mistakes: Mistakes { bytes: 0, left_out: 0, of: Vec::new() },
        effects_method: method(experiment),
        warnings: warnings(&comparison),
        provenance: origin(work),
    };
    let order = report::by_interest(&study);
    study.answers = answers(work, &order, &scored, study.labels.len())?;
    study.mistakes = mistakes(work, &shared, &report::best(&study), &scored)?;
    write_text(out, output::PAGE, &report::page(&study)?)?;
    write_text(out, output::MARKDOWN, &report::summary_md(&study))?;
    // Papers want what is done; their figures would also take longer than the page.
    if work.under_way {
        return Ok(Vec::new());
    }
    papers(&study, &effect_rows, &contrast_rows, out)
}

const METHOD: &str = "Differences are paired by seed: each run of a variant against the run of its baseline with the \
    same seed, initial weights and order of images, on the same test images. The 95 % interval joins the spread over seeds \
    (Student's t) and the part of the spread over 2,000 resamples of the test images that more seeds would not average \
    away; p-values are Holm-adjusted over the variants.";

const FOLDS: &str = "Differences are paired by seed and fold: each run of a variant against the run of its baseline with the same \
    seed, fold, initial weights and order of images, on the same test images, which each run ranks under its own thresholds. The 95 % \
    interval is that of Student's t over the folds, each the mean over its seeds, with the variance corrected for the training images \
    that folds share (Nadeau and Bengio 2003); p-values are Holm-adjusted over the variants. A fold without a positive of a label is \
    left out of that label's. A seed counts where variant and baseline have all its folds.";

/// How effects were measured, for the page.
fn method(experiment: &Experiment) -> String {
    let method = if experiment.split.folds == 0 { METHOD } else { FOLDS };
    let Some(adaptive) = experiment.adaptive else { return method.to_owned() };
    let looks: Vec<String> = adaptive.looks().iter().map(ToString::to_string).collect();
    format!(
        "{method} Variants that were not decided got more seeds, up to {}: the study was looked at after {} seeds. Intervals and \
         p-values allow for all of these looks (Pocock 1977).",
        adaptive.max,
        looks.join(", ")
    )
}

/// The metric that decides: over all labels, and of one.
fn headlines(experiment: &Experiment) -> (&'static str, &'static str) {
    [false, true].map(|of_label| Measure::Headline(experiment.report.metric).name(of_label)).into()
}

/// A run's scores, and what the page shows of it; `None` where it has no result.
fn load(
    work: &StageWork,
    run: &Run,
    reader: &RunReader,
) -> Result<Option<(RunResults, RunResult)>, StageError> {
    if !work.entries.contains_key(&run.train) {
        return Ok(None);
    }
    let Some((scored, metrics)) = reader.read(run)? else { return Ok(None) };
    let (headline, label_metric) = headlines(&work.plan.experiment);
    // Of many runs, all metrics of all labels would be most of what is in memory.
    let is_shown = |row: &MetricRow| match row.label {
        None => row.metric == headline || others(headline).any(|name| row.metric == name),
        Some(_) => row.metric == label_metric,
    };
    let history: Vec<HistoryRow> = tables::read(&work.output_of(run.train, output::HISTORY)?)?;
    let record = &scored.record;
    let (grave, light): (Vec<_>, Vec<_>) = record.flags.iter().partition(|flag| flag.spoils_comparison());
    let sentences = |flags: Vec<&Flag>| flags.into_iter().map(told).collect::<Vec<_>>();
    let mut cautions = sentences(light);
    cautions.extend(record.undefined.iter().map(|undefined| undefined.sentence()));
    let result = RunResult {
        summary: read_json(&work.output_of(run.train, output::SUMMARY)?)?,
        flags: sentences(grave),
        cautions,
        history,
        scores: metrics.into_iter().filter(is_shown).map(Score::from).collect(),
        thresholds: record.thresholds.values.clone(),
        counts: record.labels.iter().map(|label| label.counts).collect(),
    };
    Ok(Some((scored, result)))
}

/// What is wrong, and what can be done about it.
pub(super) fn told(flag: &Flag) -> String {
    format!("{}; {}", flag.sentence(), flag.advice())
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
            None if work.under_way => RunState::ToCome,
            None => RunState::Missing { message: "it has not been run".to_owned() },
        }),
    };
    work.plan.runs.iter().map(shown).collect()
}

fn fits(effect: &effects::Effect, headline: &str, label_metric: &str) -> bool {
    effect.metric == if effect.label.is_none() { headline } else { label_metric }
}

fn contrast(of: &effects::Effect) -> Contrast {
    Contrast { kind: of.kind.as_str().to_owned(), aliases: of.aliases.clone(), effect: effect(of) }
}

pub(super) fn effect(effect: &effects::Effect) -> Effect {
    Effect {
        row: effect.row(),
        by_seed: effect
            .seeds
            .iter()
            .zip(&effect.deltas)
            .map(|(&seed, &delta)| SeedDelta { seed, delta })
            .collect(),
        p: effect.p.unwrap_or(f64::NAN),
        p_sign_flip: effect.p_sign_flip,
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
    if !comparison.unpaired_contrasts.is_empty() {
        let names = listed(&comparison.unpaired_contrasts);
        warnings.push(format!("{names} cannot be measured: no seed has all the variants that it takes"));
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

/// A metric as people read it.
pub(super) fn metric(name: &'static str) -> Metric {
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

fn write_text(out: &Attempt, name: &str, text: &str) -> Result<(), StageError> {
    let path = out.path(name);
    std::fs::write(&path, text).map_err(|source| StageError::Write { path, source })
}
