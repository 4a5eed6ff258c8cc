//! Collections take turns with those who are about to say what they use.
//!
//! A process that looks results up and then claims them, and one that moves objects into place and then writes their entry,
//! hold a shared lock meanwhile, and so do those who write a file aside; a collection holds it alone. So a collection never meets an object whose entry
//! is still to come, nor a result that was found and not claimed yet. Locks die with their holders.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::time::{Duration, Instant};

use super::error::{CacheError, Doing};
use super::flock::{self, Kind};
use super::lease;
use super::lock;
use super::store::Store;

/// How long a collection that is not to wait waits all the same: others hold their turn for moments.
const MOMENT: Duration = Duration::from_millis(500);
/// How often it looks.
const POLL: Duration = Duration::from_millis(10);

/// A turn; ends when dropped.
#[derive(Debug)]
pub struct Turn {
    file: Option<File>,
    is_alone: bool,
}

impl Turn {
    /// Keeps collections off; waits for one that is under way. Where the cache cannot be written, nothing can be collected
    /// either, and there is nothing to wait for.
    pub fn shared(store: &Store) -> Self {
        let path = store.layout().collecting();
        let locked = |file: &File| -> Result<(), CacheError> {
            match flock::try_lock(file, Kind::Shared, &path)? {
                true => Ok(()),
                false => flock::wait(file, Kind::Shared, &path),
            }
        };
        // A file system without locks, or one that does not answer, has the grace period of collections. What is computed takes
        // locks of its own, which say so.
        Turn { file: open(&path).ok().filter(|file| locked(file).is_ok()), is_alone: false }
    }

    /// Likewise, and waits for nobody.
    ///
    /// # Errors
    /// [`CacheError::Busy`] where a collection is under way.
    pub fn shared_now(store: &Store) -> Result<Self, CacheError> {
        let path = store.layout().collecting();
        let Ok(file) = open(&path) else { return Ok(Turn { file: None, is_alone: false }) };
        match flock::try_lock(&file, Kind::Shared, &path) {
            Ok(true) => Ok(Turn { file: Some(file), is_alone: false }),
            Ok(false) => Err(CacheError::Busy {
                what: format!("results of `{}` are being collected", store.layout().root().display()),
                holder: lock::read_holder(&file),
            }),
            Err(_) => Ok(Turn { file: None, is_alone: false }),
        }
    }

    /// Waits until nobody keeps collections off, and keeps all others waiting. With `no_wait` only for a moment, in which
    /// whoever publishes or claims comes to an end.
    ///
    /// # Errors
    /// [`CacheError::Busy`] where others are at it for longer; else where the cache cannot be written.
    pub(super) fn alone(store: &Store, no_wait: bool) -> Result<Self, CacheError> {
        let path = store.layout().collecting();
        let file = open(&path).doing("open the lock", &path)?;
        let begun = Instant::now();
        while !flock::try_lock(&file, Kind::Exclusive, &path)? {
            if !no_wait {
                flock::wait(&file, Kind::Exclusive, &path)?;
                break;
            }
            if begun.elapsed() >= MOMENT {
                return Err(busy(store, &file));
            }
            std::thread::sleep(POLL);
        }
        // For those who ask whom they wait for. A full disk has no room for it, and is what collections are for.
        let _ = lock::write_holder(&file);
        Ok(Turn { file: Some(file), is_alone: true })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(file) = self.file.as_ref().filter(|_| self.is_alone) {
            let _ = file.set_len(0);
        }
    }
}

/// Who keeps a collection off: another one, or a process that uses results.
fn busy(store: &Store, file: &File) -> CacheError {
    let what = format!("results of `{}` are in use or being collected", store.layout().root().display());
    let users = lease::holders(store).unwrap_or_default();
    CacheError::Busy { what, holder: users.into_iter().next().unwrap_or_else(|| lock::read_holder(file)) }
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
        let is_free = |kind| flock::try_lock(&open(&path).unwrap(), kind, &path).unwrap();
        let [shared, alone] = [Kind::Shared, Kind::Exclusive];
        assert!(is_free(shared) && is_free(alone));
        let turns = [Turn::shared(&store), Turn::shared(&store)];
        assert!(is_free(shared) && !is_free(alone));
        drop(turns);
        let turn = Turn::alone(&store, false).unwrap();
        assert!(!is_free(shared) && !is_free(alone));
        drop(turn);
        assert!(is_free(alone) && path.is_file());
    }

    #[test]
    fn who_may_not_wait_waits_for_a_moment_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        // On a busy machine the other thread may hold it for longer than a moment.
        let is_alone = |_| {
            let turn = Turn::shared(&store);
            std::thread::scope(|scope| {
                scope.spawn(move || {
                    std::thread::sleep(2 * POLL);
                    drop(turn);
                });
                Turn::alone(&store, true).is_ok()
            })
        };
        assert!((0..20).any(is_alone));
        let _turn = Turn::shared(&store);
        assert!(matches!(Turn::alone(&store, true), Err(CacheError::Busy { .. })));
    }

    #[test]
    fn where_nothing_can_be_written_nobody_waits_and_nothing_is_collected() {
        let store = Store::existing("/sys/ablatrix".as_ref()).unwrap();
        assert!(Turn::shared(&store).file.is_none());
        assert!(Turn::alone(&store, false).is_err());
    }
}
