//! One computation per key: a lock that dies with its holder.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::disk;
use super::error::{CacheError, Doing};
use super::flock::{self, Kind};
use crate::clock;

/// Held while a stage is computed.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    _file: File,
}

/// What an attempt to lock gave.
#[derive(Debug)]
pub enum Locked {
    /// The lock is ours.
    Mine(Lock),
    /// Another process holds it.
    Held(Holder),
}

/// Who holds a lock, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its process and host, as it wrote them; empty where it is about to.
    pub name: String,
    /// When it took the lock.
    pub since: Option<SystemTime>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.name.is_empty() { "another process" } else { &self.name })?;
        match self.since.and_then(|since| since.duration_since(UNIX_EPOCH).ok()) {
            Some(since) => write!(f, " since {}", clock::readable(since.as_millis() as i64)),
            None => Ok(()),
        }
    }
}

/// Tries to take the lock at `path`, without waiting.
///
/// # Errors
/// Where the file cannot be made, or the file system has no locks.
pub fn try_lock(path: &Path) -> Result<Locked, CacheError> {
    disk::create_dir(&disk::parent(path))?;
    loop {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .doing("open the lock", path)?;
        match flock::try_lock(&file, Kind::Exclusive, path) {
            Ok(true) => {}
            Ok(false) => return Ok(Locked::Held(read_holder(&file))),
            Err(error) => {
                tidy(path, &error);
                return Err(error);
            }
        }
        // A holder removes its lock file: what was locked here may be a file that has no name any more.
        let ours = file.metadata().doing("look at", path)?.ino();
        match std::fs::metadata(path) {
            Ok(there) if there.ino() == ours => {}
            _ => continue,
        }
        // From here on the file goes with the lock, also where the disk is full and our name cannot be written.
        let lock = Lock { path: path.to_owned(), _file: file };
        write_holder(&lock._file).doing("write", path)?;
        return Ok(Locked::Mine(lock));
    }
}

/// Who holds the lock at `path`; `None` where nobody does.
///
/// # Errors
/// Where the file cannot be read, or the file system has no locks.
pub fn holder(path: &Path) -> Result<Option<Holder>, CacheError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).doing("open the lock", path),
    };
    let is_free = flock::try_lock(&file, Kind::Shared, path)?;
    Ok((!is_free).then(|| read_holder(&file)))
}

/// Removes a lock's file where there are no locks, so that nobody holds it. One that a server does not answer for may be
/// somebody's.
pub(super) fn tidy(path: &Path, error: &CacheError) {
    if matches!(error, CacheError::NoLocks { source, .. } if source.kind() != ErrorKind::TimedOut) {
        let _ = std::fs::remove_file(path);
    }
}

/// Writes into a lock's file that this process holds it.
pub(super) fn write_holder(mut file: &File) -> std::io::Result<()> {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let holder = format!("process {} on {host}", std::process::id());
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(holder.as_bytes())
}

/// Who wrote itself into a lock's file. That may be about to happen: an empty name is fine.
pub(super) fn read_holder(file: &File) -> Holder {
    let mut bytes = [0; 512];
    let n = file.read_at(&mut bytes, 0).unwrap_or(0);
    let name = String::from_utf8_lossy(&bytes[..n]).trim().to_owned();
    Holder { name, since: file.metadata().and_then(|meta| meta.modified()).ok() }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Before the file is closed, so that nobody can have locked it in between.
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_taker_learns_who_holds_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("locks/a.lock");
        let Locked::Mine(first) = try_lock(&path).unwrap() else { panic!("free") };
        let Locked::Held(by) = try_lock(&path).unwrap() else { panic!("held") };
        assert!(by.name.contains(&std::process::id().to_string()), "{by}");
        assert!(by.to_string().contains(" since 20") && by.to_string().ends_with(" UTC"), "{by}");
        assert_eq!(holder(&path).unwrap(), Some(by));
        drop(first);
        assert_eq!(holder(&path).unwrap(), None);
        assert!(matches!(try_lock(&path).unwrap(), Locked::Mine(_)));
        assert!(!path.exists());
    }

    #[test]
    fn a_lock_of_a_dead_process_is_taken_over_and_its_name_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lock");
        std::fs::write(&path, format!("process 1 on {}", "host".repeat(100))).unwrap();
        assert_eq!(holder(&path).unwrap(), None);
        let Locked::Mine(_lock) = try_lock(&path).unwrap() else { panic!("free") };
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let by = holder(&path).unwrap().unwrap();
        assert_eq!(by.name, format!("process {} on {host}", std::process::id()));
    }

    #[test]
    fn a_lock_that_cannot_be_opened_is_a_fault() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file/a.lock");
        std::fs::write(folder.path().join("file"), "x").unwrap();
        assert!(holder(&path).is_err() && try_lock(&path).is_err());
    }
}
