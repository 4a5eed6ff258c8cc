//! Whatever ends a fetch, the next one goes on with what has come; two at once do not meet.

use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::lab::{Lab, noise, picture, stderr};
use super::server::{Reply, Request, Server};

const SENT: usize = 50_000;

fn etag(tag: &str) -> Vec<(&'static str, String)> {
    vec![("etag", format!("\"{tag}\""))]
}

/// The rest of `body` where the client asks for it and has the same version, else all of it.
fn ranged(request: &Request, body: Vec<u8>, tag: &str) -> Reply {
    let start = request.headers.get("range").and_then(|range| range.strip_prefix("bytes="));
    let start = start.and_then(|range| range.strip_suffix('-')?.parse::<usize>().ok());
    let same = request.headers.get("if-range") == Some(&format!("\"{tag}\""));
    match start.filter(|_| same) {
        Some(start) => {
            let mut headers = etag(tag);
            headers.push(("content-range", format!("bytes {start}-{}/{}", body.len() - 1, body.len())));
            Reply::Whole { status: 206, headers, body: body[start..].to_vec() }
        }
        None => Reply::Whole { status: 200, headers: etag(tag), body },
    }
}

/// Waits until the child has got what the server sent of its unfinished images.
fn until_partial(lab: &Lab, child: &mut Child, bytes: u64) {
    let begun = Instant::now();
    while lab.partial_bytes() < bytes {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        assert!(begun.elapsed() < Duration::from_secs(60), "only {} bytes came", lab.partial_bytes());
        sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_killed_fetch_is_gone_on_with_from_the_same_byte() {
    let server = Server::start(|request| match (request.path.as_str(), request.nth) {
        ("/same.png", 0) => Reply::Stall { headers: etag("1"), body: noise(200, 200, 1), sent: SENT },
        ("/same.png", _) => ranged(request, noise(200, 200, 1), "1"),
        ("/changed.png", 0) => Reply::Stall { headers: etag("1"), body: noise(200, 200, 2), sent: SENT },
        ("/changed.png", _) => ranged(request, noise(200, 200, 3), "2"),
        ("/unnamed.png", 0) => Reply::Stall { headers: vec![], body: noise(200, 200, 4), sent: SENT },
        ("/unnamed.png", _) => Reply::ok(noise(200, 200, 4)),
        _ => Reply::ok(picture(1)),
    });
    let names = ["quick.png", "same.png", "changed.png", "unnamed.png"];
    let images: Vec<_> = names.iter().map(|name| (*name, Some(server.url(&format!("/{name}"))))).collect();
    let lab = Lab::new(&images);
    let mut child = lab.fetch(&[]).spawn().unwrap();
    until_partial(&lab, &mut child, 3 * SENT as u64);
    while lab.image("quick.png").is_none() {
        sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    for name in &names[1..] {
        assert_eq!(lab.image(name), None);
    }

    let (code, report) = lab.report(&[]);
    assert_eq!((code, &report["counts"]["fetched"]), (0, &json!(3)), "{report}");
    assert_eq!(lab.image("same.png"), Some(noise(200, 200, 1)));
    assert_eq!(lab.image("changed.png"), Some(noise(200, 200, 3)));
    assert_eq!(lab.image("unnamed.png"), Some(noise(200, 200, 4)));
    assert_eq!(lab.entries().len(), 4, "{:?}", lab.entries());
    let second =
        |path: &str| server.asked().into_iter().find(|request| request.path == path && request.nth == 1);
    let range = |path: &str| second(path).unwrap().headers.get("range").cloned();
    assert_eq!(range("/same.png"), Some(format!("bytes={SENT}-")));
    assert_eq!(range("/changed.png"), Some(format!("bytes={SENT}-")));
    assert_eq!(range("/unnamed.png"), None);
    assert_eq!(server.count("/quick.png"), 1);
}

#[test]
fn a_piece_that_does_not_fit_is_thrown_away() {
    // The second version passes for the first: only the decoder can tell.
    let server = Server::start(|request| match request.nth {
        0 => Reply::Cut { headers: etag("1"), body: noise(200, 200, 1), sent: SENT },
        _ => ranged(request, noise(200, 200, 2), "1"),
    });
    let lab = Lab::new(&[("a.png", Some(server.url("/a.png")))]);
    let (code, report) = lab.report(&[]);
    assert_eq!(code, 0, "{report}");
    assert_eq!(lab.image("a.png"), Some(noise(200, 200, 2)));
    let ranges: Vec<_> = server.asked().iter().map(|request| request.headers.contains_key("range")).collect();
    assert_eq!(ranges, [false, true, false]);
}

#[test]
fn an_interrupted_fetch_ends_soon_and_says_how_to_go_on() {
    let server = Server::start(|request| match (request.path.as_str(), request.nth) {
        ("/slow.png", 0) => Reply::Stall { headers: etag("1"), body: noise(200, 200, 1), sent: SENT },
        ("/slow.png", _) => ranged(request, noise(200, 200, 1), "1"),
        _ => Reply::ok(picture(1)),
    });
    let names: Vec<_> =
        std::iter::once("slow.png".to_owned()).chain((0..9).map(|i| format!("{i}.png"))).collect();
    let images: Vec<_> =
        names.iter().map(|name| (name.as_str(), Some(server.url(&format!("/{name}"))))).collect();
    let lab = Lab::new(&images);
    // One at a time: the first one holds up the others.
    let mut child = lab.fetch(&["--parallel", "1"]).spawn().unwrap();
    until_partial(&lab, &mut child, SENT as u64);
    kill_process(Pid::from_raw(child.id().cast_signed()).unwrap(), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    assert!(stderr(&output).contains("go on with `ablatrix data fetch tiny.toml`"), "{}", stderr(&output));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["interrupted"], &report["counts"]["not_tried"]), (&json!(true), &json!(10)));
    assert_eq!(lab.partial_bytes(), SENT as u64);

    let (code, report) = lab.report(&[]);
    assert_eq!((code, &report["counts"]["fetched"]), (0, &json!(10)));
    assert_eq!(server.asked().iter().filter(|request| request.headers.contains_key("range")).count(), 1);
    assert!(!lab.path("images/.fetch").exists());
}

#[test]
fn a_second_process_leaves_the_folder_alone() {
    let server = Server::start(|request| match request.nth {
        0 => Reply::Stall { headers: vec![], body: noise(200, 200, 1), sent: SENT },
        _ => Reply::ok(noise(200, 200, 1)),
    });
    let lab = Lab::new(&[("a.png", Some(server.url("/a.png")))]);
    let mut first = lab.fetch(&[]).spawn().unwrap();
    until_partial(&lab, &mut first, SENT as u64);
    let output = lab.fetch(&[]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let expected = format!("is being filled by process {}", first.id());
    assert!(stderr(&output).contains(&expected), "{}", stderr(&output));
    assert_eq!(server.asked().len(), 1);
    first.kill().unwrap();
    first.wait().unwrap();
    let (code, _) = lab.report(&[]);
    assert_eq!((code, lab.image("a.png")), (0, Some(noise(200, 200, 1))));
}
