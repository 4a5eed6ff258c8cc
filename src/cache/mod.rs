//! Results by fingerprint: entries, content-addressed objects, locks.

pub mod entry;
pub mod store;

pub use entry::{Entry, Output, Provenance};
pub use store::{Attempt, CacheError, Store};
