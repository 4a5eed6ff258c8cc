//! Reads a COCO file of the size of COCO train2017's instances (118,000 images, 860,000 annotations with polygons) into
//! tables and writes them: `cargo bench --bench import [FILE]`. Without FILE one is generated, the same every time.
//! `python benches/import_peers.py FILE` measures Python on it.
#![allow(clippy::print_stdout, missing_docs, reason = "a benchmark talks to the terminal")]

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use ablatrix::dataset::{Imported, coco};
use ablatrix::tables;

const IMAGES: u64 = 118_000;
const ANNOTATIONS: u64 = 860_000;
const CATEGORIES: u64 = 80;
/// One annotation of so many is a crowd with a run-length mask.
const CROWD_EVERY: u64 = 86;
/// Each measurement is a process of its own; the fastest counts.
const ROUNDS: usize = 5;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--once", file] => once(Path::new(file)),
        ["--write", file] => generate(Path::new(file)).expect("the file can be written"),
        [] => rounds(&generated()),
        [file, ..] => rounds(Path::new(file)),
    }
}

/// The generated file, written where it is not there yet.
fn generated() -> PathBuf {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("instances.json");
    if !file.exists() {
        let unfinished = file.with_extension("part");
        generate(&unfinished).expect("the file can be written");
        std::fs::rename(&unfinished, &file).expect("the file can be renamed");
    }
    file
}

fn rounds(file: &Path) {
    let bytes = std::fs::metadata(file).expect("the file is there").len();
    println!("{} ({} MB)", file.display(), bytes / 1_000_000);
    println!("{:<10}{:>10}{:>10}{:>12}{:>10}", "round", "import s", "write s", "CPU s", "peak MB");
    for round in 1..=ROUNDS {
        let this = std::env::current_exe().expect("this program has a path");
        let output = Command::new(this).arg("--once").arg(file).output().expect("this program starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        print!("{round:<10}{}", String::from_utf8_lossy(&output.stdout));
    }
}

/// One import in this process, with the tables written as the stage `ingest` does.
fn once(file: &Path) {
    let start = Instant::now();
    let imported = coco::import(file).expect("the file is sound");
    let import_s = start.elapsed().as_secs_f64();
    let start = Instant::now();
    write(&imported);
    let write_s = start.elapsed().as_secs_f64();
    assert_eq!(imported.images.len() as u64, IMAGES);
    assert_eq!(imported.annotations.len() as u64, ANNOTATIONS);
    println!("{import_s:>10.2}{write_s:>10.2}{:>12.2}{:>10.0}", cpu_s(), peak_mb());
}

fn write(imported: &Imported) {
    let folder = tempfile::tempdir().expect("there is a place for temporary files");
    let place = |name: &str| folder.path().join(name);
    tables::write(&place("images.parquet"), &imported.images, "ingest").expect("images are written");
    tables::write(&place("annotations.parquet"), &imported.annotations, "ingest")
        .expect("annotations are written");
    tables::write(&place("categories.parquet"), &imported.categories, "ingest")
        .expect("categories are written");
}

/// Processor time of this process, in user and kernel; clock ticks are hundredths on Linux.
fn cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("this is Linux");
    let fields: Vec<&str> = stat.rsplit_once(") ").expect("a name in brackets").1.split(' ').collect();
    let ticks = |idx: usize| fields[idx].parse::<f64>().expect("a number");
    (ticks(11) + ticks(12)) / 100.0
}

/// The most memory that this process ever held.
fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("this is Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse::<f64>().expect("a number") / 1000.0
}

/// A linear congruential generator: the same file everywhere.
struct Draws(u64);

impl Draws {
    /// A number from 0 to below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// One line, as COCO's own files are, with the keys that they have.
fn generate(path: &Path) -> std::io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut draws = Draws(2017);
    write!(out, r#"{{"info": {{"description": "generated", "year": 2017}}, "licenses": [], "images": ["#)?;
    let sizes: Vec<(u64, u64)> = (0..IMAGES)
        .map(|_| if draws.below(4) == 0 { (480, 640) } else { (640, 426 + draws.below(55)) })
        .collect();
    for (id, (width, height)) in (0_u64..).zip(&sizes) {
        let comma = if id == 0 { "" } else { ", " };
        write!(
            out,
            r#"{comma}{{"license": 3, "file_name": "{id:012}.jpg", "coco_url": "http://images.cocodataset.org/train2017/{id:012}.jpg", "height": {height}, "width": {width}, "date_captured": "2013-11-14 11:18:45", "flickr_url": "http://farm9.staticflickr.com/8186/{id:010}_76c6ad0a0b_z.jpg", "id": {id}}}"#
        )?;
    }
    write!(out, r#"], "annotations": ["#)?;
    for id in 0..ANNOTATIONS {
        let image_id = draws.below(IMAGES);
        let comma = if id == 0 { "" } else { ", " };
        annotation(&mut out, comma, id, image_id, sizes[image_id as usize], &mut draws)?;
    }
    write!(out, r#"], "categories": ["#)?;
    for id in 0..CATEGORIES {
        let comma = if id == 0 { "" } else { ", " };
        write!(out, r#"{comma}{{"supercategory": "above{}", "id": {id}, "name": "category {id}"}}"#, id / 8)?;
    }
    write!(out, "]}}")?;
    out.flush()
}

fn annotation(
    out: &mut impl Write,
    comma: &str,
    id: u64,
    image_id: u64,
    (width, height): (u64, u64),
    draws: &mut Draws,
) -> std::io::Result<()> {
    let (w, h) = (20 + draws.below(width / 2), 20 + draws.below(height / 2));
    let (x, y) = (draws.below(width - w), draws.below(height - h));
    let crowd = id.is_multiple_of(CROWD_EVERY);
    write!(out, r#"{comma}{{"segmentation": "#)?;
    if crowd {
        let (before, run) = (x * height, w * height);
        let rest = width * height - before - run;
        write!(out, r#"{{"counts": [{before}, {run}, {rest}], "size": [{height}, {width}]}}"#)?;
    } else {
        write!(out, "[[")?;
        let points = 10 + draws.below(35);
        for point in 0..points {
            let turn = point as f64 / points as f64 * std::f64::consts::TAU;
            let radius = 0.4 + draws.below(100) as f64 / 1000.0;
            let px = x as f64 + w as f64 * (0.5 + radius * turn.cos());
            let py = y as f64 + h as f64 * (0.5 + radius * turn.sin());
            write!(out, "{}{px:.2}, {py:.2}", if point == 0 { "" } else { ", " })?;
        }
        write!(out, "]]")?;
    }
    write!(
        out,
        r#", "area": {}.{:04}, "iscrowd": {}, "image_id": {image_id}, "bbox": [{x}.5, {y}.25, {w}, {h}], "category_id": {}, "id": {id}}}"#,
        w * h / 2,
        draws.below(10_000),
        u8::from(crowd),
        draws.below(CATEGORIES)
    )
}
