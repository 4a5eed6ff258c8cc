//! How much is said, in which form, and where it is kept.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

use super::harness::{Lab, stderr, stdout};

/// `run --until label ARGS`, with the log's variables as given.
fn label(lab: &Lab, cache: &str, args: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command: Command = lab.command(cache, "run", &["--until", "label"]);
    command.env_remove("RUST_LOG").args(args).envs(variables.iter().copied());
    command.output().unwrap()
}

/// The logs of calls, oldest first.
fn logs(lab: &Lab, cache: &str) -> Vec<PathBuf> {
    let all = fs::read_dir(lab.path(cache).join("logs/tiny")).unwrap().map(|entry| entry.unwrap().path());
    let is_log = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("study-");
    let mut logs: Vec<PathBuf> = all.filter(is_log).collect();
    logs.sort();
    logs
}

#[test]
fn flags_and_variables_say_how_much_is_said() {
    let lab = Lab::without_worker();
    let said = |cache: &str, args: &[&str], variables: &[(&str, &str)]| {
        let output = label(&lab, cache, args, variables);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stderr(&output)
    };
    let usual = said("a", &[], &[]);
    assert!(usual.contains("ingest: done in ") && !usual.contains("INFO"), "{usual}");
    assert_eq!(said("b", &["-q"], &[]), "");
    assert_eq!(said("b", &["--quiet"], &[("RUST_LOG", "error")]), "");
    let more = said("c", &["-v"], &[]);
    assert!(more.contains("ingest: done in ") && !more.contains("stage finished"), "{more}");
    let most = said("d", &["-vv"], &[]);
    assert!(most.contains("DEBUG") && most.contains("not in the cache key="), "{most}");
    assert!(most.contains("INFO") && most.contains("stage finished stage=\"ingest\" key="), "{most}");
    assert!(!most.contains('\x1b'), "no colour in a pipe: {most}");
    let filtered = said("e", &["-q"], &[("ABLATRIX_LOG", "ablatrix::stage=info"), ("RUST_LOG", "trace")]);
    assert!(filtered.lines().all(|line| line.contains("ablatrix::stage")), "{filtered}");
    assert!(filtered.contains("stage started stage=\"label\" key="), "{filtered}");
    let theirs = said("f", &["-q"], &[("RUST_LOG", "ablatrix=info")]);
    assert!(theirs.contains("stage finished"), "{theirs}");

    let output = label(&lab, "g", &[], &[("ABLATRIX_LOG", "ablatrix=loud")]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("`ABLATRIX_LOG` is `ablatrix=loud`, which is no filter"),
        "{}",
        stderr(&output)
    );
    assert_eq!(label(&lab, "g", &["-q", "-v"], &[]).status.code(), Some(2));
}

#[test]
fn a_log_for_programs_is_one_object_a_line() {
    let lab = Lab::without_worker();
    let lines = |output: &Output| -> Vec<Value> {
        stderr(output)
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
            .collect()
    };
    let output = label(&lab, "a", &["--log-format", "json"], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told = lines(&output);
    let of = |message: &str, stage: &str| {
        let is_it = |line: &&Value| line["message"] == message && line["stage"] == stage;
        told.iter().find(is_it).unwrap_or_else(|| panic!("no `{message}` of `{stage}` in {told:?}"))
    };
    assert!(of("stage started", "label")["key"].as_str().unwrap().len() >= 8);
    assert!(of("stage finished", "label")["seconds"].as_f64().unwrap() >= 0.0);
    assert!(told.iter().all(|line| line["timestamp"].is_string() && line["level"].is_string()), "{told:?}");

    // What ends a verb too, whatever else is asked for.
    lab.write_spec(&super::harness::SPEC.replace("epochs = 2", "epochs = -2"));
    let output = label(&lab, "a", &["--log-format=json"], &[]);
    let last = lines(&output).pop().unwrap();
    assert_eq!(
        (output.status.code(), &last["level"], &last["exit_code"]),
        (Some(2), &"ERROR".into(), &2.into())
    );
    assert!(last["message"].as_str().unwrap().contains("epochs"), "{last}");
    let output = label(&lab, "a", &["--log-format", "json", "--nonsense"], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(lines(&output).pop().unwrap()["error"]["message"].as_str().unwrap().contains("--nonsense"));
}

#[test]
fn each_call_of_run_leaves_a_log_and_the_last_are_kept() {
    let lab = Lab::without_worker();
    label(&lab, "cache", &["-q"], &[]);
    let log = fs::read_to_string(&logs(&lab, "cache")[0]).unwrap();
    assert!(log.contains("begins version=") && log.contains("stage finished stage=\"label\""), "{log}");
    assert!(!log.contains("DEBUG") && !log.contains('\x1b'), "{log}");
    for _ in 0..22 {
        label(&lab, "cache", &[], &[]);
    }
    let kept = logs(&lab, "cache");
    assert_eq!(kept.len(), 20);
    let last = fs::read_to_string(kept.last().unwrap()).unwrap();
    assert!(!last.contains("stage finished"), "all was cached: {last}");
    // Other verbs leave none.
    lab.call("cache", "plan", &["-v"]);
    assert_eq!(logs(&lab, "cache").len(), 20);
}

#[test]
fn a_failure_names_its_logs() {
    let Some(lab) = Lab::new() else { return };
    fs::write(lab.path("empty.safetensors"), b"\x02\0\0\0\0\0\0\0{}").unwrap();
    let weights = "\"mobilenet_v3_small\"\nweights = \"empty.safetensors\"";
    let spec = super::harness::SPEC.replace("\"mobilenet_v3_small\"", weights);
    lab.write_spec(&spec.replace("seeds = 2", "seeds = 1"));
    let output = lab.call("cache", "run", &["--format", "json"]);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let log = fs::read_to_string(answer["log"].as_str().unwrap()).unwrap();
    assert!(log.contains("stage failed stage=\"train none/seed=1\""), "{log}");
    let said = stderr(&lab.call("cache", "run", &[]));
    let of_run = lab.path("cache/logs/tiny/runs/none,seed=1.log");
    assert!(said.contains(&format!("help: see `{}`", of_run.display())), "{said}");
    assert!(said.contains("logs/tiny/study-") && said.contains("for all that happened"), "{said}");
    let of_run = fs::read_to_string(of_run).unwrap();
    assert!(
        of_run.contains(" UTC train none/seed=1, key ") && of_run.contains("{\"event\":\"failed\""),
        "{of_run}"
    );

    let shown = stdout(&lab.call("cache", "status", &[]));
    assert!(shown.contains("logs: ") && shown.contains("logs/tiny/runs of runs"), "{shown}");
    let status: Value =
        serde_json::from_slice(&lab.call("cache", "status", &["--format", "json"]).stdout).unwrap();
    let failed =
        status["stages"].as_array().unwrap().iter().find(|stage| stage["state"]["is"] == "failed").unwrap();
    assert!(failed["state"]["log"].as_str().unwrap().ends_with(",seed=1.log"), "{failed}");
    assert!(status["logs"].as_str().unwrap().ends_with("logs/tiny"));
}
