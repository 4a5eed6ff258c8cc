//! What the NVIDIA driver says of itself, in files: no library of it is needed.

use std::fs;
use std::path::Path;

/// Where the driver tells of itself on Linux.
pub const PROC: &str = "/proc/driver/nvidia";

/// The driver and the GPUs that it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Driver {
    /// Its version, as `580.65.06`; empty where its line has none.
    pub version: String,
    /// The GPUs' models, in the order of their bus addresses.
    pub models: Vec<String>,
}

/// Reads the driver's files below `root`; `None` where there is no driver.
pub fn driver(root: &Path) -> Option<Driver> {
    let text = fs::read_to_string(root.join("version")).ok()?;
    let first = text.lines().next().unwrap_or_default();
    let is_version = |word: &&str| word.contains('.') && word.chars().all(|c| c.is_ascii_digit() || c == '.');
    let version = first.split_whitespace().find(is_version).unwrap_or_default().to_owned();
    let folders = fs::read_dir(root.join("gpus")).into_iter().flatten().flatten();
    let mut paths: Vec<_> = folders.map(|folder| folder.path().join("information")).collect();
    paths.sort();
    let model = |path: &std::path::PathBuf| {
        let text = fs::read_to_string(path).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("Model:"))?;
        Some(line.trim().to_owned())
    };
    Some(Driver { version, models: paths.iter().filter_map(model).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drivers_files_are_read() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(driver(root.path()), None);
        let version =
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.65.06  Sun Jul 27 06:54:38 UTC 2025\n";
        fs::write(root.path().join("version"), version).unwrap();
        for (address, model) in [("0000:65:00.0", "NVIDIA L4"), ("0000:18:00.0", "NVIDIA H200")] {
            let folder = root.path().join("gpus").join(address);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("information"), format!("Model: \t\t {model}\nIRQ:   \t\t 16\n")).unwrap();
        }
        let found = driver(root.path()).unwrap();
        assert_eq!(found.version, "580.65.06");
        assert_eq!(found.models, ["NVIDIA H200", "NVIDIA L4"]);
    }
}
