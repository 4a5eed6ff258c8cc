//! Moved pixels beside albumentations' with the same values.

use super::affine::Affine;
use super::crop::RandomCrop;
use super::elastic::Displaced;
use super::flip::Flip;
use super::grid::GridDistortion;
use super::optical::OpticalDistortion;
use super::perspective::Perspective;
use super::resized_crop::{ResizedCrop, Try};
use super::rotate::Rotation;
use super::sampler::sample;
use super::turn::{QuarterTurns, Transposition};
use crate::augment::golden::{Case, Golden};
use crate::augment::{Scratch, Transform};
use crate::pixels::RgbImage;
use crate::spec::ops::Border;

static GOLDEN: Golden = Golden {
    cases: include_str!("../../../tests/golden/augment/geometry.json"),
    pixels: include_bytes!("../../../tests/golden/augment/geometry.bin"),
};

fn drawn(case: &Case) -> Box<dyn Transform> {
    let border = || case.value::<Border>("border");
    match case.op.as_str() {
        "horizontal_flip" => Box::new(Flip::Horizontal),
        "vertical_flip" => Box::new(Flip::Vertical),
        "transpose" => Box::new(Transposition),
        "random_rotate90" => Box::new(QuarterTurns { turns: case.value("turns") }),
        "rotate" => Box::new(Rotation { angle: case.number("angle"), border: border() }),
        "affine" => Box::new(Affine {
            scale: case.value("scale"),
            translate: case.value("translate"),
            rotate: case.number("rotate"),
            shear: case.value("shear"),
            border: border(),
        }),
        "perspective" => Box::new(Perspective { inwards: case.value("inwards") }),
        "random_crop" => {
            Box::new(RandomCrop { padding: case.number("padding"), at: case.value("at"), border: border() })
        }
        "random_resized_crop" => {
            let (area, ratio, at) = (case.number("area"), case.number("ratio"), case.value("at"));
            // Where it does not fit, the whole picture is the largest in the middle.
            Box::new(ResizedCrop { tries: [Try { area, ratio, at }; 10], ratio: [0.01, 100.0] })
        }
        "grid_distortion" => {
            let [steps_x, steps_y] = case.value("steps");
            Box::new(GridDistortion { steps_x, steps_y, border: border() })
        }
        "optical_distortion" => Box::new(OpticalDistortion { k: case.number("k"), border: border() }),
        "elastic_transform" => Box::new(Waves { far: case.number("far"), border: border() }),
        other => panic!("no op `{other}`"),
    }
}

/// The displacements of `geometry.py`.
#[derive(Debug)]
struct Waves {
    far: f64,
    border: Border,
}

impl Transform for Waves {
    fn apply(&self, image: &mut RgbImage, _scratch: &mut Scratch) {
        let (width, height) = (image.width, image.height);
        let field = |at: &dyn Fn(f64, f64) -> f64| -> Vec<f32> {
            let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
            places.map(|(x, y)| (self.far * at(x as f64, y as f64)) as f32).collect()
        };
        let across = field(&|x, y| (x * 0.31 + y * 0.17).sin());
        let down = field(&|x, y| (x * 0.13 - y * 0.29).cos());
        let way = Displaced { width, across: &across, down: &down };
        sample(image, self.border, &mut Vec::new(), &way);
    }
}

impl std::fmt::Display for Waves {
    fn fmt(&self, _f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}

#[test]
fn where_pixels_move_whole_they_are_equal() {
    let ops = [
        ("horizontal_flip", 6),
        ("vertical_flip", 6),
        ("transpose", 6),
        ("random_rotate90", 24),
        ("random_crop", 36),
    ];
    for (op, cases) in ops {
        let distance = GOLDEN.distance(op, 1, drawn);
        assert_eq!((distance.cases, distance.largest), (cases, 0), "{op}: {distance:?}");
    }
}

/// OpenCV interpolates in floats, here weights have 13 bits (12 where rows stay rows): a level of difference
/// where the sum lies close to the middle between two.
#[test]
fn where_pixels_are_mixed_they_are_within_one_level() {
    let ops = [
        ("rotate", 84, 1, 0.995),
        ("affine", 60, 1, 0.99),
        ("perspective", 12, 1, 0.99),
        ("random_resized_crop", 18, 1, 0.93),
        ("grid_distortion", 12, 99 * 4, 0.98),
        ("optical_distortion", 36, 1, 0.99),
        ("elastic_transform", 24, 1, 0.99),
    ];
    let mut failed = Vec::new();
    for (op, cases, pixels, equal) in ops {
        let distance = GOLDEN.distance(op, pixels, drawn);
        if distance.cases != cases || distance.largest > 1 || distance.equal < equal {
            failed.push((op, distance));
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}
