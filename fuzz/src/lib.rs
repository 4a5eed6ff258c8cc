//! Gives the inputs of all targets to the parsers of tests/mutations, which the tests there drive too.

#[path = "../../tests/mutations/parsers.rs"]
#[allow(dead_code, reason = "the tests call parsers one by one")]
mod parsers;

pub use parsers::feed;

/// The repository.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
