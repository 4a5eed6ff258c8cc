//! When a job is tried again, and when it has failed for good.

use std::collections::HashMap;

use crate::job::FailureKind;

/// Tries that a job has in all.
const MAX_TRIES: u32 = 3;

/// What to do with a job that did not end well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Once more.
    Retry,
    /// It has failed.
    GiveUp,
}

/// Remembers how jobs failed. A job that says that it would fail the same way again is believed; trouble of the
/// machine is worth [`MAX_TRIES`].
#[derive(Debug, Default)]
pub struct Failures {
    seen: HashMap<usize, Vec<String>>,
}

impl Failures {
    /// Takes in a failure of the job of `node`.
    pub fn decide(&mut self, node: usize, kind: FailureKind, message: &str) -> Decision {
        let seen = self.seen.entry(node).or_default();
        seen.push(message.to_owned());
        match kind {
            FailureKind::Final => Decision::GiveUp,
            FailureKind::Infrastructure if seen.len() as u32 >= MAX_TRIES => Decision::GiveUp,
            FailureKind::Infrastructure => Decision::Retry,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_final_failure_is_believed_and_trouble_gets_three_tries() {
        let mut failures = Failures::default();
        assert_eq!(failures.decide(1, FailureKind::Final, "wrong weights"), Decision::GiveUp);
        for expected in [Decision::Retry, Decision::Retry, Decision::GiveUp] {
            assert_eq!(failures.decide(2, FailureKind::Infrastructure, "killed"), expected);
        }
    }
}
