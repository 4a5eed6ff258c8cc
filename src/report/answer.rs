//! The top of the page: one sentence for each variant, and its numbers.

use std::collections::HashSet;

use serde::Serialize;

use super::format;
use super::scores::finished;
use super::study::{Effect, Metric, RunState, Study};
use super::verdict::{KNOWN, Verdict, verdict};

/// The answer to the study's question on the headline metric.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// How many variants got which verdict, in a sentence.
    pub headline: String,
    /// Best first.
    pub verdicts: Vec<Sentence>,
    /// Variants that could not be compared, with the reason.
    pub unmeasured: Vec<Unmeasured>,
    /// Why there is nothing to compare, where that is so.
    pub nothing: Option<String>,
}

/// What is said of one variant.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sentence {
    /// The variant.
    pub variant: String,
    /// Set where the study has several baselines.
    pub baseline: Option<String>,
    /// Word, symbol and class.
    pub verdict: Verdict,
    /// `+2.1 points mAP [+0.8, +3.3], 5 seeds`
    pub numbers: String,
    /// Said where runs that the effect rests on are flagged: `1 of its runs is flagged`.
    pub caution: Option<String>,
}

/// A variant without an effect.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Unmeasured {
    /// The variant.
    pub variant: String,
    /// Why.
    pub reason: String,
}

/// A row of the table of effects.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The variant.
    pub variant: String,
    /// What it is measured against.
    pub baseline: String,
    /// The metric's name on the page.
    pub metric: String,
    /// Mean difference as shown.
    pub delta: String,
    /// The interval as shown.
    pub interval: String,
    /// Unadjusted p.
    pub p: String,
    /// p by flipped signs.
    pub p_sign_flip: String,
    /// Adjusted p.
    pub p_adjusted: String,
    /// How sure the data make one that the variant is better.
    pub improvement: String,
    /// Seeds that have both.
    pub n_seeds: u32,
    /// The difference of each seed: `1: +2.3; 2: +1.9`.
    pub by_seed: String,
    /// Word, symbol and class.
    pub verdict: Verdict,
    /// Seeds that would be needed, or a dash.
    pub seeds_needed: String,
}

/// The effects on an aggregate metric, best first.
pub fn ranked<'a>(study: &'a Study, metric: &Metric) -> Vec<&'a Effect> {
    let mut effects: Vec<&Effect> =
        study.effects.iter().filter(|e| e.row.label.is_none() && e.row.metric == metric.metric).collect();
    let gain = |e: &Effect| if metric.higher_is_better { e.row.delta } else { -e.row.delta };
    effects.sort_by(|a, b| gain(b).total_cmp(&gain(a)));
    effects
}

/// Says what each variant does.
pub fn answer(study: &Study) -> Answer {
    let effects = ranked(study, &study.headline);
    let baselines: HashSet<&str> = effects.iter().map(|e| e.row.baseline.as_str()).collect();
    let several = baselines.len() > 1;
    let measured: HashSet<&str> = effects.iter().map(|e| e.row.variant.as_str()).collect();
    let unmeasured: Vec<Unmeasured> = study
        .variants
        .iter()
        .filter(|v| v.arm != study.baseline && !measured.contains(v.name.as_str()))
        .map(|v| Unmeasured { variant: v.name.clone(), reason: why_unmeasured(study, &v.name) })
        .collect();
    Answer {
        headline: headline(study, &effects, unmeasured.len()),
        verdicts: effects.iter().map(|e| sentence(study, e, several)).collect(),
        nothing: nothing(study, &effects),
        unmeasured,
    }
}

/// The rows of the table of effects on `metric`, best first.
pub fn rows(study: &Study, metric: &Metric) -> Vec<Row> {
    ranked(study, metric).into_iter().map(|e| row(e, metric)).collect()
}

/// Of `effect`, in words: `+2.1 points mAP [+0.8, +3.3], 5 seeds`.
pub fn numbers(study: &Study, effect: &Effect) -> String {
    let (unit, row) = (study.headline.unit, &effect.row);
    let mut text = format!(
        "{} {} {}, {}",
        format::delta(unit, row.delta),
        format::delta_unit(unit, &study.headline.name),
        format::interval(unit, row.low, row.high),
        format::counted(row.n_seeds as usize, "seed"),
    );
    if let Some(reason) = &effect.reason {
        text.push_str(&format!("; {reason}"));
    } else if let Some(needed) = effect.seeds_needed {
        text.push_str(&format!("; about {} would be needed", format::counted(needed as usize, "seed")));
    }
    text
}

fn sentence(study: &Study, effect: &Effect, several_baselines: bool) -> Sentence {
    Sentence {
        variant: effect.row.variant.clone(),
        baseline: several_baselines.then(|| effect.row.baseline.clone()),
        verdict: verdict(&effect.row.verdict),
        numbers: numbers(study, effect),
        caution: caution(study, effect),
    }
}

/// Says that flagged runs are part of an effect, on either side.
fn caution(study: &Study, effect: &Effect) -> Option<String> {
    let flagged = |variant: &str| {
        let of = finished(study).filter(|(run, result)| run.variant == variant && !result.flags.is_empty());
        of.filter(|(run, _)| effect.by_seed.iter().any(|d| d.seed == run.seed)).count()
    };
    let said = |n: usize, whose: &str| {
        format!("{} of {whose} {} flagged", format::counted(n, "run"), if n == 1 { "is" } else { "are" })
    };
    let parts: Vec<String> =
        [(flagged(&effect.row.variant), "the variant"), (flagged(&effect.row.baseline), "the baseline")]
            .into_iter()
            .filter(|(n, _)| *n > 0)
            .map(|(n, whose)| said(n, whose))
            .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// The row of one effect.
pub fn row(effect: &Effect, metric: &Metric) -> Row {
    let (unit, row) = (metric.unit, &effect.row);
    let by_seed: Vec<String> =
        effect.by_seed.iter().map(|d| format!("{}:\u{a0}{}", d.seed, format::delta(unit, d.delta))).collect();
    Row {
        variant: row.variant.clone(),
        baseline: row.baseline.clone(),
        metric: metric.name.clone(),
        delta: format::delta(unit, row.delta),
        interval: format::interval(unit, row.low, row.high),
        p: format::p_value(effect.p),
        p_sign_flip: format::p_value(effect.p_sign_flip),
        p_adjusted: format::p_value(row.p_adjusted),
        improvement: if effect.improvement.is_finite() {
            format!("{:.0} %", 100.0 * effect.improvement)
        } else {
            format::NONE.into()
        },
        n_seeds: row.n_seeds,
        by_seed: by_seed.join("; "),
        verdict: verdict(&row.verdict),
        seeds_needed: effect.seeds_needed.map_or(format::NONE.into(), |n| n.to_string()),
    }
}

fn headline(study: &Study, effects: &[&Effect], n_unmeasured: usize) -> String {
    if effects.is_empty() {
        return String::new();
    }
    let mut counts: Vec<String> = KNOWN
        .iter()
        .map(|known| (known, effects.iter().filter(|e| verdict(&e.row.verdict) == *known).count()))
        .filter(|(_, n)| *n > 0)
        .map(|(known, n)| match (known.class, n) {
            ("helps", 1) | ("hurts", 1) => format!("1 {}", known.word),
            ("helps", n) => format!("{n} help"),
            ("hurts", n) => format!("{n} hurt"),
            ("same", 1) => "1 has no practical effect".into(),
            ("same", n) => format!("{n} have no practical effect"),
            (_, n) => format!("for {n} there is not enough evidence"),
        })
        .collect();
    if n_unmeasured > 0 {
        counts.push(format!("{n_unmeasured} could not be compared"));
    }
    let total = effects.len() + n_unmeasured;
    format!(
        "Of {} compared with “{}” on {}: {}.",
        format::counted(total, "variant"),
        study.baseline,
        study.headline.name,
        counts.join(", ")
    )
}

fn nothing(study: &Study, effects: &[&Effect]) -> Option<String> {
    if !effects.is_empty() {
        return None;
    }
    let others = study.variants.iter().filter(|v| v.arm != study.baseline).count();
    Some(if others == 0 && study.variants.len() > 1 {
        format!(
            "There is nothing to compare: all {} variants are of the baseline “{}” and differ in the matrix alone. Variants are \
             compared at one point of the matrix, never across: add ops under [augment.ops] and a design to measure effects.",
            study.variants.len(),
            study.baseline
        )
    } else if others == 0 {
        "There is nothing to compare: this study has no variant besides the baseline. \
         Add ops under [augment.ops] and a design to measure effects."
            .into()
    } else {
        "No effect could be measured: a comparison needs a finished run of the variant and one of its \
         baseline with the same seed."
            .into()
    })
}

/// Says how many runs of a variant ended, for one that has no effect.
fn why_unmeasured(study: &Study, variant: &str) -> String {
    let runs = || study.runs.iter().filter(|r| r.variant == variant);
    let done = runs().filter(|r| matches!(r.state, RunState::Done(_))).count();
    let failed = runs().filter(|r| matches!(r.state, RunState::Failed { .. })).count();
    let missing = runs().filter(|r| matches!(r.state, RunState::Missing { .. })).count();
    let to_come = runs().filter(|r| matches!(r.state, RunState::ToCome)).count();
    let total = done + failed + missing + to_come;
    match total {
        0 => "it has no runs".into(),
        _ if done == total => {
            "its runs finished, but no seed pairs them with finished runs of the baseline".into()
        }
        _ => format!(
            "{done} of {} finished ({failed} failed, {missing} missing{})",
            format::counted(total, "run"),
            if to_come > 0 { format!(", {to_come} to come") } else { String::new() }
        ),
    }
}
