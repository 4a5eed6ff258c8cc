//! Whatever happens to nodes, the controller and the program itself: the study ends with the same tables, and nothing is done twice
//! that need not be.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::lab::{Study, spec, wait_for};

/// Trainings that are long enough to be cut off.
pub fn long(epochs: u32) -> String {
    spec("")
        .replace("epochs = 2", &format!("epochs = {epochs}"))
        .replace("seeds = 2", "seeds = 1")
        .replace("colour = {", "# colour = {")
}

/// The epochs that each start of a training found done.
pub fn resumed(events: &[Value]) -> Vec<u64> {
    let started = events.iter().filter(|event| event["event"] == "started");
    started
        .filter_map(|event| event["resumed_epochs"].as_u64().filter(|_| event["epochs"].as_u64() > Some(2)))
        .collect()
}

/// A node dies with its run, which goes on from its checkpoint elsewhere, and is not counted as failed.
#[test]
fn a_run_goes_on_when_its_node_dies() {
    let Some(study) = Study::new(2, 0, &[("CPUS", "1")]) else { return };
    study.lab.write_spec(&long(16));
    let run = study.start();
    wait_for("epochs on both nodes", || {
        let names: Vec<_> = study
            .submissions()
            .iter()
            .flat_map(|folder| std::fs::read_dir(folder.join("events")).unwrap())
            .collect();
        let on = |node: &str| {
            names.iter().any(|entry| {
                let path = entry.as_ref().unwrap().path();
                path.to_string_lossy().contains(node)
                    && std::fs::read_to_string(path).unwrap().contains("epoch\"")
            })
        };
        (on("-n1.") && on("-n2.")).then_some(())
    });
    study.cluster.kill("n2");
    let said = study.finish(run);
    study.cluster.raise("n2");
    assert!(!said.contains("failed"), "{said}");
    let resumed = resumed(&study.events());
    assert!(resumed.len() >= 3 && resumed.iter().any(|&epochs| epochs > 0), "{resumed:?}\n{said}");
    study.agrees_with_the_pool();
}

/// A job that must make room keeps a checkpoint, and goes on when there is room again.
#[test]
fn a_preempted_run_goes_on_from_its_checkpoint() {
    let Some(study) = Study::new(1, 0, &[("CPUS", "2")]) else { return };
    study.lab.write_spec(&long(16));
    let run = study.start();
    wait_for("epochs", || (study.epochs() > 3).then_some(()));
    // Slurm takes its time, and the trainings must not be over by then. It wakes what it asks to end.
    for worker in study.cluster.processes("ablatrix-worker") {
        let _ = kill_process(worker, Signal::STOP);
    }
    study.cluster.job(&["-p", "urgent", "--cpus-per-task=2"], "sleep 1");
    let said = study.finish(run);
    let events = study.events();
    assert!(events.iter().any(|event| event["event"] == "interrupted"), "{said}");
    assert!(resumed(&events).iter().any(|&epochs| epochs > 0), "{said}");
    assert!(!said.contains("warning") && !said.contains("failed"), "{said}");
}

/// Killed and started again, it takes up the jobs that are in the queue, and submits none of them a second time.
#[test]
fn a_study_that_was_killed_takes_its_jobs_up_again() {
    let Some(study) = Study::new(1, 0, &[]) else { return };
    study.lab.write_spec(&long(16));
    let mut run = study.start();
    wait_for("epochs", || (study.epochs() > 1).then_some(()));
    run.kill().unwrap();
    run.wait().unwrap();
    let submitted = study.submissions().len();

    // By Ctrl-C it ends too, and says what becomes of the jobs.
    let mut run = study.start();
    wait_for("jobs to be taken up", || {
        study.said().contains("taken up again from Slurm's queue").then_some(())
    });
    kill_process(Pid::from_child(&run), Signal::INT).unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(130), "{}", study.said());
    assert!(study.said().contains("jobs go on in Slurm's queue"), "{}", study.said());
    assert_eq!(study.submissions().len(), submitted);
    assert!(!study.cluster.queue().is_empty() || !study.cluster.ends().is_empty());

    study.run();
    // Two trainings and two predictions, each once.
    assert_eq!(study.cluster.ends().len(), 4, "{:?}", study.cluster.ends());
    assert_eq!(resumed(&study.events()), [0, 0]);
}

/// The controller dies right after it has taken the jobs, whatever it remembers of them then.
#[test]
fn a_controller_that_dies_loses_no_run() {
    let Some(study) = Study::new(1, 0, &[]) else { return };
    let run = study.start();
    wait_for("a submission", || (!study.submissions().is_empty()).then_some(()));
    wait_for("its id", || {
        let record = std::fs::read_to_string(study.submissions()[0].join("submission.json")).unwrap();
        record.contains("\"id\":\"").then_some(())
    });
    study.cluster.kill("ctld");
    std::thread::sleep(std::time::Duration::from_secs(1));
    study.cluster.raise("ctld");
    let said = study.finish(run);
    assert!(!said.contains("error"), "{said}");
}
