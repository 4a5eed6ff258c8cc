//! The pool of workers that a spec and a command line ask for on this machine.

use std::path::PathBuf;
use std::time::Duration;

use crate::engine::{Gpus, Limits, PoolConfig};
use crate::spec::settings::{RunsPerGpu, Workers};

/// Cores that a run on a GPU wants at least: they decode and augment.
const CORES_OF_GPU_RUN: usize = 4;

/// Runs that share a GPU at the most, where memory decides.
const SHARING_MOST: usize = 8;

/// What there is to lay a pool out on.
#[derive(Clone, Debug)]
pub struct Ground {
    /// The worker's program.
    pub program: PathBuf,
    /// The folder for the logs of workers.
    pub logs: PathBuf,
    /// The GPUs to compute on.
    pub gpus: Gpus,
    /// Cores of the machine.
    pub cores: usize,
    /// Runs of the study.
    pub runs: usize,
}

/// The pool; `workers` is the command line's word on slots.
///
/// On the processor each worker has one thread while there are as many runs as cores, since two runs with a thread each do more than one
/// with two; with fewer runs each has an equal part of the cores. The number of workers does not come into it: threads may change
/// the last digits of a result, and workers must not.
pub fn pool(settings: &Workers, workers: Option<u32>, ground: Ground) -> PoolConfig {
    let Ground { program, logs, gpus, cores, runs } = ground;
    let runs = runs.max(1);
    let wished = workers.unwrap_or(settings.slots) as usize;
    let by_memory = settings.runs_per_gpu == RunsPerGpu::Auto && wished == 0;
    let slots = match (wished, gpus.count(), settings.runs_per_gpu) {
        (0, None, _) => cores,
        (0, Some(n), RunsPerGpu::Fixed(each)) => n * each as usize,
        (0, Some(n), RunsPerGpu::Auto) => n * (cores / n / CORES_OF_GPU_RUN).clamp(1, SHARING_MOST),
        (wished, ..) => wished,
    };
    let slots = slots.clamp(1, runs);
    let threads = match (settings.threads, gpus.count()) {
        (0, None) => cores / runs,
        (0, Some(_)) => cores / slots,
        (threads, _) => threads as usize,
    };
    let minutes = |minutes: f64| (minutes > 0.0).then(|| Duration::from_secs_f64(minutes * 60.0));
    let limits =
        Limits { whole: minutes(settings.time_limit_minutes), standstill: minutes(settings.hang_minutes) };
    PoolConfig { program, slots, threads: threads.max(1) as u32, gpus, by_memory, limits, logs }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::settings::{Device, DeviceWish, Engine, Slurm};

    fn laid_out(
        runs_per_gpu: RunsPerGpu,
        n_gpus: usize,
        workers: Option<u32>,
        runs: usize,
    ) -> (usize, u32, bool) {
        let settings = Workers {
            engine: Engine::Local,
            slots: 0,
            threads: 0,
            runs_per_gpu,
            time_limit_minutes: 0.5,
            hang_minutes: 0.0,
            wish: DeviceWish::Auto,
            device: Device::Cpu,
            checkpoint_minutes: 10.0,
            slurm: Slurm::default(),
        };
        let gpus = match n_gpus {
            0 => Gpus::Unused,
            n => Gpus::Visible((0..n).map(|n| n.to_string()).collect()),
        };
        let ground = Ground { program: PathBuf::new(), logs: PathBuf::new(), gpus, cores: 16, runs };
        let pool = pool(&settings, workers, ground);
        assert_eq!(pool.limits, Limits { whole: Some(Duration::from_secs(30)), standstill: None });
        (pool.slots, pool.threads, pool.by_memory)
    }

    #[test]
    fn on_the_processor_the_number_of_workers_changes_no_threads() {
        let one = RunsPerGpu::Fixed(1);
        assert_eq!(laid_out(one, 0, None, 24), (16, 1, false));
        assert_eq!(laid_out(one, 0, Some(2), 24), (2, 1, false));
        assert_eq!(laid_out(one, 0, None, 4), (4, 4, false));
        assert_eq!(laid_out(one, 0, Some(1), 4), (1, 4, false));
        assert_eq!(laid_out(one, 0, None, 1), (1, 16, false));
    }

    #[test]
    fn gpus_are_shared_as_the_spec_says() {
        assert_eq!(laid_out(RunsPerGpu::Fixed(1), 2, None, 24), (2, 8, false));
        assert_eq!(laid_out(RunsPerGpu::Fixed(3), 2, None, 24), (6, 2, false));
        assert_eq!(laid_out(RunsPerGpu::Auto, 1, None, 24), (4, 4, true));
        assert_eq!(laid_out(RunsPerGpu::Auto, 8, None, 24), (8, 2, true));
        assert_eq!(laid_out(RunsPerGpu::Auto, 2, Some(5), 24), (5, 3, false));
    }
}
