//! Which changes a policy chooses from, and how strong they are: magnitudes on evenly spaced steps.
//!
//! torchvision computes steps in 32-bit floats, and so does this file, to the last bit.

use super::primitive::{Distance, Most, Primitive};
use crate::seed::Draws;

/// A kind of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the primitives")]
pub enum Kind {
    Identity,
    ShearX,
    ShearY,
    TranslateX,
    TranslateY,
    Rotate,
    Brightness,
    Color,
    Contrast,
    Sharpness,
    Posterize,
    Solarize,
    AutoContrast,
    Equalize,
    Invert,
}

impl Kind {
    /// Whether its magnitude is as often negative as positive.
    pub fn is_signed(self) -> bool {
        use Kind::{Brightness, Color, Contrast, Rotate, Sharpness, ShearX, ShearY, TranslateX, TranslateY};
        matches!(
            self,
            ShearX | ShearY | TranslateX | TranslateY | Rotate | Brightness | Color | Contrast | Sharpness
        )
    }

    /// Whether it has a magnitude at all.
    pub fn has_magnitude(self) -> bool {
        self.is_signed() || matches!(self, Kind::Posterize | Kind::Solarize)
    }
}

/// A policy's changes with their strongest magnitudes.
#[derive(Clone, Copy, Debug)]
pub struct Space {
    /// What is chosen from, in torchvision's order; without AutoAugment's, which chooses pairs.
    pub kinds: &'static [Kind],
    /// Of the shears: the shift of a pixel's place for each pixel across.
    shear: f64,
    translate: Most,
    /// Degrees.
    rotate: f64,
    /// Of brightness, colour, contrast and sharpness: how far the factor lies from 1.
    blend: f64,
    /// Bits that are kept at the first step, and how many fewer at the last.
    posterize: (f32, f64),
}

/// RandAugment's.
pub static RAND: Space = Space {
    kinds: &[
        Kind::Identity,
        Kind::ShearX,
        Kind::ShearY,
        Kind::TranslateX,
        Kind::TranslateY,
        Kind::Rotate,
        Kind::Brightness,
        Kind::Color,
        Kind::Contrast,
        Kind::Sharpness,
        Kind::Posterize,
        Kind::Solarize,
        Kind::AutoContrast,
        Kind::Equalize,
    ],
    shear: 0.3,
    translate: Most::Share(150.0 / 331.0),
    rotate: 30.0,
    blend: 0.9,
    posterize: (8.0, 4.0),
};

/// TrivialAugment's wide one.
pub static WIDE: Space = Space {
    kinds: RAND.kinds,
    shear: 0.99,
    translate: Most::Pixels(32.0),
    rotate: 135.0,
    blend: 0.99,
    posterize: (8.0, 6.0),
};

/// AutoAugment's: the kinds are those of its pairs.
pub static LEARNT: Space = Space { kinds: &[], ..RAND };

/// AugMix's with all changes.
pub static MIX: Space = Space {
    kinds: &[
        Kind::ShearX,
        Kind::ShearY,
        Kind::TranslateX,
        Kind::TranslateY,
        Kind::Rotate,
        Kind::Posterize,
        Kind::Solarize,
        Kind::AutoContrast,
        Kind::Equalize,
        Kind::Brightness,
        Kind::Color,
        Kind::Contrast,
        Kind::Sharpness,
    ],
    translate: Most::Share(1.0 / 3.0),
    posterize: (4.0, 4.0),
    ..RAND
};

/// AugMix's without brightness, colour, contrast and sharpness: those that its authors keep out, for they are among the
/// damages of ImageNet-C.
pub static MIX_PART: Space = Space { kinds: MIX.kinds.split_at(9).0, ..MIX };

impl Space {
    /// Draws a change, each as likely as the others, then its step of `bins` by `bin`, then its sign; what it has not
    /// is not drawn.
    pub fn draw(&self, draws: &mut Draws, bins: usize, bin: impl FnOnce(&mut Draws) -> usize) -> Primitive {
        let kind = self.kinds[draws.below(self.kinds.len() as u64) as usize];
        let bin = if kind.has_magnitude() { bin(draws) } else { 0 };
        let negative = kind.is_signed() && draws.chance(0.5);
        self.primitive(kind, bins, bin, negative)
    }

    /// The change on step `bin` of `bins`, of which there are at least two.
    pub fn primitive(&self, kind: Kind, bins: usize, bin: usize, negative: bool) -> Primitive {
        let sign = if negative { -1.0 } else { 1.0 };
        let signed = |most: f64| sign * f64::from(step(0.0, most, bins, bin));
        let distance = || Distance { most: self.translate, bins, bin, negative };
        match kind {
            Kind::Identity => Primitive::Identity,
            Kind::ShearX => Primitive::ShearX(signed(self.shear)),
            Kind::ShearY => Primitive::ShearY(signed(self.shear)),
            Kind::TranslateX => Primitive::TranslateX(distance()),
            Kind::TranslateY => Primitive::TranslateY(distance()),
            Kind::Rotate => Primitive::Rotate(signed(self.rotate)),
            Kind::Brightness => Primitive::Brightness(1.0 + signed(self.blend)),
            Kind::Color => Primitive::Color(1.0 + signed(self.blend)),
            Kind::Contrast => Primitive::Contrast(1.0 + signed(self.blend)),
            Kind::Sharpness => Primitive::Sharpness(1.0 + signed(self.blend)),
            Kind::Posterize => {
                let (first, fewer) = self.posterize;
                let bits = first - bin as f32 / ((bins - 1) as f64 / fewer) as f32;
                Primitive::Posterize(libm::rintf(bits) as u32)
            }
            Kind::Solarize => Primitive::Solarize(255.0 * f64::from(step(1.0, 0.0, bins, bin))),
            Kind::AutoContrast => Primitive::AutoContrast,
            Kind::Equalize => Primitive::Equalize,
            Kind::Invert => Primitive::Invert,
        }
    }
}

/// Step `bin` of `bins` from `first` to `last`, as `torch.linspace` gives it in 32-bit floats: the lower half counted
/// from the first, the upper half from the last, each by one fused multiply-add, which two operations on 64 bits
/// amount to.
pub(super) fn step(first: f64, last: f64, bins: usize, bin: usize) -> f32 {
    let (first, last) = (first as f32, last as f32);
    let width = (last - first) / (bins - 1) as f32;
    let fused = |from: f32, steps: f64| (f64::from(from) + f64::from(width) * steps) as f32;
    if bin < bins / 2 { fused(first, bin as f64) } else { fused(last, -((bins - 1 - bin) as f64)) }
}
