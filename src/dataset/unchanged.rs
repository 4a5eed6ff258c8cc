//! A file that must stay as it is while it is read.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::faults::ImportError;

/// What a file looked like when it was opened.
#[derive(Debug)]
pub(super) struct Unchanged {
    what: &'static str,
    path: PathBuf,
    stamp: Stamp,
}

/// Size, times and identity.
type Stamp = (u64, [i64; 4], u64, u64);

fn stamp(meta: &Metadata) -> Stamp {
    let times = [meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec()];
    (meta.size(), times, meta.dev(), meta.ino())
}

impl Unchanged {
    /// Opens the file `path`, in which the dataset's `what` stand.
    ///
    /// # Errors
    /// Where it cannot be opened or is no file; a pipe could be waited for without end.
    pub fn open(path: &Path, what: &'static str) -> Result<(File, Self), ImportError> {
        let io = |source| ImportError::Io { what, path: path.to_owned(), source };
        let meta = std::fs::metadata(path).map_err(io)?;
        if !meta.is_file() {
            let kind = if meta.is_dir() { "it is a folder" } else { "it is no file on a disk" };
            return Err(io(io::Error::new(io::ErrorKind::InvalidInput, kind)));
        }
        let file = File::open(path).map_err(io)?;
        let stamp = stamp(&file.metadata().map_err(io)?);
        Ok((file, Unchanged { what, path: path.to_owned(), stamp }))
    }

    /// Looks again, after the last byte was read.
    ///
    /// # Errors
    /// Where the file under this name is another one, or was written to.
    pub fn check(&self) -> Result<(), ImportError> {
        let meta = std::fs::metadata(&self.path).map_err(|source| ImportError::Io {
            what: self.what,
            path: self.path.clone(),
            source,
        })?;
        if stamp(&meta) == self.stamp {
            Ok(())
        } else {
            Err(ImportError::Changed { path: self.path.clone() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_file_that_grows_or_is_replaced_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("labels.csv");
        std::fs::write(&path, "a").unwrap();
        let (_file, unchanged) = Unchanged::open(&path, "labels").unwrap();
        unchanged.check().unwrap();
        std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"b").unwrap();
        assert!(matches!(unchanged.check(), Err(ImportError::Changed { .. })));

        let (_file, unchanged) = Unchanged::open(&path, "labels").unwrap();
        let other = dir.path().join("other.csv");
        std::fs::write(&other, "cd").unwrap();
        std::fs::rename(&other, &path).unwrap();
        let error = unchanged.check().unwrap_err().to_string();
        assert!(error.ends_with("labels.csv` changed while it was read"), "{error}");

        std::fs::remove_file(&path).unwrap();
        assert!(matches!(unchanged.check(), Err(ImportError::Io { .. })));
    }

    #[test]
    fn what_is_no_file_is_not_opened() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR)
            .unwrap();
        for (path, why) in [(dir.path(), "it is a folder"), (&pipe, "it is no file on a disk")] {
            let error = Unchanged::open(path, "labels").unwrap_err();
            assert_eq!(std::error::Error::source(&error).unwrap().to_string(), why);
        }
    }
}
