//! Why a dataset cannot be used: all faults of its rows together, each kind with its first names and its count.

use std::fmt;
use std::path::{Path, PathBuf};

use super::notice::Tally;

/// What can go wrong with a dataset.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A file or folder cannot be read.
    #[error("cannot read {what} `{path}`")]
    Io {
        /// `annotations`, `labels`, `images folder`.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The text is not what its format asks for.
    #[error("cannot read `{path}`, line {line}, column {column}: {problem}{near}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// In bytes, from 1; 0 where the line is empty.
        column: usize,
        /// What stands there, and what should.
        problem: String,
        /// The text before that place, introduced by `, after`; empty where there is none.
        near: String,
    },
    /// The file changed while it was read.
    #[error("`{path}` changed while it was read")]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The file or folder is of the right kind but has nothing in it.
    #[error("`{path}` has no {what}")]
    Empty {
        /// The file or folder.
        path: PathBuf,
        /// `images`, `columns`.
        what: &'static str,
    },
    /// A column of the CSV is not there.
    #[error("`{path}` has no column `{column}`, found {found}")]
    NoColumn {
        /// The file.
        path: PathBuf,
        /// The column that the spec names.
        column: String,
        /// The columns that are there.
        found: String,
    },
    /// The rows contradict the format or each other.
    #[error("`{path}` has {} {}{}", total(.faults), plural(total(.faults)), lines(.faults))]
    Faults {
        /// The file or folder.
        path: PathBuf,
        /// By kind, in the order in which the kinds were met.
        faults: Vec<FaultGroup>,
    },
}

/// All faults of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultGroup {
    /// What is wrong with them.
    pub what: &'static str,
    /// How many there are.
    pub count: usize,
    /// The first ones.
    pub shown: String,
}

impl fmt::Display for FaultGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.shown)
    }
}

fn total(faults: &[FaultGroup]) -> usize {
    faults.iter().map(|group| group.count).sum()
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "fault" } else { "faults" }
}

fn lines(faults: &[FaultGroup]) -> String {
    faults.iter().map(|group| format!("\n  {group}")).collect()
}

/// Collects faults while rows are checked.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<(&'static str, Tally)>);

impl Faults {
    /// One more fault of the kind `what`, about `name`.
    pub fn add(&mut self, what: &'static str, name: impl fmt::Display) {
        let idx = self.0.iter().position(|(kind, _)| *kind == what).unwrap_or_else(|| {
            self.0.push((what, Tally::default()));
            self.0.len() - 1
        });
        self.0[idx].1.add(name);
    }

    /// Fails where there is a fault.
    pub fn check(self, path: &Path) -> Result<(), ImportError> {
        if self.0.is_empty() {
            return Ok(());
        }
        let faults = (self.0.iter())
            .map(|(what, tally)| FaultGroup { what, count: tally.count(), shown: tally.listed() })
            .collect();
        Err(ImportError::Faults { path: path.to_owned(), faults })
    }
}
