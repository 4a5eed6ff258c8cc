//! The store on disk: looks results up, checks what is read, publishes what was made.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::commit::There;
use super::disk;
use super::entry::{self, Entry};
use super::error::{CacheError, Doing};
use super::lock::{self, Holder, Locked};
use super::survey::{file_name, list};
use super::turn::Turn;
use crate::clock;
use crate::fingerprint::{Digest, Fingerprint};
use crate::layout::CacheLayout;

/// A cache folder. Cheap to clone; clones share what they have verified.
#[derive(Clone, Debug)]
pub struct Store {
    layout: CacheLayout,
    /// Objects whose bytes this process has checked.
    verified: Arc<Mutex<HashSet<Digest>>>,
}

impl Store {
    /// Opens the cache at `root`, and makes it where there is none. Nothing is written to one that exists.
    ///
    /// # Errors
    /// Where the folder is neither there nor can be made, or holds something else.
    pub fn open(root: &Path) -> Result<Self, CacheError> {
        let store = Self::existing(root)?;
        if !store.layout.tag().exists() {
            disk::create_dir(root)?;
            let mark =
                b"Signature: 8a477f597d28d172789f06886806bc55\n# Results of Ablatrix; see layout.rs.\n";
            disk::write_atomic(&store.layout.tag(), mark)?;
        }
        Ok(store)
    }

    /// The cache at `root` as it is; nothing is made. One that is not there is empty.
    ///
    /// # Errors
    /// Where the folder holds something else.
    pub fn existing(root: &Path) -> Result<Self, CacheError> {
        let layout = CacheLayout::new(root);
        if !layout.tag().exists() {
            // The repository's own folder for results comes with a page that says what it is for; and another process may
            // be about to make it a cache.
            let is_ours = |path: &PathBuf| {
                let name = file_name(path);
                name == "README.md" || name.starts_with(disk::UNFINISHED)
            };
            let stranger = list(root)?.into_iter().find(|path| !is_ours(path));
            if let Some(holds) = stranger.filter(|_| !layout.tag().exists()) {
                return Err(CacheError::NoCache { root: root.to_owned(), holds });
            }
        }
        Ok(Store { layout, verified: Arc::default() })
    }

    /// The paths in it.
    pub fn layout(&self) -> &CacheLayout {
        &self.layout
    }

    /// The entry under `key`, if there is a whole one with all its objects. A record that cannot be read is put
    /// into quarantine and counts as none.
    ///
    /// # Errors
    /// Where the disk fails; damage is no error.
    pub fn lookup(&self, key: &Digest) -> Result<Option<Entry>, CacheError> {
        match self.there(key)? {
            There::Result(entry) => {
                tracing::debug!(stage = entry.stage, key = key.short(), "found in the cache");
                return Ok(Some(entry));
            }
            There::Nothing => tracing::debug!(key = key.short(), "not in the cache"),
            There::Hollow => tracing::debug!(key = key.short(), "in the cache without its objects"),
            There::Damaged => drop(self.put_record_aside(key, false)?),
        }
        Ok(None)
    }

    /// What `key` was made of, as its record says; `None` where there is none that can be read.
    ///
    /// # Errors
    /// Where the disk fails.
    pub fn fingerprint(&self, key: &Digest) -> Result<Option<Fingerprint>, CacheError> {
        let bytes = disk::read_optional(&self.layout.entry(key))?;
        Ok(bytes.and_then(|bytes| entry::fingerprint(&bytes)).filter(|print| print.key == *key))
    }

    /// The path of an object whose bytes were checked against `digest`.
    ///
    /// # Errors
    /// [`CacheError::Damaged`] where it is gone or wrong; a wrong one is in quarantine then, so that its
    /// stage counts as not done.
    pub fn object(&self, digest: &Digest) -> Result<PathBuf, CacheError> {
        let path = self.layout.object(digest);
        let damaged = |what| CacheError::Damaged { digest: digest.clone(), what };
        let Ok(looked_at) = fs::symlink_metadata(&path) else {
            return Err(damaged("missing"));
        };
        if !looked_at.is_file() {
            self.quarantine(&path, digest.as_str())?;
            return Err(damaged("missing"));
        }
        // One that was checked may have been put aside or collected since, by another process.
        if self.verified.lock().unwrap_or_else(PoisonError::into_inner).contains(digest) {
            return Ok(path);
        }
        match digest_file(&path) {
            Ok(found) if found == *digest => {}
            // Another reader met the damage at the same time, and put it aside first.
            Err(error) if error.is_gone() => return Err(damaged("missing")),
            Err(error) if !error.is_refusal() => return Err(error),
            // Its bytes are others, or may not be read.
            _ => {
                // Unless it has been made anew since: then that was not what was read.
                if fs::symlink_metadata(&path).is_ok_and(|now| now.ino() == looked_at.ino()) {
                    self.quarantine(&path, digest.as_str())?;
                }
                return Err(damaged("damaged"));
            }
        }
        self.verified.lock().unwrap_or_else(PoisonError::into_inner).insert(digest.clone());
        Ok(path)
    }

    /// Stores a copy of a file that is no stage's output (given weights, for instance), and gives its digest.
    ///
    /// # Errors
    /// Where it cannot be read, or the cache cannot be written.
    pub fn import(&self, file: &Path, digest: &Digest) -> Result<(), CacheError> {
        let place = self.layout.object(digest);
        if place.exists() {
            // In use again: a collection then takes it for young.
            let _ = File::open(&place).and_then(|file| file.set_modified(clock::now()));
            return Ok(());
        }
        let _turn = Turn::shared(self);
        let folder = disk::parent(&place);
        disk::create_dir(&folder)?;
        let aside = tempfile::Builder::new()
            .prefix(disk::UNFINISHED)
            .tempfile_in(&folder)
            .doing("write into", &folder)?;
        fs::copy(file, aside.path()).doing("copy", file)?;
        if digest_file(aside.path())? != *digest {
            return Err(CacheError::Damaged { digest: digest.clone(), what: "changed while it was copied" });
        }
        aside.as_file().sync_all().doing("sync", &place)?;
        let permissions = fs::Permissions::from_mode(0o444);
        fs::set_permissions(aside.path(), permissions).doing("make read-only", &place)?;
        disk::put(aside.into_temp_path(), &place)?;
        disk::sync_dir(&folder)
    }

    /// The folder for the checkpoints of a key: it outlives attempts, and goes when the result is published.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn checkpoint_dir(&self, key: &Digest) -> Result<PathBuf, CacheError> {
        let path = self.layout.checkpoints().join(key.as_str());
        disk::create_dir(&path)?;
        Ok(path)
    }

    /// Removes the checkpoints of a key that the caller computes.
    ///
    /// # Errors
    /// Where the disk fails.
    pub fn remove_checkpoints(&self, key: &Digest) -> Result<(), CacheError> {
        disk::remove(&self.layout.checkpoints().join(key.as_str()))
    }

    /// Removes the checkpoints of a key, unless somebody computes it.
    ///
    /// # Errors
    /// Where the disk fails.
    pub fn drop_checkpoints(&self, key: &Digest) -> Result<(), CacheError> {
        match self.try_lock(key)? {
            Locked::Mine(_lock) => self.remove_checkpoints(key),
            Locked::Held(_) => Ok(()),
        }
    }

    /// Tries to become the one process that computes `key`.
    ///
    /// # Errors
    /// Where the lock file cannot be made.
    pub fn try_lock(&self, key: &Digest) -> Result<Locked, CacheError> {
        let path = self.layout.lock(key);
        self.clear_way(&path)?;
        lock::try_lock(&path)
    }

    /// Puts `bytes` at `path` in this cache, whole or not at all. What is there and no file is put aside.
    ///
    /// # Errors
    /// Where the cache cannot be written.
    pub fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), CacheError> {
        let _turn = Turn::shared(self);
        self.clear_way(path)?;
        disk::write_atomic(path, bytes)
    }

    /// Puts a folder aside that lies where a file is to be.
    pub(super) fn clear_way(&self, path: &Path) -> Result<(), CacheError> {
        if disk::is_folder(path) { self.put_aside(path, &file_name(path)) } else { Ok(()) }
    }

    /// Removes an object that nobody needs, unless it was published anew since it was looked at.
    pub(super) fn discard(
        &self,
        digest: &Digest,
        looked_at: std::time::SystemTime,
    ) -> Result<(), CacheError> {
        let path = self.layout.object(digest);
        if fs::symlink_metadata(&path).and_then(|meta| meta.modified()).is_ok_and(|now| now == looked_at) {
            disk::remove(&path)?;
        }
        self.verified.lock().unwrap_or_else(PoisonError::into_inner).remove(digest);
        Ok(())
    }

    /// Who computes `key` right now; `None` where nobody does, or where there are no locks by which to tell.
    ///
    /// # Errors
    /// Where the lock file cannot be read.
    pub fn holder(&self, key: &Digest) -> Result<Option<Holder>, CacheError> {
        match lock::holder(&self.layout.lock(key)) {
            Err(CacheError::NoLocks { .. }) => Ok(None),
            result => result,
        }
    }

    /// Makes a file of an attempt the object `digest`, which its bytes are known to be.
    pub(super) fn keep(&self, path: &Path, digest: &Digest) -> Result<(), CacheError> {
        File::open(path).and_then(|file| file.sync_all()).doing("sync", path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o444)).doing("make read-only", path)?;
        let place = self.layout.object(digest);
        let folder = disk::parent(&place);
        disk::create_dir(&folder)?;
        self.clear_way(&place)?;
        // Over an object of the same name too: its bytes are the same, unless it was damaged.
        fs::rename(path, &place).doing("rename to", &place)?;
        disk::sync_dir(&folder)?;
        self.verified.lock().unwrap_or_else(PoisonError::into_inner).insert(digest.clone());
        Ok(())
    }

    /// Moves what is damaged out of the way; takes the place of what was put aside under this name before. `false` where
    /// the cache cannot be written: damage stays where it is then, and is no result all the same.
    ///
    /// # Errors
    /// Where the disk fails otherwise.
    pub(super) fn quarantine(&self, path: &Path, name: &str) -> Result<bool, CacheError> {
        match self.put_aside(path, name) {
            Err(CacheError::Io { source, .. })
                if matches!(source.kind(), ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied) =>
            {
                Ok(false)
            }
            result => result.map(|()| true),
        }
    }

    fn put_aside(&self, path: &Path, name: &str) -> Result<(), CacheError> {
        let folder = self.layout.quarantine();
        disk::create_dir(&folder)?;
        let place = folder.join(name);
        if disk::is_folder(path) || disk::is_folder(&place) {
            // A folder can neither take the place of a file nor lose it to one.
            disk::remove(&place)?;
        }
        match fs::rename(path, place) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).doing("move into quarantine", path)
            }
            _ => Ok(()),
        }
    }
}

/// The blake3 of a file, read through a memory map in parallel where it is large.
///
/// # Errors
/// Where it cannot be read.
pub fn digest_file(path: &Path) -> Result<Digest, CacheError> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_mmap_rayon(path).doing("read", path)?;
    Ok(hasher.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::super::entry::Provenance;
    use super::*;
    use crate::fingerprint::Builder;

    fn publish(store: &Store, seed: u64, bytes: &[u8]) -> Entry {
        let print = Builder::new("split", 1).setting("seed", &seed).finish();
        let attempt = store.attempt(&print).unwrap();
        fs::write(attempt.path("out"), bytes).unwrap();
        attempt.publish(&["out"], Provenance::default()).unwrap()
    }

    #[test]
    fn what_was_published_is_found_and_read_only() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let entry = publish(&store, 1, b"rows");
        assert_eq!(store.lookup(&entry.key).unwrap(), Some(entry.clone()));
        let path = store.object(entry.digest("out")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"rows");
        assert!(fs::metadata(&path).unwrap().permissions().readonly());
        assert_eq!(fs::read_dir(store.layout().attempts()).unwrap().count(), 0);
    }

    #[test]
    fn of_two_results_for_one_key_the_first_stays() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let first = publish(&store, 1, b"rows");
        let checkpoints = store.checkpoint_dir(&first.key).unwrap();
        assert_eq!(publish(&store, 1, b"other rows"), first);
        assert_eq!(store.lookup(&first.key).unwrap(), Some(first));
        assert!(!checkpoints.exists());
    }

    #[test]
    fn damage_is_seen_before_use_and_healed_by_the_next_result() {
        let folder = tempfile::tempdir().unwrap();
        let entry = publish(&Store::open(folder.path()).unwrap(), 1, b"rows");
        let digest = entry.digest("out").clone();
        for bad in [&b"rowz"[..], b"row"] {
            let store = Store::open(folder.path()).unwrap();
            let place = store.layout().object(&digest);
            fs::set_permissions(&place, fs::Permissions::from_mode(0o644)).unwrap();
            fs::write(&place, bad).unwrap();
            let error = store.object(&digest).unwrap_err();
            assert!(matches!(error, CacheError::Damaged { what: "damaged", .. }), "{error}");
            assert_eq!(store.lookup(&entry.key).unwrap(), None);
            assert_eq!(publish(&store, 1, b"rows"), entry);
            assert!(store.object(&digest).is_ok());
        }
    }

    #[test]
    fn readers_that_meet_damage_at_once_all_name_it() {
        let folder = tempfile::tempdir().unwrap();
        let entry = publish(&Store::open(folder.path()).unwrap(), 1, &vec![7; 1 << 20]);
        let digest = entry.digest("out");
        for round in 10..30 {
            let store = Store::open(folder.path()).unwrap();
            let place = store.layout().object(digest);
            fs::set_permissions(&place, fs::Permissions::from_mode(0o644)).unwrap();
            fs::write(&place, vec![round; 1 << 20]).unwrap();
            std::thread::scope(|scope| {
                let readers: Vec<_> = (0..8).map(|_| scope.spawn(|| store.object(digest))).collect();
                for reader in readers {
                    let error = reader.join().unwrap().unwrap_err();
                    assert!(matches!(error, CacheError::Damaged { .. }), "{error}");
                }
            });
            publish(&store, 1, &vec![7; 1 << 20]);
        }
    }

    #[test]
    fn an_empty_or_missing_output_is_no_result() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let print = Builder::new("split", 1).finish();
        let attempt = store.attempt(&print).unwrap();
        fs::write(attempt.path("out"), b"").unwrap();
        assert!(matches!(attempt.publish(&["out"], Provenance::default()), Err(CacheError::NoOutput { .. })));
        assert_eq!(store.lookup(&print.key).unwrap(), None);
    }

    #[test]
    fn a_folder_in_the_place_of_a_file_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let entry = publish(&store, 1, b"rows");
        let key = &entry.key;
        let places = [store.layout().entry(key), store.layout().object(entry.digest("out"))];
        // Twice: what was put aside before makes room.
        for _ in 0..2 {
            for place in &places {
                fs::remove_file(place).unwrap();
                fs::create_dir(place).unwrap();
                fs::write(place.join("stray"), b"stray").unwrap();
            }
            assert_eq!(store.lookup(key).unwrap(), None);
            // Known to this process as whole, and gone since.
            assert!(matches!(store.object(entry.digest("out")), Err(CacheError::Damaged { .. })));
            assert_eq!(publish(&store, 1, b"rows"), entry);
            assert_eq!(store.lookup(key).unwrap(), Some(entry.clone()));
        }
    }
}
