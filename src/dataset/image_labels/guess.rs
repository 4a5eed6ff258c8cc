//! What the columns of a CSV most likely are: for a first spec of a file that nobody has described yet.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufReader, Seek, SeekFrom};
use std::path::Path;

use super::super::faults::ImportError;
use super::cells::Cell;
use super::csv::{header, sniff, syntax};

/// Lines that are looked at.
const LINES: usize = 2_000;

/// The share of cells that must be what their column is taken for.
const MOST: f64 = 0.95;

/// How files of pictures end.
const PICTURES: [&str; 9] = [".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif"];

/// What people call the one column of labels, the likeliest first.
const LABEL_COLUMNS: [&str; 8] =
    ["labels", "label", "class", "classes", "category", "categories", "tags", "target"];

/// What stands between labels of one cell, the likeliest first.
const SEPARATORS: [&str; 3] = ["|", ";", ","];

/// A CSV as it seems to be laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guess {
    /// The column with the image's name.
    pub image_column: String,
    /// The column with the parts; empty: there is none.
    pub part_column: String,
    /// The one column with all labels; empty: a column for each.
    pub label_column: String,
    /// What stands between two labels of that column.
    pub separator: String,
    /// The names of the first images, at most a hundred.
    pub names: Vec<String>,
}

/// Why a CSV cannot be made sense of.
#[derive(Debug, thiserror::Error)]
pub enum GuessError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ImportError),
    /// No column names images.
    #[error("no column of `{file}` holds names of pictures such as `a.jpg`; its columns are {columns}")]
    NoImages {
        /// The file.
        file: String,
        /// The columns, listed.
        columns: String,
    },
    /// There is nothing in it.
    #[error("`{file}` is empty, expected a header and a line for each image")]
    Empty {
        /// The file.
        file: String,
    },
    /// It has names of images, and nothing else.
    #[error("`{file}` has no column beside the names of images: there is nothing to learn")]
    NamesOnly {
        /// The file.
        file: String,
    },
    /// No column holds labels.
    #[error(
        "no column of `{file}` is called `label`, `class` or the like, and these hold more than 0 and 1, as columns that are labels may \
         not: {others} (pandas leaves its index out with `index=False`)"
    )]
    NoLabels {
        /// The file.
        file: String,
        /// The columns in the way, listed.
        others: String,
    },
}

/// Looks at the first lines of a CSV.
///
/// # Errors
/// Where it cannot be read, or no sense be made of its columns.
pub fn guess(path: &Path) -> Result<Guess, GuessError> {
    let io = |source| ImportError::Io { what: "labels", path: path.to_owned(), source };
    let mut file = BufReader::new(File::open(path).map_err(io)?);
    let first = header(&mut file).map_err(io)?;
    let first = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&first);
    let delimiter = sniff(first);
    file.seek(SeekFrom::Start(0)).map_err(io)?;
    let mut lines = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(file);
    let head = lines.headers().map_err(|error| syntax(path, error))?.clone();
    let mut columns: Vec<Column> =
        head.iter().map(|name| Column::new(name.trim_start_matches('\u{feff}').trim())).collect();
    for line in lines.records().take(LINES) {
        let line = line.map_err(|error| syntax(path, error))?;
        columns.iter_mut().zip(&line).for_each(|(column, cell)| column.add(cell.trim()));
    }
    told(path, &columns)
}

/// One column, and what its cells could be.
#[derive(Clone, Debug, Default)]
struct Column {
    name: String,
    cells: Vec<String>,
}

impl Column {
    fn new(name: &str) -> Self {
        Column { name: name.to_owned(), cells: Vec::new() }
    }

    fn add(&mut self, cell: &str) {
        if !cell.is_empty() {
            self.cells.push(cell.to_owned());
        }
    }

    fn share(&self, is: impl Fn(&str) -> bool) -> f64 {
        self.cells.iter().filter(|cell| is(cell)).count() as f64 / self.cells.len().max(1) as f64
    }

    fn names_pictures(&self) -> bool {
        self.share(|cell| {
            let cell = cell.to_ascii_lowercase();
            PICTURES.iter().any(|end| cell.ends_with(end))
        }) >= MOST
    }

    fn holds_flags(&self) -> bool {
        self.share(|cell| Cell::Text(cell).flag().is_some()) == 1.0
    }

    fn holds_parts(&self) -> bool {
        self.share(|cell| Cell::Text(cell).part().is_some()) == 1.0
    }

    fn kinds(&self) -> HashSet<&str> {
        self.cells.iter().map(String::as_str).collect()
    }
}

fn told(path: &Path, columns: &[Column]) -> Result<Guess, GuessError> {
    let file = path.display().to_string();
    let listed = |columns: &[&Column]| {
        columns.iter().map(|column| format!("`{}`", column.name)).collect::<Vec<_>>().join(", ")
    };
    let filled: Vec<&Column> = columns.iter().filter(|column| !column.cells.is_empty()).collect();
    // Of several, the one that tells images apart best: a URL and a thumbnail may name pictures too.
    let images = filled.iter().filter(|column| column.names_pictures()).max_by_key(|column| {
        let is_url = column.share(|cell| cell.contains("://")) > 0.0;
        (!is_url, column.kinds().len())
    });
    if columns.is_empty() {
        return Err(GuessError::Empty { file });
    }
    let Some(image) = images else {
        return Err(GuessError::NoImages { file, columns: listed(&columns.iter().collect::<Vec<_>>()) });
    };
    let part = filled.iter().find(|column| column.holds_parts());
    let is_used =
        |column: &&&Column| column.name == image.name || part.is_some_and(|part| part.name == column.name);
    let rest: Vec<&Column> = filled.iter().filter(|column| !is_used(column)).copied().collect();
    let others: Vec<&Column> = rest.iter().filter(|column| !column.holds_flags()).copied().collect();
    let mut guess = Guess {
        image_column: image.name.clone(),
        part_column: part.map(|part| part.name.clone()).unwrap_or_default(),
        label_column: String::new(),
        separator: "|".to_owned(),
        names: image.cells.iter().take(100).cloned().collect(),
    };
    if rest.is_empty() {
        return Err(GuessError::NamesOnly { file });
    }
    if !others.is_empty() {
        let called = |name: &str| others.iter().find(|column| column.name.eq_ignore_ascii_case(name));
        let Some(column) = LABEL_COLUMNS.iter().find_map(|name| called(name)) else {
            return Err(GuessError::NoLabels { file, others: listed(&others) });
        };
        guess.label_column = column.name.clone();
        // Pieces come back in other cells, which whole names with a comma in them do not.
        let splits = |separator: &&&str| {
            let pieces = |cell: &str| cell.split(**separator).count();
            let n_pieces: usize = column.cells.iter().map(|cell| pieces(cell)).sum();
            let kinds: HashSet<&str> =
                column.cells.iter().flat_map(|cell| cell.split(**separator)).map(str::trim).collect();
            n_pieces > column.cells.len() && kinds.len() < column.kinds().len().max(3)
        };
        let separator = SEPARATORS.iter().find(splits);
        guess.separator = separator.unwrap_or(&SEPARATORS[0]).to_string();
    }
    Ok(guess)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Guess, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        std::fs::write(&path, text).unwrap();
        guess(&path).map_err(|error| error.to_string())
    }

    fn layout(text: &str) -> [String; 4] {
        let Guess { image_column, part_column, label_column, separator, .. } = of(text).unwrap();
        [image_column, part_column, label_column, separator]
    }

    #[test]
    fn usual_tables_are_understood() {
        assert_eq!(layout("file,glass,metal\na.JPG,1,0\nb.png,0,1\n"), ["file", "", "", "|"]);
        assert_eq!(
            layout("\u{feff}image;split;cat;dog\na.jpg;train;0;1\nb.jpg;test;1;1\n"),
            ["image", "split", "", "|"]
        );
        assert_eq!(layout("id,path,labels\n7,x/a.jpg,cat|dog\n8,x/b.jpg,\n"), ["path", "", "labels", "|"]);
        assert_eq!(
            layout("url,name,Class\nhttp://h/1.jpg,1.jpg,cat; dog\nhttp://h/2.jpg,2.jpg,cat\n"),
            ["name", "", "Class", ";"]
        );
        assert_eq!(of("file,a\nx.png,1\n").unwrap().names, ["x.png"]);
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        assert!(of("a,b\n1,2\n").unwrap_err().contains("its columns are `a`, `b`"));
        let error = of("file,width,cat\nx.png,640,1\ny.png,480,0\n").unwrap_err();
        assert!(error.contains("as columns that are labels may not: `width` (pandas"), "{error}");
        assert!(of("").unwrap_err().contains("is empty"));
        assert!(of("file\nx.png\n").unwrap_err().contains("no column beside the names"));
    }

    #[test]
    fn a_comma_within_a_name_separates_nothing() {
        let text = "file,label\na.jpg,\"Glass, clear\"\nb.jpg,\"Glass, clear\"\nc.jpg,Metal\nd.jpg,Paper\n";
        assert_eq!(layout(text)[3], "|");
        let text = "file,label\na.jpg,\"cat, dog\"\nb.jpg,cat\nc.jpg,dog\nd.jpg,\"dog, cow\"\n";
        assert_eq!(layout(text)[3], ",");
    }
}
