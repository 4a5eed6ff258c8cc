//! What this machine offers, for people who wonder where their runs are computed.

use ablatrix::job::{Devices, PROTOCOL};

use crate::{precision, torch};

/// The type of the processor, and the widest vector instructions of it that libtorch uses: where both are the same, and the number of
/// threads is, so are trained weights.
pub fn processor() -> String {
    let told = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = told.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let model = model.map_or(std::env::consts::ARCH, |(_, model)| model.trim());
    format!("{model} ({})", precision::cpu_capability())
}

/// Looks at the processor and at the GPUs that libtorch can use.
pub fn look() -> Devices {
    let gpus = torch::usable_gpus();
    Devices {
        protocol: PROTOCOL,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        libtorch: torch::version(),
        cpu: precision::cpu_capability(),
        gpus: *gpus.as_ref().unwrap_or(&0),
        why_none: gpus.err(),
    }
}
