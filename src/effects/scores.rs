//! The metric of every variant and seed, label by label and on average: on the test part, and on each resample of its images.
//!
//! With folds each run ranks the test images of its own fold, and a seed's value is the mean over its folds. Logits of different
//! models are never put into one ranking: they are not on one scale (Forman and Scholz, "Apples-to-apples in
//! cross-validation studies", SIGKDD Explorations 12(1), 2010). A fold without a positive of a label has no part in that label's mean.
//! Test images are resampled where there is one split.
//!
//! All labels of a large study take gigabytes on all resamples. So a table is made of a few labels at a time, and their mean is summed
//! up as they come.

use rayon::prelude::*;

use super::images::{Blocks, Column, resample};
use super::measure::Measure;
use super::seed_runs::SeedRuns;
use super::study::Study;
use super::truth::Truth;
use crate::metrics::ranking::LANES;

/// Resampled values that are in memory at once, of 4 bytes each. Each table draws the resamples anew, which takes long beside the scoring of
/// a few columns only.
const VALUES_AT_ONCE: usize = 1 << 25;

/// One measure of every variant and seed on some labels, as measured and on each resample.
pub struct ScoreTable {
    n_seed_runs: usize,
    n_folds: usize,
    /// [labels][variant and seed][folds]; NaN where a fold has none.
    by_fold: Vec<f64>,
    /// Columns: [labels][variant and seed]. No blocks where there are several folds: how they differ tells more.
    blocks: Blocks,
}

impl ScoreTable {
    /// Labels that are put into one table.
    pub fn labels_at_once(study: &Study, n_seed_runs: usize) -> usize {
        (VALUES_AT_ONCE / (n_seed_runs * study.n_resamples).max(1)).max(1)
    }

    /// `labels`: positions of labels that can be measured in some fold.
    pub fn new(
        study: &Study,
        measure: &Measure,
        truth: &Truth,
        labels: &[usize],
        seed_runs: &[SeedRuns],
    ) -> Self {
        let (n_seed_runs, n_folds) = (seed_runs.len(), study.folds.len());
        let mut by_fold = vec![f64::NAN; labels.len() * n_seed_runs * n_folds];
        let mut blocks = Blocks::new();
        for fold in 0..n_folds {
            let here: Vec<usize> =
                (0..labels.len()).filter(|&at| truth.is_scored_in(fold, labels[at])).collect();
            // All labels of a run one after another: its logits lie together.
            let places: Vec<(usize, usize)> =
                seed_runs.iter().flat_map(|of| here.iter().map(|&at| (of.runs[fold], labels[at]))).collect();
            let (columns, measured) = measure.columns(study, &places);
            for (seed_runs, of_labels) in measured.chunks_exact(here.len().max(1)).enumerate() {
                for (&at, &value) in here.iter().zip(of_labels) {
                    by_fold[(at * n_seed_runs + seed_runs) * n_folds + fold] = value;
                }
            }
            if n_folds == 1 {
                // The one fold has every label that can be measured.
                let of_label = |at: usize| columns.iter().skip(at).step_by(labels.len());
                let columns: Vec<&Column> = (0..labels.len()).flat_map(of_label).collect();
                blocks = resample(&columns, truth.n_images(fold), study.n_resamples, study.key);
            }
        }
        ScoreTable { n_seed_runs, n_folds, by_fold, blocks }
    }

    /// Those of a label, by its position among the table's.
    pub fn of(&self, label: usize) -> Scores<'_> {
        let (n, first) = (self.n_seed_runs, label * self.n_seed_runs);
        let by_fold = &self.by_fold[first * self.n_folds..(first + n) * self.n_folds];
        Scores { by_fold, n_folds: self.n_folds, blocks: &self.blocks, first, n }
    }
}

/// One measure of every variant and seed, on one label or on average.
#[derive(Clone, Copy)]
pub struct Scores<'a> {
    /// [variant and seed][folds]; NaN where a fold has none.
    by_fold: &'a [f64],
    n_folds: usize,
    blocks: &'a Blocks,
    /// The columns of the blocks.
    first: usize,
    n: usize,
}

impl<'a> Scores<'a> {
    /// The mean over the folds that have it.
    pub fn measured(&self, seed_runs: usize) -> f64 {
        let of_folds = &self.by_fold[seed_runs * self.n_folds..(seed_runs + 1) * self.n_folds];
        let defined = of_folds.iter().filter(|value| !value.is_nan());
        let (sum, n) = defined.fold((0.0, 0.0), |(sum, n), value| (sum + value, n + 1.0));
        sum / n
    }

    /// In one fold; NaN where it has no positive of the label.
    pub fn measured_in(&self, seed_runs: usize, fold: usize) -> f64 {
        self.by_fold[seed_runs * self.n_folds + fold]
    }

    /// On all resamples, block after block: [variant and seed][resamples of the block]; NaN where a resample has none. None where there
    /// are several folds.
    pub fn resampled(self) -> impl Iterator<Item = &'a [[f32; LANES]]> {
        let columns = self.first..self.first + self.n;
        self.blocks.iter().map(move |block| &block[columns.clone()])
    }
}

/// The mean over labels, summed up table by table. A label without a positive in a fold or a resample has no part in that one's mean.
pub struct LabelMean {
    n_seed_runs: usize,
    n_folds: usize,
    /// Sum and number of defined values: [variant and seed][folds].
    by_fold: Vec<(f64, f64)>,
    /// Columns: [variant and seed].
    sums: Blocks,
    /// How many values are in the sums.
    counts: Blocks,
}

impl LabelMean {
    /// Of no label yet.
    pub fn new(study: &Study, n_seed_runs: usize) -> Self {
        let n_folds = study.folds.len();
        let n_blocks = if n_folds == 1 { study.n_resamples.div_ceil(LANES) } else { 0 };
        let zeros = vec![vec![[0.0; LANES]; n_seed_runs]; n_blocks];
        let by_fold = vec![(0.0, 0.0); n_seed_runs * n_folds];
        LabelMean { n_seed_runs, n_folds, by_fold, counts: zeros.clone(), sums: zeros }
    }

    /// Takes in the table's labels, in their order.
    pub fn add(&mut self, table: &ScoreTable) {
        for of_label in table.by_fold.chunks_exact(self.by_fold.len().max(1)) {
            let defined = self.by_fold.iter_mut().zip(of_label).filter(|(_, value)| !value.is_nan());
            defined.for_each(|((sum, n), value)| (*sum, *n) = (*sum + value, *n + 1.0));
        }
        let n_columns = self.n_seed_runs.max(1);
        let blocks = self.sums.par_iter_mut().zip(&mut self.counts).zip(&table.blocks);
        blocks.for_each(|((sums, counts), block)| {
            for of_label in block.chunks_exact(n_columns) {
                for ((sums, counts), values) in sums.iter_mut().zip(counts.iter_mut()).zip(of_label) {
                    for lane in 0..LANES {
                        let is_defined = !values[lane].is_nan();
                        sums[lane] += if is_defined { values[lane] } else { 0.0 };
                        counts[lane] += f32::from(u8::from(is_defined));
                    }
                }
            }
        });
    }

    /// The means, as a table of one label.
    pub fn table(self) -> ScoreTable {
        let mut blocks = self.sums;
        let means = blocks.iter_mut().flatten().zip(self.counts.iter().flatten());
        means.for_each(|(sums, counts)| *sums = std::array::from_fn(|lane| sums[lane] / counts[lane]));
        ScoreTable {
            n_seed_runs: self.n_seed_runs,
            n_folds: self.n_folds,
            by_fold: self.by_fold.into_iter().map(|(sum, n)| sum / n).collect(),
            blocks,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::study::{Fold, RunScores};
    use super::*;
    use crate::effects::Looks;
    use crate::metrics::Calibration;
    use crate::seed::Key;
    use crate::spec::settings::HeadlineMetric;

    /// Three labels of two runs, of which the last has one positive among 20 images: some resamples lack it.
    #[test]
    fn labels_put_into_tables_in_groups_change_no_number() {
        let n_images = 20;
        let mut draws = Key::root(8).draws();
        let targets: Vec<bool> =
            (0..n_images).flat_map(|image| [image % 2 == 0, image % 3 == 0, image == 7]).collect();
        let logits: Vec<Vec<f32>> =
            (0..2).map(|_| targets.iter().map(|_| draws.normal() as f32).collect()).collect();
        let runs: Vec<RunScores> = (0..)
            .zip(&logits)
            .map(|(seed, logits)| RunScores {
                variant: "none",
                seed,
                fold: 0,
                logits,
                calibration: &Calibration::None,
                thresholds: &[0.5; 3],
                flags: &[],
            })
            .collect();
        let study = Study {
            labels: &["a", "b", "c"].map(str::to_owned),
            folds: &[Fold { targets: &targets, n_train: 0 }],
            runs: &runs,
            contrasts: &[],
            measures: &[],
            equivalence: 0.01,
            // No whole number of blocks.
            n_resamples: 100,
            looks: &Looks::once(),
            key: Key::root(9),
        };
        let measure = Measure::Headline(HeadlineMetric::MapMacro);
        let truth = measure.truth(&study);
        let seed_runs = [0, 1].map(|run| SeedRuns { runs: vec![run] });
        let bits = |groups: &[&[usize]]| -> Vec<Vec<Option<u32>>> {
            let mut mean = LabelMean::new(&study, seed_runs.len());
            let mut found = Vec::new();
            let mut take = |table: &ScoreTable, n_labels: usize| {
                for label in 0..n_labels {
                    let values = table
                        .of(label)
                        .resampled()
                        .flatten()
                        .flatten()
                        .map(|value| (!value.is_nan()).then(|| value.to_bits()));
                    found.push(values.collect());
                }
            };
            for labels in groups {
                let table = ScoreTable::new(&study, &measure, &truth, labels, &seed_runs);
                mean.add(&table);
                take(&table, labels.len());
            }
            take(&mean.table(), 1);
            found
        };
        let together = bits(&[&[0, 1, 2]]);
        assert_eq!(bits(&[&[0, 1], &[2]]), together);
        assert_eq!(bits(&[&[0], &[1], &[2]]), together);

        let value = |label: usize, at: usize| together[label][at].map(f32::from_bits).unwrap();
        let with_last = together[2].iter().position(Option::is_some).unwrap();
        let without_last = together[2].iter().position(Option::is_none).unwrap();
        let of_three = value(0, with_last) + value(1, with_last) + value(2, with_last);
        assert_eq!(value(3, with_last), of_three / 3.0);
        assert_eq!(value(3, without_last), (value(0, without_last) + value(1, without_last)) / 2.0);
    }
}
