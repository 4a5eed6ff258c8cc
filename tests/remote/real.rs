//! Results by a real S3 server: moto, on loopback, with its own idea of signatures, listings and uploads in parts.
//!
//! Runs where `ABLATRIX_TEST_MOTO` names a `moto_server` executable.

use std::fs::File;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::lab::{Lab, RUN, STAGES, call, json, stderr, stdout};

/// A server that is gone when the test is.
struct Moto {
    child: Child,
    endpoint: String,
}

impl Moto {
    /// `None`, and a line that says so, where there is no server. Asks who one is after so many requests.
    fn start(lab: &Lab, free_requests: &str) -> Option<Self> {
        let Some(program) = std::env::var_os("ABLATRIX_TEST_MOTO").filter(|path| !path.is_empty()) else {
            println!("skipped: `ABLATRIX_TEST_MOTO` names no `moto_server` executable");
            return None;
        };
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let log = File::create(lab.path("moto.log")).unwrap();
        let child = Command::new(program)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .env("INITIAL_NO_AUTH_ACTION_COUNT", free_requests)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut moto = Moto { child, endpoint: format!("http://127.0.0.1:{port}") };
        let until = Instant::now() + Duration::from_secs(60);
        // Its page about itself counts as no request.
        while ureq::get(format!("{}/moto-api/", moto.endpoint)).call().is_err() {
            let log = || std::fs::read_to_string(lab.path("moto.log")).unwrap_or_default();
            assert!(moto.child.try_wait().unwrap().is_none(), "the server ended: {}", log());
            assert!(Instant::now() < until, "the server did not start: {}", log());
            sleep(Duration::from_millis(100));
        }
        Some(moto)
    }

    fn make_bucket(&self) {
        ureq::put(format!("{}/results", self.endpoint)).send_empty().unwrap();
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_study_moves_by_s3() {
    let lab = Lab::new();
    let Some(moto) = Moto::start(&lab, "inf") else { return };
    // Pixels of this size go in parts: 24 images of 3 x 400 x 400 bytes.
    lab.write_spec("tiny", "[images]\nsize = 400\n");
    lab.fill("a");
    let push = ["cache", "push", "s3://results/team", "--cache", "a", "--format", "json"];
    let output = call(&mut lab.with_s3(&moto.endpoint, &push));
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("NoSuchBucket")
            && stderr(&output).contains("make the bucket `results` first")
    );
    moto.make_bucket();
    let pushed = json(&mut lab.with_s3(&moto.endpoint, &push));
    assert_eq!(pushed["results"], STAGES);
    assert!(pushed["bytes"].as_u64() > Some(24 * 3 * 400 * 400), "{pushed}");
    let again = json(lab.with_s3(&moto.endpoint, &push).arg("--verify"));
    assert_eq!((&again["there"], &again["bytes_read"]), (&STAGES.into(), &pushed["bytes"]));

    let pull = ["cache", "pull", "s3://results/team", "tiny.toml", "--cache", "b"];
    let output = call(&mut lab.with_s3(&moto.endpoint, &pull));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).starts_with("pulled 6 results ("), "{}", stdout(&output));
    assert_eq!(lab.files("b/objects"), lab.files("a/objects"));
    assert_eq!(json(lab.command(&RUN).args(["--cache", "b"]))["computed"], 0);
    let run = [&RUN[..], &["--cache", "c", "--remote", "s3://results/team"]].concat();
    let report = json(&mut lab.with_s3(&moto.endpoint, &run));
    assert_eq!((&report["computed"], &report["fetched"]), (&0.into(), &STAGES.into()));

    // Another prefix is another remote.
    let pull = ["cache", "pull", "s3://results/te", "--cache", "d", "--format", "json"];
    assert_eq!(json(&mut lab.with_s3(&moto.endpoint, &pull))["results"], 0);
}

#[test]
fn a_stranger_is_told_so_and_a_study_goes_on() {
    let lab = Lab::new();
    let Some(moto) = Moto::start(&lab, "1") else { return };
    moto.make_bucket();
    lab.fill("a");
    let output = call(&mut lab.with_s3(&moto.endpoint, &["cache", "push", "s3://results", "--cache", "a"]));
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(
        said.contains("403") && said.contains("AWS_SECRET_ACCESS_KEY") && !said.contains("AKIATESTS"),
        "{said}"
    );
    let run = [&RUN[..], &["--cache", "b", "--remote", "s3://results"]].concat();
    assert_eq!(json(&mut lab.with_s3(&moto.endpoint, &run))["computed"], STAGES);
}
