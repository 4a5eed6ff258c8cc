//! A COCO dataset without its images in a temporary folder, and `ablatrix data fetch` on it.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

pub struct Lab {
    folder: tempfile::TempDir,
}

impl Lab {
    /// A dataset of 8 x 6 pictures: file names and URLs.
    pub fn new(images: &[(&str, Option<String>)]) -> Self {
        let records = images.iter().map(|(name, url)| json!({"file_name": name, "coco_url": url}));
        Self::with_records(records.collect())
    }

    /// A dataset with such image records; ids and sizes are added where they lack.
    pub fn with_records(mut records: Vec<Value>) -> Self {
        for (id, record) in records.iter_mut().enumerate() {
            for (key, value) in [("id", id), ("width", 8), ("height", 6)] {
                record.as_object_mut().unwrap().entry(key).or_insert(json!(value));
            }
        }
        let lab = Lab { folder: tempfile::tempdir().unwrap() };
        let coco = json!({
            "images": records,
            "categories": [{"id": 1, "name": "can"}],
            "annotations": [{"id": 1, "image_id": 0, "category_id": 1, "bbox": [1, 1, 2, 2]}],
        });
        fs::write(lab.path("annotations.json"), coco.to_string()).unwrap();
        lab.write_spec(
            "format = \"coco\"\nannotations = \"annotations.json\"\nimages = \"images\"",
            "category",
        );
        lab
    }

    pub fn write_spec(&self, dataset: &str, labels: &str) {
        let spec = format!(
            "name = \"tiny\"\n[dataset]\n{dataset}\n[labels]\nfrom = \"{labels}\"\n[model]\nname = \"resnet18\"\n\
             [augment.grid]\ndesign = \"none\"\n"
        );
        fs::write(self.path("tiny.toml"), spec).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The bytes of an image.
    pub fn image(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.path("images").join(name)).ok()
    }

    /// All that lies in the images folder, but for the report.
    pub fn entries(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("images")).into_iter().flatten();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.retain(|name| name != "fetch-report.json");
        names.sort();
        names
    }

    /// The bytes that have come of unfinished images, all together.
    pub fn partial_bytes(&self) -> u64 {
        let entries = fs::read_dir(self.path("images/.fetch")).into_iter().flatten().flatten();
        let parts = entries.filter(|entry| entry.file_name().to_string_lossy().ends_with(".part"));
        parts.map(|part| part.metadata().map_or(0, |metadata| metadata.len())).sum()
    }

    /// `ablatrix WORDS`, without the caller's settings and proxies, in the folder.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ablatrix"));
        for (name, _) in std::env::vars_os() {
            let upper = name.to_string_lossy().to_ascii_uppercase();
            if upper.starts_with("ABLATRIX_") || upper.ends_with("_PROXY") {
                command.env_remove(name);
            }
        }
        command.current_dir(self.folder.path()).args(words);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// `ablatrix data fetch tiny.toml`, which may ask loopback, waits little and tries thrice.
    pub fn fetch(&self, args: &[&str]) -> Command {
        let mut command = self.command(&["data", "fetch", "tiny.toml", "--backoff", "0.01"]);
        command.args(["--allow-local", "--format", "json"]).args(args);
        if !args.contains(&"--retries") {
            command.args(["--retries", "2"]);
        }
        command
    }

    /// Runs it to its end; gives the exit code and the report.
    pub fn report(&self, args: &[&str]) -> (i32, Value) {
        let output = self.fetch(args).output().unwrap();
        let report = serde_json::from_slice(&output.stdout);
        let report: Value = report.unwrap_or_else(|error| panic!("{error}: {}", stderr(&output)));
        let saved = fs::read(self.path("images/fetch-report.json")).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&saved).unwrap(), report);
        assert!(!stderr(&output).contains("panicked"), "{}", stderr(&output));
        (output.status.code().unwrap(), report)
    }
}

/// What became of a missing image: its status and why.
pub fn fate(report: &Value, path: &str) -> (String, String) {
    let missing = report["missing"].as_array().unwrap();
    let found = missing.iter().find(|missing| missing["path"] == path);
    let found = found.unwrap_or_else(|| panic!("`{path}` is not missing: {report}"));
    let text = |key: &str| found[key].as_str().unwrap_or_default().to_owned();
    (text("status"), text("why"))
}

/// A picture of 8 x 6 pixels that `seed` makes unlike others.
pub fn picture(seed: u8) -> Vec<u8> {
    noise(8, 6, seed)
}

/// A picture that does not pack, and so has at least three bytes per pixel.
pub fn noise(width: u32, height: u32, seed: u8) -> Vec<u8> {
    let mut state = u32::from(seed) + 1;
    let pixels = image::RgbImage::from_fn(width, height, |_, _| {
        image::Rgb([(); 3].map(|()| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        }))
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    pixels.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
