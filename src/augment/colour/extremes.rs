//! Each op at the ends of its ranges, for the properties of all ops.

use crate::augment::properties::Extreme;
use crate::spec::ops::{Action, Colour};

pub(in crate::augment) fn extremes() -> Vec<Extreme> {
    let brightness = |brightness_by_max| Colour::RandomBrightnessContrast {
        brightness_limit: [-1.0, 1.0],
        contrast_limit: [-1.0, 1.0],
        brightness_by_max,
    };
    let limit = [-255.0, 255.0];
    let hsv =
        Colour::HueSaturationValue { hue_shift_limit: limit, sat_shift_limit: limit, val_shift_limit: limit };
    let ops = [
        ("brightness", "3bfb7cd75ab5", brightness(true)),
        ("brightness_by_mean", "6e70b14c2065", brightness(false)),
        ("hsv", "9257a92d32fe", hsv),
        ("shuffle", "24d29500662a", Colour::ChannelShuffle {}),
    ];
    ops.into_iter().map(|(name, digest, op)| Extreme(name, digest, Action::Colour(op))).collect()
}
