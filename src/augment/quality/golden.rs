//! Lost detail beside albumentations' and OpenCV's with the same values.

use super::compression::ImageCompression;
use super::defocus::Defocus;
use super::downscale::Downscale;
use super::gaussian::GaussianBlur;
use super::glass::GlassBlur;
use super::median::MedianBlur;
use super::motion::MotionBlur;
use crate::augment::Transform;
use crate::augment::golden::{Case, Golden};
use crate::spec::ops::GlassMode;

static GOLDEN: Golden = Golden {
    cases: include_str!("../../../tests/golden/augment/quality.json"),
    pixels: include_bytes!("../../../tests/golden/augment/quality.bin"),
};

fn drawn(case: &Case) -> Box<dyn Transform> {
    match case.op.as_str() {
        "gaussian_blur" => Box::new(GaussianBlur { sigma: case.number("sigma"), size: case.value("size") }),
        "motion_blur" => Box::new(MotionBlur {
            size: case.value("size"),
            angle: case.number("angle"),
            direction: case.number("direction"),
            shift: case.value("shift"),
        }),
        "median_blur" => Box::new(MedianBlur { size: case.value("size") }),
        "glass_blur" => Box::new(GlassBlur {
            sigma: case.number("sigma"),
            max_delta: case.value("max_delta"),
            iterations: case.value("iterations"),
            mode: GlassMode::Fast,
            key: case.value("key"),
        }),
        "defocus" => {
            Box::new(Defocus { radius: case.value("radius"), alias_blur: case.number("alias_blur") })
        }
        "image_compression" => Box::new(ImageCompression { quality: case.value("quality") }),
        "downscale" => Box::new(Downscale { scale: case.number("scale") }),
        other => panic!("no op `{other}`"),
    }
}

#[test]
fn medians_compression_and_downscaling_are_equal() {
    for (op, cases) in [("median_blur", 24), ("image_compression", 54), ("downscale", 18)] {
        let distance = GOLDEN.distance(op, 1, drawn);
        assert_eq!((distance.cases, distance.largest), (cases, 0), "{op}: {distance:?}");
    }
}

/// The reference sums in 32-bit floats (glass blur: with weights of 8 bits), and rounds ties to even.
#[test]
fn blurs_are_within_one_level() {
    for (op, cases, equal) in
        [("gaussian_blur", 30, 0.97), ("motion_blur", 30, 0.9), ("defocus", 30, 0.9), ("glass_blur", 18, 0.5)]
    {
        let distance = GOLDEN.distance(op, 1, drawn);
        assert_eq!(distance.cases, cases);
        assert!(
            distance.near >= 0.99 && distance.equal > equal && distance.largest <= 3,
            "{op}: {distance:?}"
        );
    }
}
