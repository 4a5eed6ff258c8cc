//! All effects of a study: from the runs' scores on the test part to verdicts.

use std::collections::BTreeMap;

use rayon::prelude::*;
use thiserror::Error;

use super::effect::Effect;
use super::holm;
use super::images::{Column, resample};
use super::paired::{Paired, correction};
use super::tail::Tail;
use super::verdict::{LEVEL, MIN_POSITIVES, Undecided, Verdict, judge};
use crate::metrics::{Flag, Ranking, Scored, ScoredError, catalogue, counts};
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
    /// Its logits on the test part, row-major [images, labels].
    pub logits: &'a [f32],
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
    /// The truth of the test part, row-major [images, labels]: the same for all runs.
    pub targets: &'a [bool],
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
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// By metric, then over all labels before label by label, then in the order of the pairs.
    pub effects: Vec<Effect>,
    /// Labels that no test image has: they have no effects, and no part in means.
    pub undefined_labels: Vec<String>,
    /// Variants that share no seed with their baseline.
    pub unpaired_variants: Vec<String>,
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
    /// The test part is empty.
    #[error("the test part has no images, expected at least one")]
    NoImages,
    /// An interval needs resamples.
    #[error("`{n_resamples}` resamples, expected at least `100`")]
    FewResamples {
        /// What was asked for.
        n_resamples: usize,
    },
    /// Two runs claim the same place.
    #[error("variant `{variant}` has two runs with seed `{seed}`, expected one")]
    Twice {
        /// The variant.
        variant: String,
        /// The seed.
        seed: u64,
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
    let variants = check(study)?;
    let n_labels = study.labels.len();
    let n_images = study.targets.len() / n_labels;
    let n_positives: Vec<usize> = (0..n_labels)
        .map(|label| study.targets.iter().skip(label).step_by(n_labels).filter(|&&t| t).count())
        .collect();
    let (scored, undefined): (Vec<usize>, Vec<usize>) =
        (0..n_labels).partition(|&label| n_positives[label] > 0);

    let (paired, unpaired): (Vec<Matched>, Vec<Matched>) = study
        .pairs
        .iter()
        .map(|&pair| Matched::new(pair, &variants))
        .partition(|matched| !matched.seeds.is_empty());

    let mut effects = Vec::new();
    for &metric in study.metrics {
        let table = ScoreTable::new(study, metric, &scored, n_images);
        let over_all = (!scored.is_empty()).then_some(None);
        for label in over_all.into_iter().chain((0..scored.len()).map(Some)) {
            let n_telling: Vec<usize> = match label {
                Some(at) => vec![n_positives[scored[at]]],
                None => scored.iter().map(|&label| n_positives[label]).collect(),
            };
            let n_telling = n_telling.into_iter().map(|n| n.min(n_images - n));
            let few = label.and(n_telling.clone().min()).filter(|&n| n < MIN_POSITIVES);
            let correction = correction(n_telling);
            let measure = |matched| Measured::new(study, matched, &table, label, correction);
            let family: Vec<Measured> = paired.par_iter().map(measure).collect();
            let name = label.map(|at| study.labels[scored[at]].clone());
            effects.extend(judged(study, metric, name, few, &paired, family));
        }
    }
    Ok(Comparison {
        effects,
        undefined_labels: undefined.into_iter().map(|label| study.labels[label].clone()).collect(),
        unpaired_variants: unpaired.into_iter().map(|matched| matched.pair.variant.to_owned()).collect(),
    })
}

/// Variant to seed to the position of the run.
type Variants<'a> = BTreeMap<&'a str, BTreeMap<u64, usize>>;

fn check<'a>(study: &Study<'a>) -> Result<Variants<'a>, EffectError> {
    if study.targets.is_empty() {
        return Err(EffectError::NoImages);
    }
    if study.n_resamples < 100 {
        return Err(EffectError::FewResamples { n_resamples: study.n_resamples });
    }
    let mut variants: Variants = BTreeMap::new();
    for (at, run) in study.runs.iter().enumerate() {
        let (variant, seed, expected) = (run.variant.to_owned(), run.seed, study.labels.len());
        if let Err(source) = Scored::new(expected, run.logits, study.targets) {
            return Err(EffectError::Scores { variant, seed, source });
        }
        if run.thresholds.len() != expected {
            return Err(EffectError::Thresholds { variant, seed, found: run.thresholds.len(), expected });
        }
        if variants.entry(run.variant).or_default().insert(run.seed, at).is_some() {
            return Err(EffectError::Twice { variant, seed });
        }
    }
    match study.pairs.iter().find(|pair| !variants.contains_key(pair.baseline)) {
        Some(pair) => Err(EffectError::NoBaseline { baseline: pair.baseline.to_owned() }),
        None => Ok(variants),
    }
}

/// A pair with the seeds that both have, ascending: seed, run of the variant, run of the baseline.
struct Matched<'a> {
    pair: Pair<'a>,
    seeds: Vec<(u64, usize, usize)>,
}

impl<'a> Matched<'a> {
    fn new(pair: Pair<'a>, variants: &Variants<'a>) -> Self {
        let runs = |variant| variants.get(variant).into_iter().flatten();
        let of_baseline: BTreeMap<u64, usize> =
            runs(pair.baseline).map(|(&seed, &run)| (seed, run)).collect();
        let seeds =
            runs(pair.variant).filter_map(|(&seed, &run)| Some((seed, run, *of_baseline.get(&seed)?)));
        Matched { pair, seeds: seeds.collect() }
    }
}

/// One metric of every run and label, as measured and on each resample.
struct ScoreTable {
    /// [run][label that has positives].
    measured: Vec<Vec<f64>>,
    /// The same, each with one value per resample.
    resampled: Vec<Vec<Vec<f32>>>,
}

impl ScoreTable {
    /// `scored`: positions of the labels that have positives.
    fn new(study: &Study, metric: HeadlineMetric, scored: &[usize], n_images: usize) -> Self {
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
    fn measured(&self, run: usize, label: Option<usize>) -> f64 {
        let values = &self.measured[run];
        label.map_or_else(|| values.iter().sum::<f64>() / values.len() as f64, |at| values[at])
    }

    /// The same on resample `at`; a label that the resample has no positive of is left out of the mean.
    fn resampled(&self, run: usize, label: Option<usize>, at: usize) -> f32 {
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
        let verdict = match (spoiled(study, matched, few_images, &paired), inference, in_family) {
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
    matched: &Matched,
    few_images: Option<usize>,
    paired: &Paired,
) -> Option<Undecided> {
    let runs = matched.seeds.iter().flat_map(|&(_, run, baseline)| [run, baseline]);
    let n_runs = runs.filter(|&run| study.runs[run].flags.iter().any(Flag::spoils_comparison)).count() as u32;
    if n_runs > 0 {
        return Some(Undecided::Degenerate { n_runs, of: 2 * paired.n_seeds });
    }
    if let Some(n_images) = few_images {
        return Some(Undecided::FewImages { n_images: n_images as u32 });
    }
    (paired.n_seeds < 2).then_some(Undecided::OneSeed)
}

fn metric_name(metric: HeadlineMetric, of_label: bool) -> &'static str {
    match (metric, of_label) {
        (HeadlineMetric::MapMacro, false) => catalogue::MAP_MACRO,
        (HeadlineMetric::MapMacro, true) => catalogue::AP,
        (HeadlineMetric::F1Macro, false) => catalogue::F1_MACRO,
        (HeadlineMetric::F1Macro, true) => catalogue::F1,
    }
}
