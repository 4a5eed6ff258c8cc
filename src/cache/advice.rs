//! What to do where a disk refuses to be written.

use std::error::Error;
use std::io;
use std::path::Path;

use super::disk;

/// What to do about `error`, where the disk that `path` lies on caused it: it is full, or cannot be written.
pub fn advice(path: &Path, error: &(dyn Error + 'static)) -> Option<String> {
    let mut cause = error;
    let refusal = loop {
        match cause.downcast_ref::<io::Error>() {
            Some(error) => break error,
            None => cause = cause.source()?,
        }
    };
    match refusal.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            let room = match disk::free_bytes(path) {
                Some(bytes) => format!("{} are free on that disk; ", bytesize::ByteSize(bytes).display().iec()),
                None => String::new(),
            };
            Some(format!(
                "{room}make room (`ablatrix cache gc` removes results that no plan uses), or name another cache with `--cache DIR`; `run` goes on where it was"
            ))
        }
        io::ErrorKind::FileTooLarge => Some(
            "files may not be larger than the limit of this process or of that file system: see `ulimit -f`, or name another cache with `--cache DIR`; `run` goes on where it was"
                .to_owned(),
        ),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            Some("name a cache that can be written with `--cache DIR`".to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::error::{CacheError, Doing};
    use super::*;

    #[test]
    fn disks_that_refuse_have_an_advice_each_and_others_have_none() {
        let folder = tempfile::tempdir().unwrap();
        // Neither the file nor its folder is there yet.
        let path = folder.path().join("a/b");
        let said = |kind: io::ErrorKind| {
            let refused: Result<(), CacheError> = Err(io::Error::from(kind)).doing("write", &path);
            let error = refused.unwrap_err();
            let said = error.help();
            assert_eq!(said, advice(&path, &error), "as its cause");
            said
        };
        for kind in [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded] {
            let said = said(kind).unwrap();
            assert!(said.contains("B are free on that disk; make room (`ablatrix cache gc`"), "{said}");
        }
        assert!(said(io::ErrorKind::FileTooLarge).unwrap().contains("ulimit -f"));
        for kind in [io::ErrorKind::PermissionDenied, io::ErrorKind::ReadOnlyFilesystem] {
            assert_eq!(said(kind).unwrap(), "name a cache that can be written with `--cache DIR`");
        }
        assert_eq!(said(io::ErrorKind::NotFound), None);
        assert_eq!(advice(&path, &std::fmt::Error), None);
        assert!(disk::free_bytes(&path).unwrap() > 1 << 20);
        let folder = CacheError::NoCache { root: path.clone(), holds: path.clone() };
        assert!(folder.help().unwrap().contains("new, empty or a cache"));
        assert_eq!(CacheError::NoOutput { stage: "split".into(), name: "out".into() }.help(), None);
    }
}
