//! The numbers behind the charts, as JSON for the page's scripts.
//!
//! Shares are already times 100 here, and label numbers are rounded to what is shown, so that a script
//! neither computes nor rounds.

use std::collections::HashMap;

use serde::Serialize;

use super::answers;
use super::contrasts;
use super::curves::{Curves, curves};
use super::format::{rounded, significant};
use super::histograms::{self, Bars, Scatter};
use super::references::{self, References};
use super::responses::{Response, responses};
use super::run_table::{RunTable, run_table};
use super::scores::{Scores, positions};
use super::study::{AxisOf, Effect, Metric, Study, Unit};
use super::verdict::{KNOWN, Verdict, code, verdict};
use super::{answer, format};
use crate::tables::rows::{EffectRow, Reference};

/// Everything that the scripts read.
#[derive(Debug, Serialize)]
pub struct Payload {
    verdicts: [Verdict; 4],
    forest: Forest,
    scores: ScoreChart,
    /// Of each kind of contrast, in the order of the page.
    contrasts: Vec<Forest>,
    responses: Vec<Response>,
    /// Axes of the matrix, for those who want to see some of their values alone.
    axes: Vec<AxisChoice>,
    labels: LabelGrid,
    answers: answers::Curves,
    runs: Option<RunTable>,
    balance: Balance,
    labels_per_image: Bars,
    aspect: Bars,
    objects: Bars,
    sizes: Scatter,
    curves: Curves,
}

impl Payload {
    /// The learning curves, whose notes the template shows.
    pub fn curves(&self) -> &Curves {
        &self.curves
    }

    /// Whether something was varied step by step.
    pub fn has_responses(&self) -> bool {
        !self.responses.is_empty()
    }
}

/// Effects with intervals, best first.
#[derive(Debug, Serialize)]
pub struct Forest {
    /// The title of the axis.
    pub axis: String,
    /// Half-width of the region of practical equivalence, as it is placed; `None`: no band is drawn.
    pub equivalence: Option<f64>,
    /// From top to bottom.
    pub rows: Vec<ForestRow>,
}

/// One effect.
#[derive(Debug, Serialize)]
pub struct ForestRow {
    name: String,
    delta: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    text: String,
    interval: String,
    /// What it is drawn as.
    verdict: usize,
    word: &'static str,
    seeds: Vec<(u64, Option<f64>)>,
}

impl ForestRow {
    /// The row of an effect under this name, without its seeds.
    pub fn of(row: &EffectRow, name: String, unit: Unit) -> Self {
        ForestRow {
            name,
            delta: placed(unit, row.delta),
            low: placed(unit, row.low),
            high: placed(unit, row.high),
            text: format::delta(unit, row.delta),
            interval: format::interval(unit, row.low, row.high),
            verdict: code(&row.verdict),
            word: verdict(&row.verdict).word,
            seeds: Vec::new(),
        }
    }
}

/// An axis of the matrix.
#[derive(Debug, Serialize)]
struct AxisChoice {
    name: String,
    /// The text of each value, and the positions of the variants that have it.
    values: Vec<(String, Vec<usize>)>,
}

/// Absolute scores beside the better constant predictor and the mean colour, in the order of the forest, baselines first.
#[derive(Debug, Serialize)]
struct ScoreChart {
    axis: String,
    /// Where all variants stand beside the same references.
    constant: Option<f64>,
    /// Likewise.
    colour: Option<f64>,
    rows: Vec<ScoreRow>,
}

#[derive(Debug, Serialize)]
struct ScoreRow {
    name: String,
    baseline: bool,
    mean: Option<f64>,
    text: String,
    /// Where variants stand beside different references.
    constant: Option<f64>,
    /// Likewise.
    colour: Option<f64>,
    seeds: Vec<(u64, Option<f64>)>,
}

/// The label metric per variant and label; lists per variant are in the order of `names`.
#[derive(Debug, Serialize)]
struct LabelGrid {
    metric: String,
    /// Decimals of what is shown.
    decimals: i32,
    points: bool,
    higher_is_better: bool,
    names: Vec<String>,
    positives: Vec<Option<u64>>,
    prior: Vec<Option<f64>>,
    colour: Vec<Option<f64>>,
    variants: Vec<LabelRow>,
}

#[derive(Debug, Serialize)]
struct LabelRow {
    name: String,
    baseline: bool,
    mean: Vec<Option<f64>>,
    sd: Vec<Option<f64>>,
    threshold: Vec<Option<f64>>,
    /// On how many test images the label is said, mean over seeds.
    said: Vec<Option<f64>>,
    said_sd: Vec<Option<f64>>,
    delta: Vec<Option<f64>>,
    low: Vec<Option<f64>>,
    high: Vec<Option<f64>>,
    p: Vec<Option<f64>>,
    verdict: Vec<Option<usize>>,
}

/// Training rows per label before and after balancing.
#[derive(Debug, Serialize)]
struct Balance {
    names: Vec<String>,
    before: Vec<u64>,
    after: Vec<u64>,
}

/// Gathers what the scripts read.
pub fn payload(study: &Study, scores: &Scores) -> Payload {
    Payload {
        verdicts: KNOWN,
        forest: forest(study),
        scores: score_chart(study, scores),
        contrasts: contrasts::effects(study)
            .map(|(_, effects)| forest_of(study, effects.iter().map(|contrast| &contrast.effect)))
            .collect(),
        responses: responses(study, scores),
        axes: axes(study),
        answers: answers::curves(study),
        runs: run_table(study),
        labels: label_grid(study, scores),
        balance: Balance {
            names: study.labels.clone(),
            before: study.data.before.positives.clone(),
            after: study.data.after.positives.clone(),
        },
        labels_per_image: histograms::labels_per_image(&study.data),
        aspect: histograms::aspect(&study.data),
        objects: histograms::objects(&study.data),
        sizes: histograms::scatter(&study.data),
        curves: curves(study),
    }
}

/// A value as charts place it: shares times 100, four significant digits.
pub fn placed(unit: Unit, value: f64) -> Option<f64> {
    significant(match unit {
        Unit::Share => 100.0 * value,
        Unit::Plain => value,
    })
}

fn forest(study: &Study) -> Forest {
    forest_of(study, answer::ranked(study, &study.headline).into_iter())
}

fn forest_of<'a>(study: &Study, effects: impl Iterator<Item = &'a Effect>) -> Forest {
    let metric = &study.headline;
    let rows = effects.map(|e| ForestRow {
        seeds: e.by_seed.iter().map(|d| (d.seed, placed(metric.unit, d.delta))).collect(),
        ..ForestRow::of(&e.row, e.row.variant.clone(), metric.unit)
    });
    Forest {
        axis: difference_axis(metric, "right"),
        equivalence: placed(metric.unit, study.equivalence).filter(|e| *e > 0.0),
        rows: rows.collect(),
    }
}

/// `Change in mAP on the test part (points; right is better)`; `more` is the side of larger values.
pub fn difference_axis(metric: &Metric, more: &str) -> String {
    let points = if metric.unit == Unit::Share { "points; " } else { "" };
    let side = match (metric.higher_is_better, more) {
        (true, more) => more,
        (false, "up") => "down",
        (false, _) => "left",
    };
    format!("Change in {} ({points}{side} is better)", metric.name)
}

/// `mAP on the test part, 0 to 100`
pub fn score_axis(metric: &Metric) -> String {
    let scale = if metric.unit == Unit::Share { ", 0 to 100" } else { "" };
    format!("{} on the test part{scale}", metric.name)
}

fn axes(study: &Study) -> Vec<AxisChoice> {
    let place = positions(study.variants.iter().map(|variant| &variant.name));
    let of_matrix = study.axes.iter().filter(|axis| axis.of == AxisOf::Matrix);
    of_matrix
        .map(|axis| AxisChoice {
            name: axis.name.clone(),
            values: (axis.values.iter())
                .map(|value| {
                    let variants = value.variants.iter();
                    let at = variants.filter_map(|name| place.get(name.as_str()).copied()).collect();
                    (value.text.clone(), at)
                })
                .collect(),
        })
        .collect()
}

fn score_chart(study: &Study, scores: &Scores) -> ScoreChart {
    let metric = &study.headline;
    let ranks: HashMap<&str, usize> = answer::ranked(study, metric)
        .into_iter()
        .enumerate()
        .map(|(i, e)| (e.row.variant.as_str(), i))
        .collect();
    let mut order: Vec<usize> = (0..study.variants.len()).collect();
    order.sort_by_key(|&v| {
        let variant = &study.variants[v];
        let rank = ranks.get(variant.name.as_str()).copied().unwrap_or(usize::MAX);
        (variant.arm != study.baseline, rank)
    });
    let constant = |set: &References| placed(metric.unit, set.best_constant(metric)?.value);
    let colour = |set: &References| placed(metric.unit, set.mean_colour(metric)?.value);
    let (of_all, several) = match study.references.as_slice() {
        [one] => (Some(one), false),
        all => (None, !all.is_empty()),
    };
    let rows = order.into_iter().map(|v| {
        let spread = &scores.aggregate[v][0];
        let own = references::beside(study, &study.variants[v].name).filter(|_| several);
        ScoreRow {
            constant: own.and_then(constant),
            colour: own.and_then(colour),
            name: study.variants[v].name.clone(),
            baseline: study.variants[v].arm == study.baseline,
            mean: placed(metric.unit, spread.mean()),
            text: format::spread(metric.unit, spread.mean(), spread.sd()),
            seeds: spread.values.iter().map(|&(seed, value)| (seed, placed(metric.unit, value))).collect(),
        }
    });
    ScoreChart {
        axis: score_axis(metric),
        constant: of_all.and_then(constant),
        colour: of_all.and_then(colour),
        rows: rows.collect(),
    }
}

fn label_grid(study: &Study, scores: &Scores) -> LabelGrid {
    let metric = &study.label_metric;
    let (scale, decimals) = if metric.unit == Unit::Share { (100.0, 1) } else { (1.0, 4) };
    let shown = |value: f64| rounded(scale * value, decimals);
    let n = study.labels.len();
    let label_at = positions(study.labels.iter());
    let variant_at = positions(study.variants.iter().map(|v| &v.name));
    let mut rows: Vec<LabelRow> = study
        .variants
        .iter()
        .enumerate()
        .map(|(v, variant)| LabelRow {
            name: variant.name.clone(),
            baseline: variant.arm == study.baseline,
            mean: scores.label[v].iter().map(|s| shown(s.mean())).collect(),
            sd: scores.label[v].iter().map(|s| s.sd().and_then(shown)).collect(),
            threshold: scores.threshold[v].iter().map(|s| rounded(s.mean(), 2)).collect(),
            said: scores.said[v].iter().map(|s| rounded(s.mean(), 1)).collect(),
            said_sd: scores.said[v].iter().map(|s| s.sd().and_then(|sd| rounded(sd, 1))).collect(),
            delta: vec![None; n],
            low: vec![None; n],
            high: vec![None; n],
            p: vec![None; n],
            verdict: vec![None; n],
        })
        .collect();
    for effect in study.effects.iter().filter(|e| e.row.metric == metric.metric) {
        let label = effect.row.label.as_ref().and_then(|name| label_at.get(name.as_str()));
        let (Some(&l), Some(&v)) = (label, variant_at.get(effect.row.variant.as_str())) else { continue };
        let row = &mut rows[v];
        row.delta[l] = shown(effect.row.delta);
        row.low[l] = shown(effect.row.low);
        row.high[l] = shown(effect.row.high);
        row.p[l] = rounded(effect.row.p_adjusted, 3);
        row.verdict[l] = Some(code(&effect.row.verdict));
    }
    LabelGrid {
        metric: metric.name.clone(),
        decimals,
        points: metric.unit == Unit::Share,
        higher_is_better: metric.higher_is_better,
        names: study.labels.clone(),
        positives: (0..n).map(|l| study.tested_positives(l)).collect(),
        prior: references::by_label(study, Reference::LabelPrior).into_iter().map(shown).collect(),
        colour: references::by_label(study, Reference::MeanColour).into_iter().map(shown).collect(),
        variants: rows,
    }
}
