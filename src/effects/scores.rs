//! The metric of every variant, seed and label: on the test part, and on each resample of its images.
//!
//! With folds each run ranks the test images of its own fold, and a seed's value is the mean over its folds. Logits of different
//! models are never put into one ranking: they are not on one scale (Forman and Scholz, "Apples-to-apples in
//! cross-validation studies", SIGKDD Explorations 12(1), 2010). A fold without a positive of a label has no part in that label's mean.
//! Test images are resampled where there is one split.

use super::images::resample;
use super::measure::Measure;
use super::seed_runs::SeedRuns;
use super::study::Study;
use super::truth::Truth;

/// One measure of every variant, seed and label, as measured and on each resample.
pub struct ScoreTable {
    /// [variant and seed][label that can be measured, then the mean over labels].
    values: Vec<Vec<Value>>,
}

/// One value of a variant and seed.
#[derive(Clone, Debug)]
struct Value {
    /// NaN where a fold has none.
    by_fold: Vec<f64>,
    /// On each resample of the test images, where there is one split; NaN where it has none.
    resampled: Vec<f32>,
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
        let none = Value { by_fold: vec![f64::NAN; study.folds.len()], resampled: Vec::new() };
        let mut values = vec![vec![none; scored.len() + 1]; seed_runs.len()];
        for fold in 0..study.folds.len() {
            let here: Vec<usize> =
                (0..scored.len()).filter(|&at| truth.is_scored_in(fold, scored[at])).collect();
            let labels = || here.iter().map(|&at| scored[at]);
            let places: Vec<(usize, usize)> =
                seed_runs.iter().flat_map(|of| labels().map(|label| (of.runs[fold], label))).collect();
            let (columns, measured) = measure.columns(study, &places);
            let mut resampled = resample(&columns, truth.n_images(fold), n_resamples, study.key).into_iter();
            for (values, measured) in values.iter_mut().zip(measured.chunks(here.len().max(1))) {
                let of_labels: Vec<Vec<f32>> = resampled.by_ref().take(here.len()).collect();
                let mean = &mut values[scored.len()];
                mean.by_fold[fold] = measured.iter().sum::<f64>() / measured.len() as f64;
                mean.resampled = mean_over_labels(&of_labels, n_resamples);
                for ((&at, &value), of_label) in here.iter().zip(measured).zip(of_labels) {
                    values[at].by_fold[fold] = value;
                    values[at].resampled = of_label;
                }
            }
        }
        ScoreTable { values }
    }

    fn value(&self, seed_runs: usize, label: Option<usize>) -> &Value {
        let values = &self.values[seed_runs];
        &values[label.unwrap_or(values.len() - 1)]
    }

    /// Of a label by its position among those that can be measured, or the mean over them: the mean over the folds that have it.
    pub fn measured(&self, seed_runs: usize, label: Option<usize>) -> f64 {
        let of_folds = self.value(seed_runs, label).by_fold.iter().filter(|value| !value.is_nan());
        let (sum, n) = of_folds.fold((0.0, 0.0), |(sum, n), value| (sum + value, n + 1.0));
        sum / n
    }

    /// In one fold; NaN where it has no positive of the label.
    pub fn measured_in(&self, seed_runs: usize, label: Option<usize>, fold: usize) -> f64 {
        self.value(seed_runs, label).by_fold[fold]
    }

    /// On resample `at`, where there is one split.
    pub fn resampled(&self, seed_runs: usize, label: Option<usize>, at: usize) -> f32 {
        self.value(seed_runs, label).resampled[at]
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
