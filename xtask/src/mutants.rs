//! Changes the code of rooms on purpose, by cargo-mutants, and says which changes no test of the library noticed.
//!
//! How tests are run stands in `.cargo/mutants.toml`. It works on a copy; what it builds and finds lies below
//! `target/mutants`. Nothing is installed.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::say;
use crate::steps::{StepError, run};

/// The rooms that results rest on.
const ROOMS: [&str; 3] = ["src/cache/*.rs", "src/engine/walk/*.rs", "src/engine/local/*.rs"];

/// Runs cargo-mutants with `words`, such as `--shard 0/4`, or `--file 'src/cache/gc.rs'` in place of all rooms.
///
/// # Errors
/// Where cargo-mutants is missing, the unchanged code fails its tests, or a change went unnoticed.
pub fn mutants(root: &Path, words: &[String]) -> Result<(), StepError> {
    if Command::new("cargo-mutants").arg("--version").output().is_err() {
        return Err(StepError::Other(
            "cargo-mutants is not installed: `cargo install cargo-mutants --locked` brings it".into(),
        ));
    }
    let folder = root.join("target/mutants");
    fs::create_dir_all(&folder)
        .map_err(|error| StepError::Other(format!("cannot make `{}`: {error}", folder.display())))?;
    let mut cargo = Command::new("cargo");
    // Crates that are built once serve all copies.
    cargo.current_dir(root).env("CARGO_TARGET_DIR", folder.join("build"));
    cargo.args(["mutants", "--output"]).arg(&folder);
    if !words.iter().any(|word| word.starts_with("-f") || word.starts_with("--file")) {
        cargo.args(ROOMS.iter().flat_map(|room| ["--file", room]));
    }
    // Last: behind a `--` among them stands what is for the tests.
    cargo.args(words);
    let ended = run(&mut cargo);
    let list = |name: &str| -> Option<Vec<String>> {
        let text = fs::read_to_string(folder.join("mutants.out").join(name)).ok()?;
        Some(text.lines().map(str::to_owned).collect())
    };
    let lists = ["caught.txt", "timeout.txt", "missed.txt", "unviable.txt"].map(list);
    let [Some(caught), Some(timeout), Some(missed), Some(unviable)] = lists else {
        return ended;
    };
    for mutant in &missed {
        say(&format!("missed: {mutant}"));
    }
    let counts = [caught.len() + timeout.len(), missed.len(), unviable.len()];
    say(&format!("mutants: {} noticed, {} missed, {} that do not compile", counts[0], counts[1], counts[2]));
    ended
}
