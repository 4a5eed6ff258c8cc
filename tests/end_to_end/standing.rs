//! `status` and `why`: what others can see of a study, while it runs and after.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::harness::{Lab, SPEC, stderr, stdout};

fn status(lab: &Lab) -> (Option<i32>, Value) {
    let output = lab.call("cache", "status", &["--format", "json"]);
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap())
}

fn count(status: &Value, is: &str) -> usize {
    status["stages"].as_array().unwrap().iter().filter(|one| one["state"]["is"] == is).count()
}

#[test]
fn a_study_can_be_watched_while_another_process_runs_it() {
    let Some(lab) = Lab::new() else { return };
    let (code, before) = status(&lab);
    assert_eq!((code, count(&before, "done"), count(&before, "running")), (Some(0), 0, 0));
    assert!(count(&before, "waiting") > 20);

    lab.write_spec(&SPEC.replace("epochs = 2", "epochs = 40"));
    let mut run = lab.start("cache", &["--workers", "1"]);
    let pid = run.id();
    let patience = Instant::now();
    let seen = loop {
        let (_, now) = status(&lab);
        let stages = now["stages"].as_array().unwrap();
        let training = stages.iter().find(|one| one["epoch"]["epoch"].is_u64());
        if let Some(training) = training {
            break training.clone();
        }
        assert!(run.try_wait().unwrap().is_none() && patience.elapsed() < Duration::from_secs(120), "{now}");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_eq!((&seen["stage"], &seen["epochs"]), (&Value::from("train"), &Value::from(40)));
    assert!(seen["left_s"].as_f64().is_some_and(|left| left >= 0.0), "{seen}");
    assert!(seen["state"]["by"].as_str().unwrap().contains(&format!("process {pid} on ")), "{seen}");
    run.kill().unwrap();
    run.wait().unwrap();
    let (_, after) = status(&lab);
    assert_eq!(count(&after, "running"), 0, "{after}");

    lab.write_spec(SPEC);
    lab.run("cache");
    let output = lab.call("cache", "status", &["--watch"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let said = stdout(&output);
    assert!(said.contains(" 0 waiting") && said.contains("flip/seed=2"), "{said}");
    let logs = fs::read_dir(lab.path("cache/logs/tiny")).unwrap().map(|entry| entry.unwrap().path());
    let journals = logs.filter(|path| path.extension().is_some_and(|ending| ending == "jsonl"));
    let lines: Vec<Value> = journals
        .flat_map(|path| fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect::<Vec<_>>())
        .filter_map(|line| serde_json::from_str(&line).ok())
        .collect();
    for event in ["planned", "started", "training_from", "epoch", "finished"] {
        assert!(lines.iter().any(|line| line["event"] == event && line["unix_ms"].is_u64()), "{event}");
    }
}

/// Those who look on see a study go by: first all of it, then a line for each change, and with the study they end.
#[test]
fn a_study_that_is_watched_is_told_change_by_change() {
    let Some(lab) = Lab::new() else { return };
    let spec = SPEC.replace("epochs = 2", "epochs = 3").replace("seeds = 2", "seeds = 1");
    lab.write_spec(&spec);
    let watch = |format: &str| {
        let mut command = lab.command("cache", "status", &["--watch", "--format", format]);
        let said = fs::File::create(lab.path(format)).unwrap();
        command.stdout(said).stderr(Stdio::piped()).spawn().unwrap()
    };
    let watching = [watch("text"), watch("json")];
    let has_begun = |format: &&str| fs::metadata(lab.path(format)).unwrap().len() > 0;
    while !["text", "json"].iter().all(has_begun) {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    lab.run("cache");
    for child in watching {
        let ended = child.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(0), "{}", stderr(&ended));
    }
    let [said, json] = ["text", "json"].map(|format| fs::read_to_string(lab.path(format)).unwrap());
    assert!(said.starts_with("tiny: ") && said.contains("0 of 3 runs done\n"), "{said}");
    let head = said.find("RUN ").unwrap();
    for line in ["\nsplit: done\n", "\ntrain flip/seed=1: done\n", "\nreport: done\n"] {
        assert_eq!(said[head..].matches(line).count(), 1, "{line} in {said}");
    }
    assert!(!said.contains('\x1b'), "{said}");

    let lines: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let stages = lines[0]["stages"].as_array().unwrap();
    assert!(stages.iter().all(|stage| stage["state"]["is"] == "waiting"), "{}", lines[0]);
    let done: Vec<&str> = lines[1..]
        .iter()
        .filter(|line| line["changed"]["state"]["is"] == "done")
        .map(|line| line["changed"]["node"].as_str().unwrap())
        .collect();
    assert_eq!(done.len(), stages.len(), "each stage ends once: {done:?}");
    assert_eq!(done.last(), Some(&"report"));
    assert!(lines[1..].iter().all(|line| line["experiment"] == "tiny" && line["unix_ms"].is_u64()));
}

/// What fails ends the watch, with its reason, and with the exit code of `status`.
#[test]
fn a_watch_ends_with_a_failure() {
    let Some(lab) = Lab::new() else { return };
    fs::write(lab.path("empty.safetensors"), b"\x02\0\0\0\0\0\0\0{}").unwrap();
    let weights = "\"mobilenet_v3_small\"\nweights = \"empty.safetensors\"";
    lab.write_spec(&SPEC.replace("\"mobilenet_v3_small\"", weights).replace("seeds = 2", "seeds = 1"));
    assert_eq!(lab.call("cache", "run", &["--quiet"]).status.code(), Some(1));
    for args in [&["--watch"][..], &[]] {
        let output = lab.call("cache", "status", args);
        assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
        assert!(
            stdout(&output).contains("3 failed") && stdout(&output).contains("failed: "),
            "{}",
            stdout(&output)
        );
    }
}

#[test]
fn every_changed_input_is_named() {
    let Some(lab) = Lab::new() else { return };
    lab.run("cache");
    let said = stdout(&lab.call("cache", "why", &[]));
    assert!(said.contains("nothing is to run"), "{said}");

    lab.write_spec(&SPEC.replace("epochs = 2", "epochs = 3").replace("batch_size = 8", "batch_size = 4"));
    let output = lab.call("cache", "why", &["train none/seed=1"]);
    assert_eq!(
        stdout(&output),
        "train none/seed=1: `train.batch_size` was `8`, is `4`\n  also `train.epochs` was `2`, is `3`\n"
    );
    let all = stdout(&lab.call("cache", "why", &[]));
    assert_eq!(all.matches("`train.epochs`").count(), 6, "{all}");
    assert!(
        all.ends_with("13 more stages wait for these; what gives the same bytes stops the change\n"),
        "{all}"
    );
    let output = lab.call("cache", "why", &["training"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("no stage `training`"), "{}", stderr(&output));
}

#[test]
fn what_there_is_can_be_read_although_a_run_is_missing() {
    let Some(lab) = Lab::new() else { return };
    assert_eq!(lab.call("cache", "report", &[]).status.code(), Some(1));
    lab.run("cache");
    // Seed 3 is not trained.
    lab.write_spec(&SPEC.replace("seeds = 2", "seeds = 3"));
    let metrics = lab.call("cache", "table", &["metrics"]);
    assert_eq!(metrics.status.code(), Some(0), "{}", stderr(&metrics));
    assert!(stdout(&metrics).contains("flip/seed=2") && stderr(&metrics).contains("evaluate flip/seed=3"));
    let effects = lab.call("cache", "table", &["effects"]);
    assert_eq!(effects.status.code(), Some(1), "the last report knows nothing of seed 3");
    let report = lab.call("cache", "report", &[]);
    assert_eq!(report.status.code(), Some(0), "{}", stderr(&report));
    assert!(stderr(&report).contains("3 of 9 runs have no result yet"), "{}", stderr(&report));
    assert!(fs::read_to_string(lab.path("reports/tiny/index.html")).unwrap().contains("has not been run"));
    let effects = lab.call("cache", "table", &["effects"]);
    assert_eq!(effects.status.code(), Some(0), "{}", stderr(&effects));
    assert!(stdout(&effects).contains("flip"), "{}", stdout(&effects));
}
