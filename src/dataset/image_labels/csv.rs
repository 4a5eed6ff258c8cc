//! A CSV or TSV of image-level labels, read line by line.
//!
//! Where the spec does not name the delimiter, it is whichever of comma, semicolon, tab and `|` occurs most often
//! in the header outside quotes; the comma where none does. A byte order mark and any kind of line end are passed
//! over.

use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::super::faults::{FaultKind, ImportError};
use super::super::imported::Imported;
use super::super::unchanged::Unchanged;
use super::Layout;
use super::cells::Cell;
use super::columns::Columns;
use super::rows::Rows;

const RAGGED: FaultKind = FaultKind {
    what: "lines with too few or too many fields",
    help: "put fields that hold the delimiter or a line end between `\"`, and close each `\"`; the delimiter can be \
           given by `delimiter` in `[dataset]`",
};

/// Bytes among which the header must end.
const HEADER_BYTES: u64 = 1 << 20;
/// What stands between fields where the spec does not say it; of several that are as frequent, the first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Reads the CSV at `path`; without a `delimiter` it is told from the header.
///
/// # Errors
/// Where it cannot be read, a column is missing or repeated, or a line does not fit: all such lines together.
pub fn import(path: &Path, delimiter: Option<char>, layout: &Layout) -> Result<Imported, ImportError> {
    let (file, unchanged) = Unchanged::open(path, "labels")?;
    let imported = read(path, file, delimiter, layout);
    unchanged.check()?;
    imported
}

fn read(
    path: &Path,
    file: impl Read + Seek,
    delimiter: Option<char>,
    layout: &Layout,
) -> Result<Imported, ImportError> {
    let io = |source| ImportError::Io { what: "labels", path: path.to_owned(), source };
    let mut file = BufReader::new(file);
    let start = file.fill_buf().map_err(io)?;
    let other = |found, expected| ImportError::Other { path: path.to_owned(), found, expected };
    let marked = start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff");
    if marked || start.iter().take(4).any(|byte| *byte == 0) {
        return Err(other("UTF-16 or no text at all", "UTF-8"));
    }
    if start.starts_with(b"\xef\xbb\xbf") {
        file.consume(3);
    }
    let start = file.stream_position().map_err(io)?;
    let header = header(&mut file).map_err(io)?;
    if header.is_empty() {
        return Err(other("empty", "a table with a header and a line for each image"));
    }
    let delimiter = delimiter.and_then(|c| u8::try_from(c).ok()).unwrap_or_else(|| sniff(&header));
    file.seek(SeekFrom::Start(start)).map_err(io)?;

    // Lines of another length are read too, so that all of them can be named.
    let mut lines = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(file);
    let header = lines.headers().map_err(|error| syntax(path, error))?;
    let names = header.iter().map(|name| name.trim().to_owned()).collect();
    let columns = Columns::find(path, names, layout)?;
    let mut rows = Rows::new(&columns, "line");
    let mut line = csv::StringRecord::new();
    while lines.read_record(&mut line).map_err(|error| syntax(path, error))? {
        let number = line.position().map_or(0, csv::Position::line);
        if line.len() == columns.names.len() {
            rows.add(number, |idx| Cell::Text(&line[idx]));
        } else {
            let (found, expected) = (line.len(), columns.names.len());
            rows.faults.add(&RAGGED, format_args!("line {number} ({found}, expected {expected})"));
        }
    }
    rows.finish(path)
}

/// The first line that is not blank; empty where there is none.
pub(super) fn header(file: &mut impl BufRead) -> std::io::Result<Vec<u8>> {
    let mut file = file.take(HEADER_BYTES);
    let mut line = Vec::new();
    while line.iter().all(u8::is_ascii_whitespace) {
        line.clear();
        if file.read_until(b'\n', &mut line)? == 0 {
            break;
        }
    }
    Ok(line)
}

pub(super) fn sniff(header: &[u8]) -> u8 {
    let mut quoted = false;
    let mut counts = DELIMITERS.map(|delimiter| (delimiter, 0));
    for &byte in header {
        quoted ^= byte == b'"';
        if let Some((_, count)) = counts.iter_mut().find(|(delimiter, _)| *delimiter == byte && !quoted) {
            *count += 1;
        }
    }
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(delimiter, _)| *delimiter)
}

pub(super) fn syntax(path: &Path, error: csv::Error) -> ImportError {
    let line = error.position().map_or(0, csv::Position::line);
    let problem = match error.kind() {
        csv::ErrorKind::Utf8 { err, .. } => format!("field {} is not UTF-8", err.field() + 1),
        _ => error.to_string(),
    };
    match error.into_kind() {
        csv::ErrorKind::Io(source) => ImportError::Io { what: "labels", path: path.to_owned(), source },
        _ => ImportError::Line { path: path.to_owned(), line, problem },
    }
}

#[cfg(test)]
mod tests {
    use super::super::LabelLayout;
    use super::*;
    use crate::dataset::NoticeKind;
    use crate::tables::rows::{CaptureRow, Part};

    fn layout(part: &str, labels: Option<(&str, &str)>) -> Layout {
        let labels = labels.map_or(LabelLayout::Columns, |(column, separator)| LabelLayout::Separated {
            column: column.into(),
            separator: separator.into(),
        });
        Layout { image: "file_name".into(), part: part.into(), capture: String::new(), labels }
    }

    fn read_with(
        text: impl AsRef<[u8]>,
        delimiter: Option<char>,
        layout: &Layout,
    ) -> Result<Imported, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("labels.csv");
        std::fs::write(&path, text).unwrap();
        let place = format!("{}/", dir.path().display());
        import(&path, delimiter, layout).map_err(|error| error.to_string().replace(&place, ""))
    }

    fn read(text: impl AsRef<[u8]>, part_column: &str) -> Result<Imported, String> {
        read_with(text, None, &layout(part_column, None))
    }

    #[test]
    fn captures_are_read_and_are_no_label() {
        let layout = |capture: &str| Layout { capture: capture.into(), ..layout("", None) };
        let read = |capture: &str| {
            let text = "file_name,session,a\n1.jpg, s 1 ,1\n0.jpg,,0\n";
            super::read(Path::new("labels.csv"), std::io::Cursor::new(text), None, &layout(capture))
        };
        let imported = read("session").unwrap();
        let captures = imported.captures_given.unwrap();
        let of = |row: &CaptureRow| (row.image_id, row.capture.clone());
        assert_eq!(captures.iter().map(of).collect::<Vec<_>>(), [(0, "".into()), (1, "s 1".into())]);
        assert_eq!(imported.labels_given.unwrap().labels, ["a"]);
        let error = read("series").unwrap_err().to_string();
        assert!(error.ends_with("has no column `series`, found `file_name`, `session`, `a`"), "{error}");
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
            "file_name|a b|c\rx/2.JPG|1|0\r1.png|0|1\r",
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
            ("", "`labels.csv` is empty, expected a table with a header and a line for each image"),
            ("\n\n", "`labels.csv` is empty, expected a table with a header and a line for each image"),
            ("file_name,a\n", "`labels.csv` has no images"),
            ("file_name\n1.jpg\n", "`labels.csv` has no column of a label"),
            ("image,a\n1.jpg,1\n", "`labels.csv` has no column `file_name`, found `image`, `a`"),
            (
                "file_name,a,a\n1.jpg,1,0\n",
                "`labels.csv` has 1 fault\n  columns that occur more than once: `a (columns 2 and 3)`",
            ),
            ("file_name,,a\n1.jpg,1,0\n", "`labels.csv` has 1 fault\n  columns without a name: `column 2`"),
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
                 `line 2 column a (2)`, `line 3 column a (empty)`, `line 4 column a (yes)`",
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
                 `line 2 (../1.jpg climbs out of the images folder)`, `line 3 (an empty name names no file)`",
            ),
            (
                "file_name,a\n\"1.jpg,1\n2.jpg,0\n",
                "`labels.csv` has 1 fault\n  lines with too few or too many fields: `line 2 (1, expected 2)`",
            ),
        ] {
            assert_eq!(read(text, "").unwrap_err(), message, "{text}");
        }
        let error = read(b"file_name,a\n\xff.jpg,1\n", "").unwrap_err();
        assert_eq!(error, "cannot read `labels.csv`, line 2: field 1 is not UTF-8");
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

    #[test]
    fn a_delimiter_can_be_given() {
        let text = "file_name:a,b\n1.jpg:1\n";
        assert!(read(text, "").unwrap_err().contains("no column `file_name`"));
        let imported = read_with(text, Some(':'), &layout("", None)).unwrap();
        assert_eq!(imported.labels_given.unwrap().labels, ["a,b"]);
    }

    #[test]
    fn one_column_can_hold_all_labels() {
        let text = "file_name,who,labels,part\n2.jpg,me, Can | Bottle ,test\n\
                    1.jpg,,,train\n3.jpg,me,\"Can|Can|\",val\n";
        let imported = read_with(text, None, &layout("part", Some(("labels", "|")))).unwrap();
        let labels = imported.labels_given.unwrap();
        assert_eq!(labels.labels, ["Bottle", "Can"]);
        assert_eq!(labels.positives, [false, false, true, true, false, true]);
        assert_eq!(imported.parts_given.unwrap()[1].part, Part::Test);
        let notices: Vec<_> = imported.notices.iter().map(|notice| notice.message.as_str()).collect();
        assert_eq!(notices, ["labels written more than once for one image: `line 4 (Can)`"]);
    }

    #[test]
    fn the_order_of_lines_means_nothing_for_labels_in_one_column() {
        let lines = ["1.jpg,b;a", "2.jpg,c", "3.jpg,", "4.jpg,a;d"];
        let of = |order: [usize; 4]| {
            let text: String = order.iter().map(|&idx| format!("{}\n", lines[idx])).collect();
            read_with(format!("file_name,l\n{text}"), None, &layout("", Some(("l", ";")))).unwrap()
        };
        assert_eq!(of([0, 1, 2, 3]).labels_given.clone().unwrap().labels, ["a", "b", "c", "d"]);
        assert_eq!(of([3, 1, 0, 2]), of([0, 1, 2, 3]));
    }

    #[test]
    fn another_separator_in_the_cells_is_noticed() {
        let with = |separator| {
            let text = "file_name\tl\n1.jpg\ta;b\n2.jpg\tc\n";
            read_with(text, None, &layout("", Some(("l", separator)))).unwrap()
        };
        let notice = &with("|").notices[0];
        assert_eq!(notice.kind, NoticeKind::SeparatorUnused);
        assert!(notice.message.ends_with("`line 2 (a;b)`"), "{}", notice.message);
        assert!(with(";").notices.is_empty());
    }

    #[test]
    fn bad_cells_of_labels_are_named() {
        let read = |text: &str| read_with(text, None, &layout("", Some(("l", "|")))).unwrap_err();
        assert_eq!(read("file_name,l\n1.jpg,\n"), "`labels.csv` has no labels");
        assert!(read("file_name,a\n1.jpg,1\n").contains("has no column `l`, found `file_name`, `a`"));
        let error = read("file_name,l,l\n1.jpg,image_id|a\0,b\n");
        for part in ["`l (columns 2 and 3)`", "`line 2 (image_id)`", "`line 2 (a\\0)`"] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn other_encodings_are_named() {
        assert_eq!(
            read(b"\xff\xfef\0i\0".as_slice(), "").unwrap_err(),
            "`labels.csv` is UTF-16 or no text at all, expected UTF-8"
        );
        let long = read(format!("{}\n", "x".repeat(4096)), "").unwrap_err();
        assert!(long.starts_with("`labels.csv` has no column `file_name`") && long.len() < 500, "{long}");
    }

    #[test]
    fn a_file_that_is_written_to_meanwhile_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("labels.csv");
        std::fs::write(&path, "file_name,a\n1.jpg,1\n").unwrap();
        let (file, unchanged) = Unchanged::open(&path, "labels").unwrap();
        std::fs::write(&path, "file_name,a\n1.jpg,1\n2.jpg,0\n").unwrap();
        super::read(&path, file, None, &layout("", None)).unwrap();
        assert!(matches!(unchanged.check(), Err(ImportError::Changed { .. })));
    }
}
