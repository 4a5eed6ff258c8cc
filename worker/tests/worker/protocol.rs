//! Lines in, events out, exit codes.

use ablatrix::fingerprint::Digest;
use ablatrix::job::{FailureKind, PROTOCOL, WorkerEvent};

use super::harness::*;

#[test]
fn version_names_libtorch_and_the_protocol() {
    let out = worker().arg("--version").output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(out.status.success());
    assert!(text.contains("libtorch 2."), "{text}");
    assert!(text.contains(&format!("protocol {PROTOCOL}")), "{text}");
}

#[test]
fn unknown_arguments_show_the_usage() {
    let out = worker().arg("jobb").output().unwrap();
    assert_eq!(out.status.code(), Some(2));
    assert!(out.stdout.is_empty());
    let text = String::from_utf8(out.stderr).unwrap();
    assert!(text.contains("unknown arguments `jobb`") && text.contains("usage:"), "{text}");
}

#[test]
fn an_idle_worker_ends_with_its_input() {
    let mut worker = Serving::start();
    worker.close_stdin();
    assert_eq!(worker.event(), None);
    assert_eq!(worker.wait().code(), Some(0));
}

#[test]
fn garbage_is_refused_and_ends_the_worker() {
    for line in ["hello", "{}", "[1, 2", "null", "\u{fffd}\u{0}"] {
        let mut worker = Serving::start();
        worker.send_line(line);
        let event = worker.event();
        assert!(matches!(event, Some(WorkerEvent::Refused { .. })), "{line}: {event:?}");
        assert_eq!(worker.event(), None);
        assert_eq!(worker.wait().code(), Some(2));
    }
}

#[test]
fn a_job_of_another_protocol_fails_and_the_worker_goes_on() {
    let study = Study::new();
    let mut job = study.train_job(1);
    let mut worker = Serving::start();
    job.protocol = PROTOCOL + 1;
    worker.send(&job);
    let Some(WorkerEvent::Failed { key, kind: FailureKind::Final, message }) = worker.event() else {
        panic!("a failure")
    };
    assert_eq!(key, job.fingerprint.key);
    assert!(message.contains(&format!("protocol `{}`", PROTOCOL + 1)), "{message}");
    job.protocol = PROTOCOL;
    worker.send(&job);
    assert!(matches!(worker.events_of_job().last(), Some(WorkerEvent::Finished { .. })));
}

#[test]
fn a_bad_job_file_is_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("job.json");
    let run = || {
        let out = worker().arg("job").arg(&file).output().unwrap();
        (out.status.code(), String::from_utf8(out.stdout).unwrap())
    };
    assert_eq!(run(), (Some(2), String::new()));
    std::fs::write(&file, format!("{{\"protocol\": {PROTOCOL}}}")).unwrap();
    let (code, text) = run();
    assert_eq!(code, Some(2));
    assert!(matches!(serde_json::from_str(&text).unwrap(), WorkerEvent::Refused { .. }), "{text}");
    let key = Digest::of(b"job");
    std::fs::write(&file, format!(r#"{{"protocol": 99, "fingerprint": {{"key": "{key}"}}}}"#)).unwrap();
    assert_eq!(run().0, Some(2));
}
