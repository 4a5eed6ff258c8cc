//! A hub with the host that it keeps its files at, a spec that names one of its models, and a home of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use sha2::{Digest, Sha256};

use super::server::{Reply, Request, Server};

/// What `main` stands for.
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
/// The secret.
pub const TOKEN: &str = "hf_averysecrettoken";
/// How the hub's answer about the model's file is asked for.
pub const RESOLVE: &str = "/timm/tiny/resolve/main/model.safetensors";

/// A safetensors file without tensors, as long as one likes.
pub fn weights(bytes: usize, fill: u8) -> Vec<u8> {
    let header = bytes - 8;
    let mut file = (header as u64).to_le_bytes().to_vec();
    file.push(b'{');
    // White space, of which JSON has four kinds, makes files differ.
    file.resize(bytes - 1, fill);
    file.push(b'}');
    file
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The file from where the request asks for it.
pub fn ranged(request: &Request, body: &[u8]) -> Reply {
    let start = request.headers.get("range").and_then(|range| range.strip_prefix("bytes="));
    match start.and_then(|range| range.strip_suffix('-')?.parse::<usize>().ok()) {
        Some(start) => {
            let range = format!("bytes {start}-{}/{}", body.len() - 1, body.len());
            let headers = vec![("content-range", range)];
            Reply::Whole { status: 206, headers, body: body[start..].to_vec() }
        }
        None => Reply::ok(body.to_vec()),
    }
}

type Handler = Box<dyn Fn(&Request) -> Reply + Send + Sync>;

/// The hub's own address, and the host that has its files.
pub struct Hub {
    pub hub: Server,
    pub files: Server,
}

impl Hub {
    /// Every repository has `body`; `files` answers for the host that has it.
    pub fn with_files(body: &[u8], files: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let files = Server::start(files);
        let (location, etag, size) = (files.url("/signed?x=1"), sha256(body), body.len());
        let hub = Server::start(move |_| linked(&location, &etag, size));
        Hub { hub, files }
    }

    /// Likewise, with a host that gives what it is asked for.
    pub fn new(body: &[u8]) -> Self {
        let file = body.to_vec();
        Hub::with_files(body, move |request| ranged(request, &file))
    }

    /// A hub that answers by itself.
    pub fn answering(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Hub { hub: Server::start(answer), files: Server::start(|_| Reply::status(500)) }
    }
}

/// The answer of the hub about a large file.
pub fn linked(location: &str, sha256: &str, size: usize) -> Reply {
    let headers = vec![
        ("x-repo-commit", COMMIT.to_owned()),
        ("x-linked-etag", format!("\"{sha256}\"")),
        ("x-linked-size", size.to_string()),
        ("etag", "\"of-the-redirect\"".to_owned()),
        ("location", location.to_owned()),
    ];
    Reply::Whole { status: 302, headers, body: b"Found".to_vec() }
}

/// A refusal as the hub words it.
pub fn refusal(status: u16, code: &'static str) -> Reply {
    Reply::with(status, "x-error-code", code)
}

/// A spec in a folder that is a home, too.
pub struct Lab {
    folder: tempfile::TempDir,
    endpoint: String,
}

impl Lab {
    /// A study with `weights`, whose pictures need not be there.
    pub fn new(hub: &Hub, weights: &str) -> Self {
        let lab = Lab { folder: tempfile::tempdir().unwrap(), endpoint: hub.hub.url("/") };
        lab.write_spec(&format!("[model]\nname = \"resnet18\"\nweights = \"{weights}\"\n"));
        lab
    }

    pub fn write_spec(&self, rest: &str) {
        let spec = format!(
            "name = \"tiny\"\n[dataset]\nformat = \"coco\"\nannotations = \"made/annotations.json\"\nimages = \"made\"\n\
             generate = {{ images = 60, side = 64 }}\n[labels]\nfrom = \"category\"\nmin_positives = 0\n\
             [augment.grid]\ndesign = \"none\"\n{rest}"
        );
        fs::write(self.path("tiny.toml"), spec).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder of models.
    pub fn hub(&self) -> PathBuf {
        self.path(".cache/huggingface/hub")
    }

    /// The model's file, as others find it.
    pub fn model(&self) -> Option<Vec<u8>> {
        fs::read(self.hub().join(format!("models--timm--tiny/snapshots/{COMMIT}/model.safetensors"))).ok()
    }

    /// All files and links below the folder of models, in order.
    pub fn entries(&self) -> Vec<String> {
        let mut found = Vec::new();
        list(&self.hub(), &self.hub(), &mut found);
        found.sort();
        found
    }

    /// `ablatrix WORDS` in the folder, with nothing of the caller's surroundings that could matter.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ablatrix"));
        for (name, _) in std::env::vars_os() {
            let upper = name.to_string_lossy().to_ascii_uppercase();
            let foreign = ["ABLATRIX_", "HF_", "HUGGING", "TRANSFORMERS_", "XDG_"];
            if foreign.iter().any(|start| upper.starts_with(start)) || upper.ends_with("_PROXY") {
                command.env_remove(name);
            }
        }
        command.current_dir(self.folder.path()).args(words).env("HOME", self.folder.path());
        command.env("HF_ENDPOINT", &self.endpoint).env("ABLATRIX_WORKER", "/nonexistent/ablatrix-worker");
        command.env("CUDA_VISIBLE_DEVICES", "");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs `ablatrix VERB tiny.toml` to its end; gives the exit code and what was said.
    pub fn call(&self, verb: &str) -> (i32, String) {
        said(&self.command(&[verb, "tiny.toml"]).output().unwrap())
    }
}

/// The exit code and what was said to people, in one line, as it may be wrapped.
pub fn said(output: &Output) -> (i32, String) {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!text.contains("panicked") && !text.contains(TOKEN), "{text}");
    let words: Vec<&str> = text.split_whitespace().filter(|word| !matches!(*word, "│" | "|")).collect();
    (output.status.code().unwrap(), words.join(" "))
}

fn list(root: &Path, folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().display().to_string();
        match fs::read_link(&path) {
            Ok(target) => found.push(format!("{name} -> {}", target.display())),
            Err(_) if path.is_dir() => list(root, &path, found),
            Err(_) => found.push(name),
        }
    }
}

/// A handler that can be exchanged while the server runs.
#[derive(Clone)]
pub struct Exchangeable(Arc<Mutex<Handler>>);

impl Exchangeable {
    pub fn new(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Exchangeable(Arc::new(Mutex::new(Box::new(handler))))
    }

    pub fn set(&self, handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) {
        *self.0.lock().unwrap() = Box::new(handler);
    }

    pub fn answer(&self, request: &Request) -> Reply {
        (self.0.lock().unwrap())(request)
    }
}
