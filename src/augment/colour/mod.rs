//! Ops that change colours and leave pixels where they are.

pub mod brightness;
pub mod channels;
pub mod hsv;

#[cfg(test)]
mod extremes;
#[cfg(test)]
mod golden;

use self::brightness::BrightnessContrast;
use self::channels::ChannelOrder;
#[cfg(test)]
pub(super) use self::extremes::extremes;
use self::hsv::HsvShift;
use super::Transform;
use crate::seed::Draws;
use crate::spec::ops::Colour;

/// Draws the values of `op`.
pub(super) fn draw(op: &Colour, draws: &mut Draws) -> Box<dyn Transform> {
    match *op {
        Colour::RandomBrightnessContrast { brightness_limit, contrast_limit, brightness_by_max } => {
            Box::new(BrightnessContrast::draw(brightness_limit, contrast_limit, brightness_by_max, draws))
        }
        Colour::HueSaturationValue { hue_shift_limit, sat_shift_limit, val_shift_limit } => {
            Box::new(HsvShift::draw(hue_shift_limit, sat_shift_limit, val_shift_limit, draws))
        }
        Colour::ChannelShuffle {} => Box::new(ChannelOrder::draw(draws)),
    }
}
