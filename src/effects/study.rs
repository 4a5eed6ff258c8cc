//! All effects of a study: from the runs' scores on the test part to verdicts.

use std::collections::BTreeMap;

use rayon::prelude::*;
use thiserror::Error;

use super::effect::Effect;
use super::holm;
use super::paired::{Paired, correction};
use super::scores::ScoreTable;
use super::seed_runs::{Gathered, Incomplete, gather};
use super::tail::Tail;
use super::truth::{Truth, telling_together};
use super::verdict::{LEVEL, MIN_POSITIVES, Undecided, Verdict, judge};
use crate::metrics::{Calibration, Flag, ScoredError, catalogue};
use crate::seed::Key;
use crate::spec::settings::HeadlineMetric;

/// Resamples of the test images where nothing else is asked for.
pub const RESAMPLES: usize = 2_000;

/// What is known of one run.
#[derive(Clone, Copy, Debug)]
pub struct RunScores<'a> {
    /// Its variant.
    pub variant: &'a str,
    /// Its seed; runs with the same seed are compared.
    pub seed: u64,
    /// The position of its fold in [`Study::folds`]; 0 where there are none.
    pub fold: usize,
    /// Its logits on the test part of its fold, row-major [images, labels].
    pub logits: &'a [f32],
    /// How its logits become probabilities.
    pub calibration: &'a Calibration,
    /// Its thresholds, one per label.
    pub thresholds: &'a [f64],
    /// What is wrong with it.
    pub flags: &'a [Flag],
}

/// Which variant is measured against which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair<'a> {
    /// The variant.
    pub variant: &'a str,
    /// What it is measured against.
    pub baseline: &'a str,
}

/// The runs of a study with what they are compared on.
#[derive(Clone, Copy, Debug)]
pub struct Study<'a> {
    /// The names of the labels.
    pub labels: &'a [String],
    /// The truth of the test part of each fold, row-major [images, labels]: the same for all runs of the fold. One, where
    /// there is one split for all runs.
    pub folds: &'a [&'a [bool]],
    /// In any order.
    pub runs: &'a [RunScores<'a>],
    /// The comparisons, one family for Holm's adjustment; see [`pairs_against`].
    pub pairs: &'a [Pair<'a>],
    /// What is compared.
    pub metrics: &'a [HeadlineMetric],
    /// Half-width of the region of practical equivalence, as a fraction.
    pub equivalence: f64,
    /// Resamples of the test images; [`RESAMPLES`] unless there is a reason.
    pub n_resamples: usize,
    /// Owns the draws of the resamples.
    pub key: Key,
}

/// The effects of a study, and what has none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// By metric, then over all labels before label by label, then in the order of the pairs.
    pub effects: Vec<Effect>,
    /// Labels that no test image of any fold has: they have no effects, and no part in means.
    pub undefined_labels: Vec<String>,
    /// Variants that share no seed with their baseline.
    pub unpaired_variants: Vec<String>,
    /// Variants and seeds that were left out since they lack the run of a fold.
    pub incomplete: Vec<Incomplete>,
}

/// Why runs cannot be compared.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum EffectError {
    /// There is nothing to measure against.
    #[error("baseline `{baseline}` has no run")]
    NoBaseline {
        /// Its name.
        baseline: String,
    },
    /// There is nothing to compare on.
    #[error("the test part is empty, expected at least one image and one label")]
    Empty,
    /// An interval needs resamples.
    #[error("`{n_resamples}` resamples, expected at least `100`")]
    FewResamples {
        /// What was asked for.
        n_resamples: usize,
    },
    /// Two runs claim the same place.
    #[error("variant `{variant}` has two runs with seed `{seed}` and fold `{fold}`, expected one")]
    Twice {
        /// The variant.
        variant: String,
        /// The seed.
        seed: u64,
        /// The fold; 0 where there are none.
        fold: usize,
    },
    /// A run's fold is none of the study's.
    #[error("variant `{variant}`, seed `{seed}` has fold `{fold}`, expected one below `{n_folds}`")]
    Fold {
        /// The variant.
        variant: String,
        /// The seed.
        seed: u64,
        /// The fold.
        fold: usize,
        /// Folds there are.
        n_folds: usize,
    },
    /// A run was scored on other images or labels.
    #[error("cannot score the run of variant `{variant}` with seed `{seed}`")]
    Scores {
        /// The variant.
        variant: String,
        /// The seed.
        seed: u64,
        /// What does not fit.
        source: ScoredError,
    },
    /// A run's thresholds are not one per label.
    #[error("variant `{variant}`, seed `{seed}` has `{found}` thresholds, expected `{expected}`")]
    Thresholds {
        /// The variant.
        variant: String,
        /// The seed.
        seed: u64,
        /// Thresholds there are.
        found: usize,
        /// Labels there are.
        expected: usize,
    },
}

/// Every variant but the baseline against it, in the order in which the runs name them.
pub fn pairs_against<'a>(baseline: &'a str, runs: &[RunScores<'a>]) -> Vec<Pair<'a>> {
    let mut pairs: Vec<Pair<'a>> = Vec::new();
    for run in runs {
        if run.variant != baseline && pairs.iter().all(|pair| pair.variant != run.variant) {
            pairs.push(Pair { variant: run.variant, baseline });
        }
    }
    pairs
}

/// Measures each pair. The order of runs, and the number of threads, change no number.
///
/// # Errors
/// Where a baseline has no run, or the runs do not belong to the same images and labels.
pub fn compare(study: &Study) -> Result<Comparison, EffectError> {
    let runs = check(study)?;
    let n_labels = study.labels.len();
    let truth = Truth::new(study.folds, n_labels);
    let (scored, undefined): (Vec<usize>, Vec<usize>) =
        (0..n_labels).partition(|&label| truth.is_scored(label));

    let (paired, unpaired): (Vec<Matched>, Vec<Matched>) = study
        .pairs
        .iter()
        .map(|&pair| Matched::new(pair, &runs))
        .partition(|matched| !matched.seeds.is_empty());

    let mut effects = Vec::new();
    for &metric in study.metrics {
        let table = ScoreTable::new(study, metric, &truth, &scored, &runs.complete);
        let over_all = (!scored.is_empty()).then_some(None);
        for label in over_all.into_iter().chain((0..scored.len()).map(Some)) {
            let n_telling: Vec<usize> = match label {
                Some(at) => truth.telling(scored[at]),
                None => scored.iter().flat_map(|&label| truth.telling(label)).collect(),
            };
            let together = label.map(|_| telling_together(&n_telling));
            let few = together.filter(|&n| n < MIN_POSITIVES);
            let correction = correction(n_telling.into_iter());
            let measure = |matched| Measured::new(study, matched, &table, label, correction);
            let family: Vec<Measured> = paired.par_iter().map(measure).collect();
            let name = label.map(|at| study.labels[scored[at]].clone());
            effects.extend(judged(study, metric, name, few, &runs, &paired, family));
        }
    }
    Ok(Comparison {
        effects,
        undefined_labels: undefined.into_iter().map(|label| study.labels[label].clone()).collect(),
        unpaired_variants: unpaired.into_iter().map(|matched| matched.pair.variant.to_owned()).collect(),
        incomplete: runs.incomplete,
    })
}

fn check<'a>(study: &Study<'a>) -> Result<Gathered<'a>, EffectError> {
    let no_images = study.folds.iter().any(|targets| targets.is_empty());
    if study.folds.is_empty() || no_images || study.labels.is_empty() {
        return Err(EffectError::Empty);
    }
    if study.n_resamples < 100 {
        return Err(EffectError::FewResamples { n_resamples: study.n_resamples });
    }
    let runs = gather(study)?;
    match study.pairs.iter().find(|pair| !runs.variants.contains_key(pair.baseline)) {
        Some(pair) => Err(EffectError::NoBaseline { baseline: pair.baseline.to_owned() }),
        None => Ok(runs),
    }
}

/// A pair with the seeds that both have, ascending: seed, and where its runs stand, of the variant and of the baseline.
struct Matched<'a> {
    pair: Pair<'a>,
    seeds: Vec<(u64, usize, usize)>,
}

impl<'a> Matched<'a> {
    fn new(pair: Pair<'a>, gathered: &Gathered<'a>) -> Self {
        let runs = |variant| gathered.variants.get(variant).into_iter().flatten();
        let of_baseline: BTreeMap<u64, usize> =
            runs(pair.baseline).map(|(&seed, &run)| (seed, run)).collect();
        let seeds =
            runs(pair.variant).filter_map(|(&seed, &run)| Some((seed, run, *of_baseline.get(&seed)?)));
        Matched { pair, seeds: seeds.collect() }
    }
}

/// A pair's difference, with interval and p-value where there are any.
struct Measured {
    deltas: Vec<f64>,
    paired: Paired,
    /// Half-width of the interval, p-value, probability of improvement.
    inference: Option<(f64, f64, f64)>,
}

impl Measured {
    fn new(
        study: &Study,
        matched: &Matched,
        table: &ScoreTable,
        label: Option<usize>,
        correction: f64,
    ) -> Self {
        let delta = |&(_, run, baseline): &(u64, usize, usize)| {
            table.measured(run, label) - table.measured(baseline, label)
        };
        let resampled = |&(_, run, baseline): &(u64, usize, usize)| {
            (0..study.n_resamples)
                .map(|at| table.resampled(run, label, at) - table.resampled(baseline, label, at))
                .collect::<Vec<f32>>()
        };
        let deltas: Vec<f64> = matched.seeds.iter().map(delta).collect();
        let paired =
            Paired::new(&deltas, &matched.seeds.iter().map(resampled).collect::<Vec<_>>(), correction);
        let inference = (paired.n_seeds >= 2 && !paired.is_rigid()).then(|| {
            let tail = Tail::new(paired.n_seeds - 1);
            let (t_variance, z_variance) = (paired.t_variance(), paired.image_variance);
            let p = tail.two_sided(paired.delta, t_variance, z_variance);
            let better = if paired.delta > 0.0 { 1.0 - p / 2.0 } else { p / 2.0 };
            (tail.quantile(LEVEL, t_variance, z_variance), p, better)
        });
        Measured { deltas, paired, inference }
    }
}

/// The effects of one family: a metric and label over all pairs.
fn judged(
    study: &Study,
    metric: HeadlineMetric,
    label: Option<String>,
    few_images: Option<usize>,
    runs: &Gathered,
    pairs: &[Matched],
    family: Vec<Measured>,
) -> Vec<Effect> {
    let p_values: Vec<f64> =
        family.iter().filter_map(|measured| measured.inference).map(|(_, p, _)| p).collect();
    let mut adjusted = holm::adjust(&p_values).into_iter().zip(holm::factors(&p_values));
    let name = metric_name(metric, label.is_some());
    let judge_one = |(matched, measured): (&Matched, Measured)| {
        let Measured { deltas, paired, inference } = measured;
        let in_family = inference.and_then(|_| adjusted.next());
        let verdict = match (spoiled(study, runs, matched, few_images), inference, in_family) {
            (None, Some((half_width, ..)), Some((p_adjusted, factor))) => {
                judge(&paired, half_width, p_adjusted, factor, study.equivalence)
            }
            (reason, ..) => Verdict::NotEnoughEvidence { reason: reason.unwrap_or(Undecided::NoSpread) },
        };
        Effect {
            variant: matched.pair.variant.to_owned(),
            baseline: matched.pair.baseline.to_owned(),
            label: label.clone(),
            metric: name,
            seeds: matched.seeds.iter().map(|&(seed, ..)| seed).collect(),
            deltas,
            delta: paired.delta,
            interval: inference.map(|(half, ..)| [paired.delta - half, paired.delta + half]),
            seed_error: (paired.n_seeds >= 2).then(|| paired.t_variance().sqrt()),
            image_error: paired.image_variance.sqrt(),
            p: inference.map(|(_, p, _)| p),
            p_adjusted: in_family.map(|(p_adjusted, _)| p_adjusted),
            probability_of_improvement: inference.map(|(.., better)| better),
            verdict,
        }
    };
    pairs.iter().zip(family).map(judge_one).collect()
}

/// What speaks against any verdict, gravest first.
fn spoiled(
    study: &Study,
    gathered: &Gathered,
    matched: &Matched,
    few_images: Option<usize>,
) -> Option<Undecided> {
    let both = matched.seeds.iter().flat_map(|&(_, of_variant, of_baseline)| [of_variant, of_baseline]);
    let runs: Vec<usize> = both.flat_map(|at| gathered.complete[at].runs.iter().copied()).collect();
    let is_spoiled = |run: &&usize| study.runs[**run].flags.iter().any(Flag::spoils_comparison);
    let n_runs = runs.iter().filter(is_spoiled).count() as u32;
    if n_runs > 0 {
        return Some(Undecided::Degenerate { n_runs, of: runs.len() as u32 });
    }
    if let Some(n_images) = few_images {
        return Some(Undecided::FewImages { n_images: n_images as u32 });
    }
    (matched.seeds.len() < 2).then_some(Undecided::OneSeed)
}

/// The metric's name in the tables: over all labels, or of one.
pub fn metric_name(metric: HeadlineMetric, of_label: bool) -> &'static str {
    match (metric, of_label) {
        (HeadlineMetric::MapMacro, false) => catalogue::MAP_MACRO,
        (HeadlineMetric::MapMacro, true) => catalogue::AP,
        (HeadlineMetric::F1Macro, false) => catalogue::F1_MACRO,
        (HeadlineMetric::F1Macro, true) => catalogue::F1,
    }
}
