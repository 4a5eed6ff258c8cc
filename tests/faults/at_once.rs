//! Several runs of overlapping specs on one cache, some of them killed.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Child, Stdio};

use serde_json::Value;

use super::dice::{Dice, tries};
use super::harness::{Lab, SPEC, stderr};
use super::stored::files;
use super::truth::{DATA, is_clean, results};

/// A spec of its own for the `i`th process: same images, another split.
fn spec(i: usize) -> String {
    SPEC.replace("name = \"tiny\"", &format!("name = \"tiny{i}\""))
        .replace("[split]", &format!("[split]\nseed = {}", i / 2))
}

fn start(lab: &Lab, i: usize) -> Child {
    let mut command = lab.bare();
    fs::write(lab.path(&format!("{i}.toml")), spec(i)).unwrap();
    command.arg("run").arg(format!("{i}.toml")).args(DATA).arg("--cache").arg(lab.path("cache"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// How often each key was computed, as the journals tell.
fn computed(lab: &Lab) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for journal in files(&lab.path("cache/logs")) {
        for line in fs::read_to_string(journal).unwrap().lines() {
            // The last line of a killed process may be cut.
            let Ok(news) = serde_json::from_str::<Value>(line) else { continue };
            if news["event"] == "finished" && news["cached"] == false {
                *times.entry(news["key"].as_str().unwrap().to_owned()).or_default() += 1;
            }
        }
    }
    times
}

fn each_stage_is_computed_once(n: usize, rounds: usize) {
    let lab = Lab::without_worker();
    for _ in 0..rounds {
        let children: Vec<Child> = (0..n).map(|i| start(&lab, i)).collect();
        for child in children {
            let output = child.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        }
        let times = computed(&lab);
        let results = results(&lab.path("cache"));
        assert_eq!(times.keys().collect::<Vec<_>>(), results.keys().collect::<Vec<_>>());
        assert!(times.values().all(|times| *times == 1), "{times:?}");
        // Those that all read, and two for each split.
        assert_eq!(results.len(), 4 + 2 * n.div_ceil(2));
        is_clean(&lab, "cache");
        fs::remove_dir_all(lab.path("cache")).unwrap();
    }
}

#[test]
fn two_at_once() {
    each_stage_is_computed_once(2, tries(100));
}

#[test]
fn eight_at_once() {
    each_stage_is_computed_once(8, tries(20));
}

/// A run that computes something.
fn at_work(lab: &Lab) -> Child {
    loop {
        let mut run = start(lab, 0);
        let status = loop {
            if fs::read_dir(lab.path("cache/locks")).is_ok_and(|mut locks| locks.next().is_some()) {
                return run;
            }
            if let Some(status) = run.try_wait().unwrap() {
                break status;
            }
        };
        assert!(status.success(), "it ended before a lock was seen: {status}");
        // This test had to wait for a processor meanwhile.
        fs::remove_dir_all(lab.path("cache")).unwrap();
    }
}

#[test]
fn another_takes_over_from_one_that_is_killed() {
    let mut dice = Dice::thrown("taking over");
    let lab = Lab::without_worker();
    for _ in 0..tries(50) {
        let mut first = at_work(&lab);
        let second = start(&lab, 1);
        std::thread::sleep(std::time::Duration::from_micros(dice.below(60_000) as u64));
        first.kill().unwrap();
        first.wait().unwrap();
        let output = second.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(results(&lab.path("cache")).len(), 6);
        is_clean(&lab, "cache");
        fs::remove_dir_all(lab.path("cache")).unwrap();
    }
}
