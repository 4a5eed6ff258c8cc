//! Brings the servers that tests run against, each in a virtual environment of its own below `target/`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::say;
use crate::steps::{StepError, run};

/// A server from PyPI.
#[derive(Clone, Copy, Debug)]
pub struct Server {
    /// As people call it.
    pub name: &'static str,
    /// The variable that tells the tests its program; where it is set already, that program is taken.
    pub variable: &'static str,
    /// The package, with its extras.
    package: &'static str,
    /// The version that the tests were written against.
    version: &'static str,
    /// The program in the environment's `bin`.
    program: &'static str,
}

/// All of them.
pub const ALL: [Server; 2] = [
    Server {
        name: "MLflow",
        variable: "ABLATRIX_TEST_MLFLOW",
        package: "mlflow",
        version: "3.17.2",
        program: "mlflow",
    },
    Server {
        name: "moto",
        variable: "ABLATRIX_TEST_MOTO",
        package: "moto[server]",
        version: "5.2.5",
        program: "moto_server",
    },
];

impl Server {
    /// Its program.
    ///
    /// # Errors
    /// Where it cannot be installed.
    pub fn bring(&self, root: &Path) -> Result<PathBuf, StepError> {
        if let Some(named) = std::env::var_os(self.variable) {
            return Ok(named.into());
        }
        let (name, version) = (self.name, self.version);
        let place = root.join(format!("target/{}-{version}", name.to_lowercase()));
        let program = place.join("bin").join(self.program);
        let whole = place.join("whole");
        if whole.is_file() {
            return Ok(program);
        }
        say(&format!("installing {name} {version} for the tests (about a minute)"));
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&place))?;
        let mut pip = Command::new(place.join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        run(pip.arg(format!("{}=={version}", self.package)))?;
        std::fs::write(&whole, version)
            .map_err(|error| StepError::Other(format!("cannot write `{}`: {error}", whole.display())))?;
        Ok(program)
    }
}
