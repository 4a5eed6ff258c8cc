//! Pictures per second of each augmentation op on one core, at 224 x 224: `cargo bench --bench augment [SIDE]`.
//! `benches/augment_peers.py` measures albumentations and torchvision on the same ops.
#![allow(clippy::print_stdout, missing_docs, reason = "a benchmark talks to the terminal")]

use std::time::{Duration, Instant};

use ablatrix::augment::{Policy, Scratch, sample_key};
use ablatrix::pixels::RgbImage;
use ablatrix::spec::ops::{Action, Border, Colour, Geometry, NamedOp, Noise, Op};

/// Pictures per round: few, so that some round is left alone by whatever else the machine does.
const PICTURES: i64 = 8;

fn main() {
    let side = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(224);
    println!("{:<28}{:>12}{:>14}", format!("{side} x {side}, one core"), "images/s", "us/image");
    for (name, action) in actions() {
        let policy = Policy::new(&[NamedOp { name: name.to_owned(), op: Op { p: 1.0, action } }]);
        let seconds = measure(&policy, side);
        println!("{name:<28}{:>12.0}{:>14.1}", 1.0 / seconds, seconds * 1e6);
    }
}

fn actions() -> Vec<(&'static str, Action)> {
    let limit = [-45.0, 45.0];
    let noise =
        |per_channel| Action::Noise(Noise::GaussNoise { std: [0.05, 0.11], mean: [0.0, 0.0], per_channel });
    vec![
        ("horizontal_flip", Action::Geometry(Geometry::HorizontalFlip {})),
        ("vertical_flip", Action::Geometry(Geometry::VerticalFlip {})),
        ("rotate_reflect", Action::Geometry(Geometry::Rotate { limit, border: Border::Reflect101 })),
        ("rotate_constant", Action::Geometry(Geometry::Rotate { limit, border: Border::Constant })),
        (
            "random_brightness_contrast",
            Action::Colour(Colour::RandomBrightnessContrast {
                brightness_limit: [-0.2, 0.2],
                contrast_limit: [-0.2, 0.2],
                brightness_by_max: true,
            }),
        ),
        (
            "hue_saturation_value",
            Action::Colour(Colour::HueSaturationValue {
                hue_shift_limit: [-20.0, 20.0],
                sat_shift_limit: [-30.0, 30.0],
                val_shift_limit: [-20.0, 20.0],
            }),
        ),
        ("channel_shuffle", Action::Colour(Colour::ChannelShuffle {})),
        ("gauss_noise", noise(true)),
        ("gauss_noise_shared", noise(false)),
    ]
}

/// Seconds per picture: the best of several rounds, each of a few pictures, for about two seconds. Every picture
/// starts from the same pixels, whose copying is measured apart and taken off.
fn measure(policy: &Policy, side: usize) -> f64 {
    let picture = picture(side);
    let mut image = picture.clone();
    let mut scratch = Scratch::new();
    let mut round = |apply: bool| {
        let start = Instant::now();
        for id in 0..PICTURES {
            image.data.copy_from_slice(&picture.data);
            if apply {
                policy.apply(&mut image, sample_key(1, 1, id, 0), &mut scratch);
            }
            std::hint::black_box(&mut image);
        }
        start.elapsed().as_secs_f64() / PICTURES as f64
    };
    let (mut with, mut without) = (f64::INFINITY, f64::INFINITY);
    let end = Instant::now() + Duration::from_secs(2);
    while Instant::now() < end {
        with = with.min(round(true));
        without = without.min(round(false));
    }
    with - without
}

/// Waves with a fine texture: like a photo, neither flat nor pure noise.
fn picture(side: usize) -> RgbImage {
    let mut image = RgbImage::new(side, side);
    for y in 0..side {
        for x in 0..side {
            let texture = ((x * 7919 + y * 104_729) ^ (x * y)) % 23;
            let wave = |c: usize| ((x * (c + 2) + y * (5 - c)) % 233 + texture) as u8;
            image.set_pixel(x, y, [wave(0), wave(1), wave(2)]);
        }
    }
    image
}
