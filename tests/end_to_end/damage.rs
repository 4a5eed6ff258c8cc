//! Bytes that rot in the cache are found before they are used, and computed again.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::harness::{Lab, stderr};
use super::stored::{entries, find, flip_byte};

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

/// The references stand late, so that damage in them costs no training.
const ORDER: [&str; 11] = [
    "ingest",
    "scan",
    "label",
    "pixels",
    "split",
    "balance",
    "train",
    "predict",
    "evaluate",
    "references",
    "report",
];

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
