//! Ops that add noise or take pixels away.

pub mod gauss;
pub(in crate::augment) mod normal;

#[cfg(test)]
mod extremes;

#[cfg(test)]
pub(super) use self::extremes::extremes;
use self::gauss::GaussNoise;
use super::Transform;
use crate::seed::{Draws, Key};
use crate::spec::ops::Noise;

/// Draws the values of `op`; the draws for each pixel come from `pixels`.
pub(super) fn draw(op: &Noise, pixels: Key, draws: &mut Draws) -> Box<dyn Transform> {
    match *op {
        Noise::GaussNoise { std, mean, per_channel } => {
            Box::new(GaussNoise::draw(std, mean, per_channel, pixels, draws))
        }
    }
}
