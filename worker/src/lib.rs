//! Trains and predicts for Ablatrix. The only crate that links libtorch.
//!
//! ```text
//! job -> serve -> train   -> model, history, summary  -> cache
//!              -> predict -> predictions              -> cache
//!              -> attention -> measures and maps      -> cache
//! events <- protocol
//!
//! query -> answers, or a module -> ablatrix
//! ```
//!
//! `inputs` brings a job's tables and pictures out of the cache, `batch` makes tensors of them, `model` turns
//! these into logits; `mixing` is what rows of a batch take from each other. `network` is the one of a job, `script` a TorchScript
//! module. `passes` says how many rows go through at a time, `stop` knows when to end, `heart` gives signs of life, `patience` how threads wait, `precision` is the number format, `torch` is
//! libtorch as a whole.

pub mod attention;
#[expect(unsafe_code, reason = "writes pixels where a tensor lies")]
pub mod batch;
mod devices;
pub mod failure;
#[expect(unsafe_code, reason = "calls C++")]
mod fused;
mod heart;
pub mod inputs;
mod mixing;
pub mod model;
pub mod network;
mod passes;
pub mod patience;
#[expect(unsafe_code, reason = "calls C++")]
mod precision;
pub mod predict;
pub mod protocol;
pub mod query;
pub mod score;
#[expect(unsafe_code, reason = "calls C++")]
pub mod script;
#[expect(unsafe_code, reason = "calls C++")]
pub mod script_trace;
pub mod serve;
pub mod state;
pub mod stop;
#[expect(unsafe_code, reason = "calls C++")]
pub mod torch;
pub mod train;
