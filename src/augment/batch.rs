//! Ops on batches: what a row takes from the row before it, and what becomes of its targets.
//!
//! A row's draws are its own, as those of all ops: only which row is its partner depends on the batch. The first row's
//! partner is the last, as torchvision rolls a batch. Each row has a weight of its own (Zhang et al., "mixup: beyond
//! empirical risk minimization", ICLR 2018: one for each pair) and a rectangle of its own (Yun et al., "CutMix", ICCV
//! 2019), placed as torchvision 0.26 (`transforms.v2.CutMix`) does for the same draws. Targets are multi-label: each
//! label's target is mixed by the same weight, and binary cross-entropy, which is linear in the target, then is the mean
//! of the losses against both rows' labels. Label smoothing is that of Keras' `BinaryCrossentropy`.
//!
//! The pixels are mixed where the batch is, on the run's device; [`mix_pictures`] is the same in memory, for people and
//! tests.

use std::fmt;

use super::dirichlet::dirichlet;
use super::{Scratch, Transform};
use crate::pixels::RgbImage;
use crate::seed::Draws;
use crate::spec::ops::{Action, Batch};

/// What is done to one row of a batch, with all values drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mix {
    /// The mean with its partner.
    Blend {
        /// Weight of the row itself, 0 to 1.
        own: f32,
    },
    /// A rectangle of its partner.
    Cut {
        /// Share of the area that the row keeps, before the rectangle is cut off at the border; 0 to 1.
        own: f64,
        /// Centre of the rectangle, as shares of width and height; 0 to below 1.
        centre: [f64; 2],
    },
    /// Softer targets.
    Smooth {
        /// How far they go to 0.5, 0 to 1.
        smoothing: f32,
    },
}

/// One mix for each row of a batch, `None` where the row stays as it is.
pub type Layer = Vec<Option<Mix>>;

/// Pixels `left..right`, `top..bottom`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patch {
    /// First column.
    pub left: usize,
    /// First row.
    pub top: usize,
    /// Behind the last column.
    pub right: usize,
    /// Behind the last row.
    pub bottom: usize,
}

impl Mix {
    /// Draws what `op` does to a row.
    pub(super) fn draw(op: &Batch, draws: &mut Draws) -> Self {
        match *op {
            Batch::Mixup { alpha } => Mix::Blend { own: dirichlet(alpha, 2, draws)[0] as f32 },
            Batch::Cutmix { alpha } => {
                let own = dirichlet(alpha, 2, draws)[0];
                Mix::Cut { own, centre: [draws.f64(), draws.f64()] }
            }
            Batch::LabelSmoothing { smoothing } => Mix::Smooth { smoothing: smoothing as f32 },
        }
    }

    /// The rectangle that a picture of this size takes from its partner; `None` where it takes none.
    pub fn patch(&self, width: usize, height: usize) -> Option<Patch> {
        let Mix::Cut { own, centre: [x, y] } = *self else { return None };
        // A square picture keeps the share `own` where the rectangle lies within it.
        let half = 0.5 * (1.0 - own).max(0.0).sqrt();
        let along = |centre: f64, length: usize| {
            let (centre, half) = ((centre * length as f64) as usize, (half * length as f64) as usize);
            (centre.saturating_sub(half), (centre + half).min(length))
        };
        let ((left, right), (top, bottom)) = (along(x, width), along(y, height));
        (left < right && top < bottom).then_some(Patch { left, top, right, bottom })
    }

    /// The weight of the row's own targets in a batch of pictures of this size, 0 to 1.
    pub fn own_share(&self, width: usize, height: usize) -> f32 {
        match *self {
            Mix::Blend { own } => own,
            Mix::Cut { .. } => self.patch(width, height).map_or(1.0, |patch| {
                let area = (patch.right - patch.left) * (patch.bottom - patch.top);
                (1.0 - area as f64 / (width * height) as f64) as f32
            }),
            Mix::Smooth { .. } => 1.0,
        }
    }
}

/// Of a rectangle: its area before it is cut off at the border, and its centre.
impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mix::Blend { own } => write!(f, "own={own:.2}"),
            Mix::Cut { own, centre: [x, y] } => {
                let area = (1.0 - own) * 100.0;
                write!(f, "patch={area:.0}% centre={:.0}%,{:.0}%", x * 100.0, y * 100.0)
            }
            Mix::Smooth { smoothing } => write!(f, "smoothing={smoothing}"),
        }
    }
}

/// A picture alone stays as it is.
impl Transform for Mix {
    fn apply(&self, _image: &mut RgbImage, _scratch: &mut Scratch) {}

    fn mix(&self) -> Option<Mix> {
        Some(*self)
    }
}

/// Whether `action` can change a batch.
pub(super) fn is_mixing(action: &Action) -> bool {
    match action {
        Action::Batch(_) => true,
        Action::Group(group) => group.ops().iter().any(|named| is_mixing(&named.op.action)),
        _ => false,
    }
}

/// The row that row `row_idx` of `n_rows` is mixed with.
pub fn partner(row_idx: usize, n_rows: usize) -> usize {
    if row_idx == 0 { n_rows.saturating_sub(1) } else { row_idx - 1 }
}

/// Mixes targets and weights of losses as `layer` says; pictures have `side` x `side` pixels.
///
/// `targets` is row-major [rows, labels], `weights` [rows]. Rows of different weights w keep the mean of both losses:
/// their common weight is `own w + (1 - own) w'`, and the targets are mixed in that proportion.
pub fn mix_targets(layer: &[Option<Mix>], side: usize, targets: &mut [f32], weights: &mut [f32]) {
    let n_rows = weights.len();
    debug_assert_eq!(layer.len(), n_rows);
    let n_labels = targets.len() / n_rows.max(1);
    let (before, weights_before) = (targets.to_vec(), weights.to_vec());
    for (row_idx, mix) in layer.iter().enumerate() {
        let row = &mut targets[row_idx * n_labels..][..n_labels];
        match mix {
            None => {}
            Some(Mix::Smooth { smoothing }) => {
                row.iter_mut().for_each(|target| *target = *target * (1.0 - smoothing) + smoothing * 0.5);
            }
            Some(mix) => {
                let (own, other_idx) = (mix.own_share(side, side), partner(row_idx, n_rows));
                let (mine, theirs) = (own * weights_before[row_idx], (1.0 - own) * weights_before[other_idx]);
                let weight = mine + theirs;
                if weight > 0.0 {
                    let other = &before[other_idx * n_labels..][..n_labels];
                    for (target, other) in row.iter_mut().zip(other) {
                        *target = (*target * mine + other * theirs) / weight;
                    }
                }
                weights[row_idx] = weight;
            }
        }
    }
}

/// Mixes pictures of one size as `layer` says; values are rounded to the nearest level.
pub fn mix_pictures(layer: &[Option<Mix>], pictures: &mut [RgbImage]) {
    let before = pictures.to_vec();
    for (row_idx, (picture, mix)) in pictures.iter_mut().zip(layer).enumerate() {
        let other = &before[partner(row_idx, before.len())];
        match mix {
            Some(Mix::Blend { own }) => {
                for (value, other) in picture.data.iter_mut().zip(&other.data) {
                    let mean = f32::from(*value) * own + f32::from(*other) * (1.0 - own);
                    *value = (mean + 0.5) as u8;
                }
            }
            Some(mix) => {
                let Some(patch) = mix.patch(picture.width, picture.height) else { continue };
                for y in patch.top..patch.bottom {
                    let (from, to) = (y * picture.width + patch.left, y * picture.width + patch.right);
                    picture.data[from * 3..to * 3].copy_from_slice(&other.data[from * 3..to * 3]);
                }
            }
            None => {}
        }
    }
}

/// Ops on batches at the ends of their ranges. Alone, a picture stays as it is.
#[cfg(test)]
pub(super) fn extremes() -> Vec<super::properties::Extreme> {
    let ops = [
        Batch::Mixup { alpha: 0.01 },
        Batch::Mixup { alpha: 100.0 },
        Batch::Cutmix { alpha: 0.01 },
        Batch::Cutmix { alpha: 100.0 },
        Batch::LabelSmoothing { smoothing: 1.0 },
    ];
    ops.map(|op| super::properties::Extreme(op.name(), "32d271b4c9c7", Action::Batch(op))).into()
}

#[cfg(test)]
mod tests;
