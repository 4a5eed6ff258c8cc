//! A training that memory made go on in smaller batches.

use ablatrix::job::output;
use rustix::process::Signal;

use super::harness::*;

/// What a checkpoint holds was made with smaller batches: those are kept to.
#[test]
fn a_training_in_smaller_batches_goes_on_in_them() {
    let study = Study::new();
    let mut small = study.train_job(6);
    (small.train.batch_size, small.train.accumulate) = (3, 4);
    sign(&mut small);
    assert_eq!(study.run_file(&small).0, Some(0));
    let expected = study.bytes(&small, output::MODEL);
    assert_eq!(study.summary(&small).smaller_batches, None);

    let study = Study::new();
    let mut asked = small.clone();
    (asked.cache, asked.train.batch_size, asked.train.accumulate) = (study.root().to_owned(), 12, 1);
    asked.train.shrink_batches = true;
    sign(&mut asked);
    small.cache = asked.cache.clone();
    small.fingerprint = asked.fingerprint.clone();
    let mut worker = Serving::start();
    worker.send(&small);
    worker.wait_for_epoch(2);
    worker.signal(Signal::KILL);
    worker.wait();
    assert!(study.store().lookup(&asked.fingerprint.key).unwrap().is_none(), "too late");

    assert_eq!(study.run_file(&asked).0, Some(0));
    assert!(study.bytes(&asked, output::MODEL) == expected, "another model");
    assert_eq!(study.summary(&asked).smaller_batches, Some(3));
}
