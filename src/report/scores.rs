//! Scores of the finished runs, gathered by variant and seed: what each table and chart reads.

use std::collections::HashMap;

use indexmap::IndexMap;

use super::study::{RunResult, RunState, Score, Study};

/// The scores of one metric over the seeds of a variant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spread {
    /// Seed and value of each seed whose runs are finished, with folds their mean, in the order of the runs; without those that
    /// have no defined value.
    pub values: Vec<(u64, f64)>,
}

impl Spread {
    /// The mean; NaN where there is no value.
    pub fn mean(&self) -> f64 {
        self.values.iter().map(|v| v.1).sum::<f64>() / self.values.len() as f64
    }

    /// The sample standard deviation (n - 1); `None` below two values.
    pub fn sd(&self) -> Option<f64> {
        let n = self.values.len();
        if n < 2 {
            return None;
        }
        let mean = self.mean();
        let squares: f64 = self.values.iter().map(|v| (v.1 - mean).powi(2)).sum();
        Some((squares / (n - 1) as f64).sqrt())
    }
}

/// The finished seeds' scores by variant.
#[derive(Clone, Debug, Default)]
pub struct Scores {
    /// Per variant, aggregates in the order of [`metrics`].
    pub aggregate: Vec<Vec<Spread>>,
    /// Per variant, the label metric in the order of the study's labels.
    pub label: Vec<Vec<Spread>>,
    /// Per variant, the thresholds in the order of the study's labels.
    pub threshold: Vec<Vec<Spread>>,
    /// Per variant, on how many test images each label is said, in the order of the study's labels.
    pub said: Vec<Vec<Spread>>,
}

/// The aggregate metrics on the page: the headline, then the others.
pub fn metrics(study: &Study) -> Vec<&super::study::Metric> {
    std::iter::once(&study.headline).chain(&study.other_metrics).collect()
}

impl Scores {
    /// Gathers them in one walk over the runs.
    pub fn of(study: &Study) -> Self {
        let metrics = metrics(study);
        let metric_at: HashMap<&str, usize> =
            metrics.iter().enumerate().map(|(i, m)| (m.metric.as_str(), i)).collect();
        let label_at = positions(study.labels.iter());
        let variant_at = positions(study.variants.iter().map(|v| &v.name));
        let rows = |n: usize| vec![vec![Spread::default(); n]; study.variants.len()];
        let n_labels = study.labels.len();
        let mut scores = Scores {
            aggregate: rows(metrics.len()),
            label: rows(n_labels),
            threshold: rows(n_labels),
            said: rows(n_labels),
        };
        for (variant, seed, results) in whole_seeds(study) {
            let Some(&v) = variant_at.get(variant) else { continue };
            let mut over_folds = SeedScores::default();
            for result in &results {
                for score in result.scores.iter().filter(|score| score.value.is_finite()) {
                    over_folds.add(score.label.as_deref(), &score.metric, score.value);
                }
            }
            for ((label, metric), mean) in over_folds.means() {
                let spread = match label {
                    None => metric_at.get(metric).map(|&m| &mut scores.aggregate[v][m]),
                    Some(label) if metric == study.label_metric.metric => {
                        label_at.get(label).map(|&l| &mut scores.label[v][l])
                    }
                    Some(_) => None,
                };
                if let Some(spread) = spread {
                    spread.values.push((seed, mean));
                }
            }
            for (l, spread) in scores.threshold[v].iter_mut().enumerate() {
                let thresholds: Vec<f64> =
                    results.iter().filter_map(|result| result.thresholds.get(l).copied()).collect();
                if !thresholds.is_empty() {
                    spread.values.push((seed, thresholds.iter().sum::<f64>() / thresholds.len() as f64));
                }
            }
            for (l, spread) in scores.said[v].iter_mut().enumerate() {
                let said = |result: &&RunResult| {
                    result.counts.get(l).map(|counts| counts.true_positives + counts.false_positives)
                };
                // Folds are tested on one after another: together they are all images.
                if let Some(said) = results.iter().map(said).sum::<Option<u64>>() {
                    spread.values.push((seed, said as f64));
                }
            }
        }
        scores
    }
}

/// Each variant and seed whose runs are all finished, with their results: one run, or one for each fold. A seed that lacks a
/// fold is left out, as it is of the effects: its mean would be over other test images than those of the others.
fn whole_seeds(study: &Study) -> Vec<(&str, u64, Vec<&RunResult>)> {
    let mut seeds: IndexMap<(&str, u64), Vec<Option<&RunResult>>> = IndexMap::new();
    for run in &study.runs {
        let result = match &run.state {
            RunState::Done(result) => Some(result.as_ref()),
            RunState::Failed { .. } | RunState::Missing { .. } | RunState::ToCome => None,
        };
        seeds.entry((&run.variant, run.seed)).or_default().push(result);
    }
    let whole = |((variant, seed), results): ((_, _), Vec<Option<_>>)| {
        let results: Option<Vec<&RunResult>> = results.into_iter().collect();
        Some((variant, seed, results?))
    };
    seeds.into_iter().filter_map(whole).collect()
}

/// The defined values of one seed's runs.
#[derive(Default)]
struct SeedScores<'a>(IndexMap<(Option<&'a str>, &'a str), (f64, u32)>);

impl<'a> SeedScores<'a> {
    fn add(&mut self, label: Option<&'a str>, metric: &'a str, value: f64) {
        let (sum, n) = self.0.entry((label, metric)).or_default();
        *sum += value;
        *n += 1;
    }

    /// Of each label and metric, the mean over the folds that define it.
    fn means(self) -> impl Iterator<Item = ((Option<&'a str>, &'a str), f64)> {
        self.0.into_iter().map(|(of, (sum, n))| (of, sum / f64::from(n)))
    }
}

/// The value of an aggregate metric in a run or a reference; NaN where it is not there.
pub fn aggregate(scores: &[Score], metric: &str) -> f64 {
    scores.iter().find(|s| s.label.is_none() && s.metric == metric).map_or(f64::NAN, |s| s.value)
}

/// The finished runs with their results.
pub fn finished(study: &Study) -> impl Iterator<Item = (&super::study::Run, &RunResult)> {
    study.runs.iter().filter_map(|run| match &run.state {
        RunState::Done(result) => Some((run, result.as_ref())),
        _ => None,
    })
}

/// Names to their places.
pub fn positions<'a>(names: impl Iterator<Item = &'a String>) -> HashMap<&'a str, usize> {
    names.enumerate().map(|(i, name)| (name.as_str(), i)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spread_is_the_sample_standard_deviation() {
        let spread = Spread { values: vec![(0, 0.50), (1, 0.52), (2, 0.57)] };
        assert!((spread.mean() - 0.53).abs() < 1e-12);
        assert!((spread.sd().unwrap() - 0.036_055_512_754_639_89).abs() < 1e-12);
        assert_eq!(Spread { values: vec![(0, 0.5)] }.sd(), None);
        assert!(Spread::default().mean().is_nan());
    }
}
