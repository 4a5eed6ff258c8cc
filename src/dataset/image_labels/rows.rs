//! The rows of a table of labels: every cell checked, all faults kept with their places, and at the end the tables.

use std::collections::BTreeMap;
use std::path::Path;

use indexmap::IndexSet;

use super::super::faults::{FaultKind, Faults, ImportError};
use super::super::imported::Imported;
use super::super::names::{self, ImageName};
use super::super::notice::{Notice, NoticeKind, Tally};
use super::cells::Cell;
use super::columns::{Columns, LabelColumns};
use crate::tables::rows::{CaptureRow, ImageRow, LabelTable, Part, SplitRow};

const NOT_0_OR_1: FaultKind = FaultKind {
    what: "labels that are not 0 or 1",
    help: "every column beside the image's and the part's is a label and holds 0 or 1; a single column with the \
           names of the labels is named by `label_column` in `[dataset]`",
};
const NO_PART: FaultKind = FaultKind {
    what: "parts that are not train, val or test",
    help: "write `train`, `val` or `test` in the column of the part",
};
const CONTROL: FaultKind =
    FaultKind { what: "labels that hold a control character", help: "save the table again as UTF-8 text" };
const RESERVED: FaultKind = FaultKind {
    what: "labels with the name of a column of the label table",
    help: "give the label `image_id` another name",
};
const TWICE: FaultKind =
    FaultKind { what: "images that occur more than once", help: "leave one row for each image" };

/// Characters that people put between labels.
const SEPARATORS: [char; 3] = ['|', ';', ','];

/// Collects rows.
pub(super) struct Rows<'a> {
    columns: &'a Columns,
    /// What a row is called: `line` or `row`.
    unit: &'static str,
    /// The labels; complete from the start where each has its column.
    labels: IndexSet<String>,
    rows: Vec<Row>,
    /// What is wrong.
    pub faults: Faults,
    repeated: Tally,
    separated: bool,
    otherwise: Tally,
}

/// One image.
struct Row {
    number: u64,
    name: ImageName,
    /// Positions in [`Rows::labels`].
    positives: Vec<usize>,
    part: Option<Part>,
    capture: Option<String>,
}

impl<'a> Rows<'a> {
    /// None yet.
    pub fn new(columns: &'a Columns, unit: &'static str) -> Self {
        let labels = match &columns.labels {
            LabelColumns::Each(idxs) => idxs.iter().map(|&idx| columns.names[idx].clone()).collect(),
            LabelColumns::One { .. } => IndexSet::new(),
        };
        let mut faults = Faults::default();
        columns.check(&mut faults);
        Rows {
            columns,
            unit,
            labels,
            rows: Vec::new(),
            faults,
            repeated: Tally::default(),
            separated: false,
            otherwise: Tally::default(),
        }
    }

    /// Takes row `number`, counted as its unit asks; `cell` gives the cell of each column that is used.
    pub fn add<'c>(&mut self, number: u64, cell: impl Fn(usize) -> Cell<'c>) {
        let (columns, unit) = (self.columns, self.unit);
        let name = cell(columns.image_idx).text();
        let parsed = names::parse(name);
        if let Err(error) = &parsed {
            let why = names::why(name, *error);
            self.faults.add(&names::UNUSABLE, format_args!("{unit} {number} ({why})"));
        }
        let positives = match &columns.labels {
            LabelColumns::Each(idxs) => self.flags(number, idxs, &cell),
            LabelColumns::One { idx, separator } => self.names(number, &cell(*idx), separator),
        };
        let part = columns.part_idx.map(|idx| {
            cell(idx).part().unwrap_or_else(|| {
                self.faults.add(&NO_PART, format_args!("{unit} {number} ({})", cell(idx)));
                Part::Train
            })
        });
        let capture = columns.capture_idx.map(|idx| cell(idx).text().to_owned());
        self.rows.extend(parsed.ok().map(|name| Row { number, name, positives, part, capture }));
    }

    fn flags<'c>(&mut self, number: u64, idxs: &[usize], cell: &impl Fn(usize) -> Cell<'c>) -> Vec<usize> {
        let mut positives = Vec::new();
        for (label_idx, &idx) in idxs.iter().enumerate() {
            match cell(idx).flag() {
                Some(true) => positives.push(label_idx),
                Some(false) => {}
                None => {
                    let (unit, name) = (self.unit, &self.columns.names[idx]);
                    let place = format_args!("{unit} {number} column {name} ({})", cell(idx));
                    self.faults.add(&NOT_0_OR_1, place);
                }
            }
        }
        positives
    }

    fn names(&mut self, number: u64, cell: &Cell<'_>, separator: &str) -> Vec<usize> {
        let unit = self.unit;
        let mut positives = Vec::new();
        for label in cell.labels(separator) {
            if label.chars().any(char::is_control) {
                self.faults.add(&CONTROL, format_args!("{unit} {number} ({label})"));
            } else if label == "image_id" {
                self.faults.add(&RESERVED, format_args!("{unit} {number} ({label})"));
            }
            let label_idx = match self.labels.get_index_of(label) {
                Some(label_idx) => label_idx,
                None => self.labels.insert_full(label.to_owned()).0,
            };
            if positives.contains(&label_idx) {
                self.repeated.add(format_args!("{unit} {number} ({label})"));
            } else {
                positives.push(label_idx);
            }
        }
        if let Cell::Text(text) = cell {
            self.separated |= text.contains(separator);
            if !text.contains(separator) && text.contains(SEPARATORS) {
                self.otherwise.add(format_args!("{unit} {number} ({text})"));
            }
        }
        positives
    }

    /// The tables.
    ///
    /// # Errors
    /// All faults together; no rows.
    pub fn finish(mut self, path: &Path) -> Result<Imported, ImportError> {
        check_repeats(&self.rows, self.unit, &mut self.faults);
        std::mem::take(&mut self.faults).check(path)?;
        if self.rows.is_empty() {
            let help = "there must be a row for each image";
            return Err(ImportError::Empty { path: path.to_owned(), what: "images", help });
        }
        if self.labels.is_empty() {
            let help = "at least one image must have a label";
            return Err(ImportError::Empty { path: path.to_owned(), what: "labels", help });
        }
        let notices = self.notices();
        Ok(Imported { notices, ..self.tables() })
    }

    fn notices(&self) -> Vec<Notice> {
        let renamed = self.columns.renamed();
        let what = "columns that look like repeated ones, renamed by pandas";
        let renamed =
            (!renamed.is_empty()).then(|| Notice::about(NoticeKind::ColumnsRepeated, what, &renamed));
        let otherwise = if self.separated { None } else { self.separator_notice() };
        let repeated =
            self.repeated.notice(NoticeKind::LabelsRepeated, "labels written more than once for one image");
        [renamed, otherwise, repeated].into_iter().flatten().collect()
    }

    fn separator_notice(&self) -> Option<Notice> {
        let LabelColumns::One { separator, .. } = &self.columns.labels else {
            return None;
        };
        let what = format!(
            "no image has several labels: `dataset.label_separator` is `{separator}`, but other separators occur"
        );
        self.otherwise.notice(NoticeKind::SeparatorUnused, &what)
    }

    fn tables(mut self) -> Imported {
        self.rows.sort_by(|a, b| a.name.file_name.cmp(&b.name.file_name));
        // Labels from cells are met in the order of rows, which must mean nothing.
        let mut order: Vec<usize> = (0..self.labels.len()).collect();
        if let LabelColumns::One { .. } = self.columns.labels {
            order.sort_by_key(|&label_idx| &self.labels[label_idx]);
        }
        let mut place = vec![0; order.len()];
        order.iter().enumerate().for_each(|(to, &from)| place[from] = to);
        let labels: Vec<String> = order.iter().map(|&label_idx| self.labels[label_idx].clone()).collect();

        let n_labels = labels.len();
        let mut table = LabelTable { labels, ..LabelTable::default() };
        table.positives = vec![false; self.rows.len() * n_labels];
        let (mut images, mut parts, mut captures) =
            (Vec::with_capacity(self.rows.len()), Vec::new(), Vec::new());
        for (row_idx, row) in self.rows.into_iter().enumerate() {
            let image_id = row_idx as i64;
            table.image_ids.push(image_id);
            for label_idx in row.positives {
                table.positives[row_idx * n_labels + place[label_idx]] = true;
            }
            parts.extend(row.part.map(|part| SplitRow { image_id, fold: 0, part }));
            captures.extend(row.capture.map(|capture| CaptureRow { image_id, capture }));
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
        Imported {
            images,
            labels_given: Some(table),
            parts_given: self.columns.part_idx.map(|_| parts),
            captures_given: self.columns.capture_idx.map(|_| captures),
            ..Imported::default()
        }
    }
}

fn check_repeats(rows: &[Row], unit: &str, faults: &mut Faults) {
    let mut first_rows = BTreeMap::new();
    for row in rows {
        if let Some(first) = first_rows.insert(&row.name.file_name, row) {
            let (name, numbers) = (&row.name.path, [first.number, row.number]);
            if first.name.path == *name {
                let place = format_args!("{name} ({unit}s {} and {})", numbers[0], numbers[1]);
                faults.add(&TWICE, place);
            } else {
                let both = format_args!("{} and {name}", first.name.path);
                let place = format_args!("{both} ({unit}s {} and {})", numbers[0], numbers[1]);
                faults.add(&names::COLLISION, place);
            }
        }
    }
}
