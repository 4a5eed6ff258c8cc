//! Why runs cannot be compared.

use thiserror::Error;

use crate::metrics::ScoredError;

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
