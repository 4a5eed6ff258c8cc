//! Runs programs, and says which one failed.

use std::path::Path;
use std::process::Command;

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The program cannot be started.
    #[error("cannot start `{program}`: {source}")]
    Start {
        /// The program.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// The program failed.
    #[error("`{program}` ended with {status}")]
    Failed {
        /// The program with its arguments.
        program: String,
        /// How.
        status: String,
    },
    /// Something else.
    #[error("{0}")]
    Other(String),
}

/// `cargo` in the repository, with this libtorch.
pub fn cargo(root: &Path, libtorch: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root).env("LIBTORCH", libtorch);
    command
}

/// Runs a program to its end.
pub fn run(command: &mut Command) -> Result<(), StepError> {
    let status =
        command.status().map_err(|source| StepError::Start { program: shown(command), source })?;
    match status.success() {
        true => Ok(()),
        false => Err(StepError::Failed { program: shown(command), status: status.to_string() }),
    }
}

/// Runs a program and gives what it prints.
pub fn output(command: &mut Command) -> Result<String, StepError> {
    let output =
        command.output().map_err(|source| StepError::Start { program: shown(command), source })?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(StepError::Failed { program: shown(command), status: output.status.to_string() }),
    }
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}
