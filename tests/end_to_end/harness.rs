//! A tiny study in a temporary folder, and the ways to run `ablatrix` on it.
//!
//! Three classes of 16 PNGs each, told apart by colour; two ops, two seeds, two epochs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use image::{Rgb, RgbImage};
use serde_json::Value;

/// Tables that must not depend on how a study came to its end.
pub const TABLES: [&str; 3] = ["predictions", "metrics", "effects"];

/// The worker beside the program; `None`, and a line that says so, where it is not built.
pub fn worker() -> Option<PathBuf> {
    let place = Path::new(env!("CARGO_BIN_EXE_ablatrix")).with_file_name("ablatrix-worker");
    if place.is_file() {
        return Some(place);
    }
    println!("skipped: `{}` is not built", place.display());
    None
}

/// A folder with images, a spec and caches.
pub struct Lab {
    folder: tempfile::TempDir,
    worker: PathBuf,
}

impl Lab {
    /// Images and spec, nothing computed; `None` where there is no worker.
    pub fn new() -> Option<Self> {
        Some(Lab::furnished(worker()?))
    }

    /// Likewise, for what trains nothing: any call of a worker fails.
    pub fn without_worker() -> Self {
        Lab::furnished("/nonexistent/ablatrix-worker".into())
    }

    fn furnished(worker: PathBuf) -> Self {
        let lab = Lab { folder: tempfile::tempdir().unwrap(), worker };
        let colours = [("glass", [40, 170, 90]), ("metal", [150, 150, 170]), ("paper", [200, 170, 120])];
        for (class, colour) in colours {
            let folder = lab.path("images").join(class);
            fs::create_dir_all(&folder).unwrap();
            for i in 0..16 {
                picture(colour, i).save(folder.join(format!("{i:02}.png"))).unwrap();
            }
        }
        lab.write_spec(SPEC);
        lab
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Replaces the spec.
    pub fn write_spec(&self, text: &str) {
        fs::write(self.path("tiny.toml"), text).unwrap();
    }

    /// `ablatrix` in this folder, without the caller's settings.
    pub fn bare(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ablatrix"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("ABLATRIX_") {
                command.env_remove(name);
            }
        }
        command.current_dir(self.folder.path()).env("ABLATRIX_WORKER", &self.worker);
        // Results must be the same on a machine with GPUs.
        command.env("CUDA_VISIBLE_DEVICES", "");
        command
    }

    /// `ablatrix VERB tiny.toml ARGS` with the results in `cache`.
    pub fn command(&self, cache: &str, verb: &str, args: &[&str]) -> Command {
        let mut command = self.bare();
        command.arg(verb).arg("tiny.toml").args(args);
        command.arg("--cache").arg(self.path(cache)).arg("--reports").arg(self.path("reports"));
        command
    }

    /// Runs a verb to its end.
    pub fn call(&self, cache: &str, verb: &str, args: &[&str]) -> Output {
        self.command(cache, verb, args).output().unwrap()
    }

    /// `run --format json`, which must end well.
    pub fn run(&self, cache: &str) -> Value {
        let output = self.call(cache, "run", &["--format", "json"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Starts a run and leaves it running.
    pub fn start(&self, cache: &str, args: &[&str]) -> Child {
        let mut command = self.command(cache, "run", args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// The lines of `plan --format json`.
    pub fn plan(&self, cache: &str) -> Vec<Value> {
        let output = self.call(cache, "plan", &["--format", "json"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The bytes of the tables that must not depend on how a study came to its end.
    pub fn tables(&self, cache: &str) -> Vec<Vec<u8>> {
        let table = |name: &&str| {
            let output = self.command(cache, "table", &[name]).output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
            assert!(!output.stdout.is_empty());
            output.stdout
        };
        TABLES.iter().map(table).collect()
    }

    /// Live processes whose command or environment names this folder or whose parent is `parent`.
    pub fn workers_of(&self, parent: u32) -> Vec<u32> {
        processes().into_iter().filter(|&(_, from, worker)| from == parent && worker).map(|p| p.0).collect()
    }
}

/// Live processes: id, parent, whether it is a worker. Those that have ended and wait for their parent are not live.
fn processes() -> Vec<(u32, u32, bool)> {
    let ids = fs::read_dir("/proc").unwrap().filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok());
    ids.filter_map(|id: u32| {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        let (head, rest) = stat.rsplit_once(") ")?;
        let mut fields = rest.split(' ');
        let live = fields.next()? != "Z";
        let parent = fields.next()?.parse().ok()?;
        live.then_some((id, parent, head.contains("(ablatrix-worke")))
    })
    .collect()
}

/// Whether a process is there and has not ended.
pub fn is_alive(id: u32) -> bool {
    processes().iter().any(|process| process.0 == id)
}

/// What was said to people.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What was printed.
pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn picture(colour: [u8; 3], seed: u32) -> RgbImage {
    let mut state = seed.wrapping_mul(2_654_435_761) ^ u32::from(colour[0]);
    RgbImage::from_fn(24, 24, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = (state >> 26) as u8;
        Rgb(colour.map(|value| value.saturating_add(noise)))
    })
}

/// The spec.
pub const SPEC: &str = r#"name = "tiny"
seeds = 2

[dataset]
format = "folders"
images = "images"

[labels]
from = "folder"

[split]
method = "iterative"
train = 0.5
val = 0.25
test = 0.25

[images]
size = 32

[model]
name = "mobilenet_v3_small"

[train]
epochs = 2
batch_size = 8

[augment.ops]
flip = { op = "horizontal_flip", p = 0.5 }
colour = { op = "hue_saturation_value", p = 0.5 }

[augment.grid]
design = "add_one"
"#;
