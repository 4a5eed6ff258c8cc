//! The metric of every run and label: on the test part, and on each resample of its images.

use rayon::prelude::*;

use super::images::{Column, resample};
use super::study::{RunScores, Study};
use crate::metrics::{Ranking, counts};
use crate::spec::settings::HeadlineMetric;

/// One metric of every run and label, as measured and on each resample.
pub struct ScoreTable {
    /// [run][label that has positives].
    measured: Vec<Vec<f64>>,
    /// The same, each with one value per resample.
    resampled: Vec<Vec<Vec<f32>>>,
}

impl ScoreTable {
    /// `scored`: positions of the labels that have positives.
    pub fn new(study: &Study, metric: HeadlineMetric, scored: &[usize], n_images: usize) -> Self {
        let places: Vec<(usize, usize)> =
            (0..study.runs.len()).flat_map(|run| scored.iter().map(move |&label| (run, label))).collect();
        let (columns, measured): (Vec<Column>, Vec<f64>) =
            places.par_iter().map(|&(run, label)| column(study, metric, &study.runs[run], label)).unzip();
        let mut resampled = resample(&columns, n_images, study.n_resamples, study.key).into_iter();
        ScoreTable {
            measured: measured.chunks(scored.len().max(1)).map(<[f64]>::to_vec).collect(),
            resampled: study.runs.iter().map(|_| resampled.by_ref().take(scored.len()).collect()).collect(),
        }
    }

    /// Of a label by its position among those that have positives, or the mean over them.
    pub fn measured(&self, run: usize, label: Option<usize>) -> f64 {
        let values = &self.measured[run];
        label.map_or_else(|| values.iter().sum::<f64>() / values.len() as f64, |at| values[at])
    }

    /// The same on resample `at`; a label that the resample has no positive of is left out of the mean.
    pub fn resampled(&self, run: usize, label: Option<usize>, at: usize) -> f32 {
        let values = &self.resampled[run];
        if let Some(label) = label {
            return values[label][at];
        }
        let defined = values.iter().map(|values| values[at]).filter(|value| !value.is_nan());
        let (sum, n) = defined.fold((0.0, 0.0), |(sum, n), value| (sum + value, n + 1.0));
        sum / n
    }
}

/// One label of one run, made ready for resampling, with its value on the test part. The label has positives.
fn column(study: &Study, metric: HeadlineMetric, run: &RunScores, label: usize) -> (Column, f64) {
    let n_labels = study.labels.len();
    let logits = run.logits.iter().skip(label).step_by(n_labels).copied();
    let truth = study.targets.iter().skip(label).step_by(n_labels).copied();
    match metric {
        HeadlineMetric::MapMacro => {
            let ranking = Ranking::new(logits.zip(truth));
            let value = ranking.average_precision().unwrap_or(f64::NAN);
            (Column::AveragePrecision(ranking), value)
        }
        HeadlineMetric::F1Macro => {
            let at = run.thresholds[label];
            let answers: Vec<(bool, bool)> = logits.map(|logit| counts::said(logit, at)).zip(truth).collect();
            let value = counts::Counts::of(answers.iter().copied()).f1().unwrap_or(f64::NAN);
            (Column::F1(answers), value)
        }
    }
}
