//! Pictures per second of each augmentation op on one core:
//!
//! ```text
//! cargo bench --bench augment -- [--side 224] [--photos FOLDER] [--only TEXT]
//! ```
//!
//! `peers.py` beside it starts this with `--serve` and measures other libraries on the same pictures in turn with it.
#![allow(clippy::print_stdout, missing_docs, reason = "a benchmark talks to the terminal")]

use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use ablatrix::augment::{Policy, Scratch, sample_key};
use ablatrix::pixels::{RgbImage, decode, normalise};
use ablatrix::spec::ops::{NamedOp, Op};
use ablatrix::spec::{Overrides, load};

/// Photos that are read from the folder, or pictures that are drawn.
const PICTURES: usize = 8;
/// Pictures that an op is applied to in a pass, each with draws of its own.
const CALLS: usize = 64;
/// Passes over the same pictures and draws, of which the fastest time of each picture counts.
const PASSES: usize = 5;
/// From pictures to what a network reads; the same here, two ways for others.
const PACKING: [&str; 2] = ["normalize_and_pack", "pack_and_normalize"];
/// Pictures of a batch.
const BATCH: usize = 32;
/// The seconds that a pass is cut down to.
const PASS_S: f64 = 0.3;

static OPS: &str = include_str!("ops.toml");
static STUDY: &str = include_str!("../../experiments/taco-augmentation.toml");

struct Asked {
    side: usize,
    photos: Option<PathBuf>,
    only: String,
    /// Where to write the pictures for `peers.py`, which then asks for one pass after the other.
    serve: Option<PathBuf>,
}

fn main() {
    let asked = asked();
    let pictures = match &asked.photos {
        Some(folder) => photos(folder, asked.side),
        None => (0..PICTURES).map(|n| drawn(n, asked.side)).collect(),
    };
    let policies = policies();
    if let Some(file) = &asked.serve {
        return serve(file, &pictures, &policies);
    }
    println!("{:<28}{:>12}{:>14}", format!("{0} x {0}, one core", asked.side), "images/s", "us/image");
    for (name, policy) in &policies {
        if name.contains(&asked.only) {
            let first = pass(policy, &pictures, 4);
            let calls = ((PASS_S * 4.0 / total(&first)) as usize).clamp(8, CALLS);
            let mut best = pass(policy, &pictures, calls);
            for _ in 1..PASSES {
                for (best, now) in best.iter_mut().zip(pass(policy, &pictures, calls)) {
                    *best = [best[0].min(now[0]), best[1].min(now[1])];
                }
            }
            let seconds = total(&best) / calls as f64;
            println!("{name:<28}{:>12.0}{:>14.1}", 1.0 / seconds, seconds * 1e6);
        }
    }
}

/// Seconds for copies and ops together.
fn total(times: &[[f64; 2]]) -> f64 {
    times.iter().flatten().sum()
}

fn asked() -> Asked {
    let mut asked = Asked { side: 224, photos: None, only: String::new(), serve: None };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap_or_else(|| panic!("{word} wants a value"));
        match word.as_str() {
            "--side" => asked.side = value().parse().unwrap_or_else(|error| panic!("--side: {error}")),
            "--photos" => asked.photos = Some(value().into()),
            "--only" => asked.only = value(),
            "--serve" => asked.serve = Some(value().into()),
            // Cargo's own.
            "--bench" => {}
            other => panic!("no option {other}"),
        }
    }
    asked
}

/// Answers `NAME CALLS` with two lines of so many seconds: of the copy of each picture, then of the op on the copy.
fn serve(file: &Path, pictures: &[RgbImage], policies: &[(String, Policy)]) {
    let bytes = pictures.iter().map(|picture| picture.data.as_slice()).collect::<Vec<_>>().concat();
    std::fs::write(file, bytes).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let names: Vec<_> = policies.iter().map(|(name, _)| name.as_str()).chain(PACKING).collect();
    println!("{}", names.join(" "));
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap_or_else(|error| panic!("standard input: {error}"));
        let (name, calls) =
            line.split_once(' ').unwrap_or_else(|| panic!("{line}: wants a name and a number"));
        let calls = calls.parse().unwrap_or_else(|error| panic!("{line}: {error}"));
        let times = if PACKING.contains(&name) {
            packing(pictures, calls)
        } else {
            let policy = policies.iter().find(|(of, _)| of == name);
            let (_, policy) = policy.unwrap_or_else(|| panic!("no op {name}"));
            pass(policy, pictures, calls)
        };
        for part in 0..2 {
            println!(
                "{}",
                times.iter().map(|time| format!("{:e}", time[part])).collect::<Vec<_>>().join(" ")
            );
        }
        std::io::stdout().flush().unwrap_or_else(|error| panic!("standard output: {error}"));
    }
}

/// Applies the policy to so many pictures, each with draws of its own, the same in every pass. Seconds of the copy of each, since an
/// op changes its picture, and of the op.
fn pass(policy: &Policy, pictures: &[RgbImage], calls: usize) -> Vec<[f64; 2]> {
    let mut image = pictures[0].clone();
    let mut scratch = Scratch::new();
    // Buffers grow at the first picture.
    policy.apply(&mut image, sample_key(1, 0, 0, 0), &mut scratch);
    let one = |call: usize| {
        let picture = &pictures[call % pictures.len()];
        let start = Instant::now();
        image.data.copy_from_slice(&picture.data);
        let copied = Instant::now();
        policy.apply(&mut image, sample_key(1, 1, call as i64, 0), &mut scratch);
        let done = Instant::now();
        std::hint::black_box(&mut image);
        [(copied - start).as_secs_f64(), (done - copied).as_secs_f64()]
    };
    (0..calls).map(one).collect()
}

/// What the worker does on a processor: the pictures of a batch one behind the other, then all to normalised floats, in
/// buffers that are used again. Seconds for a picture, of both.
fn packing(pictures: &[RgbImage], calls: usize) -> Vec<[f64; 2]> {
    let (mean, std) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
    let scale = std.map(|std: f32| 1.0 / (255.0 * std));
    let shift = std::array::from_fn(|c| -mean[c] / std[c]);
    let mut bytes: Vec<u8> = Vec::new();
    let mut floats = vec![0.0; pictures[0].data.len() * BATCH];
    let mut one = |_| {
        let start = Instant::now();
        bytes.clear();
        (0..BATCH).for_each(|i| bytes.extend_from_slice(&pictures[i % pictures.len()].data));
        let copied = Instant::now();
        normalise(&bytes, scale, shift, &mut floats);
        let done = Instant::now();
        std::hint::black_box(&mut floats);
        [copied - start, done - copied].map(|time| time.as_secs_f64() / BATCH as f64)
    };
    (0..(calls / BATCH).max(1)).map(&mut one).collect()
}

/// Each op of `ops.toml` on every picture, and the whole of a study's ops as they are.
fn policies() -> Vec<(String, Policy)> {
    let single = |named: NamedOp| {
        let whole = NamedOp { name: named.name.clone(), op: Op { p: 1.0, ..named.op }, nth: 0 };
        (named.name, Policy::new(&[whole]))
    };
    let mut policies: Vec<_> = ops(OPS).into_iter().map(single).collect();
    policies.push(("study".to_owned(), Policy::new(&ops(STUDY))));
    policies
}

/// The ops of a file, read as those of a spec.
fn ops(text: &str) -> Vec<NamedOp> {
    let table: toml::Table = text.parse().unwrap_or_else(|error| panic!("{error}"));
    let mut augment = toml::Table::new();
    augment.insert("ops".to_owned(), table["augment"]["ops"].clone());
    let mut spec: toml::Table =
        "name = \"ops\"\n[dataset]\nformat = \"folders\"\nimages = \"photos\"\n[labels]\nfrom = \"folder\"\n"
            .parse()
            .unwrap_or_else(|error| panic!("{error}"));
    spec.insert("augment".to_owned(), augment.into());
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let path = folder.path().join("ops.toml");
    let text = toml::to_string(&spec).unwrap_or_else(|error| panic!("{error}"));
    std::fs::write(&path, text).unwrap_or_else(|error| panic!("{error}"));
    let loaded = load(&path, &Overrides::default()).unwrap_or_else(|error| panic!("{:?}", error.faults));
    let ops = loaded.experiment.augment.ops.clone();
    ops.into_iter().map(|(name, op)| NamedOp { name, op, nth: 0 }).collect()
}

/// The middle square of photos that are spread over all of a folder and its folders, brought to the side.
fn photos(folder: &Path, side: usize) -> Vec<RgbImage> {
    let mut files = Vec::new();
    find(folder, &mut files);
    files.sort();
    assert!(files.len() >= PICTURES, "{}: fewer than {PICTURES} photos", folder.display());
    let one = |n: usize| {
        let file = &files[(2 * n + 1) * files.len() / (2 * PICTURES)];
        let bytes = std::fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        square(&decode(&bytes).unwrap_or_else(|error| panic!("{}: {error}", file.display())), side)
    };
    (0..PICTURES).map(one).collect()
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let path = entry.unwrap_or_else(|error| panic!("{}: {error}", folder.display())).path();
        let known = |end: &std::ffi::OsStr| {
            ["jpg", "jpeg", "png"].iter().any(|known| end.eq_ignore_ascii_case(known))
        };
        if path.is_dir() {
            find(&path, files);
        } else if path.extension().is_some_and(known) {
            files.push(path);
        }
    }
}

/// The mean of the pixels that fall on each, at least of one: as fine as a photo that was made smaller.
fn square(photo: &RgbImage, side: usize) -> RgbImage {
    let whole = photo.width.min(photo.height);
    let (left, top) = ((photo.width - whole) / 2, (photo.height - whole) / 2);
    let range = |i: usize| {
        let first = i * whole / side;
        first..((i + 1) * whole / side).max(first + 1)
    };
    let mut image = RgbImage::new(side, side);
    for (x, y) in (0..side).flat_map(|y| (0..side).map(move |x| (x, y))) {
        let (mut sum, mut n) = ([0; 3], 0);
        for (x, y) in range(y).flat_map(|y| range(x).map(move |x| (x, y))) {
            for (sum, value) in sum.iter_mut().zip(photo.pixel(left + x, top + y)) {
                *sum += usize::from(value);
            }
            n += 1;
        }
        image.set_pixel(x, y, sum.map(|sum| (sum / n) as u8));
    }
    image
}

/// Waves with a fine texture: like a photo, neither flat nor pure noise.
fn drawn(n: usize, side: usize) -> RgbImage {
    let mut image = RgbImage::new(side, side);
    for (x, y) in (0..side).flat_map(|y| (0..side).map(move |x| (x, y))) {
        let texture = ((x * 7919 + y * 104_729) ^ (x * y)) % 23;
        let wave = |c: usize| (((x + n * 31) * (c + 2) + y * (5 - c)) % 233 + texture) as u8;
        image.set_pixel(x, y, [wave(0), wave(1), wave(2)]);
    }
    image
}
