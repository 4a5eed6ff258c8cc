//! Many faults of a remote in one study, in an order that is drawn: the study ends well, and nothing wrong becomes visible.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};

use super::dice::{Dice, tries};
use super::lab::{Lab, RUN, STAGES, call, json, stderr};
use super::server::{Fault, Request, Server};

/// The longest that an answer is held back.
const LATE_MS: usize = 400;

/// What befell how many requests.
type Count = Arc<Mutex<BTreeMap<&'static str, usize>>>;

/// Each request is met by a fault that is drawn, as often as one in three.
fn drawn(dice: Dice, count: &Count) -> impl Fn(&Request) -> Fault + Send + Sync + 'static {
    let (dice, count) = (Mutex::new(dice), Arc::clone(count));
    move |request| {
        let mut dice = dice.lock().unwrap();
        if dice.below(3) > 0 {
            return Fault::None;
        }
        let is_list = request.key.ends_with('*');
        let (name, fault) = match dice.below(8) {
            0 => ("403", Fault::Status(403, "<Error><Code>AccessDenied</Code></Error>".to_owned())),
            1 => ("500", Fault::Status(500, String::new())),
            2 => ("503", Fault::Status(503, "<Error><Code>SlowDown</Code></Error>".to_owned())),
            3 => ("no answer", Fault::Drop),
            4 => ("cut", Fault::Cut),
            5 => ("late", Fault::Late(dice.below(LATE_MS) as u64)),
            _ if is_list => ("stale list", Fault::Stale),
            _ => ("wrong bytes", Fault::Wrong),
        };
        *count.lock().unwrap().entry(name).or_default() += 1;
        fault
    }
}

/// What somebody else writes among ours: files that are none of ours, bytes under names that are not theirs, records under
/// others' keys, half a file.
fn scribble(server: &Server, dice: &mut Dice) {
    let keys = server.keys();
    server.put("team/notes.txt", b"not ours".to_vec());
    server.put("team/objects/zz/not-a-digest", b"not ours".to_vec());
    for folder in ["/objects/", "/entries/"] {
        let of: Vec<&String> = keys.iter().filter(|key| key.contains(folder)).collect();
        if of.is_empty() {
            continue;
        }
        let (one, other) = (*dice.pick(&of), *dice.pick(&of));
        let bytes = server.file(other);
        match dice.below(4) {
            0 => {}
            1 => server.put(one, bytes[..dice.below(bytes.len().max(1))].to_vec()),
            2 => server.put(one, bytes),
            _ => server.put(one, vec![b'x'; 1 + dice.below(5_000)]),
        }
    }
}

/// That a cache holds nothing but results of the study, whole.
#[track_caller]
fn is_part_of_it(lab: &Lab, cache: &str) {
    let verified = call(&mut lab.command(&["cache", "verify", "--cache", cache]));
    assert!(!lab.path(cache).exists() || verified.status.code() == Some(0), "{}", stderr(&verified));
    for folder in ["objects", "entries"] {
        let all = lab.files(&format!("a/{folder}"));
        let strange = |name: &String| !all.contains(name);
        assert!(!lab.files(&format!("{cache}/{folder}")).iter().any(strange), "{cache}: not of this study");
    }
}

#[test]
fn no_schedule_of_faults_fails_a_study() {
    let lab = Lab::new();
    lab.fill("a");
    let mut dice = Dice::thrown("schedules");
    let count = Count::default();
    let (mut fetched, mut pushed_whole) = (0, 0);
    for _ in 0..tries(100) {
        let server = Server::start(drawn(dice.split(), &count));
        let push = ["cache", "push", "s3://results/team", "--cache", "a", "--retries", "2"];
        let output = call(&mut lab.with_s3(&server.endpoint, &push));
        assert!(matches!(output.status.code(), Some(0 | 1)), "{}", stderr(&output));
        pushed_whole += usize::from(output.status.code() == Some(0));
        if dice.below(2) == 0 {
            scribble(&server, &mut dice);
        }
        let run = [&RUN[..], &["--cache", "b", "--remote", "s3://results/team"]].concat();
        let told = json(&mut lab.with_s3(&server.endpoint, &run));
        let of = |what: &str| told[what].as_u64().unwrap();
        assert_eq!((of("computed") + of("fetched"), &told["failed"]), (STAGES, &serde_json::json!([])));
        fetched += of("fetched");
        is_part_of_it(&lab, "b");
        assert_eq!(lab.files("b/objects"), lab.files("a/objects"));
        assert_eq!(lab.files("b/entries"), lab.files("a/entries"));

        let pull = ["cache", "pull", "s3://results/team", "--cache", "c", "--retries", "2"];
        let output = call(&mut lab.with_s3(&server.endpoint, &pull));
        assert!(matches!(output.status.code(), Some(0 | 1)), "{}", stderr(&output));
        is_part_of_it(&lab, "c");

        // The server is well again: what it holds is mended, and all of it comes.
        server.behave(|_| Fault::None);
        let output = call(lab.with_s3(&server.endpoint, &push).arg("--verify"));
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let output = call(&mut lab.with_s3(&server.endpoint, &pull));
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        is_part_of_it(&lab, "c");
        assert_eq!(lab.files("c/entries"), lab.files("a/entries"));
        for cache in ["b", "c"] {
            fs::remove_dir_all(lab.path(cache)).unwrap();
        }
    }
    let count = count.lock().unwrap();
    println!(
        "{} schedules, faults {count:?}; {pushed_whole} pushes were whole, {fetched} results fetched",
        tries(100)
    );
    assert!(fetched > 0 && count.len() >= 6, "the faults show nothing");
}
