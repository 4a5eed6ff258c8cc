//! Row types, schemas, and Parquet in and out.

pub mod rows;
