//! What holds for every op, on pictures of any size and content.

use proptest::prelude::*;

use super::{Policy, Scratch, sample_key};
use crate::pixels::RgbImage;
use crate::spec::ops::{Action, Border, NamedOp, Op};

/// Every op under its own name, each with probability `p`.
fn all_ops(p: f64) -> Vec<NamedOp> {
    let noise = |per_channel| Action::GaussNoise { std: [0.0, 0.5], mean: [-0.5, 0.5], per_channel };
    let rotate = |border| Action::Rotate { limit: [-400.0, 400.0], border };
    let brightness = |brightness_by_max| Action::RandomBrightnessContrast {
        brightness_limit: [-1.0, 1.0],
        contrast_limit: [-1.0, 1.0],
        brightness_by_max,
    };
    let limit = [-255.0, 255.0];
    let hsv =
        Action::HueSaturationValue { hue_shift_limit: limit, sat_shift_limit: limit, val_shift_limit: limit };
    let one_of = |ops| Action::OneOf { ops };
    let named = |(name, action): (&str, Action)| NamedOp { name: name.to_owned(), op: Op { p, action } };
    let plain = vec![
        ("horizontal_flip", Action::HorizontalFlip),
        ("vertical_flip", Action::VerticalFlip),
        ("rotate_reflect", rotate(Border::Reflect101)),
        ("rotate_constant", rotate(Border::Constant)),
        ("brightness", brightness(true)),
        ("brightness_by_mean", brightness(false)),
        ("hsv", hsv),
        ("shuffle", Action::ChannelShuffle),
        ("noise", noise(true)),
        ("noise_shared", noise(false)),
    ];
    let mut ops: Vec<NamedOp> = plain.into_iter().map(named).collect();
    ops.push(named(("one_of", one_of(ops.clone()))));
    ops
}

fn picture(width: usize, height: usize, seed: u8) -> RgbImage {
    let mut image = RgbImage::new(width, height);
    for (i, value) in image.data.iter_mut().enumerate() {
        *value = ((i * 31 + usize::from(seed)) ^ (i >> 3)) as u8;
    }
    image
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn the_size_is_kept_and_nothing_panics(width in 1usize..40, height in 1usize..40, seed: u8, id: i64) {
        for op in all_ops(1.0) {
            let mut image = picture(width, height, seed);
            Policy::new(&[op]).apply(&mut image, sample_key(seed.into(), 1, id, 0), &mut Scratch::new());
            prop_assert_eq!((image.width, image.height, image.data.len()), (width, height, width * height * 3));
        }
    }

    #[test]
    fn probability_0_is_the_identity(width in 1usize..20, height in 1usize..20, seed: u8, id: i64) {
        let mut image = picture(width, height, seed);
        Policy::new(&all_ops(0.0)).apply(&mut image, sample_key(seed.into(), 1, id, 0), &mut Scratch::new());
        prop_assert_eq!(image, picture(width, height, seed));
    }

    /// What was in the buffers, and whether anybody watches, changes nothing.
    #[test]
    fn the_result_depends_on_the_sample_alone(width in 1usize..30, height in 1usize..30, seed: u8, id: i64) {
        let (policy, key) = (Policy::new(&all_ops(0.6)), sample_key(seed.into(), 2, id, 1));
        let (mut first, mut second) = (picture(width, height, seed), picture(width, height, seed));
        policy.apply(&mut first, key, &mut Scratch::new());
        let mut used = Scratch::new();
        policy.apply(&mut picture(37, 23, 1), sample_key(1, 1, 1, 1), &mut used);
        policy.apply_traced(&mut second, key, &mut used);
        prop_assert_eq!(first, second);
    }

    #[test]
    fn two_flips_undo_each_other(width in 1usize..30, height in 1usize..30, seed: u8) {
        let mut image = picture(width, height, seed);
        for flip in [super::flip::horizontal, super::flip::vertical] {
            flip(&mut image);
            flip(&mut image);
            prop_assert_eq!(&image, &picture(width, height, seed));
        }
    }
}

#[test]
fn a_picture_without_pixels_stays_one() {
    for (width, height) in [(0, 0), (0, 3), (3, 0)] {
        let mut image = RgbImage::new(width, height);
        Policy::new(&all_ops(1.0)).apply(&mut image, sample_key(1, 1, 1, 0), &mut Scratch::new());
        assert_eq!(image, RgbImage::new(width, height));
    }
}

/// The pixels of a sample are the same on every machine and in every version: results in caches rest on it.
#[test]
fn pixels_stay_the_same_for_ever() {
    let digests: Vec<String> = all_ops(1.0)
        .into_iter()
        .map(|op| {
            let mut image = picture(61, 47, 9);
            Policy::new(&[op]).apply(&mut image, sample_key(11, 3, 1234, 1), &mut Scratch::new());
            blake3::hash(&image.data).to_hex()[..12].to_owned()
        })
        .collect();
    let expected = [
        "2ac7eb32debe",
        "e49ef1ac48c0",
        "4cc162d57848",
        "0e7b31bce0d5",
        "3bfb7cd75ab5",
        "6e70b14c2065",
        "9257a92d32fe",
        "24d29500662a",
        "0e92f40a8bd8",
        "1d0c2114e03c",
        "568a10806061",
    ];
    assert_eq!(digests, expected);
}
