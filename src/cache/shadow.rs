//! A private cache beside the results, in which stages are done again: it reads what it is lent, and what is made in it is never a
//! result.
//!
//! Objects are lent by hard links, so that neither damage nor a collection in one of the two reaches the other. Knows no
//! stages.

use std::fs;
use std::path::{Path, PathBuf};

use super::attempt::own_name;
use super::disk;
use super::error::{CacheError, Doing};
use super::lock::{Lock, Locked, try_lock};
use super::store::Store;
use crate::fingerprint::Digest;

/// A private cache; removed when dropped.
#[derive(Debug)]
pub struct Shadow {
    of: Store,
    store: Store,
    dir: PathBuf,
    /// Keeps collections off it.
    _lock: Lock,
}

impl Store {
    /// Makes a private cache within this one.
    ///
    /// # Errors
    /// Where the cache cannot be written, or has no locks.
    pub fn shadow(&self) -> Result<Shadow, CacheError> {
        let name = own_name();
        let dir = self.layout().rechecks().join(&name);
        // By the name of the folder, as a collection looks for it.
        let path = self.layout().locks().join(format!("{name}.lock"));
        let lock = match try_lock(&path)? {
            Locked::Mine(lock) => lock,
            Locked::Held(holder) => {
                return Err(CacheError::Busy { what: format!("`{}` is in use", dir.display()), holder });
            }
        };
        disk::remove(&dir)?;
        let store = Store::open(&dir)?;
        Ok(Shadow { of: self.clone(), store, dir, _lock: lock })
    }
}

impl Shadow {
    /// The private cache.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Lets an object be read in it, whose bytes are checked.
    ///
    /// # Errors
    /// [`CacheError::Damaged`] where it is gone or wrong, as of [`Store::object`]; else where the disk fails.
    pub fn lend(&self, digest: &Digest) -> Result<(), CacheError> {
        let place = self.store.layout().object(digest);
        if place.exists() {
            return Ok(());
        }
        let from = self.of.object(digest)?;
        disk::create_dir(&disk::parent(&place))?;
        twin(&from, &place)
    }

    /// Removes what was kept in `folder` before.
    ///
    /// # Errors
    /// Where the disk fails.
    pub fn forget(&self, folder: &Path) -> Result<(), CacheError> {
        disk::remove(folder)
    }

    /// Keeps objects that were made in it as files of these names in `folder`, in place of what was kept there before.
    ///
    /// # Errors
    /// Where the disk fails.
    pub fn keep(&self, files: &[(&str, &Digest)], folder: &Path) -> Result<(), CacheError> {
        disk::remove(folder)?;
        disk::create_dir(folder)?;
        files
            .iter()
            .try_for_each(|(name, digest)| twin(&self.store.layout().object(digest), &folder.join(name)))
    }
}

/// Links `to` to the file `from`, or copies it where links are refused: of other users' files, and on file systems without them.
fn twin(from: &Path, to: &Path) -> Result<(), CacheError> {
    if fs::hard_link(from, to).is_ok() {
        return Ok(());
    }
    fs::copy(from, to).map(drop).doing("copy to", to)
}

impl Drop for Shadow {
    fn drop(&mut self) {
        let _ = disk::remove(&self.dir);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    use super::*;
    use crate::cache::{Collection, Entry, GcOptions, Provenance};
    use crate::fingerprint::Builder;

    fn publish(store: &Store, bytes: &[u8]) -> Entry {
        let attempt = store.attempt(&Builder::new("split", 1).finish()).unwrap();
        fs::write(attempt.path("out"), bytes).unwrap();
        attempt.publish(&["out"], Provenance::default()).unwrap()
    }

    #[test]
    fn what_is_made_in_it_is_no_result_and_goes_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let cached = publish(&store, b"rows");
        let shadow = store.shadow().unwrap();
        assert_eq!(shadow.store().lookup(&cached.key).unwrap(), None);
        let again = publish(shadow.store(), b"other rows");
        assert_eq!(store.lookup(&cached.key).unwrap(), Some(cached.clone()));
        let kept = store.layout().differences("split", &cached.key);
        fs::create_dir_all(kept.join("of before")).unwrap();
        shadow.forget(&kept).unwrap();
        assert!(!kept.exists());
        fs::create_dir_all(kept.join("of before")).unwrap();
        shadow.keep(&[("out", again.digest("out"))], &kept).unwrap();
        drop(shadow);
        assert_eq!(fs::read(kept.join("out")).unwrap(), b"other rows");
        assert_eq!(fs::read_dir(kept).unwrap().count(), 1);
        assert_eq!(fs::read_dir(store.layout().rechecks()).unwrap().count(), 0);
        assert_eq!(fs::read_dir(store.layout().locks()).unwrap().count(), 0);
        assert!(store.object(again.digest("out")).is_err());
    }

    #[test]
    fn what_is_lent_is_whole_and_stays_where_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let digest = publish(&store, b"rows").digest("out").clone();
        let shadow = store.shadow().unwrap();
        shadow.lend(&digest).unwrap();
        shadow.lend(&digest).unwrap();
        // Put aside in the one, it is still there in the other.
        fs::remove_file(shadow.store().object(&digest).unwrap()).unwrap();
        let place = store.object(&digest).unwrap();
        assert_eq!(fs::read(&place).unwrap(), b"rows");
        fs::set_permissions(&place, fs::Permissions::from_mode(0o644)).unwrap();
        fs::write(&place, b"rowz").unwrap();
        let store = Store::open(folder.path()).unwrap();
        let error = store.shadow().unwrap().lend(&digest).unwrap_err();
        assert!(matches!(error, CacheError::Damaged { .. }), "{error}");
    }

    #[test]
    fn a_collection_removes_those_of_killed_processes() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let living = store.shadow().unwrap();
        let dead = store.layout().rechecks().join("elsewhere.1.0");
        fs::create_dir_all(dead.join("objects")).unwrap();
        let options = GcOptions { grace: Duration::ZERO, dry_run: false, no_wait: false };
        let collected = Collection::begin(&store, options).unwrap().sweep(&HashSet::new()).unwrap();
        assert_eq!(collected.leftovers, 1);
        assert!(!dead.exists() && living.store().layout().root().exists());
    }
}
