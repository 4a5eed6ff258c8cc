//! The comparison in rows whose numbers are written out.

use std::collections::{BTreeSet, HashMap};

use indexmap::IndexSet;
use serde::Serialize;

use super::{Comparison, Finding, Member, findings};
use crate::report::format;
use crate::report::study::Metric;
use crate::report::tables::Cell;
use crate::report::verdict::{Verdict, verdict};
use crate::tables::rows::EffectRow;

/// Rows of the table per label: variants times labels soon are thousands.
const LABEL_ROWS_MAX: usize = 2_000;

/// What the page and the summary show.
#[derive(Debug, Serialize)]
pub struct View<'a> {
    /// `a and b`
    pub title: String,
    /// When it was made.
    pub generated_at: &'a str,
    /// The metric that is compared.
    pub metric: &'a Metric,
    /// That of single labels.
    pub label_metric: &'a Metric,
    /// One row for each study.
    pub studies: Vec<StudyRow<'a>>,
    /// What may not be compared.
    pub findings: Vec<Finding>,
    /// Effects on the metric: a row for each variant that one of the studies compares.
    pub effects: Vec<EffectsRow<'a>>,
    /// Scores, of studies that are tested alike.
    pub scores: Vec<Scores<'a>>,
    /// Effects on labels that several studies have, of variants that several have.
    pub labels: Vec<LabelRow<'a>>,
    /// Rows of it that are left out.
    pub more_labels: usize,
    /// Settings that are not the same everywhere.
    pub settings: Vec<SettingRow<'a>>,
    /// The command that makes the page again.
    pub command: &'a str,
}

/// What a study is.
#[derive(Debug, Serialize)]
pub struct StudyRow<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it wants to know.
    pub question: &'a str,
    /// Its baseline.
    pub baseline: &'a str,
    /// `30 of 30`
    pub runs: String,
    /// `3`, with folds `3 × 5 folds`
    pub seeds: String,
    /// `6`
    pub labels: String,
    /// `A: 635 images`; letters are those of the groups that are tested alike.
    pub test: String,
    /// The metric that it decides by.
    pub headline: &'a str,
}

/// A variant, with a cell for each study.
#[derive(Debug, Serialize)]
pub struct EffectsRow<'a> {
    /// The variant.
    pub variant: &'a str,
    /// `None` where the study does not compare it.
    pub cells: Vec<Option<EffectCell>>,
}

/// One effect.
#[derive(Debug, Serialize)]
pub struct EffectCell {
    /// `+2.1`
    pub delta: String,
    /// `[+0.8, +3.3]`
    pub interval: String,
    /// What is said of it.
    pub verdict: Verdict,
    /// `5 seeds`
    pub seeds: String,
}

/// The scores of studies that are tested alike.
#[derive(Debug, Serialize)]
pub struct Scores<'a> {
    /// `A`
    pub letter: char,
    /// The metric that they decide by.
    pub metric: Option<&'a Metric>,
    /// The studies.
    pub studies: Vec<&'a str>,
    /// Variant or reference, and a cell for each study.
    pub rows: Vec<(&'a str, bool, Vec<Cell>)>,
}

/// A variant and a label, with a cell for each study.
#[derive(Debug, Serialize)]
pub struct LabelRow<'a> {
    /// The label.
    pub label: &'a str,
    /// The variant.
    pub variant: &'a str,
    /// As above.
    pub cells: Vec<Option<EffectCell>>,
}

/// A setting, with its value in each study.
#[derive(Debug, Serialize)]
pub struct SettingRow<'a> {
    /// `train.optimizer.lr`
    pub key: &'a str,
    /// A dash where the study does not have it.
    pub values: Vec<&'a str>,
}

/// Gathers what is shown; `None` of no studies.
pub fn view(comparison: &Comparison) -> Option<View<'_>> {
    let first = comparison.studies.first()?;
    let names: Vec<String> = comparison.studies.iter().map(|study| study.name.clone()).collect();
    let mut labels = label_rows(comparison, first);
    let more_labels = labels.len().saturating_sub(LABEL_ROWS_MAX);
    labels.truncate(LABEL_ROWS_MAX);
    Some(View {
        title: names.join(" · "),
        generated_at: &comparison.generated_at,
        metric: &first.headline,
        label_metric: &first.label_metric,
        studies: study_rows(comparison),
        findings: findings(comparison),
        effects: effect_rows(comparison, &first.headline),
        scores: scores(comparison),
        labels,
        more_labels,
        settings: settings(comparison),
        command: &comparison.command,
    })
}

fn letter(group: usize) -> char {
    u8::try_from(group).ok().and_then(|group| b'A'.checked_add(group)).map_or('?', char::from)
}

fn study_rows(comparison: &Comparison) -> Vec<StudyRow<'_>> {
    let groups = comparison.alike();
    let studies = comparison.studies.iter().enumerate();
    studies
        .map(|(at, study)| {
            let group = groups.iter().position(|group| group.contains(&at)).unwrap_or(0);
            let images: u64 = study.tests.iter().map(|test| test.images).sum();
            StudyRow {
                name: &study.name,
                question: &study.question,
                baseline: &study.baseline,
                runs: format!(
                    "{} of {}",
                    format::count(study.runs_done as u64),
                    format::count(study.runs as u64)
                ),
                seeds: match study.folds {
                    0 => study.seeds.len().to_string(),
                    folds => format!("{} × {folds} folds", study.seeds.len()),
                },
                labels: study.labels.len().to_string(),
                test: format!("{}: {}", letter(group), format::counted(images as usize, "image")),
                headline: &study.headline.name,
            }
        })
        .collect()
}

/// Effects of a study by variant and label.
fn by_variant<'a>(study: &'a Member, metric: &str) -> HashMap<(&'a str, Option<&'a str>), &'a EffectRow> {
    let of_metric = study.effects.iter().filter(|row| row.metric == metric);
    of_metric.map(|row| ((row.variant.as_str(), row.label.as_deref()), row)).collect()
}

fn cell(metric: &Metric, row: &EffectRow) -> EffectCell {
    EffectCell {
        delta: format::delta(metric.unit, row.delta),
        interval: format::interval(metric.unit, row.low, row.high),
        verdict: verdict(&row.verdict),
        seeds: format::counted(row.n_seeds as usize, "seed"),
    }
}

/// Variants that a study compares, those of the first study first.
fn compared<'a>(comparison: &'a Comparison, metric: &str) -> IndexSet<&'a str> {
    let rows = comparison.studies.iter().flat_map(|study| &study.effects);
    rows.filter(|row| row.label.is_none() && row.metric == metric).map(|row| row.variant.as_str()).collect()
}

fn effect_rows<'a>(comparison: &'a Comparison, metric: &Metric) -> Vec<EffectsRow<'a>> {
    let effects: Vec<_> = comparison.studies.iter().map(|study| by_variant(study, &metric.metric)).collect();
    let row = |variant: &'a str| EffectsRow {
        variant,
        cells: effects
            .iter()
            .map(|of_study| of_study.get(&(variant, None)).map(|row| cell(metric, row)))
            .collect(),
    };
    compared(comparison, &metric.metric).into_iter().map(row).collect()
}

fn label_rows<'a>(comparison: &'a Comparison, first: &Member) -> Vec<LabelRow<'a>> {
    let metric = &first.label_metric;
    let effects: Vec<_> = comparison.studies.iter().map(|study| by_variant(study, &metric.metric)).collect();
    let labels: IndexSet<&str> =
        comparison.studies.iter().flat_map(|study| study.labels.iter().map(String::as_str)).collect();
    let mut rows = Vec::new();
    for label in labels {
        for &variant in &compared(comparison, &first.headline.metric) {
            let cells: Vec<Option<EffectCell>> = effects
                .iter()
                .map(|of_study| of_study.get(&(variant, Some(label))).map(|row| cell(metric, row)))
                .collect();
            if cells.iter().flatten().count() > 1 {
                rows.push(LabelRow { label, variant, cells });
            }
        }
    }
    rows
}

fn scores(comparison: &Comparison) -> Vec<Scores<'_>> {
    let groups = comparison.alike().into_iter().enumerate();
    groups.map(|(group, of)| scores_of(comparison, letter(group), &of)).collect()
}

fn scores_of<'a>(comparison: &'a Comparison, letter: char, of: &[usize]) -> Scores<'a> {
    let studies: Vec<&Member> = of.iter().map(|&at| &comparison.studies[at]).collect();
    let references: IndexSet<&str> =
        studies.iter().flat_map(|study| study.references.iter().map(|(name, _)| name.as_str())).collect();
    let variants: IndexSet<&str> =
        studies.iter().flat_map(|study| study.variants.iter().map(|variant| variant.name.as_str())).collect();
    let reference_row = |name: &'a str| {
        let value = |study: &&Member| {
            let found = study.references.iter().find(|(of_study, _)| of_study == name);
            let value = found.map_or(f64::NAN, |(_, value)| *value);
            Cell::from(format::score(study.headline.unit, value))
        };
        (name, true, studies.iter().map(value).collect())
    };
    let variant_row = |name: &'a str| {
        let value = |study: &&Member| {
            let found = study.variants.iter().find(|variant| variant.name == name);
            let Some(variant) = found else { return Cell::from(format::NONE.to_owned()) };
            let spread = &variant.scores;
            Cell::from(format::spread(study.headline.unit, spread.mean(), spread.sd()))
        };
        (name, false, studies.iter().map(value).collect())
    };
    Scores {
        letter,
        metric: studies.first().map(|study| &study.headline),
        studies: studies.iter().map(|study| study.name.as_str()).collect(),
        rows: references
            .into_iter()
            .map(reference_row)
            .chain(variants.into_iter().map(variant_row))
            .collect(),
    }
}

fn settings(comparison: &Comparison) -> Vec<SettingRow<'_>> {
    let keys: BTreeSet<&String> = comparison.studies.iter().flat_map(|study| study.settings.keys()).collect();
    // Each study has a name and a question of its own.
    keys.into_iter()
        .filter(|key| !["name", "question"].contains(&key.as_str()))
        .filter_map(|key| {
            let values: Vec<Option<&String>> =
                comparison.studies.iter().map(|study| study.settings.get(key)).collect();
            let differs = values.iter().any(|value| *value != values[0]);
            let shown = values.into_iter().map(|value| value.map_or(format::NONE, String::as_str));
            differs.then(|| SettingRow { key, values: shown.collect() })
        })
        .collect()
}
