//! Brings an MLflow server for the tests: a virtual environment below `target/`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::say;
use crate::steps::{StepError, run};

/// The version that the tests were written against.
const VERSION: &str = "3.17.2";

/// The `mlflow` program. `ABLATRIX_TEST_MLFLOW` names another.
///
/// # Errors
/// Where it cannot be installed.
pub fn bring(root: &Path) -> Result<PathBuf, StepError> {
    if let Some(named) = std::env::var_os("ABLATRIX_TEST_MLFLOW") {
        return Ok(named.into());
    }
    let place = root.join(format!("target/mlflow-{VERSION}"));
    let program = place.join("bin/mlflow");
    let whole = place.join("whole");
    if whole.is_file() {
        return Ok(program);
    }
    say(&format!("installing MLflow {VERSION} for the tests (about a minute)"));
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&place))?;
    let mut pip = Command::new(place.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    run(pip.arg(format!("mlflow=={VERSION}")))?;
    std::fs::write(&whole, VERSION)
        .map_err(|error| StepError::Other(format!("cannot write `{}`: {error}", whole.display())))?;
    Ok(program)
}
