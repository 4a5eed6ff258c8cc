//! File operations that survive a power cut: written aside, synced, renamed, the folder synced.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::error::{CacheError, Doing};

/// Makes a folder and those above it.
pub fn create_dir(path: &Path) -> Result<(), CacheError> {
    fs::create_dir_all(path).doing("create the folder", path)
}

/// Puts `bytes` at `path`, whole or not at all: readers see the old file or the new one.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), CacheError> {
    let folder = parent(path);
    create_dir(&folder)?;
    // Readable to others, as any file is that a program writes; the umask still has its say.
    let mut builder = tempfile::Builder::new();
    builder.prefix(".new-").permissions(fs::Permissions::from_mode(0o666));
    let mut file = builder.tempfile_in(&folder).doing("write into", &folder)?;
    file.write_all(bytes).doing("write", path)?;
    file.as_file().sync_all().doing("sync", path)?;
    file.persist(path).map_err(|error| error.error).doing("rename to", path)?;
    sync_dir(&folder)
}

/// Syncs a folder, so that the names in it survive a power cut.
pub fn sync_dir(path: &Path) -> Result<(), CacheError> {
    File::open(path).and_then(|folder| folder.sync_all()).doing("sync the folder", path)
}

/// The contents, or `None` where there is no such file.
pub fn read_optional(path: &Path) -> Result<Option<Vec<u8>>, CacheError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).doing("read", path),
    }
}

/// Removes a file or a folder with all in it; nothing to remove is no fault.
pub fn remove(path: &Path) -> Result<(), CacheError> {
    let result = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).doing("remove", path),
        _ => Ok(()),
    }
}

/// The folder that `path` lies in.
pub fn parent(path: &Path) -> PathBuf {
    path.parent().map_or_else(|| PathBuf::from("."), Path::to_owned)
}
