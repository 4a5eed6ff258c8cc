//! dataset.

pub mod generate;
