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
