//! Each op at the ends of its ranges, for the properties of all ops.

use crate::augment::properties::Extreme;
use crate::spec::ops::{Action, Colour, ContrastMethod, GrayMethod};

pub(in crate::augment) fn extremes() -> Vec<Extreme> {
    let brightness = |brightness_by_max| Colour::RandomBrightnessContrast {
        brightness_limit: [-1.0, 1.0],
        contrast_limit: [-1.0, 1.0],
        brightness_by_max,
    };
    let limit = [-255.0, 255.0];
    let hsv =
        Colour::HueSaturationValue { hue_shift_limit: limit, sat_shift_limit: limit, val_shift_limit: limit };
    let jitter = |factor| Colour::ColorJitter {
        brightness: factor,
        contrast: factor,
        saturation: factor,
        hue: [-0.5, 0.5],
    };
    let gray = |method| Colour::ToGray { method };
    let clahe = |tile_grid_size| Colour::Clahe { clip_limit: [1.0, 256.0], tile_grid_size };
    let rgb_shift = Colour::RgbShift { r_shift_limit: limit, g_shift_limit: limit, b_shift_limit: limit };
    let contrast = |cutoff, method| Colour::AutoContrast { cutoff, method };
    let ops = [
        ("brightness", "3bfb7cd75ab5", brightness(true)),
        ("brightness_by_mean", "6e70b14c2065", brightness(false)),
        ("hsv", "9257a92d32fe", hsv),
        ("shuffle", "24d29500662a", Colour::ChannelShuffle {}),
        ("jitter", "", jitter([0.0, 10.0])),
        ("jitter_mean", "", jitter([0.0, 0.0])),
        ("gray_weighted", "", gray(GrayMethod::WeightedAverage)),
        ("gray_lab", "", gray(GrayMethod::FromLab)),
        ("gray_desaturation", "", gray(GrayMethod::Desaturation)),
        ("gray_average", "", gray(GrayMethod::Average)),
        ("gray_max", "", gray(GrayMethod::Max)),
        ("clahe", "", clahe(8)),
        ("clahe_whole", "", clahe(1)),
        ("clahe_fine", "", clahe(64)),
        ("gamma", "", Colour::RandomGamma { gamma_limit: [1.0, 1000.0] }),
        ("rgb_shift", "", rgb_shift),
        ("equalize", "", Colour::Equalize { by_channels: true }),
        ("equalize_luma", "", Colour::Equalize { by_channels: false }),
        ("auto_contrast", "", contrast(0.0, ContrastMethod::Cdf)),
        ("auto_contrast_cut", "", contrast(100.0, ContrastMethod::Cdf)),
        ("auto_contrast_pil", "", contrast(2.0, ContrastMethod::Pil)),
        ("posterize", "", Colour::Posterize { num_bits: [1, 7] }),
        ("solarize", "", Colour::Solarize { threshold_range: [0.0, 1.0] }),
        ("invert", "", Colour::Invert {}),
        ("sharpen", "", Colour::Sharpen { alpha: [0.0, 1.0], lightness: [0.0, 10.0] }),
        ("tone_curve", "", Colour::RandomToneCurve { scale: 1.0, per_channel: false }),
        ("tone_curve_channels", "", Colour::RandomToneCurve { scale: 1.0, per_channel: true }),
    ];
    ops.into_iter().map(|(name, digest, op)| Extreme(name, digest, Action::Colour(op))).collect()
}
