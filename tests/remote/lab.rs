//! A tiny study of data stages in a temporary folder, caches, and `ablatrix` on them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use image::{Rgb, RgbImage};
use serde_json::Value;

/// Stages up to `balance`.
pub const STAGES: u64 = 6;

/// What tests say where a server would see a secret.
pub const SECRET: &str = "s3cret-key-of-the-tests";

pub struct Lab {
    folder: tempfile::TempDir,
}

impl Lab {
    /// Images and a spec, nothing computed.
    pub fn new() -> Self {
        let lab = Lab { folder: tempfile::tempdir().unwrap() };
        for (class, colour) in [("glass", 40u8), ("metal", 120), ("paper", 200)] {
            let folder = lab.path("images").join(class);
            fs::create_dir_all(&folder).unwrap();
            for i in 0..8u8 {
                let pixel = |x: u32, y: u32| Rgb([colour, (x * y) as u8, i.wrapping_mul(31)]);
                RgbImage::from_fn(12, 12, pixel).save(folder.join(format!("{i}.png"))).unwrap();
            }
        }
        lab.write_spec("tiny", "");
        lab
    }

    /// A spec `NAME.toml` with more lines at its end.
    pub fn write_spec(&self, name: &str, more: &str) {
        let text = format!(
            "name = \"{name}\"\n[dataset]\nformat = \"folders\"\nimages = \"images\"\n[labels]\nfrom = \"folder\"\n\
             [model]\nname = \"resnet18\"\n[augment.grid]\ndesign = \"none\"\n{more}"
        );
        fs::write(self.path(&format!("{name}.toml")), text).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `ablatrix WORDS` in the folder, without the caller's settings, proxies and logins.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ablatrix"));
        for (name, _) in std::env::vars_os() {
            let upper = name.to_string_lossy().to_ascii_uppercase();
            let ours =
                ["ABLATRIX_", "AWS_", "GOOGLE_", "AZURE_"].iter().any(|start| upper.starts_with(start));
            if ours || upper.ends_with("_PROXY") {
                command.env_remove(name);
            }
        }
        command.env("ABLATRIX_WORKER", "/nonexistent/ablatrix-worker");
        command.current_dir(self.folder.path()).args(words);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Likewise, with the S3 server at `endpoint`.
    pub fn with_s3(&self, endpoint: &str, words: &[&str]) -> Command {
        let mut command = self.command(words);
        command
            .env("AWS_ENDPOINT_URL", endpoint)
            .env("AWS_ALLOW_HTTP", "true")
            .env("AWS_REGION", "us-east-1");
        command.env("AWS_ACCESS_KEY_ID", "AKIATESTS").env("AWS_SECRET_ACCESS_KEY", SECRET);
        command
    }

    /// The data stages of `tiny.toml` into a cache.
    pub fn fill(&self, cache: &str) {
        let report = json(self.command(&RUN).args(["--cache", cache]));
        assert_eq!(report["computed"], STAGES, "{report}");
    }

    /// All files below a folder, with their names below it.
    pub fn files(&self, name: &str) -> Vec<String> {
        fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                match entry.path() {
                    path if path.is_dir() => walk(&path, files),
                    path => files.push(path),
                }
            }
        }
        let (root, mut files) = (self.path(name), Vec::new());
        walk(&root, &mut files);
        let below = |path: &PathBuf| path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
        let mut names: Vec<_> = files.iter().map(below).collect();
        names.sort();
        names
    }
}

/// `run` of the data stages, told as JSON.
pub const RUN: [&str; 6] = ["run", "tiny.toml", "--until", "balance", "--format", "json"];

/// Runs a command to its end.
pub fn call(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let said = stderr(&output);
    assert!(!said.contains("panicked") && !said.contains(SECRET), "{said}");
    output
}

/// Runs a command, which must end well, and reads what it prints.
pub fn json(command: &mut Command) -> Value {
    let output = call(command);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
