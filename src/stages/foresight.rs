//! What a test part can show at best, told from the counts of the split alone, before anything is trained.
//!
//! Two limits, both of the images and of no seed:
//!
//! - A label that fewer than [`MIN_POSITIVES`] test images have, or lack, gets no verdict ([`crate::effects`]).
//! - More seeds do not average away the noise of the test images. Average precision is in effect a mean over the `n` images
//!   that tell a label apart, so its variance is about `a (1 - a) / n` (Boyd, Eng and Page, *Area under the precision-recall
//!   curve: point estimates and confidence intervals*, ECML PKDD 2013: the binomial interval), here with `n - 1`, as a
//!   bootstrap's is corrected. That of the difference between two models on the same images is `2 a (1 - a) (1 - r) / (n - 1)`,
//!   with `r` the correlation between them (Hanley and McNeil, *A method of comparing the areas under receiver operating
//!   characteristic curves derived from the same cases*, Radiology 148, 1983). A difference of `(1.96 + 0.84)` times its root is
//!   found at 0.05 in four studies of five (Cohen 1988).
//!
//! Before training neither `a` nor `r` is known: see [`AVERAGE_PRECISION`] and [`CORRELATION`]. What comes out is an order of
//! magnitude, to be read before a study is paid for.

use std::collections::HashMap;
use std::path::PathBuf;

use indexmap::IndexMap;

use super::error::StageError;
use crate::effects::verdict::MIN_POSITIVES;
use crate::job::input;
use crate::plan::{Plan, Run, output};
use crate::report::{LabelPower, TestPart};
use crate::tables;
use crate::tables::rows::{LabelTable, Part, SplitRow};

/// What a model is taken to reach: the middle, where the noise of images is largest.
const AVERAGE_PRECISION: f64 = 0.5;

/// How alike the noise of variant and baseline is taken to be once seeds are averaged away. In five studies of six labels (96
/// to 383 test images, two or three seeds, TrashNet and drawn scenes) it was 0.81, 0.94, 0.96, 0.97 and 1.00.
const CORRELATION: f64 = 0.9;

/// The normal quantiles of a two-sided test at 0.05 and of a power of four fifths.
const FOUND: f64 = 1.959_963_984_540_054 + 0.841_621_233_572_914_2;

/// The test parts of a study, that of the first variant first, each with the variants that are compared on it. `file` gives the
/// file of a node's output.
///
/// # Errors
/// Where a result is damaged.
pub fn test_parts(
    plan: &Plan,
    file: impl Fn(usize, &'static str) -> Result<PathBuf, StageError>,
) -> Result<Vec<TestPart>, StageError> {
    let mut by_split: IndexMap<usize, Vec<&Run>> = IndexMap::new();
    for run in &plan.runs {
        by_split.entry(plan.input_of(run.train, input::SPLIT)).or_default().push(run);
    }
    let mut parts = Vec::new();
    for (split, runs) in by_split {
        let Some(first) = runs.first() else { continue };
        let labels: LabelTable =
            tables::read(&file(plan.input_of(first.train, input::LABELS), output::LABELS)?)?;
        let rows: Vec<SplitRow> = tables::read(&file(split, output::SPLIT)?)?;
        let mut of: Vec<usize> = runs.iter().map(|run| run.variant).collect();
        of.dedup();
        let variants = of.into_iter().map(|variant| plan.variants[variant].name.clone()).collect();
        parts.push(TestPart { variants, ..test_part(&labels, &rows) });
    }
    Ok(parts)
}

/// What the test part of a split can show, or those of its folds together.
fn test_part(labels: &LabelTable, split: &[SplitRow]) -> TestPart {
    let n_folds = split.iter().map(|row| row.fold + 1).max().unwrap_or(0) as usize;
    let row_of: HashMap<i64, usize> = labels.image_ids.iter().enumerate().map(|(at, &id)| (id, at)).collect();
    let mut images = vec![0u64; n_folds];
    let mut with = vec![vec![0u64; n_folds]; labels.labels.len()];
    for row in split.iter().filter(|row| row.part == Part::Test) {
        let Some(&at) = row_of.get(&row.image_id) else { continue };
        images[row.fold as usize] += 1;
        for (of_label, _) in with.iter_mut().zip(labels.row(at)).filter(|(_, has)| **has) {
            of_label[row.fold as usize] += 1;
        }
    }
    let total: u64 = images.iter().sum();
    let counts: Vec<Counts> = with.iter().map(|with| Counts::of(with, &images)).collect();
    let of_label = |(label, counts): (&String, &Counts)| LabelPower {
        label: label.clone(),
        with: counts.with,
        without: total - counts.with,
        smallest: counts.is_enough().then(|| FOUND * counts.variance().sqrt()),
    };
    // A label that no test image has has no part in the mean.
    let in_mean: Vec<f64> = counts.iter().filter(|counts| counts.with > 0).map(Counts::variance).collect();
    let n = in_mean.len() as f64;
    let tells = counts.iter().any(Counts::is_enough);
    TestPart {
        variants: Vec::new(),
        labels: labels.labels.clone(),
        images: total,
        power: labels.labels.iter().zip(&counts).map(of_label).collect(),
        smallest: tells.then(|| FOUND * in_mean.iter().sum::<f64>().sqrt() / n),
    }
}

/// The test images of one label.
struct Counts {
    with: u64,
    /// Of each fold that has the label, the images with it or without it, whichever are fewer.
    telling: Vec<u64>,
}

impl Counts {
    fn of(with: &[u64], images: &[u64]) -> Self {
        let scored = with.iter().zip(images).filter(|(with, _)| **with > 0);
        Counts {
            with: with.iter().sum(),
            telling: scored.map(|(&with, &all)| with.min(all - with)).collect(),
        }
    }

    /// As effects count them: over all folds, less one for each beyond the first.
    fn is_enough(&self) -> bool {
        let beyond = (self.telling.len() as u64).saturating_sub(1);
        self.telling.iter().sum::<u64>().saturating_sub(beyond) >= MIN_POSITIVES as u64
    }

    /// Of the difference in the label's metric, the mean over the folds that have it.
    fn variance(&self) -> f64 {
        let spread = 2.0 * AVERAGE_PRECISION * (1.0 - AVERAGE_PRECISION) * (1.0 - CORRELATION);
        // From a single image nothing can be told; in a mean it counts as two, as in effects.
        let of_fold = |&n: &u64| spread / (n.max(2) - 1) as f64;
        self.telling.iter().map(of_fold).sum::<f64>() / (self.telling.len().max(1) as f64).powi(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effects::{self, Fold, Looks, Measure, RunScores, Undecided, Verdict};
    use crate::metrics::Calibration;
    use crate::seed::Key;
    use crate::spec::settings::HeadlineMetric;

    /// `counts`: of each fold, its test images and those that have each label. Images with many labels come first.
    fn split(names: &[&str], counts: &[(usize, &[usize])]) -> (LabelTable, Vec<SplitRow>) {
        let mut table = LabelTable {
            labels: names.iter().map(|name| (*name).to_owned()).collect(),
            ..LabelTable::default()
        };
        let mut rows = Vec::new();
        for (fold, (images, with)) in counts.iter().enumerate() {
            for at in 0..*images {
                let image_id = table.image_ids.len() as i64;
                table.image_ids.push(image_id);
                table.positives.extend(with.iter().map(|&n| at < n));
                rows.push(SplitRow { image_id, fold: fold as u32, part: Part::Test });
            }
        }
        (table, rows)
    }

    #[test]
    fn the_smaller_side_of_a_label_decides() {
        let (labels, mut rows) = split(&["few", "half", "most", "none"], &[(60, &[4, 30, 56, 0])]);
        rows.push(SplitRow { image_id: 0, fold: 0, part: Part::Train });
        let found = test_part(&labels, &rows);
        assert_eq!(found.images, 60);
        let without = ["few (4 with, 56 without)", "most (56 with, 4 without)", "none (0 with, 60 without)"];
        assert_eq!(found.without_verdict(), without);
        let half = found.power[1].smallest.unwrap();
        assert!((half - FOUND * (0.05f64 / 29.0).sqrt()).abs() < 1e-12, "{half}");
        // Three labels have a part in the mean: the two small ones with three images beyond the first.
        let mean = FOUND * (2.0 * 0.05f64 / 3.0 + 0.05 / 29.0).sqrt() / 3.0;
        assert!((found.smallest.unwrap() - mean).abs() < 1e-12);
        assert_eq!(test_part(&labels, &[]).smallest, None);
    }

    #[test]
    fn four_times_the_images_halve_the_difference_and_folds_add_up() {
        let smallest = |counts: &[(usize, &[usize])]| {
            let (labels, rows) = split(&["a"], counts);
            test_part(&labels, &rows).power[0].smallest.unwrap()
        };
        assert!((smallest(&[(100, &[26])]) / smallest(&[(400, &[101])]) - 2.0).abs() < 1e-12);
        // Two folds of 26 tell as much as one part of 51: each has one image that it is measured from.
        assert!((smallest(&[(100, &[26]), (100, &[26])]) - smallest(&[(200, &[51])])).abs() < 1e-12);
    }

    /// What is foretold is what comes: effects refuse just these labels, with and without folds.
    #[test]
    fn labels_without_a_verdict_are_those_that_effects_refuse() {
        for counts in [
            vec![(40, vec![4, 5, 36, 35, 20])],
            vec![(20, vec![2, 3, 18, 17, 10]), (20, vec![3, 3, 17, 17, 0])],
        ] {
            let counts: Vec<(usize, &[usize])> =
                counts.iter().map(|(n, with)| (*n, with.as_slice())).collect();
            let (labels, rows) = split(&["a", "b", "c", "d", "e"], &counts);
            let found = test_part(&labels, &rows);
            let none = found.power.iter().filter(|power| power.smallest.is_none());
            let foretold: Vec<&str> = none.map(|power| power.label.as_str()).collect();

            let n_labels = labels.labels.len();
            let mut truths: Vec<Vec<bool>> = vec![Vec::new(); counts.len()];
            rows.iter().for_each(|row| truths[row.fold as usize].extend(labels.row(row.image_id as usize)));
            let mut draws = Key::root(5).draws();
            let mut logits = Vec::new();
            for variant in ["none", "flip"] {
                for seed in 0..2u64 {
                    for (fold, truth) in truths.iter().enumerate() {
                        let logit = |&is: &bool| (draws.normal() + if is { 1.0 } else { -1.0 }) as f32;
                        logits.push((variant, seed, fold, truth.iter().map(logit).collect::<Vec<f32>>()));
                    }
                }
            }
            let thresholds = vec![0.5; n_labels];
            let runs: Vec<RunScores> = logits
                .iter()
                .map(|(variant, seed, fold, logits)| RunScores {
                    variant,
                    seed: *seed,
                    fold: *fold,
                    logits,
                    calibration: &Calibration::None,
                    thresholds: &thresholds,
                    flags: &[],
                })
                .collect();
            let compared = effects::compare(&effects::Study {
                labels: &labels.labels,
                folds: &truths.iter().map(|targets| Fold { targets, n_train: 40 }).collect::<Vec<_>>(),
                runs: &runs,
                contrasts: &effects::pairs_against("none", &runs),
                measures: &[Measure::Headline(HeadlineMetric::MapMacro)],
                equivalence: 0.005,
                looks: &Looks::once(),
                n_resamples: 100,
                key: Key::root(6),
            })
            .unwrap();
            let refused = compared.effects.iter().filter(|effect| {
                matches!(effect.verdict, Verdict::NotEnoughEvidence { reason: Undecided::FewImages { .. } })
            });
            let refused: Vec<&str> = refused.filter_map(|effect| effect.label.as_deref()).collect();
            assert_eq!(refused, foretold);
            assert!(!foretold.is_empty() && foretold.len() < n_labels);
        }
    }
}
