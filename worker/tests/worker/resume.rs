//! Work that is cut off goes on where it was, and ends in the same bytes.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use ablatrix::job::{Job, WorkerEvent, input, output};
use ablatrix::spec::ops::{Action, Batch, NamedOp, Op};
use ablatrix::spec::settings::{
    Architecture, EarlyStopping, Freeze, Gives, Module, Rule, Schedule, ValMetric,
};
use ablatrix::tables::rows::{HistoryRow, PredictionTable};
use ablatrix_worker::train::checkpoint;
use rustix::process::Signal;

use super::harness::*;

/// Long enough to be cut off in the middle, with rows that are mixed; early stopping keeps a best model beside the last one.
fn long_job(study: &Study) -> Job {
    let mut job = study.train_job(6);
    let mixup = Action::Batch(Batch::Mixup { alpha: 0.4 });
    job.policy.push(NamedOp { name: "mixup".into(), op: Op { p: 0.5, action: mixup }, nth: 0 });
    job.train.early_stopping =
        Some(EarlyStopping { metric: ValMetric::ValMapMacro, patience: 6, restore_best: true });
    sign(&mut job);
    job
}

/// The same with what else has a state: momentum, an average, a rate that falls on a plateau, steps of several batches.
fn stateful_job(study: &Study) -> Job {
    let mut job = long_job(study);
    let train = &mut job.train;
    train.optimizer.rule = Rule::Sgd { momentum: 0.9, nesterov: true };
    (train.optimizer.lr, train.optimizer.weight_decay, train.optimizer.layer_decay) = (0.05, 1e-3, 0.9);
    (train.accumulate, train.clip_norm, train.ema) = (2, 1.0, 0.8);
    train.schedule = Schedule::Plateau {
        metric: ValMetric::ValAurocMacro,
        factor: 0.5,
        patience: 0,
        threshold: 0.5,
        min_lr: 1e-4,
    };
    sign(&mut job);
    job
}

/// What the undisturbed run gives.
fn undisturbed(make: fn(&Study) -> Job) -> (Vec<u8>, Vec<[f64; 5]>) {
    let study = Study::new();
    let job = make(&study);
    assert_eq!(study.run_file(&job).0, Some(0));
    (study.bytes(&job, output::MODEL), numbers(&study, &job))
}

/// The history without its times.
fn numbers(study: &Study, job: &Job) -> Vec<[f64; 5]> {
    let history: Vec<HistoryRow> = study.table(job, output::HISTORY);
    let row =
        |row: &HistoryRow| [f64::from(row.epoch), row.lr, row.train_loss, row.val.loss, row.val.map_macro];
    history.iter().map(row).collect()
}

/// Epochs that the checkpoint held when the job went on.
fn finish(study: &Study, job: &Job) -> u32 {
    let (code, events) = study.run_file(job);
    assert_eq!(code, Some(0), "{events:?}");
    let WorkerEvent::Started { resumed_epochs, .. } = events[0] else { panic!("{events:?}") };
    resumed_epochs
}

#[test]
fn killed_stopped_or_forsaken_and_resumed_gives_the_same_model() {
    let expected = undisturbed(long_job);
    for how in ["killed", "terminated", "forsaken"] {
        let study = Study::new();
        let job = long_job(&study);
        let mut worker = Serving::start();
        worker.send(&job);
        worker.wait_for_epoch(3);
        match how {
            "killed" => worker.signal(Signal::KILL),
            "terminated" => worker.signal(Signal::TERM),
            _ => worker.close_stdin(),
        }
        if how != "killed" {
            let last = worker.events_of_job().pop();
            assert_eq!(last, Some(WorkerEvent::Interrupted { key: job.fingerprint.key.clone() }), "{how}");
            assert_eq!(worker.wait().code(), Some(75), "{how}");
        }
        worker.wait();
        assert!(study.store().lookup(&job.fingerprint.key).unwrap().is_none(), "{how} too late");
        assert!((3..6).contains(&finish(&study, &job)), "{how}");
        assert!(study.bytes(&job, output::MODEL) == expected.0, "{how}: another model");
        assert_eq!(numbers(&study, &job), expected.1, "{how}");
    }
}

/// Kills the training of `job` in the study that `prepare` makes as soon as epoch `cut` is done; the resumed one must end
/// in the bytes of one that was left alone.
fn cut_off_changes_nothing(prepare: impl Fn() -> (Study, Job), cut: u32) {
    let (calm, job) = prepare();
    assert_eq!(finish(&calm, &job), 0);
    let (study, job) = prepare();
    let mut worker = Serving::start();
    worker.send(&job);
    worker.wait_for_epoch(cut);
    worker.signal(Signal::KILL);
    worker.wait();
    assert!(finish(&study, &job) >= cut);
    assert!(study.bytes(&job, output::MODEL) == calm.bytes(&job, output::MODEL), "cut after {cut}");
    assert_eq!(numbers(&study, &job), numbers(&calm, &job), "cut after {cut}");
}

/// A training whose backbone joins in its third epoch.
fn unfreezing_job(study: &Study) -> Job {
    let mut job = study.train_job(5);
    job.model.freeze = Freeze::Share(1.0);
    job.model.unfreeze_after = 2;
    sign(&mut job);
    job
}

#[test]
fn a_backbone_joins_after_its_epochs_also_where_the_training_was_cut_off() {
    let study = Study::new();
    let job = unfreezing_job(&study);
    assert_eq!(finish(&study, &job), 0);
    let summary = study.summary(&job);
    assert_eq!(summary.trained_parameters, summary.parameters);

    let mut never = job.clone();
    never.model.unfreeze_after = 0;
    sign(&mut never);
    assert_eq!(finish(&study, &never), 0);
    assert!(study.summary(&never).trained_parameters < summary.parameters);
    let (joined, frozen) = (numbers(&study, &job), numbers(&study, &never));
    assert_eq!(joined[..2], frozen[..2]);
    // The third epoch differs from its second step on.
    assert_ne!(joined[2], frozen[2]);

    for cut in [1, 3] {
        cut_off_changes_nothing(
            || {
                let study = Study::new();
                let job = unfreezing_job(&study);
                (study, job)
            },
            cut,
        );
    }
}

#[test]
fn a_torchscript_module_trains_predicts_and_goes_on_where_it_was_cut_off() {
    let prepare = || {
        let mut study = Study::new();
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/models/script_features.pt");
        study.put_bytes(input::MODULE, &std::fs::read(path).unwrap());
        let mut job = study.train_job(6);
        job.model.name = Architecture::Torchscript;
        job.model.module = Some(Module { path: "nets/m.pt".into(), gives: Gives::Features });
        job.model.head = vec![8];
        job.train.optimizer.lr = 0.01;
        sign(&mut job);
        (study, job)
    };
    cut_off_changes_nothing(prepare, 2);

    let (study, job) = prepare();
    assert_eq!(finish(&study, &job), 0);
    let losses: Vec<f64> = numbers(&study, &job).iter().map(|row| row[2]).collect();
    assert!(losses[5] < losses[0], "{losses:?}");
    let predict = study.predict_job(&job);
    assert_eq!(study.run_file(&predict).0, Some(0));
    let table: PredictionTable = study.table(&predict, output::PREDICTIONS);
    assert_eq!(table.logits.len(), 12 * 3);

    let mut gone = job;
    gone.inputs.remove(input::MODULE);
    sign(&mut gone);
    let (_, events) = study.run_file(&gone);
    assert!(
        matches!(&events[0], WorkerEvent::Failed { message, .. } if message.contains("`module`")),
        "{events:?}"
    );
}

#[test]
fn every_state_is_resumed() {
    let expected = undisturbed(stateful_job);
    let rates: Vec<f64> = expected.1.iter().map(|row| row[1]).collect();
    assert!(rates[5] < rates[0], "the rate falls: {rates:?}");
    let study = Study::new();
    let job = stateful_job(&study);
    let mut worker = Serving::start();
    worker.send(&job);
    worker.wait_for_epoch(3);
    worker.signal(Signal::KILL);
    worker.wait();
    assert!((3..6).contains(&finish(&study, &job)));
    assert!(study.bytes(&job, output::MODEL) == expected.0, "another model");
    assert_eq!(numbers(&study, &job), expected.1);
}

#[test]
fn a_damaged_checkpoint_is_passed_over() {
    let study = Study::new();
    let job = study.train_job(2);
    let file = checkpoint::path(&study.store().checkpoint_dir(&job.fingerprint.key).unwrap());
    std::fs::write(&file, b"ablatrix checkpoint 3 nonsense").unwrap();
    let (code, events) = study.run_file(&job);
    assert_eq!(code, Some(0), "{events:?}");
    assert!(
        matches!(&events[0], WorkerEvent::Notice { message, .. } if message.contains("begins anew: it is cut short")),
        "{events:?}"
    );
    assert!(matches!(events[1], WorkerEvent::Started { resumed_epochs: 0, .. }), "{events:?}");
}

#[test]
fn a_stop_while_idle_ends_the_worker() {
    let mut worker = Serving::start();
    worker.signal(Signal::INT);
    assert_eq!(worker.event(), None);
    assert_eq!(worker.wait().code(), Some(75));
}

/// The worker's parent is a shell; its standard input and output are the test's and stay open.
#[test]
fn a_worker_dies_with_its_parent() {
    let mut shell = Command::new("sh")
        .args(["-c", "exec 3<&0; \"$0\" <&3 & wait", env!("CARGO_BIN_EXE_ablatrix-worker")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(shell.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    assert!(line.contains("ready"), "{line}");
    shell.kill().unwrap();
    let (sender, ended) = channel();
    // It reads until nobody holds the other end any more.
    std::thread::spawn(move || sender.send(out.read_line(&mut line)));
    let n_bytes = ended.recv_timeout(Duration::from_secs(60)).expect("the worker lives on").unwrap();
    assert_eq!(n_bytes, 0);
    shell.wait().unwrap();
}
