//! TOML to a checked experiment.
//!
//! `layers` merges the texts and keeps where each value stands; `reader` and the `read_…` files check them into
//! `settings`; after [`load`] nothing is optional by accident. All faults come out together.

mod arms;
mod chosen;
mod consistency;
mod document;
mod fault;
mod files;
mod layers;
mod load;
mod matrix;
pub mod ops;
mod origins;
mod overrides;
mod profiles;
mod read_augment;
mod read_data;
mod read_evaluate;
mod read_explain;
mod read_folds;
mod read_grid;
mod read_labels;
mod read_levels;
mod read_seeds;
mod read_slurm;
mod read_train;
mod read_training;
mod read_workers;
mod reader;
pub mod schema;
pub mod settings;

#[cfg(test)]
mod evaluate_tests;
#[cfg(test)]
mod explain_tests;
#[cfg(test)]
mod grid_tests;
#[cfg(test)]
mod ops_tests;
#[cfg(test)]
mod slurm_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod train_tests;

pub use arms::{Arm, NONE, Part, shown};
pub use fault::{Fault, Place, Source, SpecError, nearest};
pub use layers::DEFAULTS;
pub use load::{Loaded, Point, load};
pub use origins::Origin;
pub use overrides::{Override, Overrides};
