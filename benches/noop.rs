//! How long `ablatrix run` takes where all is cached: a study of many runs over 1,500 pictures.
//!
//! `cargo bench --bench noop [RUNS] [FOLDER]` lays out the study in a folder and fills its cache: the stages of the data are
//! computed, trainings and what is made of them get made-up files, since nothing reads them. Then it times `run`, `plan` and
//! `run` after every picture was touched, each as a process of its own, several times. With `--fill` it times nothing and
//! leaves the study to `benches/orchestrators/peers.py`.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Instant, SystemTime};

use ablatrix::cache::{Entry, Provenance, Store};
use ablatrix::plan::{Plan, Sources, fingerprint};
use ablatrix::spec::{self, Overrides};

const PICTURES: usize = 1_500;
const SEEDS: usize = 10;
const ROUNDS: usize = 7;

fn main() -> Result<(), Box<dyn Error>> {
    let fill_only = std::env::args().any(|arg| arg == "--fill");
    // Cargo adds `--bench`.
    let mut args = std::env::args().skip(1).filter(|arg| !arg.starts_with("--"));
    let runs: usize = args.next().map_or(Ok(1_000), |n| n.parse())?;
    let folder = args.next().map_or_else(|| PathBuf::from("target/tmp/noop"), PathBuf::from);
    let _ = fs::remove_dir_all(&folder);
    lay_out(&folder, runs)?;
    let filled = Instant::now();
    fill(&folder)?;
    if fill_only {
        return Ok(());
    }
    println!(
        "{runs} runs, {PICTURES} pictures; the cache was filled in {:.1} s",
        filled.elapsed().as_secs_f64()
    );
    report("run", &folder, &["run", "--quiet"], None)?;
    report("plan", &folder, &["plan"], None)?;
    report("run, one op changed, planned only", &folder, &["plan", "--set", "augment.ops.flip.p=0.4"], None)?;
    report("run after a touch of every picture", &folder, &["run", "--quiet"], Some(&touch))
}

/// Pictures in two folders and the spec: two arms, ten seeds, the rest of the runs by a sweep of the learning rate.
fn lay_out(folder: &Path, runs: usize) -> Result<(), Box<dyn Error>> {
    for i in 0..PICTURES {
        let class = folder.join("pictures").join(if i % 2 == 0 { "glass" } else { "metal" });
        fs::create_dir_all(&class)?;
        let picture = image::RgbImage::from_fn(16, 16, |x, y| {
            let at = (i as u32).wrapping_mul(2_654_435_761).wrapping_add(x * 31 + y * 1_009);
            image::Rgb([at, at >> 7, at >> 13].map(|value| value as u8))
        });
        picture.save(class.join(format!("{i:04}.png")))?;
    }
    let rates: Vec<String> = (1..=runs.div_ceil(2 * SEEDS)).map(|n| format!("{}e-5", n)).collect();
    let text = format!(
        "name = \"noop\"\nseeds = {SEEDS}\n[dataset]\nformat = \"folders\"\nimages = \"pictures\"\n[labels]\nfrom = \"folder\"\n\
         [split]\nnear_duplicates = \"off\"\n[images]\nsize = 16\n[augment.ops]\n\
         flip = {{ op = \"horizontal_flip\", p = 0.5 }}\n[matrix]\n\"train.optimizer.lr\" = [{}]\n",
        rates.join(", ")
    );
    Ok(fs::write(folder.join("noop.toml"), text)?)
}

/// Gives every stage a result.
fn fill(folder: &Path) -> Result<(), Box<dyn Error>> {
    let status = command(folder, &["run", "--until", "pixels", "--quiet"]).status()?;
    assert!(status.success(), "the stages of the data are computed");
    let status = command(folder, &["run", "--until", "balance", "--quiet"]).status()?;
    assert!(status.success(), "the stages of the data are computed");
    let store = Store::open(&folder.join("cache"))?;
    let loaded = spec::load(&folder.join("noop.toml"), &Overrides::default())?;
    let plan = Plan::new(&loaded)?;
    let sources = Sources::new(&store);
    let mut entries: Vec<Entry> = Vec::with_capacity(plan.nodes.len());
    for node in &plan.nodes {
        let print = fingerprint(node, |from| &entries[from], &sources)?;
        if let Some(entry) = store.lookup(&print.key)? {
            entries.push(entry);
            continue;
        }
        let attempt = store.attempt(&print)?;
        for name in node.stage.outputs() {
            fs::write(attempt.path(name), format!("{} {name}", node.name))?;
        }
        entries.push(attempt.publish(node.stage.outputs(), Provenance::default())?);
    }
    Ok(())
}

fn touch(folder: &Path) -> Result<(), Box<dyn Error>> {
    for class in ["glass", "metal"] {
        for file in fs::read_dir(folder.join("pictures").join(class))? {
            fs::File::options().append(true).open(file?.path())?.set_modified(SystemTime::UNIX_EPOCH)?;
        }
    }
    Ok(())
}

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ablatrix"));
    // A cached study needs no worker, only the name of one.
    command
        .env("ABLATRIX_WORKER", "/bin/true")
        .current_dir(folder)
        .args([args[0], "noop.toml"])
        .args(&args[1..]);
    command.stdout(Stdio::null());
    command
}

type Before = dyn Fn(&Path) -> Result<(), Box<dyn Error>>;

/// The fastest and the median of several calls in milliseconds, and the largest memory of them in MiB.
fn report(what: &str, folder: &Path, args: &[&str], before: Option<&Before>) -> Result<(), Box<dyn Error>> {
    let mut times = Vec::new();
    let mut peak = 0;
    for _ in 0..ROUNDS {
        if let Some(before) = before {
            before(folder)?;
        }
        let started = Instant::now();
        let status = command(folder, args).status()?;
        times.push(started.elapsed().as_secs_f64() * 1e3);
        assert!(status.success(), "`{args:?}` ends well");
    }
    // In a round of its own: looking takes time.
    let mut child = command(folder, args).spawn()?;
    while child.try_wait()?.is_none() {
        peak = peak_kib(child.id()).unwrap_or(0).max(peak);
    }
    times.sort_by(f64::total_cmp);
    println!(
        "{what:<36} {:>7.1} ms best, {:>7.1} ms median, up to {} MiB",
        times[0],
        times[ROUNDS / 2],
        peak / 1024
    );
    Ok(())
}

/// The largest resident set of a living process so far, in KiB.
fn peak_kib(id: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
