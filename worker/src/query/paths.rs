//! The paths of pictures, as they come: each ended by a NUL.

use std::ffi::OsString;
use std::io::{self, BufRead};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// Paths to come.
#[derive(Debug)]
pub struct Paths<R> {
    source: R,
    n_batches: usize,
}

/// Some of them.
#[derive(Debug, PartialEq, Eq)]
pub struct Batch {
    /// How many came before it.
    pub number: usize,
    /// At least one.
    pub paths: Vec<PathBuf>,
}

impl<R: BufRead> Paths<R> {
    /// Those that `source` will give.
    pub fn new(source: R) -> Self {
        Paths { source, n_batches: 0 }
    }

    /// The next ones, `most` or as many as are left; `None` where none are. A path that is cut off was not meant.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn next(&mut self, most: usize) -> io::Result<Option<Batch>> {
        let mut paths = Vec::with_capacity(most);
        while paths.len() < most {
            let mut path = Vec::new();
            self.source.read_until(0, &mut path)?;
            if path.pop() != Some(0) {
                break;
            }
            paths.push(PathBuf::from(OsString::from_vec(path)));
        }
        if paths.is_empty() {
            return Ok(None);
        }
        let number = self.n_batches;
        self.n_batches += 1;
        Ok(Some(Batch { number, paths }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_any_bytes_come_in_batches() {
        let mut paths = Paths::new(&b"a\nb.jpg\0\xff\0c\0d"[..]);
        let raw = |bytes: &[u8]| PathBuf::from(OsString::from_vec(bytes.to_vec()));
        let first = Batch { number: 0, paths: vec![raw(b"a\nb.jpg"), raw(b"\xff")] };
        assert_eq!(paths.next(2).unwrap(), Some(first));
        assert_eq!(paths.next(2).unwrap(), Some(Batch { number: 1, paths: vec![raw(b"c")] }));
        assert_eq!(paths.next(2).unwrap(), None);
    }
}
