//! What the machine has left while a study runs: the one that looks, which need not be the one that computes.

use crate::engine::{GpuLoad, Memory, Meter, ThisMachine};

/// Asks the kernel and NVIDIA's driver.
#[derive(Default)]
pub struct Machine {
    meter: ThisMachine,
}

/// What there is of it now.
#[derive(Clone, Debug, Default)]
pub struct MachineNow {
    /// The machine's name.
    pub host: String,
    /// Its memory, or what a container may have of it.
    pub memory: Option<Memory>,
    /// Processes that want a core, the mean of the last minute.
    pub load: Option<f64>,
    /// Cores.
    pub cores: usize,
    /// Its GPUs.
    pub gpus: Vec<GpuLoad>,
}

impl Machine {
    /// Looks at it.
    pub fn look(&mut self) -> MachineNow {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        MachineNow {
            host: read("/proc/sys/kernel/hostname").trim().to_owned(),
            memory: self.meter.machine(),
            load: read("/proc/loadavg").split(' ').next().and_then(|load| load.parse().ok()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            gpus: self.meter.gpus(),
        }
    }
}
