//! `balance`: how often each training image is seen in an epoch.

use super::error::StageError;
use super::work::{StageWork, write_table};
use crate::cache::Attempt;
use crate::dataset::balance as balancing;
use crate::plan::output;
use crate::tables::rows::{LabelTable, SplitRow, TrainIndexRow};

/// Makes the training rows of each fold; what is balanced is the fold's own training part.
///
/// # Errors
/// Where rows would be repeated absurdly often.
pub fn balance(work: &StageWork, out: &Attempt) -> Result<(), StageError> {
    let labels: LabelTable = work.table("labels")?;
    let split: Vec<SplitRow> = work.table("split")?;
    let n_folds = split.iter().map(|row| row.fold + 1).max().unwrap_or(1);
    let mut rows = Vec::new();
    for fold in 0..n_folds {
        let of_fold: Vec<SplitRow> = split.iter().filter(|row| row.fold == fold).cloned().collect();
        let balanced = balancing::train_index(&work.experiment().balance, &labels, &of_fold)?;
        rows.extend(balanced.into_iter().map(|row| TrainIndexRow { fold, ..row }));
    }
    write_table(out, output::TRAIN_INDEX, &rows, "balance")
}
