//! Who uses which results: so that a collection leaves alone what a running process reads.
//!
//! Each user holds a lock on a file of its own, in which it writes its study and the keys that it goes by. The lock dies with the
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

/// How the line begins that names the study.
const STUDY: &str = "study ";
/// The line of those who take up jobs from a cluster's queue.
const TAKES_UP: &str = "takes up jobs";

/// A claim on results; ends when dropped.
#[derive(Debug)]
pub struct Lease {
    store: Store,
    /// `None` where the cache cannot be written: nothing can be collected there either.
    file: Option<(PathBuf, File)>,
    claimed: HashSet<Digest>,
}

impl Lease {
    /// Begins a claim on nothing, for `study`, whose engine `takes_up` jobs that are in a cluster's queue already. A cache that cannot be
    /// written gives one too.
    pub fn new(store: &Store, study: &str, takes_up: bool) -> Self {
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
            let mut file = OpenOptions::new().append(true).create(true).open(&path).ok()?;
            match flock::try_lock(&file, Kind::Exclusive, &path) {
                Ok(true) => {}
                // Somebody has just looked whether anybody holds it.
                Ok(false) => flock::wait(&file, Kind::Exclusive, &path).ok()?,
                Err(error) => {
                    lock::tidy(&path, &error);
                    return None;
                }
            }
            file.set_len(0).ok()?;
            // For those who ask who runs a study. A full disk has no room for it, and the claim holds all the same.
            let more = if takes_up { format!("{TAKES_UP}\n") } else { String::new() };
            let _ = file.write_all(format!("{STUDY}{study}\n{more}").as_bytes());
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
    let since = |file: &File| file.metadata().and_then(|meta| meta.created()).ok();
    Ok(living(store)?.into_iter().map(|(name, file)| Holder { name, since: since(&file) }).collect())
}

/// A claim of a living process, which can have several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Process and host, as the locks that it holds name them.
    pub process: String,
    /// The study that it runs; `None` where it could not write that down, or is of a version that does not.
    pub study: Option<String>,
    /// Whether it goes on with jobs that are in a cluster's queue already.
    pub takes_up: bool,
    /// What it goes by: keys of results, also of those that it makes or waits for, and objects.
    pub keys: HashSet<Digest>,
}

/// What living processes claim, and for which study. None where the file system has no locks by which to tell.
///
/// # Errors
/// Where a claim cannot be read.
pub fn users(store: &Store) -> Result<Vec<User>, CacheError> {
    let living = match living(store) {
        Err(CacheError::NoLocks { .. }) => return Ok(Vec::new()),
        result => result?,
    };
    let read = |(process, mut file): (String, File)| {
        let mut text = String::new();
        file.read_to_string(&mut text).doing("read a claim in", &store.layout().leases())?;
        let study = text.lines().find_map(|line| line.strip_prefix(STUDY)).map(str::to_owned);
        let takes_up = text.lines().any(|line| line == TAKES_UP);
        Ok(User { process, study, takes_up, keys: text.lines().filter_map(Digest::parse).collect() })
    };
    living.into_iter().map(read).collect()
}

/// What living processes claim that run another study than this one, and take up jobs for it. Where that cannot be told, nothing.
pub fn wanted_by_others(store: &Store, study: &str) -> HashSet<Digest> {
    let users = users(store).unwrap_or_default().into_iter();
    users
        .filter(|user| user.takes_up && user.study.as_deref().is_some_and(|of| of != study))
        .flat_map(|user| user.keys)
        .collect()
}

/// Claims whose processes live, by the names of these.
fn living(store: &Store) -> Result<Vec<(String, File)>, CacheError> {
    let mut living = Vec::new();
    for path in list(&store.layout().leases())? {
        let Ok(file) = File::open(&path) else { continue };
        if !flock::try_lock(&file, Kind::Shared, &path)? {
            let name = file_name(&path);
            // Host, process, and a count.
            let mut parts = name.rsplitn(3, '.').skip(1);
            let (process, host) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            living.push((format!("process {process} on {host}"), file));
        }
    }
    Ok(living)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_seen_while_their_process_lives() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let keys = [b"a", b"b", b"c"].map(|text| Digest::of(text));
        let mut leases = [Lease::new(&store, "one", false), Lease::new(&store, "two", true)];
        assert_eq!(claimed(&store, false).unwrap(), HashSet::new());
        leases[0].claim(&keys[..2]);
        leases[0].claim(&keys[..2]);
        leases[1].claim(&keys[1..]);
        for dry_run in [true, false] {
            assert_eq!(claimed(&store, dry_run).unwrap(), HashSet::from(keys.clone()));
        }
        let files = list(&store.layout().leases()).unwrap();
        let mut lines: Vec<usize> =
            files.iter().map(|path| std::fs::read_to_string(path).unwrap().lines().count()).collect();
        lines.sort_unstable();
        assert_eq!(lines, [3, 4], "the study, whether it takes up jobs, and each key once");
        let users = users(&store).unwrap();
        let process = format!("process {} on ", std::process::id());
        assert!(users.iter().all(|user| user.process.starts_with(&process)), "{users:?}");
        let mut named: Vec<_> = users.into_iter().map(|user| (user.study.unwrap(), user.keys)).collect();
        named.sort_by(|a, b| a.0.cmp(&b.0));
        let of = |study: &str, keys: &[Digest]| (study.to_owned(), keys.iter().cloned().collect());
        assert_eq!(named, [of("one", &keys[..2]), of("two", &keys[1..])]);
        assert_eq!(wanted_by_others(&store, "one"), keys[1..].iter().cloned().collect());
        assert_eq!(wanted_by_others(&store, "three"), keys[1..].iter().cloned().collect());
        assert!(wanted_by_others(&store, "two").is_empty(), "the other one trains on this machine");
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
        let _lease = Lease::new(&store, "tiny", false);
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
