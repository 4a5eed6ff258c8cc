//! What is compared: a metric of scores against the truth, or the mean of a value that each image has.

use rayon::prelude::*;

use super::images::Column;
use super::study::{RunScores, Study};
use super::truth::Truth;
use crate::metrics::{Ranking, catalogue, counts};
use crate::spec::settings::HeadlineMetric;

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Measure<'a> {
    /// A metric of the logits.
    Headline(HeadlineMetric),
    /// The mean over images of a value that is there for some images and labels.
    OfImages(OfImages<'a>),
}

/// A value of each image and label, such as where a model looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OfImages<'a> {
    /// Its name in the tables.
    pub name: &'static str,
    /// For each run of the study, in its order: row-major [images, labels] of its fold; NaN where there is none.
    pub values: &'a [Vec<f32>],
}

impl Measure<'_> {
    /// The name in the tables: over all labels, or of one.
    pub fn name(&self, of_label: bool) -> &'static str {
        match (self, of_label) {
            (Measure::Headline(HeadlineMetric::MapMacro), false) => catalogue::MAP_MACRO,
            (Measure::Headline(HeadlineMetric::MapMacro), true) => catalogue::AP,
            (Measure::Headline(HeadlineMetric::F1Macro), false) => catalogue::F1_MACRO,
            (Measure::Headline(HeadlineMetric::F1Macro), true) => catalogue::F1,
            (Measure::OfImages(values), _) => values.name,
        }
    }

    /// Which labels can be measured, in which folds, and by how many images.
    pub(super) fn truth(&self, study: &Study) -> Truth {
        let n_labels = study.labels.len();
        match self {
            Measure::Headline(_) => {
                Truth::new(&study.folds.iter().map(|fold| fold.targets).collect::<Vec<_>>(), n_labels)
            }
            Measure::OfImages(of) => {
                let n_images = study.folds.iter().map(|fold| fold.targets.len() / n_labels).collect();
                let mut fewest = vec![vec![usize::MAX; n_labels]; study.folds.len()];
                for (run, values) in study.runs.iter().zip(of.values) {
                    for (label, fewest) in fewest[run.fold].iter_mut().enumerate() {
                        let there = values.iter().skip(label).step_by(n_labels).filter(|v| !v.is_nan());
                        *fewest = (*fewest).min(there.count());
                    }
                }
                Truth::of_values(n_images, fewest)
            }
        }
    }

    /// One label of one run, made ready for resampling, with its value on the run's test part. The label can be measured there.
    pub(super) fn column(&self, study: &Study, run_idx: usize, label: usize) -> (Column, f64) {
        let run = &study.runs[run_idx];
        match self {
            Measure::Headline(metric) => scored(study, *metric, run, label),
            Measure::OfImages(of) => {
                let values = of.values[run_idx].iter().skip(label).step_by(study.labels.len());
                let values: Vec<f32> = values.copied().collect();
                let there = || values.iter().filter(|v| !v.is_nan()).map(|&v| f64::from(v));
                let mean = there().sum::<f64>() / there().count() as f64;
                (Column::Mean(values), mean)
            }
        }
    }

    /// The columns of many runs and labels, with their values.
    pub(super) fn columns(&self, study: &Study, places: &[(usize, usize)]) -> (Vec<Column>, Vec<f64>) {
        places.par_iter().map(|&(run, label)| self.column(study, run, label)).unzip()
    }
}

fn scored(study: &Study, metric: HeadlineMetric, run: &RunScores, label: usize) -> (Column, f64) {
    let n_labels = study.labels.len();
    let logits = run.logits.iter().skip(label).step_by(n_labels).copied();
    let truth = study.folds[run.fold].targets.iter().skip(label).step_by(n_labels).copied();
    match metric {
        HeadlineMetric::MapMacro => {
            let ranking = Ranking::new(logits.zip(truth));
            let value = ranking.average_precision().unwrap_or(f64::NAN);
            (Column::AveragePrecision(ranking), value)
        }
        HeadlineMetric::F1Macro => {
            let at = run.thresholds[label];
            let said = |logit| counts::said(run.calibration.probability(label, logit), at);
            let answers: counts::Answers = logits.map(said).zip(truth).collect();
            let value = answers.f1().unwrap_or(f64::NAN);
            (Column::F1(answers), value)
        }
    }
}
