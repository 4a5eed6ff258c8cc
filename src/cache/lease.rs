//! Who uses which results: so that a collection leaves alone what a running process reads.
//!
//! Each user holds a lock on a file of its own, in which it writes the keys that it goes by. The lock dies with the
//! process, and with it the claim. A key that is collected before it was written down costs time, never a
//! result: whoever misses an object makes it again.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use super::disk;
use super::error::{CacheError, Doing};
use super::flock::{self, Kind};
use super::lock::{self, Holder};
use super::store::Store;
use super::survey::{file_name, list};
use super::turn::Turn;
use crate::fingerprint::Digest;

/// A claim on results; ends when dropped.
#[derive(Debug)]
pub struct Lease {
    store: Store,
    /// `None` where the cache cannot be written: nothing can be collected there either.
    file: Option<(PathBuf, File)>,
    claimed: HashSet<Digest>,
}

impl Lease {
    /// Begins a claim on nothing. A cache that cannot be written gives one too.
    pub fn new(store: &Store) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let path = store.layout().leases().join(format!("{host}.{}.{n}", std::process::id()));
        let open = || -> Option<File> {
            disk::create_dir(&store.layout().leases()).ok()?;
            store.clear_way(&path).ok()?;
            // A collection takes a claim whose lock is free for that of a dead process, and removes it: between opening and
            // locking that may have been ours.
            let _turn = Turn::shared(store);
            let file = OpenOptions::new().append(true).create(true).open(&path).ok()?;
            match flock::try_lock(&file, Kind::Exclusive, &path) {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    lock::tidy(&path, &error);
                    return None;
                }
            }
            file.set_len(0).ok()?;
            Some(file)
        };
        let file = open().map(|file| (path, file));
        Lease { store: store.clone(), file, claimed: HashSet::new() }
    }

    /// Adds keys of results, and objects that are no stage's output, to the claim. What is looked up after that stays; a
    /// collection that is under way is waited for. That they cannot be written down is no fault: see the page above.
    pub fn claim<'a>(&mut self, keys: impl IntoIterator<Item = &'a Digest>) {
        let Some((_, file)) = &mut self.file else { return };
        let new: Vec<&Digest> = keys.into_iter().filter(|key| self.claimed.insert((*key).clone())).collect();
        if new.is_empty() {
            return;
        }
        let lines: String = new.iter().map(|key| format!("{key}\n")).collect();
        let _turn = Turn::shared(&self.store);
        let _ = file.write_all(lines.as_bytes());
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some((path, _)) = &self.file {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// What living processes claim. Claims of dead ones are removed, except by a `dry_run`.
///
/// # Errors
/// Where a claim cannot be read.
pub(super) fn claimed(store: &Store, dry_run: bool) -> Result<HashSet<Digest>, CacheError> {
    let mut keys = HashSet::new();
    for path in list(&store.layout().leases())? {
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error).doing("read the claim", &path),
        };
        match flock::try_lock(&file, Kind::Shared, &path)? {
            // Nobody holds it: its process is dead.
            true if dry_run => {}
            true => disk::remove(&path)?,
            false => {
                let mut text = String::new();
                file.read_to_string(&mut text).doing("read the claim", &path)?;
                keys.extend(text.lines().filter_map(Digest::parse));
            }
        }
    }
    Ok(keys)
}

/// The living processes that claim something.
///
/// # Errors
/// Where the claims cannot be read.
pub(super) fn holders(store: &Store) -> Result<Vec<Holder>, CacheError> {
    let mut holders = Vec::new();
    for path in list(&store.layout().leases())? {
        let Ok(file) = File::open(&path) else { continue };
        if !flock::try_lock(&file, Kind::Shared, &path)? {
            let name = file_name(&path);
            // Host, process, and a count.
            let mut parts = name.rsplitn(3, '.').skip(1);
            let (process, host) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            let since = file.metadata().and_then(|meta| meta.created()).ok();
            holders.push(Holder { name: format!("process {process} on {host}"), since });
        }
    }
    Ok(holders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_seen_while_their_process_lives() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let keys = [b"a", b"b", b"c"].map(|text| Digest::of(text));
        let mut leases = [Lease::new(&store), Lease::new(&store)];
        assert_eq!(claimed(&store, false).unwrap(), HashSet::new());
        leases[0].claim(&keys[..2]);
        leases[0].claim(&keys[..2]);
        leases[1].claim(&keys[1..]);
        for dry_run in [true, false] {
            assert_eq!(claimed(&store, dry_run).unwrap(), HashSet::from(keys.clone()));
        }
        let files = list(&store.layout().leases()).unwrap();
        let lines: Vec<usize> =
            files.iter().map(|path| std::fs::read_to_string(path).unwrap().lines().count()).collect();
        assert_eq!(lines, [2, 2], "each key once");
        let [first, second] = leases;
        drop(first);
        assert_eq!(claimed(&store, false).unwrap(), HashSet::from([keys[1].clone(), keys[2].clone()]));
        drop(second);
        assert_eq!(list(&store.layout().leases()).unwrap(), Vec::<PathBuf>::new());
    }

    #[test]
    fn those_who_claim_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        disk::create_dir(&store.layout().leases()).unwrap();
        std::fs::write(store.layout().leases().join("host.1.0"), "").unwrap();
        assert!(holders(&store).unwrap().is_empty(), "its process is dead");
        let _lease = Lease::new(&store);
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let names: Vec<String> = holders(&store).unwrap().into_iter().map(|holder| holder.name).collect();
        assert_eq!(names, [format!("process {} on {host}", std::process::id())]);
    }

    #[test]
    fn claims_that_vanish_are_passed_over_and_those_that_cannot_be_read_are_a_fault() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let leases = store.layout().leases();
        disk::create_dir(&leases).unwrap();
        // As one that goes between the look at the folder and the look at it.
        std::os::unix::fs::symlink(leases.join("gone"), leases.join("host.1.0")).unwrap();
        assert_eq!(claimed(&store, false).unwrap(), HashSet::new());
        std::os::unix::fs::symlink(leases.join("host.2.0"), leases.join("host.2.0")).unwrap();
        assert!(claimed(&store, false).is_err(), "a link to itself");
    }

    #[test]
    fn claims_of_dead_processes_count_for_nothing_and_go() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let leases = store.layout().leases();
        disk::create_dir(&leases).unwrap();
        let dead = leases.join("host.1.0");
        std::fs::write(&dead, format!("{}\n", Digest::of(b"a"))).unwrap();
        assert_eq!(claimed(&store, true).unwrap(), HashSet::new());
        assert!(dead.exists());
        assert_eq!(claimed(&store, false).unwrap(), HashSet::new());
        assert!(!dead.exists());
    }
}
