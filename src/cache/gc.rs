//! Removes results that nobody is going to ask for.
//!
//! Kept are the results that the caller names, what a living process claims (see `lease`), and what is younger than a
//! grace period, since it may be part of a result that is just being published. Records go before
//! objects: a collection that is killed leaves objects without a record, which the next one removes.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::disk;
use super::entry::Entry;
use super::error::CacheError;
use super::lease;
use super::lock::{Locked, holder, try_lock};
use super::store::Store;
use super::survey::{Survey, file_name, list};
use crate::clock;
use crate::fingerprint::Digest;
use crate::job::input;

/// Checkpoints that no training has touched for so long belong to a study that nobody goes on with.
const CHECKPOINT_AGE: Duration = Duration::from_secs(30 * 24 * 3600);

/// How a collection goes about it.
#[derive(Clone, Copy, Debug)]
pub struct GcOptions {
    /// Nothing younger is removed.
    pub grace: Duration,
    /// Only say what would be removed.
    pub dry_run: bool,
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
    /// Folders of attempts that were killed, checkpoints of trainings that nobody goes on with, idle lock files.
    pub leftovers: usize,
    /// Records that stay.
    pub kept_entries: usize,
    /// Bytes of the objects that stay.
    pub kept_bytes: u64,
}

/// Removes every result that `keep` is not about, and what killed processes left behind.
///
/// # Errors
/// Where the disk fails. What was removed until then is gone, and nothing that stays is damaged.
pub fn collect(store: &Store, keep: &HashSet<Digest>, options: GcOptions) -> Result<Collected, CacheError> {
    let mut collected = Collected { leftovers: leftovers(store, options)?, ..Collected::default() };
    // Claims are read after the survey: a process that began in between claims what it found.
    let survey = Survey::of(store)?;
    let claimed = lease::claimed(store)?;
    let young = |written: SystemTime| clock::since(written) < options.grace;

    let mut needed: HashSet<Digest> = HashSet::new();
    for (key, listed) in &survey.entries {
        if keep.contains(key) || claimed.contains(key) || young(listed.written) {
            collected.kept_entries += 1;
            needed.extend(listed.entry.outputs.values().map(|output| output.digest.clone()));
            needed.extend(weights_of(store, &listed.entry)?);
        } else {
            collected.entries += 1;
            if !options.dry_run {
                disk::remove(&store.layout().entry(key))?;
            }
        }
    }
    for (digest, object) in &survey.objects {
        if needed.contains(digest) || young(object.written) {
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

/// The weights that a training began with: they are no stage's output.
fn weights_of(store: &Store, entry: &Entry) -> Result<Option<Digest>, CacheError> {
    let fields = store.fingerprint(&entry.key)?.map_or_else(Vec::new, |print| print.fields);
    let given = format!("input.{}", input::WEIGHTS);
    Ok(fields.iter().find(|field| field.name == given).and_then(|field| Digest::parse(&field.value)))
}

/// Removes what killed processes left in `work/` and `locks/`; gives how many.
fn leftovers(store: &Store, options: GcOptions) -> Result<usize, CacheError> {
    let layout = store.layout();
    let mut count = 0;
    // Attempts first, locks after: an attempt seen here whose lock is free cannot be under way.
    let attempts = list(&layout.attempts())?;
    let checkpoints = list(&layout.checkpoints())?;
    let mut busy = Vec::new();
    for path in list(&layout.locks())? {
        let name = file_name(&path);
        let Some(key) = name.strip_suffix(".lock") else { continue };
        let held = match options.dry_run {
            true => holder(&path)?.is_some(),
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
    for path in checkpoints {
        let name = file_name(&path);
        if !busy.contains(&name) && older(&path, CHECKPOINT_AGE) {
            count += 1;
            if !options.dry_run {
                disk::remove(&path)?;
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
    use super::*;
    use crate::cache::{Lease, Provenance};
    use crate::fingerprint::Builder;

    const AT_ONCE: GcOptions = GcOptions { grace: Duration::ZERO, dry_run: false };

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
        let mut lease = Lease::new(&store);
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
        let hour = GcOptions { grace: Duration::from_secs(3600), dry_run: false };
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
}
