//! The commit: files that were made in a private folder become a result, as a whole or not at all.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use super::disk;
use super::entry::{self, Entry, Output, Provenance};
use super::error::CacheError;
use super::store::{Store, digest_file};
use super::turn::Turn;
use crate::fingerprint::Fingerprint;

/// A private folder in which a result is made; removed when dropped.
#[derive(Debug)]
pub struct Attempt {
    store: Store,
    dir: PathBuf,
    fingerprint: Fingerprint,
}

impl Store {
    /// Begins an attempt at `fingerprint`, in a private folder.
    ///
    /// # Errors
    /// Where the folder cannot be made.
    pub fn attempt(&self, fingerprint: &Fingerprint) -> Result<Attempt, CacheError> {
        let dir = self.layout().attempts().join(format!("{}.{}", fingerprint.key.short(), own_name()));
        disk::remove(&dir)?;
        disk::create_dir(&dir)?;
        Ok(Attempt { store: self.clone(), dir, fingerprint: fingerprint.clone() })
    }
}

/// A name that no other folder has, of this process or of another one.
pub(super) fn own_name() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let n = COUNT.fetch_add(1, Ordering::Relaxed);
    // Two processes on two machines may have the same number.
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("{host}.{}.{n}", std::process::id())
}

impl Attempt {
    /// Where the output `name` is to be written.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Makes the files of these names the result: each is hashed, synced and renamed into `objects/`, then the
    /// entry is written, last. Where another process has published a result of the same key before, that one stays, and is given back.
    ///
    /// # Errors
    /// [`CacheError::NoOutput`] where one is missing or empty; else where the disk fails. Nothing is visible then.
    pub fn publish(self, names: &[&str], provenance: Provenance) -> Result<Entry, CacheError> {
        let mut outputs = BTreeMap::new();
        let _turn = Turn::shared(&self.store);
        for &name in names {
            outputs.insert(name.to_owned(), self.publish_object(name)?);
        }
        let Fingerprint { stage, key, .. } = &self.fingerprint;
        let record = entry::to_bytes(&self.fingerprint, &outputs, &provenance);
        // Where two processes have done the same, the first result stays: others may have read it.
        let first = self.store.commit(key, &record)?;
        self.store.remove_checkpoints(key)?;
        Ok(first.unwrap_or_else(|| Entry { stage: stage.clone(), key: key.clone(), outputs, provenance }))
    }

    fn publish_object(&self, name: &str) -> Result<Output, CacheError> {
        let path = self.path(name);
        let bytes = fs::symlink_metadata(&path).map_or(0, |meta| if meta.is_file() { meta.len() } else { 0 });
        if bytes == 0 {
            let stage = self.fingerprint.stage.clone();
            return Err(CacheError::NoOutput { stage, name: name.to_owned() });
        }
        let digest = digest_file(&path)?;
        self.store.keep(&path, &digest)?;
        Ok(Output { digest, bytes })
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let _ = disk::remove(&self.dir);
    }
}
