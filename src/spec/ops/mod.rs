//! Augmentation ops as settings: what is drawn, from which range, how often.
//!
//! Names and parameters are albumentations' (2.0), in snake_case. Every range is `[low, high]`, both ends
//! included, and is drawn uniformly. The pixels are moved in `augment`; here are only the values.
//!
//! A family is declared in one file, each op with its parameters and what they may be; what it does not set stands
//! in `defaults.toml` under `[choice.op.NAME]`.

mod auto;
mod batch;
mod colour;
pub mod domain;
pub mod family;
mod fill;
pub mod fit;
mod geometry;
mod group;
mod noise;
mod quality;
mod read;
mod unknown;

#[cfg(test)]
mod docs;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::reader::Table;

pub use auto::{Auto, AutoPolicy, Interpolation};
pub use batch::Batch;
pub use colour::{Colour, ContrastMethod, GrayMethod};
pub use family::{Manual, Parameter};
pub use fill::Fill;
pub use geometry::{Geometry, NoiseDistribution};
pub use group::Group;
pub use noise::Noise;
pub use quality::{GlassMode, Quality};
pub(super) use read::op as read_op;

/// An op with the probability that it is applied to an image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Op {
    /// Probability that the op is applied, 0 to 1.
    pub p: f64,
    /// What is done when it is.
    pub action: Action,
}

/// What an op does to the pixels. Written as one table with the key `op`, whatever the family.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Action {
    /// Moves pixels.
    Geometry(Geometry),
    /// Changes colours.
    Colour(Colour),
    /// Adds noise.
    Noise(Noise),
    /// Loses detail.
    Quality(Quality),
    /// Chooses and applies changes of its own, as published policies say.
    Auto(Auto),
    /// Mixes the rows of a batch, or changes their targets.
    Batch(Batch),
    /// Applies other ops.
    Group(Group),
}

impl Action {
    /// The op's name in specs; it keys the op's draws, so that another name for it in a spec changes no pixel.
    pub fn name(&self) -> &'static str {
        match self {
            Action::Geometry(op) => op.name(),
            Action::Colour(op) => op.name(),
            Action::Noise(op) => op.name(),
            Action::Quality(op) => op.name(),
            Action::Auto(op) => op.name(),
            Action::Batch(op) => op.name(),
            Action::Group(group) => group.name(),
        }
    }

    /// Faults parameters that do not suit pictures of so many pixels a side; those of a group's ops were checked with them.
    fn check_side(&self, side: u32, table: &Table<'_>) {
        match self {
            Action::Geometry(op) => op.check_side(side, table),
            Action::Colour(op) => op.check_side(side, table),
            Action::Noise(op) => op.check_side(side, table),
            Action::Quality(op) => op.check_side(side, table),
            Action::Auto(op) => op.check_side(side, table),
            Action::Batch(op) => op.check_side(side, table),
            Action::Group(_) => {}
        }
    }

    /// Each parameter with its value in words; none for a group.
    pub fn values(&self) -> Vec<(&'static str, String)> {
        match self {
            Action::Geometry(op) => op.values(),
            Action::Colour(op) => op.values(),
            Action::Noise(op) => op.values(),
            Action::Quality(op) => op.values(),
            Action::Auto(op) => op.values(),
            Action::Batch(op) => op.values(),
            Action::Group(_) => Vec::new(),
        }
    }

    /// Whether it takes something from another row of the batch.
    pub fn needs_partner(&self) -> bool {
        match self {
            Action::Batch(op) => op.needs_partner(),
            Action::Group(group) => group.ops().iter().any(|named| named.op.action.needs_partner()),
            _ => false,
        }
    }

    /// The names of all ops that stand alone: every one but the groups.
    pub fn names() -> Vec<&'static str> {
        [Geometry::NAMES, Colour::NAMES, Noise::NAMES, Quality::NAMES, Auto::NAMES, Batch::NAMES].concat()
    }

    /// What each of these ops is.
    pub fn manual() -> Vec<Manual> {
        [
            Geometry::manual(),
            Colour::manual(),
            Noise::manual(),
            Quality::manual(),
            Auto::manual(),
            Batch::manual(),
        ]
        .concat()
    }
}

/// An op under the name that it has in the spec.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NamedOp {
    /// The name in `[augment.ops]`, which is for people; inside a group the op's own kind (`rotate#2` for the second
    /// of one kind), which keys its draws.
    pub name: String,
    /// The op.
    pub op: Op,
    /// How many ops of its kind come before it in `[augment.ops]`, whether they are applied beside it or not: each of
    /// them draws anew, and the same in every arm.
    #[serde(default, skip_serializing_if = "is_first")]
    pub nth: u32,
}

/// Most are, and their jobs and keys stay as they were.
fn is_first(nth: &u32) -> bool {
    *nth == 0
}

/// What lies beyond the border of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Border {
    /// The picture mirrored, the border pixel not repeated (`gfedcb|abcdefgh|gfedcba`).
    Reflect101,
    /// Black.
    Constant,
}
