//! The images of a dataset, from where its records say that they can be had.
//!
//! ```text
//! images table -> what is there -> queue -> tries over HTTP -> .fetch/*.part -> checked -> renamed to their place
//! ```
//!
//! The table, and whoever answers, may want harm: what is asked for is checked in `target`, `address` and
//! `resolver`; what is written in `folder`; what was sent in `check`. Knows nothing of specs and terminals.

mod address;
mod attempt;
mod check;
mod folder;
mod headers;
mod options;
mod queue;
mod report;
mod resolver;
mod run;
mod target;

pub use address::local_kind;
pub use folder::FetchError;
pub use options::Options;
pub use report::{Counts, Missing, Outcome, Report, SizeDiffers};
pub use run::{Event, Order, fetch, wanted_url};
pub use target::{Target, TargetError};
