//! Columns by name: from values to a record batch, and back with every type checked.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{Field, Schema};
use arrow::error::ArrowError;

use super::rows::Part;

/// Why columns do not make rows, or rows no columns.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// A column is not there.
    #[error("column `{column}` is missing, found {found}")]
    Missing {
        /// The column.
        column: String,
        /// The columns that are there.
        found: String,
    },
    /// A column is of another type.
    #[error("column `{column}` is of type `{found}`, expected `{expected}`")]
    Type {
        /// The column.
        column: String,
        /// Its type.
        found: String,
        /// The type that it should have.
        expected: &'static str,
    },
    /// A column that must be filled has a hole.
    #[error("column `{column}` has {count} nulls, expected none")]
    Null {
        /// The column.
        column: String,
        /// How many.
        count: usize,
    },
    /// A value that does not exist.
    #[error("column `{column}` holds `{found}`, expected {expected}")]
    Value {
        /// The column.
        column: String,
        /// The value.
        found: String,
        /// What could stand there.
        expected: &'static str,
    },
    /// A label has the name of another column.
    #[error("label `{label}` has the name of another column")]
    Name {
        /// The label.
        label: String,
    },
    /// Parts of one table do not fit each other.
    #[error("`{what}` has {found} values, expected {expected}")]
    Length {
        /// The part.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The length that the other parts ask for.
        expected: usize,
    },
    /// Arrow refused the columns.
    #[error("the columns do not make a table")]
    Arrow(#[from] ArrowError),
}

/// Whether a column may have holes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Holes {
    /// Every row has a value.
    No,
    /// A row may have none.
    Yes,
}

/// Columns in their order.
#[derive(Default)]
pub(super) struct Columns {
    fields: Vec<Field>,
    arrays: Vec<ArrayRef>,
}

impl Columns {
    /// Adds a column.
    pub fn add(mut self, name: &str, holes: Holes, array: impl Array + 'static) -> Self {
        self.fields.push(Field::new(name, array.data_type().clone(), holes == Holes::Yes));
        self.arrays.push(Arc::new(array));
        self
    }

    /// Closes the batch.
    pub fn batch(self) -> Result<RecordBatch, ContentError> {
        Ok(RecordBatch::try_new(Arc::new(Schema::new(self.fields)), self.arrays)?)
    }
}

/// The column `name`, with a value in every row.
pub(super) fn full<'a, A: Array + 'static>(
    batch: &'a RecordBatch,
    name: &str,
    expected: &'static str,
) -> Result<&'a A, ContentError> {
    let array = sparse::<A>(batch, name, expected)?;
    match array.null_count() {
        0 => Ok(array),
        count => Err(ContentError::Null { column: name.to_owned(), count }),
    }
}

/// The column `name`, in which a row may have no value.
pub(super) fn sparse<'a, A: Array + 'static>(
    batch: &'a RecordBatch,
    name: &str,
    expected: &'static str,
) -> Result<&'a A, ContentError> {
    let array = batch.column_by_name(name).ok_or_else(|| ContentError::Missing {
        column: name.to_owned(),
        found: quoted(batch.schema().fields().iter().map(|field| field.name().as_str())),
    })?;
    array.as_any().downcast_ref().ok_or_else(|| ContentError::Type {
        column: name.to_owned(),
        found: array.data_type().to_string(),
        expected,
    })
}

/// The value at `row_idx`, if there is one.
pub(super) fn text(array: &StringArray, row_idx: usize) -> Option<String> {
    array.is_valid(row_idx).then(|| array.value(row_idx).to_owned())
}

/// The names of the columns after the first `skip`, which must be there in every batch alike.
pub(super) fn names_after(batch: &RecordBatch, skip: usize) -> Vec<String> {
    batch.schema().fields().iter().skip(skip).map(|field| field.name().clone()).collect()
}

/// The part that `text` names.
pub(super) fn part(column: &str, text: &str) -> Result<Part, ContentError> {
    [Part::Train, Part::Val, Part::Test].into_iter().find(|part| part.as_str() == text).ok_or_else(|| {
        ContentError::Value {
            column: column.to_owned(),
            found: text.to_owned(),
            expected: "`train`, `val` or `test`",
        }
    })
}

/// Refuses labels that cannot be columns beside `others`.
pub(super) fn check_labels(labels: &[String], others: &[&str]) -> Result<(), ContentError> {
    for (idx, label) in labels.iter().enumerate() {
        if others.contains(&label.as_str()) || labels[..idx].contains(label) {
            return Err(ContentError::Name { label: label.clone() });
        }
    }
    Ok(())
}

/// Refuses a part of a table whose length does not fit.
pub(super) fn check_length(what: &'static str, found: usize, expected: usize) -> Result<(), ContentError> {
    if found == expected { Ok(()) } else { Err(ContentError::Length { what, found, expected }) }
}

fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
