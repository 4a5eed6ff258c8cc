//! Initial weights from the Hugging Face hub, in the cache that its own tools use.
//!
//! ```text
//! hf:owner/name@revision -> what is there -> asked for -> blobs/*.incomplete -> checked -> snapshots/
//! ```
//!
//! What is there is taken without a question to anybody; only [`fetch`] asks. The hub sends its answer to another host: what
//! is a secret stays with the hub (`client`), what comes is held against the digest that the hub gave (`download`). There is
//! a crate, `hf-hub`; it knows neither HF_TOKEN, HF_HUB_CACHE nor HF_HUB_OFFLINE, checks no digest and cannot be stopped.
//! Knows of specs only the names of models, and nothing of tensors.

mod answer;
mod client;
mod conventions;
mod download;
mod error;
mod fetch;
mod folder;
mod lock;

pub use conventions::{Access, ConventionError, Environment};
pub use error::{HubError, HubFault};
pub use fetch::{Event, Fetched, fetch};
pub use folder::HubFolder;

/// The one file of a repository that is read.
pub const FILE: &str = "model.safetensors";
