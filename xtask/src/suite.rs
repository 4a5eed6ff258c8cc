//! The whole test suite: what tests need beside the programs is brought while these are compiled, and tests that mostly wait run
//! beside the others.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::steps::{StepError, cargo, output, run};
use crate::{libtorch, pytorch, say, servers};

/// The tests that wait for others most of the time, for the scheduler of a cluster: a quarter of what two cores could do meanwhile.
const WAITING: &str = "slurm";

/// How many of them wait at a time.
const WAITING_THREADS: &str = "4";

/// Builds the programs and all tests, and runs them.
///
/// # Errors
/// Where something cannot be built, or a test fails: all that fails is told first.
pub fn test(root: &Path) -> Result<(), StepError> {
    let libtorch = libtorch::bring(root)?;
    let test = |args: &[&str]| {
        let mut tests = cargo(root, &libtorch);
        tests.args(["test", "--release", "--workspace"]).args(args);
        tests
    };
    let needs = std::thread::scope(|scope| {
        let needs = scope.spawn(|| needs(root, &libtorch));
        // The tests drive the real binaries.
        run(cargo(root, &libtorch).args(["build", "--release", "-p", "ablatrix", "-p", "ablatrix-worker"]))?;
        run(&mut test(&["--no-run"]))?;
        needs.join().map_err(|_| StepError::Other("what tests need could not be brought".to_owned()))
    })?;
    let with_needs = |mut tests: Command| {
        tests.envs(needs.iter().map(|(variable, program)| (variable, program)));
        tests
    };

    let mut waiting = Waiting::begin(root, with_needs(test(&["--test", WAITING, "--", "--show-output"])))?;
    let mut others = test(&["--no-fail-fast", "--lib", "--bins"]);
    for target in targets(root, &libtorch)? {
        others.args(["--test", &target]);
    }
    others.args(["--", "--show-output"]);
    let ends = [run(&mut with_needs(others)), waiting.end(), run(&mut test(&["--doc", "--no-fail-fast"]))];
    ends.into_iter().collect()
}

/// The variables that tell the tests where programs are that they need.
fn needs(root: &Path, libtorch: &Path) -> Vec<(&'static str, PathBuf)> {
    let mut needs = Vec::new();
    let mut take = |name: &str, variable, program: Result<PathBuf, StepError>| match program {
        Ok(program) => needs.push((variable, program)),
        Err(error) => say(&format!("skipped: {name} could not be installed, its tests skip: {error}")),
    };
    for server in servers::ALL {
        take(server.name, server.variable, server.bring(root));
    }
    take("a Python with PyTorch", pytorch::VARIABLE, pytorch::bring(root, libtorch));
    needs
}

/// The names of all targets in `tests/` folders but those that wait.
fn targets(root: &Path, libtorch: &Path) -> Result<Vec<String>, StepError> {
    let text = output(cargo(root, libtorch).args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let targets = tests_of(&text);
    match targets.iter().any(|target| target == WAITING) {
        true => Ok(targets.into_iter().filter(|target| target != WAITING).collect()),
        false => Err(StepError::Other(format!("cargo knows no tests `{WAITING}`"))),
    }
}

/// The targets of tests that `cargo metadata` tells of.
fn tests_of(metadata: &str) -> Vec<String> {
    let metadata: Value = serde_json::from_str(metadata).unwrap_or_default();
    let lists = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let targets = lists(&metadata, "packages").into_iter().flat_map(|package| lists(&package, "targets"));
    let tests = targets.filter(|target| lists(target, "kind").iter().any(|kind| kind == "test"));
    tests.filter_map(|target| target["name"].as_str().map(str::to_owned)).collect()
}

/// Tests that run while others do. What they print is shown at their end, lest it stand among the others' words.
struct Waiting {
    child: Option<Child>,
    log: PathBuf,
    shown: String,
}

impl Waiting {
    fn begin(root: &Path, mut tests: Command) -> Result<Self, StepError> {
        let log = root.join("target/waiting-tests.log");
        let cannot =
            |what: &str, error| StepError::Other(format!("cannot {what} `{}`: {error}", log.display()));
        let out = File::create(&log).map_err(|error| cannot("write", error))?;
        let copy = out.try_clone().map_err(|error| cannot("write", error))?;
        tests.env("RUST_TEST_THREADS", WAITING_THREADS).stdin(Stdio::null()).stdout(out).stderr(copy);
        let shown = format!("{tests:?}");
        let child = tests.spawn().map_err(|source| StepError::Start { program: shown.clone(), source })?;
        Ok(Waiting { child: Some(child), log, shown })
    }

    /// Waits for them, and shows what they printed.
    fn end(&mut self) -> Result<(), StepError> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        let status = child.wait();
        say(&std::fs::read_to_string(&self.log).unwrap_or_default());
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(StepError::Failed { program: self.shown.clone(), status: status.to_string() }),
            Err(source) => Err(StepError::Start { program: self.shown.clone(), source }),
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::tests_of;

    #[test]
    fn targets_are_read_from_what_cargo_tells() {
        let metadata = r#"{"packages": [
            {"targets": [{"name": "a", "kind": ["lib"]}, {"name": "slurm", "kind": ["test"]}]},
            {"targets": [{"name": "worker", "kind": ["test"]}]}
        ]}"#;
        assert_eq!(tests_of(metadata), ["slurm", "worker"]);
        assert!(tests_of("no JSON").is_empty());
    }
}
