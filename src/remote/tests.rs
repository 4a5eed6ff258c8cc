//! Pushes, pulls and fetches against a store in memory that breaks when it is told to, and against a folder.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use object_store::throttle::{ThrottleConfig, ThrottledStore};

use super::faulty::Faulty;
use super::listing::{self, Listing};
use super::*;
use crate::cache::{Entry, Provenance, Store};
use crate::fingerprint::{Builder, Digest};

struct Lab {
    _folder: tempfile::TempDir,
    root: std::path::PathBuf,
    faulty: Arc<Faulty>,
    remote: Remote,
}

impl Lab {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let faulty = Arc::new(Faulty::new());
        let address = Address::parse("s3://results/team").unwrap();
        let remote = Remote::with(&address, faulty.clone(), Patience::of_study()).unwrap();
        Lab { root: folder.path().to_owned(), _folder: folder, faulty, remote }
    }

    fn cache(&self, name: &str) -> Store {
        Store::open(&self.root.join(name)).unwrap()
    }

    fn push(&self, store: &Store) -> Result<Pushed, RemoteError> {
        self.push_with(store, false)
    }

    fn push_with(&self, store: &Store, verify: bool) -> Result<Pushed, RemoteError> {
        let options = PushOptions { keys: None, parallel: 3, verify, dry_run: false };
        push(&self.remote, store, options, &|_, _| {}, &|| false)
    }

    fn pull(&self, store: &Store) -> Result<Pulled, RemoteError> {
        let options = PullOptions { keys: None, parallel: 3, dry_run: false };
        pull(&self.remote, store, options, &|_, _| {}, &|| false)
    }

    fn listing(&self) -> Listing {
        self.remote.runtime.block_on(Listing::of(&self.remote)).unwrap()
    }

    /// Puts other bytes in the place of a file of the remote.
    fn spoil(&self, name: &str, bytes: &'static [u8]) {
        self.remote.runtime.block_on(self.faulty.overwrite(name, bytes));
    }
}

/// A result with these outputs.
fn publish(store: &Store, seed: u64, outputs: &[(&str, &[u8])]) -> Entry {
    let print = Builder::new("split", 1).setting("seed", &seed).finish();
    let attempt = store.attempt(&print).unwrap();
    for (name, bytes) in outputs {
        fs::write(attempt.path(name), bytes).unwrap();
    }
    let names: Vec<&str> = outputs.iter().map(|(name, _)| *name).collect();
    attempt.publish(&names, Provenance { finished_unix_s: seed, ..Provenance::default() }).unwrap()
}

/// Five results, the last two of which share an object.
fn filled(store: &Store) -> Vec<Entry> {
    (0..5u8)
        .map(|n| {
            let (own, shared) = ([n; 9], [100 + n.min(3); 50]);
            publish(store, n.into(), &[("own", &own[..]), ("shared", &shared[..])])
        })
        .collect()
}

#[test]
fn what_was_pushed_comes_back_the_same_and_nothing_goes_twice() {
    let lab = Lab::new();
    let (here, there) = (lab.cache("here"), lab.cache("there"));
    let entries = filled(&here);
    let pushed = lab.push(&here).unwrap();
    assert_eq!(pushed, Pushed { results: 5, objects: 9, bytes: 45 + 200, ..Pushed::default() });
    let again = lab.push(&here).unwrap();
    assert_eq!(again, Pushed { there: 5, ..Pushed::default() });
    let pulled = lab.pull(&there).unwrap();
    assert_eq!(pulled, Pulled { results: 5, objects: 9, bytes: 245, ..Pulled::default() });
    for entry in &entries {
        let key = &entry.key;
        assert_eq!(there.lookup(key).unwrap().as_ref(), Some(entry));
        assert_eq!(there.record(key).unwrap(), here.record(key).unwrap());
        let object = there.object(entry.digest("own")).unwrap();
        assert_eq!(fs::metadata(&object).unwrap().permissions().mode() & 0o777, 0o444);
    }
    assert_eq!(lab.pull(&there).unwrap(), Pulled { there: 5, ..Pulled::default() });
    assert_eq!(fs::read_dir(there.layout().attempts()).unwrap().count(), 0);
    assert_eq!(fs::read_dir(there.layout().locks()).unwrap().count(), 0);
}

#[test]
fn only_what_is_asked_for_goes_and_a_dry_run_says_so() {
    let lab = Lab::new();
    let (here, there) = (lab.cache("here"), lab.cache("there"));
    let entries = filled(&here);
    let keys = HashSet::from([entries[1].key.clone(), Digest::of(b"none")]);
    for (dry_run, written) in [(true, 0), (false, 3)] {
        let options = PushOptions { keys: Some(&keys), parallel: 1, verify: false, dry_run };
        let pushed = push(&lab.remote, &here, options, &|_, _| {}, &|| false).unwrap();
        assert_eq!((pushed.results, pushed.objects, pushed.bytes), (1, 2, 59));
        assert_eq!(lab.faulty.written().len(), written);
    }
    lab.push(&here).unwrap();
    for (dry_run, found) in [(true, false), (false, true)] {
        let options = PullOptions { keys: Some(&keys), parallel: 1, dry_run };
        let pulled = pull(&lab.remote, &there, options, &|_, _| {}, &|| false).unwrap();
        assert_eq!((pulled.results, pulled.objects, pulled.bytes), (1, 2, 59));
        assert_eq!(there.lookup(&entries[1].key).unwrap().is_some(), found);
    }
    assert_eq!(there.lookup(&entries[0].key).unwrap(), None);
}

#[test]
fn wherever_a_push_is_broken_off_records_are_whole_and_the_next_sends_the_rest() {
    for writes in 0..14 {
        let lab = Lab::new();
        let here = lab.cache("here");
        let entries = filled(&here);
        lab.faulty.allow(writes);
        let error = lab.push(&here).unwrap_err();
        assert!(error.to_string().contains("broken off"), "{error}");
        let listing = lab.listing();
        let whole = entries.iter().filter(|entry| listing.entries.contains_key(&entry.key));
        assert!(whole.clone().all(|entry| listing.is_whole(entry)), "after {writes} writes");
        let (results, objects) = (whole.count(), listing.objects.len());
        assert_eq!(results + objects, writes);
        lab.faulty.allow(usize::MAX);
        let rest = lab.push(&here).unwrap();
        assert_eq!((rest.results, rest.objects, rest.there), (5 - results, 9 - objects, results));
        assert_eq!(lab.faulty.written().len(), 14 - writes);
    }
}

#[test]
fn damage_in_the_remote_is_named_not_taken_and_sent_again() {
    let lab = Lab::new();
    let (here, there) = (lab.cache("here"), lab.cache("there"));
    let entries = filled(&here);
    lab.push(&here).unwrap();
    let own = |n: usize| listing::object(entries[n].digest("own")).to_string();
    // Of the same size, of another size, a record, and an object that two results need.
    lab.spoil(&own(0), b"nine byte");
    lab.spoil(&own(1), b"cut");
    let record = listing::entry(&entries[2].key).to_string();
    lab.spoil(&record, b"no record");
    let shared = listing::object(entries[4].digest("shared")).to_string();
    lab.spoil(&shared, b"also cut");

    let pulled = lab.pull(&there).unwrap();
    assert_eq!((pulled.results, pulled.left_out), (0, 5));
    let mut named: Vec<&str> = pulled.damaged_there.iter().map(|damage| damage.what.as_str()).collect();
    named.sort_unstable();
    let mut expected = [own(0), own(1), record.clone(), shared.clone()];
    expected.sort_unstable();
    assert_eq!(named, expected);
    for entry in &entries {
        assert_eq!(there.lookup(&entry.key).unwrap(), None);
        assert!(!there.has(&entry.outputs["own"]) || entry.digest("own") != entries[0].digest("own"));
    }

    // Without reading, sizes alone show what was cut.
    let cheap = lab.push(&here).unwrap();
    assert_eq!((cheap.results, cheap.objects, cheap.there), (3, 2, 2));
    let mended = lab.push_with(&here, true).unwrap();
    assert_eq!((mended.results, mended.objects, mended.there), (2, 1, 3));
    let named: HashSet<&str> = mended.damaged_there.iter().map(|damage| damage.what.as_str()).collect();
    assert_eq!(named, HashSet::from([own(0).as_str(), record.as_str()]));
    let clean = lab.push_with(&here, true).unwrap();
    assert_eq!((clean.there, clean.bytes_read, clean.damaged_there.len()), (5, 245, 0));
    let pulled = lab.pull(&there).unwrap();
    assert_eq!((pulled.results, pulled.left_out), (5, 0));
}

#[test]
fn damage_in_the_cache_is_never_sent() {
    let lab = Lab::new();
    let here = lab.cache("here");
    let entries = filled(&here);
    let place = here.layout().object(entries[0].digest("own"));
    fs::set_permissions(&place, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(&place, b"nine byte").unwrap();
    let pushed = lab.push(&lab.cache("here")).unwrap();
    assert_eq!((pushed.results, pushed.left_out), (4, 1));
    assert_eq!(pushed.damaged_here[0].what, entries[0].digest("own").as_str());
    assert_eq!(pushed.damaged_here[0].stage.as_deref(), Some("split"));
    let listing = lab.listing();
    assert!(!listing.entries.contains_key(&entries[0].key));
    assert!(!listing.objects.contains_key(entries[0].digest("own")));
    assert!(!place.exists(), "it is in quarantine");
}

#[test]
fn a_result_of_another_machine_under_the_same_key_is_left_as_it_is() {
    let lab = Lab::new();
    let (here, there) = (lab.cache("here"), lab.cache("there"));
    publish(&here, 1, &[("own", b"of here")]);
    publish(&there, 1, &[("own", b"of there")]);
    lab.push(&here).unwrap();
    assert_eq!(lab.push(&there).unwrap(), Pushed { there: 1, ..Pushed::default() });
    assert_eq!(lab.pull(&there).unwrap(), Pulled { there: 1, ..Pulled::default() });
}

/// Bytes that need three parts.
fn large() -> Vec<u8> {
    (0..20_000_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

#[test]
fn a_large_object_goes_in_parts_and_leaves_none_where_it_is_ended() {
    let lab = Lab::new();
    let (here, there) = (lab.cache("here"), lab.cache("there"));
    let entry = publish(&here, 1, &[("own", &large())]);
    let steps = AtomicUsize::new(0);
    let ended = || steps.load(Ordering::SeqCst) > 0;
    let options = PushOptions { keys: None, parallel: 1, verify: false, dry_run: false };
    let step = |_, _| {
        steps.fetch_add(1, Ordering::SeqCst);
    };
    let pushed = push(&lab.remote, &here, options, &step, &ended).unwrap();
    assert!(pushed.interrupted && pushed.results == 0);
    assert_eq!(lab.faulty.aborted.load(Ordering::SeqCst), 1);
    assert!(lab.listing().objects.is_empty());
    assert_eq!(lab.push(&here).unwrap().bytes, 20_000_000);
    assert_eq!(lab.pull(&there).unwrap().results, 1);
    assert!(there.object(entry.digest("own")).is_ok());

    // One that was damaged after its first part went is taken back too.
    let lab = Lab::new();
    let place = here.layout().object(entry.digest("own"));
    fs::set_permissions(&place, fs::Permissions::from_mode(0o644)).unwrap();
    let mut bytes = large();
    bytes[19_999_999] ^= 1;
    fs::write(&place, bytes).unwrap();
    let here = Store::open(here.layout().root()).unwrap();
    assert_eq!(lab.push(&here).unwrap().left_out, 1);
    assert_eq!(lab.faulty.aborted.load(Ordering::SeqCst), 1);
    assert!(lab.listing().objects.is_empty());
}

#[test]
fn a_study_gets_what_is_whole_and_hears_of_what_is_not() {
    let lab = Lab::new();
    let (here, there) = (lab.cache("here"), lab.cache("there"));
    let entries = filled(&here);
    lab.push(&here).unwrap();
    lab.spoil(listing::object(entries[1].digest("own")).as_ref(), b"nine byte");
    let fetch = |key: &Digest| lab.remote.fetch(&there, key, &|| false, &|_| {}).unwrap();
    let Found::Result(found) = fetch(&entries[0].key) else { panic!("it is there") };
    assert_eq!(*found, entries[0]);
    assert_eq!(there.lookup(&entries[0].key).unwrap().as_ref(), Some(&entries[0]));
    assert!(matches!(fetch(&Digest::of(b"none")), Found::Nothing));
    let Found::Damaged(damage) = fetch(&entries[1].key) else { panic!("it is damaged") };
    assert_eq!(damage.what, listing::object(entries[1].digest("own")).as_ref());
    assert_eq!(there.lookup(&entries[1].key).unwrap(), None);
}

#[test]
fn a_remote_that_takes_too_long_is_given_up() {
    let lab = Lab::new();
    let here = lab.cache("here");
    let config = ThrottleConfig { wait_get_per_call: Duration::from_secs(3600), ..ThrottleConfig::default() };
    let slow = Arc::new(ThrottledStore::new(object_store::memory::InMemory::new(), config));
    let patience = Patience { per_result: Some(Duration::from_millis(20)), ..Patience::of_study() };
    let remote = Remote::with(lab.remote.address(), slow, patience).unwrap();
    let error = remote.fetch(&here, &Digest::of(b"any"), &|| false, &|_| {}).unwrap_err();
    assert!(matches!(error, RemoteError::Slow { .. }), "{error}");
}

#[test]
fn a_folder_is_a_remote_too_and_never_the_cache_itself() {
    let lab = Lab::new();
    let (here, there) = (lab.cache("here"), lab.cache("there"));
    filled(&here);
    let shared = lab.root.join("a shared/folder");
    let address = Address::parse(shared.to_str().unwrap()).unwrap();
    let patience = Patience::of_transfer(0);
    assert!(matches!(Remote::for_reading(&address, patience), Err(RemoteError::NoFolder { .. })));
    let options = PushOptions { keys: None, parallel: 8, verify: true, dry_run: true };
    let dry = Remote::for_looking(&address, patience).unwrap();
    assert_eq!(push(&dry, &here, options, &|_, _| {}, &|| false).unwrap().results, 5);
    assert!(!shared.exists());
    let remote = Remote::for_writing(&address, patience).unwrap();
    let options = PushOptions { dry_run: false, ..options };
    assert_eq!(push(&remote, &here, options, &|_, _| {}, &|| false).unwrap().results, 5);
    let options = PullOptions { keys: None, parallel: 8, dry_run: false };
    assert_eq!(pull(&remote, &there, options, &|_, _| {}, &|| false).unwrap().results, 5);
    let itself = Address::Folder(here.layout().root().join("../here"));
    let itself = Remote::for_reading(&itself, patience).unwrap();
    let error = pull(&itself, &here, options, &|_, _| {}, &|| false).unwrap_err();
    assert!(matches!(error, RemoteError::Itself { .. }), "{error}");
}
