//! Moved pixels beside albumentations' with the same values.

use super::flip::Flip;
use super::rotate::Rotation;
use crate::augment::Transform;
use crate::augment::golden::{Case, Golden};
use crate::spec::ops::Border;

static GOLDEN: Golden = Golden {
    cases: include_str!("../../../tests/golden/augment/geometry.json"),
    pixels: include_bytes!("../../../tests/golden/augment/geometry.bin"),
};

fn drawn(case: &Case) -> Box<dyn Transform> {
    match case.op.as_str() {
        "horizontal_flip" => Box::new(Flip::Horizontal),
        "vertical_flip" => Box::new(Flip::Vertical),
        "rotate" => {
            Box::new(Rotation { angle: case.number("angle"), border: case.value::<Border>("border") })
        }
        other => panic!("no op `{other}`"),
    }
}

#[test]
fn flips_are_equal() {
    for op in ["horizontal_flip", "vertical_flip"] {
        let distance = GOLDEN.distance(op, 1, drawn);
        assert_eq!((distance.cases, distance.largest), (6, 0), "{op}: {distance:?}");
    }
}

/// OpenCV interpolates in floats, here weights have 13 bits: a level of difference where the sum lies close
/// to the middle between two.
#[test]
fn rotation_is_within_one_level() {
    let distance = GOLDEN.distance("rotate", 1, drawn);
    assert_eq!(distance.cases, 84);
    assert!(distance.largest <= 1 && distance.equal > 0.995, "{distance:?}");
}
