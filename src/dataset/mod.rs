//! COCO, CSV, Parquet and folders to tables; tables to labels, parts and training rows.
//!
//! ```text
//! import -> images, annotations, categories, scenes -> labels -> split -> balance
//! ```
//!
//! Nothing here decodes an image: a later stage hashes and probes them.

pub mod balance;
pub mod captures;
pub mod coco;
pub mod cooccurrence;
pub mod duplicates;
pub mod faults;
pub mod folders;
pub mod generate;
pub mod image_labels;
pub mod imported;
pub mod labels;
pub mod leakage;
pub mod links;
pub mod names;
pub mod near_duplicates;
pub mod notice;
pub mod split;
mod unchanged;
#[cfg(test)]
mod study_tests;

pub use cooccurrence::Cooccurrence;
pub use faults::{FaultGroup, ImportError};
pub use imported::{Imported, import};
pub use notice::{Notice, NoticeKind};
