//! One effect, with all that a report shows of it.

use serde::Serialize;

use super::contrast::Kind;
use super::measure::Measure;
use super::verdict::Verdict;
use crate::tables::rows::{ContrastRow, EffectRow};

/// What a variant, an op, a pair of ops or a value of an axis does to a metric, over all labels or for one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Effect {
    /// What is asked.
    pub kind: Kind,
    /// The variant, or what else is measured: an op, two ops, a value of an axis.
    pub variant: String,
    /// What it is measured against.
    pub baseline: String,
    /// What cannot be told apart from it.
    pub aliases: Vec<String>,
    /// `None`: the mean over labels.
    pub label: Option<String>,
    /// The metric's name, as in the table `metrics`: `map_macro` over labels, `ap` for one.
    pub metric: &'static str,
    /// Seeds that all variants concerned have, ascending.
    pub seeds: Vec<u64>,
    /// The difference, seed by seed.
    pub deltas: Vec<f64>,
    /// Their mean.
    pub delta: f64,
    /// The interval of the mean, 95 % over all looks, for other seeds and other test images; `None` with one seed and no folds, or
    /// where nothing moves.
    pub interval: Option<[f64; 2]>,
    /// Standard error from seeds, or with folds from these; `None` with one.
    pub spread_error: Option<f64>,
    /// Standard error from test images that more seeds do not take away; 0 with folds, whose spread has it.
    pub image_error: f64,
    /// Two-sided p-value of no difference.
    pub p: Option<f64>,
    /// The same, Holm-adjusted over all of this kind, for this metric and label, and for repeated looks.
    pub p_adjusted: Option<f64>,
    /// Two-sided p-value by flipping the signs of seeds, without any distribution; not adjusted. Decides nothing.
    pub p_sign_flip: f64,
    /// How sure the data make one that the variant is better, 0 to 1: the share of the interval's distribution above 0.
    pub probability_of_improvement: Option<f64>,
    /// What may be said.
    pub verdict: Verdict,
    /// What is said in place of `helps` and `hurts`, where these do not fit what is asked.
    pub words: [&'static str; 2],
}

impl Effect {
    /// The row of the table `effects`; NaN where there is no interval.
    pub fn row(&self) -> EffectRow {
        let [low, high] = self.interval.unwrap_or([f64::NAN; 2]);
        EffectRow {
            variant: self.variant.clone(),
            baseline: self.baseline.clone(),
            label: self.label.clone(),
            metric: self.metric.to_owned(),
            delta: self.delta,
            low,
            high,
            p_adjusted: self.p_adjusted.unwrap_or(f64::NAN),
            n_seeds: self.seeds.len() as u32,
            verdict: self.word().to_owned(),
        }
    }

    /// The row of the table `contrasts`, for all that is no variant against its baseline.
    pub fn contrast_row(&self) -> ContrastRow {
        let (kind, aliases) = (self.kind.as_str().to_owned(), self.aliases.join(", "));
        ContrastRow { kind, aliases, effect: self.row() }
    }

    /// The verdict in a word that fits what is asked.
    pub fn word(&self) -> &'static str {
        match self.verdict {
            Verdict::Helps => self.words[0],
            Verdict::Hurts => self.words[1],
            _ => self.verdict.as_str(),
        }
    }
}

/// What is said of a difference above and below 0.
pub fn words(kind: Kind, measure: &Measure) -> [&'static str; 2] {
    match (kind, measure) {
        (Kind::Interaction | Kind::AxisInteraction, _) => ["reinforces", "weakens"],
        (Kind::Trend, _) => ["rises", "falls"],
        (Kind::Axis, _) | (_, Measure::OfImages(_)) => ["higher", "lower"],
        (Kind::Variant | Kind::MainEffect, Measure::Headline(_)) => ["helps", "hurts"],
    }
}
