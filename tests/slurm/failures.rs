//! What goes wrong is said with what to do about it: before anything is computed where that can be known.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::harness::{Lab, stderr, stdout};
use super::lab::{Study, spec, wait_for};

#[test]
fn without_slurm_nothing_is_begun() {
    let Some(lab) = Lab::new() else { return };
    lab.write_spec(&spec(""));
    for verb in ["run", "check"] {
        let output = lab.command("cache", verb, &[]).env("PATH", "/nowhere").output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{verb}");
        let said = stderr(&output);
        assert!(
            said.contains("`sbatch` is not on the PATH") && said.contains("engine = \"slurm\""),
            "{said}"
        );
        assert!(said.contains("workers.engine=local") && said.contains("tiny.toml:"), "{said}");
    }
    assert!(!lab.path("cache/work/slurm").exists());
    let output = lab.bare().arg("doctor").env("PATH", "/nowhere").output().unwrap();
    assert!(stdout(&output).contains("`sbatch` is not on the PATH"), "{}", stdout(&output));
    // What computes nothing needs no cluster.
    let output = lab.command("cache", "plan", &[]).env("PATH", "/nowhere").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn what_the_cluster_lacks_is_shown_where_the_spec_asks_for_it() {
    let Some(study) = Study::new(1, 1, &[]) else { return };
    for (line, word) in [
        ("partition = \"nope\"", "Invalid partition"),
        ("options = [\"--constraint=zz\"]", "Invalid feature"),
    ] {
        study.lab.write_spec(&spec(line));
        for verb in ["check", "run"] {
            let output = study.call(verb, &[]);
            assert_eq!(output.status.code(), Some(1), "{verb} {line}");
            let said = stderr(&output);
            assert!(said.contains(word) && said.contains(line) && said.contains("tiny.toml:"), "{said}");
        }
    }
    assert!(study.submissions().is_empty());
    study.lab.write_spec(&spec(""));
    let output = study.call("check", &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    // By a limit of the configuration that only the submission meets: more than any node has.
    study.lab.write_spec(&spec("gpus = 2"));
    let output = study.call("run", &[]);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains("Slurm refuses the jobs") && said.contains("node configuration"), "{said}");
}

/// Nodes that cannot do the work end the study at its first job, not at its thousandth.
#[test]
fn nodes_that_cannot_do_the_work_end_the_study_at_once() {
    let Some(study) = Study::new(1, 0, &[]) else { return };
    // As in a container that the cache is not in.
    let cache = study.lab.path("cache");
    let hides = study.wrapper(&format!(
        "exec \"${{@//{}/\\/elsewhere}}\"",
        cache.display().to_string().replace('/', "\\/")
    ));
    study.lab.write_spec(&spec(&hides));
    let output = study.call("run", &[]);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("does not see the cache") && said.contains("on n1"), "{said}");
    assert!(study.cluster.queue().is_empty(), "{:?}", study.cluster.queue());

    // A worker of another version, and one that is not there.
    study.lab.write_spec(&spec(""));
    let other = study.lab.path("other-worker");
    let ready = r#"{"event":"ready","protocol":1,"version":"0.0.1","libtorch":"1.0"}"#;
    fs::write(&other, format!("#!/bin/sh\necho '{ready}'\nexit 2\n")).unwrap();
    let run = || study.command("run", &[]).env("ABLATRIX_WORKER", &other).output().unwrap();
    fs::set_permissions(&other, fs::Permissions::from_mode(0o755)).unwrap();
    let said = stderr(&run());
    assert!(said.contains("is of version 0.0.1 (protocol 1, libtorch 1.0), expected"), "{said}");
    fs::set_permissions(&other, fs::Permissions::from_mode(0o644)).unwrap();
    let said = stderr(&run());
    assert!(said.contains("does not see the worker's program"), "{said}");
}

/// What a run has done wrong is told by its worker, also when Slurm has forgotten the job; and the log is named.
#[test]
fn a_run_that_fails_is_named_with_its_reason_and_its_log() {
    // Between two looks at the queue the job ends and is forgotten.
    let Some(study) = Study::new(1, 0, &[("MIN_JOB_AGE", "2")]) else { return };
    fs::write(study.lab.path("empty.safetensors"), b"\x02\0\0\0\0\0\0\0{}").unwrap();
    let weights = "\"mobilenet_v3_small\"\nweights = \"empty.safetensors\"";
    let text = spec("").replace("\"mobilenet_v3_small\"", weights).replace("seeds = 2", "seeds = 1");
    study.lab.write_spec(&text.replace("poll_seconds = 0.3", "poll_seconds = 6"));
    let output = study.call("run", &[]);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("stage `train flip/seed=1` failed: ") && said.contains("empty.safetensors"),
        "{said}"
    );
    assert!(said.contains("/log/") && said.contains("3 stages failed"), "{said}");
    assert!(!said.contains("tried again"), "{said}");
}

/// A job that Slurm cannot start is tried again, and its log is named although it is not there.
#[test]
fn a_job_whose_log_cannot_be_written_is_tried_again() {
    let Some(study) = Study::new(1, 0, &[("CPUS", "1")]) else { return };
    study.lab.write_spec(&spec("").replace("seeds = 2", "seeds = 1"));
    let other = study.cluster.job(&[], "sleep 60");
    let run = study.start();
    wait_for("a submission", || study.submissions().first().cloned());
    wait_for("a job in the queue", || (study.cluster.queue().len() > 1).then_some(()));
    // The pending jobs are seen by those who look on, with what they wait for.
    let status = study.status();
    let stages = status["stages"].as_array().unwrap();
    let waiting =
        stages.iter().find(|stage| stage["job"]["state"] == "PENDING").unwrap_or_else(|| panic!("{status}"));
    assert_eq!(waiting["state"]["is"], "waiting");
    assert!(
        waiting["job"]["id"].as_str().unwrap().contains('_') && waiting["job"]["log"].is_string(),
        "{waiting}"
    );
    let shown = stdout(&study.call("status", &[]));
    assert!(shown.contains("waiting (Slurm job ") && shown.contains("logs of jobs: "), "{shown}");

    let log = study.submissions()[0].join("log");
    fs::remove_dir_all(&log).unwrap();
    study.cluster.slurm("scancel", &[&other]);
    let said = study.finish(run);
    assert!(
        said.contains("could not be started by Slurm (JobLaunchFailure)") && said.contains("is tried again"),
        "{said}"
    );
}
