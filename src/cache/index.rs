//! The file index: unchanged files are not read again.
//!
//! A file counts as unchanged where size, modification and change time and inode are as they were when it was
//! hashed. A file that had changed less than [`GRAIN_NS`] before it was read is read again: a second change in the same
//! tick of the file system's clock would leave all of these as they are. It is git's rule for what it calls racy entries, with
//! two differences: git compares the modification time alone with the time of its index, here the change time counts too, which nobody can
//! set; and the time that counts is taken before the file is looked at, so that a change while it is read falls under the rule. Where a
//! server's clock stamps the files, it must not be more than that behind the clock of this machine.
//!
//! The index is one file per dataset, replaced by rename, in the form of an entry's record: the blake3 of the second line, and the
//! second line, JSON. One with a flipped bit would give a wrong digest, so it is begun anew. `redb` was planned here; it locks its
//! file for a single process, and several runs share one cache.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::disk;
use super::error::{CacheError, Doing};
use super::sealed::{seal, unseal};
use super::store::{Store, digest_file};
use crate::clock;
use crate::fingerprint::Digest;

/// Version of the format on disk.
const FORMAT: u32 = 2;

/// Two seconds: the coarsest clock of a file system in use (FAT). Linux's own file systems tick every 1 to 10 ms, or finer.
const GRAIN_NS: i128 = 2_000_000_000;

/// Larger files are mapped, and all cores hash one of them together. A mapped file that is cut meanwhile ends the process, and
/// for a picture a map gains nothing.
const MAPPED_BYTES: u64 = 16 << 20;

/// After so many bytes, what was learned is saved: an interrupted look at a large dataset is not begun anew.
const SAVE_BYTES: u64 = 4 << 30;

/// So many files are looked at between two chances to save.
const CHUNK: usize = 1_024;

/// What tells an unchanged file, without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Look {
    size: u64,
    mtime_ns: i128,
    ctime_ns: i128,
    inode: u64,
}

/// What a file looked like when it was hashed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    look: Look,
    /// This machine's time before the look.
    looked_ns: i128,
    digest: Digest,
}

/// The file on disk.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Record {
    format: u32,
    files: BTreeMap<String, Stamp>,
}

/// Path to digest for the files of one dataset.
#[derive(Debug)]
pub struct FileIndex {
    store: Store,
    place: PathBuf,
    record: Mutex<Record>,
    /// Bytes hashed, and files too, so that an empty one counts, since the last save.
    unsaved: AtomicU64,
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
        // A folder in its place is as none.
        let bytes = if disk::is_folder(&place) { None } else { disk::read_optional(&place)? };
        let record = bytes.and_then(|bytes| Record::from_bytes(&bytes));
        Ok(FileIndex {
            store: store.clone(),
            place,
            record: Mutex::new(record.unwrap_or_else(|| Record { format: FORMAT, files: BTreeMap::new() })),
            unsaved: AtomicU64::new(0),
            kept: store.layout().tag().exists(),
        })
    }

    /// The digest of the file `path`, known here as `name`; read only where it may have changed.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn digest(&self, name: &str, path: &Path) -> Result<Digest, CacheError> {
        let looked_ns = i128::from(clock::unix_ms()) * 1_000_000;
        let meta = std::fs::metadata(path).doing("read", path)?;
        // A pipe could be waited for without end.
        if !meta.is_file() {
            let kind = if meta.is_dir() { "it is a folder" } else { "it is no file on a disk" };
            return Err(io::Error::new(io::ErrorKind::InvalidInput, kind)).doing("read", path);
        }
        let look = Look::of(&meta);
        if let Some(digest) = self.known(name, &look) {
            return Ok(digest);
        }
        let digest = if look.size < MAPPED_BYTES { read_digest(path)? } else { digest_file(path)? };
        let stamp = Stamp { look, looked_ns, digest: digest.clone() };
        self.record.lock().unwrap_or_else(PoisonError::into_inner).files.insert(name.to_owned(), stamp);
        self.unsaved.fetch_add(look.size + 1, Ordering::Relaxed);
        Ok(digest)
    }

    /// The digests of the files `names` below `root`, in their order; several are read at once. On a long way, what was
    /// learned is saved now and then.
    pub fn digests(&self, root: &Path, names: &[&str]) -> Vec<Result<Digest, CacheError>> {
        let mut digests = Vec::with_capacity(names.len());
        for chunk in names.chunks(CHUNK) {
            digests.par_extend(chunk.par_iter().map(|name| self.digest(name, &root.join(name))));
            if self.unsaved.load(Ordering::Relaxed) > SAVE_BYTES {
                // A cache that cannot be written is told of by the save at the end.
                let _ = self.save();
            }
        }
        digests
    }

    /// Writes what was learned, where there is a cache.
    ///
    /// # Errors
    /// Where the cache cannot be written.
    pub fn save(&self) -> Result<(), CacheError> {
        if !self.kept || self.unsaved.swap(0, Ordering::Relaxed) == 0 {
            return Ok(());
        }
        let bytes = self.record.lock().unwrap_or_else(PoisonError::into_inner).to_bytes();
        // In no turn with collections: one that looks at specs is the writer itself, and what it sweeps away here costs time
        // only.
        self.store.clear_way(&self.place)?;
        disk::write_atomic(&self.place, &bytes)
    }

    fn known(&self, name: &str, look: &Look) -> Option<Digest> {
        let record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = record.files.get(name)?;
        (stamp.look == *look && !stamp.is_racy()).then(|| stamp.digest.clone())
    }
}

impl Look {
    fn of(meta: &Metadata) -> Self {
        let ns = |s: i64, ns: i64| i128::from(s) * 1_000_000_000 + i128::from(ns);
        Look {
            size: meta.size(),
            mtime_ns: ns(meta.mtime(), meta.mtime_nsec()),
            ctime_ns: ns(meta.ctime(), meta.ctime_nsec()),
            inode: meta.ino(),
        }
    }
}

impl Stamp {
    /// Whether the file could have changed after it was read and still look the same. A time to come (a clock was set
    /// back) counts as racy too.
    fn is_racy(&self) -> bool {
        self.look.ctime_ns.max(self.look.mtime_ns) + GRAIN_NS > self.looked_ns
    }
}

impl Record {
    fn to_bytes(&self) -> Vec<u8> {
        let body = serde_json::to_string(self).unwrap_or_else(|e| panic!("bug: an index is plain data: {e}"));
        seal(&body)
    }

    /// `None` where the bytes are no whole record of this format.
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let record: Record = serde_json::from_str(unseal(bytes)?).ok()?;
        (record.format == FORMAT).then_some(record)
    }
}

/// The blake3 of a file, read piece by piece on this thread.
fn read_digest(path: &Path) -> Result<Digest, CacheError> {
    let mut hasher = blake3::Hasher::new();
    File::open(path).and_then(|file| hasher.update_reader(file).map(drop)).doing("read", path)?;
    Ok(hasher.finalize().into())
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
    fn an_old_unchanged_file_is_not_read_again_and_one_that_may_have_changed_is() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("cache")).unwrap();
        let file = folder.path().join("a.jpg");
        std::fs::write(&file, b"one").unwrap();
        let look = Look::of(&std::fs::metadata(&file).unwrap());
        let changed_ns = look.ctime_ns.max(look.mtime_ns);
        // The index holds the digest of another content: it is given where the file is taken for unchanged.
        let ask = |look: Look, looked_ns: i128| {
            let index = FileIndex::open(&store, folder.path()).unwrap();
            let stamp = Stamp { look, looked_ns, digest: Digest::of(b"known") };
            index.record.lock().unwrap().files.insert("a.jpg".into(), stamp);
            index.digest("a.jpg", &file).unwrap()
        };
        assert_eq!(ask(look, changed_ns + GRAIN_NS), Digest::of(b"known"));
        for racy in [changed_ns + GRAIN_NS - 1, changed_ns, changed_ns - 1_000 * GRAIN_NS] {
            assert_eq!(ask(look, racy), Digest::of(b"one"), "changed {} ns before", racy - changed_ns);
        }
        let others = [
            Look { size: 4, ..look },
            Look { mtime_ns: look.mtime_ns - 1, ..look },
            Look { ctime_ns: look.ctime_ns - 1, ..look },
            Look { inode: look.inode + 1, ..look },
        ];
        for other in others {
            assert_eq!(ask(other, changed_ns + GRAIN_NS), Digest::of(b"one"), "{other:?}");
        }
    }

    #[test]
    fn a_file_of_this_moment_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("cache")).unwrap();
        let file = folder.path().join("a.jpg");
        std::fs::write(&file, b"one").unwrap();
        let index = FileIndex::open(&store, folder.path()).unwrap();
        index.digest("a.jpg", &file).unwrap();
        assert!(index.record.lock().unwrap().files["a.jpg"].is_racy());
    }

    #[test]
    fn a_file_that_has_long_been_there_is_trusted() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("cache")).unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let index = FileIndex::open(&store, root).unwrap();
        index.digest("Cargo.toml", &root.join("Cargo.toml")).unwrap();
        assert!(!index.record.lock().unwrap().files["Cargo.toml"].is_racy());
    }

    #[test]
    fn times_are_told_to_the_nanosecond() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let time = std::time::UNIX_EPOCH + std::time::Duration::new(5, 7_000);
        file.as_file().set_modified(time).unwrap();
        assert_eq!(Look::of(&file.as_file().metadata().unwrap()).mtime_ns, 5_000_007_000);
    }

    #[test]
    fn any_changed_byte_makes_an_index_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("cache")).unwrap();
        let file = folder.path().join("a.jpg");
        std::fs::write(&file, b"one").unwrap();
        let index = FileIndex::open(&store, folder.path()).unwrap();
        index.digest("a.jpg", &file).unwrap();
        index.save().unwrap();
        let bytes = std::fs::read(&index.place).unwrap();
        assert_eq!(Record::from_bytes(&bytes).unwrap().files, index.record.lock().unwrap().files);
        for i in 0..bytes.len() {
            for bit in 0..8 {
                let mut bad = bytes.clone();
                bad[i] ^= 1 << bit;
                assert!(Record::from_bytes(&bad).is_none(), "bit {bit} of byte {i}");
            }
            assert!(Record::from_bytes(&bytes[..i]).is_none(), "cut at {i}");
        }
        std::fs::write(&index.place, &bytes[1..]).unwrap();
        let index = FileIndex::open(&store, folder.path()).unwrap();
        assert_eq!(index.digest("a.jpg", &file).unwrap(), Digest::of(b"one"));
    }

    #[test]
    fn it_is_written_where_there_is_a_cache_and_something_was_learned() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.jpg");
        std::fs::write(&file, b"").unwrap();
        let root = folder.path().join("cache");
        let learn = |store: &Store| {
            let index = FileIndex::open(store, folder.path()).unwrap();
            index.digest("a.jpg", &file).unwrap();
            index.save().unwrap();
            index.place
        };
        let place = learn(&Store::existing(&root).unwrap());
        assert!(!root.exists(), "a look makes no cache");
        let store = Store::open(&root).unwrap();
        FileIndex::open(&store, folder.path()).unwrap().save().unwrap();
        assert!(!place.exists());
        // An empty file is something learned too.
        assert_eq!(learn(&store), place);
        let read = |place: &Path| {
            Record::from_bytes(&std::fs::read(place).unwrap()).map(|record| record.files.len())
        };
        assert_eq!(read(&place), Some(1));
        std::fs::remove_file(&place).unwrap();
        let index = FileIndex::open(&store, folder.path()).unwrap();
        index.digest("a.jpg", &file).unwrap();
        index.save().unwrap();
        std::fs::remove_file(&place).unwrap();
        index.save().unwrap();
        assert!(!place.exists(), "what was saved is saved once");
        std::fs::create_dir(&place).unwrap();
        assert_eq!(learn(&store), place);
        assert_eq!(read(&place), Some(1), "a folder makes way");
    }

    #[test]
    fn an_index_of_another_format_is_begun_anew() {
        for (format, is_read) in [(FORMAT, true), (FORMAT + 1, false)] {
            let bytes = Record { format, files: BTreeMap::new() }.to_bytes();
            assert_eq!(Record::from_bytes(&bytes).is_some(), is_read);
        }
    }

    #[test]
    fn what_is_no_file_has_no_digest() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("cache")).unwrap();
        let index = FileIndex::open(&store, folder.path()).unwrap();
        let said = |path: &Path| {
            let error = index.digest("a", path).unwrap_err();
            format!("{error}: {}", std::error::Error::source(&error).unwrap())
        };
        assert!(said(folder.path()).ends_with(": it is a folder"));
        assert!(said(Path::new("/dev/null")).ends_with(": it is no file on a disk"));
        assert!(said(&folder.path().join("none")).contains("cannot read"));
    }

    #[test]
    fn many_files_have_their_digests_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("cache")).unwrap();
        let names: Vec<String> = (0..CHUNK + 10).rev().map(|i| format!("{i}.jpg")).collect();
        for name in names.iter().skip(1) {
            std::fs::write(folder.path().join(name), name).unwrap();
        }
        // One that is mapped.
        let large = vec![7; MAPPED_BYTES as usize + 1];
        std::fs::write(folder.path().join(&names[5]), &large).unwrap();
        let index = FileIndex::open(&store, folder.path()).unwrap();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let digests = index.digests(folder.path(), &names);
        assert!(digests[0].is_err(), "there is no such file");
        for (idx, (name, digest)) in names.iter().zip(&digests).enumerate().skip(1) {
            let expected = if idx == 5 { Digest::of(&large) } else { Digest::of(name.as_bytes()) };
            assert_eq!(digest.as_ref().unwrap(), &expected, "{name}");
        }
    }
}
