//! What `workers.device` comes to on this machine: settled once, before keys are made.

use super::nvidia::Driver;
use super::print::count;
use crate::engine::Gpus;
use crate::job::Devices;
use crate::spec::settings::{Device, DeviceWish};

/// What is known of the machine before anybody is asked.
pub struct Machine<'a> {
    /// The NVIDIA driver, where there is one.
    pub driver: Option<Driver>,
    /// The GPUs that this process may see, as the variable says; `None`: all.
    pub visible: Option<String>,
    /// Asks the worker what it finds.
    pub ask: &'a dyn Fn() -> Result<Devices, String>,
}

/// What a wish has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The kind.
    pub device: Device,
    /// Why, in words, where the spec leaves it to the machine.
    pub why: Option<String>,
    /// What people should know: GPUs that are there and are not used.
    pub notice: Option<String>,
    /// Usable GPUs, where somebody was asked.
    gpus: Option<u32>,
}

/// Settles where tensors live. Nobody is asked unless the spec leaves it to the machine and there is a driver.
pub fn settle(wish: DeviceWish, machine: &Machine<'_>) -> Settled {
    let settled = |device, why: String| Settled { device, why: Some(why), notice: None, gpus: None };
    if wish != DeviceWish::Auto {
        return Settled { device: wish.kind(), why: None, notice: None, gpus: None };
    }
    let Some(driver) = &machine.driver else {
        return settled(Device::Cpu, "there is no NVIDIA driver".to_owned());
    };
    if visible(machine).is_some_and(|names| names.is_empty()) {
        return settled(Device::Cpu, "CUDA_VISIBLE_DEVICES hides all GPUs".to_owned());
    }
    match usable(machine) {
        Ok(n) => {
            let are = if n == 1 { "is" } else { "are" };
            Settled {
                gpus: Some(n),
                ..settled(Device::Cuda, format!("{} {are} usable", count(n as usize, "GPU")))
            }
        }
        Err(why) => {
            let notice = format!(
                "runs are computed on the processor, though NVIDIA driver {} is there: {why}; `ablatrix doctor` \
                 says what to do, and `workers.device = \"cpu\"` that it is meant",
                driver.version
            );
            Settled { notice: Some(notice), ..settled(Device::Cpu, format!("no GPU is usable: {why}")) }
        }
    }
}

/// Where tensors live on the nodes of a cluster: where jobs ask for GPUs they compute on one. This machine has no part in it.
pub fn on_cluster(wish: DeviceWish, gpus: u32) -> Settled {
    let (device, why) = match wish {
        DeviceWish::Auto if gpus > 0 => (Device::Cuda, Some(format!("`workers.slurm.gpus` is {gpus}"))),
        DeviceWish::Auto => (Device::Cpu, Some("`workers.slurm.gpus` is 0".to_owned())),
        wish => (wish.kind(), None),
    };
    Settled { device, why, notice: None, gpus: None }
}

/// The GPUs for the workers of a study; asks where that was not done yet.
pub fn gpus(wish: DeviceWish, settled: &Settled, machine: &Machine<'_>) -> Gpus {
    if settled.device == Device::Cpu {
        return Gpus::Unused;
    }
    let n = match settled.gpus.map_or_else(|| usable(machine), Ok) {
        Ok(n) => n,
        Err(why) => {
            let driver = if machine.driver.is_none() { "; there is no NVIDIA driver" } else { "" };
            return Gpus::Refused(format!(
                "`workers.device` is `{wish}`, and no GPU is usable: {why}{driver}"
            ));
        }
    };
    let names = visible(machine).unwrap_or_default();
    let name = |number: u32| names.get(number as usize).cloned().unwrap_or_else(|| number.to_string());
    match wish {
        DeviceWish::CudaAt(number) if number >= n => {
            let there = match n {
                1 => "only `cuda:0` is there".to_owned(),
                n => format!("only `cuda:0` to `cuda:{}` are there", n - 1),
            };
            let hidden = if names.is_empty() { "" } else { " (CUDA_VISIBLE_DEVICES shows no others)" };
            Gpus::Refused(format!("`workers.device` is `{wish}`, and {there}{hidden}"))
        }
        DeviceWish::CudaAt(number) => Gpus::Visible(vec![name(number)]),
        DeviceWish::Auto | DeviceWish::Cpu | DeviceWish::Cuda => Gpus::Visible((0..n).map(name).collect()),
    }
}

/// How many GPUs can be used, at least one; else why none.
fn usable(machine: &Machine<'_>) -> Result<u32, String> {
    let devices = (machine.ask)()?;
    match devices.gpus {
        0 => Err(devices.why_none.unwrap_or_else(|| "libtorch finds none".to_owned())),
        n => Ok(n),
    }
}

/// The GPUs that the variable shows, by name; as for CUDA, what stands behind a name that is none is not seen.
fn visible(machine: &Machine<'_>) -> Option<Vec<String>> {
    let names = machine.visible.as_ref()?.split(',').map(str::trim);
    Some(names.take_while(|name| !name.is_empty() && *name != "-1").map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn devices(gpus: u32) -> Result<Devices, String> {
        Ok(Devices {
            protocol: 1,
            version: "1".into(),
            libtorch: "2".into(),
            cpu: "AVX2".into(),
            gpus,
            why_none: (gpus == 0).then(|| "libtorch_cuda.so: cannot open".to_owned()),
        })
    }

    fn driver() -> Option<Driver> {
        Some(Driver { version: "580.65.06".into(), models: vec!["NVIDIA H200".into()] })
    }

    fn machine<'a>(visible: Option<&str>, ask: &'a dyn Fn() -> Result<Devices, String>) -> Machine<'a> {
        Machine { driver: driver(), visible: visible.map(str::to_owned), ask }
    }

    #[test]
    fn nobody_is_asked_where_it_is_settled() {
        let ask = || -> Result<Devices, String> { panic!("asked") };
        let none = Machine { driver: None, ..machine(None, &ask) };
        let settled = settle(DeviceWish::Auto, &none);
        assert_eq!((settled.device, settled.notice), (Device::Cpu, None));
        assert_eq!(settled.why.unwrap(), "there is no NVIDIA driver");
        for hidden in ["", "-1", " -1,0"] {
            assert_eq!(
                settle(DeviceWish::Auto, &machine(Some(hidden), &ask)).device,
                Device::Cpu,
                "{hidden}"
            );
        }
        for (wish, device) in [
            (DeviceWish::Cpu, Device::Cpu),
            (DeviceWish::Cuda, Device::Cuda),
            (DeviceWish::CudaAt(3), Device::Cuda),
        ] {
            let settled = settle(wish, &machine(None, &ask));
            assert_eq!((settled.device, settled.why), (device, None));
        }
        let settled = settle(DeviceWish::Cpu, &none);
        assert_eq!(gpus(DeviceWish::Cpu, &settled, &none), Gpus::Unused);
    }

    #[test]
    fn on_a_cluster_the_jobs_say_where() {
        let devices =
            [(DeviceWish::Auto, 0), (DeviceWish::Auto, 1), (DeviceWish::Cpu, 1), (DeviceWish::Cuda, 1)];
        let settled = devices.map(|(wish, gpus)| on_cluster(wish, gpus).device);
        assert_eq!(settled, [Device::Cpu, Device::Cuda, Device::Cpu, Device::Cuda]);
    }

    #[test]
    fn auto_takes_gpus_that_are_usable_and_says_why_it_does_not() {
        let two = || devices(2);
        let settled = settle(DeviceWish::Auto, &machine(None, &two));
        assert_eq!((settled.device, settled.why.as_deref()), (Device::Cuda, Some("2 GPUs are usable")));
        // What is known is not asked for again.
        let ask = || -> Result<Devices, String> { panic!("asked") };
        let found = gpus(DeviceWish::Auto, &settled, &machine(None, &ask));
        assert_eq!(found, Gpus::Visible(vec!["0".into(), "1".into()]));
        let failures: [&dyn Fn() -> Result<Devices, String>; 2] =
            [&|| devices(0), &|| Err("no worker".to_owned())];
        for (ask, word) in failures.into_iter().zip(["libtorch_cuda.so", "no worker"]) {
            let settled = settle(DeviceWish::Auto, &machine(None, ask));
            let notice = settled.notice.unwrap();
            assert_eq!(settled.device, Device::Cpu);
            assert!(
                notice.contains(word) && notice.contains("580.65.06") && notice.contains("doctor"),
                "{notice}"
            );
        }
    }

    #[test]
    fn a_number_counts_among_the_visible() {
        let of = |wish, visible, n| {
            let ask = move || devices(n);
            let machine = machine(visible, &ask);
            gpus(wish, &settle(wish, &machine), &machine)
        };
        let names = |names: &[&str]| Gpus::Visible(names.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(of(DeviceWish::CudaAt(1), None, 4), names(&["1"]));
        assert_eq!(of(DeviceWish::CudaAt(1), Some("5, GPU-7"), 2), names(&["GPU-7"]));
        assert_eq!(of(DeviceWish::Cuda, Some("5,GPU-7"), 2), names(&["5", "GPU-7"]));
        assert_eq!(of(DeviceWish::Cuda, None, 1), names(&["0"]));
        let refused = |found| match found {
            Gpus::Refused(why) => why,
            other => panic!("{other:?}"),
        };
        let why = refused(of(DeviceWish::CudaAt(2), Some("5,7"), 2));
        assert_eq!(
            why,
            "`workers.device` is `cuda:2`, and only `cuda:0` to `cuda:1` are there (CUDA_VISIBLE_DEVICES shows no \
             others)"
        );
        assert!(refused(of(DeviceWish::CudaAt(1), None, 1)).ends_with("only `cuda:0` is there"));
        assert!(refused(of(DeviceWish::Cuda, None, 0)).contains("no GPU is usable: libtorch_cuda.so"));
    }
}
