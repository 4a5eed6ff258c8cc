//! What a dataset or a server must not bring about.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::json;

use super::lab::{Lab, fate, picture, stderr};
use super::server::{Reply, Server};

#[test]
fn redirects_are_followed_as_far_as_is_safe() {
    let server = Server::start(|request| match request.path.as_str() {
        "/twice" => Reply::with(302, "location", "once?x=1#y"),
        "/once?x=1" => Reply::with(301, "location", "/sub/../there"),
        "/there" => Reply::ok(picture(1)),
        "/file" => Reply::with(302, "location", "file:///etc/passwd"),
        "/gopher" => Reply::with(302, "location", "gopher://127.0.0.1/x"),
        "/secret" => Reply::with(302, "location", "http://me:pass@127.0.0.1/x"),
        "/nonsense" => Reply::with(302, "location", "http://[::"),
        "/nowhere" => Reply::status(302),
        "/deleted" => Reply::with(302, "location", "/pw/images/en-us/photo_unavailable.png"),
        "/pw/images/en-us/photo_unavailable.png" => Reply::ok(picture(2)),
        path => {
            let n: u32 = path.trim_start_matches("/chain").parse().unwrap();
            if n == 0 {
                Reply::ok(picture(3))
            } else {
                Reply::with(307, "location", format!("/chain{}", n - 1))
            }
        }
    });
    let names = ["twice", "chain5", "chain6", "file", "gopher", "secret", "nonsense", "nowhere", "deleted"];
    let images: Vec<_> = names.iter().map(|name| (*name, Some(server.url(&format!("/{name}"))))).collect();
    let lab = Lab::new(&images);
    let (code, report) = lab.report(&[]);
    assert_eq!(code, 1);
    assert_eq!((lab.image("twice"), lab.image("chain5")), (Some(picture(1)), Some(picture(3))));
    for (name, status, word) in [
        ("chain6", "refused", "more than 5 redirects"),
        ("file", "refused", "`file:`"),
        ("gopher", "refused", "`gopher:`"),
        ("secret", "refused", "password"),
        ("nonsense", "refused", "cannot be read"),
        ("nowhere", "failed", "302"),
        ("deleted", "gone", "photo unavailable"),
    ] {
        let (found, why) = fate(&report, name);
        assert!(found == status && why.contains(word), "{name}: {found}: {why}");
    }
    assert_eq!(server.count("/pw/images/en-us/photo_unavailable.png"), 0);
    assert!(!report.to_string().contains("me:pass"), "{report}");
}

#[test]
fn local_addresses_are_asked_only_where_allowed() {
    let server = Server::start(|_| Reply::ok(picture(1)));
    let port = server.url("").rsplit(':').next().unwrap().to_owned();
    let hosts = ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"];
    let names: Vec<_> = (0..hosts.len()).map(|i| format!("{i}.png")).collect();
    let images: Vec<_> = (names.iter().zip(hosts))
        .map(|(name, host)| (name.as_str(), Some(format!("http://{host}:{port}/{name}"))))
        .collect();
    let lab = Lab::new(&images);
    let output = lab.command(&["data", "fetch", "tiny.toml", "--format", "json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let report = serde_json::from_slice(&output.stdout).unwrap();
    for name in &names {
        let (status, why) = fate(&report, name);
        assert!(
            status == "refused" && why.ends_with("`--allow-local` permits it"),
            "{name}: {status}: {why}"
        );
    }
    assert_eq!(server.asked().len(), 0);
}

#[test]
fn a_redirect_from_outside_to_a_local_address_is_refused() {
    // The server plays a proxy, so that a public name can answer without a network.
    let server = Server::start(|request| match request.path.as_str() {
        "/inside.png" => Reply::with(302, "location", "http://127.0.0.1/admin"),
        "/metadata.png" => Reply::with(302, "location", "http://169.254.169.254/latest/meta-data"),
        "/mapped.png" => Reply::with(302, "location", "http://[::ffff:10.0.0.1]/"),
        _ => Reply::ok(picture(1)),
    });
    let names = ["inside.png", "metadata.png", "mapped.png", "outside.png"];
    let images: Vec<_> =
        names.iter().map(|name| (*name, Some(format!("http://photos.example.org/{name}")))).collect();
    let lab = Lab::new(&images);
    let mut command = lab.command(&["data", "fetch", "tiny.toml", "--format", "json", "--retries", "0"]);
    let output = command.env("ALL_PROXY", server.url("")).output().unwrap();
    let report = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(lab.image("outside.png"), Some(picture(1)), "{report}{}", stderr(&output));
    for (name, word) in
        [("inside.png", "loopback"), ("metadata.png", "link-local"), ("mapped.png", "private")]
    {
        let (status, why) = fate(&report, name);
        assert!(status == "refused" && why.contains(word), "{name}: {status}: {why}");
    }
    assert_eq!(server.asked().len(), 4);
}

#[test]
fn a_name_that_climbs_stops_all_before_anything_is_asked() {
    let server = Server::start(|_| Reply::ok(picture(1)));
    for name in ["../outside.png", "a/../../outside.png", "/tmp/outside.png"] {
        let lab =
            Lab::new(&[("good.png", Some(server.url("/good.png"))), (name, Some(server.url("/bad.png")))]);
        let output = lab.fetch(&[]).output().unwrap();
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("images whose name cannot be used") && said.contains(name), "{said}");
        assert!(!lab.path("images").exists() && !lab.path("outside.png").exists());
    }
    assert_eq!(server.asked().len(), 0);
}

#[test]
fn a_link_that_leads_out_is_refused_before_anything_is_asked() {
    let server = Server::start(|_| Reply::ok(picture(1)));
    let images = [("out/a.png", Some(server.url("/a.png"))), ("in/b.png", Some(server.url("/b.png")))];
    let lab = Lab::new(&images);
    fs::create_dir_all(lab.path("images/real")).unwrap();
    fs::create_dir_all(lab.path("elsewhere")).unwrap();
    symlink(lab.path("elsewhere"), lab.path("images/out")).unwrap();
    symlink("real", lab.path("images/in")).unwrap();
    let (code, report) = lab.report(&[]);
    assert_eq!((code, &report["counts"]["fetched"]), (1, &json!(1)));
    let (status, why) = fate(&report, "out/a.png");
    assert!(status == "refused" && why.contains("symbolic link"), "{status}: {why}");
    assert_eq!(fs::read_dir(lab.path("elsewhere")).unwrap().count(), 0);
    assert_eq!(lab.image("real/b.png"), Some(picture(1)));
    assert_eq!((server.count("/a.png"), server.count("/b.png")), (0, 1));
}
