//! Ops that lose detail, as lenses, motion and compression do.

mod border;
pub mod compression;
pub mod defocus;
pub mod downscale;
pub mod gaussian;
pub mod glass;
mod jpeg;
pub mod median;
pub mod motion;
mod separable;

#[cfg(test)]
mod extremes;
#[cfg(test)]
mod golden;

use self::compression::ImageCompression;
use self::defocus::Defocus;
use self::downscale::Downscale;
#[cfg(test)]
pub(super) use self::extremes::extremes;
use self::gaussian::GaussianBlur;
use self::glass::GlassBlur;
pub(super) use self::jpeg::Planes;
use self::median::MedianBlur;
use self::motion::MotionBlur;
pub(super) use self::separable::Rows;
use super::Transform;
use crate::seed::{Draws, Key};
use crate::spec::ops::Quality;

/// Draws the values of `op`; the draws for each pixel come from `pixels`.
pub(super) fn draw(op: &Quality, pixels: Key, draws: &mut Draws) -> Box<dyn Transform> {
    match *op {
        Quality::GaussianBlur { sigma_limit, blur_limit } => {
            Box::new(GaussianBlur::draw(sigma_limit, blur_limit, draws))
        }
        Quality::MotionBlur { blur_limit, allow_shifted, angle_range, direction_range } => {
            Box::new(MotionBlur::draw(blur_limit, allow_shifted, angle_range, direction_range, draws))
        }
        Quality::MedianBlur { blur_limit } => Box::new(MedianBlur::draw(blur_limit, draws)),
        Quality::GlassBlur { sigma, max_delta, iterations, mode } => Box::new(GlassBlur {
            sigma,
            max_delta: max_delta as usize,
            iterations: iterations as usize,
            mode,
            key: pixels,
        }),
        Quality::Defocus { radius, alias_blur } => Box::new(Defocus::draw(radius, alias_blur, draws)),
        Quality::ImageCompression { quality_range } => Box::new(ImageCompression::draw(quality_range, draws)),
        Quality::Downscale { scale_range } => Box::new(Downscale::draw(scale_range, draws)),
    }
}
