//! One process at a time fetches a file: the lock that the hub's own tools take too.
//!
//! Unlike the locks of our cache its file stays, since others may be waiting for this very file.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// How often one that is held is tried again.
const POLL: Duration = Duration::from_millis(50);

/// Held until it is dropped.
#[derive(Debug)]
pub(super) struct Held {
    _file: File,
}

/// Takes the lock at `path`, waiting for who holds it; `told` is called once where that is so. `None` where `stop` says yes
/// before.
pub(super) fn take(path: &Path, stop: &dyn Fn() -> bool, told: &dyn Fn()) -> io::Result<Option<Held>> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut is_told = false;
    while !stop() {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            // A holder that removes its file leaves a lock behind that nobody else will see.
            Ok(()) if is_at(&file, path)? => return Ok(Some(Held { _file: file })),
            Ok(()) => continue,
            Err(Errno::WOULDBLOCK) => {}
            Err(errno) => return Err(errno.into()),
        }
        if !is_told {
            told();
            is_told = true;
        }
        std::thread::sleep(POLL);
    }
    Ok(None)
}

/// Whether `file` is what lies at `path`.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let ours = file.metadata()?;
    Ok(fs::metadata(path).is_ok_and(|there| (there.dev(), there.ino()) == (ours.dev(), ours.ino())))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn who_comes_second_waits_and_can_be_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("locks/a.lock");
        let first = take(&path, &|| false, &|| panic!("nobody holds it")).unwrap().unwrap();
        let (asked, told) = (Cell::new(0), Cell::new(0));
        let stop = || {
            asked.set(asked.get() + 1);
            asked.get() > 2
        };
        assert!(take(&path, &stop, &|| told.set(told.get() + 1)).unwrap().is_none());
        assert_eq!(told.get(), 1);
        drop(first);
        assert!(take(&path, &|| false, &|| panic!("nobody holds it")).unwrap().is_some());
        assert!(path.exists());
    }
}
