//! Pictures per second of each augmentation op on one core:
//!
//! ```text
//! cargo bench --bench augment -- [--side 224] [--photo FILE] [--only TEXT] [--table]
//! ```
//!
//! `peers.py` beside it measures albumentations, torchvision and kornia on the same ops and photo, and runs this with
//! `--table` in the same minute. Without a photo a drawn picture is used.
#![allow(clippy::print_stdout, missing_docs, reason = "a benchmark talks to the terminal")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use ablatrix::augment::{Policy, Scratch, sample_key};
use ablatrix::pixels::{RgbImage, decode};
use ablatrix::spec::ops::{NamedOp, Op};
use ablatrix::spec::{Overrides, load};

/// Pictures per round: few, so that some round is left alone by whatever else the machine does.
const PICTURES: i64 = 8;

static OPS: &str = include_str!("ops.toml");

struct Asked {
    side: usize,
    photo: Option<PathBuf>,
    only: String,
    /// `name seconds` a line, for `peers.py`.
    table: bool,
}

fn main() {
    let asked = asked();
    let picture = picture(&asked);
    if !asked.table {
        println!("{:<28}{:>12}{:>14}", format!("{0} x {0}, one core", asked.side), "images/s", "us/image");
    }
    for (name, op) in ops() {
        if !name.contains(&asked.only) {
            continue;
        }
        let policy = Policy::new(&[NamedOp { name: name.clone(), op: Op { p: 1.0, ..op } }]);
        let seconds = measure(&policy, &picture);
        if asked.table {
            println!("{name} {seconds:e}");
        } else {
            println!("{name:<28}{:>12.0}{:>14.1}", 1.0 / seconds, seconds * 1e6);
        }
    }
}

fn asked() -> Asked {
    let mut asked = Asked { side: 224, photo: None, only: String::new(), table: false };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap_or_else(|| panic!("{word} wants a value"));
        match word.as_str() {
            "--side" => asked.side = value().parse().unwrap_or_else(|error| panic!("--side: {error}")),
            "--photo" => asked.photo = Some(value().into()),
            "--only" => asked.only = value(),
            "--table" => asked.table = true,
            // Cargo's own.
            "--bench" => {}
            other => panic!("no option {other}"),
        }
    }
    asked
}

/// The ops of `ops.toml`, read as those of a spec.
fn ops() -> Vec<(String, Op)> {
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let path = folder.path().join("ops.toml");
    let frame =
        "name = \"ops\"\n[dataset]\nformat = \"folders\"\nimages = \"photos\"\n[labels]\nfrom = \"folder\"\n";
    std::fs::write(&path, format!("{frame}{OPS}")).unwrap_or_else(|error| panic!("{error}"));
    let loaded = load(&path, &Overrides::default()).unwrap_or_else(|error| panic!("{:?}", error.faults));
    loaded.experiment.augment.ops.clone().into_iter().collect()
}

/// Seconds per picture: the best of several rounds, each of a few pictures, for about two seconds. Every picture
/// starts from the same pixels, whose copying is measured apart and taken off.
fn measure(policy: &Policy, picture: &RgbImage) -> f64 {
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

/// The middle square of the photo, every n-th pixel; or waves with a fine texture: like a photo, neither flat nor pure
/// noise.
fn picture(asked: &Asked) -> RgbImage {
    let side = asked.side;
    let mut image = RgbImage::new(side, side);
    let Some(path) = &asked.photo else {
        for y in 0..side {
            for x in 0..side {
                let texture = ((x * 7919 + y * 104_729) ^ (x * y)) % 23;
                let wave = |c: usize| ((x * (c + 2) + y * (5 - c)) % 233 + texture) as u8;
                image.set_pixel(x, y, [wave(0), wave(1), wave(2)]);
            }
        }
        return image;
    };
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let photo = decode(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let step = (photo.width.min(photo.height) / side).max(1);
    let (left, top) =
        (photo.width.saturating_sub(side * step) / 2, photo.height.saturating_sub(side * step) / 2);
    assert!(photo.width.min(photo.height) >= side, "the photo is smaller than {side}");
    for y in 0..side {
        for x in 0..side {
            image.set_pixel(x, y, photo.pixel(left + x * step, top + y * step));
        }
    }
    image
}
