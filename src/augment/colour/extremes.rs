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
        ("jitter", "fcf282c52a74", jitter([0.0, 10.0])),
        ("jitter_mean", "474f9f86b108", jitter([0.0, 0.0])),
        ("gray_weighted", "af3f8be6deb3", gray(GrayMethod::WeightedAverage)),
        ("gray_lab", "d485bd1aca03", gray(GrayMethod::FromLab)),
        ("gray_desaturation", "ae39fed62b74", gray(GrayMethod::Desaturation)),
        ("gray_average", "c351234f304d", gray(GrayMethod::Average)),
        ("gray_max", "852ef133caa6", gray(GrayMethod::Max)),
        ("clahe", "fc44cb740e05", clahe(8)),
        ("clahe_whole", "800b080a42f1", clahe(1)),
        ("clahe_fine", "fb9205636b7b", clahe(64)),
        ("gamma", "8c2f8aa86676", Colour::RandomGamma { gamma_limit: [1.0, 1000.0] }),
        ("rgb_shift", "13661cfa8128", rgb_shift),
        ("equalize", "b559a1c47bbe", Colour::Equalize { by_channels: true }),
        ("equalize_luma", "5affc55d21ea", Colour::Equalize { by_channels: false }),
        ("auto_contrast", "7ebf0ac885cf", contrast(0.0, ContrastMethod::Cdf)),
        ("auto_contrast_cut", "32d271b4c9c7", contrast(100.0, ContrastMethod::Cdf)),
        ("auto_contrast_pil", "8866a6db9807", contrast(2.0, ContrastMethod::Pil)),
        ("posterize", "c09d1e076ecd", Colour::Posterize { num_bits: [1, 7] }),
        ("solarize", "6952febaba4b", Colour::Solarize { threshold_range: [0.0, 1.0] }),
        ("invert", "f34b176ba8e5", Colour::Invert {}),
        ("sharpen", "fef2fd1a4d35", Colour::Sharpen { alpha: [0.0, 1.0], lightness: [0.0, 10.0] }),
        ("tone_curve", "630c440afebf", Colour::RandomToneCurve { scale: 1.0, per_channel: false }),
        ("tone_curve_channels", "22f2376b086f", Colour::RandomToneCurve { scale: 1.0, per_channel: true }),
    ];
    ops.into_iter().map(|(name, digest, op)| Extreme(name, digest, Action::Colour(op))).collect()
}
