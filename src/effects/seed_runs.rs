//! The runs of each variant and seed, one for each fold, and the check that they fit each other.

use std::collections::BTreeMap;

use super::error::EffectError;
use super::study::{RunScores, Study};
use crate::metrics::Scored;

/// The runs of a variant with one seed: one for each fold, so one where there are no folds.
#[derive(Clone, Debug)]
pub struct SeedRuns {
    /// Positions among the study's runs, by fold.
    pub runs: Vec<usize>,
}

/// A variant and seed that lack the run of some fold.
///
/// They are left out: a mean over other folds is over other test images, and would be set beside the means of seeds that
/// have all of them as if it were the same thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incomplete {
    /// The variant.
    pub variant: String,
    /// The seed.
    pub seed: u64,
    /// Folds it has.
    pub n_folds: usize,
    /// Folds there are.
    pub of: usize,
}

/// All runs by variant and seed.
#[derive(Debug, Default)]
pub struct Gathered<'a> {
    /// Those that have all folds.
    pub complete: Vec<SeedRuns>,
    /// Variant to seed to position in `complete`.
    pub variants: BTreeMap<&'a str, BTreeMap<u64, usize>>,
    /// Those that have not, by variant and seed.
    pub incomplete: Vec<Incomplete>,
}

/// Gathers the runs of a study.
///
/// # Errors
/// Where a run does not fit its fold's images or labels, or two claim one place.
pub fn gather<'a>(study: &Study<'a>) -> Result<Gathered<'a>, EffectError> {
    let n_folds = study.folds.len();
    let mut by_fold: BTreeMap<&str, BTreeMap<u64, Vec<Option<usize>>>> = BTreeMap::new();
    for (at, run) in study.runs.iter().enumerate() {
        check(study, run)?;
        let seeds = by_fold.entry(run.variant).or_default();
        let folds = seeds.entry(run.seed).or_insert_with(|| vec![None; n_folds]);
        if folds[run.fold].replace(at).is_some() {
            let (variant, seed, fold) = (run.variant.to_owned(), run.seed, run.fold);
            return Err(EffectError::Twice { variant, seed, fold });
        }
    }
    let mut gathered = Gathered::default();
    for (variant, seeds) in by_fold {
        let places = gathered.variants.entry(variant).or_default();
        for (seed, folds) in seeds {
            match folds.iter().copied().collect::<Option<Vec<usize>>>() {
                Some(runs) => {
                    places.insert(seed, gathered.complete.len());
                    gathered.complete.push(SeedRuns { runs });
                }
                None => gathered.incomplete.push(Incomplete {
                    variant: variant.to_owned(),
                    seed,
                    n_folds: folds.iter().flatten().count(),
                    of: n_folds,
                }),
            }
        }
    }
    Ok(gathered)
}

fn check(study: &Study, run: &RunScores) -> Result<(), EffectError> {
    let (variant, seed, expected) = (run.variant.to_owned(), run.seed, study.labels.len());
    let Some(fold) = study.folds.get(run.fold) else {
        return Err(EffectError::Fold { variant, seed, fold: run.fold, n_folds: study.folds.len() });
    };
    if let Err(source) = Scored::new(expected, run.logits, fold.targets) {
        return Err(EffectError::Scores { variant, seed, source });
    }
    if run.thresholds.len() != expected {
        return Err(EffectError::Thresholds { variant, seed, found: run.thresholds.len(), expected });
    }
    Ok(())
}
