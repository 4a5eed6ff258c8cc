//! How a record takes its place: where two make one result at the same time, the first one stays.
//!
//! A record is written aside and then given its name in one step that fails where there is a file of that name. What has the name
//! and is no result (a record that cannot be read, or one whose objects are gone) makes way under a lock, so that nobody takes away a
//! result that came there since the look.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::path::Path;

use super::disk::{self, Way};
use super::entry::Entry;
use super::error::CacheError;
use super::flock::{self, Kind};
use super::store::Store;
use crate::fingerprint::Digest;

/// What has the name of a record.
#[derive(Debug)]
pub(super) enum There {
    /// Nothing.
    Nothing,
    /// A result with all its objects.
    Result(Entry),
    /// A record of a result whose objects are gone or cut.
    Hollow,
    /// What is no record of that key.
    Damaged,
}

impl Store {
    /// Makes `record` the one of `key`, unless there is a result already: then that one stays, and is given back.
    ///
    /// # Errors
    /// Where the cache cannot be read or written.
    pub(super) fn commit(&self, key: &Digest, record: &[u8]) -> Result<Option<Entry>, CacheError> {
        self.commit_by(&Way::ALL, key, record)
    }

    fn commit_by(&self, ways: &[Way], key: &Digest, record: &[u8]) -> Result<Option<Entry>, CacheError> {
        let place = self.layout().entry(key);
        let first = match self.there(key)? {
            There::Result(first) => Some(first),
            There::Nothing | There::Hollow | There::Damaged => self.put_record(ways, key, &place, record)?,
        };
        // Also where another has put it there and is about to do so: what is told as done is on the disk.
        disk::sync_dir(&disk::parent(&place))?;
        Ok(first)
    }

    fn put_record(
        &self,
        ways: &[Way],
        key: &Digest,
        place: &Path,
        record: &[u8],
    ) -> Result<Option<Entry>, CacheError> {
        let aside = disk::write_aside(place, record)?;
        loop {
            let was_put = disk::put_new(&aside, place, ways)?;
            if was_put == Some(true) {
                return Ok(None);
            }
            let _alone = self.repairing();
            match self.there(key)? {
                There::Result(first) => return Ok(Some(first)),
                // It has gone since: those who put theirs where nothing is do not wait for this lock.
                There::Nothing if was_put.is_some() => {}
                There::Damaged if self.quarantine(place, &format!("{key}.json"))? && was_put.is_some() => {}
                // Nobody else may replace it, nor take it away, as long as the lock is held.
                There::Nothing | There::Hollow | There::Damaged => {
                    disk::put(aside, place)?;
                    return Ok(None);
                }
            }
        }
    }

    /// Moves what has the name of a record and is none into quarantine; if `hollow`, a record too whose objects are gone. A result
    /// that has come there meanwhile stays. `false` where the cache cannot be written.
    ///
    /// # Errors
    /// Where the disk fails otherwise.
    pub(super) fn put_record_aside(&self, key: &Digest, hollow: bool) -> Result<bool, CacheError> {
        let _alone = self.repairing();
        match self.there(key)? {
            There::Damaged => {}
            There::Hollow if hollow => {}
            There::Nothing | There::Result(_) | There::Hollow => return Ok(true),
        }
        self.quarantine(&self.layout().entry(key), &format!("{key}.json"))
    }

    /// What has the name of the record of `key`. Objects are looked at and not read: their bytes are checked by `object`, before they are used.
    ///
    /// # Errors
    /// Where the disk fails; damage is no error.
    pub(super) fn there(&self, key: &Digest) -> Result<There, CacheError> {
        let path = self.layout().entry(key);
        let bytes = match disk::read_optional(&path) {
            // What is no file is no record, nor is what may not be read.
            Err(CacheError::Io { source, .. })
                if matches!(source.kind(), ErrorKind::IsADirectory | ErrorKind::PermissionDenied) =>
            {
                return Ok(There::Damaged);
            }
            result => result?,
        };
        let Some(bytes) = bytes else {
            return Ok(if leads_nowhere(&path) { There::Damaged } else { There::Nothing });
        };
        let Some(entry) = Entry::from_bytes(&bytes).filter(|entry| entry.key == *key) else {
            return Ok(There::Damaged);
        };
        let is_whole = entry.outputs.values().all(|output| self.has(output));
        Ok(if is_whole { There::Result(entry) } else { There::Hollow })
    }

    /// Waits until no other process makes a record give way. `None` where there are no locks: nothing can be computed there
    /// either; or where the cache cannot be written.
    fn repairing(&self) -> Option<File> {
        let path = self.layout().repairing();
        // The file stays, so that all lock the same one.
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).ok()?;
        let is_held = match flock::try_lock(&file, Kind::Exclusive, &path) {
            Ok(true) => true,
            Ok(false) => flock::wait(&file, Kind::Exclusive, &path).is_ok(),
            Err(_) => false,
        };
        is_held.then_some(file)
    }
}

/// Whether it is a link to what is not there.
fn leads_nowhere(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink())
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::sync::Barrier;

    use super::super::entry::{self, Output, Provenance};
    use super::*;
    use crate::fingerprint::{Builder, Fingerprint};

    /// Processes that publish at the same time.
    const AT_ONCE: usize = 16;

    /// What each of them is told: the digest of the result's one object.
    fn publish_at_once(store: &Store, print: &Fingerprint, ways: &[Way]) -> Vec<Digest> {
        let barrier = Barrier::new(AT_ONCE);
        std::thread::scope(|scope| {
            let publishers: Vec<_> = (0..AT_ONCE)
                .map(|i| {
                    // As in a process of its own: nothing but the disk is shared.
                    let (store, barrier) = (Store::open(store.layout().root()).unwrap(), &barrier);
                    scope.spawn(move || {
                        let attempt = store.attempt(print).unwrap();
                        let bytes = format!("rows of {i}");
                        fs::write(attempt.path("out"), &bytes).unwrap();
                        let output =
                            Output { digest: Digest::of(bytes.as_bytes()), bytes: bytes.len() as u64 };
                        assert!(store.adopt(&attempt.path("out"), &output).unwrap());
                        let mine = output.digest.clone();
                        let outputs = BTreeMap::from([("out".to_owned(), output)]);
                        let record = entry::to_bytes(print, &outputs, &Provenance::default());
                        barrier.wait();
                        let first = store.commit_by(ways, &print.key, &record).unwrap();
                        first.map_or(mine, |first| first.digest("out").clone())
                    })
                })
                .collect();
            publishers.into_iter().map(|publisher| publisher.join().unwrap()).collect()
        })
    }

    /// What has the name of the record before.
    fn prepare(store: &Store, print: &Fingerprint, what: &str) {
        let place = store.layout().entry(&print.key);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        match what {
            "nothing" => {}
            "damage" => fs::write(&place, "no record").unwrap(),
            "a folder" => fs::create_dir(&place).unwrap(),
            "a link" => symlink("nowhere", &place).unwrap(),
            _ => {
                let gone = Output { digest: Digest::of(b"gone"), bytes: 4 };
                let outputs = BTreeMap::from([("out".to_owned(), gone)]);
                fs::write(&place, entry::to_bytes(print, &outputs, &Provenance::default())).unwrap();
            }
        }
    }

    #[test]
    fn of_many_at_once_one_stays_and_all_see_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let mut seed = 0;
        let mut winners = HashSet::new();
        for ways in [&Way::ALL[..], &[Way::Rename], &[]] {
            for what in ["nothing", "damage", "a folder", "a link", "hollow"] {
                for _ in 0..3 {
                    seed += 1;
                    let print = Builder::new("split", 1).setting("seed", &seed).finish();
                    prepare(&store, &print, what);
                    let told = publish_at_once(&store, &print, ways);
                    let stays = store.lookup(&print.key).unwrap().unwrap();
                    let stays = stays.digest("out");
                    assert!(told.iter().all(|digest| digest == stays), "{ways:?} {what}: {told:?}");
                    winners.insert(stays.clone());
                    let names: Vec<_> = fs::read_dir(store.layout().entry(&print.key).parent().unwrap())
                        .unwrap()
                        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                        .filter(|name| name.starts_with(disk::UNFINISHED))
                        .collect();
                    assert_eq!(names, Vec::<String>::new(), "{ways:?} {what}");
                }
            }
        }
        assert!(winners.len() > 1, "it is always the same one: they do not meet");
    }

    #[test]
    fn a_record_has_the_rights_of_any_file_and_one_that_was_put_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let any = folder.path().join("any");
        fs::write(&any, "x").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        for ways in [&Way::ALL[..], &[Way::Rename]] {
            let place = folder.path().join(format!("{}.json", ways.len()));
            for (bytes, is_put) in [("one", true), ("two", false)] {
                let aside = disk::write_aside(&place, bytes.as_bytes()).unwrap();
                assert_eq!(disk::put_new(&aside, &place, ways).unwrap(), Some(is_put), "{ways:?}");
                assert_eq!(fs::read(&place).unwrap(), b"one", "{ways:?}");
            }
            assert_eq!(mode(&place), mode(&any));
        }
        let aside = disk::write_aside(&any, b"y").unwrap();
        assert_eq!(disk::put_new(&aside, &any, &[]).unwrap(), None, "no way is left");
    }

    #[test]
    fn what_is_no_result_is_put_aside_and_a_result_stays() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let print = |seed: u32| Builder::new("split", 1).setting("seed", &seed).finish();
        for (seed, what, hollow, goes) in [
            (1, "damage", false, true),
            (2, "a link", false, true),
            (3, "hollow", false, false),
            (4, "hollow", true, true),
            (5, "nothing", true, false),
        ] {
            let print = print(seed);
            prepare(&store, &print, what);
            assert!(store.put_record_aside(&print.key, hollow).unwrap());
            let aside = store.layout().quarantine().join(format!("{}.json", print.key));
            assert_eq!(fs::symlink_metadata(aside).is_ok(), goes, "{what} {hollow}");
        }
        let print = print(6);
        publish_at_once(&store, &print, &Way::ALL);
        assert!(store.put_record_aside(&print.key, true).unwrap());
        assert!(store.lookup(&print.key).unwrap().is_some());
    }
}
