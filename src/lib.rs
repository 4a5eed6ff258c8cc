//! Ablatrix turns one TOML file into an augmentation ablation: a DAG of stages, a content-hashed cache, a
//! matrix of training runs, and a report of what each augmentation does, with intervals.
//!
//! The rooms in reading order; each imports only rooms below it:
//!
//! ```text
//! experiments/*.toml -> spec -> plan -> engine <-job, events-> worker -> tables -> effects -> report
//! ```

pub mod cli;
pub mod engine;
pub mod stages;
pub mod export;
pub mod report;
pub mod effects;
pub mod track;
pub mod preview;
pub mod fetch;
pub mod remote;
pub mod plan;
pub mod hub;
pub mod cache;
pub mod query;
pub mod metrics;
pub mod augment;
pub mod pixels;
pub mod dataset;
pub mod tables;
pub mod job;
pub mod spec;
pub mod design;
pub mod weights;
pub mod fingerprint;
pub mod log_file;
pub mod layout;
pub mod retry;
pub mod clock;
pub mod seed;
#[cfg(test)]
mod cases;
