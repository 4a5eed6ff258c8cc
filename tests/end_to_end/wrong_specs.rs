//! What people read when a spec is wrong: every message as it is rendered, beside a snapshot that was read by people.
//!
//! `tests/wrong_specs/NAME.toml` is a wrong spec, `NAME.txt` what `ablatrix check NAME.toml` then says. A first line
//! `# arguments: …` gives it more arguments. After a change that is meant, `BLESS=1 cargo test --release --test end_to_end wrong_specs` writes the
//! snapshots anew: read what changed, as somebody who has never seen the program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Specs in the folder, sorted by name.
fn specs() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wrong_specs");
    let mut specs: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .collect();
    specs.sort();
    specs
}

/// What `ablatrix check` says of a spec, and its exit code.
fn said(spec: &Path, results: &Path) -> String {
    let text = fs::read_to_string(spec).unwrap();
    let first = text.lines().next().unwrap_or_default();
    let more = first.strip_prefix("# arguments: ").unwrap_or_default();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ablatrix"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ABLATRIX_") {
            command.env_remove(name);
        }
    }
    let output = command
        .current_dir(spec.parent().unwrap())
        .arg("check")
        .arg(spec.file_name().unwrap())
        .args(more.split_whitespace())
        .arg("--cache")
        .arg(results.join("cache"))
        .arg("--reports")
        .arg(results.join("reports"))
        .env("NO_COLOR", "1")
        .env("CUDA_VISIBLE_DEVICES", "")
        .output()
        .unwrap();
    let code = output.status.code().unwrap();
    format!("exit code {code}\n{}", String::from_utf8(output.stderr).unwrap())
}

#[test]
fn every_wrong_spec_is_told_as_in_its_snapshot() {
    let results = tempfile::tempdir().unwrap();
    let blesses = std::env::var_os("BLESS").is_some();
    let specs = specs();
    assert!(specs.len() >= 40, "{}", specs.len());
    let mut wrong = Vec::new();
    for spec in &specs {
        let (found, snapshot) = (said(spec, results.path()), spec.with_extension("txt"));
        if blesses {
            fs::write(&snapshot, &found).unwrap();
        }
        let meant = fs::read_to_string(&snapshot).unwrap_or_default();
        if found != meant {
            wrong.push(format!("{}\n--- meant\n{meant}--- found\n{found}", spec.display()));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), specs.len(), wrong.join("\n"));
}

/// What a newcomer needs of every message: what is wrong, and, where it stands in the file, the line.
#[test]
fn every_message_ends_with_2_and_points_or_advises() {
    let results = tempfile::tempdir().unwrap();
    for spec in specs() {
        let said = said(&spec, results.path());
        let name = spec.file_stem().unwrap().to_string_lossy().into_owned();
        // What lies in the data is a stage that failed.
        let code = if name == "images_that_are_not_there" { 1 } else { 2 };
        assert!(said.starts_with(&format!("exit code {code}\n")), "{name}: {said}");
        assert!(!said.contains("panicked"), "{name}: {said}");
        assert!(
            said.contains("╭─[") || said.contains("help:"),
            "{name} has neither a place nor advice: {said}"
        );
    }
}
