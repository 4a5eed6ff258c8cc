//! Why a dataset cannot be used: all faults of its rows together, each kind with its first names and its count.

use std::fmt;
use std::path::{Path, PathBuf};

use parquet::errors::ParquetError;

use super::notice::Tally;

/// A kind of fault.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FaultKind {
    /// What is wrong.
    pub what: &'static str,
    /// What one can do.
    pub help: &'static str,
}

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
    /// A line of a CSV is not what its format asks for.
    #[error("cannot read `{path}`, line {line}: {problem}")]
    Line {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: u64,
        /// What stands there.
        problem: String,
    },
    /// The file is of another kind, as its first bytes say.
    #[error("`{path}` is {found}, expected {expected}")]
    Other {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// The file is no whole Parquet file.
    #[error("cannot read `{path}` as Parquet")]
    Parquet {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: ParquetError,
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
        /// `images`, `labels`.
        what: &'static str,
        /// What one can do.
        help: &'static str,
    },
    /// A column of a table of labels is not there.
    #[error("`{path}` has no column `{column}`, found {found}")]
    NoColumn {
        /// The file.
        path: PathBuf,
        /// The column that the spec names.
        column: String,
        /// The key by which it does.
        key: &'static str,
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

impl ImportError {
    /// What one can do.
    pub fn help(&self) -> Option<String> {
        match self {
            ImportError::Io { path, .. } if !path.exists() => {
                Some("a relative path is relative to the spec that names it".to_owned())
            }
            ImportError::Io { .. } => None,
            ImportError::Syntax { .. } => {
                Some("mend that place, or write the file again with the program that made it".to_owned())
            }
            ImportError::Line { .. } => Some("save the file as UTF-8 text".to_owned()),
            ImportError::Other { expected, .. } => Some(format!(
                "save it as {expected}, or write the right `annotations` and `format` in `[dataset]`"
            )),
            ImportError::Parquet { .. } => {
                Some("the file may be damaged or cut short: write or copy it again".to_owned())
            }
            ImportError::Changed { .. } => {
                Some("wait until the program that writes it is done, then start again".to_owned())
            }
            ImportError::Empty { help, .. } => Some((*help).to_owned()),
            ImportError::NoColumn { key, .. } => {
                Some(format!("write the column's name as `{key}` in `[dataset]`"))
            }
            ImportError::Faults { faults, .. } => {
                let mut helps: Vec<&str> = faults.iter().map(|group| group.help).collect();
                helps.dedup();
                Some(helps.join("; "))
            }
        }
    }
}

/// All faults of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultGroup {
    /// What is wrong with them.
    pub what: &'static str,
    /// What one can do.
    pub help: &'static str,
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
pub(super) struct Faults(Vec<(&'static FaultKind, Tally)>);

impl Faults {
    /// One more fault of this kind, about `name`.
    pub fn add(&mut self, kind: &'static FaultKind, name: impl fmt::Display) {
        let idx = self.0.iter().position(|(known, _)| *known == kind).unwrap_or_else(|| {
            self.0.push((kind, Tally::default()));
            self.0.len() - 1
        });
        self.0[idx].1.add(name);
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Fails where there is a fault.
    pub fn check(self, path: &Path) -> Result<(), ImportError> {
        if self.0.is_empty() {
            return Ok(());
        }
        let group = |(kind, tally): &(&'static FaultKind, Tally)| FaultGroup {
            what: kind.what,
            help: kind.help,
            count: tally.count(),
            shown: tally.listed(),
        };
        Err(ImportError::Faults { path: path.to_owned(), faults: self.0.iter().map(group).collect() })
    }
}
