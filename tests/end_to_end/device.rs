//! Where runs are computed: settled before anything is planned, refused before any job. No test here needs a GPU.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use ablatrix::job::{LIBTORCH, PROTOCOL};
use serde_json::Value;

use super::harness::{Lab, SPEC, stderr, stdout};

/// A worker that says that there are so many GPUs, and when it is to work notes the one that it sees, and ends when `company`
/// workers with different ones have done so, or ten seconds later: a run whose first workers fail starts no others.
fn worker(lab: &Lab, gpus: u32, company: usize) -> PathBuf {
    let why = if gpus == 0 { "\"no driver to speak of\"" } else { "null" };
    let devices = format!(
        "{{\"protocol\":{PROTOCOL},\"version\":\"1\",\"libtorch\":\"{LIBTORCH}\",\"cpu\":\"AVX2\",\"gpus\":{gpus},\
         \"why_none\":{why}}}"
    );
    let script = format!(
        "#!/bin/sh\nif [ \"$1\" = devices ]; then echo asked >>asked; echo '{devices}'; exit 0; fi\n\
         echo \"${{CUDA_VISIBLE_DEVICES-all}}\" >>seen\n\
         for i in $(seq 100); do [ \"$(sort -u seen | wc -l)\" -ge {company} ] && exit 3; sleep 0.1; done\nexit 3\n"
    );
    let path = lab.path("worker");
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn write_device(lab: &Lab, device: &str) {
    lab.write_spec(&format!("{SPEC}[workers]\ndevice = \"{device}\"\n"));
}

/// `ablatrix run`, and the GPUs that workers saw, each once.
fn run(
    lab: &Lab,
    device: &str,
    gpus: u32,
    visible: Option<&str>,
    args: &[&str],
    company: usize,
) -> (i32, String, Vec<String>) {
    write_device(lab, device);
    let _ = fs::remove_file(lab.path("seen"));
    let mut command = lab.command("cache", "run", args);
    command.env("ABLATRIX_WORKER", worker(lab, gpus, company)).env_remove("CUDA_VISIBLE_DEVICES");
    command.envs(visible.map(|visible| ("CUDA_VISIBLE_DEVICES", visible)));
    let output = command.output().unwrap();
    let seen = fs::read_to_string(lab.path("seen")).unwrap_or_default();
    let mut seen: Vec<String> = seen.lines().map(str::to_owned).collect();
    seen.sort();
    seen.dedup();
    (output.status.code().unwrap(), stderr(&output), seen)
}

#[test]
fn workers_go_round_the_gpus_that_are_visible() {
    let lab = Lab::without_worker();
    for (device, visible, args, expected) in [
        ("cuda", None, &[][..], &["0", "1"][..]),
        ("cuda", Some("5,GPU-7"), &[], &["5", "GPU-7"]),
        ("cuda", Some("5,GPU-7"), &["--workers", "3"], &["5", "GPU-7"]),
        ("cuda:1", None, &[], &["1"]),
        ("cuda:1", Some("5,7"), &["--workers", "2"], &["7"]),
        ("cpu", None, &["--workers", "2"], &["all"]),
    ] {
        let (code, said, seen) = run(&lab, device, 2, visible, args, expected.len());
        assert_eq!(
            (code, seen.iter().map(String::as_str).collect::<Vec<_>>().as_slice()),
            (1, expected),
            "{said}"
        );
    }
}

#[test]
fn a_gpu_that_is_not_there_is_refused_before_any_job() {
    let lab = Lab::without_worker();
    for (device, gpus, visible, words) in [
        ("cuda", 0, None, "`workers.device` is `cuda`, and no GPU is usable: no driver to speak of"),
        ("cuda:0", 0, None, "no GPU is usable: no driver to speak of"),
        ("cuda:2", 2, None, "`workers.device` is `cuda:2`, and only `cuda:0` to `cuda:1` are there"),
        ("cuda:1", 1, Some("7"), "only `cuda:0` is there (CUDA_VISIBLE_DEVICES shows no others)"),
    ] {
        let (code, said, seen) = run(&lab, device, gpus, visible, &[], 1);
        let said = said.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
        assert_eq!((code, seen.len()), (1, 0), "{said}");
        for words in [words, "tiny.toml:34:10", "`ablatrix doctor` says what there is"] {
            assert!(said.contains(words), "{device}: `{words}` is not in: {said}");
        }
        // What needs no worker needs no GPU.
        assert_eq!(run(&lab, device, gpus, visible, &["--until", "balance"], 1).0, 0);
    }
    for wrong in ["gpu", "cuda:x", "cuda:"] {
        let (code, said, _) = run(&lab, wrong, 1, None, &[], 1);
        assert!(code == 2 && said.contains("expected `auto`, `cpu`, `cuda`, or `cuda:N`"), "{said}");
    }
}

#[test]
fn auto_is_the_processor_where_no_gpu_shows_itself() {
    let lab = Lab::without_worker();
    let worker = worker(&lab, 2, 1);
    for text in [SPEC.to_owned(), format!("{SPEC}[workers]\ndevice = \"auto\"\n")] {
        lab.write_spec(&text);
        let mut plan = lab.command("cache", "plan", &[]);
        let output = plan.env("ABLATRIX_WORKER", &worker).output().unwrap();
        let said = stdout(&output);
        assert!(said.contains("runs are computed on the processor (`workers.device` is `auto`; "), "{said}");
        let check = lab.call("cache", "check", &["--format", "json"]);
        let check: Value = serde_json::from_slice(&check.stdout).unwrap();
        assert_eq!(check["experiment"]["workers"]["device"], "cpu");
        assert_eq!(check["experiment"]["workers"]["wish"], "auto");
    }
    assert!(!lab.path("asked").exists(), "a worker was started to plan");
    write_device(&lab, "cuda");
    let said = stdout(&lab.call("cache", "plan", &[]));
    assert!(said.ends_with("runs are computed on a GPU\n"), "{said}");
}
