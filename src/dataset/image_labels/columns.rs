//! Which column of a table of labels is what.

use std::path::Path;

use super::super::faults::{FaultKind, Faults, ImportError};
use super::super::notice::listed;
use super::{LabelLayout, Layout};

const NAMELESS: FaultKind = FaultKind {
    what: "columns without a name",
    help: "name each column; pandas writes no index with `index=False`",
};
const TWICE: FaultKind =
    FaultKind { what: "columns that occur more than once", help: "rename or remove the repeated columns" };
const RESERVED: FaultKind = FaultKind {
    what: "labels with the name of a column of the label table",
    help: "give the column `image_id` another name, or leave it out",
};
const CONTROL: FaultKind = FaultKind {
    what: "columns whose name holds a control character",
    help: "save the table again as UTF-8 text",
};

/// The columns of a table, by what they hold.
#[derive(Debug)]
pub(super) struct Columns {
    /// All of them, in their order.
    pub names: Vec<String>,
    /// The image's name.
    pub image_idx: usize,
    /// The part, if the spec names one.
    pub part_idx: Option<usize>,
    /// What names the capture, likewise.
    pub capture_idx: Option<usize>,
    /// The labels.
    pub labels: LabelColumns,
}

/// Where labels are.
#[derive(Debug)]
pub(super) enum LabelColumns {
    /// One column per label.
    Each(Vec<usize>),
    /// All in one.
    One {
        /// The column.
        idx: usize,
        /// What stands between two labels of a text.
        separator: String,
    },
}

impl Columns {
    /// Finds the columns of `layout` among `names`.
    pub fn find(path: &Path, names: Vec<String>, layout: &Layout) -> Result<Self, ImportError> {
        let place = |column: &str, key: &'static str| {
            names.iter().position(|name| name == column).ok_or_else(|| ImportError::NoColumn {
                path: path.to_owned(),
                column: column.to_owned(),
                key,
                found: if names.is_empty() { "none".to_owned() } else { listed(&names, names.len()) },
            })
        };
        let image_idx = place(&layout.image, "image_column")?;
        let named = |column: &str, key| match column {
            "" => Ok(None),
            _ => place(column, key).map(Some),
        };
        let part_idx = named(&layout.part, "part_column")?;
        let capture_idx = named(&layout.capture, "capture_column")?;
        let labels = match &layout.labels {
            LabelLayout::Separated { column, separator } => {
                LabelColumns::One { idx: place(column, "label_column")?, separator: separator.clone() }
            }
            LabelLayout::Columns => {
                let others = [Some(image_idx), part_idx, capture_idx];
                let is_label =
                    |&idx: &usize| !others.contains(&Some(idx)) && !is_index_of_pandas(&names[idx]);
                LabelColumns::Each((0..names.len()).filter(is_label).collect())
            }
        };
        if matches!(&labels, LabelColumns::Each(idxs) if idxs.is_empty()) {
            return Err(ImportError::Empty {
                path: path.to_owned(),
                what: "column of a label",
                help: "add a column of 0 and 1 for each label, or name the one column of all labels by `label_column` in `[dataset]`",
            });
        }
        Ok(Columns { names, image_idx, part_idx, capture_idx, labels })
    }

    /// The columns that are read.
    pub fn used(&self) -> Vec<usize> {
        let mut used: Vec<usize> = self.texts().collect();
        match &self.labels {
            LabelColumns::Each(idxs) => used.extend(idxs),
            LabelColumns::One { idx, .. } => used.push(*idx),
        }
        used.sort_unstable();
        used
    }

    /// Those that hold one text: the image's name, the part, the capture.
    pub fn texts(&self) -> impl Iterator<Item = usize> {
        std::iter::once(self.image_idx).chain(self.part_idx).chain(self.capture_idx)
    }

    /// Adds what is wrong with the columns that are read.
    pub fn check(&self, faults: &mut Faults) {
        for idx in self.used() {
            let name = &self.names[idx];
            if name.is_empty() {
                faults.add(&NAMELESS, format_args!("column {}", idx + 1));
            } else if name.chars().any(char::is_control) {
                faults.add(&CONTROL, name);
            }
        }
        let used = self.used();
        for (idx, name) in self.names.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            let first = self.names[..idx].iter().position(|other| other == name);
            if let Some(first) = first.filter(|first| used.contains(first)) {
                faults.add(&TWICE, format_args!("{name} (columns {} and {})", first + 1, idx + 1));
            }
        }
        if let LabelColumns::Each(idxs) = &self.labels
            && idxs.iter().any(|&idx| self.names[idx] == "image_id")
        {
            faults.add(&RESERVED, "image_id");
        }
    }

    /// Labels such as `Bottle.1` beside `Bottle`.
    pub fn renamed(&self) -> Vec<&String> {
        let LabelColumns::Each(idxs) = &self.labels else {
            return Vec::new();
        };
        let numbered = |name: &&String| {
            name.rsplit_once('.').is_some_and(|(stem, number)| {
                number.parse::<u32>().is_ok() && self.names.iter().any(|other| other == stem)
            })
        };
        idxs.iter().map(|&idx| &self.names[idx]).filter(numbered).collect()
    }
}

/// The name under which pandas puts an index into Parquet.
fn is_index_of_pandas(name: &str) -> bool {
    name.strip_prefix("__index_level_")
        .and_then(|rest| rest.strip_suffix("__"))
        .is_some_and(|level| level.parse::<u32>().is_ok())
}
