//! The changes that policies are made of.

use std::fmt;

use super::affine::Affine;
use super::space::step;
use super::{blend, levels, sharpness};
use crate::augment::transform::Tables;
use crate::augment::{Mask, Scratch, Transform};
use crate::pixels::RgbImage;
use crate::spec::ops::Interpolation;

/// One change with its magnitude, as a function of pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Primitive {
    /// None.
    Identity,
    /// Each row is read from this many times its distance from the top further right.
    ShearX(f64),
    /// Each column is read from this many times its distance from the left further down.
    ShearY(f64),
    /// The picture moves to the right.
    TranslateX(Distance),
    /// The picture moves down.
    TranslateY(Distance),
    /// Degrees, counter-clockwise, about the centre.
    Rotate(f64),
    /// Factor on each value; 1 changes nothing.
    Brightness(f64),
    /// How much of the picture is left, the rest being its greys; 1 changes nothing.
    Color(f64),
    /// How much of the picture is left, the rest being its mean grey; 1 changes nothing.
    Contrast(f64),
    /// How much of the picture is left, the rest being smoothed; 1 changes nothing.
    Sharpness(f64),
    /// High bits that are kept; 8 changes nothing.
    Posterize(u32),
    /// Values from this one on are inverted.
    Solarize(f64),
    /// Stretches each channel to the whole range.
    AutoContrast,
    /// Evens out the histogram of each channel.
    Equalize,
    /// Turns each value round.
    Invert,
}

/// How far a picture is moved: a step between nothing and the most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distance {
    /// The last step.
    pub most: Most,
    /// Number of steps.
    pub bins: usize,
    /// This step.
    pub bin: usize,
    /// To the left, or up.
    pub negative: bool,
}

/// The furthest that a picture is moved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Most {
    /// In pixels.
    Pixels(f64),
    /// As a share of the side along which it moves.
    Share(f64),
}

impl Distance {
    /// Whole pixels, cut off, along a side of `side` pixels.
    pub fn pixels(self, side: usize) -> i64 {
        let most = match self.most {
            Most::Pixels(pixels) => pixels,
            Most::Share(share) => share * side as f64,
        };
        let pixels = step(0.0, most, self.bins, self.bin) as i64;
        if self.negative { -pixels } else { pixels }
    }
}

impl fmt::Display for Distance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.negative { '-' } else { '+' };
        match self.most {
            Most::Pixels(most) => write!(f, "{sign}{}", step(0.0, most, self.bins, self.bin) as i64),
            Most::Share(most) => write!(f, "{sign}{:.1}%", 100.0 * step(0.0, most, self.bins, self.bin)),
        }
    }
}

impl Primitive {
    /// Changes the picture.
    pub fn apply(self, interpolation: Interpolation, image: &mut RgbImage, scratch: &mut Scratch) {
        if let Some(affine) = self.affine(image.width, image.height) {
            return affine.apply(interpolation, image, scratch);
        }
        match self {
            Primitive::Color(factor) => blend::color(factor, &mut image.data),
            Primitive::Contrast(factor) => blend::contrast(factor, &mut image.data),
            Primitive::Sharpness(factor) => sharpness::sharpness(factor, image, &mut scratch.before),
            Primitive::AutoContrast => levels::autocontrast(image),
            Primitive::Equalize => levels::equalize(image),
            Primitive::Brightness(factor) => blend::brightness(factor, &mut image.data),
            Primitive::Posterize(bits) => levels::posterize(bits, &mut image.data),
            Primitive::Solarize(threshold) => levels::solarize(threshold, &mut image.data),
            Primitive::Invert => levels::invert(&mut image.data),
            // Identity; the rest are affine.
            _ => {}
        }
    }

    /// Moves a mask with the picture: the nearest value, 0 from outside, whatever the interpolation.
    pub fn apply_to_mask(self, mask: &mut Mask) {
        if let Some(affine) = self.affine(mask.width, mask.height) {
            affine.apply_to_mask(mask);
        }
    }

    /// The new value of each, where it depends on the old one alone.
    pub fn table(self) -> Option<[u8; 256]> {
        let mut table = std::array::from_fn(|value| value as u8);
        match self {
            Primitive::Brightness(factor) => blend::brightness(factor, &mut table),
            Primitive::Posterize(bits) => levels::posterize(bits, &mut table),
            Primitive::Solarize(threshold) => levels::solarize(threshold, &mut table),
            Primitive::Invert => levels::invert(&mut table),
            _ => return None,
        }
        Some(table)
    }

    /// Where pixels come from; `None` where they stay.
    fn affine(self, width: usize, height: usize) -> Option<Affine> {
        match self {
            Primitive::ShearX(by) => Some(Affine::shear(by, 0.0)),
            Primitive::ShearY(by) => Some(Affine::shear(0.0, by)),
            Primitive::TranslateX(by) => Some(Affine::translation(by.pixels(width), 0)),
            Primitive::TranslateY(by) => Some(Affine::translation(0, by.pixels(height))),
            Primitive::Rotate(degrees) => Some(Affine::rotation(degrees, width, height)),
            _ => None,
        }
    }
}

impl fmt::Display for Primitive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Primitive::Identity => write!(f, "identity"),
            Primitive::ShearX(by) => write!(f, "shear_x={by:+.3}"),
            Primitive::ShearY(by) => write!(f, "shear_y={by:+.3}"),
            Primitive::TranslateX(by) => write!(f, "translate_x={by}"),
            Primitive::TranslateY(by) => write!(f, "translate_y={by}"),
            Primitive::Rotate(degrees) => write!(f, "rotate={degrees:+.1}"),
            Primitive::Brightness(factor) => write!(f, "brightness={factor:.3}"),
            Primitive::Color(factor) => write!(f, "color={factor:.3}"),
            Primitive::Contrast(factor) => write!(f, "contrast={factor:.3}"),
            Primitive::Sharpness(factor) => write!(f, "sharpness={factor:.3}"),
            Primitive::Posterize(bits) => write!(f, "posterize={bits}"),
            Primitive::Solarize(threshold) => write!(f, "solarize={threshold:.1}"),
            Primitive::AutoContrast => write!(f, "autocontrast"),
            Primitive::Equalize => write!(f, "equalize"),
            Primitive::Invert => write!(f, "invert"),
        }
    }
}

/// A primitive as a transform.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// What is done.
    pub primitive: Primitive,
    /// How pixels are read where it moves them.
    pub interpolation: Interpolation,
}

impl Transform for Change {
    fn apply(&self, image: &mut RgbImage, scratch: &mut Scratch) {
        if !image.data.is_empty() {
            self.primitive.apply(self.interpolation, image, scratch);
        }
    }

    fn apply_to_mask(&self, mask: &mut Mask) {
        if !mask.data.is_empty() {
            self.primitive.apply_to_mask(mask);
        }
    }

    fn tables(&self) -> Option<Tables> {
        self.primitive.table().map(Tables::same)
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.primitive.fmt(f)
    }
}
