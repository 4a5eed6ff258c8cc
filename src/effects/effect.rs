//! One effect, with all that a report shows of it.

use serde::Serialize;

use super::verdict::Verdict;
use crate::tables::rows::EffectRow;

/// What a variant does to a metric, over all labels or for one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Effect {
    /// The variant.
    pub variant: String,
    /// What it is measured against.
    pub baseline: String,
    /// `None`: the mean over labels.
    pub label: Option<String>,
    /// The metric's name, as in the table `metrics`: `map_macro` over labels, `ap` for one.
    pub metric: &'static str,
    /// Seeds that have both, ascending.
    pub seeds: Vec<u64>,
    /// Variant minus baseline, seed by seed.
    pub deltas: Vec<f64>,
    /// Their mean.
    pub delta: f64,
    /// The 95 % interval of the mean, for other seeds and other test images; `None` with one seed, or where nothing moves.
    pub interval: Option<[f64; 2]>,
    /// Standard error from seeds; `None` with one seed.
    pub seed_error: Option<f64>,
    /// Standard error from test images that more seeds do not take away.
    pub image_error: f64,
    /// Two-sided p-value of no difference.
    pub p: Option<f64>,
    /// The same, Holm-adjusted over the variants, for this metric and label.
    pub p_adjusted: Option<f64>,
    /// How sure the data make one that the variant is better, 0 to 1: the share of the interval's distribution above 0.
    pub probability_of_improvement: Option<f64>,
    /// What may be said.
    pub verdict: Verdict,
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
            verdict: self.verdict.as_str().to_owned(),
        }
    }
}
