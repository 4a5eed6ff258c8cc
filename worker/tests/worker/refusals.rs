//! Jobs that cannot be done end in one message that says what is wrong, and the worker goes on.

use ablatrix::fingerprint::Digest;
use ablatrix::job::{FailureKind, Job, WorkerEvent, input};
use ablatrix::spec::settings::{Device, EarlyStopping, Loss, PositiveWeights, Schedule, ValMetric, Weights};
use ablatrix::tables::rows::{Part, SplitRow, TrainIndexRow};

use super::harness::*;

fn row(image_id: i64, chance: Option<f64>) -> TrainIndexRow {
    TrainIndexRow { fold: 0, image_id, copies: 4, weight: 1.0, chance }
}

/// A change to a study and its job.
type Break = fn(&mut Study, &mut Job);

/// What is broken, and parts of the message.
const BROKEN: &[(Break, &[&str])] = &[
    (
        |_, job| {
            job.inputs.insert(input::LABELS.into(), Digest::of(b"nothing"));
        },
        &["input `labels` cannot be had", "is missing", "`ablatrix run`"],
    ),
    (
        |_, job| {
            job.inputs.remove(input::SPLIT);
        },
        &["the job names no input `split`"],
    ),
    (
        |study, job| {
            study.put_labels(&(1..=33).collect::<Vec<_>>());
            job.inputs = study.inputs.clone();
        },
        &["`3` images of table `labels` are not in `pixels`, `31` first"],
    ),
    (
        |study, job| {
            study.put_labels(&(1..=29).collect::<Vec<_>>());
            job.inputs = study.inputs.clone();
        },
        &["`1` images of table `split` are not in `labels`, `30` first"],
    ),
    (
        |study, job| {
            study.put(input::TRAIN_INDEX, &Vec::<TrainIndexRow>::new());
            job.inputs = study.inputs.clone();
        },
        &["the train part has `0` rows, expected at least `2`"],
    ),
    (
        |study, job| {
            study.put(input::TRAIN_INDEX, &vec![row(3, None)]);
            job.inputs = study.inputs.clone();
        },
        &["`1` images of table `train_index` are not in `the training part of split`, `3` first"],
    ),
    (
        |study, job| {
            study.put(input::TRAIN_INDEX, &vec![row(1, Some(0.5)), row(2, None)]);
            job.inputs = study.inputs.clone();
        },
        &["table `train_index` has chances for `1` of `2` rows"],
    ),
    (
        |study, job| {
            study.put(input::TRAIN_INDEX, &vec![row(1, Some(0.5)), row(2, Some(f64::NAN))]);
            job.inputs = study.inputs.clone();
        },
        &["gives image `2` the chance `NaN`, expected 0 to 1"],
    ),
    (
        |study, job| {
            let row = |image_id| SplitRow { image_id, fold: 0, part: Part::Train };
            study.put(input::SPLIT, &(1..=30).map(row).collect::<Vec<_>>());
            job.inputs = study.inputs.clone();
            job.train.early_stopping =
                Some(EarlyStopping { metric: ValMetric::ValLoss, patience: 1, restore_best: true });
        },
        &["the val part has `0` rows"],
    ),
    (
        |study, job| {
            let row = |image_id| SplitRow { image_id, fold: 0, part: Part::Train };
            study.put(input::SPLIT, &(1..=30).map(row).collect::<Vec<_>>());
            job.inputs = study.inputs.clone();
            job.train.schedule = Schedule::Plateau {
                metric: ValMetric::ValF1Macro,
                factor: 0.1,
                patience: 1,
                threshold: 0.0,
                min_lr: 0.0,
            };
        },
        &["the val part has `0` rows"],
    ),
    (
        |_, job| {
            let positive_weights = PositiveWeights::Given(vec![1.0, 2.0]);
            job.train.loss = Loss::Bce { positive_weights, smoothing: 0.0 };
        },
        &["`train.loss.positive_weights` has `2` numbers, expected `3`: one each for red, green, blue"],
    ),
    (|_, job| job.images.size = 16, &["pixel store", "expected"]),
    (
        |_, job| {
            job.inputs.insert(input::WEIGHTS.into(), job.inputs[input::PIXELS].clone());
        },
        &["not a whole safetensors file"],
    ),
    (
        // The user knows the file that the spec names, not its copy in the cache.
        |_, job| {
            job.inputs.insert(input::WEIGHTS.into(), job.inputs[input::PIXELS].clone());
            job.model.weights = Weights::Path("nets/mine.safetensors".into());
        },
        &["weights `nets/mine.safetensors` are not a whole safetensors file"],
    ),
    (|_, job| job.device = Device::Cuda, &["device `cuda` is not available"]),
];

#[test]
fn each_broken_job_fails_for_good_with_its_reason() {
    let mut worker = Serving::start();
    for (i, (breaks, parts)) in BROKEN.iter().enumerate() {
        let mut study = Study::new();
        let mut job = study.train_job(1);
        breaks(&mut study, &mut job);
        sign(&mut job);
        worker.send(&job);
        let event = worker.event();
        let Some(WorkerEvent::Failed { key, kind: FailureKind::Final, message }) = event else {
            panic!("{i}: {event:?}")
        };
        assert_eq!(key, job.fingerprint.key);
        for part in *parts {
            assert!(message.contains(part), "{i}: {message}");
        }
        assert!(!message.contains('\n'), "{message}");
        assert!(study.store().lookup(&key).unwrap().is_none());
    }
    let study = Study::new();
    worker.send(&study.train_job(1));
    assert!(matches!(worker.events_of_job().last(), Some(WorkerEvent::Finished { .. })));
}

#[test]
fn exit_codes_tell_what_may_pass_from_what_may_not() {
    let study = Study::new();
    let mut job = study.train_job(1);
    job.inputs.remove(input::SPLIT);
    sign(&mut job);
    assert_eq!(study.run_file(&job).0, Some(1));

    // A cache that cannot be made: a file stands in its place.
    let mut job = study.train_job(1);
    let file = study.root().join("file");
    std::fs::write(&file, "").unwrap();
    job.cache = file.join("cache");
    let (code, events) = study.run_file(&job);
    assert_eq!(code, Some(76), "{events:?}");
}
