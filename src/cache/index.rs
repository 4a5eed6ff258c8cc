//! The file index: unchanged files are not read again.
//!
//! A file counts as unchanged where path, size, modification and change time and inode are as they were when
//! it was hashed. A file that was modified within [`GRAIN_NS`] of being indexed is read again, as git does:
//! a clock's tick may hide a second change.
//!
//! The index is one file per dataset, replaced by rename: the blake3 of the rest in a line, then JSON. `redb` was planned here; it locks its file
//! for a single process, and several runs share one cache.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use super::disk;
use super::error::{CacheError, Doing};
use super::store::{Store, digest_file};
use crate::clock;
use crate::fingerprint::Digest;

/// Two seconds: the coarsest clock of a file system in use (FAT).
const GRAIN_NS: i128 = 2_000_000_000;

/// What a file looked like when it was hashed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    size: u64,
    mtime_ns: i128,
    ctime_ns: i128,
    inode: u64,
    indexed_ns: i128,
    digest: Digest,
}

/// Path to digest for the files of one dataset.
#[derive(Debug)]
pub struct FileIndex {
    store: Store,
    place: PathBuf,
    stamps: Mutex<BTreeMap<String, Stamp>>,
    changed: AtomicBool,
    /// Whether there is a cache to keep it in: a look makes none.
    kept: bool,
}

impl FileIndex {
    /// Opens the index of the files below `root`; one that cannot be read is begun anew.
    ///
    /// # Errors
    /// Where the disk fails.
    pub fn open(store: &Store, root: &Path) -> Result<Self, CacheError> {
        let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        let place = store.layout().index(&root);
        // As one that is not there: a folder in its place, or bytes that are not those that were written. A wrong digest
        // would enter keys.
        let bytes = if disk::is_folder(&place) { None } else { disk::read_optional(&place)? };
        let stamps = bytes.and_then(|bytes| serde_json::from_slice(unsealed(&bytes)?).ok());
        Ok(FileIndex {
            store: store.clone(),
            place,
            stamps: Mutex::new(stamps.unwrap_or_default()),
            changed: AtomicBool::new(false),
            kept: store.layout().tag().exists(),
        })
    }

    /// The digest of the file `path`, known here as `name`; read only where it may have changed.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn digest(&self, name: &str, path: &Path) -> Result<Digest, CacheError> {
        let meta = std::fs::metadata(path).doing("read", path)?;
        // A pipe could be waited for without end.
        if !meta.is_file() {
            let kind = if meta.is_dir() { "it is a folder" } else { "it is no file on a disk" };
            return Err(io::Error::new(io::ErrorKind::InvalidInput, kind)).doing("read", path);
        }
        if let Some(digest) = self.known(name, &meta) {
            return Ok(digest);
        }
        let digest = digest_file(path)?;
        let stamp = stamp(&meta, digest.clone());
        self.stamps.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), stamp);
        self.changed.store(true, Ordering::Relaxed);
        Ok(digest)
    }

    /// Writes what was learned, where there is a cache.
    ///
    /// # Errors
    /// Where the cache cannot be written.
    pub fn save(&self) -> Result<(), CacheError> {
        if !self.kept || !self.changed.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        let stamps = self.stamps.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes =
            serde_json::to_vec(&*stamps).unwrap_or_else(|e| panic!("bug: an index is plain data: {e}"));
        // In no turn with collections: one that looks at specs is the writer itself, and what it sweeps away here costs time
        // only.
        self.store.clear_way(&self.place)?;
        disk::write_atomic(&self.place, &sealed(&bytes))
    }

    fn known(&self, name: &str, meta: &Metadata) -> Option<Digest> {
        let stamps = self.stamps.lock().unwrap_or_else(PoisonError::into_inner);
        let known = stamps.get(name)?;
        let now = stamp(meta, known.digest.clone());
        let same = known.size == now.size
            && known.mtime_ns == now.mtime_ns
            && known.ctime_ns == now.ctime_ns
            && known.inode == now.inode;
        let racy = known.ctime_ns.max(known.mtime_ns) + GRAIN_NS > known.indexed_ns;
        (same && !racy).then(|| known.digest.clone())
    }
}

/// The digest of `body` in a line, then `body`.
fn sealed(body: &[u8]) -> Vec<u8> {
    [Digest::of(body).as_str().as_bytes(), b"\n", body].concat()
}

/// What [`sealed`] was given; `None` where it was changed since.
fn unsealed(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let (digest, body) = (&bytes[..end], &bytes[end + 1..]);
    (digest == Digest::of(body).as_str().as_bytes()).then_some(body)
}

fn stamp(meta: &Metadata, digest: Digest) -> Stamp {
    let ns = |s: i64, ns: i64| i128::from(s) * 1_000_000_000 + i128::from(ns);
    Stamp {
        size: meta.size(),
        mtime_ns: ns(meta.mtime(), meta.mtime_nsec()),
        ctime_ns: ns(meta.ctime(), meta.ctime_nsec()),
        inode: meta.ino(),
        indexed_ns: i128::from(clock::unix_ms()) * 1_000_000,
        digest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_seen_even_with_size_and_mtime_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("cache")).unwrap();
        let file = folder.path().join("a.jpg");
        std::fs::write(&file, b"one").unwrap();
        let mtime = std::fs::metadata(&file).unwrap().modified().unwrap();
        let index = FileIndex::open(&store, folder.path()).unwrap();
        let first = index.digest("a.jpg", &file).unwrap();
        index.save().unwrap();

        std::fs::write(&file, b"two").unwrap();
        std::fs::File::options().append(true).open(&file).unwrap().set_modified(mtime).unwrap();
        let index = FileIndex::open(&store, folder.path()).unwrap();
        assert_ne!(index.digest("a.jpg", &file).unwrap(), first);
        assert_eq!(index.digest("a.jpg", &file).unwrap(), Digest::of(b"two"));
    }

    #[test]
    fn an_old_unchanged_file_is_not_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("cache")).unwrap();
        let file = folder.path().join("a.jpg");
        std::fs::write(&file, b"one").unwrap();
        let index = FileIndex::open(&store, folder.path()).unwrap();
        // As if it had been indexed long after its last change, with another content: what is known is given.
        let mut stamp = stamp(&std::fs::metadata(&file).unwrap(), Digest::of(b"known"));
        stamp.indexed_ns += 10 * GRAIN_NS;
        index.stamps.lock().unwrap().insert("a.jpg".into(), stamp);
        assert_eq!(index.digest("a.jpg", &file).unwrap(), Digest::of(b"known"));
    }
}
