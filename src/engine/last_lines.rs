//! The end of a log, for a message.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// Lines of a log that a message shows: a stack trace of libtorch has its reason some way above its end.
pub const SHOWN: usize = 20;
/// Bytes of the end of a log that are looked at, and of what a worker said that are remembered.
pub const REMEMBERED: usize = 8192;
/// Characters of a line that are shown.
const LINE_CHARS: usize = 180;

/// The last lines of a file that are not empty; see [`last_lines_of`].
pub fn last_lines(path: &Path) -> Vec<String> {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(REMEMBERED as u64)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    last_lines_of(&read().unwrap_or_default())
}

/// The last [`SHOWN`] lines that are not empty, with control characters escaped; of a long line the beginning.
pub fn last_lines_of(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(SHOWN)..].iter().map(|line| shown(line)).collect()
}

fn shown(line: &str) -> String {
    let escaped = line.escape_debug().to_string();
    match escaped.char_indices().nth(LINE_CHARS) {
        Some((end, _)) => format!("{}…", &escaped[..end]),
        None => escaped,
    }
}

/// What a message about a process says of its log, behind what it says first: nothing, the one line that there is, or the lines
/// below each other.
pub fn ending(lines: &[String]) -> String {
    match lines {
        [] => String::new(),
        [line] => format!("; its log ends: {line}"),
        lines => format!("\n  its log ends:\n    {}", lines.join("\n    ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_lines_without_empty_ones() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        std::fs::write(&path, "a\n\n b\x1b[1m\nc\n\n").unwrap();
        assert_eq!(last_lines(&path), ["a", "b\\u{1b}[1m", "c"]);
        assert!(last_lines(&folder.path().join("none")).is_empty());
        let many: String = (0..50).map(|n| format!("{n}\n")).collect();
        std::fs::write(&path, format!("{}\n{many}", "x".repeat(REMEMBERED))).unwrap();
        let lines = last_lines(&path);
        assert_eq!((lines.len(), lines[0].as_str(), lines[19].as_str()), (SHOWN, "30", "49"));
        assert_eq!(last_lines_of("ä".repeat(500).as_bytes()), [format!("{}…", "ä".repeat(LINE_CHARS))]);
    }

    #[test]
    fn one_line_stands_behind_the_message_and_several_below_it() {
        let of = |lines: &[&str]| ending(&lines.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(of(&[]), "");
        assert_eq!(of(&["a"]), "; its log ends: a");
        assert_eq!(of(&["a", "b"]), "\n  its log ends:\n    a\n    b");
    }
}
