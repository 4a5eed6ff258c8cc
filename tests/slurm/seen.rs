//! What others see of a study on a cluster, and how they end it.

use std::fs;
use std::process::Stdio;

use super::harness::{stderr, stdout};
use super::lab::{Study, spec, wait_for};

#[test]
fn a_study_is_shown_and_cancelled_whoever_runs_it() {
    let Some(study) = Study::new(1, 0, &[("CPUS", "2")]) else { return };
    let output = study.call("cancel", &[]);
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(0), "tiny: nothing is under way\n"));

    study.lab.write_spec(&spec("").replace("epochs = 2", "epochs = 400"));
    for round in 0..2 {
        let mut run = study.start();
        let before = study.epochs();
        wait_for("epochs", || (study.epochs() > before).then_some(()));
        if round == 1 {
            // Nobody runs it any more, and its jobs go on.
            run.kill().unwrap();
        } else {
            let status = wait_for("a run that is shown", || {
                let status = study.status();
                let is_shown = |stage: &serde_json::Value| {
                    stage["state"]["by"].as_str().is_some_and(|by| by.starts_with("Slurm job"))
                };
                status["stages"].as_array().unwrap().iter().any(is_shown).then_some(status)
            });
            let mut jobs =
                status["stages"].as_array().unwrap().iter().filter_map(|stage| stage["job"]["host"].as_str());
            assert_eq!(jobs.next(), Some("n1"), "{status}");
        }
        let output = study.call("cancel", &[]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let said = stdout(&output);
        assert!(said.contains("in Slurm's queue") && said.contains("checkpoints are kept"), "{said}");
        assert_eq!(said.contains("stopped process"), round == 0, "{said}");
        assert!(study.cluster.queue().is_empty(), "{:?}", study.cluster.queue());
        let code = run.wait().unwrap().code();
        assert_eq!(code, (round == 0).then_some(143), "{}", study.said());
    }
    let workers = std::fs::read_dir("/proc").unwrap().flatten().filter(|entry| {
        let words = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&words).contains(&study.lab.path("cache").display().to_string())
    });
    assert_eq!(workers.count(), 0, "workers are left");
    let checkpoints = std::fs::read_dir(study.lab.path("cache/work/checkpoints")).unwrap().count();
    assert!(checkpoints > 0);
}

/// Two studies share runs: what the other one has taken up from the queue goes on when the one that submitted it is cancelled.
#[test]
fn jobs_that_another_study_has_taken_up_are_not_cancelled() {
    let Some(study) = Study::new(1, 0, &[("CPUS", "1")]) else { return };
    // One training is at it and stands still, the others wait.
    let go = study.lab.path("go");
    let wrapper = study.wrapper_after_an_epoch(&format!(
        "kill -STOP $pid; until [ -e '{}' ] || [ -n \"$told\" ]; do sleep 0.05; done; kill -CONT $pid",
        go.display()
    ));
    let text = spec(&wrapper).replace("epochs = 2", "epochs = 12").replace("seeds = 2", "seeds = 1");
    study.lab.write_spec(&text);
    let other = text.replace("name = \"tiny\"", "name = \"other\"").replace("colour = {", "# colour = {");
    fs::write(study.lab.path("other.toml"), other).unwrap();
    let mut run = study.start();
    wait_for("an epoch", || (study.epochs() > 0).then_some(()));
    wait_for("all in the queue", || (study.cluster.queue().len() == 3).then_some(()));
    run.kill().unwrap();
    run.wait().unwrap();

    let said = study.lab.path("said-by-other");
    let mut command = study.command_of_other("run");
    command.arg("--verbose").arg("--reports").arg(study.lab.path("reports"));
    command.stdout(Stdio::null()).stderr(fs::File::create(&said).unwrap());
    let mut other = command.spawn().unwrap();
    let said = || fs::read_to_string(&said).unwrap();
    wait_for("jobs to be taken up", || said().contains("2 jobs are taken up again").then_some(()));
    let output = study.call("cancel", &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let (printed, noted) = (stdout(&output), stderr(&output));
    assert!(printed.contains("tiny: cancelled 1 job in Slurm's queue"), "{printed}{noted}");
    assert!(noted.contains("is at `train ") && noted.contains("for study `other`, and goes on"), "{noted}");
    assert_eq!(study.cluster.queue().len(), 2, "{:?}", study.cluster.queue());

    fs::write(go, "").unwrap();
    assert_eq!(other.wait().unwrap().code(), Some(0), "{}", said());
    let said = said();
    assert!(!said.contains("cancelled") && !said.contains("tried again"), "{said}");
    // Two trainings and two predictions ended well. The one that was cancelled is among the ends only if it had begun.
    let ends = study.cluster.ends();
    let (well, others): (Vec<&String>, Vec<&String>) =
        ends.iter().partition(|line| line.contains("JobState=COMPLETED"));
    assert!(well.len() == 4 && others.len() <= 1, "{ends:?}");
    assert!(others.iter().all(|line| line.contains("JobState=CANCELLED")), "{ends:?}");
}
