//! Why a job failed, and whether another try could end otherwise.

use std::any::Any;
use std::error::Error;
use std::path::PathBuf;

use ablatrix::cache::CacheError;
use ablatrix::job::{FailureKind, LIBTORCH};
use ablatrix::tables::TableError;
use tch::TchError;

use crate::inputs::InputError;
use crate::model::{ModelError, WeightsError};
use crate::torch::{self, TorchError};

/// Why a job failed.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// What it was given.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The network or its weights.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The cache.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// A table that was to be written.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The device, or a call of our own into libtorch.
    #[error(transparent)]
    Torch(#[from] TorchError),
    /// A call into libtorch.
    #[error("libtorch: {}", torch::first_line(&.0.to_string()))]
    Tch(#[from] TchError),
    /// A file operation failed.
    #[error("cannot {doing} `{path}`")]
    Io {
        /// The operation.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The worker was built with another libtorch than the one in the job's key.
    #[error(
        "this worker has libtorch `{}`, the job's key was made for `{LIBTORCH}`: install both from one build",
        torch::version()
    )]
    OtherLibtorch,
    /// The code failed.
    #[error("the worker panicked: {0}")]
    Panic(String),
}

impl JobError {
    /// Of what a panic carried.
    pub fn of_panic(panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a message");
        JobError::Panic(torch::first_line(text))
    }

    /// Whether another try could end otherwise: trouble of disk, memory or device may pass, while settings and
    /// data stay as they are.
    pub fn kind(&self) -> FailureKind {
        let passes = match self {
            JobError::Input(error) => error.is_io(),
            JobError::Model(ModelError::Place { source, .. }) => out_of_means(&source.to_string()),
            JobError::Model(ModelError::Weights(WeightsError::Io { .. })) => true,
            JobError::Model(_) => false,
            JobError::Cache(error) => matches!(error, CacheError::Io { .. }),
            JobError::Table(error) => matches!(error, TableError::Io { .. }),
            JobError::Torch(TorchError::NoCuda { .. }) => false,
            JobError::Torch(error) => out_of_means(&error.to_string()),
            JobError::Tch(error) => out_of_means(&error.to_string()),
            JobError::Io { .. } => true,
            JobError::OtherLibtorch => false,
            JobError::Panic(message) => out_of_means(message),
        };
        if passes { FailureKind::Infrastructure } else { FailureKind::Final }
    }

    /// The whole chain in one line.
    pub fn message(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&torch::first_line(&error.to_string()));
            cause = error.source();
        }
        text
    }
}

/// Whether libtorch's message speaks of memory or of the GPU.
fn out_of_means(message: &str) -> bool {
    ["out of memory", "not enough memory", "can't allocate memory", "CUDA error", "CUDNN_STATUS"]
        .iter()
        .any(|part| message.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn want_of_memory_may_pass_and_a_shape_may_not() {
        let tch = |text: &str| JobError::Tch(TchError::Torch(text.to_owned()));
        let memory =
            tch("[enforce fail at alloc_cpu.cpp:1] . DefaultCPUAllocator: can't allocate memory\nframe #0");
        assert_eq!(memory.kind(), FailureKind::Infrastructure);
        assert!(!memory.message().contains("frame"), "{}", memory.message());
        assert_eq!(tch("size mismatch").kind(), FailureKind::Final);
    }
}
