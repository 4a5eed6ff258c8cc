//! Set-up for Ablatrix: `cargo xtask setup | build | demo | test | faults | fuzz | mutants | audit | python | check`.
//!
//! Each command brings what it needs: libtorch, the release binaries, for the tests an MLflow server, an S3
//! server and a Python with PyTorch.

mod audit;
mod fuzz;
mod libtorch;
mod licences;
mod mutants;
mod pytorch;
mod servers;
mod steps;
mod suite;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use steps::{StepError, cargo, run};

const USAGE: &str = "\
usage: cargo xtask COMMAND
  setup   bring libtorch into .libtorch/ (or use the one that LIBTORCH or Python's torch names)
  build   setup, then the release binaries: target/release/ablatrix and ablatrix-worker
  demo    build, then run experiments/quickstart.toml and print where its report is
  test    build, then the whole test suite
  python  setup, then a Python with PyTorch for the tests of exported models, and print where it is
  faults  build, then only the tests of kills, power cuts, damage, full disks, names, secrets, remotes and mutated inputs; with
          --full ten times as many, and properties with 1,000 cases; with --soak HOURS studies under faults for so long instead
  fuzz    coverage-guided fuzzing of the parsers, one after the other: fuzz [--minutes N] [TARGET], five minutes each; needs
          cargo-fuzz
  mutants changes the code of the cache and of the engine on purpose, and says which changes no test of the library noticed; what
          follows goes to cargo-mutants, which it needs: mutants --shard 0/4
  audit   holds all crates against the advisories that are known; what follows goes to cargo-audit, which it needs: audit --db
          FOLDER --no-fetch
  check   formatting, clippy with warnings as errors, licences, then test";

fn main() -> ExitCode {
    let command = std::env::args().nth(1).unwrap_or_default();
    let rest: Vec<String> = std::env::args().skip(2).collect();
    let root = root();
    let result = match command.as_str() {
        "setup" => libtorch::bring(&root).map(|_| ()),
        "build" => build(&root),
        "demo" => demo(&root),
        "test" => suite::test(&root),
        "faults" => faults(&root),
        "fuzz" => fuzz::Wish::read(rest).and_then(|wish| fuzz::fuzz(&root, &wish)),
        "mutants" => mutants::mutants(&root, &rest),
        "audit" => audit::audit(&root, &rest),
        "python" => python(&root),
        "check" => check(&root),
        _ => {
            say(USAGE);
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// The repository: the folder above this crate.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

fn say(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn build(root: &Path) -> Result<(), StepError> {
    let libtorch = libtorch::bring(root)?;
    say("building the release binaries (the first time takes some minutes)");
    run(cargo(root, &libtorch).args(["build", "--release", "-p", "ablatrix", "-p", "ablatrix-worker"]))
}

fn demo(root: &Path) -> Result<(), StepError> {
    build(root)?;
    let program = root.join("target/release/ablatrix");
    run(std::process::Command::new(program).current_dir(root).args(["run", "experiments/quickstart.toml"]))
}

fn faults(root: &Path) -> Result<(), StepError> {
    let words: Vec<String> = std::env::args().skip(2).collect();
    let full = words.iter().any(|word| word == "--full");
    let hours = match words.iter().position(|word| word == "--soak") {
        Some(at) => Some(
            words.get(at + 1).ok_or_else(|| StepError::Other("--soak takes a number of hours".to_owned()))?,
        ),
        None => None,
    };
    build(root)?;
    let libtorch = libtorch::bring(root)?;
    let tests = |args: &[&str]| {
        let mut tests = cargo(root, &libtorch);
        // The whole workspace: by itself the library would be built with other features of its dependencies, all of them anew.
        tests.args(["test", "--release", "--workspace"]).args(args);
        if full {
            tests.env("ABLATRIX_FAULTS", "full");
        }
        tests
    };
    if let Some(hours) = hours {
        let mut soak = tests(&["--test", "faults", "--", "--exact", "soak::hours_of_faults", "--nocapture"]);
        return run(soak.env("ABLATRIX_FAULTS_SOAK", hours));
    }
    run(&mut tests(&["--test", "faults", "--test", "mutations", "--", "--show-output"]))?;
    run(&mut tests(&["--test", "remote", "schedules", "--", "--show-output"]))?;
    if full {
        run(&mut tests(&["--test", "end_to_end", "flood", "--", "--show-output"]))?;
        run(tests(&["--lib"]).env("PROPTEST_CASES", "1000"))?;
    }
    Ok(())
}

fn python(root: &Path) -> Result<(), StepError> {
    use std::io::Write;
    let program = pytorch::bring(root, &libtorch::bring(root)?)?;
    let _ = writeln!(std::io::stdout(), "{}", program.display());
    Ok(())
}

fn check(root: &Path) -> Result<(), StepError> {
    let libtorch = libtorch::bring(root)?;
    run(cargo(root, &libtorch).args(["fmt", "--all", "--check"]))?;
    run(cargo(root, &libtorch).args([
        "clippy",
        "--release",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))?;
    licences::check(root)?;
    suite::test(root)
}
