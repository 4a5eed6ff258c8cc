//! Which GPU each worker sees.

/// The variable by which a process is shown some of a machine's GPUs.
pub const VISIBLE: &str = "CUDA_VISIBLE_DEVICES";

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
    pub fn of_slot(&self, slot: usize) -> Option<&str> {
        match self {
            Gpus::Visible(names) if !names.is_empty() => Some(&names[slot % names.len()]),
            _ => None,
        }
    }

    /// Workers that use each GPU once; `None` where the number of cores decides.
    pub fn slots(&self) -> Option<usize> {
        match self {
            Gpus::Unused => None,
            Gpus::Visible(names) => Some(names.len().max(1)),
            Gpus::Refused(_) => Some(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_go_round_the_gpus() {
        let gpus = Gpus::Visible(vec!["2".into(), "GPU-5".into()]);
        let of: Vec<_> = (0..5).map(|slot| gpus.of_slot(slot).unwrap()).collect();
        assert_eq!(of, ["2", "GPU-5", "2", "GPU-5", "2"]);
        assert_eq!((gpus.slots(), Gpus::Unused.slots(), Gpus::Unused.of_slot(0)), (Some(2), None, None));
    }
}
