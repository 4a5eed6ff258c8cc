//! A CSV of image-level labels: one column with the image's name, one column of 0 and 1 per label, and, if
//! the spec names it, one with the part.
//!
//! The delimiter is whichever of comma, semicolon and tab occurs most often in the header outside quotes;
//! the comma where none does. A byte order mark and either kind of line end are passed over. A positive is
//! `1`, `1.0` or `true`, a negative `0`, `0.0` or `false`. An image's id is its position among the
//! images sorted by `file_name`, so that the order of lines means nothing.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Seek};
use std::path::Path;

use csv::StringRecord;

use super::faults::{Faults, ImportError};
use super::imported::Imported;
use super::names::{self, ImageName};
use super::notice::{Notice, NoticeKind, listed};
use crate::tables::rows::{ImageRow, LabelTable, Part, SplitRow};

/// Reads the CSV at `path`. `part_column` may be empty: no parts are given then.
///
/// # Errors
/// Where it cannot be read, a column is missing or repeated, or a line does not fit: all such lines together.
pub fn import(path: &Path, image_column: &str, part_column: &str) -> Result<Imported, ImportError> {
    let io = |source| ImportError::Io { what: "labels", path: path.to_owned(), source };
    let mut file = BufReader::new(File::open(path).map_err(io)?);
    if file.fill_buf().map_err(io)?.starts_with(b"\xef\xbb\xbf") {
        file.consume(3);
    }
    let start = file.stream_position().map_err(io)?;
    let mut first = Vec::new();
    while first.iter().all(u8::is_ascii_whitespace) {
        first.clear();
        if file.read_until(b'\n', &mut first).map_err(io)? == 0 {
            return Err(ImportError::Empty { path: path.to_owned(), what: "columns" });
        }
    }
    file.seek(std::io::SeekFrom::Start(start)).map_err(io)?;

    // Lines of another length are read too, so that all of them can be named.
    let mut lines = csv::ReaderBuilder::new().delimiter(delimiter(&first)).flexible(true).from_reader(file);
    let header = lines.headers().map_err(|error| syntax(path, &error))?.clone();
    let columns = Columns::find(path, &header, image_column, part_column)?;

    let mut faults = Faults::default();
    columns.check(&mut faults);
    let mut rows = Vec::new();
    for line in lines.records() {
        let line = line.map_err(|error| syntax(path, &error))?;
        rows.extend(columns.row(&line, &mut faults));
    }
    check_repeats(&rows, &mut faults);
    faults.check(path)?;
    if rows.is_empty() {
        return Err(ImportError::Empty { path: path.to_owned(), what: "images" });
    }
    Ok(columns.tables(rows))
}

/// Where the columns are.
struct Columns {
    names: Vec<String>,
    image_idx: usize,
    part_idx: Option<usize>,
    /// All others.
    label_idxs: Vec<usize>,
}

/// One line.
struct Row {
    line: u64,
    name: ImageName,
    positives: Vec<bool>,
    part: Option<Part>,
}

impl Columns {
    fn find(path: &Path, header: &StringRecord, image: &str, part: &str) -> Result<Self, ImportError> {
        let names: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
        let place = |column: &str| {
            names.iter().position(|name| name == column).ok_or_else(|| ImportError::NoColumn {
                path: path.to_owned(),
                column: column.to_owned(),
                found: listed(&names, names.len()),
            })
        };
        let image_idx = place(image)?;
        let part_idx = if part.is_empty() { None } else { Some(place(part)?) };
        let label_idxs: Vec<usize> =
            (0..names.len()).filter(|&idx| idx != image_idx && Some(idx) != part_idx).collect();
        if label_idxs.is_empty() {
            return Err(ImportError::Empty { path: path.to_owned(), what: "column of a label" });
        }
        Ok(Columns { names, image_idx, part_idx, label_idxs })
    }

    fn check(&self, faults: &mut Faults) {
        for (idx, name) in self.names.iter().enumerate() {
            if name.is_empty() {
                faults.add("columns without a name", idx + 1);
            } else if let Some(first) = self.names[..idx].iter().position(|other| other == name) {
                let places = format_args!("{name} (columns {} and {})", first + 1, idx + 1);
                faults.add("columns that occur more than once", places);
            }
        }
        if self.label_idxs.iter().any(|&idx| self.names[idx] == "image_id") {
            faults.add("labels with the name of a column of the label table", "image_id");
        }
    }

    fn row(&self, line: &StringRecord, faults: &mut Faults) -> Option<Row> {
        let number = line.position().map_or(0, csv::Position::line);
        if line.len() != self.names.len() {
            let (found, expected) = (line.len(), self.names.len());
            let what = "lines with too few or too many fields";
            faults.add(what, format_args!("line {number} ({found}, expected {expected})"));
            return None;
        }
        let name = match names::parse(line[self.image_idx].trim()) {
            Ok(name) => name,
            Err(error) => {
                let name = &line[self.image_idx];
                faults.add(names::UNUSABLE, format_args!("line {number} ({name} {error})"));
                return None;
            }
        };
        let mut positives = Vec::with_capacity(self.label_idxs.len());
        for &idx in &self.label_idxs {
            positives.push(flag(&line[idx]).unwrap_or_else(|| {
                let place = format_args!("line {number} column {} ({})", self.names[idx], &line[idx]);
                faults.add("labels that are not 0 or 1", place);
                false
            }));
        }
        let part = self.part_idx.map(|idx| {
            part(&line[idx]).unwrap_or_else(|| {
                let place = format_args!("line {number} ({})", &line[idx]);
                faults.add("parts that are not train, val or test", place);
                Part::Train
            })
        });
        Some(Row { line: number, name, positives, part })
    }

    fn tables(&self, mut rows: Vec<Row>) -> Imported {
        rows.sort_by(|a, b| a.name.file_name.cmp(&b.name.file_name));
        let labels = self.label_idxs.iter().map(|&idx| self.names[idx].clone()).collect();
        let mut table = LabelTable { labels, ..LabelTable::default() };
        let (mut images, mut parts) = (Vec::with_capacity(rows.len()), Vec::new());
        for (image_id, row) in (0..).zip(rows) {
            table.image_ids.push(image_id);
            table.positives.extend(row.positives);
            parts.extend(row.part.map(|part| SplitRow { image_id, fold: 0, part }));
            images.push(ImageRow {
                image_id,
                file_name: row.name.file_name,
                path: row.name.path,
                width: 0,
                height: 0,
                digest: String::new(),
                url: None,
                url_small: None,
            });
        }
        let renamed = self.renamed();
        let what = "columns that look like repeated ones, renamed by pandas";
        let notices = (!renamed.is_empty())
            .then(|| Notice::about(NoticeKind::ColumnsRepeated, what, &renamed))
            .into_iter()
            .collect();
        Imported {
            images,
            labels_given: Some(table),
            parts_given: self.part_idx.map(|_| parts),
            notices,
            ..Imported::default()
        }
    }

    /// Labels such as `Bottle.1` beside `Bottle`.
    fn renamed(&self) -> Vec<&String> {
        let numbered = |name: &&String| {
            name.rsplit_once('.').is_some_and(|(stem, number)| {
                number.parse::<u32>().is_ok() && self.names.iter().any(|other| other == stem)
            })
        };
        self.names.iter().filter(numbered).collect()
    }
}

fn check_repeats(rows: &[Row], faults: &mut Faults) {
    let mut first_lines = BTreeMap::new();
    for row in rows {
        if let Some(first) = first_lines.insert(&row.name.file_name, row) {
            let (name, lines) = (&row.name.path, [first.line, row.line]);
            if first.name.path == *name {
                let place = format_args!("{name} (lines {} and {})", lines[0], lines[1]);
                faults.add("images that occur more than once", place);
            } else {
                let place =
                    format_args!("{} and {name} (lines {} and {})", first.name.path, lines[0], lines[1]);
                faults.add(names::COLLISION, place);
            }
        }
    }
}

fn delimiter(header: &[u8]) -> u8 {
    let mut quoted = false;
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    for &byte in header {
        quoted ^= byte == b'"';
        if let Some((_, count)) = counts.iter_mut().find(|(delimiter, _)| *delimiter == byte && !quoted) {
            *count += 1;
        }
    }
    // Of several with the same count the first one wins.
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(delimiter, _)| *delimiter)
}

fn flag(text: &str) -> Option<bool> {
    match text.trim() {
        "1" | "1.0" => Some(true),
        "0" | "0.0" => Some(false),
        word if word.eq_ignore_ascii_case("true") => Some(true),
        word if word.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn part(text: &str) -> Option<Part> {
    [Part::Train, Part::Val, Part::Test].into_iter().find(|part| part.as_str() == text.trim())
}

fn syntax(path: &Path, error: &csv::Error) -> ImportError {
    let line = error.position().map_or(0, |position| position.line() as usize);
    let problem = match error.kind() {
        csv::ErrorKind::Utf8 { err, .. } => format!("field {} is not UTF-8", err.field() + 1),
        _ => error.to_string(),
    };
    ImportError::Syntax { path: path.to_owned(), line, column: 0, problem, near: String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: impl AsRef<[u8]>, part_column: &str) -> Result<Imported, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("labels.csv");
        std::fs::write(&path, text).unwrap();
        let place = format!("{}/", dir.path().display());
        import(&path, "file_name", part_column).map_err(|error| error.to_string().replace(&place, ""))
    }

    #[test]
    fn any_common_dialect_gives_the_same_tables() {
        let plain = read("file_name,a b,c\nx/2.JPG,1,0\n1.png,0,1\n", "").unwrap();
        assert_eq!(plain.images[0].file_name, "1.png");
        assert_eq!((plain.images[1].path.as_str(), plain.images[1].image_id), ("x/2.JPG", 1));
        let labels = plain.labels_given.clone().unwrap();
        assert_eq!(labels.labels, ["a b", "c"]);
        assert_eq!(labels.positives, [false, true, true, false]);
        for text in [
            "\u{feff}file_name;a b;c\r\nx/2.JPG;1;0\r\n1.png;0;1",
            "file_name\ta b\tc\nx/2.JPG\ttrue\tFalse\n1.png\t0.0\t1.0\n",
            "\nfile_name,a b,c\nx/2.JPG,1,0\n1.png,0,1\n",
            "\"file_name\",\"a b\", c\n\"x/2.JPG\", 1 ,0\n\n1.png,0,1\n",
            "file_name,a b,c\n1.png,0,1\nx/2.JPG,1,0\n",
        ] {
            assert_eq!(read(text, "").unwrap(), plain, "{text}");
        }
    }

    #[test]
    fn parts_are_read() {
        let imported = read("part,file_name,a\ntest,1.jpg,1\ntrain,0.jpg,0\n", "part").unwrap();
        let parts: Vec<_> = imported.parts_given.unwrap().iter().map(|row| row.part).collect();
        assert_eq!(parts, [Part::Train, Part::Test]);
        assert_eq!(imported.labels_given.unwrap().labels, ["a"]);
    }

    #[test]
    fn bad_files_are_named_with_their_lines() {
        for (text, message) in [
            ("", "`labels.csv` has no columns"),
            ("\n\n", "`labels.csv` has no columns"),
            ("file_name,a\n", "`labels.csv` has no images"),
            ("file_name\n1.jpg\n", "`labels.csv` has no column of a label"),
            ("image,a\n1.jpg,1\n", "`labels.csv` has no column `file_name`, found `image`, `a`"),
            (
                "file_name,a,a\n1.jpg,1,0\n",
                "`labels.csv` has 1 fault\n  columns that occur more than once: `a (columns 2 and 3)`",
            ),
            ("file_name,,a\n1.jpg,1,0\n", "`labels.csv` has 1 fault\n  columns without a name: `2`"),
            (
                "file_name,image_id\n1.jpg,1\n",
                "`labels.csv` has 1 fault\n  labels with the name of a column of the label table: `image_id`",
            ),
            (
                "file_name,a\n1.jpg,1\n2.jpg\n3.jpg,1,0\n",
                "`labels.csv` has 2 faults\n  lines with too few or too many fields: \
                 `line 3 (1, expected 2)`, `line 4 (3, expected 2)`",
            ),
            (
                "file_name,a\n1.jpg,2\n2.jpg,\n3.jpg,yes\n",
                "`labels.csv` has 3 faults\n  labels that are not 0 or 1: \
                 `line 2 column a (2)`, `line 3 column a ()`, `line 4 column a (yes)`",
            ),
            (
                "file_name,a\n1.jpg,1\n1.jpg,0\n",
                "`labels.csv` has 1 fault\n  images that occur more than once: `1.jpg (lines 2 and 3)`",
            ),
            (
                "file_name,a\nA/1.jpg,1\na_1.jpg,0\n",
                "`labels.csv` has 1 fault\n  images with the same name in lower case: \
                 `A/1.jpg and a_1.jpg (lines 2 and 3)`",
            ),
            (
                "file_name,a\n../1.jpg,1\n,0\n",
                "`labels.csv` has 2 faults\n  images whose name cannot be used: \
                 `line 2 (../1.jpg climbs out of the images folder)`, `line 3 ( is empty)`",
            ),
            (
                "file_name,a\n\"1.jpg,1\n2.jpg,0\n",
                "`labels.csv` has 1 fault\n  lines with too few or too many fields: `line 2 (1, expected 2)`",
            ),
        ] {
            assert_eq!(read(text, "").unwrap_err(), message, "{text}");
        }
        let error = read(b"file_name,a\n\xff.jpg,1\n", "").unwrap_err();
        assert_eq!(error, "cannot read `labels.csv`, line 2, column 0: field 1 is not UTF-8");
        let error = read("file_name,part\n1.jpg,dev\n", "part").unwrap_err();
        assert_eq!(error, "`labels.csv` has no column of a label");
        let error = read("file_name,part,a\n1.jpg,dev,1\n", "part").unwrap_err();
        assert_eq!(
            error,
            "`labels.csv` has 1 fault\n  parts that are not train, val or test: `line 2 (dev)`"
        );
    }

    #[test]
    fn many_faults_are_counted() {
        let text: String = (0..30).map(|i| format!("{i}.jpg,7\n")).collect();
        let error = read(format!("file_name,a\n{text}"), "").unwrap_err();
        assert!(error.contains("has 30 faults") && error.ends_with("and 20 more"), "{error}");
    }

    #[test]
    fn columns_that_pandas_renamed_are_noticed() {
        let imported = read("file_name,Bottle,Bottle.1,Can\n1.jpg,1,0,0\n", "").unwrap();
        assert_eq!(imported.notices[0].kind, NoticeKind::ColumnsRepeated);
        assert!(imported.notices[0].message.ends_with("`Bottle.1`"));
    }
}
