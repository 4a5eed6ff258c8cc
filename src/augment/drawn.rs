//! What an op has drawn for one picture: from settings and draws to values, from values to pixels.

use std::fmt;

use super::brightness::BrightnessContrast;
use super::channels::ChannelOrder;
use super::hsv::HsvShift;
use super::noise::Noise;
use super::rotate::Rotation;
use super::{Scratch, flip};
use crate::pixels::RgbImage;
use crate::seed::{Draws, Key};
use crate::spec::ops::{Action, NamedOp};

/// The values of one op for one picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Drawn {
    /// Mirrors left and right.
    HorizontalFlip,
    /// Mirrors top and bottom.
    VerticalFlip,
    /// Rotates about the centre.
    Rotate(Rotation),
    /// Changes brightness and contrast.
    BrightnessContrast(BrightnessContrast),
    /// Shifts hue, saturation and value.
    HueSaturationValue(HsvShift),
    /// Reorders the channels.
    ChannelShuffle(ChannelOrder),
    /// Adds normal noise.
    GaussNoise(Noise),
}

/// What an action came to: the values, and which op of a `one_of` was chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Outcome<'a> {
    /// The innermost chosen op's name; `None` where there was nothing to choose.
    pub chosen: Option<&'a str>,
    /// The values.
    pub drawn: Drawn,
}

impl Drawn {
    /// Draws the values of `action` from `draws`, which is the stream of `key` after its first draw (whether
    /// the op is applied at all). Per-pixel draws and the ops of a `one_of` have streams of their own below
    /// `key`. `None` where a `one_of` has no op of positive weight.
    pub(super) fn draw<'a>(action: &'a Action, key: Key, draws: &mut Draws) -> Option<Outcome<'a>> {
        let drawn = match action {
            Action::HorizontalFlip => Drawn::HorizontalFlip,
            Action::VerticalFlip => Drawn::VerticalFlip,
            Action::Rotate { limit, border } => Drawn::Rotate(Rotation::draw(*limit, *border, draws)),
            Action::RandomBrightnessContrast { brightness_limit, contrast_limit, brightness_by_max } => {
                Drawn::BrightnessContrast(BrightnessContrast::draw(
                    *brightness_limit,
                    *contrast_limit,
                    *brightness_by_max,
                    draws,
                ))
            }
            Action::HueSaturationValue { hue_shift_limit, sat_shift_limit, val_shift_limit } => {
                Drawn::HueSaturationValue(HsvShift::draw(
                    *hue_shift_limit,
                    *sat_shift_limit,
                    *val_shift_limit,
                    draws,
                ))
            }
            Action::ChannelShuffle => Drawn::ChannelShuffle(ChannelOrder::draw(draws)),
            Action::GaussNoise { std, mean, per_channel } => {
                Drawn::GaussNoise(Noise::draw(*std, *mean, *per_channel, key.child("pixels"), draws))
            }
            Action::OneOf { ops } => {
                let chosen = choose(ops, draws.f64())?;
                let key = key.child(&chosen.name);
                let inner = Drawn::draw(&chosen.op.action, key, &mut key.draws())?;
                return Some(Outcome { chosen: inner.chosen.or(Some(&chosen.name)), drawn: inner.drawn });
            }
        };
        Some(Outcome { chosen: None, drawn })
    }

    /// Changes the picture by these values; its size stays.
    pub fn apply(&self, image: &mut RgbImage, scratch: &mut Scratch) {
        match self {
            Drawn::HorizontalFlip => flip::horizontal(image),
            Drawn::VerticalFlip => flip::vertical(image),
            Drawn::Rotate(rotation) => rotation.apply(image, scratch),
            Drawn::BrightnessContrast(values) => values.apply(image),
            Drawn::HueSaturationValue(shift) => shift.apply(image),
            Drawn::ChannelShuffle(order) => order.apply(image),
            Drawn::GaussNoise(noise) => noise.apply(image),
        }
    }
}

impl fmt::Display for Drawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Drawn::HorizontalFlip | Drawn::VerticalFlip => Ok(()),
            Drawn::Rotate(values) => values.fmt(f),
            Drawn::BrightnessContrast(values) => values.fmt(f),
            Drawn::HueSaturationValue(values) => values.fmt(f),
            Drawn::ChannelShuffle(values) => values.fmt(f),
            Drawn::GaussNoise(values) => values.fmt(f),
        }
    }
}

/// The op that `point` (0 to below 1) falls on when each is as wide as its `p`.
fn choose(ops: &[NamedOp], point: f64) -> Option<&NamedOp> {
    let positive = || ops.iter().filter(|named| named.op.p > 0.0);
    let mut left = point * positive().map(|named| named.op.p).sum::<f64>();
    for named in positive() {
        left -= named.op.p;
        if left < 0.0 {
            return Some(named);
        }
    }
    // Rounding may leave a crumb behind the last op.
    positive().next_back()
}
