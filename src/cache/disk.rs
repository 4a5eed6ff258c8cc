//! File operations that survive a power cut: written aside, synced, renamed, the folder synced.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use tempfile::TempPath;

use super::error::{CacheError, Doing};

/// How the names of files begin that are not whole yet.
pub const UNFINISHED: &str = ".new-";

/// A way to give a file that was written aside a name that no other file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// A second name for it. Network file systems have this way, and mostly no other.
    Link,
    /// A rename that takes no other file's place.
    Rename,
}

impl Way {
    /// All, in the order in which they are tried.
    pub const ALL: [Way; 2] = [Way::Link, Way::Rename];
}

/// Makes a folder and those above it.
pub fn create_dir(path: &Path) -> Result<(), CacheError> {
    fs::create_dir_all(path).doing("create the folder", path)
}

/// Puts `bytes` at `path`, whole or not at all: readers see the old file or the new one.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), CacheError> {
    let aside = write_aside(path, bytes)?;
    put(aside, path)?;
    sync_dir(&parent(path))
}

/// Writes `bytes` into a file beside `path`, and syncs it.
pub(super) fn write_aside(path: &Path, bytes: &[u8]) -> Result<TempPath, CacheError> {
    let folder = parent(path);
    create_dir(&folder)?;
    // Readable to others, as any file is that a program writes; the umask still has its say.
    let mut builder = tempfile::Builder::new();
    builder.prefix(UNFINISHED).permissions(fs::Permissions::from_mode(0o666));
    let mut file = builder.tempfile_in(&folder).doing("write into", &folder)?;
    file.write_all(bytes).doing("write", path)?;
    file.as_file().sync_all().doing("sync", path)?;
    Ok(file.into_temp_path())
}

/// Renames a file that was written aside into its place. By the standard library, as all else here, so that the tests
/// that stand between this program and the system see it.
pub(super) fn put(aside: TempPath, path: &Path) -> Result<(), CacheError> {
    fs::rename(&aside, path).doing("rename to", path)?;
    // There is nothing of that name any more that could be removed.
    let _ = aside.keep();
    Ok(())
}

/// Gives a file that was written aside the name `path`, by the first of `ways` that the file system has; `Some(false)` where
/// something has that name, `None` where there is no way.
pub(super) fn put_new(aside: &Path, path: &Path, ways: &[Way]) -> Result<Option<bool>, CacheError> {
    for way in ways {
        let result = match way {
            Way::Link => fs::hard_link(aside, path),
            Way::Rename => {
                renameat_with(CWD, aside, CWD, path, RenameFlags::NOREPLACE).map_err(io::Error::from)
            }
        };
        match result {
            Ok(()) => return Ok(Some(true)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(Some(false)),
            Err(error) if is_no_way(&error) => {}
            Err(error) => {
                let doing = if *way == Way::Link { "link to" } else { "rename to" };
                return Err(error).doing(doing, path);
            }
        }
    }
    Ok(None)
}

/// Whether a file system says by this that it does not do such things at all.
fn is_no_way(error: &io::Error) -> bool {
    let no_way = [Errno::PERM, Errno::NOSYS, Errno::OPNOTSUPP, Errno::INVAL, Errno::MLINK, Errno::XDEV];
    error.raw_os_error().is_some_and(|code| no_way.iter().any(|errno| errno.raw_os_error() == code))
}

/// Syncs a folder, so that the names in it survive a power cut.
pub fn sync_dir(path: &Path) -> Result<(), CacheError> {
    File::open(path).and_then(|folder| folder.sync_all()).doing("sync the folder", path)
}

/// Whether `path` is a folder itself, not a link to one.
pub fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir())
}

/// The bytes that may still be written where `path` lies; `None` where the system does not say.
pub fn free_bytes(path: &Path) -> Option<u64> {
    // The file may not be there yet, and its folder neither.
    let there = path.ancestors().find(|path| path.exists()).unwrap_or(Path::new("."));
    let disk = rustix::fs::statvfs(there).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// The contents, or `None` where there is no such file.
pub fn read_optional(path: &Path) -> Result<Option<Vec<u8>>, CacheError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).doing("read", path),
    }
}

/// Removes a file or a folder with all in it; nothing to remove is no fault. A link goes, not what it leads to.
pub fn remove(path: &Path) -> Result<(), CacheError> {
    let result = if is_folder(path) { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).doing("remove", path),
        _ => Ok(()),
    }
}

/// The folder that `path` lies in.
pub fn parent(path: &Path) -> PathBuf {
    path.parent().map_or_else(|| PathBuf::from("."), Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_no_fault_and_all_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, b"x").unwrap();
        assert_eq!(read_optional(&file).unwrap(), Some(b"x".to_vec()));
        assert_eq!(read_optional(&folder.path().join("none")).unwrap(), None);
        assert!(read_optional(folder.path()).is_err() && read_optional(&file.join("below")).is_err());
        assert!(remove(&folder.path().join("none")).is_ok() && remove(&file.join("below")).is_err());
        assert!(sync_dir(&folder.path().join("none")).is_err());
        remove(&file).unwrap();
        assert!(!file.exists());
    }
}
