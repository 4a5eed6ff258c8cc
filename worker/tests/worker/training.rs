//! Train and predict, from a job to tables in the cache.

use ablatrix::job::{Divergence, Job, StopReason, WorkerEvent, input, output};
use ablatrix::metrics::{Scored, macro_average_precision};
use ablatrix::spec::settings::{
    Architecture, EarlyStopping, Loss, PositiveWeights, Precision, Schedule, ValMetric,
};
use ablatrix::tables::rows::{HistoryRow, Part, PredictionTable, SplitRow, TrainIndexRow};

use super::harness::*;

#[test]
fn one_worker_trains_predicts_and_knows_what_is_there() {
    let study = Study::new();
    let mut train = study.train_job(2);
    train.train.schedule =
        Schedule::Exponential { start_lr: 1e-4, min_lr: 1e-5, warmup_epochs: 1, hold_epochs: 0, decay: 0.5 };
    sign(&mut train);
    let mut worker = Serving::start();
    worker.send(&train);
    let events = worker.events_of_job();
    let key = train.fingerprint.key.clone();
    assert_eq!(
        events[0],
        WorkerEvent::Started { key: key.clone(), resumed_epochs: 0, resumed_steps: 0, epochs: 2 }
    );
    assert_eq!(events[3], WorkerEvent::Finished { key: key.clone() });
    let WorkerEvent::Epoch { row, .. } = &events[1] else { panic!("{events:?}") };
    assert_eq!((row.epoch, row.lr), (1, 1e-4));
    assert!(row.train_loss.is_some() && row.val_loss.is_some() && row.images_per_second > 0.0, "{row:?}");

    let history: Vec<HistoryRow> = study.table(&train, output::HISTORY);
    assert_eq!(history.iter().map(|row| row.epoch).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(history[1].lr, 1e-3);
    assert!(history.iter().all(|row| row.run == train.run && (0.0..=1.0).contains(&row.wait_share)));
    let summary = study.summary(&train);
    assert_eq!((summary.epochs_run, summary.best_epoch, summary.stop), (2, 2, StopReason::LastEpoch));
    assert_eq!(summary.trained_parameters, summary.parameters);
    assert!(std::fs::read_dir(study.store().layout().checkpoints()).unwrap().next().is_none());

    let predict = study.predict_job(&train);
    worker.send(&predict);
    assert!(matches!(
        worker.events_of_job()[..],
        [WorkerEvent::Started { .. }, WorkerEvent::Finished { .. }]
    ));
    let table: PredictionTable = study.table(&predict, output::PREDICTIONS);
    let expected: Vec<(i64, Part)> =
        (1..=30).map(|id| (id, part(id))).filter(|&(_, part)| part != Part::Train).collect();
    let found: Vec<_> = table.image_ids.iter().copied().zip(table.parts.iter().copied()).collect();
    assert_eq!(found, expected);
    assert_eq!((table.labels, table.run), (LABELS.map(String::from).to_vec(), train.run.clone()));

    // What the last epoch's validation saw is what the published model says.
    let val = (0..expected.len()).filter(|&i| expected[i].1 == Part::Val);
    let logits: Vec<f32> = val.flat_map(|i| table.logits[i * 3..i * 3 + 3].to_vec()).collect();
    let targets: Vec<bool> = (1..=30).filter(|&id| part(id) == Part::Val).flat_map(positives).collect();
    let map = macro_average_precision(&Scored::new(3, &logits, &targets).unwrap()).unwrap();
    assert_eq!(map, history[1].val.map_macro);

    worker.send(&train);
    assert_eq!(worker.events_of_job(), [WorkerEvent::Finished { key }]);
    worker.close_stdin();
    assert_eq!(worker.wait().code(), Some(0));
}

#[test]
fn another_thread_count_trains_the_same_to_float_precision() {
    let mut losses = Vec::new();
    for threads in [1, 2] {
        let study = Study::new();
        let mut job = study.train_job(3);
        job.model.name = Architecture::Squeezenet1_1;
        job.model.dropout = 0.0;
        job.train.optimizer = adam(3e-4);
        job.threads = threads;
        sign(&mut job);
        assert_eq!(study.run_file(&job).0, Some(0));
        let history: Vec<HistoryRow> = study.table(&job, output::HISTORY);
        assert!(history[2].train_loss < history[0].train_loss, "{history:?}");
        losses.push(history[0].train_loss);
    }
    assert!((losses[0] - losses[1]).abs() < 1e-4, "{losses:?}");
}

#[test]
fn early_stopping_publishes_the_best_epochs_weights() {
    let study = Study::new();
    let mut job = study.train_job(12);
    job.train.early_stopping =
        Some(EarlyStopping { metric: ValMetric::ValLoss, patience: 2, restore_best: true });
    // Too fast, so that the validation loss gets worse.
    job.train.optimizer = adam(0.03);
    sign(&mut job);
    assert_eq!(study.run_file(&job).0, Some(0));
    let summary = study.summary(&job);
    assert_eq!(summary.stop, StopReason::EarlyStopping);
    assert_eq!(summary.epochs_run, summary.best_epoch + 2);
    let history: Vec<HistoryRow> = study.table(&job, output::HISTORY);
    let best = history.iter().min_by(|a, b| a.val.loss.total_cmp(&b.val.loss)).unwrap();
    assert_eq!(best.epoch, summary.best_epoch);

    let mut until_best = job.clone();
    until_best.train.epochs = summary.best_epoch;
    until_best.train.early_stopping = None;
    sign(&mut until_best);
    assert_eq!(study.run_file(&until_best).0, Some(0));
    assert_eq!(study.digest(&job, output::MODEL), study.digest(&until_best, output::MODEL));
}

#[test]
fn a_diverged_run_is_published_with_finite_weights() {
    let study = Study::new();
    let mut job = study.train_job(4);
    job.train.optimizer = adam(1e38);
    sign(&mut job);
    let (code, events) = study.run_file(&job);
    assert_eq!(code, Some(0), "{events:?}");
    let summary = study.summary(&job);
    assert_eq!((summary.stop, summary.best_epoch, summary.epochs_run), (StopReason::Diverged, 0, 1));
    // Its first step ruins the weights, its second batch shows it.
    let divergence = Divergence { epoch: 1, batch: Some(2), batches: 3 };
    assert_eq!(summary.divergence, Some(divergence.clone()));
    assert_eq!(
        divergence.to_string(),
        "diverged in batch 2 of 3 of epoch 1: its loss was NaN or infinite; the initial weights are kept"
    );
    let told = WorkerEvent::Notice {
        key: job.fingerprint.key.clone(),
        message: divergence.to_string(),
        once: false,
    };
    assert!(events.contains(&told), "{events:?}");
    let history: Vec<HistoryRow> = study.table(&job, output::HISTORY);
    assert!(history[0].val.map_macro.is_nan());
    let predict = study.predict_job(&job);
    assert_eq!(study.run_file(&predict).0, Some(0));
    let table: PredictionTable = study.table(&predict, output::PREDICTIONS);
    assert!(table.logits.iter().all(|logit| logit.is_finite()));
}

/// The published model is the average, which is what validation scored.
#[test]
fn an_average_is_what_is_validated_and_published() {
    let study = Study::new();
    let (mut plain, mut averaged) = (study.train_job(2), study.train_job(2));
    plain.model.dropout = 0.0;
    averaged.model.dropout = 0.0;
    averaged.train.ema = 0.5;
    for job in [&mut plain, &mut averaged] {
        sign(job);
        assert_eq!(study.run_file(job).0, Some(0));
    }
    let history = |job| -> Vec<HistoryRow> { study.table(job, output::HISTORY) };
    let losses = |job| history(job).iter().map(|row| row.train_loss).collect::<Vec<_>>();
    assert_eq!(losses(&plain), losses(&averaged), "an average moves no step");
    assert_ne!(history(&plain)[1].val, history(&averaged)[1].val);

    let predict = study.predict_job(&averaged);
    assert_eq!(study.run_file(&predict).0, Some(0));
    let table: PredictionTable = study.table(&predict, output::PREDICTIONS);
    let val: Vec<usize> = (0..table.parts.len()).filter(|&i| table.parts[i] == Part::Val).collect();
    let logits: Vec<f32> = val.iter().flat_map(|&i| table.logits[i * 3..i * 3 + 3].to_vec()).collect();
    let targets: Vec<bool> = val.iter().flat_map(|&i| positives(table.image_ids[i])).collect();
    let map = macro_average_precision(&Scored::new(3, &logits, &targets).unwrap()).unwrap();
    assert_eq!(map, history(&averaged)[1].val.map_macro);
}

#[test]
fn balanced_weights_are_told_and_change_the_loss() {
    let study = Study::new();
    let mut job = study.train_job(1);
    let plain = job.clone();
    assert_eq!(study.run_file(&plain).0, Some(0));
    job.train.loss = Loss::Bce { positive_weights: PositiveWeights::Balanced, smoothing: 0.1 };
    sign(&mut job);
    assert_eq!(study.run_file(&job).0, Some(0));
    assert_eq!(study.summary(&plain).positive_weights, [0.0; 0]);
    let found = study.summary(&job).positive_weights;
    // The training rows; image 1 is there twice.
    let rows: Vec<[bool; 3]> =
        (1..=30).filter(|&id| part(id) == Part::Train).chain([1]).map(positives).collect();
    let expected = [0, 1, 2].map(|label_idx| {
        let n = rows.iter().filter(|row| row[label_idx]).count() as f64;
        (rows.len() as f64 - n) / n
    });
    assert_eq!(found, expected);
    let loss = |job| study.table::<Vec<HistoryRow>>(job, output::HISTORY)[0].val.loss;
    assert_ne!(loss(&plain), loss(&job));
}

/// Two folds: the second trains on what the first tests on, and the other way round.
fn put_folds(study: &mut Study) {
    let part_in = |fold: u32, image_id: i64| match (fold, image_id % 5) {
        (_, 3) => Part::Val,
        (0, 0..=2) | (1, 4) => Part::Train,
        _ => Part::Test,
    };
    let of_folds = || (0..2u32).flat_map(|fold| (1..=30i64).map(move |image_id| (fold, image_id)));
    let split = of_folds().map(|(fold, image_id)| SplitRow { image_id, fold, part: part_in(fold, image_id) });
    study.put(input::SPLIT, &split.collect::<Vec<_>>());
    let trained = of_folds().filter(|&(fold, image_id)| part_in(fold, image_id) == Part::Train);
    let index = trained.map(|(fold, image_id)| TrainIndexRow {
        fold,
        image_id,
        copies: 1,
        weight: 1.0,
        chance: None,
    });
    study.put(input::TRAIN_INDEX, &index.collect::<Vec<_>>());
}

#[test]
fn a_fold_trains_and_predicts_on_its_own_parts_with_draws_of_its_own() {
    let mut study = Study::new();
    put_folds(&mut study);
    let mut tested = Vec::new();
    let mut first_losses = Vec::new();
    for (fold, seed) in [(0, 1), (1, 1), (1, 2)] {
        let mut train = study.train_job(1);
        (train.fold, train.seed) = (fold, seed);
        sign(&mut train);
        assert_eq!(study.run_file(&train).0, Some(0));
        let predict = study.predict_job(&train);
        assert_eq!(study.run_file(&predict).0, Some(0));
        let table: PredictionTable = study.table(&predict, output::PREDICTIONS);
        let of = |part: Part| {
            let found = table.image_ids.iter().zip(&table.parts).filter(move |(_, other)| **other == part);
            found.map(|(&image_id, _)| image_id).collect::<Vec<i64>>()
        };
        assert_eq!(of(Part::Val), (1..=30).filter(|id| id % 5 == 3).collect::<Vec<_>>());
        tested.push(of(Part::Test));
        first_losses.push(study.table::<Vec<HistoryRow>>(&train, output::HISTORY)[0].train_loss);
    }
    assert_eq!(tested[0], (1..=30).filter(|id| id % 5 == 4).collect::<Vec<_>>());
    assert_eq!(tested[1], (1..=30).filter(|id| id % 5 < 3).collect::<Vec<_>>());
    assert_eq!(tested[1], tested[2]);
    assert!(first_losses[0] != first_losses[1] && first_losses[1] != first_losses[2], "{first_losses:?}");
    let job = study.train_job(1);
    let stream = |fold, seed| Job { fold, seed, ..job.clone() }.stream_seed();
    assert_eq!((stream(0, 7), stream(1, 7) == stream(2, 7)), (7, false));
    assert_ne!(stream(1, 7), stream(1, 8));
}

/// Half the bits, the same lesson: losses near those of 32-bit floats, not equal to them, and the same each time.
#[test]
fn bf16_trains_near_fp32_and_repeats_itself() {
    let study = Study::new();
    let history = |precision: Precision| -> Vec<HistoryRow> {
        let mut job = study.train_job(2);
        job.train.precision = precision;
        sign(&mut job);
        assert_eq!(study.run_file(&job).0, Some(0));
        study.table(&job, output::HISTORY)
    };
    let (full, half) = (history(Precision::Fp32), history(Precision::Bf16));
    for (full, half) in full.iter().zip(&half) {
        assert_ne!(full.train_loss, half.train_loss);
        assert!((full.train_loss - half.train_loss).abs() < 0.05, "{} {}", full.train_loss, half.train_loss);
    }
    let again = {
        let study = Study::new();
        let mut job = study.train_job(2);
        job.train.precision = Precision::Bf16;
        sign(&mut job);
        assert_eq!(study.run_file(&job).0, Some(0));
        let predict = study.predict_job(&job);
        assert_eq!(study.run_file(&predict).0, Some(0));
        let logits = study.table::<PredictionTable>(&predict, output::PREDICTIONS).logits;
        assert!(logits.iter().all(|logit| logit.is_finite()));
        study.table::<Vec<HistoryRow>>(&job, output::HISTORY)
    };
    let losses =
        |rows: &[HistoryRow]| rows.iter().map(|row| (row.train_loss, row.val.loss)).collect::<Vec<_>>();
    assert_eq!(losses(&half), losses(&again));
}
