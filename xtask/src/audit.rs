//! Holds the crates of both lock files against a database of advisories, by cargo-audit. Nothing is installed; cargo-audit fetches
//! the database, or takes one that is there.

use std::path::Path;
use std::process::Command;

use crate::steps::{StepError, run};

/// Runs cargo-audit with `words`, such as `--db FOLDER --no-fetch`.
///
/// # Errors
/// Where cargo-audit is missing, there is no database, or an advisory applies.
pub fn audit(root: &Path, words: &[String]) -> Result<(), StepError> {
    if Command::new("cargo-audit").arg("--version").output().is_err() {
        return Err(StepError::Other(
            "cargo-audit is not installed: `cargo install cargo-audit --locked` brings it".into(),
        ));
    }
    for lock in ["Cargo.lock", "fuzz/Cargo.lock"] {
        run(Command::new("cargo").current_dir(root).args(["audit", "--file", lock]).args(words))?;
    }
    Ok(())
}
