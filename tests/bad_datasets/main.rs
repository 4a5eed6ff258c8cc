//! Datasets with everything that can be wrong with them, what the real program says about each, and how it ends.
//!
//! The texts stand in the `.txt` files beside this one, a section per case. `BLESS=1 cargo test --test bad_datasets`
//! writes them anew; read the difference before it is kept.

#![expect(clippy::unwrap_used, reason = "a test may end so")]

mod coco;
mod folders;
mod images;
mod lab;
mod parquet;
mod tables;
