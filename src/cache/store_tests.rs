//! What a store refuses, puts aside and leaves alone.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::Duration;

use super::entry::Entry;
use super::{CacheError, Locked, Provenance, Store};
use crate::clock;
use crate::fingerprint::{Builder, Digest};
use crate::layout::CacheLayout;

fn new() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    (folder, store)
}

fn publish(store: &Store, bytes: &[u8]) -> Entry {
    let attempt = store.attempt(&Builder::new("split", 1).finish()).unwrap();
    fs::write(attempt.path("out"), bytes).unwrap();
    attempt.publish(&["out"], Provenance::default()).unwrap()
}

#[test]
fn a_folder_with_something_else_in_it_is_no_cache() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::write(root.join("README.md"), "what this is for").unwrap();
    fs::write(root.join(".new-tag"), "by another process").unwrap();
    assert!(Store::existing(root).is_ok());
    assert!(!CacheLayout::new(root).tag().exists(), "nothing is made by a look");
    let photo = root.join("photo.jpg");
    fs::write(&photo, "x").unwrap();
    for refused in [Store::existing(root), Store::open(root)] {
        assert!(matches!(refused, Err(CacheError::NoCache { holds, .. }) if holds == photo));
    }
    fs::remove_file(&photo).unwrap();
    Store::open(root).unwrap();
    fs::write(&photo, "x").unwrap();
    assert!(Store::open(root).is_ok(), "one that is a cache may hold more");
}

#[test]
fn a_result_whose_object_is_cut_or_a_link_is_none() {
    let (_folder, store) = new();
    let entry = publish(&store, b"rows");
    let place = store.layout().object(entry.digest("out"));
    let output = &entry.outputs["out"];
    assert!(store.has(output));
    fs::set_permissions(&place, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(&place, b"row").unwrap();
    assert_eq!((store.lookup(&entry.key).unwrap(), store.has(output)), (None, false));
    let elsewhere = store.layout().root().join("rows");
    fs::write(&elsewhere, b"rows").unwrap();
    fs::remove_file(&place).unwrap();
    symlink(&elsewhere, &place).unwrap();
    assert_eq!((store.lookup(&entry.key).unwrap(), store.has(output)), (None, false));
    assert!(store.layout().entry(&entry.key).exists(), "the record is whole");
}

#[test]
fn records_say_what_their_key_was_made_of_and_one_under_another_key_says_nothing() {
    let (_folder, store) = new();
    let entry = publish(&store, b"rows");
    let print = Builder::new("split", 1).finish();
    assert_eq!(store.fingerprint(&entry.key).unwrap(), Some(print));
    let other = Digest::of(b"another key");
    assert_eq!((store.fingerprint(&other).unwrap(), store.record(&other).unwrap()), (None, None));
    let place = store.layout().entry(&other);
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    fs::copy(store.layout().entry(&entry.key), &place).unwrap();
    assert_eq!((store.fingerprint(&other).unwrap(), store.record(&other).unwrap()), (None, None));
    assert_eq!(store.lookup(&other).unwrap(), None);
    assert!(!place.exists() && store.layout().quarantine().join(format!("{other}.json")).is_file());
}

#[test]
fn only_files_become_results() {
    let (_folder, store) = new();
    let print = Builder::new("split", 1).finish();
    let elsewhere = store.layout().root().join("rows");
    fs::write(&elsewhere, b"rows").unwrap();
    for kind in ["none", "link", "folder"] {
        let attempt = store.attempt(&print).unwrap();
        match kind {
            "link" => symlink(&elsewhere, attempt.path("out")).unwrap(),
            "folder" => fs::create_dir(attempt.path("out")).unwrap(),
            _ => {}
        }
        let error = attempt.publish(&["out"], Provenance::default()).unwrap_err();
        let said = (error.to_string(), error.help());
        assert_eq!(said, ("stage `split` left no `out`, or an empty one".to_owned(), None), "{kind}");
    }
}

#[test]
fn given_files_are_copied_once_and_are_what_they_are_called() {
    let (_folder, store) = new();
    let file = store.layout().root().join("w.safetensors");
    fs::write(&file, b"weights").unwrap();
    let digest = Digest::of(b"weights");
    let place = store.layout().object(&digest);
    let error = store.import(&file, &Digest::of(b"others")).unwrap_err();
    assert!(matches!(error, CacheError::Damaged { what: "changed while it was copied", .. }), "{error}");
    store.import(&file, &digest).unwrap();
    let meta = fs::metadata(&place).unwrap();
    assert!(meta.permissions().readonly() && file.exists());
    assert_eq!(store.object(&digest).unwrap(), place);
    let folder = place.parent().unwrap();
    assert_eq!(fs::read_dir(folder).unwrap().count(), 1, "nothing is left of the copying");

    // Once more: it is young again, and not copied.
    let long_ago = clock::now() - Duration::from_secs(1 << 20);
    fs::File::open(&place).unwrap().set_modified(long_ago).unwrap();
    fs::remove_file(&file).unwrap();
    store.import(&file, &digest).unwrap();
    assert!(clock::since(fs::metadata(&place).unwrap().modified().unwrap()) < Duration::from_secs(1 << 19));
}

#[test]
fn an_object_that_was_published_anew_is_not_discarded() {
    let (_folder, store) = new();
    let digest = publish(&store, b"rows").digest("out").clone();
    let place = store.layout().object(&digest);
    let written = fs::metadata(&place).unwrap().modified().unwrap();
    store.discard(&digest, written - Duration::from_secs(1)).unwrap();
    assert!(place.exists());
    store.discard(&digest, written).unwrap();
    assert!(!place.exists());
}

#[test]
fn what_was_checked_once_is_checked_again_after_it_was_discarded() {
    let (_folder, store) = new();
    let digest = publish(&store, b"rows").digest("out").clone();
    let place = store.object(&digest).unwrap();
    store.discard(&digest, fs::metadata(&place).unwrap().modified().unwrap()).unwrap();
    fs::write(&place, b"rowz").unwrap();
    let error = store.object(&digest).unwrap_err();
    assert!(matches!(error, CacheError::Damaged { what: "damaged", .. }), "{error}");
    assert_eq!(fs::read(store.layout().quarantine().join(digest.as_str())).unwrap(), b"rowz");
    let error = store.object(&digest).unwrap_err();
    assert!(matches!(error, CacheError::Damaged { what: "missing", .. }), "{error}");
}

#[test]
fn who_computes_a_key_is_known_while_it_does() {
    let (_folder, store) = new();
    let key = Digest::of(b"key");
    assert_eq!(store.holder(&key).unwrap(), None);
    // A folder in the way is put aside.
    fs::create_dir_all(store.layout().lock(&key)).unwrap();
    let Locked::Mine(lock) = store.try_lock(&key).unwrap() else { panic!("free") };
    let holder = store.holder(&key).unwrap().unwrap();
    assert!(holder.name.starts_with(&format!("process {} on ", std::process::id())), "{holder}");
    drop(lock);
    assert_eq!(store.holder(&key).unwrap(), None);
}

#[test]
fn files_are_replaced_as_a_whole_and_folders_make_way() {
    let (_folder, store) = new();
    let place = store.layout().root().join("plans/study.json");
    for bytes in [&b"one"[..], b"two"] {
        store.replace(&place, bytes).unwrap();
        assert_eq!(fs::read(&place).unwrap(), bytes);
    }
    fs::remove_file(&place).unwrap();
    fs::create_dir(&place).unwrap();
    store.replace(&place, b"three").unwrap();
    assert_eq!(fs::read(&place).unwrap(), b"three");
    assert!(store.layout().quarantine().join("study.json").is_dir());
}

#[test]
fn what_cannot_be_put_aside_stays_and_is_told() {
    let (folder, store) = new();
    let stray = folder.path().join("stray");
    fs::write(&stray, "x").unwrap();
    assert!(store.quarantine(&stray, "stray").unwrap() && !stray.exists());
    assert!(store.quarantine(&stray, "stray").unwrap(), "gone already");
    // Nobody can make folders there, whoever asks: the system shows its own.
    let frozen = Store::existing("/sys/ablatrix".as_ref()).unwrap();
    fs::write(&stray, "x").unwrap();
    assert!(!frozen.quarantine(&stray, "stray").unwrap() && stray.exists());
    // Files and folders take the place of each other.
    for i in 0..4 {
        fs::remove_file(&stray).or_else(|_| fs::remove_dir_all(&stray)).unwrap();
        if i % 2 == 0 {
            fs::create_dir(&stray).unwrap()
        } else {
            fs::write(&stray, "x").unwrap()
        }
        assert!(store.quarantine(&stray, "stray").unwrap() && !stray.exists());
        let there = store.layout().quarantine().join("stray");
        assert_eq!(there.is_dir(), i % 2 == 0);
        fs::write(&stray, "x").unwrap();
    }
    // Other faults are faults.
    fs::remove_dir_all(store.layout().quarantine()).unwrap();
    fs::write(store.layout().quarantine(), "a file").unwrap();
    assert!(store.quarantine(&stray, "stray").is_err() && stray.exists());
}
