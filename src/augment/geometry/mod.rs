//! Ops that move pixels.

pub mod affine;
pub mod crop;
pub mod elastic;
pub mod flip;
pub mod grid;
pub(super) mod lattice;
pub mod optical;
pub mod perspective;
pub mod resized_crop;
mod reverse;
pub mod rotate;
mod sampler;
pub(super) mod smooth;
pub mod turn;
mod warp;

#[cfg(test)]
mod extremes;
#[cfg(test)]
mod golden;

use self::affine::{Affine, Ranges};
use self::crop::RandomCrop;
use self::elastic::ElasticTransform;
#[cfg(test)]
pub(super) use self::extremes::extremes;
use self::flip::Flip;
use self::grid::GridDistortion;
use self::optical::OpticalDistortion;
use self::perspective::Perspective;
use self::resized_crop::ResizedCrop;
use self::rotate::Rotation;
use self::turn::{QuarterTurns, Transposition};
use super::Transform;
use crate::seed::{Draws, Key};
use crate::spec::ops::Geometry;

/// Draws the values of `op`; draws for each pixel come from below `key`.
pub(super) fn draw(op: &Geometry, key: Key, draws: &mut Draws) -> Box<dyn Transform> {
    match *op {
        Geometry::HorizontalFlip {} => Box::new(Flip::Horizontal),
        Geometry::VerticalFlip {} => Box::new(Flip::Vertical),
        Geometry::Transpose {} => Box::new(Transposition),
        Geometry::RandomRotate90 {} => Box::new(QuarterTurns::draw(draws)),
        Geometry::Rotate { limit, border } => Box::new(Rotation::draw(limit, border, draws)),
        Geometry::Affine { scale, keep_ratio, translate_percent, rotate, shear, border } => {
            let ranges = Ranges { scale, keep_ratio, translate: [translate_percent; 2], rotate, shear };
            Box::new(Affine::draw(&ranges, border, draws))
        }
        Geometry::ShiftScaleRotate { shift_limit_x, shift_limit_y, scale_limit, rotate_limit, border } => {
            let ranges = Ranges {
                scale: scale_limit.map(|limit| 1.0 + limit),
                keep_ratio: false,
                translate: [shift_limit_x, shift_limit_y],
                rotate: rotate_limit,
                shear: [0.0, 0.0],
            };
            Box::new(Affine::draw(&ranges, border, draws))
        }
        Geometry::Perspective { scale } => Box::new(Perspective::draw(scale, draws)),
        Geometry::RandomResizedCrop { scale, ratio } => Box::new(ResizedCrop::draw(scale, ratio, draws)),
        Geometry::RandomCrop { padding, border } => Box::new(RandomCrop::draw(padding, border, draws)),
        Geometry::GridDistortion { num_steps, distort_limit, border } => {
            Box::new(GridDistortion::draw(num_steps, distort_limit, border, draws))
        }
        Geometry::ElasticTransform { alpha, sigma, noise_distribution, border } => {
            let key = key.child("pixels");
            Box::new(ElasticTransform { alpha, sigma, noise: noise_distribution, border, key })
        }
        Geometry::OpticalDistortion { distort_limit, border } => {
            Box::new(OpticalDistortion::draw(distort_limit, border, draws))
        }
    }
}
