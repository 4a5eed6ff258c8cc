//! AugMix: the weighted mean of a picture and of several changed ones.
//!
//! Equal to torchvision's where the changes are: the sum is made in 32-bit floats in the same order, and cut off to whole
//! levels. There is no one place that a pixel comes from, so masks stay where they are.

use std::fmt;

use super::primitive::Primitive;
use super::space;
use crate::augment::dirichlet::dirichlet;
use crate::augment::{Scratch, Transform};
use crate::pixels::RgbImage;
use crate::seed::Draws;
use crate::spec::ops::Interpolation;

/// Steps of magnitudes.
const BINS: usize = 10;

/// What the values are drawn from.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Magnitudes are drawn from the first `severity` of 10 steps.
    pub severity: i64,
    /// Chains.
    pub mixture_width: i64,
    /// Changes in each chain; 0 or less: 1 to 3, drawn for each.
    pub chain_depth: i64,
    /// Of the distributions of the weights.
    pub alpha: f64,
    /// With brightness, colour, contrast and sharpness.
    pub all_ops: bool,
}

/// The drawn values. The weights add up to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct AugMix {
    /// Weight of the picture itself.
    pub original: f32,
    /// The changed pictures.
    pub chains: Vec<Chain>,
    /// How pixels are read where changes move them.
    pub interpolation: Interpolation,
}

/// One changed picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    /// Its weight.
    pub weight: f32,
    /// What is done, in order.
    pub primitives: Vec<Primitive>,
}

impl AugMix {
    /// Draws the weight of the picture itself, those of the chains, then each chain: how long it is, and its changes.
    pub fn draw(shape: Shape, interpolation: Interpolation, draws: &mut Draws) -> Self {
        let halves = dirichlet(shape.alpha, 2, draws);
        let shares = dirichlet(shape.alpha, shape.mixture_width as usize, draws);
        let space = if shape.all_ops { &space::MIX } else { &space::MIX_PART };
        let chain = |share: f64| {
            let depth = if shape.chain_depth > 0 { shape.chain_depth as u64 } else { 1 + draws.below(3) };
            let mut primitive =
                || space.draw(draws, BINS, |draws| draws.below(shape.severity as u64) as usize);
            let primitives = (0..depth).map(|_| primitive()).collect();
            Chain { weight: share as f32 * halves[1] as f32, primitives }
        };
        let chains = shares.into_iter().map(chain).collect();
        AugMix { original: halves[0] as f32, chains, interpolation }
    }
}

impl Transform for AugMix {
    fn apply(&self, image: &mut RgbImage, scratch: &mut Scratch) {
        if image.data.is_empty() {
            return;
        }
        // Taken out, since the changes need the rest of the memory.
        let mut mixture = std::mem::take(&mut scratch.mixture);
        mixture.sum.clear();
        mixture.sum.extend(image.data.iter().map(|&value| self.original * f32::from(value)));
        let mut part = RgbImage { width: image.width, height: image.height, data: mixture.part };
        for chain in &self.chains {
            part.data.clear();
            part.data.extend_from_slice(&image.data);
            for primitive in &chain.primitives {
                primitive.apply(self.interpolation, &mut part, scratch);
            }
            add(&mut mixture.sum, &part.data, chain.weight);
        }
        cut_off(&mixture.sum, &mut image.data);
        mixture.part = part.data;
        scratch.mixture = mixture;
    }
}

#[multiversion::multiversion(targets("x86_64+avx2+bmi2"))]
fn add(sum: &mut [f32], part: &[u8], weight: f32) {
    for (sum, &value) in sum.iter_mut().zip(part) {
        *sum += weight * f32::from(value);
    }
}

#[multiversion::multiversion(targets("x86_64+avx2+bmi2"))]
fn cut_off(sum: &[f32], values: &mut [u8]) {
    for (value, &sum) in values.iter_mut().zip(sum) {
        *value = sum as u8;
    }
}

impl fmt::Display for AugMix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "original={:.3}", self.original)?;
        for chain in &self.chains {
            let primitives: Vec<_> = chain.primitives.iter().map(ToString::to_string).collect();
            write!(f, " {:.3}*[{}]", chain.weight, primitives.join(" "))?;
        }
        Ok(())
    }
}
