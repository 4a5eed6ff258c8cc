//! Ops that move pixels.

pub mod flip;
pub mod rotate;

#[cfg(test)]
mod extremes;
#[cfg(test)]
mod golden;

#[cfg(test)]
pub(super) use self::extremes::extremes;
use self::flip::Flip;
use self::rotate::Rotation;
use super::Transform;
use crate::seed::Draws;
use crate::spec::ops::Geometry;

/// Draws the values of `op`.
pub(super) fn draw(op: &Geometry, draws: &mut Draws) -> Box<dyn Transform> {
    match *op {
        Geometry::HorizontalFlip {} => Box::new(Flip::Horizontal),
        Geometry::VerticalFlip {} => Box::new(Flip::Vertical),
        Geometry::Rotate { limit, border } => Box::new(Rotation::draw(limit, border, draws)),
    }
}
