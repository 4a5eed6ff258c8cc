//! All effects of a study: from the runs' scores on the test part to verdicts.

use rayon::prelude::*;

use super::contrast::{Contrast, Kind};
use super::effect::Effect;
use super::error::EffectError;
use super::looks::Looks;
use super::measure::Measure;
use super::measured::{Matched, Measured, judged};
use super::paired::correction;
use super::scores::{LabelMean, ScoreTable, Scores};
use super::seed_runs::{Gathered, Incomplete, gather};
use super::truth::telling_together;
use super::verdict::MIN_POSITIVES;
use crate::metrics::{Calibration, Flag};
use crate::seed::Key;

/// Resamples of the test images where nothing else is asked for.
pub const RESAMPLES: usize = 2_000;

/// Contrasts that one thread measures together, so that it reads resampled values in longer pieces.
const MEASURED_TOGETHER: usize = 8;

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

/// The test part of a fold, or of the one split.
#[derive(Clone, Copy, Debug)]
pub struct Fold<'a> {
    /// The truth, row-major [images, labels]: the same for all runs of the fold.
    pub targets: &'a [bool],
    /// Images that the fold's runs are trained on. Read where there are several folds.
    pub n_train: usize,
}

/// The runs of a study with what they are compared on.
#[derive(Clone, Copy, Debug)]
pub struct Study<'a> {
    /// The names of the labels.
    pub labels: &'a [String],
    /// One for each fold; one where there is one split for all runs.
    pub folds: &'a [Fold<'a>],
    /// In any order.
    pub runs: &'a [RunScores<'a>],
    /// What is asked; those of one kind are one family for Holm's adjustment. See [`pairs_against`] and [`design`](super::design).
    pub contrasts: &'a [Contrast<'a>],
    /// What is compared.
    pub measures: &'a [Measure<'a>],
    /// Half-width of the region of practical equivalence, as a fraction.
    pub equivalence: f64,
    /// Resamples of the test images; [`RESAMPLES`] unless there is a reason.
    pub n_resamples: usize,
    /// When the study is looked at; once unless seeds are added until it is decided.
    pub looks: &'a Looks,
    /// Owns the draws of the resamples.
    pub key: Key,
}

impl Study<'_> {
    /// Images that a fold tests on for each that it trains on.
    pub(super) fn test_to_train(&self) -> f64 {
        let n_test: usize = self.folds.iter().map(|fold| fold.targets.len() / self.labels.len()).sum();
        let n_train: usize = self.folds.iter().map(|fold| fold.n_train).sum();
        n_test as f64 / n_train.max(1) as f64
    }
}

/// The effects of a study, and what has none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// By measure, then over all labels before label by label, then by kind, then in the order of the contrasts.
    pub effects: Vec<Effect>,
    /// Labels that no test image of any fold has: they have no effects, and no part in means.
    pub undefined_labels: Vec<String>,
    /// Variants that share no seed with their baseline.
    pub unpaired_variants: Vec<String>,
    /// Other contrasts whose variants share no seed.
    pub unpaired_contrasts: Vec<String>,
    /// Variants and seeds that were left out since they lack the run of a fold.
    pub incomplete: Vec<Incomplete>,
}

/// Every variant but the baseline against it, in the order in which the runs name them.
pub fn pairs_against<'a>(baseline: &'a str, runs: &[RunScores<'a>]) -> Vec<Contrast<'a>> {
    let variants: indexmap::IndexSet<&'a str> = runs.iter().map(|run| run.variant).collect();
    variants
        .into_iter()
        .filter(|variant| *variant != baseline)
        .map(|variant| Contrast::pair(variant, baseline))
        .collect()
}

/// Measures each contrast. The order of runs, and the number of threads, change no number.
///
/// # Errors
/// Where a baseline has no run, or the runs do not belong to the same images and labels.
pub fn compare(study: &Study) -> Result<Comparison, EffectError> {
    let runs = check(study)?;
    let (paired, unpaired): (Vec<Matched>, Vec<Matched>) = study
        .contrasts
        .iter()
        .map(|contrast| Matched::new(contrast, &runs))
        .partition(|matched| !matched.seeds.is_empty());

    let mut effects = Vec::new();
    for measure in study.measures {
        effects.extend(effects_on(study, measure, &runs, &paired));
    }
    let (variants, others): (Vec<&Contrast>, Vec<&Contrast>) =
        unpaired.iter().map(|matched| matched.contrast).partition(|contrast| contrast.kind == Kind::Variant);
    let subjects = |of: Vec<&Contrast>| of.into_iter().map(|contrast| contrast.subject.clone()).collect();
    Ok(Comparison {
        effects,
        undefined_labels: undefined_labels(study),
        unpaired_variants: subjects(variants),
        unpaired_contrasts: subjects(others),
        incomplete: runs.incomplete,
    })
}

fn effects_on(study: &Study, measure: &Measure, runs: &Gathered, paired: &[Matched]) -> Vec<Effect> {
    let truth = measure.truth(study);
    let scored: Vec<usize> = (0..study.labels.len()).filter(|&label| truth.is_scored(label)).collect();
    if scored.is_empty() {
        return Vec::new();
    }
    let effects_of = |labels: &[usize], name: Option<&str>, scores: &Scores| -> Vec<Effect> {
        let n_telling: Vec<usize> = labels.iter().flat_map(|&label| truth.telling(label)).collect();
        let together = name.map(|_| telling_together(&n_telling));
        let few = together.filter(|&n| n < MIN_POSITIVES);
        let correction = correction(n_telling.into_iter());
        let of_kind = |kind: Kind| {
            let of: Vec<&Matched> = paired.iter().filter(|matched| matched.contrast.kind == kind).collect();
            let measured: Vec<Measured> = of
                .par_chunks(MEASURED_TOGETHER)
                .flat_map_iter(|some| Measured::all(study, some, scores, correction))
                .collect();
            judged(study, measure, name, few, runs, of.into_iter().zip(measured).collect())
        };
        Kind::ALL.into_iter().flat_map(of_kind).collect()
    };
    let n_seed_runs = runs.complete.len();
    let mut mean = LabelMean::new(study, n_seed_runs);
    let mut of_labels = Vec::new();
    for labels in scored.chunks(ScoreTable::labels_at_once(study, n_seed_runs)) {
        let table = ScoreTable::new(study, measure, &truth, labels, &runs.complete);
        mean.add(&table);
        for (at, label) in labels.iter().enumerate() {
            let name = study.labels[*label].as_str();
            of_labels.extend(effects_of(std::slice::from_ref(label), Some(name), &table.of(at)));
        }
    }
    let mut effects = effects_of(&scored, None, &mean.table().of(0));
    effects.extend(of_labels);
    effects
}

fn undefined_labels(study: &Study) -> Vec<String> {
    let n_labels = study.labels.len();
    let has = |label: usize| {
        study.folds.iter().any(|fold| fold.targets.iter().skip(label).step_by(n_labels).any(|&target| target))
    };
    (0..n_labels).filter(|&label| !has(label)).map(|label| study.labels[label].clone()).collect()
}

fn check<'a>(study: &Study<'a>) -> Result<Gathered<'a>, EffectError> {
    let no_images = study.folds.iter().any(|fold| fold.targets.is_empty());
    if study.folds.is_empty() || no_images || study.labels.is_empty() {
        return Err(EffectError::Empty);
    }
    if study.n_resamples < 100 {
        return Err(EffectError::FewResamples { n_resamples: study.n_resamples });
    }
    let runs = gather(study)?;
    let pairs = study.contrasts.iter().filter(|contrast| contrast.kind == Kind::Variant);
    match pairs.map(|pair| &pair.against).find(|baseline| !runs.variants.contains_key(baseline.as_str())) {
        Some(baseline) => Err(EffectError::NoBaseline { baseline: baseline.clone() }),
        None => Ok(runs),
    }
}
