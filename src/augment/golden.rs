//! The ops beside albumentations 2.0.8 with the same drawn values, on pictures made by
//! `tests/golden/augment/make_augment.py`.

use serde::Deserialize;

use super::brightness::BrightnessContrast;
use super::channels::ChannelOrder;
use super::hsv::HsvShift;
use super::rotate::Rotation;
use super::{Drawn, Scratch};
use crate::pixels::RgbImage;
use crate::spec::ops::Border;

static CASES: &str = include_str!("../../tests/golden/augment/cases.json");
static PIXELS: &[u8] = include_bytes!("../../tests/golden/augment/pixels.bin");

#[derive(Deserialize)]
struct Case {
    op: String,
    params: serde_json::Value,
    width: usize,
    height: usize,
    source: usize,
    result: usize,
}

impl Case {
    fn picture(&self, start: usize) -> RgbImage {
        let (width, height) = (self.width, self.height);
        RgbImage { width, height, data: PIXELS[start..start + width * height * 3].to_vec() }
    }

    fn drawn(&self) -> Drawn {
        let number = |name: &str| self.params[name].as_f64().unwrap();
        match self.op.as_str() {
            "horizontal_flip" => Drawn::HorizontalFlip,
            "vertical_flip" => Drawn::VerticalFlip,
            "rotate" => Drawn::Rotate(Rotation {
                angle: number("angle"),
                border: serde_json::from_value::<Border>(self.params["border"].clone()).unwrap(),
            }),
            "random_brightness_contrast" => Drawn::BrightnessContrast(BrightnessContrast {
                contrast: 1.0 + number("contrast"),
                brightness: number("brightness"),
                by_max: self.params["by_max"].as_bool().unwrap(),
            }),
            "hue_saturation_value" => Drawn::HueSaturationValue(HsvShift {
                hue: number("hue"),
                saturation: number("saturation"),
                value: number("value"),
            }),
            "channel_shuffle" => Drawn::ChannelShuffle(ChannelOrder {
                from: serde_json::from_value(self.params["from"].clone()).unwrap(),
            }),
            other => panic!("no op `{other}`"),
        }
    }
}

/// How far results lie from the reference's, over all cases of an op.
#[derive(Debug, Default)]
struct Distance {
    cases: usize,
    /// Share of values that are equal.
    equal: f64,
    /// In levels.
    largest: u8,
}

/// Of the pictures of at least `pixels` pixels.
fn distance(op: &str, pixels: usize) -> Distance {
    let cases: Vec<Case> = serde_json::from_str(CASES).unwrap();
    let mut scratch = Scratch::new();
    let (mut result, mut values) = (Distance::default(), 0);
    for case in cases.iter().filter(|case| case.op == op && case.width * case.height >= pixels) {
        let mut image = case.picture(case.source);
        case.drawn().apply(&mut image, &mut scratch);
        let expected = case.picture(case.result);
        assert_eq!((image.width, image.height), (expected.width, expected.height));
        assert_eq!(image.data.len(), expected.data.len());
        let differences = image.data.iter().zip(&expected.data).map(|(a, b)| a.abs_diff(*b));
        result.largest = result.largest.max(differences.clone().max().unwrap());
        result.equal += differences.filter(|&d| d == 0).count() as f64;
        values += image.data.len();
        result.cases += 1;
    }
    result.equal /= values as f64;
    result
}

#[test]
fn flips_brightness_and_channels_are_equal() {
    for (op, cases) in [
        ("horizontal_flip", 5),
        ("vertical_flip", 5),
        ("random_brightness_contrast", 50),
        ("channel_shuffle", 25),
    ] {
        let distance = distance(op, 1);
        assert_eq!((distance.cases, distance.largest), (cases, 0), "{op}: {distance:?}");
    }
}

/// OpenCV interpolates in floats, here weights have 13 bits: a level of difference where the sum lies close
/// to the middle between two.
#[test]
fn rotation_is_within_one_level() {
    let distance = distance("rotate", 1);
    assert_eq!(distance.cases, 70);
    assert!(distance.largest <= 1 && distance.equal > 0.995, "{distance:?}");
}

/// OpenCV rounds in the columns that do not fill a vector and cuts off elsewhere; here all are cut off. So
/// small pictures differ by one level, and those whose width is a multiple of 64 hardly ever.
#[test]
fn hue_saturation_and_value_are_within_one_level() {
    let all = distance("hue_saturation_value", 1);
    assert_eq!(all.cases, 30);
    assert!(all.largest <= 1, "{all:?}");
    let wide = distance("hue_saturation_value", 64 * 64);
    assert_eq!(wide.cases, 6);
    assert!(wide.equal > 0.9995, "{wide:?}");
}
