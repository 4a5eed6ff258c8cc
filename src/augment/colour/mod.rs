//! Ops that change colours and leave pixels where they are.

pub mod brightness;
pub mod channels;
pub mod clahe;
pub mod contrast;
pub mod equalize;
pub mod gamma;
pub mod gray;
mod histogram;
pub mod hsv;
pub mod jitter;
mod lab;
pub mod levels;
pub mod sharpen;
pub mod shift;
pub mod tone;
mod ycrcb;

#[cfg(test)]
mod extremes;
#[cfg(test)]
mod golden;

use self::brightness::BrightnessContrast;
use self::channels::ChannelOrder;
use self::clahe::Clahe;
use self::contrast::AutoContrast;
use self::equalize::Equalize;
#[cfg(test)]
pub(super) use self::extremes::extremes;
use self::gamma::Gamma;
use self::gray::Gray;
use self::hsv::HsvShift;
use self::jitter::Jitter;
use self::levels::{Invert, Posterize, Solarize};
use self::sharpen::Sharpen;
use self::shift::RgbShift;
use self::tone::ToneCurve;
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
        Colour::ColorJitter { brightness, contrast, saturation, hue } => {
            Box::new(Jitter::draw([brightness, contrast, saturation, hue], draws))
        }
        Colour::ToGray { method } => Box::new(Gray { method }),
        Colour::Clahe { clip_limit, tile_grid_size } => {
            Box::new(Clahe::draw(clip_limit, tile_grid_size, draws))
        }
        Colour::RandomGamma { gamma_limit } => Box::new(Gamma::draw(gamma_limit, draws)),
        Colour::RgbShift { r_shift_limit, g_shift_limit, b_shift_limit } => {
            Box::new(RgbShift::draw([r_shift_limit, g_shift_limit, b_shift_limit], draws))
        }
        Colour::Equalize { by_channels } => Box::new(Equalize { by_channels }),
        Colour::AutoContrast { cutoff, method } => Box::new(AutoContrast { cutoff, method }),
        Colour::Posterize { num_bits } => Box::new(Posterize::draw(num_bits, draws)),
        Colour::Solarize { threshold_range } => Box::new(Solarize::draw(threshold_range, draws)),
        Colour::Invert {} => Box::new(Invert),
        Colour::Sharpen { alpha, lightness } => Box::new(Sharpen::draw(alpha, lightness, draws)),
        Colour::RandomToneCurve { scale, per_channel } => {
            Box::new(ToneCurve::draw(scale, per_channel, draws))
        }
    }
}
