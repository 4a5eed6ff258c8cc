//! Whole studies, to a server in memory that fails in all the ways, and to one that hangs.

use std::sync::{Arc, Mutex};

use super::*;
use crate::track::event::{
    Content, DatasetSource, Epoch, History, Outcome, RunFinished, RunStarted, StudyFile, StudyFinished,
    StudyStarted,
};
use crate::track::memory::{Fault, MemoryServer, StoredRun};
use crate::track::replay::carry_all;
use crate::track::stub::{Reply, Stub};
use crate::track::{RunStatus, replay};

fn config(required: bool) -> TrackerConfig {
    TrackerConfig {
        uri: "http://127.0.0.1:1".into(),
        experiment: "study".into(),
        required,
        tags: [("mlflow.user".to_owned(), "ann".to_owned())].into(),
        limits: Limits {
            request: Duration::from_millis(200),
            first_wait: Duration::from_millis(1),
            ..Limits::default()
        },
        ..TrackerConfig::default()
    }
}

/// Two variants of two seeds with two epochs, and the study itself: five runs.
fn study() -> Vec<TrackEvent> {
    let mut events = vec![TrackEvent::StudyStarted(StudyStarted {
        study_id: "study@1".into(),
        name: "study".into(),
        question: "Does it help?".into(),
        params: [("seeds".to_owned(), "2".to_owned())].into(),
        dataset: Some(DatasetSource { name: "d".into(), digest: "0".repeat(64), source: "x".into() }),
        live: true,
        time_ms: 1000,
    })];
    for variant in ["none", "flip"] {
        for seed in 0..2 {
            events.extend(run(variant, seed));
        }
    }
    events.push(TrackEvent::StudyFinished(StudyFinished {
        study_id: "study@1".into(),
        outcome: Outcome::Finished,
        files: vec![file("report.html", b"<h1>report</h1>"), file("effects.csv", b"variant,delta\n")],
        metrics: vec![("effect/flip".into(), 0.01)],
        time_ms: 9000,
    }));
    events
}

fn file(name: &str, bytes: &[u8]) -> StudyFile {
    StudyFile { name: name.into(), content: Content::Bytes(bytes.to_vec()) }
}

fn run(variant: &str, seed: u64) -> Vec<TrackEvent> {
    let run = format!("{variant}/seed={seed}");
    let trial_id = format!("study@{variant}{seed}");
    let epoch = |epoch: u32| {
        TrackEvent::Epoch(Epoch {
            trial_id: trial_id.clone(),
            epoch,
            time_ms: 2000 + i64::from(epoch),
            metrics: vec![
                ("train/loss".into(), 1.0 / f64::from(epoch)),
                ("val/map_macro".into(), if epoch == 1 { f64::NAN } else { 0.5 }),
            ],
        })
    };
    vec![
        TrackEvent::RunStarted(RunStarted {
            run,
            variant: variant.into(),
            seed,
            fold: None,
            trial_id: trial_id.clone(),
            params: [("train.epochs".to_owned(), "2".to_owned())].into(),
            tags: [("c#".to_owned(), "x".to_owned())].into(),
            live: true,
            start_time_ms: 2000,
        }),
        epoch(1),
        epoch(2),
        TrackEvent::RunFinished(RunFinished {
            trial_id: trial_id.clone(),
            outcome: Outcome::Finished,
            metrics: vec![("test/map_macro".into(), 0.6)],
            time_ms: 3000,
        }),
    ]
}

fn send(server: &MemoryServer, events: Vec<TrackEvent>) -> TrackOutcome {
    let courier = open_with(Box::new(server.clone()), "memory", config(false)).unwrap();
    carry_all(courier, events, &mut |_| {})
}

fn sent(outcome: &TrackOutcome) -> (usize, usize) {
    (outcome.sent, outcome.unsent)
}

/// What a server should have after [`study`].
fn expected() -> Vec<StoredRun> {
    let server = MemoryServer::default();
    assert_eq!(sent(&send(&server, study())), (5, 0));
    server.runs()
}

#[test]
fn a_fold_is_a_parameter_where_there_are_folds() {
    let server = MemoryServer::default();
    let mut events = study();
    for event in &mut events {
        if let TrackEvent::RunStarted(started) = event {
            started.fold = (started.variant == "flip").then_some(2);
        }
    }
    send(&server, events);
    assert_eq!(server.run("flip/seed=1").params["fold"], "2");
    assert!(!server.run("none/seed=1").params.contains_key("fold"));
}

#[test]
fn a_study_arrives_whole() {
    let server = MemoryServer::default();
    let outcome = send(&server, study());
    assert_eq!(sent(&outcome), (5, 0));
    assert_eq!(outcome.warnings, Vec::<String>::new());
    assert_eq!(outcome.page.as_deref(), Some("memory/0"));
    assert_eq!(server.runs().len(), 5);

    let run = server.run("flip/seed=1");
    assert_eq!((run.status, run.start_time_ms, run.end_time_ms), (RunStatus::Finished, 2000, Some(3000)));
    assert_eq!((run.params["variant"].as_str(), run.params["seed"].as_str()), ("flip", "1"));
    assert_eq!(
        (run.tags["study.kind"].as_str(), run.tags["study.trial_id"].as_str()),
        ("run", "study@flip1")
    );
    assert_eq!(run.tags["mlflow.user"], "ann");
    assert!(run.tags.keys().any(|key| key.starts_with("c_.")), "{:?}", run.tags);
    assert_eq!(run.history("train/loss"), [(1, 1.0), (2, 0.5)]);
    assert!(run.history("val/map_macro")[0].1.is_nan());
    assert_eq!(run.history("test/map_macro"), [(0, 0.6)]);
    assert_eq!(run.datasets, ["0".repeat(36)]);

    let whole = server.run("study");
    assert_eq!(whole.tags["study.kind"], "study");
    assert_eq!(whole.tags["mlflow.note.content"], "Does it help?");
    assert_eq!(whole.artifacts["report.html"], b"<h1>report</h1>");
    assert_eq!(whole.history("effect/flip"), [(0, 0.01)]);
}

#[test]
fn the_same_events_again_change_nothing() {
    let server = MemoryServer::default();
    send(&server, study());
    let n_calls = server.calls().len();
    assert_eq!(sent(&send(&server, study())), (5, 0));
    assert_eq!(server.runs(), expected());
    let again = &server.calls()[n_calls..];
    assert!(!again.iter().any(|call| call.ends_with("create")), "{again:?}");
    assert!(!again.contains(&"runs/log-inputs"), "{again:?}");
}

/// The same study, told from its results.
fn from_results() -> Vec<TrackEvent> {
    let mut events: Vec<TrackEvent> = Vec::new();
    for event in study() {
        match (event, events.last_mut()) {
            (TrackEvent::Epoch(epoch), Some(TrackEvent::History(history))) => history.epochs.push(epoch),
            (TrackEvent::Epoch(epoch), _) => {
                let trial_id = epoch.trial_id.clone();
                events.push(TrackEvent::History(History { trial_id, epochs: vec![epoch] }));
            }
            (TrackEvent::RunStarted(event), _) => {
                events.push(TrackEvent::RunStarted(RunStarted { live: false, ..event }));
            }
            (TrackEvent::StudyStarted(event), _) => {
                events.push(TrackEvent::StudyStarted(StudyStarted { live: false, ..event }));
            }
            (event, _) => events.push(event),
        }
    }
    events
}

#[test]
fn a_study_from_its_results_is_the_same_and_says_what_was_missing() {
    let server = MemoryServer::default();
    let first = send(&server, from_results());
    assert_eq!(server.runs(), expected());
    let of = |outcome: &TrackOutcome, name: &str| {
        outcome.runs.iter().find(|run| run.name == name).unwrap().sent.clone()
    };
    let run = of(&first, "flip/seed=1");
    assert_eq!((run.created, run.points, run.params), (true, 5, 3));
    assert_eq!(of(&first, "study").files, ["report.html", "effects.csv"]);
    let again = send(&server, from_results());
    assert!(again.runs.iter().all(|run| run.whole && run.sent.is_nothing()), "{:?}", again.runs);
    assert_eq!(server.runs(), expected());
}

#[test]
fn a_point_that_got_lost_in_the_middle_is_sent_again() {
    let server = MemoryServer::default();
    send(&server, study());
    server.0.lock().unwrap().runs[1].points.retain(|point| (point.0.as_str(), point.1) != ("train/loss", 1));
    assert_ne!(server.runs(), expected());
    let outcome = send(&server, from_results());
    assert_eq!(outcome.runs.iter().map(|run| run.sent.points).sum::<usize>(), 1);
    assert_eq!(server.runs(), expected());
}

#[test]
fn how_a_run_ended_is_left_as_it_is_where_its_results_do_not_tell() {
    let server = MemoryServer::default();
    let unknown = |mut events: Vec<TrackEvent>| {
        for event in &mut events {
            if let TrackEvent::RunFinished(ended) = event {
                ended.outcome = Outcome::Unknown;
            }
        }
        events
    };
    send(&server, study().into_iter().take(7).collect());
    server.0.lock().unwrap().runs[1].status = RunStatus::Failed;
    send(&server, unknown(from_results()));
    assert_eq!(server.run("none/seed=0").status, RunStatus::Failed);
    assert_eq!(server.run("none/seed=1").status, RunStatus::Killed, "it counted as running");
}

#[test]
fn epochs_told_again_at_another_time_are_no_second_points() {
    let server = MemoryServer::default();
    let mut events = study();
    send(&server, events.clone());
    for event in &mut events {
        if let TrackEvent::Epoch(epoch) = event {
            epoch.time_ms += 500;
        }
    }
    send(&server, events);
    assert_eq!(server.runs(), expected());
}

#[test]
fn half_a_study_is_completed_by_a_replay() {
    let server = MemoryServer::default();
    // The process died in the second run's first epoch.
    send(&server, study().into_iter().take(7).collect());
    assert_eq!(server.run("none/seed=1").status, RunStatus::Running);
    assert_eq!(sent(&send(&server, study())), (5, 0));
    assert_eq!(server.runs(), expected());
}

#[test]
fn no_lost_answer_and_no_pause_makes_a_duplicate() {
    // Each call in turn is lost: before it is done, and after.
    let n_calls = {
        let server = MemoryServer::default();
        send(&server, study());
        server.calls().len()
    };
    for fault in [Fault::LostAnswer, Fault::Down, Fault::Status(503, None), Fault::Status(401, None)] {
        for at in 3..n_calls {
            let server = MemoryServer::failing(move |_, n| (n == at).then_some(fault));
            let outcome = send(&server, study());
            assert_eq!(sent(&outcome), (5, 0), "{fault:?} at {at}");
            assert_eq!(outcome.warnings, Vec::<String>::new());
            assert_eq!(server.runs(), expected(), "{fault:?} at {at}");
        }
    }
}

#[test]
fn a_server_that_is_down_is_one_warning_and_counted() {
    let server = MemoryServer::failing(|_, _| Some(Fault::Down));
    let outcome = send(&server, study());
    assert_eq!(sent(&outcome), (0, 5));
    assert_eq!(outcome.warnings.len(), 1, "{:?}", outcome.warnings);
    assert!(outcome.warnings[0].starts_with("MLflow is tried again later: `memory` did not answer `health`"));
    // Once at the start and four times more, then no more.
    assert_eq!(server.calls().len(), 5);
    assert_eq!(outcome.page, None);

    let error = open_with(Box::new(server), "memory", config(true)).map(|_| ()).unwrap_err();
    assert!(matches!(error, TrackError::Unreachable { .. }), "{error}");
}

#[test]
fn a_server_that_dies_in_the_middle_gets_the_rest_at_the_end() {
    let server = MemoryServer::failing(|_, n| (n > 10).then_some(Fault::Down));
    let tracker = start(&server);
    study().into_iter().for_each(|event| tracker.send(event));
    let mut warnings = Vec::new();
    while warnings.is_empty() {
        std::thread::yield_now();
        warnings = tracker.take_warnings();
    }
    assert!(warnings[0].starts_with("MLflow failed 5 times in a row"), "{warnings:?}");
    server.heal();
    let outcome = tracker.finish(Duration::from_secs(5));
    assert_eq!(sent(&outcome), (5, 0));
    assert_eq!(server.runs(), expected());
}

#[test]
fn one_last_try_is_the_last() {
    let server = MemoryServer::failing(|_, n| (n > 10).then_some(Fault::Down));
    let tracker = start(&server);
    study().into_iter().for_each(|event| tracker.send(event));
    let outcome = tracker.finish(Duration::from_secs(5));
    assert_eq!(sent(&outcome), (0, 5));
    assert_eq!(outcome.warnings.len(), 1, "{:?}", outcome.warnings);
}

#[test]
fn runs_that_never_end_are_marked_as_killed_and_can_go_on() {
    let server = MemoryServer::default();
    let tracker = start(&server);
    study().into_iter().take(7).for_each(|event| tracker.send(event));
    tracker.finish(Duration::from_secs(5));
    let run = server.run("none/seed=1");
    // The time is that of the last news, here the end of the run before.
    assert_eq!((run.status, run.end_time_ms), (RunStatus::Killed, Some(3000)));
    assert_eq!(server.run("none/seed=0").status, RunStatus::Finished);
    send(&server, study());
    assert_eq!(server.runs(), expected());
}

#[test]
fn what_the_server_refuses_is_set_aside_and_the_rest_goes_on() {
    // The second run cannot be created.
    let created = Arc::new(Mutex::new(0));
    let server = MemoryServer::failing(move |call, _| {
        let mut created = created.lock().unwrap();
        *created += u32::from(call == "runs/create");
        (call == "runs/create" && *created == 3)
            .then_some(Fault::Status(400, Some("INVALID_PARAMETER_VALUE")))
    });
    let outcome = send(&server, study());
    assert_eq!(sent(&outcome), (4, 1));
    assert_eq!(outcome.warnings, ["not sent: `memory` answered `runs/create` with 400: told to"]);
}

#[test]
fn an_event_that_breaks_the_server_does_not_hold_up_the_others() {
    let server = MemoryServer::failing(|call, _| {
        (call == "artifacts").then_some(Fault::Status(500, Some("INTERNAL_ERROR")))
    });
    let outcome = send(&server, study());
    assert_eq!(sent(&outcome), (4, 1));
    assert_eq!(server.calls().iter().filter(|call| **call == "artifacts").count(), 4);
}

#[test]
fn a_parameter_that_changed_is_told_and_the_rest_arrives() {
    let server = MemoryServer::default();
    send(&server, study());
    let mut events = study();
    let TrackEvent::RunStarted(started) = &mut events[1] else { panic!() };
    started.params.insert("train.epochs".into(), "3".into());
    started.params.insert("new".into(), "yes".into());
    let outcome = send(&server, events);
    assert_eq!(
        outcome.warnings,
        ["parameter `train.epochs` of run `none/seed=0` is `2` on the server and cannot become `3`"]
    );
    assert_eq!(server.run("none/seed=0").params["new"], "yes");
}

#[test]
fn a_report_that_is_missing_is_told_and_the_study_ends() {
    let server = MemoryServer::default();
    let mut events = study();
    let Some(TrackEvent::StudyFinished(finished)) = events.last_mut() else { panic!() };
    finished.files[0].content = Content::File("/nowhere/index.html".into());
    let outcome = send(&server, events);
    assert!(outcome.warnings[0].starts_with("cannot read `/nowhere/index.html` for `report.html`"));
    assert_eq!(server.run("study").status, RunStatus::Finished);
}

#[test]
fn what_the_user_must_set_right_is_an_error_at_the_start() {
    let start = |reply: Reply| {
        let stub = Stub::start(
            move |got, _| {
                if got.line == "GET /health" { Reply::ok("OK") } else { reply.clone() }
            },
        );
        Tracker::start(TrackerConfig { uri: stub.uri.clone(), ..config(false) }).unwrap_err()
    };
    let error = start(Reply::status(403, "Invalid Host header - possible DNS rebinding attack detected"));
    let TrackError::Refused { source, .. } = &error else { panic!("{error}") };
    assert!(source.to_string().contains("403: Invalid Host header"), "{source}");
    assert!(matches!(start(Reply::status(401, "no")), TrackError::Refused { .. }));
    assert!(matches!(start(Reply::ok("<html>")), TrackError::Refused { .. }));
    assert!(matches!(start(Reply::status(404, "not here")), TrackError::Refused { .. }));

    let wrong = TrackerConfig { uri: "./mlruns".into(), ..config(false) };
    assert!(matches!(Tracker::start(wrong).unwrap_err(), TrackError::Address(_)));

    let server = MemoryServer::default();
    server.0.lock().unwrap().experiments.push(("study".into(), true));
    let error = open_with(Box::new(server), "memory", config(false)).map(|_| ()).unwrap_err();
    let text = "MLflow experiment `study` (id 0) on `memory` is deleted, expected an active one";
    assert_eq!(error.to_string(), text);
}

#[test]
fn a_server_that_hangs_delays_nobody() {
    let stub = Stub::start(|got, _| match got.line.as_str() {
        "GET /health" => Reply::ok("OK"),
        "GET /version" => Reply::ok("3.17.2"),
        line if line.contains("get-by-name") => {
            Reply::ok(r#"{"experiment":{"experiment_id":"1","lifecycle_stage":"active"}}"#)
        }
        _ => Reply::Hang,
    });
    let mut config = TrackerConfig { uri: stub.uri.clone(), ..config(true) };
    config.limits.request = Duration::from_secs(600);
    let tracker = Tracker::start(config).unwrap();
    study().into_iter().for_each(|event| tracker.send(event));
    assert_eq!(sent(&tracker.finish(Duration::from_millis(100))), (0, 5));
}

#[test]
fn a_replay_wants_the_server() {
    let uri = Stub::start(|_, _| Reply::Hang).uri.clone();
    let error = replay(TrackerConfig { uri, ..config(false) }, study(), &mut |_| {}).unwrap_err();
    assert!(matches!(error, TrackError::Unreachable { .. }), "{error}");
}

fn start(server: &MemoryServer) -> Tracker {
    Tracker::spawn(open_with(Box::new(server.clone()), "memory", config(false)).unwrap()).unwrap()
}
