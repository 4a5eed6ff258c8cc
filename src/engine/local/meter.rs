//! What memory there is, and what a worker has of it: as the kernel and NVIDIA's driver tell.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use nvml_wrapper::enums::device::UsedGpuMemory;
use nvml_wrapper::{Device, Nvml};

/// Memory of the machine or of a GPU, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// All of it.
    pub total: u64,
    /// What could be had now.
    pub available: u64,
}

/// What a GPU does, and how much of its memory is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GpuLoad {
    /// Its kind, as `NVIDIA H200`.
    pub name: String,
    /// The share of the last moment, 1 s at most, in which it computed.
    pub busy_percent: u32,
    /// Its memory.
    pub memory: Memory,
}

/// Tells of memory.
pub trait Meter: Send {
    /// The machine's, or what a container may have of it; `None` where nobody tells.
    fn machine(&self) -> Option<Memory>;
    /// What a process has for itself, files that it has mapped left aside, in bytes.
    fn process(&self, id: u32) -> Option<u64>;
    /// A GPU's, by the name under which a worker sees it; `None` where nobody tells.
    fn gpu(&self, name: &str) -> Option<Memory>;
    /// What a process has of a GPU's memory, likewise.
    fn process_on_gpu(&self, name: &str, id: u32) -> Option<u64>;
}

/// This machine.
#[derive(Debug, Default)]
pub struct ThisMachine {
    /// Opened when the first GPU is asked for: loading the driver's library takes a while.
    nvml: OnceLock<Option<Nvml>>,
}

impl Meter for ThisMachine {
    fn machine(&self) -> Option<Memory> {
        let text = std::fs::read_to_string("/proc/meminfo").ok()?;
        let whole = of_meminfo(&text)?;
        Some(group_limit(Path::new("/sys/fs/cgroup")).map_or(whole, |group| narrower(whole, group)))
    }

    fn process(&self, id: u32) -> Option<u64> {
        let text = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
        Some(kib(&text, "RssAnon:")? + kib(&text, "RssShmem:").unwrap_or(0))
    }

    fn gpu(&self, name: &str) -> Option<Memory> {
        let memory = self.device(name)?.memory_info().ok()?;
        Some(Memory { total: memory.total, available: memory.free })
    }

    fn process_on_gpu(&self, name: &str, id: u32) -> Option<u64> {
        let all = self.device(name)?.running_compute_processes().ok()?;
        let process = all.into_iter().find(|process| process.pid == id)?;
        match process.used_gpu_memory {
            UsedGpuMemory::Used(bytes) => Some(bytes),
            UsedGpuMemory::Unavailable => None,
        }
    }
}

impl ThisMachine {
    /// All GPUs of the machine, as the driver counts them; none where there is no driver.
    pub fn gpus(&self) -> Vec<GpuLoad> {
        let Some(nvml) = self.nvml.get_or_init(|| Nvml::init().ok()) else { return Vec::new() };
        let load = |number: u32| {
            let device = nvml.device_by_index(number).ok()?;
            let memory = device.memory_info().ok()?;
            Some(GpuLoad {
                name: device.name().ok()?,
                busy_percent: device.utilization_rates().ok()?.gpu,
                memory: Memory { total: memory.total, available: memory.free },
            })
        };
        (0..nvml.device_count().unwrap_or(0)).filter_map(load).collect()
    }

    /// The GPU that a worker sees under this name. CUDA and NVML count alike only where CUDA was told to, or where all GPUs are of
    /// one kind; otherwise a number says nothing.
    fn device(&self, name: &str) -> Option<Device<'_>> {
        let nvml = self.nvml.get_or_init(|| Nvml::init().ok()).as_ref()?;
        let Ok(number) = name.parse::<u32>() else { return nvml.device_by_uuid(name).ok() };
        let by_bus = std::env::var_os("CUDA_DEVICE_ORDER").is_some_and(|order| order == "PCI_BUS_ID");
        let kind = |number: u32| nvml.device_by_index(number).and_then(|device| device.name()).ok();
        let n = nvml.device_count().ok()?;
        let counts_alike = by_bus || (1..n).all(|other| kind(other) == kind(0));
        counts_alike.then(|| nvml.device_by_index(number).ok()).flatten()
    }
}

/// Of `/proc/meminfo`.
fn of_meminfo(text: &str) -> Option<Memory> {
    Some(Memory { total: kib(text, "MemTotal:")?, available: kib(text, "MemAvailable:")? })
}

/// The number of KiB on the line that begins with `name`, in bytes.
fn kib(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().trim_end_matches("kB").trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

/// What the control group (version 2) of this process allows it and its children, where that is limited. The files of a group
/// above may limit it further: the narrowest counts.
fn group_limit(root: &Path) -> Option<Memory> {
    let own = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let folders = root.join(own).ancestors().map(Path::to_owned).collect::<Vec<PathBuf>>();
    folders
        .iter()
        .take_while(|folder| folder.starts_with(root))
        .filter_map(|folder| of_group(folder))
        .reduce(narrower)
}

/// The limit of one group.
fn of_group(folder: &Path) -> Option<Memory> {
    let number = |name: &str| std::fs::read_to_string(folder.join(name)).ok()?.trim().parse::<u64>().ok();
    let total = number("memory.max")?;
    let used = number("memory.current")?;
    // Pages of files that are not in use are given back where memory is wanted.
    let stat = std::fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
    let files = stat.lines().find_map(|line| line.strip_prefix("inactive_file "));
    let files = files.and_then(|files| files.trim().parse::<u64>().ok()).unwrap_or(0);
    Some(Memory { total, available: total.saturating_sub(used.saturating_sub(files)) })
}

fn narrower(a: Memory, b: Memory) -> Memory {
    Memory { total: a.total.min(b.total), available: a.available.min(b.available) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_words_are_understood() {
        let text = "MemTotal:       24576000 kB\nMemFree:  1 kB\nMemAvailable:   20480000 kB\n";
        let expected = Memory { total: 24_576_000 * 1024, available: 20_480_000 * 1024 };
        assert_eq!(of_meminfo(text), Some(expected));
        assert_eq!(of_meminfo("MemTotal: 5 kB\n"), None);
        assert_eq!(of_meminfo("MemTotal: many kB\nMemAvailable: 2 kB\n"), None);
    }

    #[test]
    fn a_group_counts_what_it_could_give_back_as_available() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        assert_eq!(of_group(folder.path()), None);
        write("memory.max", "max\n");
        write("memory.current", "900\n");
        assert_eq!(of_group(folder.path()), None);
        write("memory.max", "1000\n");
        assert_eq!(of_group(folder.path()), Some(Memory { total: 1000, available: 100 }));
        write("memory.stat", "anon 500\ninactive_file 300\nactive_file 90\n");
        assert_eq!(of_group(folder.path()), Some(Memory { total: 1000, available: 400 }));
    }

    #[test]
    fn this_process_has_memory_of_its_own() {
        let machine = ThisMachine::default();
        let memory = machine.machine().unwrap();
        assert!(memory.available > 0 && memory.available <= memory.total);
        let own = machine.process(std::process::id()).unwrap();
        assert!(own > 0 && own < memory.total);
        assert_eq!(machine.process(u32::MAX), None);
    }
}
