//! How many jobs memory holds: none is begun that would not fit beside the others, as far as jobs before it tell.

use super::meter::Memory;

/// What a job is given above the most that one was seen to take.
const MARGIN: f64 = 1.1;

/// What a job is taken to need before one was seen, in bytes: libtorch itself, and a small network.
const UNKNOWN: u64 = 1 << 30;

/// The share of a machine's memory below which a job is stopped before the kernel ends one.
const SHORTAGE: f64 = 0.05;

/// The share of a GPU's memory that jobs may have: libtorch's own libraries and other programs need the rest.
const OF_GPU: f64 = 0.95;

/// What was seen of jobs' memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Admission {
    /// The most that a job was seen to take, in bytes; 0: nothing was seen yet.
    seen: u64,
    /// Jobs at once, since more were too many.
    limit: Option<usize>,
}

impl Admission {
    /// A job has so many bytes now.
    pub fn see(&mut self, bytes: u64) {
        self.seen = self.seen.max(bytes);
    }

    /// Whether one more job fits. `have`: what each of those that run has now; `own`: what the worker has that would do it.
    pub fn has_room(&self, memory: Option<Memory>, have: &[u64], own: u64) -> bool {
        if have.is_empty() {
            // Alone it may try in any case: nobody else could give it more.
            return true;
        }
        if self.limit.is_some_and(|limit| have.len() >= limit) {
            return false;
        }
        let Some(memory) = memory else { return true };
        let seen = if self.seen == 0 { UNKNOWN } else { self.seen };
        let need = seen as f64 * MARGIN;
        let to_come: f64 = have.iter().chain([&own]).map(|&bytes| (need - bytes as f64).max(0.0)).sum();
        memory.available as f64 - to_come >= SHORTAGE * memory.total as f64
    }

    /// Whether memory is so short that somebody must make room.
    pub fn is_short(memory: Option<Memory>) -> bool {
        memory.is_some_and(|memory| (memory.available as f64) < SHORTAGE * memory.total as f64)
    }

    /// `running` jobs at once were too many.
    pub fn lower(&mut self, running: usize) {
        self.limit = Some(running.saturating_sub(1).max(1));
    }

    /// Whether each job runs alone from now on.
    pub fn is_alone(&self) -> bool {
        self.limit == Some(1)
    }
}

/// What was seen of one GPU's memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GpuShare {
    /// Taken by others before the first job of all came.
    others: Option<u64>,
    /// The most that a job was seen to take; `None`: none was seen at work yet.
    seen: Option<u64>,
    /// Jobs at once, since more were too many.
    limit: Option<usize>,
}

impl GpuShare {
    /// A job comes. What was taken before the first one is others'.
    pub fn begin(&mut self, memory: Option<Memory>) {
        let taken = memory.map(|memory| memory.total.saturating_sub(memory.available));
        self.others = self.others.or(Some(taken.unwrap_or(0)));
    }

    /// A job that is at work has so many bytes of the GPU's memory.
    pub fn see(&mut self, bytes: u64) {
        self.seen = self.seen.max(Some(bytes));
    }

    /// Whether one more job fits beside `running` ones, going `by_memory` or by the number that memory was found to be too small for.
    /// Nothing is known of the first until it is at work; where nobody tells of the GPU's memory, it stays alone.
    pub fn has_room(&self, memory: Option<Memory>, running: usize, by_memory: bool) -> bool {
        if running == 0 {
            return true;
        }
        if self.limit.is_some_and(|limit| running >= limit) {
            return false;
        }
        if !by_memory {
            return true;
        }
        let (Some(memory), Some(seen)) = (memory, self.seen) else { return false };
        let whole = OF_GPU * memory.total as f64 - self.others.unwrap_or(0) as f64;
        (running + 1) as f64 * seen as f64 * MARGIN <= whole
    }

    /// `running` jobs at once were too many.
    pub fn lower(&mut self, running: usize) {
        self.limit = Some(running.saturating_sub(1).max(1));
    }

    /// Whether each job is alone on the GPU from now on.
    pub fn is_alone(&self) -> bool {
        self.limit == Some(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    fn memory(total: u64, available: u64) -> Option<Memory> {
        Some(Memory { total: total * GIB, available: available * GIB })
    }

    #[test]
    fn a_job_is_begun_where_it_and_what_others_will_take_fit() {
        let mut admission = Admission::default();
        assert!(admission.has_room(memory(16, 16), &[0, 0, 0], 0), "nothing is known yet");
        assert!(!admission.has_room(memory(16, 4), &[0, 0, 0], 0), "but each needs something");
        admission.see(4 * GIB);
        assert!(admission.has_room(memory(16, 1), &[], 0), "alone it may try");
        assert!(admission.has_room(memory(16, 10), &[4 * GIB], 0));
        assert!(!admission.has_room(memory(16, 10), &[GIB, 0], 0), "the others will take 8 GiB yet");
        assert!(!admission.has_room(memory(16, 4), &[4 * GIB, 4 * GIB], 0));
        assert!(admission.has_room(None, &[4 * GIB; 9], 0), "nobody tells");
        admission.see(GIB);
        assert!(!admission.has_room(memory(16, 4), &[4 * GIB], 0), "the most that was seen counts");
    }

    /// Four workers of 3 GiB in 16: what an idle one has kept is its next job's.
    #[test]
    fn what_a_worker_has_kept_counts_for_its_next_job() {
        let mut admission = Admission::default();
        admission.see(3 * GIB);
        assert!(admission.has_room(memory(16, 3), &[3 * GIB; 3], 3 * GIB));
        assert!(!admission.has_room(memory(16, 3), &[3 * GIB; 3], 0));
    }

    #[test]
    fn shortage_lowers_the_number_for_good() {
        let mut admission = Admission::default();
        assert!(!Admission::is_short(memory(100, 6)) && Admission::is_short(memory(100, 4)));
        assert!(!Admission::is_short(None));
        admission.lower(3);
        assert!(!admission.has_room(memory(100, 90), &[0, 0], 0) && !admission.is_alone());
        assert!(admission.has_room(memory(100, 90), &[0], 0));
        admission.lower(1);
        assert!(admission.is_alone() && !admission.has_room(memory(100, 90), &[0], 0));
    }

    #[test]
    fn a_gpu_takes_as_many_as_its_memory_holds() {
        let mut share = GpuShare::default();
        share.begin(memory(80, 78));
        assert!(share.has_room(memory(80, 78), 0, true));
        assert!(!share.has_room(memory(80, 70), 1, true), "the first is not at work yet");
        share.see(10 * GIB);
        share.begin(memory(80, 60));
        let most = (1..20).take_while(|&running| share.has_room(memory(80, 78), running, true)).count() + 1;
        assert_eq!(most, 6, "11 GiB each, of 74: what idle workers keep is not others'");
        share.see(20 * GIB);
        assert!(!share.has_room(memory(80, 38), 3, true));
        assert!(!GpuShare::default().has_room(None, 1, true), "nobody tells");
        assert!(GpuShare::default().has_room(None, 3, false), "the spec's number is taken at its word");
        share.lower(3);
        assert!(!share.has_room(memory(80, 78), 2, false) && share.has_room(memory(80, 78), 1, false));
        share.lower(1);
        assert!(share.is_alone());
    }
}
