//! The bytes of a COCO file to its records, with the place of whatever is wrong.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use serde::Deserialize;

use super::quick::{self, Stop};
use super::records::Root;
use crate::dataset::faults::ImportError;
use crate::dataset::unchanged::Unchanged;

/// Bytes that are read at once.
const BUFFER_BYTES: usize = 1 << 20;
/// Bytes before a fault that an error shows.
const NEAR_BYTES: usize = 40;
/// Bytes among which a file shows what it is.
const FIRST_BYTES: u64 = 4096;
/// What has NUL bytes where text would have letters.
const UTF16: &str = "UTF-16 or no text at all";
/// serde_json's words, and those of people who know data rather than Rust.
const WORDS: [(&str, &str); 6] = [
    ("EOF while parsing", "the file ends within"),
    ("expected value", "expected a value; JSON knows neither NaN nor Infinity"),
    ("expected f64", "expected a number"),
    ("expected a sequence", "expected a list"),
    ("expected an array of length", "expected a list of length"),
    ("invalid unicode code point", "bytes that are not UTF-8"),
];
/// Some programs begin JSON with a byte order mark, which JSON does not know.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads the whole file as one COCO object; its text is never in memory as a whole.
pub(super) fn root(path: &Path) -> Result<Root, ImportError> {
    let io = |source| ImportError::Io { what: "annotations", path: path.to_owned(), source };
    let (mut file, unchanged) = Unchanged::open(path, "annotations")?;
    let start = mark(&mut file).map_err(io)?;
    let root = match start {
        Start::Other(found) => {
            let expected = if found == UTF16 { "UTF-8" } else { "COCO JSON, which begins with `{`" };
            Err(ImportError::Other { path: path.to_owned(), found, expected })
        }
        Start::Text(start) => match quick::root(&file) {
            Ok(root) => Ok(root),
            Err(Stop::Io(error)) => Err(io(error)),
            Err(Stop::Unexpected) => {
                file.seek(SeekFrom::Start(start)).map_err(io)?;
                slow(path, file, start as usize)
            }
        },
    };
    unchanged.check()?;
    root
}

/// How a file begins.
enum Start {
    /// As no COCO file does.
    Other(&'static str),
    /// With its text at this place.
    Text(u64),
}

/// Looks at the beginning and goes past a byte order mark.
fn mark(file: &mut File) -> io::Result<Start> {
    let mut first = Vec::new();
    file.by_ref().take(FIRST_BYTES).read_to_end(&mut first)?;
    if first.starts_with(b"\xff\xfe")
        || first.starts_with(b"\xfe\xff")
        || first.iter().take(4).any(|b| *b == 0)
    {
        return Ok(Start::Other(UTF16));
    }
    let start = if first.starts_with(MARK) { MARK.len() } else { 0 };
    // A list or a number would be taken for records without names, or give a fault about a type.
    match first[start..].iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => {}
        None if first.len() as u64 == FIRST_BYTES => {}
        None => return Ok(Start::Other("empty")),
        Some(_) => return Ok(Start::Other("another kind of file")),
    }
    file.seek(SeekFrom::Start(start as u64))?;
    Ok(Start::Text(start as u64))
}

/// Reads byte by byte, with lines and columns, from behind `mark` bytes.
fn slow(path: &Path, file: impl Read, mark: usize) -> Result<Root, ImportError> {
    let mut json = serde_json::Deserializer::from_reader(BufReader::with_capacity(BUFFER_BYTES, file));
    let root = Root::deserialize(&mut json).and_then(|root| json.end().map(|()| root));
    root.map_err(|error| match error.classify() {
        serde_json::error::Category::Io => {
            ImportError::Io { what: "annotations", path: path.to_owned(), source: error.into() }
        }
        _ => syntax(path, &error, mark),
    })
}

fn syntax(path: &Path, error: &serde_json::Error, mark: usize) -> ImportError {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let problem = text.rsplit_once(" at line ").map_or(text.as_str(), |(problem, _)| problem);
    let problem =
        WORDS.iter().fold(problem.to_owned(), |problem, (theirs, ours)| problem.replace(theirs, ours));
    let shift = if line == 1 { mark } else { 0 };
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SOUND: &str = r#" {"info": {"year": 2017, "text": "a \"]}, b"}, "images": [
        {"id": 1, "width": 4, "height": 5.0, "file_name": "a\u00e9.jpg", "coco_url": null}, {"id":2,"width":1,"height":1,"file_name":"b"}],
        "licenses": [[], [1, {"x": "}"}], null], "annotations": [
        {"id": 7, "image_id": 1, "category_id": 0, "bbox": [0, 1.5, 2e0, 3], "segmentation": [[1, 2.25, 3, 4], []], "iscrowd": true},
        {"id": 8, "image_id": 2, "category_id": 0, "bbox": [0, 0, 1, 1], "segmentation": {"counts": "01", "size": [1, 1]}, "area": 1}
        ], "categories": [{"id": 0, "name": "Can", "supercategory": "Metal"}], "scene_annotations": [ ] , "other": -1.5e3 } "#;

    fn both(text: &[u8]) -> (Option<Root>, Option<Root>) {
        let slow = slow(Path::new("x"), text, 0).ok();
        (quick::root(text).ok(), slow)
    }

    #[test]
    fn the_quick_way_reads_what_the_slow_one_does() {
        let (quick, slow) = both(SOUND.as_bytes());
        assert!(quick.is_some());
        assert_eq!(quick, slow);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// The quick way may give up where the slow one goes on, but never the other way round.
        #[test]
        fn the_quick_way_accepts_nothing_more(
            place in 0..SOUND.len(),
            drop in 0..3_usize,
            put in "[\\[\\]{}:,\"\\\\ 0-9a-z.\u{80}-\u{ff}-]{0,3}",
            cut in proptest::bool::weighted(0.1),
        ) {
            let mut text = SOUND.as_bytes().to_vec();
            let end = (place + drop).min(text.len());
            text.splice(place..end, put.bytes());
            if cut {
                text.truncate(place);
            }
            if let (Some(quick), slow) = both(&text) {
                prop_assert_eq!(Some(quick), slow);
            }
        }
    }
}
