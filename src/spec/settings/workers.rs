//! `[workers]`: who does the jobs, and where. Nothing of it enters a key but the kind of device.

use serde::{Deserialize, Serialize};

use super::device::{Device, DeviceWish};
use super::slurm::Slurm;

/// `[workers]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Workers {
    /// Who runs the jobs.
    pub engine: Engine,
    /// Worker processes; 0: one per core, on GPUs as many as [`Workers::runs_per_gpu`] says.
    pub slots: u32,
    /// Threads of each worker; 0: one on the processor, while there are runs enough for all cores.
    pub threads: u32,
    /// Runs that share a GPU.
    pub runs_per_gpu: RunsPerGpu,
    /// Minutes that one job of a run may take; 0: as many as it wants.
    pub time_limit_minutes: f64,
    /// Minutes that a worker may be silent, or stay at one step; 0: for ever.
    pub hang_minutes: f64,
    /// Where tensors are to live, as the spec says it.
    pub wish: DeviceWish,
    /// Where they live. Of `auto` the processor, until [`Loaded::settle_device`](crate::spec::Loaded::settle_device) says what
    /// this machine has.
    pub device: Device,
    /// Minutes after which a training keeps a checkpoint within an epoch too; 0: after whole epochs, and where it is asked to stop.
    pub checkpoint_minutes: f64,
    /// What a cluster is asked for, where it runs the jobs.
    pub slurm: Slurm,
}

/// Who runs the jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    /// A pool of worker processes on this machine.
    Local,
    /// The queue of a cluster.
    Slurm,
}

/// Runs that share a GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunsPerGpu {
    /// As many as its memory holds, by what the first one takes, and as there are cores to feed them.
    Auto,
    /// So many.
    Fixed(u32),
}
