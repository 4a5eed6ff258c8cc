//! Removes results that nobody is going to ask for.
//!
//! Kept are the results that the caller names, what a living process claims (see `lease`), and what is younger than a
//! grace period. Nothing is published or claimed while a collection goes on (see `turn`). Records go before
//! objects: a collection that is killed leaves objects without a record, which the next one removes.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::disk;
use super::error::CacheError;
use super::lease;
use super::lock::{Locked, holder, try_lock};
use super::store::Store;
use super::survey::{Survey, file_name, list};
use super::turn::Turn;
use crate::clock;
use crate::fingerprint::{Digest, Fingerprint};
use crate::job::input;

/// Checkpoints that no training has touched for so long belong to a study that nobody goes on with.
const CHECKPOINT_AGE: Duration = Duration::from_secs(30 * 24 * 3600);

/// Logs that nobody has written into for so long are of no more interest, nor is what a recheck has kept.
const LOG_AGE: Duration = CHECKPOINT_AGE;

/// How a collection goes about it.
#[derive(Clone, Copy, Debug)]
pub struct GcOptions {
    /// Nothing younger is removed.
    pub grace: Duration,
    /// Only say what would be removed.
    pub dry_run: bool,
    /// End with [`CacheError::Busy`] rather than wait for others.
    pub no_wait: bool,
}

/// What a collection removed, or would remove.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Collected {
    /// Records.
    pub entries: usize,
    /// Objects.
    pub objects: usize,
    /// Bytes of the objects.
    pub bytes: u64,
    /// Folders of attempts and rechecks that were killed, checkpoints of trainings that nobody goes on with, idle lock files, old logs,
    /// old files that a recheck has kept.
    pub leftovers: usize,
    /// Records that stay.
    pub kept_entries: usize,
    /// Bytes of the objects that stay.
    pub kept_bytes: u64,
}

/// A collection that has begun: nobody publishes or claims until it is dropped.
#[derive(Debug)]
pub struct Collection<'s> {
    store: &'s Store,
    options: GcOptions,
    claimed: HashSet<Digest>,
    /// Whether there is a cache: in a folder that is about to become one, nothing is left behind.
    is_cache: bool,
    /// A dry run keeps nobody waiting, and works where the cache cannot be written.
    _turn: Option<Turn>,
}

impl<'s> Collection<'s> {
    /// Begins a collection, and notes what living processes claim. What is to be kept is to be found out after this: a run
    /// that ends remembers its plan before its claim goes.
    ///
    /// # Errors
    /// Where the cache cannot be written, or a claim not be read; [`CacheError::Busy`] where others are at it and are not to be
    /// waited for.
    pub fn begin(store: &'s Store, options: GcOptions) -> Result<Self, CacheError> {
        let is_cache = store.layout().tag().exists();
        let turn =
            if options.dry_run || !is_cache { None } else { Some(Turn::alone(store, options.no_wait)?) };
        let claimed = lease::claimed(store, options.dry_run)?;
        Ok(Collection { store, options, claimed, is_cache, _turn: turn })
    }

    /// Removes every result that `keep` is not about, and what killed processes left behind. `keep`: keys of results, and objects.
    ///
    /// # Errors
    /// Where the disk fails. What was removed until then is gone, and nothing that stays is damaged.
    pub fn sweep(self, keep: &HashSet<Digest>) -> Result<Collected, CacheError> {
        let Collection { store, options, claimed, .. } = &self;
        if !self.is_cache {
            return Ok(Collected::default());
        }
        let survey = Survey::of(store)?;
        let leftovers = leftovers(store, &survey, *options)?
            + unfinished(store, *options)?
            + old_files(&store.layout().all_logs(), *options)?
            + old_files(&store.layout().all_differences(), *options)?;
        let mut collected = Collected { leftovers, ..Collected::default() };
        let young = |written: SystemTime| clock::since(written) < options.grace;

        let mut needed: HashSet<Digest> = HashSet::new();
        for (key, listed) in &survey.entries {
            if keep.contains(key) || claimed.contains(key) || young(listed.written) {
                collected.kept_entries += 1;
                needed.extend(listed.entry.outputs.values().map(|output| output.digest.clone()));
                needed.extend(store.fingerprint(key)?.iter().flat_map(given_files).map(|(_, digest)| digest));
            } else {
                collected.entries += 1;
                if !options.dry_run {
                    disk::remove(&store.layout().entry(key))?;
                }
            }
        }
        for (digest, object) in &survey.objects {
            let is_claimed = claimed.contains(digest) || keep.contains(digest);
            if needed.contains(digest) || is_claimed || young(object.written) {
                collected.kept_bytes += object.bytes;
            } else {
                collected.objects += 1;
                collected.bytes += object.bytes;
                if !options.dry_run {
                    store.discard(digest, object.written)?;
                }
            }
        }
        Ok(collected)
    }
}

/// The weights that a training under this key begins with and the module that its network is, where they were given as
/// files, by the names of the inputs: objects that are no stage's outputs.
pub fn given_files(print: &Fingerprint) -> Vec<(&'static str, Digest)> {
    let given = |name| {
        let field = print.fields.iter().find(|field| field.name.strip_prefix("input.") == Some(name))?;
        Some((name, Digest::parse(&field.value)?))
    };
    [input::WEIGHTS, input::MODULE].into_iter().filter_map(given).collect()
}

/// Removes what killed processes left in `work/` and `locks/`; gives how many.
fn leftovers(store: &Store, survey: &Survey, options: GcOptions) -> Result<usize, CacheError> {
    let layout = store.layout();
    let mut count = 0;
    // Attempts first, locks after: an attempt seen here whose lock is free cannot be under way.
    let attempts = list(&layout.attempts())?;
    let checkpoints = list(&layout.checkpoints())?;
    let rechecks = list(&layout.rechecks())?;
    let mut busy = Vec::new();
    for path in list(&layout.locks())? {
        let name = file_name(&path);
        let Some(key) = name.strip_suffix(".lock") else { continue };
        let held = match options.dry_run {
            true => holder(&path)?.is_some(),
            false if disk::is_folder(&path) => store.clear_way(&path).map(|()| false)?,
            // Dropped at once where it is ours, which removes the file.
            false => matches!(try_lock(&path)?, Locked::Held(_)),
        };
        match held {
            true => busy.push(key.to_owned()),
            false => count += 1,
        }
    }
    for path in attempts {
        let name = file_name(&path);
        let short = name.split('.').next().unwrap_or_default();
        if !busy.iter().any(|key| key.starts_with(short)) && older(&path, options.grace) {
            count += 1;
            if !options.dry_run {
                disk::remove(&path)?;
            }
        }
    }
    for path in rechecks {
        if !busy.contains(&file_name(&path)) && older(&path, options.grace) {
            count += 1;
            if !options.dry_run {
                disk::remove(&path)?;
            }
        }
    }
    for path in checkpoints {
        let name = file_name(&path);
        // A training that was killed between its entry and the end of its checkpoints has no use for them.
        let done = Digest::parse(&name).is_some_and(|key| survey.is_whole(&key));
        if !busy.contains(&name) && (done || older(&path, CHECKPOINT_AGE)) {
            count += 1;
            if !options.dry_run {
                disk::remove(&path)?;
            }
        }
    }
    Ok(count)
}

/// Removes files that killed processes were about to rename into place; gives how many.
fn unfinished(store: &Store, options: GcOptions) -> Result<usize, CacheError> {
    let mut count = 0;
    let mut folders = vec![store.layout().root().to_owned()];
    while let Some(folder) = folders.pop() {
        for path in list(&folder)? {
            if disk::is_folder(&path) {
                folders.push(path);
            } else if file_name(&path).starts_with(disk::UNFINISHED) && older(&path, options.grace) {
                count += 1;
                if !options.dry_run {
                    disk::remove(&path)?;
                }
            }
        }
    }
    Ok(count)
}

/// Removes files below `folder` that are old, logs and journals for instance; gives how many.
fn old_files(folder: &Path, options: GcOptions) -> Result<usize, CacheError> {
    let mut count = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in list(&folder)? {
            if disk::is_folder(&path) {
                folders.push(path);
            } else if older(&path, LOG_AGE.max(options.grace)) {
                count += 1;
                if !options.dry_run {
                    disk::remove(&path)?;
                }
            }
        }
    }
    Ok(count)
}

/// Whether nothing in the folder `path` was written within `age`.
fn older(path: &Path, age: Duration) -> bool {
    let newest = list(path)
        .unwrap_or_default()
        .iter()
        .map(std::path::PathBuf::as_path)
        .chain([path])
        .filter_map(|path| fs::symlink_metadata(path).ok()?.modified().ok())
        .max();
    newest.is_none_or(|newest| clock::since(newest) >= age)
}

#[cfg(test)]
mod tests {
    use super::super::entry::Entry;
    use super::*;
    use crate::cache::{Lease, Provenance};
    use crate::fingerprint::Builder;

    fn collect(store: &Store, keep: &HashSet<Digest>, options: GcOptions) -> Result<Collected, CacheError> {
        Collection::begin(store, options)?.sweep(keep)
    }

    const AT_ONCE: GcOptions = GcOptions { grace: Duration::ZERO, dry_run: false, no_wait: false };

    fn publish(store: &Store, seed: u64, bytes: &[u8]) -> Entry {
        let print = Builder::new("split", 1).setting("seed", &seed).finish();
        let attempt = store.attempt(&print).unwrap();
        fs::write(attempt.path("out"), bytes).unwrap();
        attempt.publish(&["out"], Provenance::default()).unwrap()
    }

    fn key(entry: &Entry) -> Digest {
        entry.key.clone()
    }

    #[test]
    fn what_nobody_keeps_goes_and_the_rest_stays_whole() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let [kept, claimed, gone] = [1, 2, 3].map(|seed| publish(&store, seed, &[seed as u8; 10]));
        // Shared by a result that stays and one that goes.
        let shared = publish(&store, 4, &[1; 10]);
        let mut lease = Lease::new(&store, "tiny", false);
        lease.claim([&key(&claimed)]);
        let keep = HashSet::from([key(&kept)]);

        let dry = collect(&store, &keep, GcOptions { dry_run: true, ..AT_ONCE }).unwrap();
        assert_eq!(
            (dry.entries, dry.objects, dry.bytes, dry.kept_entries, dry.kept_bytes),
            (2, 1, 10, 2, 20)
        );
        assert!(store.lookup(&key(&gone)).unwrap().is_some());
        assert_eq!(collect(&store, &keep, AT_ONCE).unwrap(), dry);
        for (entry, there) in [(&kept, true), (&claimed, true), (&gone, false), (&shared, false)] {
            assert_eq!(store.lookup(&key(entry)).unwrap().is_some(), there);
        }
        assert!(store.object(kept.digest("out")).is_ok());
        drop(lease);
        assert_eq!(collect(&store, &keep, AT_ONCE).unwrap().entries, 1);
        assert_eq!(collect(&store, &keep, AT_ONCE).unwrap().entries, 0);
    }

    #[test]
    fn what_is_young_stays() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        publish(&store, 1, b"rows");
        let hour = GcOptions { grace: Duration::from_secs(3600), ..AT_ONCE };
        let collected = collect(&store, &HashSet::new(), hour).unwrap();
        assert_eq!((collected.entries, collected.objects, collected.kept_entries), (0, 0, 1));
    }

    #[test]
    fn attempts_go_with_their_process_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let prints = [1, 2].map(|seed| Builder::new("split", 1).setting("seed", &seed).finish());
        let attempts = prints.each_ref().map(|print| store.attempt(print).unwrap());
        let lock = store.try_lock(&prints[0].key).unwrap();
        assert_eq!(collect(&store, &HashSet::new(), AT_ONCE).unwrap().leftovers, 1);
        assert!(attempts[0].path("").is_dir() && !attempts[1].path("").exists());
        drop(lock);
        assert_eq!(collect(&store, &HashSet::new(), AT_ONCE).unwrap().leftovers, 1);
        assert!(!attempts[0].path("").exists());
    }

    #[test]
    fn half_written_files_and_checkpoints_of_what_is_done_go() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let done = publish(&store, 1, b"rows");
        let under_way = Builder::new("split", 1).setting("seed", &2).finish().key;
        let checkpoints = [key(&done), under_way].map(|key| store.checkpoint_dir(&key).unwrap());
        let half = disk::parent(&store.layout().entry(&key(&done))).join(".new-half");
        fs::write(&half, b"half").unwrap();
        let keep = HashSet::from([key(&done)]);
        let hour = GcOptions { grace: Duration::from_secs(3600), ..AT_ONCE };
        assert_eq!(collect(&store, &keep, hour).unwrap().leftovers, 1);
        assert!(half.exists() && !checkpoints[0].exists() && checkpoints[1].exists());
        assert_eq!(collect(&store, &keep, AT_ONCE).unwrap().leftovers, 1);
        assert!(!half.exists() && checkpoints[1].exists());
    }

    #[test]
    fn old_logs_go_and_new_ones_stay() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let logs = store.layout().logs("study");
        fs::create_dir_all(crate::layout::run_logs(&logs)).unwrap();
        let paths = ["a", "b"].map(|run| crate::layout::run_log(&logs, run));
        for path in &paths {
            fs::write(path, b"said").unwrap();
        }
        let long_ago = clock::now() - LOG_AGE - Duration::from_secs(60);
        fs::File::options().write(true).open(&paths[0]).unwrap().set_modified(long_ago).unwrap();
        let dry = collect(&store, &HashSet::new(), GcOptions { dry_run: true, ..AT_ONCE }).unwrap();
        assert!(dry.leftovers == 1 && paths[0].exists());
        assert_eq!(collect(&store, &HashSet::new(), AT_ONCE).unwrap().leftovers, 1);
        assert!(!paths[0].exists() && paths[1].exists());
    }

    #[test]
    fn what_is_published_meanwhile_waits_for_the_collection() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let collection = Collection::begin(&store, AT_ONCE).unwrap();
        std::thread::scope(|scope| {
            let published = scope.spawn(|| publish(&store, 1, b"rows"));
            // Its attempt is there, and none of it is visible.
            while list(&store.layout().attempts()).unwrap().is_empty() && !published.is_finished() {}
            assert!(Survey::of(&store).unwrap().objects.is_empty());
            drop(collection);
            let entry = published.join().unwrap();
            assert_eq!(store.lookup(&key(&entry)).unwrap(), Some(entry));
        });
    }
}
