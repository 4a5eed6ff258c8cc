//! Whatever ends a transfer, the next one goes on; two at once do no harm; what is wrong is not kept.

use std::fs;
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::lab::{Hub, Lab, ranged, said, sha256, weights};
use super::server::Reply;

const SIZE: usize = 600_000;
const SENT: usize = 300_000;

/// Waits until the child has got what the server sent.
fn until_partial(lab: &Lab, child: &mut Child) {
    let part = format!("models--timm--tiny/blobs/{}.incomplete", sha256(&weights(SIZE, b' ')));
    let begun = Instant::now();
    while fs::metadata(lab.hub().join(&part)).map_or(0, |meta| meta.len()) < SENT as u64 {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing came");
        sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_cut_connection_is_gone_on_with() {
    let body = weights(SIZE, b' ');
    let file = body.clone();
    let hub = Hub::with_files(&body, move |request| match request.nth {
        0 => Reply::Cut { headers: vec![], body: file.clone(), sent: SENT },
        _ => ranged(request, &file),
    });
    let lab = Lab::new(&hub, "hf:timm/tiny");
    let (code, text) = lab.call("check");
    assert_eq!((code, lab.model()), (0, Some(body)), "{text}");
    assert!(text.contains("trying again"), "{text}");
    let ranges: Vec<_> =
        hub.files.asked().iter().map(|request| request.headers.get("range").cloned()).collect();
    assert_eq!(ranges, [None, Some(format!("bytes={SENT}-"))]);
}

#[test]
fn an_interrupted_fetch_ends_soon_and_the_next_goes_on() {
    let body = weights(SIZE, b' ');
    let file = body.clone();
    let hub = Hub::with_files(&body, move |request| match request.nth {
        0 => Reply::Stall { headers: vec![], body: file.clone(), sent: SENT },
        _ => ranged(request, &file),
    });
    let lab = Lab::new(&hub, "hf:timm/tiny");
    let mut child = lab.command(&["check", "tiny.toml"]).spawn().unwrap();
    until_partial(&lab, &mut child);
    kill_process(Pid::from_raw(child.id().cast_signed()).unwrap(), Signal::INT).unwrap();
    let (code, text) = said(&child.wait_with_output().unwrap());
    assert_eq!(code, 130, "{text}");
    assert!(text.contains("`hf:timm/tiny`: interrupted") && text.contains("is kept"), "{text}");
    assert_eq!(lab.model(), None);
    let (code, text) = lab.call("check");
    assert_eq!((code, lab.model()), (0, Some(body)), "{text}");
    assert!(text.contains("fetching 585.94 KiB, of which 292.97 KiB are there"), "{text}");
    assert_eq!(hub.files.asked()[1].headers.get("range"), Some(&format!("bytes={SENT}-")));
    assert!(lab.entries().iter().all(|name| !name.ends_with(".incomplete")), "{:?}", lab.entries());
}

#[test]
fn two_processes_fetch_a_model_once() {
    let body = weights(SIZE, b' ');
    let file = body.clone();
    let hub = Hub::with_files(&body, move |request| match request.nth {
        // Long enough for the second one to come.
        0 => {
            sleep(Duration::from_millis(500));
            Reply::ok(file.clone())
        }
        _ => Reply::status(500),
    });
    let lab = Lab::new(&hub, "hf:timm/tiny");
    let both = [(); 2].map(|()| lab.command(&["check", "tiny.toml"]).spawn().unwrap());
    for child in both {
        let (code, text) = said(&child.wait_with_output().unwrap());
        assert_eq!(code, 0, "{text}");
    }
    assert_eq!((lab.model(), hub.files.asked().len()), (Some(body), 1));
}

#[test]
fn what_is_not_what_the_hub_has_is_thrown_away() {
    let body = weights(SIZE, b' ');
    let hub = Hub::with_files(&body, |request| ranged(request, &weights(SIZE, b'\t')));
    let lab = Lab::new(&hub, "hf:timm/tiny");
    let (code, text) = lab.call("check");
    assert_eq!(code, 1, "{text}");
    let (found, expected) = (sha256(&weights(SIZE, b'\t')), sha256(&body));
    assert!(text.contains(&format!("SHA-256 `{found}`, expected `{expected}`")), "{text}");
    assert_eq!(lab.model(), None);
    assert!(!lab.hub().join(format!("models--timm--tiny/blobs/{expected}")).exists());
    assert!(!lab.hub().join("models--timm--tiny/refs/main").exists());
    assert_eq!(hub.files.asked().len(), 1);

    // A beginning that another program left, and that does not fit: all of it comes anew.
    let part = lab.hub().join(format!("models--timm--tiny/blobs/{expected}.incomplete"));
    fs::write(&part, &weights(SIZE, b'\t')[..SENT]).unwrap();
    let hub = Hub::new(&body);
    let again = Lab::new(&hub, "hf:timm/tiny");
    let blobs = again.hub().join("models--timm--tiny/blobs");
    fs::create_dir_all(&blobs).unwrap();
    fs::rename(&part, blobs.join(part.file_name().unwrap())).unwrap();
    let (code, text) = again.call("check");
    assert_eq!((code, again.model()), (0, Some(body)), "{text}");
    assert_eq!(hub.files.asked().len(), 2);
}

#[test]
fn a_host_that_falls_silent_is_named_after_some_tries() {
    let body = weights(SIZE, b' ');
    let file = body.clone();
    let hub = Hub::with_files(&body, move |_| Reply::Stall { headers: vec![], body: file.clone(), sent: 0 });
    let lab = Lab::new(&hub, "hf:timm/tiny");
    let mut command = lab.command(&["check", "tiny.toml"]);
    let (code, text) = said(&command.env("HF_HUB_DOWNLOAD_TIMEOUT", "0.1").output().unwrap());
    assert_eq!(code, 1, "{text}");
    for words in ["nothing came for 0.1 s", "(after 4 tries)", "goes on from there", "tiny.toml:14:11"] {
        assert!(text.contains(words), "`{words}` is not in: {text}");
    }
}
