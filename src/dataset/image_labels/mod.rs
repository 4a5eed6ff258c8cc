//! Labels of whole images in one table, one row per image: CSV, TSV or Parquet.
//!
//! ```text
//! csv, parquet -> columns (which is what) -> rows (cells checked, one core for both) -> tables
//! ```
//!
//! One column holds the image's name. Labels stand either in one column each, as 0 and 1, or together in one
//! column, with a separator between them (in Parquet also as a list). Further columns may hold the part and the capture. An
//! image's id is its position among the images sorted by `file_name`, so that the order of rows means nothing.

mod cells;
mod columns;
pub mod csv;
pub mod guess;
pub mod parquet;
mod rows;

use crate::spec::settings::Dataset;

/// Which columns the spec names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Column with the image's name.
    pub image: String,
    /// Column with the part; empty: no parts are given.
    pub part: String,
    /// Column that names the capture; empty: no captures are given.
    pub capture: String,
    /// Where the labels are.
    pub labels: LabelLayout,
}

/// How a table writes labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LabelLayout {
    /// Every column that is neither image, part nor capture is a label and holds 0 and 1.
    Columns,
    /// One column holds the names of an image's labels; all others are passed over.
    Separated {
        /// The column.
        column: String,
        /// What stands between two labels.
        separator: String,
    },
}

impl Layout {
    /// As the spec says.
    pub fn of(settings: &Dataset) -> Self {
        let labels = if settings.label_column.is_empty() {
            LabelLayout::Columns
        } else {
            LabelLayout::Separated {
                column: settings.label_column.clone(),
                separator: settings.label_separator.clone(),
            }
        };
        Layout {
            image: settings.image_column.clone(),
            part: settings.part_column.clone(),
            capture: settings.capture_column.clone(),
            labels,
        }
    }
}
