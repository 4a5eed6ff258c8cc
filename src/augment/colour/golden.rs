//! Colours beside albumentations' with the same values.

use super::brightness::BrightnessContrast;
use super::channels::ChannelOrder;
use super::clahe::Clahe;
use super::contrast::AutoContrast;
use super::equalize::Equalize;
use super::gamma::Gamma;
use super::gray::Gray;
use super::hsv::HsvShift;
use super::jitter::{Change, Jitter};
use super::levels::{Invert, Posterize, Solarize};
use super::sharpen::Sharpen;
use super::shift::RgbShift;
use super::tone::ToneCurve;
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
        "color_jitter" => Box::new(jitter(case)),
        "to_gray" => Box::new(Gray { method: case.value("method") }),
        "clahe" => Box::new(Clahe { clip_limit: case.number("clip_limit"), tiles: case.value("tiles") }),
        "random_gamma" => Box::new(Gamma { gamma: case.number("gamma") }),
        "rgb_shift" => Box::new(RgbShift(case.value("shift"))),
        "equalize" => Box::new(Equalize { by_channels: case.value("by_channels") }),
        "posterize" => Box::new(Posterize { bits: case.value("bits") }),
        "solarize" => Box::new(Solarize { threshold: case.number("threshold") }),
        "invert" => Box::new(Invert),
        "sharpen" => Box::new(Sharpen { alpha: case.number("alpha"), lightness: case.number("lightness") }),
        "random_tone_curve" => Box::new(ToneCurve { low: case.value("low"), high: case.value("high") }),
        "auto_contrast" => {
            Box::new(AutoContrast { cutoff: case.number("cutoff"), method: case.value("method") })
        }
        other => panic!("no op `{other}`"),
    }
}

fn jitter(case: &Case) -> Jitter {
    let changes = [Change::Brightness, Change::Contrast, Change::Saturation, Change::Hue];
    Jitter {
        brightness: case.number("brightness"),
        contrast: case.number("contrast"),
        saturation: case.number("saturation"),
        hue: case.number("hue"),
        order: case.value::<[usize; 4]>("order").map(|i| changes[i]),
    }
}

#[test]
fn tables_and_channels_are_equal() {
    let ops = [
        ("random_brightness_contrast", 60),
        ("channel_shuffle", 30),
        ("random_gamma", 36),
        ("rgb_shift", 24),
        ("equalize", 12),
        ("posterize", 42),
        ("solarize", 36),
        ("invert", 6),
        ("random_tone_curve", 30),
        ("auto_contrast", 30),
    ];
    for (op, cases) in ops {
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

#[test]
fn lab_and_sums_are_within_one_level() {
    for (op, cases, equal) in [("to_gray", 30, 0.9999), ("sharpen", 36, 0.99), ("clahe", 36, 0.99)] {
        let distance = GOLDEN.distance(op, 1, drawn);
        assert_eq!(distance.cases, cases, "{op}");
        assert!(distance.largest <= 1 && distance.equal > equal, "{op}: {distance:?}");
    }
}

/// What follows a hue that is one level away may carry it on: a table by its slope, a histogram not at all.
#[test]
fn jitter_is_within_a_few_levels() {
    let all = GOLDEN.distance("color_jitter", 1, drawn);
    assert_eq!(all.cases, 72);
    assert!(all.largest <= 2 && all.near > 0.9999, "{all:?}");
    let wide = GOLDEN.distance("color_jitter", 64 * 64, drawn);
    assert_eq!(wide.cases, 24);
    assert!(wide.equal > 0.998, "{wide:?}");
}
