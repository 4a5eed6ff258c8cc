//! Bytes that rot in the cache are found before they are used, and computed again.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::harness::{Lab, stderr};

#[test]
fn damaged_objects_are_computed_again() {
    let Some(lab) = Lab::new() else { return };
    lab.run("cache");
    let tables = lab.tables("cache");
    for (stage, output) in kinds(&lab.path("cache/entries")) {
        if stage == "report" {
            continue;
        }
        let mut readers = Vec::new();
        let mut flipped = BTreeSet::new();
        for (place, entry) in entries(&lab.path("cache/entries")) {
            if entry["fingerprint"]["stage"] == stage.as_str() {
                let digest = entry["outputs"][&output]["digest"].as_str().unwrap();
                // Entries can share an object; flipped twice, it would be whole again.
                if flipped.insert(digest.to_owned()) {
                    flip_byte(&find(&lab.path("cache/objects"), digest).unwrap());
                }
            } else if rank(&entry) > rank_of(&stage) {
                readers.push(place);
            }
        }
        // Without the results of later stages, what was damaged is read.
        for place in readers {
            fs::remove_file(place).unwrap();
        }
        let run = lab.call("cache", "run", &[]);
        let said = stderr(&run);
        assert_eq!(run.status.code(), Some(0), "{stage} {output}: {said}");
        // Found on reading, or healed before that by a result with the same bytes; never left as it was.
        let is_whole = |path: PathBuf, digest: &str| {
            let bytes = fs::read(path).unwrap();
            blake3::hash(&bytes).to_hex().as_str() == digest
        };
        let objects = lab.path("cache/objects");
        let healed =
            flipped.iter().all(|digest| find(&objects, digest).is_some_and(|at| is_whole(at, digest)));
        assert!(healed || said.contains("damaged"), "{stage} {output}: {said}");
        assert_eq!(lab.tables("cache"), tables, "{stage} {output}");
    }
}

const ORDER: [&str; 10] =
    ["ingest", "scan", "label", "pixels", "split", "balance", "train", "predict", "evaluate", "report"];

fn rank(entry: &Value) -> usize {
    rank_of(entry["fingerprint"]["stage"].as_str().unwrap())
}

fn rank_of(stage: &str) -> usize {
    ORDER.iter().position(|name| *name == stage).unwrap()
}

/// Stage and output name, one of each, late stages first.
fn kinds(entries_folder: &Path) -> Vec<(String, String)> {
    let mut kinds = Vec::new();
    for (_, entry) in entries(entries_folder) {
        for output in entry["outputs"].as_object().unwrap().keys() {
            kinds.push((entry["fingerprint"]["stage"].as_str().unwrap().to_owned(), output.clone()));
        }
    }
    kinds.sort();
    kinds.dedup();
    kinds
}

/// All files below a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let inner = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    inner.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// All records below a folder, with their places. One is two lines: the digest of the second, and the record.
pub fn entries(folder: &Path) -> Vec<(PathBuf, Value)> {
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let record = serde_json::from_str(text.lines().nth(1)?).ok()?;
        Some((path, record))
    };
    files(folder).into_iter().filter_map(read).collect()
}

fn find(objects: &Path, digest: &str) -> Option<PathBuf> {
    let hex = digest.rsplit(':').next().unwrap();
    let named = |path: &PathBuf| {
        let flat = path.strip_prefix(objects).unwrap().to_string_lossy().replace('/', "");
        flat.contains(hex) || path.file_name().unwrap().to_string_lossy().contains(&hex[2..])
    };
    files(objects).into_iter().find(named)
}

/// Changes one bit in the middle of a read-only file.
pub fn flip_byte(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(path, bytes).unwrap();
}
