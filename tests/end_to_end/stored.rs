//! What lies in a cache, and how to damage it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// All files below a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let inner = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    inner.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// All whole records below a folder, with their places. One is two lines: the digest of the second, and the record.
pub fn entries(folder: &Path) -> Vec<(PathBuf, Value)> {
    let read = |path: PathBuf| {
        let text = String::from_utf8(fs::read(&path).unwrap()).ok()?;
        let (sum, record) = text.strip_suffix('\n')?.split_once('\n')?;
        let record = (blake3::hash(record.as_bytes()).to_hex().as_str() == sum).then_some(record)?;
        let record = serde_json::from_str(record).ok()?;
        Some((path, record))
    };
    // Neither one that is about to be renamed, nor a link, which may lead nowhere.
    let is_whole =
        |path: &PathBuf| !path.is_symlink() && !path.file_name().unwrap().to_string_lossy().starts_with('.');
    files(folder).into_iter().filter(is_whole).filter_map(read).collect()
}

/// The object of a digest.
pub fn find(objects: &Path, digest: &str) -> Option<PathBuf> {
    let hex = digest.rsplit(':').next().unwrap();
    let named = |path: &PathBuf| {
        let flat = path.strip_prefix(objects).unwrap().to_string_lossy().replace('/', "");
        flat.contains(hex) || path.file_name().unwrap().to_string_lossy().contains(&hex[2..])
    };
    files(objects).into_iter().find(named)
}

/// Changes one bit in the middle of a read-only file.
pub fn flip_byte(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(path, bytes).unwrap();
}
