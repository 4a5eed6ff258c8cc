//! Ops on whole batches: they mix a row with another one of its batch, or change its targets.

use super::domain::{Domain, Number};
use super::family::{Manual, Parameter, family};
use crate::spec::reader::Table;

const ALPHA: Number = Number { least: 0.01, most: 100.0, unit: "" };

family! {
    /// Ops on batches; after all others, wherever they stand.
    Batch {
        /// Replaces a row by a weighted mean of itself and the row before it in the batch, pixels and targets alike.
        Mixup = "mixup" {
            /// Of the distribution Beta(alpha, alpha) that the row's own weight is drawn from: 1 is uniform, smaller is
            /// nearer to 0 or 1.
            alpha: f64 = ALPHA,
        }
        /// Pastes a rectangle of the row before it in the batch over a row at the same place, and weights the targets by
        /// the areas.
        Cutmix = "cutmix" {
            /// Of the distribution Beta(alpha, alpha) that the row's own share of the area is drawn from.
            alpha: f64 = ALPHA,
        }
        /// Moves each target towards 0.5, pixels stay: `target x (1 - smoothing) + smoothing / 2`.
        LabelSmoothing = "label_smoothing" {
            /// How far: 0 not at all, 1 all the way.
            smoothing: f64 = Number { least: 0.0, most: 1.0, unit: "" },
        }
    }
}

impl Batch {
    /// Whether a row needs another one beside it.
    pub fn needs_partner(&self) -> bool {
        matches!(self, Batch::Mixup { .. } | Batch::Cutmix { .. })
    }
}
