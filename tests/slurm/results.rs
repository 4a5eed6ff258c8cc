//! What a cluster computes is what the pool on this machine computes, each run once.

use std::collections::HashSet;
use std::fs;

use super::harness::{stderr, stdout};
use super::lab::{Study, spec, wait_for};

/// Twelve runs in arrays of at most five, on six GPUs of which each has one run at a time.
#[test]
fn runs_are_spread_over_gpus_and_give_what_the_pool_gives() {
    let Some(study) = Study::new(3, 2, &[("MAX_ARRAY", "5")]) else { return };
    // A lock for each GPU of each node, kept as long as the job lives.
    let place = study.lab.path("slots");
    fs::create_dir(&place).unwrap();
    let wrapper = study.wrapper(&format!(
        "cd '{}'\nexec 9>\"$SLURMD_NODENAME-$CUDA_VISIBLE_DEVICES\"\nflock -n 9 || echo two >>clash\nCUDA_VISIBLE_DEVICES= exec \"$@\"",
        place.display()
    ));
    study.lab.write_spec(&spec(&format!("gpus = 1\n{wrapper}")).replace("seeds = 2", "seeds = 4"));
    let said = study.run();
    assert!(said.contains("each job asks for a GPU and computes on the processor"), "{said}");
    let slots: HashSet<String> = fs::read_dir(&place)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(!slots.contains("clash"), "two jobs on one GPU");
    let nodes: HashSet<&str> = slots.iter().map(|slot| slot.split('-').next().unwrap()).collect();
    assert!(nodes.len() > 1 && slots.contains("n1-0") && slots.contains("n1-1"), "{slots:?}");

    // Each training and each prediction once, and no index above four.
    let ends = study.cluster.ends();
    assert_eq!(ends.len(), 24, "{ends:?}");
    assert!(ends.iter().all(|line| line.contains("JobState=COMPLETED")), "{ends:?}");
    assert!(study.submissions().iter().all(|folder| !folder.join("5.json").exists()));
    study.agrees_with_the_pool();

    // Again: all from the cache. Nothing is submitted, and where nothing is to do no cluster is needed.
    let submitted = study.submissions().len();
    let output = study.lab.call("cache", "run", &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("stages cached, nothing to do"), "{}", stdout(&output));
    assert_eq!((study.submissions().len(), study.cluster.ends().len()), (submitted, 24));
}

/// A limit of the user's on jobs in the queue is kept, and a result that is seen late is no lost one.
#[test]
fn what_is_published_late_is_waited_for_and_no_more_jobs_are_queued_than_wished() {
    let Some(study) = Study::new(1, 0, &[]) else { return };
    // The entry comes back three seconds after the job has ended, as on a file system that lags.
    let wrapper = study.wrapper(
        "\"$@\"; code=$?
job=\"${@: -1}\"; key=$(grep -o '\"key\":\"[0-9a-f]*\"' \"$job\" | head -n 1 | cut -d'\"' -f4)
entry=$(dirname \"$job\")/../../../../entries/${key:0:2}/${key:2}.json
mv \"$entry\" \"$entry.late\" && SLURM_CONF= setsid -f sh -c \"sleep 3; mv '$entry.late' '$entry'\" >/dev/null 2>&1 </dev/null
exit $code",
    );
    let text =
        spec(&format!("max_queued = 2\n{wrapper}")).replace("fs_lag_seconds = 2", "fs_lag_seconds = 30");
    study.lab.write_spec(&text.replace("seeds = 2", "seeds = 1"));
    let run = study.start();
    let mut most = 0;
    let mut run = Some(run);
    wait_for("the end", || {
        most = most.max(study.cluster.queue().len());
        run.as_mut().unwrap().try_wait().unwrap()
    });
    let said = study.finish(run.take().unwrap());
    assert!(!said.contains("tried again"), "{said}");
    assert_eq!(study.cluster.ends().len(), 6, "{said}");
    assert!((1..=2).contains(&most), "{most} jobs in the queue");
}
