//! What the template sees: the study's text, and rows whose numbers are already written out.

use std::collections::BTreeSet;

use serde::Serialize;

use super::answer::{self, Answer};
use super::charts::Payload;
use super::contrasts;
use super::cost::{self, Cost};
use super::format;
use super::guardrails::{self, Finding};
use super::looks::{self, Looks};
use super::mistakes;
use super::portrait::{self, Portrait};
use super::run_table::MARKUP_MAX;
use super::scores::{Scores, metrics};
use super::strips::{self, Strips};
use super::study::{Metric, Provenance, RunState, Study, Unit, Variant};
use super::tables::{self, DataRow, RunRow, ScoreRow, Stages};
use super::test_part;
use crate::tables::rows::Part;

/// Sentences at the top before the rest folds away.
const VERDICTS_MAX: usize = 12;

/// The page's content.
#[derive(Serialize)]
pub struct View<'a> {
    name: &'a str,
    question: &'a str,
    generated_at: &'a str,
    baseline: &'a str,
    headline: &'a Metric,
    label_metric: &'a Metric,
    metrics: Vec<&'a Metric>,
    /// Whether headline differences are points.
    in_points: bool,
    /// Half-width of the region of practical equivalence; `None`: there is none.
    equivalence: Option<String>,
    effects_method: &'a str,
    /// What the test part can show, with seeds without number.
    at_best: Option<String>,
    /// Whether tables must say on which test part scores are.
    several_test_parts: bool,
    counts: RunCounts,
    /// Whether tables must say which baseline an effect is against.
    several_baselines: bool,
    answer: Answer,
    verdicts_max: usize,
    findings: Vec<Finding>,
    effects: Vec<answer::Row>,
    other_effects: Vec<answer::Row>,
    /// What ops, pairs, levels and axes do.
    contrasts: Vec<contrasts::Section>,
    /// Whether something was varied step by step.
    has_responses: bool,
    /// How many effects on single labels there are, where there are any.
    label_effects: Option<String>,
    score_rows: Vec<ScoreRow>,
    /// Empty where a script makes them.
    run_rows: Vec<RunRow>,
    parts: Vec<Part>,
    data_rows: Vec<DataRow>,
    portrait: Portrait,
    /// Where there are ops.
    strips: Option<Strips>,
    /// Where there are maps.
    looks: Option<Looks>,
    /// Where there are any.
    mistakes: Option<mistakes::View>,
    cost: Cost,
    citation: String,
    /// What of the learning curves is left out, in sentences.
    curve_notes: &'a [String],
    provenance: &'a Provenance,
    stages: Stages,
}

/// The runs in numbers.
#[derive(Serialize)]
struct RunCounts {
    variants: String,
    seeds: String,
    /// Whether variants have different numbers of seeds.
    uneven: bool,
    /// Where there are any.
    folds: Option<String>,
    runs: String,
    done: usize,
    failed: usize,
    missing: usize,
    /// In a study that is under way.
    to_come: usize,
}

/// Gathers what the template shows.
pub fn view<'a>(study: &'a Study, scores: &Scores, payload: &'a Payload) -> View<'a> {
    let headline = &study.headline;
    let of_label =
        |e: &&super::study::Effect| e.row.label.is_some() && e.row.metric == study.label_metric.metric;
    let label_effects = study.effects.iter().filter(of_label).count() as u64;
    View {
        name: &study.name,
        question: &study.question,
        generated_at: &study.generated_at,
        baseline: &study.baseline,
        headline,
        label_metric: &study.label_metric,
        metrics: metrics(study),
        in_points: headline.unit == Unit::Share,
        equivalence: (study.equivalence > 0.0).then(|| format::score(headline.unit, study.equivalence)),
        effects_method: &study.effects_method,
        at_best: test_part::at_best_of(study),
        several_test_parts: study.test_parts.len() > 1,
        counts: counts(study),
        several_baselines: study.variants.iter().filter(|v| v.arm == study.baseline).count() > 1,
        answer: answer::answer(study),
        verdicts_max: VERDICTS_MAX,
        findings: guardrails::findings(study, scores),
        effects: answer::rows(study, headline),
        other_effects: study.other_metrics.iter().flat_map(|metric| answer::rows(study, metric)).collect(),
        contrasts: contrasts::sections(study),
        has_responses: payload.has_responses(),
        label_effects: (label_effects > 0).then(|| format::count(label_effects)),
        score_rows: tables::score_rows(study, scores),
        run_rows: if study.runs.len() > MARKUP_MAX { vec![] } else { tables::run_rows(study) },
        parts: study.data.parts.iter().map(|p| p.part).collect(),
        data_rows: tables::data_rows(study),
        portrait: portrait::portrait(study),
        strips: strips::strips(study),
        looks: looks::looks(study),
        mistakes: mistakes::view(study),
        cost: cost::cost(study),
        citation: citation(study),
        curve_notes: &payload.curves().notes,
        provenance: &study.provenance,
        stages: tables::stages(study),
    }
}

/// The program as BibTeX.
fn citation(study: &Study) -> String {
    let version = study.provenance.versions.iter().find(|(name, _)| name == "ablatrix");
    let version = version.map(|(_, version)| version.as_str()).unwrap_or_default();
    let year = study.generated_at.get(..4).unwrap_or_default();
    format!(
        "@software{{ablatrix,\n  title = {{Ablatrix: ablations that can be believed}},\n  author = {{{{The Ablatrix developers}}}},\n  \
         version = {{{version}}},\n  year = {{{year}}}\n}}"
    )
}

fn counts(study: &Study) -> RunCounts {
    let count = |of: fn(&RunState) -> bool| study.runs.iter().filter(|r| of(&r.state)).count();
    let seeds_of = |variant: &Variant| {
        let runs = study.runs.iter().filter(|run| run.variant == variant.name);
        runs.map(|run| run.seed).collect::<BTreeSet<_>>().len()
    };
    let seeds: Vec<usize> = study.variants.iter().map(seeds_of).collect();
    let (least, most) = (seeds.iter().min().copied(), seeds.iter().max().copied());
    let (least, most) = (least.unwrap_or_default(), most.unwrap_or_default());
    RunCounts {
        variants: format::counted(study.variants.len(), "variant"),
        seeds: match least == most {
            true => format::counted(most, "seed"),
            false => format!("{least} to {most} seeds"),
        },
        uneven: least != most,
        folds: (study.folds > 0).then(|| format::counted(study.folds as usize, "fold")),
        runs: format::counted(study.runs.len(), "run"),
        done: count(|s| matches!(s, RunState::Done(_))),
        failed: count(|s| matches!(s, RunState::Failed { .. })),
        missing: count(|s| matches!(s, RunState::Missing { .. })),
        to_come: count(|s| matches!(s, RunState::ToCome)),
    }
}
