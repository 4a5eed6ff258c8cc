//! Each op at the ends of its ranges, for the properties of all ops.

use crate::augment::properties::Extreme;
use crate::spec::ops::{Action, Fill, Noise};

pub(in crate::augment) fn extremes() -> Vec<Extreme> {
    let gauss = |per_channel| Noise::GaussNoise { std: [0.0, 0.5], mean: [-0.5, 0.5], per_channel };
    let factors = |per_channel, elementwise| Noise::MultiplicativeNoise {
        multiplier: [0.0, 10.0],
        per_channel,
        elementwise,
    };
    let dropout =
        |dropout_prob, per_channel, drop_value| Noise::PixelDropout { dropout_prob, per_channel, drop_value };
    let coarse = |fill| Noise::CoarseDropout {
        num_holes_range: [1, 20],
        hole_height_range: [0.0, 1.0],
        hole_width_range: [0.0, 1.0],
        fill,
    };
    let erasing = |fill| Noise::RandomErasing { scale: [0.0, 1.0], ratio: [0.01, 100.0], fill };
    let ops = [
        ("gauss_noise", "0e92f40a8bd8", gauss(true)),
        ("gauss_noise_shared", "1d0c2114e03c", gauss(false)),
        ("iso_noise", "", Noise::IsoNoise { color_shift: [0.0, 1.0], intensity: [0.0, 1.0] }),
        ("iso_noise_strong", "", Noise::IsoNoise { color_shift: [1.0, 1.0], intensity: [10.0, 10.0] }),
        ("multiplicative_noise", "", factors(false, false)),
        ("multiplicative_noise_channels", "", factors(true, false)),
        ("multiplicative_noise_pixels", "", factors(false, true)),
        ("multiplicative_noise_values", "", factors(true, true)),
        ("pixel_dropout", "", dropout(0.3, false, Fill::Level(255))),
        ("pixel_dropout_channels", "", dropout(0.5, true, Fill::RandomUniform)),
        ("pixel_dropout_random", "", dropout(1.0, false, Fill::Random)),
        ("pixel_dropout_random_channels", "", dropout(0.5, true, Fill::Random)),
        ("coarse_dropout", "", coarse(Fill::Level(7))),
        ("coarse_dropout_random", "", coarse(Fill::Random)),
        ("coarse_dropout_uniform", "", coarse(Fill::RandomUniform)),
        ("random_erasing", "", erasing(Fill::Random)),
        ("random_erasing_level", "", erasing(Fill::Level(200))),
    ];
    ops.into_iter().map(|(name, digest, op)| Extreme(name, digest, Action::Noise(op))).collect()
}
