//! The end of a log, for a message.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// The last `n` lines of a file that are not empty, joined by ` | `; control characters are escaped.
pub fn last_lines(path: &Path, n: usize) -> String {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(4096)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    last_lines_of(&read().unwrap_or_default(), n)
}

/// Likewise, of what was read already.
pub fn last_lines_of(bytes: &[u8], n: usize) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last: Vec<_> = lines.iter().skip(lines.len().saturating_sub(n)).collect();
    last.iter().map(|line| line.escape_debug().to_string()).collect::<Vec<_>>().join(" | ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_one_line_without_empty_ones() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        std::fs::write(&path, "a\n\n b\x1b[1m\nc\n\n").unwrap();
        assert_eq!(last_lines(&path, 2), "b\\u{1b}[1m | c");
        assert_eq!(last_lines(&folder.path().join("none"), 2), "");
    }
}
