//! A cluster that keeps accounts, whose limits on users hold.

use super::harness::stderr;
use super::lab::{ACCOUNTS, Cluster, Study, spec, wait_for};

/// Changes the one QOS that there is, and waits until the controller goes by it, which shows it as `shown`.
fn limit(cluster: &Cluster, words: &[&str], shown: &str) {
    cluster.slurm("sacctmgr", &[&["-i", "-Q", "modify", "qos", "normal", "set"], words].concat());
    wait_for("a limit", || {
        let now = cluster.slurm("scontrol", &["-o", "show", "assoc_mgr", "flags=qos"]);
        now.split_whitespace().any(|word| word == shown).then_some(())
    });
}

/// A time that no job may have is mended in the spec; a number of jobs that a user may have in the queue is kept, and the study comes to its end.
#[test]
fn limits_of_jobs_are_kept_and_limits_of_a_job_are_shown() {
    let Some(study) = Study::new(1, 0, &[ACCOUNTS]) else { return };
    limit(&study.cluster, &["Flags=DenyOnLimit", "MaxWall=5"], "MaxWallPJ=5");
    study.lab.write_spec(&spec("time = \"00:10:00\""));
    for verb in ["check", "run"] {
        let output = study.call(verb, &[]);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.contains("QOSMaxWallDurationPerJobLimit") && said.contains("time = \"00:10:00\""),
            "{said}"
        );
    }
    assert!(study.submissions().is_empty());

    limit(&study.cluster, &["MaxWall=-1", "MaxSubmitJobsPerUser=2"], "MaxWallPJ=");
    study.lab.write_spec(&spec("").replace("seeds = 2", "seeds = 1"));
    let run = study.start();
    let mut run = Some(run);
    let mut most = 0;
    wait_for("the end", || {
        most = most.max(study.cluster.queue().len());
        run.as_mut().unwrap().try_wait().unwrap()
    });
    let said = study.finish(run.take().unwrap());
    assert!(said.contains("takes no more jobs now (QOSMaxSubmitJobPerUserLimit"), "{said}");
    assert!((1..=2).contains(&most) && study.cluster.ends().len() == 6, "{most}: {:?}", study.cluster.ends());
}

/// An array is cancelled by hand, and forgotten before anybody looks: then the accounts say what became of each of its jobs, of those too
/// that had not begun.
#[test]
fn what_the_queue_has_forgotten_is_in_the_accounts() {
    let settings = [ACCOUNTS, ("CPUS", "1"), ("MIN_JOB_AGE", "2")];
    let Some(study) = Study::new(1, 0, &settings) else { return };
    let text = spec("").replace("epochs = 2", "epochs = 400").replace("seeds = 2", "seeds = 1");
    study.lab.write_spec(&text.replace("poll_seconds = 0.3", "poll_seconds = 6"));
    let run = study.start();
    wait_for("an epoch", || (study.epochs() > 0).then_some(()));
    let queue = study.cluster.queue();
    assert_eq!(queue.len(), 3, "{queue:?}");
    study.cluster.slurm("scancel", &[queue[0].split('_').next().unwrap()]);
    let mut run = run;
    assert_eq!(run.wait().unwrap().code(), Some(1), "{}", study.said());
    let said = study.said();
    assert!(said.contains("was cancelled from outside"), "{said}");
    assert!(!said.contains("tried again") && !said.contains("not known to Slurm"), "{said}");
    assert_eq!(study.submissions().len(), 1, "{said}");
}
