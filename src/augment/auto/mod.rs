//! Published policies: RandAugment, TrivialAugment, AutoAugment and AugMix, as torchvision 0.26 (`transforms.v2`) defines
//! them on 8-bit pictures.
//!
//! They are made of 15 primitives, which are torchvision's too and not those of the ops of the same names: geometry reads
//! the nearest pixel unless told otherwise and brings in black, colours are blends that cut off instead of rounding. For
//! the same drawn values the results are torchvision's; each file says how near.
//!
//! AutoAugment: Cubuk et al., arXiv 1805.09501. RandAugment: Cubuk et al., arXiv 1909.13719. TrivialAugment: Müller and
//! Hutter, arXiv 2103.10158. AugMix: Hendrycks et al., arXiv 1912.02781.

mod affine;
mod blend;
mod levels;
pub mod mix;
pub mod pairs;
pub mod primitive;
mod sharpness;
pub mod space;

#[cfg(test)]
mod chosen;
#[cfg(test)]
mod extremes;
#[cfg(test)]
mod golden;

#[cfg(test)]
pub(super) use self::extremes::extremes;
use self::mix::AugMix;
use self::primitive::Change;
use self::space::Space;
use super::Transform;
use crate::seed::Draws;
use crate::spec::ops::{Auto, Interpolation};

/// Draws what `op` does and hands each transform to `push`, in the order in which they are applied.
pub(super) fn draw(op: &Auto, draws: &mut Draws, push: &mut dyn FnMut(Box<dyn Transform>)) {
    match *op {
        Auto::RandAugment { num_ops, magnitude, num_magnitude_bins, interpolation } => {
            for _ in 0..num_ops {
                let (bin, bins) = (magnitude as usize, num_magnitude_bins as usize);
                push(one(&space::RAND, interpolation, draws, bins, |_| bin));
            }
        }
        Auto::TrivialAugmentWide { num_magnitude_bins, interpolation } => {
            let bins = num_magnitude_bins as usize;
            push(one(&space::WIDE, interpolation, draws, bins, |draws| draws.below(bins as u64) as usize));
        }
        Auto::AutoAugment { policy, interpolation } => {
            let pairs = pairs::of(policy);
            let pair = &pairs[draws.below(pairs.len() as u64) as usize];
            for learnt in pair {
                if draws.chance(learnt.p) {
                    let negative = learnt.kind.is_signed() && draws.chance(0.5);
                    let primitive = space::LEARNT.primitive(learnt.kind, pairs::BINS, learnt.bin, negative);
                    push(Box::new(Change { primitive, interpolation }));
                }
            }
        }
        Auto::AugMix { severity, mixture_width, chain_depth, alpha, all_ops, interpolation } => {
            let shape = mix::Shape { severity, mixture_width, chain_depth, alpha, all_ops };
            push(Box::new(AugMix::draw(shape, interpolation, draws)));
        }
    }
}

/// One change of `space`, each as likely as the others, on step `bin` of `bins`.
fn one(
    space: &Space,
    interpolation: Interpolation,
    draws: &mut Draws,
    bins: usize,
    bin: impl FnOnce(&mut Draws) -> usize,
) -> Box<dyn Transform> {
    let primitive = space.draw(draws, bins, bin);
    Box::new(Change { primitive, interpolation })
}
