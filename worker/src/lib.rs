//! Trains and predicts for Ablatrix. The only crate that links libtorch.

pub mod model;
