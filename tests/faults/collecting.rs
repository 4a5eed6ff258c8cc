//! Collections beside runs.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use super::dice::tries;
use super::harness::{Lab, stderr};
use super::truth::{DATA, Truth, is_clean, on_cache, results};

#[test]
fn a_collection_takes_nothing_from_a_run() {
    let lab = Lab::without_worker();
    let truth = Truth::of(&lab, &DATA);
    // Of a study that has never come to its end no plan is remembered: only the claims of the run keep its results.
    let collect = || {
        let output = on_cache(&lab, "cache", &["gc", "--grace", "0s"]);
        assert!(matches!(output.status.code(), Some(0 | 2)), "{}", stderr(&output));
        output.status.code() == Some(0)
    };
    let mut collections = 0;
    for _ in 0..tries(50) {
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let collector = scope.spawn(|| {
                let mut n = 0;
                while !done.load(Ordering::Relaxed) {
                    n += usize::from(collect());
                }
                n
            });
            // Each begins with what the last collection has left of the one before.
            for _ in 0..3 {
                let output = lab.call("cache", "run", &[&DATA[..], &["--format", "json"]].concat());
                assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
                let journal = newest_journal(&lab);
                let started = journal.matches("\"event\":\"started\"").count();
                // What is lost while a run goes on would be made again, and told of.
                assert!(!journal.contains("rebuilding") && started <= truth.stages, "{journal}");
            }
            done.store(true, Ordering::Relaxed);
            collections += collector.join().unwrap();
        });
        truth.is_reached_in(&lab, "cache");
        is_clean(&lab, "cache");
    }
    println!("{collections} collections");
    assert!(collections > 0);
    assert!(collect() && results(&lab.path("cache")).is_empty(), "nobody claims them any more");
}

fn newest_journal(lab: &Lab) -> String {
    let folder = fs::read_dir(lab.path("cache/logs/tiny")).unwrap();
    let is_journal = |path: &std::path::PathBuf| path.extension().is_some_and(|ending| ending == "jsonl");
    let mut journals: Vec<_> = folder.map(|entry| entry.unwrap().path()).filter(is_journal).collect();
    journals.sort();
    fs::read_to_string(journals.pop().unwrap()).unwrap()
}
