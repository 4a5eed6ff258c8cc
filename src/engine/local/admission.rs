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

    /// Whether one more job fits. `have`: what each of those that run has now.
    pub fn has_room(&self, memory: Option<Memory>, have: &[u64]) -> bool {
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
        let to_come: f64 = have.iter().map(|&bytes| (need - bytes as f64).max(0.0)).sum();
        memory.available as f64 - to_come >= need.max(SHORTAGE * memory.total as f64)
    }

    /// Whether memory is so short that the job that was begun last must stop; from then on fewer run at once. `running`: how many.
    pub fn is_short(&mut self, memory: Option<Memory>, running: usize) -> bool {
        let is_short =
            memory.is_some_and(|memory| (memory.available as f64) < SHORTAGE * memory.total as f64);
        if is_short && running > 1 {
            self.limit = Some(running - 1);
        }
        is_short && running > 1
    }
}

/// What was seen of one GPU's memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GpuShare {
    /// Taken by others before the first job came.
    others: u64,
    /// The most that a job was seen to take; `None`: none was seen at work yet.
    seen: Option<u64>,
}

impl GpuShare {
    /// The first job comes.
    pub fn begin(&mut self, memory: Option<Memory>) {
        self.others = memory.map_or(0, |memory| memory.total - memory.available.min(memory.total));
    }

    /// `running` jobs are at work, all of them past their first steps.
    pub fn see(&mut self, memory: Option<Memory>, running: usize) {
        let Some(memory) = memory.filter(|_| running > 0) else { return };
        let used = memory.total.saturating_sub(memory.available).saturating_sub(self.others);
        self.seen = self.seen.max(Some(used / running as u64));
    }

    /// Whether one more job fits beside `running` ones. Nothing is known of the first until it is at work; where nobody tells of
    /// the GPU's memory, it stays alone.
    pub fn has_room(&self, memory: Option<Memory>, running: usize) -> bool {
        if running == 0 {
            return true;
        }
        let (Some(memory), Some(seen)) = (memory, self.seen) else { return false };
        let whole = OF_GPU * memory.total as f64 - self.others as f64;
        (running + 1) as f64 * seen as f64 * MARGIN <= whole
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
        assert!(admission.has_room(memory(16, 16), &[0, 0, 0]), "nothing is known yet");
        assert!(!admission.has_room(memory(16, 4), &[0, 0, 0]), "but each needs something");
        admission.see(4 * GIB);
        assert!(admission.has_room(memory(16, 1), &[]), "alone it may try");
        assert!(admission.has_room(memory(16, 10), &[4 * GIB]));
        assert!(!admission.has_room(memory(16, 10), &[GIB, 0]), "the others will take 8 GiB yet");
        assert!(!admission.has_room(memory(16, 4), &[4 * GIB, 4 * GIB]));
        assert!(admission.has_room(None, &[4 * GIB; 9]), "nobody tells");
        admission.see(GIB);
        assert!(!admission.has_room(memory(16, 4), &[4 * GIB]), "the most that was seen counts");
    }

    #[test]
    fn shortage_lowers_the_number_for_good() {
        let mut admission = Admission::default();
        assert!(!admission.is_short(memory(100, 6), 3));
        assert!(!admission.is_short(memory(100, 4), 1), "alone it goes on");
        assert!(admission.is_short(memory(100, 4), 3));
        assert!(!admission.has_room(memory(100, 90), &[0, 0]));
        assert!(admission.has_room(memory(100, 90), &[0]));
        assert!(!admission.is_short(None, 3));
    }

    #[test]
    fn a_gpu_takes_as_many_as_its_memory_holds() {
        let mut share = GpuShare::default();
        share.begin(memory(80, 78));
        assert!(share.has_room(memory(80, 78), 0));
        assert!(!share.has_room(memory(80, 70), 1), "the first is not at work yet");
        share.see(memory(80, 68), 1);
        let most = (1..20).take_while(|&running| share.has_room(memory(80, 78), running)).count() + 1;
        assert_eq!(most, 6, "11 GiB each, of 74");
        share.see(memory(80, 38), 2);
        assert!(!share.has_room(memory(80, 38), 3));
        assert!(!GpuShare::default().has_room(None, 1), "nobody tells");
    }
}
