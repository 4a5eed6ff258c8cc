//! Has the kernel read what the next job will need while the jobs before it compute.

use std::fs::File;
use std::path::{Path, PathBuf};

use rustix::fs::{Advice, fadvise};

/// The part of the memory that could be had which files may fill: more would push out what jobs are reading.
const PART: u64 = 4;

/// Asks the kernel for files, as far as they fit into a part of `available` bytes; what cannot be read now is not missed.
pub fn prefetch(files: Vec<PathBuf>, available: u64) {
    // The kernel may take its time to begin.
    std::thread::spawn(move || {
        let mut left = available / PART;
        for file in &files {
            left -= ask_for(file, left).unwrap_or(0);
        }
    });
}

/// The bytes that were asked for; `None` where the file is too large or not there.
fn ask_for(path: &Path, most: u64) -> Option<u64> {
    let file = File::open(path).ok()?;
    let bytes = file.metadata().ok()?.len();
    if bytes > most {
        return None;
    }
    fadvise(&file, 0, None, Advice::WillNeed).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_or_is_not_there_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pixels");
        std::fs::write(&path, [7; 1000]).unwrap();
        assert_eq!(ask_for(&path, 1000), Some(1000));
        assert_eq!(ask_for(&path, 999), None);
        assert_eq!(ask_for(&folder.path().join("none"), 1000), None);
    }
}
