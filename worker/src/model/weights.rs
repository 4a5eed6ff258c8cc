//! What is said of a weights file: why it is refused, and what became of it.

use std::fmt;
use std::path::PathBuf;

use safetensors::SafeTensorError;

use super::libtorch::Libtorch;

/// Why weights cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// A file operation failed.
    #[error("cannot {doing} weights `{path}`")]
    Io {
        /// The operation.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The content can run code when it is read.
    #[error(
        "weights `{path}` are {found}, expected safetensors; to convert them where you trust them: {command}"
    )]
    RunsCode {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        found: &'static str,
        /// The command that makes safetensors of it.
        command: String,
    },
    /// Damaged, or something else.
    #[error("weights `{path}` are not a whole safetensors file")]
    NotSafetensors {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: SafeTensorError,
    },
    /// The tensors are those of another network.
    #[error("weights `{path}` do not fit `{architecture}`: {faults}")]
    Misfit {
        /// The file.
        path: PathBuf,
        /// The network.
        architecture: &'static str,
        /// Every tensor that is wrong.
        faults: Box<Faults>,
    },
    /// A value that no training recovers from.
    #[error("tensor `{tensor}` of weights `{path}` holds NaN or infinity, expected finite numbers")]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// The tensor.
        tensor: String,
    },
    /// Libtorch refused.
    #[error("cannot move tensor `{tensor}` between libtorch and weights `{path}`")]
    Tensor {
        /// The file.
        path: PathBuf,
        /// The tensor.
        tensor: String,
        /// Why.
        #[source]
        source: Libtorch,
    },
}

/// What is wrong with a file's tensors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Names that the network has and the file lacks.
    pub missing: Vec<String>,
    /// Names that the file has and the network lacks.
    pub unexpected: Vec<String>,
    /// Name, shape in the file, shape in the network.
    pub misshapen: Vec<(String, Vec<i64>, Vec<i64>)>,
    /// Name, number format in the file.
    pub unreadable: Vec<(String, String)>,
}

/// What became of a weights file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Tensors of the network that keep their random values, since the file lacks the head or holds one of
    /// another size.
    pub replaced: Vec<String>,
}

/// Names listed per kind of fault; an error about another architecture's file would fill a page.
const LISTED: usize = 12;

impl Faults {
    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty()
            && self.unexpected.is_empty()
            && self.misshapen.is_empty()
            && self.unreadable.is_empty()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |names: &[String]| names.iter().map(|name| format!("`{name}`")).collect();
        let misshapen = |(name, found, expected): &(String, Vec<i64>, Vec<i64>)| {
            format!("`{name}` is `{found:?}`, expected `{expected:?}`")
        };
        let unreadable = |(name, found): &(String, String)| {
            format!("`{name}` is `{found}`, expected `F32`, `F16` or `BF16`")
        };
        let parts: Vec<String> = [
            list("missing ", quoted(&self.missing)),
            list("unexpected ", quoted(&self.unexpected)),
            list("", self.misshapen.iter().map(misshapen).collect()),
            list("", self.unreadable.iter().map(unreadable).collect()),
        ]
        .into_iter()
        .flatten()
        .collect();
        f.write_str(&parts.join("; "))
    }
}

fn list(heading: &str, items: Vec<String>) -> Option<String> {
    if items.is_empty() {
        return None;
    }
    let more = match items.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!("{heading}{}{more}", items[..items.len().min(LISTED)].join(", ")))
}
