//! Which factors are applied together, so that what each of them does can be told apart.
//!
//! Takes a number of two-level factors (0: not applied, 1: applied), which are numbered from 0; gives subsets of
//! them, one for each arm, and says what such a choice mixes up. Knows neither names nor ops nor results.

mod aliases;
mod factorial;
mod fraction;
mod search;
mod subset;
mod word_lengths;

pub use aliases::Pair;
pub use factorial::{MAX_FACTORIAL, factorial};
pub use fraction::{Fraction, Generator};
pub use search::{Refusal, Resolution, fraction, n_arms};
pub use subset::Subset;
