//! Rows that go through a network pass by pass: [`ROWS`] at a time, and fewer from where memory was out on.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::failure::JobError;

/// Rows of a pass, as far as memory goes. Always the same, so that the same model gives the same bits wherever it is asked.
pub const ROWS: usize = 32;

/// How many rows a pass may have; shared by the threads that make passes.
#[derive(Debug)]
pub struct Passes {
    rows: AtomicUsize,
    /// What was told of last.
    told: AtomicUsize,
    may_shrink: bool,
}

impl Passes {
    /// Passes of [`ROWS`]. Where others compute on the same device they do not shrink: what the others take now says nothing of what
    /// fits, and another try alone gives the bits that are expected.
    pub fn new(is_alone: bool) -> Self {
        Passes { rows: AtomicUsize::new(ROWS), told: AtomicUsize::new(ROWS), may_shrink: is_alone }
    }

    /// Calls `pass` for one range of `0..n` after the other; false as soon as a pass says that it was stopped. One for which memory
    /// does not suffice is begun again with half of its rows.
    ///
    /// # Errors
    /// Those of `pass`; of a single row's, want of memory too.
    pub fn run(
        &self,
        n: usize,
        mut pass: impl FnMut(Range<usize>) -> Result<bool, JobError>,
    ) -> Result<bool, JobError> {
        let mut from = 0;
        while from < n {
            let rows = self.rows.load(Ordering::Relaxed);
            let range = from..n.min(from + rows);
            let of_pass = range.len();
            match pass(range) {
                Ok(true) => from += of_pass,
                Ok(false) => return Ok(false),
                Err(error) if error.is_out_of_memory() && self.may_shrink && of_pass > 1 => {
                    // Another thread may have halved it meanwhile.
                    self.rows.fetch_min(of_pass / 2, Ordering::Relaxed);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// How many rows a pass may have now, where that is fewer than [`ROWS`].
    pub fn fewer(&self) -> Option<usize> {
        Some(self.rows.load(Ordering::Relaxed)).filter(|&rows| rows < ROWS)
    }

    /// What is to be said of passes that have become smaller since it was asked last.
    pub fn take_notice(&self) -> Option<String> {
        let rows = self.rows.load(Ordering::Relaxed);
        let told = self.told.swap(rows, Ordering::Relaxed);
        (rows < told).then(|| {
            format!(
                "memory is out with {told} pictures in one pass: {rows} from here on, by which the last digits of logits may differ from \
                 those of a device with more memory"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use tch::TchError;

    use super::*;

    fn no_memory() -> JobError {
        JobError::from(TchError::Torch("CUDA out of memory. Tried to allocate 2.00 GiB".to_owned()))
    }

    /// Passes over `n` rows where at most `room` fit; gives the ranges that were done.
    fn done(passes: &Passes, n: usize, room: usize) -> Result<Vec<Range<usize>>, JobError> {
        let mut done = Vec::new();
        passes.run(n, |range| {
            if range.len() > room {
                return Err(no_memory());
            }
            done.push(range);
            Ok(true)
        })?;
        Ok(done)
    }

    #[test]
    fn all_rows_are_passed_once_and_in_order() {
        let passes = Passes::new(true);
        assert_eq!(done(&passes, 70, ROWS).unwrap(), [0..32, 32..64, 64..70]);
        assert!(done(&passes, 0, ROWS).unwrap().is_empty());
        assert_eq!((passes.take_notice(), passes.fewer()), (None, None));
    }

    #[test]
    fn where_memory_is_out_passes_are_halved_for_good_and_that_is_told_once() {
        let passes = Passes::new(true);
        assert_eq!(done(&passes, 20, 6).unwrap(), [0..5, 5..10, 10..15, 15..20]);
        assert_eq!(done(&passes, 7, ROWS).unwrap(), [0..5, 5..7], "what is known is not tried again");
        assert!(passes.take_notice().unwrap().contains("32 pictures in one pass: 5 from here on"));
        assert_eq!(passes.fewer(), Some(5));
        assert_eq!(passes.take_notice(), None);
    }

    #[test]
    fn a_single_row_that_does_not_fit_other_faults_and_company_are_told_as_they_are() {
        let error = done(&Passes::new(true), 9, 0).unwrap_err();
        assert!(error.is_out_of_memory());
        let error = done(&Passes::new(false), 9, 8).unwrap_err();
        assert!(error.is_out_of_memory(), "beside others it is another try's to find out");
        let mut tries = 0;
        let other = || JobError::from(TchError::Torch("size mismatch".to_owned()));
        let error = Passes::new(true).run(9, |_| {
            tries += 1;
            Err(other())
        });
        assert_eq!((tries, error.unwrap_err().is_out_of_memory()), (1, false));
    }

    #[test]
    fn a_pass_that_is_stopped_is_the_last() {
        let mut n = 0;
        let stopped = Passes::new(true).run(100, |_| {
            n += 1;
            Ok(n < 2)
        });
        assert_eq!((n, stopped.unwrap()), (2, false));
    }
}
