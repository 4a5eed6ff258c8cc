//! Which GPU each worker sees, how many share one, and which get no more jobs.

use std::collections::HashSet;

/// The variable by which a process is shown some of a machine's GPUs.
pub const VISIBLE: &str = "CUDA_VISIBLE_DEVICES";

/// Jobs of one GPU that are lost in a row before it gets no more.
pub(super) const LOST_IN_A_ROW: usize = 3;

/// The GPUs of a pool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Gpus {
    /// Workers compute on the processor.
    #[default]
    Unused,
    /// One of these for each worker, by the names that [`VISIBLE`] takes; at least one.
    Visible(Vec<String>),
    /// GPUs are asked for, and cannot be had; why, in words. No job is given to a worker then.
    Refused(String),
}

impl Gpus {
    /// The GPU of a slot: the slots go round them.
    pub fn of_slot(&self, slot: usize) -> Option<usize> {
        match self {
            Gpus::Visible(names) if !names.is_empty() => Some(slot % names.len()),
            _ => None,
        }
    }

    /// The names.
    pub fn names(&self) -> &[String] {
        match self {
            Gpus::Visible(names) => names,
            Gpus::Unused | Gpus::Refused(_) => &[],
        }
    }

    /// How many there are; `None` where the number of cores decides.
    pub fn count(&self) -> Option<usize> {
        match self {
            Gpus::Unused => None,
            Gpus::Visible(names) => Some(names.len().max(1)),
            Gpus::Refused(_) => Some(1),
        }
    }
}

/// Which places can be trusted. A place that loses job after job is given up while another one is left.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// Different jobs that each place lost since one ended well there.
    lost: Vec<HashSet<usize>>,
    given_up: Vec<bool>,
}

impl Trust {
    /// In `n` places: those that have a slot.
    pub fn new(n: usize) -> Self {
        Trust { lost: vec![HashSet::new(); n], given_up: vec![false; n] }
    }

    /// Whether a place is still given jobs.
    pub fn holds(&self, place: usize) -> bool {
        !self.given_up.get(place).copied().unwrap_or(false)
    }

    /// A job ended at `place`, whether lost or not. Says whether the place is given up by that.
    pub fn note(&mut self, place: usize, job: usize, is_lost: bool) -> bool {
        let Some(lost) = self.lost.get_mut(place) else { return false };
        if !is_lost {
            lost.clear();
            return false;
        }
        lost.insert(job);
        let others = (0..self.given_up.len()).any(|other| other != place && self.holds(other));
        let gives_up = self.lost[place].len() >= LOST_IN_A_ROW && self.holds(place) && others;
        self.given_up[place] |= gives_up;
        gives_up
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_go_round_the_gpus() {
        let gpus = Gpus::Visible(vec!["2".into(), "GPU-5".into()]);
        let of: Vec<_> = (0..5).map(|slot| gpus.of_slot(slot).unwrap()).collect();
        assert_eq!(of, [0, 1, 0, 1, 0]);
        assert_eq!((gpus.count(), Gpus::Unused.count(), Gpus::Unused.of_slot(0)), (Some(2), None, None));
    }

    #[test]
    fn a_place_that_loses_different_jobs_is_given_up_while_another_is_left() {
        let mut trust = Trust::new(2);
        assert!(!trust.note(0, 1, true) && !trust.note(0, 1, true) && !trust.note(0, 2, true));
        assert!(!trust.note(0, 3, false), "one that ends well speaks for the place");
        assert!(!trust.note(0, 1, true) && !trust.note(0, 2, true));
        assert!(trust.note(0, 3, true));
        assert!(!trust.holds(0) && trust.holds(1));
        for job in 0..9 {
            assert!(!trust.note(1, job, true), "the last one is kept");
        }
        assert!(trust.holds(1));
        assert!(!trust.note(0, 4, true), "told once");
    }
}
