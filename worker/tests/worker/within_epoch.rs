//! A training that is cut off in the middle of an epoch goes on at the step where it was, and ends in the same bytes.

use std::time::Duration;

use ablatrix::job::{Job, WorkerEvent, input, output};
use ablatrix::seed::Key;
use ablatrix::spec::settings::{EarlyStopping, Freeze, Rule, Schedule, ValMetric};
use ablatrix::tables::rows::{HistoryRow, TrainIndexRow, Validation};
use rustix::process::Signal;

use super::harness::*;

/// A study whose epochs have about `rows` rows.
fn study_of(rows: u32) -> Study {
    let mut study = Study::new();
    let train: Vec<i64> = (1..=30).filter(|&id| part(id) == ablatrix::tables::rows::Part::Train).collect();
    let copies = rows.div_ceil(train.len() as u32);
    let row = |image_id| TrainIndexRow { fold: 0, image_id, copies, weight: 1.0, chance: None };
    study.put(input::TRAIN_INDEX, &train.into_iter().map(row).collect::<Vec<_>>());
    study
}

/// With all that has a state: momentum, an average, a best epoch, a rate that changes within epochs, steps of several
/// batches, a backbone that joins.
fn job(study: &Study) -> Job {
    let mut job = study.train_job(3);
    let train = &mut job.train;
    train.optimizer.rule = Rule::Sgd { momentum: 0.9, nesterov: true };
    train.optimizer.lr = 0.02;
    (train.batch_size, train.accumulate, train.ema) = (4, 2, 0.9);
    train.schedule = Schedule::OneCycle { rise: 0.3, start_divisor: 25.0, end_divisor: 1e4 };
    train.early_stopping =
        Some(EarlyStopping { metric: ValMetric::ValMapMacro, patience: 3, restore_best: true });
    (job.model.freeze, job.model.unfreeze_after) = (Freeze::Share(0.5), 1);
    sign(&mut job);
    job
}

/// All that a training says of itself but its times.
fn result(study: &Study, job: &Job) -> (Vec<u8>, Vec<String>) {
    let history: Vec<HistoryRow> = study.table(job, output::HISTORY);
    let row = |row: &HistoryRow| {
        let Validation { loss, map_macro, .. } = row.val;
        format!("{} {:?} {:?} {loss:?} {map_macro:?}", row.epoch, row.lr, row.train_loss)
    };
    (study.bytes(job, output::MODEL), history.iter().map(row).collect())
}

/// Starts a worker on `job` and ends it by `signal` after `wait`. Gives the epochs and steps that it went on from; `None`
/// where it was not ended before that was known, or was done before.
fn cut(job: &Job, wait: Duration, signal: Signal) -> Option<(u32, u64)> {
    let mut worker = Serving::start();
    worker.send(job);
    let Some(WorkerEvent::Started { resumed_epochs, resumed_steps, .. }) = worker.event() else {
        return None;
    };
    std::thread::sleep(wait);
    worker.signal(signal);
    worker.wait();
    Some((resumed_epochs, resumed_steps))
}

#[test]
fn killed_at_random_steps_it_ends_in_the_same_bytes() {
    let calm = study_of(150);
    let expected = job(&calm);
    assert_eq!(calm.run_file(&expected).0, Some(0));

    let study = study_of(150);
    let mut job = job(&study);
    // After each step.
    job.checkpoint_minutes = 1e-9;
    let mut draws = Key::root(3).child("cuts").draws();
    // Grows where no step was done, so that slow machines get on and quick ones are not done after two cuts.
    let (mut longest_ms, mut last) = (60, None);
    let mut within = 0;
    for _ in 0..60 {
        if within == 3 || study.store().lookup(&job.fingerprint.key).unwrap().is_some() {
            break;
        }
        let from = cut(&job, Duration::from_millis(draws.below(longest_ms)), Signal::KILL);
        within += u32::from(from.is_some_and(|(_, steps)| steps > 0));
        if from == last {
            longest_ms += longest_ms / 2;
        }
        last = from;
    }
    assert!(within >= 2, "cut off within an epoch {within} times only");
    assert_eq!(study.run_file(&job).0, Some(0));
    assert!(result(&study, &job) == result(&calm, &expected), "another model or history");
}

#[test]
fn asked_to_stop_it_keeps_the_steps_of_the_epoch_at_once() {
    let calm = study_of(1200);
    let expected = job(&calm);
    assert_eq!(calm.run_file(&expected).0, Some(0));

    let study = study_of(1200);
    let job = job(&study);
    assert_eq!(job.checkpoint_minutes, 0.0);
    // A busy machine may need longer for its first step. Steps within an epoch are kept for a signal alone.
    let mut cuts =
        (1..=10).map(|n| cut(&job, Duration::from_millis(200 * n), Signal::TERM).expect("it was not done"));
    assert_eq!(cuts.next(), Some((0, 0)));
    assert!(cuts.any(|(_, steps)| steps > 0), "nothing was kept");
    assert_eq!(study.run_file(&job).0, Some(0));
    assert!(result(&study, &job) == result(&calm, &expected), "another model or history");
}
