//! What Slurm says of jobs, by their names and numbers.
//!
//! Where jobs of an array are cancelled before they have begun, Slurm has one row for all of them, without a number, or with all
//! numbers of the array.

use std::collections::HashMap;

use super::answers::Row;

/// Rows by name and number.
#[derive(Clone, Debug, Default)]
pub struct Rows(HashMap<String, HashMap<Option<u32>, Row>>);

impl Rows {
    /// Of several that one job has after a crash of the controller, a live one counts.
    pub fn new(rows: Vec<Row>) -> Self {
        let mut all = Rows::default();
        for row in rows {
            let of_name = all.0.entry(row.name.clone()).or_default();
            if of_name.get(&row.index).is_none_or(|there| !there.is_live() || row.is_live()) {
                of_name.insert(row.index, row);
            }
        }
        all
    }

    /// The row of a job. `may_be_rest`: one without a number may be about it, since it is no part of an array, or has not begun
    /// as far as is known.
    pub fn job(&self, name: &str, index: u32, may_be_rest: bool) -> Option<&Row> {
        let of_name = self.0.get(name)?;
        of_name.get(&Some(index)).or_else(|| of_name.get(&None).filter(|_| may_be_rest))
    }

    /// Any row of this name.
    pub fn any(&self, name: &str) -> Option<&Row> {
        self.0.get(name)?.values().next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_live_row_counts_more_and_one_without_a_number_is_about_the_rest() {
        // As Slurm 22.05 answered after `scancel` of an array of which two jobs had begun.
        let text = "a|3|N/A|CANCELLED||Resources\na|3|0|COMPLETED|n2|None\na|3|1|RUNNING|n2|None\n\
                    b|9|0|RUNNING|n1|None\nb|7|0|FAILED|n1|None\nc|8|N/A|FAILED|n1|NonZeroExitCode\n";
        let rows = Rows::new(Row::queued(text));
        let state = |name: &str, index, may_be_rest| {
            rows.job(name, index, may_be_rest).map(|row| (row.state.as_str(), row.id()))
        };
        assert_eq!(state("a", 0, true), Some(("COMPLETED", "3_0".to_owned())));
        assert_eq!(state("a", 2, true), Some(("CANCELLED", "3".to_owned())));
        assert_eq!(state("a", 2, false), None, "one that has begun is not among the rest");
        assert_eq!(state("b", 0, true), Some(("RUNNING", "9_0".to_owned())));
        assert_eq!(state("c", 0, true), Some(("FAILED", "8".to_owned())));
        assert_eq!(
            (state("d", 0, true), rows.any("d").is_some(), rows.any("c").is_some()),
            (None, false, true)
        );
    }
}
