//! One computation per key: a lock that dies with its holder.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::disk;
use super::error::{CacheError, Doing};

/// Held while a stage is computed.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    file: File,
}

/// What an attempt to lock gave.
#[derive(Debug)]
pub enum Locked {
    /// The lock is ours.
    Mine(Lock),
    /// Another process holds it: its id and host, as it wrote them.
    Held(String),
}

/// Tries to take the lock at `path`, without waiting.
pub fn try_lock(path: &Path) -> Result<Locked, CacheError> {
    disk::create_dir(&disk::parent(path))?;
    loop {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .doing("open the lock", path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut holder = String::new();
                // The holder may be about to write its name: an empty answer is fine.
                let _ = file.read_to_string(&mut holder);
                return Ok(Locked::Held(holder.trim().to_owned()));
            }
            Err(errno) => return Err(std::io::Error::from(errno)).doing("lock", path),
        }
        // A holder removes its lock file: what was locked here may be a file that has no name any more.
        let ours = file.metadata().doing("look at", path)?.ino();
        match std::fs::metadata(path) {
            Ok(there) if there.ino() == ours => {}
            _ => continue,
        }
        // From here on the file goes with the lock, also where the disk is full and our name cannot be written.
        let mut lock = Lock { path: path.to_owned(), file };
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let holder = format!("process {} on {host}", std::process::id());
        lock.file.set_len(0).doing("write", path)?;
        lock.file.seek(SeekFrom::Start(0)).doing("write", path)?;
        lock.file.write_all(holder.as_bytes()).doing("write", path)?;
        return Ok(Locked::Mine(lock));
    }
}

/// Who holds the lock at `path`, as it wrote itself down; `None` where nobody does.
pub fn holder(path: &Path) -> Result<Option<String>, CacheError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).doing("open the lock", path),
    };
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(None),
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let mut name = String::new();
            // The holder may be about to write its name: an empty answer is fine.
            let _ = file.read_to_string(&mut name);
            Ok(Some(name.trim().to_owned()))
        }
        Err(errno) => Err(std::io::Error::from(errno)).doing("lock", path),
    }
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
        let Locked::Held(name) = try_lock(&path).unwrap() else { panic!("held") };
        assert!(name.contains(&std::process::id().to_string()), "{name}");
        assert_eq!(holder(&path).unwrap(), Some(name));
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
        assert_eq!(holder(&path).unwrap(), Some(format!("process {} on {host}", std::process::id())));
    }

    #[test]
    fn a_lock_that_cannot_be_opened_is_a_fault() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file/a.lock");
        std::fs::write(folder.path().join("file"), "x").unwrap();
        assert!(holder(&path).is_err() && try_lock(&path).is_err());
    }
}
