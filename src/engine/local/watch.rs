//! Whether a job gets on: how long it has taken, when it was heard last, when its work last came further.

use std::time::{Duration, Instant};

use crate::job::WorkerEvent;

/// What a job is allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// How long it may take; `None`: as long as it wants.
    pub whole: Option<Duration>,
    /// How long it may be silent, or stay at the same step; `None`: for ever.
    pub standstill: Option<Duration>,
}

/// Why a job is not let go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It took all of its time.
    TookTooLong,
    /// Nothing was heard of its process.
    Silent,
    /// Its process lives, and its work has stayed at this step.
    Stuck {
        /// Steps since it began.
        steps: u64,
    },
}

/// One job, watched.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    begun: Instant,
    heard: Instant,
    got_on: Instant,
    steps: u64,
}

impl Watch {
    /// Of a job that begins.
    pub fn new(now: Instant) -> Self {
        Watch { begun: now, heard: now, got_on: now, steps: 0 }
    }

    /// Its worker said something.
    pub fn hear(&mut self, event: &WorkerEvent, now: Instant) {
        self.heard = now;
        match event {
            WorkerEvent::Beat { steps, .. } if *steps == self.steps => {}
            WorkerEvent::Beat { steps, .. } => {
                self.steps = *steps;
                self.got_on = now;
            }
            _ => self.got_on = now,
        }
    }

    /// What is wrong with it, if anything is.
    pub fn judge(&self, limits: Limits, now: Instant) -> Option<Fault> {
        let over = |since: Instant, limit: Option<Duration>| limit.is_some_and(|limit| now - since > limit);
        if over(self.begun, limits.whole) {
            Some(Fault::TookTooLong)
        } else if over(self.heard, limits.standstill) {
            Some(Fault::Silent)
        } else if over(self.got_on, limits.standstill) {
            Some(Fault::Stuck { steps: self.steps })
        } else {
            None
        }
    }

    /// Nobody could listen for so long: it is as if no time had gone by.
    pub fn pass_over(&mut self, gap: Duration) {
        self.begun += gap;
        self.heard += gap;
        self.got_on += gap;
    }

    /// Whether its work has come further since it began.
    pub fn has_steps(&self) -> bool {
        self.steps > 0
    }

    /// How long it has been at it.
    pub fn age(&self, now: Instant) -> Duration {
        now - self.begun
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fingerprint::Digest;

    fn beat(steps: u64) -> WorkerEvent {
        WorkerEvent::Beat { key: Digest::of(b"key"), steps }
    }

    #[test]
    fn silence_and_standing_still_are_told_apart() {
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let limits = Limits { whole: None, standstill: Some(Duration::from_secs(10)) };
        let mut watch = Watch::new(start);
        assert_eq!(watch.judge(limits, at(10)), None);
        assert_eq!(watch.judge(limits, at(11)), Some(Fault::Silent));
        watch.hear(&beat(3), at(8));
        watch.hear(&beat(3), at(16));
        assert_eq!(watch.judge(limits, at(17)), None);
        assert_eq!(watch.judge(limits, at(19)), Some(Fault::Stuck { steps: 3 }));
        watch.hear(&beat(4), at(19));
        assert_eq!(watch.judge(limits, at(25)), None);
        assert_eq!(watch.judge(Limits::default(), at(100_000)), None);
    }

    #[test]
    fn time_in_which_nobody_listened_does_not_count() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let limits = Limits { whole: Some(second * 20), standstill: Some(second * 10) };
        let mut watch = Watch::new(start);
        watch.pass_over(second * 100);
        assert_eq!(watch.judge(limits, start + second * 109), None);
        assert_eq!(watch.judge(limits, start + second * 111), Some(Fault::Silent));
    }

    #[test]
    fn what_takes_too_long_may_get_on_as_it_likes() {
        let start = Instant::now();
        let limits = Limits { whole: Some(Duration::from_secs(5)), standstill: None };
        let mut watch = Watch::new(start);
        for second in 0..=5 {
            watch.hear(&beat(second), start + Duration::from_secs(second));
            assert_eq!(watch.judge(limits, start + Duration::from_secs(second)), None);
        }
        assert_eq!(watch.judge(limits, start + Duration::from_secs(6)), Some(Fault::TookTooLong));
    }
}
