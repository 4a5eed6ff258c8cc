//! `ablatrix doctor`: what is there to train with, and what to do about what is not.

use std::path::Path;

use serde::Serialize;
use serde_json::json;

use super::args::{DoctorArgs, OutputFormat};
use super::nvidia::{self, Driver};
use super::render::{Failure, with_cause, with_causes};
use super::tracking::{self, Target};
use super::{print, study, worker};
use crate::cache::{Store, free_bytes};
use crate::engine::slurm::{self, CallError, Client};
use crate::job::{Devices, LIBTORCH};
use crate::track::{self, TrackError};

/// Below this a study of many runs may end for want of room.
const LITTLE_ROOM: u64 = 5 << 30;

/// What was looked at, and what was found.
#[derive(Debug, PartialEq, Serialize)]
struct Finding {
    what: &'static str,
    state: State,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
}

/// How good a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Good,
    /// Runs work, but not as they could.
    Fair,
    /// Nothing can be trained.
    Bad,
}

impl Finding {
    fn good(what: &'static str, text: impl Into<String>) -> Self {
        Finding { what, state: State::Good, text: text.into(), help: None }
    }

    fn fair(what: &'static str, text: impl Into<String>, help: impl Into<String>) -> Self {
        Finding { what, state: State::Fair, text: text.into(), help: Some(help.into()) }
    }

    fn bad(what: &'static str, text: impl Into<String>, help: impl Into<String>) -> Self {
        Finding { what, state: State::Bad, text: text.into(), help: Some(help.into()) }
    }
}

/// Looks at everything that a study needs; with a spec, at what that one needs. The exit code is 1 where something is missing.
///
/// # Errors
/// Faults of the spec. All else that is wrong is what it tells.
pub fn doctor(args: &DoctorArgs) -> Result<u8, Failure> {
    let spec = args.spec.as_ref();
    let loaded = spec.map(|spec| study::load(spec, &args.over, study::colour())).transpose()?;
    let args = &args.cache;
    let mut findings = vec![Finding::good("ablatrix", env!("CARGO_PKG_VERSION"))];
    findings.extend(programs());
    findings.extend(cache(&args.cache));
    findings.push(queue());
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let target = match &loaded {
        Some(loaded) => Target::of_spec(&loaded.experiment),
        None => variable("MLFLOW_TRACKING_URI").map(|uri| Target {
            uri,
            experiment: variable("MLFLOW_EXPERIMENT_NAME").unwrap_or_else(|| "Default".to_owned()),
            required: false,
        }),
    };
    findings.push(mlflow(target.as_ref()));
    let bad = findings.iter().any(|finding| finding.state == State::Bad);
    match args.format {
        OutputFormat::Json => print::out(&json!({ "findings": findings, "works": !bad }).to_string()),
        OutputFormat::Text => tell(&findings),
    }
    Ok(u8::from(bad))
}

fn tell(findings: &[Finding]) {
    let width = findings.iter().map(|finding| finding.what.len()).max().unwrap_or(0);
    for finding in findings {
        let mark = match finding.state {
            State::Good => "ok  ",
            State::Fair => "note",
            State::Bad => "BAD ",
        };
        print::out(&format!("{mark}  {:width$}  {}", finding.what, finding.text));
        if let Some(help) = &finding.help {
            print::out(&format!("      {:width$}  -> {help}", ""));
        }
    }
}

/// The worker, libtorch, the processor and the GPUs.
fn programs() -> Vec<Finding> {
    let Some(program) = worker::find() else {
        let text = "`ablatrix-worker`, which trains, is neither beside `ablatrix` nor on the PATH";
        return vec![Finding::bad("worker", text, worker::NOT_FOUND_HELP)];
    };
    let devices = match worker::devices(&program) {
        Ok(devices) => devices,
        Err(error) => {
            let help = "bring libtorch with `cargo xtask build`, or point LD_LIBRARY_PATH at the `lib` of a torch 2.11";
            return vec![Finding::bad("worker", with_cause(&error), help)];
        }
    };
    let mut findings = vec![Finding::good("worker", format!("{} ({})", program.display(), devices.version))];
    findings.push(if devices.libtorch == LIBTORCH {
        Finding::good("libtorch", &devices.libtorch)
    } else {
        let text = format!("{}, but results are keyed by {LIBTORCH}", devices.libtorch);
        Finding::bad(
            "libtorch",
            text,
            format!("build the worker with libtorch {LIBTORCH}: `cargo xtask build`"),
        )
    });
    findings.push(processor(&devices));
    findings.push(gpu(&devices, nvidia::driver(Path::new(nvidia::PROC)).as_ref()));
    findings
}

fn processor(devices: &Devices) -> Finding {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let text = format!("{}, {}", print::count(cores, "core"), devices.cpu);
    if devices.cpu.starts_with("AVX") || cfg!(not(target_arch = "x86_64")) {
        return Finding::good("processor", text);
    }
    Finding::fair(
        "processor",
        text,
        "without AVX2 training is several times slower; use another machine if you can",
    )
}

/// Whether runs can go to a GPU, and why not.
fn gpu(devices: &Devices, driver: Option<&Driver>) -> Finding {
    const WHAT: &str = "GPU";
    match (devices.gpus, driver) {
        (0, None) => {
            let text =
                "none: there is no NVIDIA driver, so that `workers.device = \"auto\"` is the processor";
            Finding::good(WHAT, text)
        }
        (0, Some(driver)) => {
            let why = devices.why_none.as_deref().unwrap_or("libtorch finds none");
            let text = format!("not usable, though driver {} is there: {why}", driver.version);
            let help = if why.contains("libtorch_cuda") {
                "the worker's libtorch is one for processors: point LD_LIBRARY_PATH at the `lib` of a torch 2.11 with CUDA"
            } else {
                "look at `nvidia-smi` and CUDA_VISIBLE_DEVICES; an old driver does not run CUDA 13"
            };
            Finding::fair(WHAT, format!("{text}; `workers.device = \"auto\"` is the processor"), help)
        }
        (n, driver) => {
            let models = driver.map(|driver| driver.models.join(", ")).filter(|models| !models.is_empty());
            let models = models.map(|models| format!(": {models}")).unwrap_or_default();
            let version = driver.map(|driver| format!(", driver {}", driver.version)).unwrap_or_default();
            let text = format!(
                "{n} usable{models}{version}; `workers.device = \"auto\"` sends runs there, a worker to each"
            );
            Finding::good(WHAT, text)
        }
    }
}

/// Whether results can be kept.
fn cache(path: &Path) -> Vec<Finding> {
    let shown = path.display();
    let is_new = !path.exists();
    if let Err(error) = Store::open(path) {
        let help =
            error.help().unwrap_or_else(|| "name a folder that can be written with `--cache DIR`".to_owned());
        return vec![Finding::bad("cache", format!("`{shown}`: {}", with_cause(&error)), help)];
    }
    let made = if is_new { ", made now" } else { "" };
    let mut findings = vec![Finding::good("cache", format!("`{shown}` can be written{made}"))];
    if let Some(room) = free_bytes(path) {
        let text = format!("{} free", bytesize::ByteSize(room).display().iec());
        findings.push(if room >= LITTLE_ROOM {
            Finding::good("disk", text)
        } else {
            Finding::fair("disk", text, "a study of many runs may need more; `ablatrix cache gc` makes room")
        });
    }
    findings
}

/// Whether there is a cluster, for `engine = "slurm"`.
fn queue() -> Finding {
    const WHAT: &str = "Slurm";
    match slurm::cluster(&Client::default()) {
        Ok(cluster) => {
            let arrays =
                cluster.max_array_size.map(|n| format!(", arrays of up to {n} jobs")).unwrap_or_default();
            Finding::good(WHAT, format!("{}{arrays}", cluster.version))
        }
        Err(CallError::NoProgram { program }) => Finding::good(
            WHAT,
            format!("none: `{program}` is not on the PATH, so that `workers.engine` is `local` here"),
        ),
        Err(error) => Finding::fair(
            WHAT,
            with_cause(&error),
            "`sinfo` must answer before studies can run with `engine = \"slurm\"`",
        ),
    }
}

/// Whether runs can be sent to the MLflow server, if one is named.
fn mlflow(target: Option<&Target>) -> Finding {
    const WHAT: &str = "MLflow";
    let Some(target) = target else {
        return Finding::good(WHAT, "no server is named, so that nothing is sent; see docs/how-to/mlflow.md");
    };
    let config = target.config();
    let login = config.credentials.origin();
    match track::look(&config) {
        Ok(seen) => {
            let experiment = match seen.experiment_id {
                Some(id) => format!("experiment `{}` is there (id {id})", target.experiment),
                None => format!("experiment `{}` is made with the first run", target.experiment),
            };
            Finding::good(WHAT, format!("{} at `{}`, with {login}; {experiment}", seen.version, seen.server))
        }
        Err(error) => {
            let help = tracking::help(&error);
            let text = format!("{} (with {login})", with_causes(&error));
            match error {
                TrackError::Unreachable { .. } if !target.required => Finding::fair(WHAT, text, help),
                _ => Finding::bad(WHAT, text, help),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_down_is_bad_only_where_it_is_required() {
        let target = |uri: &str, required| Target { uri: uri.into(), experiment: "e".into(), required };
        // Nobody listens on port 1.
        let down = |required| mlflow(Some(&target("http://127.0.0.1:1", required)));
        assert_eq!((down(false).state, down(true).state), (State::Fair, State::Bad));
        let wrong = mlflow(Some(&target("./mlruns", false)));
        assert_eq!(wrong.state, State::Bad);
        assert!(wrong.help.unwrap().contains("http://127.0.0.1:5000"));
        assert_eq!(mlflow(None).state, State::Good);
    }

    fn devices(gpus: u32, why_none: Option<&str>) -> Devices {
        Devices {
            protocol: 1,
            version: "1".into(),
            libtorch: LIBTORCH.into(),
            cpu: "AVX2".into(),
            gpus,
            why_none: why_none.map(str::to_owned),
        }
    }

    #[test]
    fn a_gpu_that_is_not_used_says_why_and_what_to_do() {
        let driver = Driver { version: "580.65.06".into(), models: vec!["NVIDIA H200".into()] };
        let found = gpu(&devices(1, None), Some(&driver));
        assert_eq!(found.state, State::Good);
        assert!(found.text.starts_with("1 usable: NVIDIA H200, driver 580.65.06"), "{}", found.text);

        let found = gpu(&devices(0, Some("libtorch_cuda.so: cannot open shared object file")), Some(&driver));
        assert_eq!(found.state, State::Fair);
        assert!(found.text.contains("cannot open shared object file"), "{}", found.text);
        assert!(found.help.unwrap().contains("LD_LIBRARY_PATH"));
        let found = gpu(&devices(0, Some("libtorch finds no usable GPU or driver")), Some(&driver));
        assert!(found.help.unwrap().contains("nvidia-smi"));
        assert_eq!(gpu(&devices(0, Some("x")), None).state, State::Good, "a machine without one is fine");
    }

    #[test]
    fn an_old_processor_is_named() {
        let old = Devices { cpu: "DEFAULT".into(), ..devices(0, None) };
        let expected = if cfg!(target_arch = "x86_64") { State::Fair } else { State::Good };
        assert_eq!(processor(&old).state, expected);
        assert_eq!(processor(&devices(0, None)).state, State::Good);
    }

    #[test]
    fn a_cache_that_cannot_be_made_is_bad() {
        let found = cache(Path::new("/proc/none/cache"));
        assert_eq!(found[0].state, State::Bad);
        assert!(found[0].help.is_some());
    }
}
