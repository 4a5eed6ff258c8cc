//! What this machine offers, for people who wonder where their runs are computed.

use ablatrix::job::{Devices, PROTOCOL};

use crate::{precision, torch};

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
