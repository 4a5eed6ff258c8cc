//! Colours beside albumentations' with the same values.

use super::brightness::BrightnessContrast;
use super::channels::ChannelOrder;
use super::hsv::HsvShift;
use crate::augment::Transform;
use crate::augment::golden::{Case, Golden};

static GOLDEN: Golden = Golden {
    cases: include_str!("../../../tests/golden/augment/colour.json"),
    pixels: include_bytes!("../../../tests/golden/augment/colour.bin"),
};

fn drawn(case: &Case) -> Box<dyn Transform> {
    match case.op.as_str() {
        "random_brightness_contrast" => Box::new(BrightnessContrast {
            contrast: 1.0 + case.number("contrast"),
            brightness: case.number("brightness"),
            by_max: case.value("by_max"),
        }),
        "hue_saturation_value" => Box::new(HsvShift {
            hue: case.number("hue"),
            saturation: case.number("saturation"),
            value: case.number("value"),
        }),
        "channel_shuffle" => Box::new(ChannelOrder { from: case.value("from") }),
        other => panic!("no op `{other}`"),
    }
}

#[test]
fn brightness_and_channels_are_equal() {
    for (op, cases) in [("random_brightness_contrast", 60), ("channel_shuffle", 30)] {
        let distance = GOLDEN.distance(op, 1, drawn);
        assert_eq!((distance.cases, distance.largest), (cases, 0), "{op}: {distance:?}");
    }
}

/// OpenCV rounds in the columns that do not fill a vector and cuts off elsewhere; here all are cut off. So
/// small pictures differ by one level, and those whose width is a multiple of 64 hardly ever.
#[test]
fn hue_saturation_and_value_are_within_one_level() {
    let all = GOLDEN.distance("hue_saturation_value", 1, drawn);
    assert_eq!(all.cases, 36);
    assert!(all.largest <= 1, "{all:?}");
    let wide = GOLDEN.distance("hue_saturation_value", 64 * 64, drawn);
    assert_eq!(wide.cases, 12);
    assert!(wide.equal > 0.9995, "{wide:?}");
}
