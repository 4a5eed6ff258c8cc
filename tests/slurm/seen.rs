//! What others see of a study on a cluster, and how they end it.

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
