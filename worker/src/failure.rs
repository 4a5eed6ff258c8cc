//! Why a job failed, and whether another try could end otherwise.

use std::any::Any;
use std::error::Error;
use std::path::PathBuf;

use ablatrix::cache::CacheError;
use ablatrix::job::{FailureKind, LIBTORCH};
use ablatrix::tables::TableError;
use tch::TchError;

use crate::inputs::InputError;
use crate::model::{ModelError, ModuleError, WeightsError};
use crate::torch::{self, TorchError};
use crate::train::order::Cut;

/// Why a job failed.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// What it was given.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The network or its weights.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The network as a module.
    #[error(transparent)]
    Module(#[from] ModuleError),
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
    /// A batch does not fit into memory, and smaller ones were not to be tried, or do not fit either.
    #[error("memory is out with batches of {batch_size} pictures of {side} x {side}: {}", remedy(*batch_size, *fitting))]
    OutOfMemory {
        /// Rows of a batch.
        batch_size: u32,
        /// Pixels.
        side: usize,
        /// The largest batches that fit and make the same steps.
        fitting: Option<Cut>,
        /// What libtorch said.
        source: Box<JobError>,
    },
    /// No maps are asked for, or of a layer that the network does not have.
    #[error("no maps of the layer `{layer}` of `{model}`: `ablatrix check` names those that there are")]
    NoMaps {
        /// The layer.
        layer: String,
        /// The network.
        model: &'static str,
    },
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
        if self.is_out_of_memory() {
            return FailureKind::Memory;
        }
        let passes = match self {
            JobError::Input(error) => error.is_io(),
            JobError::Model(ModelError::Place { source, .. }) => out_of_means(&source.to_string()),
            JobError::Model(ModelError::Weights(WeightsError::Io { .. })) => true,
            JobError::Model(_) | JobError::Module(_) => false,
            JobError::Cache(error) => matches!(error, CacheError::Io { .. }),
            JobError::Table(error) => matches!(error, TableError::Io { .. }),
            JobError::Torch(TorchError::NoCuda { .. }) => false,
            JobError::Torch(error) => out_of_means(&error.to_string()),
            JobError::Tch(error) => out_of_means(&error.to_string()),
            JobError::Io { .. } => true,
            JobError::OtherLibtorch | JobError::NoMaps { .. } | JobError::OutOfMemory { .. } => false,
            JobError::Panic(message) => out_of_means(message),
        };
        if passes { FailureKind::Infrastructure } else { FailureKind::Final }
    }

    /// Whether it is want of memory for tensors, which smaller batches may end.
    pub fn is_out_of_memory(&self) -> bool {
        let says = |text: String| OUT_OF_MEMORY.iter().any(|part| text.contains(part));
        match self {
            JobError::Tch(error) => says(error.to_string()),
            JobError::Torch(error) => says(error.to_string()),
            JobError::Model(ModelError::Place { source, .. }) => says(source.to_string()),
            _ => false,
        }
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

/// What a batch can do to fit; `fitting` makes the same steps.
fn remedy(asked: u32, fitting: Option<Cut>) -> String {
    match fitting {
        Some(Cut { batch_size, accumulate }) => format!(
            "batches of {batch_size} fit; write `train.batch_size = {batch_size}` and `train.accumulate = {accumulate}`, whose \
             steps are the same, or allow it by `train.shrink_batches = true`"
        ),
        None if Cut { batch_size: asked, accumulate: 1 }.smaller().next().is_none() => {
            "a smaller `train.batch_size` or `images.size` needs less".to_owned()
        }
        None => "nor do smaller batches fit; a smaller `images.size` or model needs less".to_owned(),
    }
}

/// What libtorch's allocators, oneDNN's and C++'s say where there is no memory.
/// oneDNN's can have other causes, which the sizes that are tried then do not cure.
const OUT_OF_MEMORY: [&str; 6] = [
    "out of memory",
    "not enough memory",
    "can't allocate memory",
    "bad_alloc",
    "could not create a memory",
    "could not create a primitive",
];

/// Whether libtorch's message speaks of memory or of the GPU.
fn out_of_means(message: &str) -> bool {
    OUT_OF_MEMORY.iter().chain(&["CUDA error", "CUDNN_STATUS"]).any(|part| message.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn want_of_memory_may_pass_and_a_shape_may_not() {
        let tch = |text: &str| JobError::Tch(TchError::Torch(text.to_owned()));
        let memory =
            tch("[enforce fail at alloc_cpu.cpp:1] . DefaultCPUAllocator: can't allocate memory\nframe #0");
        assert_eq!(memory.kind(), FailureKind::Memory);
        assert_eq!(tch("CUDA error: an illegal memory access").kind(), FailureKind::Infrastructure);
        assert!(!memory.message().contains("frame"), "{}", memory.message());
        assert_eq!(tch("size mismatch").kind(), FailureKind::Final);
    }
}
