//! Trainings meet the limit of their time on a real cluster, which knows limits of whole minutes: this takes a minute and a half.

use std::fs;

use super::lab::Study;
use super::recovery::{long, resumed};

/// Of two trainings one is told that its time will be over, keeps a checkpoint and ends. The other one does not hear it: as on a node that
/// hangs, Slurm ends it when its time is over. Both go on from their checkpoints in new jobs, to the results that they have without a limit.
///
/// Both stand still after their first epochs, so that neither a quick nor a slow machine decides what happens.
#[test]
fn a_run_whose_time_is_over_goes_on_from_its_checkpoint() {
    let Some(study) = Study::new(1, 0, &[("CPUS", "2")]) else { return };
    let place = study.lab.path("who");
    fs::create_dir(&place).unwrap();
    let wrapper = study.wrapper_after_an_epoch(&format!(
        "if mkdir '{place}/told' 2>/dev/null; then
  kill -STOP $pid; until [ -n \"$told\" ]; do sleep 0.05; done; kill -CONT $pid
elif mkdir '{place}/deaf' 2>/dev/null; then
  kill -KILL $pid; trap '' TERM; exec sleep 600
fi",
        place = place.display()
    ));
    // The spec's own time is not among the settings that tests go by.
    study.lab.write_spec(
        &long(16).replace("[workers.slurm]", &format!("[workers.slurm]\ntime = \"1\"\n{wrapper}")),
    );
    let said = study.run();
    assert!(place.join("told").exists() && place.join("deaf").exists(), "{said}");

    let ends = study.cluster.ends();
    let of = |state: &str| ends.iter().filter(|line| line.contains(&format!("JobState={state} "))).count();
    // The one that was told ended by itself. On a slow machine a try that goes on may be told as well.
    let interrupted = of("FAILED");
    assert_eq!((of("TIMEOUT"), of("COMPLETED"), ends.len()), (1, 4, 5 + interrupted), "{ends:?}");
    let events = study.events();
    let told = events.iter().filter(|event| event["event"] == "interrupted").count();
    assert!(interrupted > 0 && told == interrupted, "{told} {interrupted}: {said}");
    let (from_start, gone_on): (Vec<u64>, Vec<u64>) =
        resumed(&events).into_iter().partition(|&epochs| epochs == 0);
    assert_eq!((from_start.len(), gone_on.len()), (2, 1 + interrupted), "{said}");
    assert!(said.contains("is over (`1`); it goes on from its checkpoint"), "{said}");
    assert!(!said.contains("failed"), "{said}");
    study.agrees_with_the_pool();
}
