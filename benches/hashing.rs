//! How fast the files of a dataset are hashed where nothing is known of them, beside `b3sum` and a plain read; and how fast
//! they are looked at where all is known.
//!
//! `cargo bench --bench hashing [FOLDER]` makes 1,500 files of the sizes of photos (0.2 to 4 MB, 1.3 GB in all) in a folder and
//! reads them in turn with each, several rounds. `b3sum` is taken from `target/tools/bin` or the path:
//! `cargo install --root target/tools b3sum --version 1.8.2 --locked`. The rounds with a cold page cache need root.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use ablatrix::cache::{FileIndex, Store};
use rayon::prelude::*;

const PHOTOS: u64 = 1_500;
const WARM_ROUNDS: usize = 9;
const COLD_ROUNDS: usize = 3;
/// Of a plain read, in bytes.
const PIECE: usize = 256 << 10;

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo adds `--bench`.
    let mut args = std::env::args().skip(1).filter(|arg| !arg.starts_with("--"));
    let folder = args.next().map_or_else(|| PathBuf::from("target/tmp/hashing"), PathBuf::from);
    let photos = folder.join("photos");
    let bytes = lay_out(&photos)?;
    println!("{PHOTOS} files, {:.2} GB, {} threads", bytes as f64 / 1e9, rayon::current_num_threads());

    let b3sum = b3sum();
    if b3sum.is_none() {
        println!("b3sum is left out: it was not found (see the head of this benchmark)");
    }
    let names: Vec<String> = (0..PHOTOS).map(name).collect();
    let mut ways: Vec<(&str, Box<Way>)> = vec![
        ("Ablatrix, nothing known", Box::new(|| index(&folder, &names))),
        ("plain read of all bytes", Box::new(|| read(&photos, &names))),
    ];
    if let Some(program) = &b3sum {
        ways.push(("b3sum", Box::new(|| sum(program, &photos, &names))));
    }
    rounds("warm page cache", bytes, WARM_ROUNDS, &ways, &|| forget(&folder))?;
    let cold = || forget(&folder).and_then(|()| drop_caches());
    match drop_caches() {
        Ok(()) => rounds("cold page cache", bytes, COLD_ROUNDS, &ways, &cold)?,
        Err(error) => println!("\ncold page cache: left out, it cannot be emptied here ({error})"),
    }
    known(&folder, &names)
}

type Way<'a> = dyn Fn() -> Result<(), Box<dyn Error>> + 'a;

/// Photos as incompressible as photos are; made once. Gives their bytes in all.
fn lay_out(photos: &Path) -> Result<u64, Box<dyn Error>> {
    fs::create_dir_all(photos)?;
    let mut all = 0;
    for i in 0..PHOTOS {
        // Many small ones and few large ones: 0.2 MB times 20 to the power of a share that is squared.
        let share = (i as f64 + 0.5) / PHOTOS as f64;
        let bytes = (200_000.0 * 20f64.powf(share * share)) as u64;
        all += bytes;
        let path = photos.join(name(i));
        if fs::metadata(&path).is_ok_and(|meta| meta.len() == bytes) {
            continue;
        }
        let mut noise = vec![0; bytes as usize];
        blake3::Hasher::new().update(&i.to_le_bytes()).finalize_xof().fill(&mut noise);
        fs::write(path, noise)?;
    }
    rustix::fs::sync();
    Ok(all)
}

/// Sizes are mixed, so that neighbours in the list of names do not all fall to one thread.
fn name(i: u64) -> String {
    format!("{:04}.jpg", i * 7 % PHOTOS)
}

/// As `run` does: opens the index, asks for every digest, and saves what was learned.
fn index(folder: &Path, names: &[String]) -> Result<(), Box<dyn Error>> {
    let store = Store::open(&folder.join("cache"))?;
    let photos = folder.join("photos");
    let index = FileIndex::open(&store, &photos)?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for digest in index.digests(&photos, &names) {
        digest?;
    }
    Ok(index.save()?)
}

/// With as many threads as cores, each with a buffer of its own.
fn read(photos: &Path, names: &[String]) -> Result<(), Box<dyn Error>> {
    let whole = |buffer: &mut Vec<u8>, name: &String| -> io::Result<()> {
        let mut file = File::open(photos.join(name))?;
        while file.read(buffer)? > 0 {}
        Ok(())
    };
    Ok(names.par_iter().try_for_each_init(|| vec![0; PIECE], whole)?)
}

fn sum(program: &Path, photos: &Path, names: &[String]) -> Result<(), Box<dyn Error>> {
    let status = Command::new(program).args(names).current_dir(photos).stdout(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(format!("{} ended with {status}", program.display()).into()) }
}

fn b3sum() -> Option<PathBuf> {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/bin/b3sum");
    [installed, PathBuf::from("b3sum")].into_iter().find(|program| {
        Command::new(program)
            .arg("--version")
            .stdout(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    })
}

/// Leaves an index that knows nothing.
fn forget(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder.join("cache/index")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn drop_caches() -> io::Result<()> {
    rustix::fs::sync();
    fs::write("/proc/sys/vm/drop_caches", "3")
}

/// Each way in turn, round by round; the first, untimed round of each warms it up. Each begins as `before` leaves things.
fn rounds(
    what: &str,
    bytes: u64,
    n_rounds: usize,
    ways: &[(&str, Box<Way>)],
    before: &dyn Fn() -> io::Result<()>,
) -> Result<(), Box<dyn Error>> {
    let mut times = vec![Vec::new(); ways.len()];
    for round in 0..=n_rounds {
        for ((_, way), times) in ways.iter().zip(&mut times) {
            before()?;
            let started = Instant::now();
            way()?;
            if round > 0 {
                times.push(started.elapsed().as_secs_f64());
            }
        }
    }
    println!(
        "\n| {what}, {n_rounds} rounds | best | median | GB/s, median | speed beside Ablatrix's |\n|---|---:|---:|---:|---:|"
    );
    times.iter_mut().for_each(|times| times.sort_by(f64::total_cmp));
    let median = |times: &[f64]| times[times.len() / 2];
    for ((name, _), own) in ways.iter().zip(&times) {
        println!(
            "| {name} | {:.3} s | {:.3} s | {:.2} | {:.2} |",
            own[0],
            median(own),
            bytes as f64 / 1e9 / median(own),
            median(&times[0]) / median(own)
        );
    }
    Ok(())
}

/// What the index costs where no file has changed: opening it, and a look at every file.
fn known(folder: &Path, names: &[String]) -> Result<(), Box<dyn Error>> {
    let store = Store::open(&folder.join("cache"))?;
    let photos = folder.join("photos");
    forget(folder)?;
    index(folder, names)?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut opened = f64::INFINITY;
    let mut looked = f64::INFINITY;
    for _ in 0..WARM_ROUNDS * 10 {
        let started = Instant::now();
        let index = FileIndex::open(&store, &photos)?;
        opened = opened.min(started.elapsed().as_secs_f64() * 1e3);
        let started = Instant::now();
        let digests = index.digests(&photos, &names);
        looked = looked.min(started.elapsed().as_secs_f64() * 1e3);
        assert!(digests.iter().all(Result::is_ok), "every photo is there");
    }
    println!(
        "\nall known: the index is opened in {opened:.2} ms, and every file looked at in {looked:.2} ms (best)"
    );
    Ok(())
}
