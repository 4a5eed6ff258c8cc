//! `balance`: how often each training image is seen in an epoch.

use super::error::StageError;
use super::work::{StageWork, write_table};
use crate::cache::Attempt;
use crate::dataset::balance as balancing;
use crate::plan::output;
use crate::tables::rows::{LabelTable, SplitRow};

/// Makes the training rows.
///
/// # Errors
/// Where rows would be repeated absurdly often.
pub fn balance(work: &StageWork, out: &Attempt) -> Result<(), StageError> {
    let labels: LabelTable = work.table("labels")?;
    let split: Vec<SplitRow> = work.table("split")?;
    let rows = balancing::train_index(&work.experiment().balance, &labels, &split)?;
    write_table(out, output::TRAIN_INDEX, &rows, "balance")
}
