//! The metric of every variant, seed and label: on the test part, and on each resample of its images.
//!
//! With folds each run ranks the test images of its own fold, and a seed's value is the mean over its folds. Logits of different
//! models are never put into one ranking: they are not on one scale (Forman and Scholz, "Apples-to-apples in
//! cross-validation studies", SIGKDD Explorations 12(1), 2010). A fold without a positive of a label has no part in that label's mean.
//! Test images are resampled within their fold.

use rayon::prelude::*;

use super::images::{Column, resample};
use super::seed_runs::SeedRuns;
use super::study::{RunScores, Study};
use super::truth::Truth;
use crate::metrics::{Ranking, counts};
use crate::seed::Key;
use crate::spec::settings::HeadlineMetric;

/// One metric of every variant, seed and label, as measured and on each resample.
pub struct ScoreTable {
    /// [variant and seed][label that has positives, then the mean over labels].
    means: Vec<Vec<FoldMean>>,
}

impl ScoreTable {
    /// `scored`: positions of the labels that have positives in some fold.
    pub fn new(
        study: &Study,
        metric: HeadlineMetric,
        truth: &Truth,
        scored: &[usize],
        seed_runs: &[SeedRuns],
    ) -> Self {
        let empty = vec![FoldMean::new(study.n_resamples); scored.len() + 1];
        let mut means = vec![empty; seed_runs.len()];
        for fold in 0..study.folds.len() {
            let here: Vec<usize> =
                (0..scored.len()).filter(|&at| truth.is_scored_in(fold, scored[at])).collect();
            let labels = || here.iter().map(|&at| scored[at]);
            let places: Vec<(usize, usize)> =
                seed_runs.iter().flat_map(|of| labels().map(|label| (of.runs[fold], label))).collect();
            let (columns, measured): (Vec<Column>, Vec<f64>) =
                places.par_iter().map(|&(run, label)| column(study, metric, &study.runs[run], label)).unzip();
            let key = fold_key(study.key, fold);
            let resampled = resample(&columns, truth.n_images(fold), study.n_resamples, key);
            let n = here.len().max(1);
            for ((means, measured), resampled) in
                means.iter_mut().zip(measured.chunks(n)).zip(resampled.chunks(n))
            {
                for ((&at, &value), values) in here.iter().zip(measured).zip(resampled) {
                    means[at].add(value, values);
                }
                let over_labels = measured.iter().sum::<f64>() / measured.len() as f64;
                means[scored.len()].add(over_labels, &mean_over_labels(resampled, study.n_resamples));
            }
        }
        means.par_iter_mut().flatten().for_each(FoldMean::finish);
        ScoreTable { means }
    }

    fn mean(&self, seed_runs: usize, label: Option<usize>) -> &FoldMean {
        let means = &self.means[seed_runs];
        &means[label.unwrap_or(means.len() - 1)]
    }

    /// Of a label by its position among those that have positives, or the mean over them.
    pub fn measured(&self, seed_runs: usize, label: Option<usize>) -> f64 {
        self.mean(seed_runs, label).measured
    }

    /// The same on resample `at`; a label that a fold's resample has no positive of is left out of the mean.
    pub fn resampled(&self, seed_runs: usize, label: Option<usize>, at: usize) -> f32 {
        self.mean(seed_runs, label).resampled[at]
    }
}

/// Each fold has resamples of its own; the first those of a study without folds.
fn fold_key(key: Key, fold: usize) -> Key {
    if fold == 0 { key } else { key.child("fold").index(fold as u64) }
}

/// The mean over folds of one value, as measured and on each resample; sums until it is finished.
#[derive(Clone, Debug)]
struct FoldMean {
    measured: f64,
    n_folds: u32,
    resampled: Vec<f32>,
    /// Folds in which each resample has a value.
    n_resampled: Vec<u16>,
}

impl FoldMean {
    fn new(n_resamples: usize) -> Self {
        FoldMean {
            measured: 0.0,
            n_folds: 0,
            resampled: vec![0.0; n_resamples],
            n_resampled: vec![0; n_resamples],
        }
    }

    fn add(&mut self, measured: f64, resampled: &[f32]) {
        self.measured += measured;
        self.n_folds += 1;
        for ((sum, n), &value) in self.resampled.iter_mut().zip(&mut self.n_resampled).zip(resampled) {
            if !value.is_nan() {
                *sum += value;
                *n += 1;
            }
        }
    }

    /// NaN where no fold had a value.
    fn finish(&mut self) {
        self.measured /= f64::from(self.n_folds);
        for (sum, &n) in self.resampled.iter_mut().zip(&self.n_resampled) {
            *sum /= f32::from(n);
        }
    }
}

/// On each resample the mean over the labels that have a positive in it; NaN where none has.
fn mean_over_labels(of_labels: &[Vec<f32>], n_resamples: usize) -> Vec<f32> {
    let mean = |at: usize| {
        let defined = of_labels.iter().map(|values| values[at]).filter(|value| !value.is_nan());
        let (sum, n) = defined.fold((0.0, 0.0), |(sum, n), value| (sum + value, n + 1.0));
        sum / n
    };
    (0..n_resamples).map(mean).collect()
}

/// One label of one run, made ready for resampling, with its value on the run's test part. The label has positives there.
fn column(study: &Study, metric: HeadlineMetric, run: &RunScores, label: usize) -> (Column, f64) {
    let n_labels = study.labels.len();
    let logits = run.logits.iter().skip(label).step_by(n_labels).copied();
    let truth = study.folds[run.fold].iter().skip(label).step_by(n_labels).copied();
    match metric {
        HeadlineMetric::MapMacro => {
            let ranking = Ranking::new(logits.zip(truth));
            let value = ranking.average_precision().unwrap_or(f64::NAN);
            (Column::AveragePrecision(ranking), value)
        }
        HeadlineMetric::F1Macro => {
            let at = run.thresholds[label];
            let said = |logit| counts::said(run.calibration.probability(label, logit), at);
            let answers: Vec<(bool, bool)> = logits.map(said).zip(truth).collect();
            let value = counts::Counts::of(answers.iter().copied()).f1().unwrap_or(f64::NAN);
            (Column::F1(answers), value)
        }
    }
}
