//! What the worker found on this machine, kept: to load libtorch with its libraries for GPUs takes seconds, and plans are
//! quick.
//!
//! Only that there are usable GPUs is kept, and only as long as worker, driver, GPUs and the variables that matter are the
//! same. A run asks anew all the same.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use super::nvidia::Driver;
use super::render::with_cause;
use super::worker;
use crate::cache::Store;
use crate::job::Devices;

/// Variables that decide which GPUs and which libraries the worker finds.
const VARIABLES: [&str; 4] =
    ["CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "NVIDIA_VISIBLE_DEVICES", "LD_LIBRARY_PATH"];

/// What an answer holds for.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Surroundings {
    program: PathBuf,
    bytes: u64,
    modified_ns: u128,
    driver: String,
    models: Vec<String>,
    variables: Vec<Option<String>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    of: Surroundings,
    devices: Devices,
}

impl Surroundings {
    /// `None` where the program cannot be looked at.
    fn of(program: &Path, driver: Option<&Driver>) -> Option<Self> {
        let meta = std::fs::metadata(program).ok()?;
        let modified = meta.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        let variable = |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        Some(Surroundings {
            program: program.to_owned(),
            bytes: meta.len(),
            modified_ns: modified.as_nanos(),
            driver: driver.map(|driver| driver.version.clone()).unwrap_or_default(),
            models: driver.map(|driver| driver.models.clone()).unwrap_or_default(),
            variables: VARIABLES.into_iter().map(variable).collect(),
        })
    }
}

/// What the worker finds, in words where it cannot be asked; with `anew` it is asked in any case.
pub fn ask(store: &Store, driver: Option<&Driver>, anew: bool) -> Result<Devices, String> {
    let program = worker::find().ok_or("`ablatrix-worker`, which knows, was not found")?;
    ask_program(&program, store, driver, anew)
}

fn ask_program(
    program: &Path,
    store: &Store,
    driver: Option<&Driver>,
    anew: bool,
) -> Result<Devices, String> {
    let place = store.layout().devices();
    let now = Surroundings::of(program, driver);
    let kept = || serde_json::from_slice::<Kept>(&std::fs::read(&place).ok()?).ok();
    if let Some(kept) = (!anew).then(kept).flatten().filter(|kept| Some(&kept.of) == now.as_ref()) {
        return Ok(kept.devices);
    }
    let devices = worker::devices(program).map_err(|error| with_cause(&error))?;
    if let Some(of) = now.filter(|_| devices.gpus > 0 && store.layout().tag().exists()) {
        let kept = Kept { of, devices: devices.clone() };
        let bytes = serde_json::to_vec(&kept).unwrap_or_else(|e| panic!("bug: an answer is plain data: {e}"));
        // A cache that cannot be written costs time only.
        let _ = store.replace(&place, &bytes);
    }
    Ok(devices)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::job::PROTOCOL;

    #[test]
    fn an_answer_holds_for_its_surroundings() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("worker");
        std::fs::write(&program, "one").unwrap();
        let driver = Driver { version: "580".into(), models: vec!["L4".into()] };
        let of = |driver: &Driver| Surroundings::of(&program, Some(driver)).unwrap();
        let first = of(&driver);
        assert_eq!(first, of(&driver));
        let text = serde_json::to_string(&first).unwrap();
        assert_eq!(serde_json::from_str::<Surroundings>(&text).unwrap(), first);
        assert_ne!(first, of(&Driver { version: "581".into(), ..driver.clone() }));
        assert_ne!(first, of(&Driver { models: vec![], ..driver.clone() }));
        std::fs::write(&program, "other").unwrap();
        assert_ne!(first, of(&driver));
        assert!(Surroundings::of(&folder.path().join("none"), None).is_none());
    }

    /// A program that says that there are so many GPUs, and leaves a line each time.
    fn program(folder: &Path, gpus: u32) -> PathBuf {
        let devices = serde_json::json!({"protocol": PROTOCOL, "version": "1", "libtorch": "2", "cpu": "AVX2", "gpus": gpus,
                "why_none": null});
        let path = folder.join(format!("worker-{gpus}"));
        let asked = folder.join("asked");
        std::fs::write(&path, format!("#!/bin/sh\necho $1 >>'{}'\necho '{devices}'\n", asked.display()))
            .unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn only_usable_gpus_are_remembered_and_a_run_asks_anew() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("cache")).unwrap();
        let driver = Driver { version: "580".into(), models: vec!["L4".into()] };
        let times =
            || std::fs::read_to_string(folder.path().join("asked")).unwrap_or_default().lines().count();
        let [none, two] = [0, 2].map(|gpus| program(folder.path(), gpus));
        let ask = |program: &Path, anew| ask_program(program, &store, Some(&driver), anew).unwrap().gpus;
        assert_eq!((ask(&none, false), ask(&none, false), times()), (0, 0, 2));
        assert_eq!((ask(&two, false), ask(&two, false), times()), (2, 2, 3));
        assert_eq!((ask(&two, true), times()), (2, 4));
        // Another worker, another driver, or damage.
        assert_eq!((ask(&none, false), times()), (0, 5));
        let newer = Driver { version: "581".into(), ..driver.clone() };
        assert_eq!(ask_program(&two, &store, Some(&newer), false).unwrap().gpus, 2);
        assert_eq!((ask(&two, false), times()), (2, 7));
        std::fs::write(store.layout().devices(), "{").unwrap();
        assert_eq!((ask(&two, false), times()), (2, 8));
        let why = ask_program(&folder.path().join("gone"), &store, Some(&driver), false).unwrap_err();
        assert!(why.contains("cannot be started: No such file"), "{why}");
    }
}
