//! TOML to a checked experiment.

pub mod ops;
pub mod settings;
