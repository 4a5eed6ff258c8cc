//! What a collection counts, spares and takes away.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use super::entry::Entry;
use super::survey::list;
use super::{Collected, Collection, GcOptions, Provenance, Store, given_files};
use crate::clock;
use crate::fingerprint::{Builder, Digest};
use crate::job::input;

const HOUR: Duration = Duration::from_secs(3_600);
const MONTH: Duration = Duration::from_secs(30 * 24 * 3_600);

fn new() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    (folder, store)
}

/// First a dry run, which must count the same and take nothing away.
fn collect(store: &Store, keep: &[&Digest], grace: Duration) -> Collected {
    let keep: HashSet<Digest> = keep.iter().map(|digest| (*digest).clone()).collect();
    let sweep = |dry_run| {
        let options = GcOptions { grace, dry_run, no_wait: false };
        Collection::begin(store, options).unwrap().sweep(&keep).unwrap()
    };
    let before = all(store.layout().root());
    let dry = sweep(true);
    assert_eq!(all(store.layout().root()), before, "a dry run takes nothing away");
    let collected = sweep(false);
    assert_eq!(collected, dry);
    collected
}

/// Every path below a folder, but for the file that collections lock.
fn all(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut paths = Vec::new();
    for path in list(folder).unwrap() {
        paths.extend(if path.is_dir() { all(&path) } else { vec![] });
        paths.push(path);
    }
    paths.retain(|path| !path.ends_with("collecting") && !path.ends_with("collecting.lock"));
    paths
}

fn age(path: &Path, by: Duration) {
    fs::File::open(path).unwrap().set_modified(clock::now() - by).unwrap();
}

fn publish(store: &Store, seed: u64, bytes: &[u8]) -> Entry {
    let print = Builder::new("split", 1).setting("seed", &seed).finish();
    let attempt = store.attempt(&print).unwrap();
    fs::write(attempt.path("out"), bytes).unwrap();
    attempt.publish(&["out"], Provenance::default()).unwrap()
}

#[test]
fn a_folder_that_is_no_cache_yet_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let half = folder.path().join(".new-tag");
    fs::write(&half, "by another process").unwrap();
    let store = Store::existing(folder.path()).unwrap();
    assert_eq!(collect(&store, &[], Duration::ZERO), Collected::default());
    assert_eq!(list(folder.path()).unwrap(), [half]);
}

#[test]
fn results_and_objects_older_than_the_grace_go() {
    let (_folder, store) = new();
    let [old, young] = [1, 2].map(|seed| publish(&store, seed, &[seed as u8; 10]));
    for path in [store.layout().entry(&old.key), store.layout().object(old.digest("out"))] {
        age(&path, 2 * HOUR);
    }
    let expected =
        Collected { entries: 1, objects: 1, bytes: 10, kept_entries: 1, kept_bytes: 10, leftovers: 0 };
    assert_eq!(collect(&store, &[], HOUR), expected);
    assert!(store.lookup(&young.key).unwrap().is_some());
    assert!(!store.layout().object(old.digest("out")).exists());
}

#[test]
fn objects_that_are_named_or_given_to_a_training_stay() {
    let (folder, store) = new();
    let file = folder.path().join("w");
    let given = ["weights", "module", "named", "nobody's"].map(|text| {
        fs::write(&file, text).unwrap();
        let digest = Digest::of(text.as_bytes());
        store.import(&file, &digest).unwrap();
        digest
    });
    let print = Builder::new("train", 1)
        .input(input::WEIGHTS, &given[0])
        .input(input::MODULE, &given[1])
        .input("labels", &given[3])
        .finish();
    let expected = vec![(input::WEIGHTS, given[0].clone()), (input::MODULE, given[1].clone())];
    assert_eq!(given_files(&print), expected);
    let attempt = store.attempt(&print).unwrap();
    fs::write(attempt.path("model"), "model").unwrap();
    let trained = attempt.publish(&["model"], Provenance::default()).unwrap();
    let collected = collect(&store, &[&trained.key, &given[2]], Duration::ZERO);
    assert_eq!((collected.objects, collected.bytes), (1, 8));
    assert_eq!((collected.kept_entries, collected.kept_bytes), (1, 7 + 6 + 5 + 5));
    assert!(!store.layout().object(&given[3]).exists());
}

#[test]
fn idle_locks_go_and_held_ones_keep_what_belongs_to_them() {
    let (_folder, store) = new();
    let layout = store.layout();
    let keys = ["held", "idle"].map(|text| Builder::new("train", 1).setting("name", &text).finish().key);
    let checkpoints = keys.each_ref().map(|key| store.checkpoint_dir(key).unwrap());
    let _held = store.try_lock(&keys[0]).unwrap();
    fs::write(layout.lock(&keys[1]), "process 1 on host").unwrap();
    fs::write(layout.locks().join("README"), "of somebody").unwrap();
    for folder in &checkpoints {
        age(folder, MONTH + HOUR);
    }
    // The idle lock, and the checkpoints that nobody has touched for a month.
    assert_eq!(collect(&store, &[], HOUR).leftovers, 2);
    assert!(layout.lock(&keys[0]).exists() && !layout.lock(&keys[1]).exists());
    assert!(checkpoints[0].exists() && !checkpoints[1].exists());
    assert!(layout.locks().join("README").exists());
    fs::create_dir(layout.lock(&keys[1])).unwrap();
    assert_eq!(collect(&store, &[], HOUR).leftovers, 1, "a folder in the place of a lock");
}

#[test]
fn checkpoints_stay_for_a_month_and_go_with_what_is_done() {
    let (_folder, store) = new();
    let done = publish(&store, 1, b"rows");
    let going = Builder::new("train", 1).finish().key;
    let [of_done, of_going] = [&done.key, &going].map(|key| store.checkpoint_dir(key).unwrap());
    // One that was written into of late is young.
    fs::write(of_going.join("state"), "x").unwrap();
    age(&of_going, 2 * MONTH);
    assert_eq!(collect(&store, &[&done.key], Duration::ZERO).leftovers, 1);
    assert!(!of_done.exists() && of_going.exists());
    age(&of_going.join("state"), MONTH - HOUR);
    assert_eq!(collect(&store, &[&done.key], Duration::ZERO).leftovers, 0);
    age(&of_going.join("state"), MONTH + HOUR);
    age(&of_going, MONTH + HOUR);
    assert_eq!(collect(&store, &[&done.key], Duration::ZERO).leftovers, 1);
    assert!(!of_going.exists());
}

#[test]
fn attempts_and_half_written_files_have_the_grace_and_logs_a_month() {
    let (_folder, store) = new();
    let layout = store.layout();
    let attempt = layout.attempts().join("0123456789ab.host.1.0");
    fs::create_dir_all(&attempt).unwrap();
    let half = layout.objects().join("ab/.new-half");
    let log = layout.all_logs().join("study/runs/none.log");
    for file in [&half, &log] {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "x").unwrap();
    }
    for path in [&attempt, &half, &log] {
        age(path, 2 * HOUR);
    }
    assert_eq!(collect(&store, &[], 3 * HOUR).leftovers, 0);
    assert_eq!(collect(&store, &[], HOUR).leftovers, 2);
    assert!(!attempt.exists() && !half.exists());
    age(&log, MONTH + HOUR);
    assert_eq!(collect(&store, &[], 2 * MONTH).leftovers, 0, "a longer grace counts for logs too");
    assert_eq!(collect(&store, &[], HOUR).leftovers, 1);
    assert!(!log.exists() && log.parent().unwrap().exists());
}
