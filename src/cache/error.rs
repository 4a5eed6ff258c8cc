//! What can go wrong in the cache.

use std::io;
use std::path::{Path, PathBuf};

use super::advice::advice;
use super::disk;
use super::lock::Holder;
use super::mount::Mount;
use crate::fingerprint::Digest;

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
        source: io::Error,
    },
    /// An object is gone, or its bytes are not those that were stored. It has been put aside, so that its
    /// stage counts as not done.
    #[error("cached object `{}` is {what}", digest.short())]
    Damaged {
        /// The object.
        digest: Digest,
        /// `missing` or `damaged`.
        what: &'static str,
    },
    /// The folder is no cache.
    #[error("`{root}` is no cache of Ablatrix: it holds `{}` and no `CACHEDIR.TAG`", holds.display())]
    NoCache {
        /// The folder.
        root: PathBuf,
        /// Something in it.
        holds: PathBuf,
    },
    /// The file system has no locks, or does not answer.
    #[error("cannot lock `{path}`")]
    NoLocks {
        /// The lock.
        path: PathBuf,
        /// What it lies on.
        mount: Option<Mount>,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Somebody is at it, and is not to be waited for.
    #[error("{what} by {holder}")]
    Busy {
        /// What is done, as `... is being computed`.
        what: String,
        /// By whom.
        holder: Holder,
    },
    /// A stage ended without one of its outputs.
    #[error("stage `{stage}` left no `{name}`, or an empty one")]
    NoOutput {
        /// The stage.
        stage: String,
        /// The output.
        name: String,
    },
}

impl CacheError {
    /// Whether the file is not there.
    pub(super) fn is_gone(&self) -> bool {
        matches!(self, CacheError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    /// Whether this user may not read the file.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self, CacheError::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied)
    }

    /// What to do about it, where that is known.
    pub fn help(&self) -> Option<String> {
        match self {
            CacheError::Io { path, source, .. } => advice(path, source),
            CacheError::NoLocks { path, mount, .. } => {
                let folder = disk::parent(path);
                let place = match mount {
                    Some(mount) => format!(
                        "`{}` lies on `{}`, a file system of type {}, whose locks do not work",
                        folder.display(),
                        mount.place,
                        mount.kind
                    ),
                    None => format!("the locks of the file system of `{}` do not work", folder.display()),
                };
                Some(format!(
                    "{place}: mount it with locks, see whether its server answers, or name a cache on another disk with `--cache DIR`"
                ))
            }
            CacheError::Busy { .. } => Some("without `--no-wait` it is waited for".to_owned()),
            CacheError::NoCache { .. } => {
                Some("name a folder that is new, empty or a cache with `--cache DIR`".to_owned())
            }
            _ => None,
        }
    }
}

/// Says what was being done to which file.
pub(super) trait Doing<T> {
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, CacheError>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, CacheError> {
        self.map_err(|source| CacheError::Io { doing, path: path.to_owned(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_from_what_is_gone() {
        let failed = |kind: io::ErrorKind| {
            let result: io::Result<()> = Err(kind.into());
            let error = result.doing("read", Path::new("a")).unwrap_err();
            (error.is_gone(), error.is_refusal())
        };
        assert_eq!(failed(io::ErrorKind::NotFound), (true, false));
        assert_eq!(failed(io::ErrorKind::PermissionDenied), (false, true));
        assert_eq!(failed(io::ErrorKind::IsADirectory), (false, false));
    }

    #[test]
    fn locks_that_do_not_work_are_told_with_their_mount() {
        let help = |mount| {
            let source = io::ErrorKind::Unsupported.into();
            CacheError::NoLocks { path: "cache/locks/a".into(), mount, source }.help().unwrap()
        };
        let mount = Mount { place: "/mnt/a".into(), kind: "nfs4".into() };
        assert!(
            help(Some(mount))
                .starts_with("`cache/locks` lies on `/mnt/a`, a file system of type nfs4, whose")
        );
        assert!(
            help(None).starts_with("the locks of the file system of `cache/locks` do not work: mount it")
        );
        let holder = Holder { name: "process 1 on host".into(), since: None };
        let busy = CacheError::Busy { what: "a".into(), holder };
        assert_eq!(busy.help().unwrap(), "without `--no-wait` it is waited for");
    }
}
