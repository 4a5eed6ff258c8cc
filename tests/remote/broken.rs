//! A remote that fails now and then, or for good, or while the program dies.

use std::thread::sleep;
use std::time::Duration;

use super::lab::{Lab, RUN, SECRET, STAGES, call, json, stderr};
use super::server::{Fault, Request, Server};

const PUSH: [&str; 7] = ["cache", "push", "s3://results/team", "--cache", "a", "--format", "json"];
const PULL: [&str; 7] = ["cache", "pull", "s3://results/team", "--cache", "b", "--format", "json"];

/// Each request fails twice, in turn by a status and by a broken connection, then is served.
fn twice(request: &Request) -> Fault {
    match request.nth {
        0 if request.method == "GET" => Fault::Cut,
        0 => Fault::Drop,
        1 => Fault::Status(503, "<Error><Code>SlowDown</Code></Error>".to_owned()),
        _ => Fault::None,
    }
}

#[test]
fn what_fails_now_and_then_is_asked_again() {
    let lab = Lab::new();
    lab.fill("a");
    let server = Server::start(twice);
    let pushed = json(&mut lab.with_s3(&server.endpoint, &PUSH));
    assert_eq!(pushed["results"], STAGES);
    assert_eq!(server.keys().len() as u64, STAGES + pushed["objects"].as_u64().unwrap());
    assert!(server.asked().iter().any(|request| request.nth == 2));
    for key in server.keys() {
        let here = lab.path("a").join(key.strip_prefix("team/").unwrap());
        assert_eq!(server.file(&key), std::fs::read(here).unwrap(), "{key}");
    }
    server.behave(twice);
    let pulled = json(&mut lab.with_s3(&server.endpoint, &PULL));
    assert_eq!((&pulled["results"], &pulled["bytes"]), (&STAGES.into(), &pushed["bytes"]));
    server.behave(|request| match (request.nth, request.key.contains("/entries/")) {
        (0, true) => Fault::Drop,
        _ => Fault::None,
    });
    let run = [&RUN[..], &["--cache", "c", "--remote", "s3://results/team"]].concat();
    let report = json(&mut lab.with_s3(&server.endpoint, &run));
    assert_eq!((&report["computed"], &report["fetched"]), (&0.into(), &STAGES.into()));
}

#[test]
fn what_fails_for_good_ends_a_push_after_its_tries_and_a_study_never() {
    let lab = Lab::new();
    lab.fill("a");
    let server = Server::start(|_| Fault::Status(500, String::new()));
    let push = [&PUSH[..], &["--retries", "2"]].concat();
    let output = call(&mut lab.with_s3(&server.endpoint, &push));
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("cannot list `s3://results/team`: 500"), "{}", stderr(&output));
    assert_eq!(server.asked().len(), 3);

    let denied = format!(
        "<Error><Code>SignatureDoesNotMatch</Code><AWSAccessKeyId>AKIATESTS</AWSAccessKeyId>\
         <StringToSign>{SECRET}</StringToSign></Error>"
    );
    let run = ["run", "tiny.toml", "--until", "balance", "--remote", "s3://results/team", "--cache"];
    for (cache, status, body) in [("b", 503, String::new()), ("c", 403, denied)] {
        server.behave(move |_| Fault::Status(status, body.clone()));
        let output = call(lab.with_s3(&server.endpoint, &run).arg(cache));
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert_eq!(said.matches("the study goes on without the remote").count(), 1, "{said}");
        assert!(said.contains(&status.to_string()) && !said.contains("AKIATESTS"), "{said}");
        assert_eq!(lab.files(&format!("{cache}/objects")), lab.files("a/objects"));
        let keys: std::collections::HashSet<_> = server.asked().into_iter().map(|r| r.key).collect();
        assert_eq!(keys.len(), 1, "only the first result was asked for: {keys:?}");
    }
    // Nobody there at all.
    let endpoint = server.endpoint.clone();
    drop(server);
    let output = call(lab.with_s3(&endpoint, &run).arg("d"));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains("Connection refused"), "{}", stderr(&output));
}

/// Starts a push that comes to a stand after three objects and a record.
fn half_done(lab: &Lab, server: &Server) -> std::process::Child {
    let puts = std::sync::atomic::AtomicUsize::new(0);
    server.behave(move |request| match request.method.as_str() {
        "PUT" if puts.fetch_add(1, std::sync::atomic::Ordering::SeqCst) >= 4 => Fault::Stall,
        _ => Fault::None,
    });
    let mut child = lab.with_s3(&server.endpoint, &PUSH).args(["--parallel", "1"]).spawn().unwrap();
    while server.asked().iter().filter(|request| request.method == "PUT").count() < 5 {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it was to");
        sleep(Duration::from_millis(10));
    }
    child
}

/// What is there is whole, and the next push sends the rest and nothing twice.
fn goes_on(lab: &Lab, server: &Server) {
    let before = server.keys();
    assert_eq!(before.len(), 4);
    let records = before.iter().filter(|key| key.contains("/entries/"));
    for record in records.clone() {
        let text = String::from_utf8(server.file(record)).unwrap();
        let entry: serde_json::Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
        for output in entry["outputs"].as_object().unwrap().values() {
            let digest = output["digest"].as_str().unwrap();
            let key = format!("team/objects/{}/{}", &digest[..2], &digest[2..]);
            assert!(before.contains(&key), "{record} names {key}");
        }
    }
    let there = records.count() as u64;
    server.behave(|_| Fault::None);
    let rest = json(&mut lab.with_s3(&server.endpoint, &PUSH));
    assert_eq!((&rest["there"], &rest["results"]), (&there.into(), &(STAGES - there).into()));
    let mut sent: Vec<_> =
        server.asked().into_iter().filter(|request| request.method == "PUT").map(|r| r.key).collect();
    sent.sort();
    let mut missing = server.keys();
    missing.retain(|key| !before.contains(key));
    assert_eq!(sent, missing);
    assert_eq!(json(&mut lab.with_s3(&server.endpoint, &PULL))["results"], STAGES);
}

#[test]
fn a_push_that_was_killed_goes_on_where_it_was() {
    let lab = Lab::new();
    lab.fill("a");
    let server = Server::start(|_| Fault::None);
    let mut child = half_done(&lab, &server);
    child.kill().unwrap();
    child.wait().unwrap();
    goes_on(&lab, &server);
}

#[test]
fn a_push_that_was_interrupted_says_so_and_goes_on_where_it_was() {
    let lab = Lab::new();
    lab.fill("a");
    let server = Server::start(|_| Fault::None);
    let child = half_done(&lab, &server);
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["interrupted"], true);
    goes_on(&lab, &server);
}

#[test]
fn what_a_cut_off_push_left_is_read_before_a_record_names_it() {
    let lab = Lab::new();
    lab.fill("a");
    let server = Server::start(|_| Fault::None);
    // Its objects went, wrong on the way, and no record.
    server.behave(|request| match (request.method.as_str(), request.key.contains("/entries/")) {
        ("PUT", true) => Fault::Status(403, String::new()),
        ("PUT", false) => Fault::Wrong,
        _ => Fault::None,
    });
    let output = call(&mut lab.with_s3(&server.endpoint, &PUSH));
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let damaged = server.keys().len();
    assert!(damaged > 0);
    server.behave(|_| Fault::None);
    let pushed = json(lab.with_s3(&server.endpoint, &PUSH).arg("--verify"));
    assert_eq!(pushed["damaged_there"].as_array().unwrap().len(), damaged, "{pushed}");
    assert_eq!(json(&mut lab.with_s3(&server.endpoint, &PULL))["results"], STAGES);
    assert_eq!(lab.files("b/objects"), lab.files("a/objects"));
}

#[test]
fn a_pull_that_was_killed_goes_on_where_it_was() {
    let lab = Lab::new();
    lab.fill("a");
    let server = Server::start(|_| Fault::None);
    json(&mut lab.with_s3(&server.endpoint, &PUSH));
    let gets = std::sync::atomic::AtomicUsize::new(0);
    server.behave(move |request| match request.key.contains("/objects/") {
        true if gets.fetch_add(1, std::sync::atomic::Ordering::SeqCst) >= 4 => Fault::Stall,
        _ => Fault::None,
    });
    let mut child = lab.with_s3(&server.endpoint, &PULL).args(["--parallel", "1"]).spawn().unwrap();
    let objects = |request: &Request| request.method == "GET" && request.key.contains("/objects/");
    while server.asked().iter().filter(|request| objects(request)).count() < 5 {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it was to");
        sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(lab.files("b/objects").len(), 4);
    let verified = call(&mut lab.command(&["cache", "verify", "--cache", "b"]));
    assert_eq!(verified.status.code(), Some(0), "{}", stderr(&verified));
    server.behave(|_| Fault::None);
    json(&mut lab.with_s3(&server.endpoint, &PULL));
    let again = server.asked().iter().filter(|request| objects(request)).count();
    assert_eq!(again, lab.files("a/objects").len() - 4);
    assert_eq!(lab.files("b/objects"), lab.files("a/objects"));
    assert_eq!(lab.files("b/entries"), lab.files("a/entries"));
}

#[test]
fn a_study_that_waits_for_a_remote_can_be_interrupted() {
    let lab = Lab::new();
    let server = Server::start(|_| Fault::Stall);
    let run = ["run", "tiny.toml", "--until", "balance", "--remote", "s3://results/team", "--cache", "a"];
    let mut child = lab.with_s3(&server.endpoint, &run).spawn().unwrap();
    while server.asked().is_empty() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it was to");
        sleep(Duration::from_millis(10));
    }
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    assert!(stderr(&output).contains("--remote s3://results/team"), "{}", stderr(&output));
    assert!(lab.files("a/work").is_empty() && lab.files("a/locks").is_empty());
}
