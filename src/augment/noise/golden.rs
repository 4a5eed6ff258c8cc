//! Noise beside albumentations' formulas with the same draws.

use super::dropout::PixelDropout;
use super::iso::IsoNoise;
use super::multiplicative::{Factors, PixelFactors};
use crate::augment::Transform;
use crate::augment::golden::{Case, Golden};
use crate::spec::ops::Fill;

static GOLDEN: Golden = Golden {
    cases: include_str!("../../../tests/golden/augment/noise.json"),
    pixels: include_bytes!("../../../tests/golden/augment/noise.bin"),
};

fn drawn(case: &Case) -> Box<dyn Transform> {
    match case.op.as_str() {
        "iso_noise" => Box::new(IsoNoise {
            color_shift: case.number("color_shift"),
            intensity: case.number("intensity"),
            key: case.value("key"),
        }),
        "multiplicative_noise" => Box::new(Factors(case.value("multiplier"))),
        "multiplicative_noise_pixels" => Box::new(PixelFactors {
            range: case.value("multiplier"),
            per_channel: case.value("per_channel"),
            key: case.value("key"),
        }),
        "pixel_dropout" => Box::new(PixelDropout {
            probability: case.number("probability"),
            per_channel: case.value("per_channel"),
            fill: Fill::Level(case.value("level")),
            key: case.value("key"),
        }),
        other => panic!("no op `{other}`"),
    }
}

#[test]
fn factors_and_dropout_are_equal() {
    for (op, cases) in
        [("multiplicative_noise", 30), ("multiplicative_noise_pixels", 18), ("pixel_dropout", 18)]
    {
        let distance = GOLDEN.distance(op, 1, drawn);
        assert_eq!((distance.cases, distance.largest), (cases, 0), "{op}: {distance:?}");
    }
}

/// Floats are rounded in other places, and a sum that lies between two levels may fall to either. A pixel whose draw lies
/// just at the limit of a Poisson value may take the next one.
#[test]
fn grain_is_within_one_level() {
    let distance = GOLDEN.distance("iso_noise", 1, drawn);
    assert_eq!(distance.cases, 24);
    assert!(distance.equal > 0.997 && distance.near > 0.9999, "{distance:?}");
}
