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
        ("iso_noise", "8f692953f136", Noise::IsoNoise { color_shift: [0.0, 1.0], intensity: [0.0, 1.0] }),
        (
            "iso_noise_strong",
            "f688e4195471",
            Noise::IsoNoise { color_shift: [1.0, 1.0], intensity: [10.0, 10.0] },
        ),
        ("multiplicative_noise", "40fff3359f8b", factors(false, false)),
        ("multiplicative_noise_channels", "ee655105b093", factors(true, false)),
        ("multiplicative_noise_pixels", "e5ab4de6205b", factors(false, true)),
        ("multiplicative_noise_values", "bd23ea75ff5a", factors(true, true)),
        ("pixel_dropout", "46ee028ba912", dropout(0.3, false, Fill::Level(255))),
        ("pixel_dropout_channels", "575e32e60bf3", dropout(0.5, true, Fill::RandomUniform)),
        ("pixel_dropout_random", "9488ae0e30df", dropout(1.0, false, Fill::Random)),
        ("pixel_dropout_random_channels", "3b811f681b51", dropout(0.5, true, Fill::Random)),
        ("coarse_dropout", "d900064d2108", coarse(Fill::Level(7))),
        ("coarse_dropout_random", "2baf13ff17d7", coarse(Fill::Random)),
        ("coarse_dropout_uniform", "06e7439d0c6c", coarse(Fill::RandomUniform)),
        ("random_erasing", "3188d497c04b", erasing(Fill::Random)),
        ("random_erasing_level", "d5065a6e32b9", erasing(Fill::Level(200))),
    ];
    ops.into_iter().map(|(name, digest, op)| Extreme(name, digest, Action::Noise(op))).collect()
}
