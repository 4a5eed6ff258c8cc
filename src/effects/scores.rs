//! The metric of every variant, seed and label: on the test part, and on each resample of its images.
//!
//! With folds each run ranks the test images of its own fold, and a seed's value is the mean over its folds. Logits of different
//! models are never put into one ranking: they are not on one scale (Forman and Scholz, "Apples-to-apples in
//! cross-validation studies", SIGKDD Explorations 12(1), 2010). A fold without a positive of a label has no part in that label's mean.
//! Test images are resampled where there is one split.

use rayon::prelude::*;

use super::images::resample;
use super::measure::Measure;
use super::seed_runs::SeedRuns;
use super::study::Study;
use super::truth::Truth;
use crate::seed::Key;

/// One measure of every variant, seed and label, as measured and on each resample.
pub struct ScoreTable {
    /// [variant and seed][label that can be measured, then the mean over labels].
    means: Vec<Vec<FoldMean>>,
}

impl ScoreTable {
    /// `scored`: positions of the labels that can be measured in some fold. With several folds nothing is resampled: how they
    /// differ tells more.
    pub fn new(
        study: &Study,
        measure: &Measure,
        truth: &Truth,
        scored: &[usize],
        seed_runs: &[SeedRuns],
    ) -> Self {
        let n_resamples = if study.folds.len() > 1 { 0 } else { study.n_resamples };
        let empty = vec![FoldMean::new(study.folds.len(), n_resamples); scored.len() + 1];
        let mut means = vec![empty; seed_runs.len()];
        for fold in 0..study.folds.len() {
            let here: Vec<usize> =
                (0..scored.len()).filter(|&at| truth.is_scored_in(fold, scored[at])).collect();
            let labels = || here.iter().map(|&at| scored[at]);
            let places: Vec<(usize, usize)> =
                seed_runs.iter().flat_map(|of| labels().map(|label| (of.runs[fold], label))).collect();
            let (columns, measured) = measure.columns(study, &places);
            let key = fold_key(study.key, fold);
            let resampled = resample(&columns, truth.n_images(fold), n_resamples, key);
            let n = here.len().max(1);
            for ((means, measured), resampled) in
                means.iter_mut().zip(measured.chunks(n)).zip(resampled.chunks(n))
            {
                for ((&at, &value), values) in here.iter().zip(measured).zip(resampled) {
                    means[at].add(fold, value, values);
                }
                let over_labels = measured.iter().sum::<f64>() / measured.len() as f64;
                means[scored.len()].add(fold, over_labels, &mean_over_labels(resampled, n_resamples));
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

    /// In one fold; NaN where it has no positive of the label.
    pub fn measured_in(&self, seed_runs: usize, label: Option<usize>, fold: usize) -> f64 {
        self.mean(seed_runs, label).by_fold[fold]
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
    /// NaN where a fold has no value.
    by_fold: Vec<f64>,
    n_folds: u32,
    resampled: Vec<f32>,
    /// Folds in which each resample has a value.
    n_resampled: Vec<u16>,
}

impl FoldMean {
    fn new(n_folds: usize, n_resamples: usize) -> Self {
        FoldMean {
            measured: 0.0,
            by_fold: vec![f64::NAN; n_folds],
            n_folds: 0,
            resampled: vec![0.0; n_resamples],
            n_resampled: vec![0; n_resamples],
        }
    }

    fn add(&mut self, fold: usize, measured: f64, resampled: &[f32]) {
        self.by_fold[fold] = measured;
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
