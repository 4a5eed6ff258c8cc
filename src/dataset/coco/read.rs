//! The bytes of a COCO file to its records, with the place of whatever is wrong.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use serde::Deserialize;

use super::records::Root;
use crate::dataset::faults::ImportError;

/// Bytes that are read at once.
const BUFFER_BYTES: usize = 1 << 20;
/// Bytes before a fault that an error shows.
const NEAR_BYTES: usize = 40;

/// Reads the whole file as one COCO object; its text is never in memory as a whole.
pub(super) fn root(path: &Path) -> Result<Root, ImportError> {
    let io = |source| ImportError::Io { what: "annotations", path: path.to_owned(), source };
    let file = File::open(path).map_err(io)?;
    let before = file.metadata().map_err(io)?;
    let mut reader = BufReader::with_capacity(BUFFER_BYTES, file);
    // Some programs begin JSON with a byte order mark, which JSON does not know.
    let mark = reader.fill_buf().map_err(io)?.starts_with(b"\xef\xbb\xbf");
    if mark {
        reader.consume(3);
    }
    let mut json = serde_json::Deserializer::from_reader(&mut reader);
    let root = Root::deserialize(&mut json).and_then(|root| json.end().map(|()| root));

    let after = std::fs::metadata(path).map_err(io)?;
    let times = before.modified().ok() == after.modified().ok();
    if !times || before.len() != after.len() {
        return Err(ImportError::Changed { path: path.to_owned() });
    }
    root.map_err(|error| match error.classify() {
        serde_json::error::Category::Io => io(error.into()),
        _ => syntax(path, &error, mark),
    })
}

fn syntax(path: &Path, error: &serde_json::Error, mark: bool) -> ImportError {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let problem = text.rsplit_once(" at line ").map_or(text.as_str(), |(problem, _)| problem).to_owned();
    let shift = if mark && line == 1 { 3 } else { 0 };
    // Without the text around it the place says little: many COCO files are one line.
    let near = before(path, line, column + shift).unwrap_or_default();
    let near = if near.is_empty() { near } else { format!(", after `{near}`") };
    ImportError::Syntax { path: path.to_owned(), line, column, problem, near }
}

/// The text that ends at this place.
fn before(path: &Path, line: usize, column: usize) -> std::io::Result<String> {
    let mut reader = BufReader::with_capacity(BUFFER_BYTES, File::open(path)?);
    let mut start = 0;
    for _ in 1..line {
        start += reader.skip_until(b'\n')? as u64;
    }
    let shown = column.min(NEAR_BYTES);
    reader.seek(SeekFrom::Start(start + (column - shown) as u64))?;
    let mut bytes = vec![0; shown];
    reader.read_exact(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
}
