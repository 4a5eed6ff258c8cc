//! Collections take turns with those who are about to say what they use.
//!
//! A process that looks results up and then claims them, and one that moves objects into place and then writes their entry,
//! hold a shared lock meanwhile, and so do those who write a file aside; a collection holds it alone. So a collection never meets an object whose entry
//! is still to come, nor a result that was found and not claimed yet. Locks die with their holders.

use std::fs::{File, OpenOptions};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::retry_on_intr;

use super::error::{CacheError, Doing};
use super::store::Store;

/// A turn; ends when dropped.
#[derive(Debug)]
pub struct Turn {
    _file: Option<File>,
}

impl Turn {
    /// Keeps collections off; waits for one that is under way. Where the cache cannot be written, nothing can be collected
    /// either, and there is nothing to wait for.
    pub fn shared(store: &Store) -> Self {
        let file = open(&store.layout().collecting()).ok();
        // A file system without locks has the grace period of collections.
        let locked = |file: &File| retry_on_intr(|| flock(file, FlockOperation::LockShared)).is_ok();
        Turn { _file: file.filter(locked) }
    }

    /// Waits until nobody keeps collections off, and keeps all others waiting.
    ///
    /// # Errors
    /// Where the cache cannot be written.
    pub(super) fn alone(store: &Store) -> Result<Self, CacheError> {
        let path = store.layout().collecting();
        let file = open(&path).doing("open the lock", &path)?;
        retry_on_intr(|| flock(&file, FlockOperation::LockExclusive))
            .map_err(std::io::Error::from)
            .doing("lock", &path)?;
        Ok(Turn { _file: Some(file) })
    }
}

/// The file stays, so that all lock the same one.
fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_share_do_not_wait_and_a_collection_is_alone() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let path = store.layout().collecting();
        // What another process would be told.
        let is_free = |operation| flock(open(&path).unwrap(), operation).is_ok();
        let [shared, alone] =
            [FlockOperation::NonBlockingLockShared, FlockOperation::NonBlockingLockExclusive];
        assert!(is_free(shared) && is_free(alone));
        let turns = [Turn::shared(&store), Turn::shared(&store)];
        assert!(is_free(shared) && !is_free(alone));
        drop(turns);
        let turn = Turn::alone(&store).unwrap();
        assert!(!is_free(shared) && !is_free(alone));
        drop(turn);
        assert!(is_free(alone) && path.is_file());
    }

    #[test]
    fn where_nothing_can_be_written_nobody_waits_and_nothing_is_collected() {
        let store = Store::existing("/sys/ablatrix".as_ref()).unwrap();
        assert!(Turn::shared(&store)._file.is_none());
        assert!(Turn::alone(&store).is_err());
    }
}
