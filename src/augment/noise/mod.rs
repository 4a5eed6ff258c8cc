//! Ops that add noise or take pixels away.

pub mod coarse;
pub mod dropout;
pub mod erasing;
pub mod gauss;
mod holes;
pub mod iso;
pub mod multiplicative;
pub(in crate::augment) mod normal;

#[cfg(test)]
mod extremes;
#[cfg(test)]
mod golden;

use self::coarse::CoarseDropout;
use self::dropout::PixelDropout;
use self::erasing::RandomErasing;
#[cfg(test)]
pub(super) use self::extremes::extremes;
use self::gauss::GaussNoise;
use self::iso::IsoNoise;
use self::multiplicative::{Factors, PixelFactors};
use super::Transform;
use crate::seed::{Draws, Key};
use crate::spec::ops::Noise;

/// Draws the values of `op`; the draws for each pixel come from `pixels`.
pub(super) fn draw(op: &Noise, pixels: Key, draws: &mut Draws) -> Box<dyn Transform> {
    match *op {
        Noise::GaussNoise { std, mean, per_channel } => {
            Box::new(GaussNoise::draw(std, mean, per_channel, pixels, draws))
        }
        Noise::IsoNoise { color_shift, intensity } => {
            Box::new(IsoNoise::draw(color_shift, intensity, pixels, draws))
        }
        Noise::MultiplicativeNoise { multiplier, per_channel, elementwise: true } => {
            Box::new(PixelFactors { range: multiplier, per_channel, key: pixels })
        }
        Noise::MultiplicativeNoise { multiplier, per_channel, elementwise: false } => {
            Box::new(Factors::draw(multiplier, per_channel, draws))
        }
        Noise::PixelDropout { dropout_prob, per_channel, drop_value } => {
            Box::new(PixelDropout { probability: dropout_prob, per_channel, fill: drop_value, key: pixels })
        }
        Noise::CoarseDropout { num_holes_range, hole_height_range, hole_width_range, fill } => Box::new(
            CoarseDropout::draw(num_holes_range, hole_height_range, hole_width_range, fill, pixels, draws),
        ),
        Noise::RandomErasing { scale, ratio, fill } => {
            Box::new(RandomErasing::draw(scale, ratio, fill, pixels, draws))
        }
    }
}
