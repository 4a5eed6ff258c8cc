//! Which results a study went by, and when last: what a collection keeps.
//!
//! A plan that was run leaves one small file, named after its keys, so that the same plan run again only renews
//! the file's time.

use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::cache::{CacheError, Store};
use crate::clock;
use crate::fingerprint::Digest;

/// Plans of a study that are remembered.
const REMEMBERED: usize = 50;

/// The results that one plan went by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanRecord {
    /// The study's name.
    pub experiment: String,
    /// When it was run last.
    pub used: SystemTime,
    /// The keys of its results.
    pub keys: HashSet<Digest>,
}

/// What the file holds.
#[derive(Serialize, Deserialize)]
struct Kept {
    keys: Vec<Digest>,
}

impl PlanRecord {
    /// Notes that the study `experiment` went by the results of these keys, now. Older plans than the last fifty are
    /// forgotten.
    ///
    /// # Errors
    /// Where the cache cannot be written.
    pub fn note<'k>(
        store: &Store,
        experiment: &str,
        keys: impl IntoIterator<Item = &'k Digest>,
    ) -> Result<(), CacheError> {
        let mut keys: Vec<Digest> = keys.into_iter().cloned().collect();
        if keys.is_empty() {
            return Ok(());
        }
        keys.sort_unstable();
        keys.dedup();
        let bytes =
            serde_json::to_vec(&Kept { keys }).unwrap_or_else(|e| panic!("bug: keys are plain data: {e}"));
        let folder = store.layout().plans().join(experiment);
        let place = folder.join(format!("{}.json", Digest::of(&bytes).short()));
        // One that was damaged is written anew, or a collection would forget what it held.
        if std::fs::read(&place).is_ok_and(|there| there == bytes) && renew(&place) {
            return Ok(());
        }
        store.replace(&place, &bytes)?;
        // By the same clock as one that is renewed: the file system's own is coarser.
        renew(&place);
        for (_, path) in files(&folder).into_iter().skip(REMEMBERED) {
            let _ = std::fs::remove_file(path);
        }
        Ok(())
    }

    /// All plans of all studies, those used last first. A record that cannot be read is none.
    pub fn all(store: &Store) -> Vec<Self> {
        let folders = std::fs::read_dir(store.layout().plans()).into_iter().flatten().flatten();
        let mut records: Vec<PlanRecord> = folders
            .flat_map(|folder| {
                let experiment = folder.file_name().to_string_lossy().into_owned();
                files(&folder.path()).into_iter().filter_map(move |(used, path)| {
                    let kept: Kept = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
                    let keys = kept.keys.into_iter().collect();
                    Some(PlanRecord { experiment: experiment.clone(), used, keys })
                })
            })
            .collect();
        records.sort_by(|a, b| b.used.cmp(&a.used).then_with(|| a.experiment.cmp(&b.experiment)));
        records
    }
}

/// Sets the file's time to now; says whether there is such a file.
fn renew(place: &Path) -> bool {
    File::open(place).and_then(|file| file.set_modified(clock::now())).is_ok()
}

/// The records in a folder, newest first.
fn files(folder: &Path) -> Vec<(SystemTime, PathBuf)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<(SystemTime, PathBuf)> = entries
        .filter(|entry| entry.path().extension().is_some_and(|ending| ending == "json"))
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    files.sort_by(|a, b| b.cmp(a));
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_plan_is_one_record_and_the_oldest_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let key = |n: usize| Digest::of(&n.to_le_bytes());
        for n in 0..REMEMBERED + 5 {
            PlanRecord::note(&store, "flips", [&key(n), &key(0)]).unwrap();
        }
        let last = REMEMBERED + 4;
        PlanRecord::note(&store, "flips", [&key(0), &key(last)]).unwrap();
        PlanRecord::note(&store, "other", [&key(1)]).unwrap();
        let records = PlanRecord::all(&store);
        assert_eq!(records.len(), REMEMBERED + 1);
        assert_eq!(records[0].experiment, "other");
        assert_eq!(records[1].keys, HashSet::from([key(0), key(last)]));
    }
}
