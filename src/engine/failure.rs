//! When a job is tried again, where not, and when it has failed for good.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::workers::Ended;

/// Tries that a job has in all, but for those that ended through no fault of its own or of its place.
const MAX_TRIES: u32 = 3;

/// The wait before the second try; before each further one it is [`GROWTH`] times as long.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const GROWTH: u32 = 4;

/// What to do with a job that has not ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Once more, when [`Failures::may_start`] says so.
    Retry,
    /// It has failed.
    GiveUp,
}

/// Remembers how jobs failed. A job that says that it would fail the same way again is believed; trouble of the
/// machine is worth [`MAX_TRIES`], each later than the one before, and if possible elsewhere.
#[derive(Debug, Default)]
pub struct Failures {
    of: HashMap<usize, History>,
}

#[derive(Debug, Default)]
struct History {
    lost: u32,
    not_before: Option<Instant>,
    places: Vec<String>,
}

impl Failures {
    /// Takes in the end of the job of `node` at `place`, which left no result.
    pub fn decide(&mut self, node: usize, how: &Ended, place: Option<String>, now: Instant) -> Decision {
        let history = self.of.entry(node).or_default();
        match how {
            Ended::Failed(_) => return Decision::GiveUp,
            Ended::Preempted(_) => history.not_before = Some(now + FIRST_WAIT),
            Ended::Well | Ended::Lost(_) => {
                history.lost += 1;
                if history.lost >= MAX_TRIES {
                    return Decision::GiveUp;
                }
                history.not_before = Some(now + FIRST_WAIT * GROWTH.pow(history.lost - 1));
                history.places.extend(place);
            }
        }
        Decision::Retry
    }

    /// Whether the job of `node` has waited long enough.
    pub fn may_start(&self, node: usize, now: Instant) -> bool {
        self.of.get(&node).and_then(|history| history.not_before).is_none_or(|not_before| now >= not_before)
    }

    /// Where it failed before.
    pub fn places(&self, node: usize) -> &[String] {
        self.of.get(&node).map_or(&[], |history| &history.places)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost() -> Ended {
        Ended::Lost("killed".to_owned())
    }

    #[test]
    fn a_final_failure_is_believed_and_trouble_gets_three_tries() {
        let (mut failures, now) = (Failures::default(), Instant::now());
        assert_eq!(
            failures.decide(1, &Ended::Failed("wrong weights".to_owned()), None, now),
            Decision::GiveUp
        );
        for expected in [Decision::Retry, Decision::Retry, Decision::GiveUp] {
            assert_eq!(failures.decide(2, &lost(), None, now), expected);
        }
    }

    #[test]
    fn each_try_waits_longer_and_knows_where_it_failed() {
        let (mut failures, now) = (Failures::default(), Instant::now());
        assert!(failures.may_start(1, now));
        failures.decide(1, &lost(), Some("GPU 0".to_owned()), now);
        assert!(!failures.may_start(1, now) && failures.may_start(1, now + FIRST_WAIT));
        failures.decide(1, &lost(), Some("GPU 3".to_owned()), now);
        assert!(!failures.may_start(1, now + FIRST_WAIT * 3) && failures.may_start(1, now + FIRST_WAIT * 4));
        assert_eq!(failures.places(1), ["GPU 0", "GPU 3"]);
        assert!(failures.places(2).is_empty());
    }

    #[test]
    fn preemption_never_counts() {
        let (mut failures, now) = (Failures::default(), Instant::now());
        let preempted = Ended::Preempted("others came first".to_owned());
        for _ in 0..100 {
            assert_eq!(failures.decide(1, &preempted, Some("n1".to_owned()), now), Decision::Retry);
        }
        assert!(failures.places(1).is_empty());
        assert_eq!(failures.decide(1, &lost(), None, now), Decision::Retry);
    }
}
