//! Results that were made once more: which of them, what differs, and whether it may.
//!
//! Looks at results, computes none. How a stage is done again is the engine's.

mod difference;
mod excuse;
mod share;

pub use difference::{Difference, differences};
pub use excuse::Excuse;
pub use share::{NoShare, Share};
