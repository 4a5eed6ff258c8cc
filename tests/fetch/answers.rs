//! What servers answer, and what becomes of it.

use serde_json::json;

use super::lab::{Lab, fate, noise, picture, stderr, stdout};
use super::server::{Reply, Server};

#[test]
fn all_images_come_and_come_once() {
    let names = ["batch_1/000001.JPG", "batch_1/000002.JPG", "batch_2/a/000001.jpg", "top.png"];
    let server = Server::start(|request| Reply::ok(picture(request.path.len() as u8)));
    let images: Vec<_> = names.iter().map(|name| (*name, Some(server.url(&format!("/{name}"))))).collect();
    let lab = Lab::new(&images);
    let output = lab.command(&["data", "fetch", "tiny.toml", "--allow-local"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("all 4 images are there; 4 downloaded"), "{}", stdout(&output));
    for name in names {
        assert_eq!(lab.image(name), Some(picture(name.len() as u8 + 1)), "{name}");
    }
    assert_eq!(lab.entries(), ["batch_1", "batch_2", "top.png"]);
    let agent = server.asked()[0].headers["user-agent"].clone();
    assert!(agent.starts_with("ablatrix/"), "{agent}");

    let (code, report) = lab.report(&[]);
    assert_eq!((code, &report["counts"]["present"], server.asked().len()), (0, &json!(4), 4));

    // What is there but no picture is fetched again, and only that.
    std::fs::write(lab.path("images/top.png"), "<html>an error page</html>").unwrap();
    let (code, report) = lab.report(&[]);
    assert_eq!((code, &report["counts"]["fetched"], server.asked().len()), (0, &json!(1), 5));
    assert_eq!(lab.image("top.png"), Some(picture(8)));
}

#[test]
fn every_answer_is_told_apart() {
    let large = noise(700, 600, 1);
    assert!(large.len() > 1 << 20);
    let server = Server::start(move |request| match (request.path.as_str(), request.nth) {
        ("/gone.png", _) => Reply::status(404),
        ("/410.png", _) => Reply::status(410),
        ("/forbidden.png", _) => Reply::status(403),
        ("/teapot.png", _) => Reply::status(418),
        ("/down.png", _) => Reply::status(500),
        ("/unwell.png", 0) => Reply::status(503),
        ("/busy.png", 0) => Reply::with(429, "retry-after", "0"),
        ("/busy.png", 1) => Reply::with(503, "retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("/cut.png", 0) => Reply::Cut { headers: vec![], body: picture(5), sent: 40 },
        ("/unmeasured-cut.png", 0) => Reply::Unmeasured { body: picture(6)[..90].to_vec() },
        ("/unmeasured.png" | "/unmeasured-cut.png", _) => Reply::Unmeasured { body: picture(6) },
        ("/page.png", _) => Reply::ok(b"<!doctype html><html>Sign in first</html>".to_vec()),
        ("/empty.png", _) => Reply::ok(vec![]),
        ("/gif.png", _) => Reply::ok(b"GIF89a............".to_vec()),
        ("/large.png", _) => Reply::ok(large.clone()),
        ("/large-unmeasured.png", _) => Reply::Unmeasured { body: large.clone() },
        ("/other-size.png", _) => Reply::ok(noise(9, 6, 1)),
        _ => Reply::ok(picture(7)),
    });
    let names = [
        "gone",
        "410",
        "forbidden",
        "teapot",
        "down",
        "unwell",
        "busy",
        "cut",
        "unmeasured-cut",
        "unmeasured",
        "page",
        "empty",
        "gif",
        "large",
        "large-unmeasured",
        "other-size",
        "good",
    ];
    let names = names.map(|name| format!("{name}.png"));
    let mut images: Vec<_> =
        names.iter().map(|name| (name.as_str(), Some(server.url(&format!("/{name}"))))).collect();
    images.push(("nowhere.png", None));
    let lab = Lab::new(&images);
    let (code, report) = lab.report(&["--max-mib", "1"]);
    assert_eq!(code, 1);
    for (name, status, word, asked) in [
        ("gone.png", "gone", "404 Not Found", 1),
        ("410.png", "gone", "410 Gone", 1),
        ("forbidden.png", "refused", "403 Forbidden", 1),
        ("teapot.png", "refused", "418", 1),
        ("down.png", "failed", "500 Internal Server Error (after 3 tries)", 3),
        ("page.png", "not_an_image", "`an HTML page`", 1),
        ("empty.png", "not_an_image", "empty", 1),
        ("gif.png", "not_an_image", "`GIF`", 1),
        ("large.png", "refused", "larger than 1 MiB", 1),
        ("large-unmeasured.png", "refused", "larger than 1 MiB", 1),
        ("nowhere.png", "no_url", "", 0),
    ] {
        let (found, why) = fate(&report, name);
        assert!(found == status && why.contains(word), "{name}: {found}: {why}");
        assert_eq!(server.count(&format!("/{name}")), asked, "{name}");
        assert_eq!(lab.image(name), None);
    }
    for (name, asked) in
        [("unwell", 2), ("busy", 3), ("cut", 2), ("unmeasured-cut", 2), ("unmeasured", 1), ("good", 1)]
    {
        assert!(lab.image(&format!("{name}.png")).is_some(), "{name}: {report}");
        assert_eq!(server.count(&format!("/{name}.png")), asked, "{name}");
    }
    assert_eq!(lab.image("cut.png"), Some(picture(7)));
    let differs = json!([{"path": "other-size.png", "recorded": [8, 6], "found": [9, 6]}]);
    assert_eq!(report["sizes_differ"], differs);
    let counts = json!({"fetched": 7, "present": 0, "gone": 2, "refused": 4, "no_url": 1, "not_an_image": 3,
        "failed": 1, "not_tried": 0});
    assert_eq!(report["counts"], counts);

    let mut command = lab.command(&["data", "fetch", "tiny.toml", "--allow-local", "--retries", "0"]);
    let output = command.args(["--max-mib", "1"]).output().unwrap();
    let said = stdout(&output);
    for line in [
        "7 of 18 images are there: 0 downloaded",
        "11 are missing",
        "gone from their servers: 2",
        "  gone.png: the server answered 404 Not Found",
        "without a URL in their records: 1\n  nowhere.png\n",
        "all of them are named in images/fetch-report.json",
    ] {
        assert!(said.contains(line), "`{line}` is not in: {said}");
    }
}

#[test]
fn a_server_that_dribbles_meets_the_time_limit() {
    let server = Server::start(|_| Reply::Trickle);
    let lab = Lab::new(&[("a.png", Some(server.url("/a.png")))]);
    let (code, report) = lab.report(&["--timeout", "0.3", "--retries", "1"]);
    let (status, why) = fate(&report, "a.png");
    assert_eq!((code, status.as_str()), (1, "failed"), "{why}");
    assert!(
        why.contains("not all came within 0.3 s (`--timeout`)") && why.ends_with("(after 2 tries)"),
        "{why}"
    );
    assert_eq!(server.asked().len(), 2);
}

#[test]
fn a_host_that_does_not_answer_is_given_up_as_a_whole() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let names: Vec<_> = (0..40).map(|i| format!("{i}.png")).collect();
    let images: Vec<_> =
        names.iter().map(|name| (name.as_str(), Some(format!("http://127.0.0.1:{port}/{name}")))).collect();
    let lab = Lab::new(&images);
    let output = lab.fetch(&[]).output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &report["counts"]["failed"]), (Some(1), &json!(40)));
    let said = stderr(&output);
    assert_eq!(said.matches("nothing more is asked of `127.0.0.1`").count(), 1, "{said}");
    assert!(said.contains("further images that are missing are named at the end"), "{said}");
}

#[test]
fn hosts_are_asked_for_no_more_at_once_than_allowed() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static NOW: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let server = Server::start(|_| {
        MOST.fetch_max(NOW.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::sleep(std::time::Duration::from_millis(10));
        NOW.fetch_sub(1, Ordering::SeqCst);
        Reply::ok(picture(1))
    });
    let names: Vec<_> = (0..30).map(|i| format!("{i}.png")).collect();
    let images: Vec<_> =
        names.iter().map(|name| (name.as_str(), Some(server.url(&format!("/{name}"))))).collect();
    let (code, _) = Lab::new(&images).report(&["--parallel", "8", "--per-host", "2"]);
    assert_eq!(code, 0);
    assert!(MOST.load(Ordering::SeqCst) <= 2, "{MOST:?}");
}
