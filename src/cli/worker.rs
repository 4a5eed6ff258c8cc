//! The worker's program: where it is, and what it finds on this machine.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::render::Failure;
use crate::job::{Devices, PROTOCOL};

/// Its name.
const NAME: &str = "ablatrix-worker";
/// What to do where it was not found.
pub const NOT_FOUND_HELP: &str = "build it with `cargo xtask build`, or name it by ABLATRIX_WORKER";

/// Why a worker does not say what it finds.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// It cannot be started.
    #[error("the worker `{program}` cannot be started")]
    Start {
        /// Its program.
        program: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It ended with an error, for want of a shared library for instance.
    #[error("the worker `{program}` ended with {status}: {said}")]
    Ended {
        /// Its program.
        program: PathBuf,
        /// Its exit status.
        status: std::process::ExitStatus,
        /// The last line of its standard error.
        said: String,
    },
    /// It answers something else.
    #[error("the worker `{program}` does not answer as version {} does: install both from one build", env!("CARGO_PKG_VERSION"))]
    Answer {
        /// Its program.
        program: PathBuf,
    },
}

/// The program: named by the environment, beside this program, or on the path.
pub fn find() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("ABLATRIX_WORKER") {
        return Some(named.into());
    }
    let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join(NAME)));
    if let Some(beside) = beside.filter(|path| path.is_file()) {
        return Some(beside);
    }
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).map(|folder| folder.join(NAME)).find(|path| path.is_file())
}

/// The program, without which nothing is trained.
///
/// # Errors
/// Where it is not found.
pub fn program() -> Result<PathBuf, Failure> {
    find().ok_or_else(|| {
        let message =
            "the program `ablatrix-worker`, which trains, was not found beside `ablatrix` nor on the PATH";
        Failure::text(1, message, Some(NOT_FOUND_HELP))
    })
}

/// Asks the worker what it finds.
///
/// # Errors
/// See [`WorkerError`].
pub fn devices(program: &Path) -> Result<Devices, WorkerError> {
    let owned = || program.to_owned();
    let output = Command::new(program).arg("devices").stdin(Stdio::null()).output();
    let output = output.map_err(|source| WorkerError::Start { program: owned(), source })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.trim().lines().last().unwrap_or("nothing on standard error").to_owned();
        return Err(WorkerError::Ended { program: owned(), status: output.status, said });
    }
    match serde_json::from_slice::<Devices>(&output.stdout) {
        Ok(devices) if devices.protocol == PROTOCOL => Ok(devices),
        _ => Err(WorkerError::Answer { program: owned() }),
    }
}
