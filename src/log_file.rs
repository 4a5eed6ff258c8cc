//! A log that stays below a size, however much is written into it.
//!
//! Takes text, adds it at the end. When the file is full, its beginning and its end stay, and a line says how much was left out in
//! between: the beginning tells what was done, the end how it ended. Knows nothing of who writes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::clock;

/// A log.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    file: File,
    limit: u64,
}

impl LogFile {
    /// Opens a log to add to it; it is made where it is not there, and its folders too. It will not exceed `limit` bytes.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn open(path: &Path, limit: u64) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(LogFile { path: path.to_owned(), file, limit })
    }

    /// Its place.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds bytes as they are.
    ///
    /// # Errors
    /// Where the disk is full or fails; the log may lack what was to be added then, and is read as before.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        // Small pieces, so that no single one fills the file.
        for piece in bytes.chunks(usize::try_from(self.limit / 8).unwrap_or(usize::MAX).max(1)) {
            if self.file.metadata()?.len() + piece.len() as u64 > self.limit {
                self.shorten()?;
            }
            self.file.write_all(piece)?;
        }
        Ok(())
    }

    /// Adds a line with the time before it.
    ///
    /// # Errors
    /// As [`append`](LogFile::append).
    pub fn line(&mut self, text: &str) -> io::Result<()> {
        self.append(format!("{} {text}\n", clock::readable(clock::unix_ms())).as_bytes())
    }

    /// Leaves the first and the last quarter of the limit, in whole lines where there are any.
    fn shorten(&mut self) -> io::Result<()> {
        let text = fs::read(&self.path)?;
        let quarter = usize::try_from(self.limit / 4).unwrap_or(usize::MAX).min(text.len());
        let is_end = |byte: &u8| *byte == b'\n';
        let head = text[..quarter].iter().rposition(is_end).map_or(quarter, |end| end + 1);
        let from = (text.len() - quarter).max(head);
        let tail = text[from..].iter().position(is_end).map_or(from, |end| from + end + 1);
        let mut kept = text[..head].to_vec();
        kept.extend(format!("[... {} bytes left out ...]\n", tail - head).bytes());
        kept.extend(&text[tail..]);
        self.file.set_len(0)?;
        self.file.write_all(&kept)
    }
}

/// Removes files of `folder` whose names begin with `prefix`, but for the last `kept` in the order of their names.
pub fn keep_last(folder: &Path, prefix: &str, kept: usize) {
    for old in newest_first(folder, prefix).into_iter().skip(kept) {
        // Somebody else may have been quicker.
        let _ = fs::remove_file(old);
    }
}

/// Files of `folder` whose names begin with `prefix`, the last in the order of their names first.
pub fn newest_first(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let has_name =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(has_name).collect();
    paths.sort_unstable_by(|a, b| b.cmp(a));
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(limit: u64) -> (tempfile::TempDir, LogFile) {
        let folder = tempfile::tempdir().unwrap();
        let log = LogFile::open(&folder.path().join("a/b/run.log"), limit).unwrap();
        (folder, log)
    }

    #[test]
    fn a_full_log_keeps_its_beginning_and_its_end() {
        let (_folder, mut log) = log(4096);
        for n in 0..10_000 {
            log.append(format!("line {n}\n").as_bytes()).unwrap();
            assert!(fs::metadata(log.path()).unwrap().len() <= 4096);
        }
        let text = fs::read_to_string(log.path()).unwrap();
        assert!(text.starts_with("line 0\nline 1\n") && text.ends_with("\nline 9998\nline 9999\n"), "{text}");
        assert_eq!(text.matches(" bytes left out ...]\n").count(), 1, "{text}");
    }

    #[test]
    fn one_endless_line_does_not_fill_the_disk() {
        let (_folder, mut log) = log(4096);
        log.line("begins").unwrap();
        log.append(&vec![b'x'; 1 << 20]).unwrap();
        assert!(fs::metadata(log.path()).unwrap().len() <= 4096);
        let text = fs::read_to_string(log.path()).unwrap();
        assert!(text.contains(" UTC begins\n") && text.contains(" bytes left out ...]\n"), "{text}");
    }

    #[test]
    fn what_is_there_stays_and_old_logs_go_by_their_names() {
        let (folder, mut first) = log(4096);
        first.append(b"one\n").unwrap();
        let mut again = LogFile::open(first.path(), 4096).unwrap();
        again.append(b"two\n").unwrap();
        assert_eq!(fs::read_to_string(first.path()).unwrap(), "one\ntwo\n");
        for name in ["study-1.log", "study-2.log", "study-3.log", "other.log"] {
            fs::write(folder.path().join(name), b"").unwrap();
        }
        keep_last(folder.path(), "study-", 2);
        let left = newest_first(folder.path(), "study-");
        assert_eq!(left, ["study-3.log", "study-2.log"].map(|name| folder.path().join(name)));
        assert!(folder.path().join("other.log").exists());
    }
}
