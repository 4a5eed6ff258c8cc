//! `--no-wait`: who is held up ends with code 4, and says by whom and since when.

use std::fs::{self, File};
use std::process::{Child, Output, Stdio};
use std::time::{Duration, Instant};

use ablatrix::fingerprint::Digest;
use ablatrix::layout::CacheLayout;
use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::dice::{Dice, tries};
use super::harness::{Lab, is_alive, stderr};
use super::truth::{DATA, Truth, on_cache};

/// A run that is stopped, as by Ctrl-Z, while it computes something.
fn stopped_at_work(lab: &Lab, dice: &mut Dice) -> Child {
    loop {
        let _ = fs::remove_dir_all(lab.path("cache"));
        let mut command = lab.command("cache", "run", &DATA);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(dice.below(60_000) as u64));
        kill_process(Pid::from_child(&child), Signal::STOP).unwrap();
        if stands_still(child.id()) && computes(lab, child.id()) {
            return child;
        }
        // Before its first stage, between two, or at its end.
        kill_process(Pid::from_child(&child), Signal::CONT).unwrap();
        child.wait().unwrap();
    }
}

/// Waits until each thread has taken the signal, which one that waits for the disk does when it has its answer; `false` for a
/// process that ended before.
fn stands_still(process: u32) -> bool {
    loop {
        let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
        let states: Vec<char> = threads
            .filter_map(|thread| fs::read_to_string(thread.path().join("stat")).ok())
            .filter_map(|stat| stat.rsplit_once(") ")?.1.chars().next())
            .collect();
        if !states.is_empty() && states.iter().all(|state| *state == 'T') {
            return true;
        }
        if !is_alive(process) {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Whether it holds the lock of a key that has no record yet: from the record on nobody waits for the lock.
fn computes(lab: &Lab, process: u32) -> bool {
    let name = format!("process {process} on ");
    let layout = CacheLayout::new(&lab.path("cache"));
    let locks = fs::read_dir(layout.locks()).into_iter().flatten().flatten();
    let mut held =
        locks.filter(|lock| fs::read_to_string(lock.path()).is_ok_and(|text| text.starts_with(&name)));
    held.any(|lock| {
        let key = Digest::parse(lock.path().file_stem().unwrap().to_str().unwrap()).unwrap();
        !layout.entry(&key).exists()
    })
}

/// That it ended with code 4, and named this holder with a time.
#[track_caller]
fn names(output: &Output, holder: &str) {
    let said = stderr(output);
    assert_eq!(output.status.code(), Some(4), "{said}");
    let (_, after) = said.split_once(holder).unwrap_or_else(|| panic!("no `{holder}`: {said}"));
    let year = after.trim_start_matches(" since ").get(..2);
    assert!(after.starts_with(" since ") && year == Some("20") && after.contains(" UTC"), "{said}");
    assert!(said.contains("help: without `--no-wait` it is waited for"), "{said}");
}

fn here(process: u32) -> String {
    format!("process {process} on {}", rustix::system::uname().nodename().to_string_lossy())
}

#[test]
fn a_run_that_may_not_wait_names_whom_it_would_wait_for() {
    let lab = Lab::without_worker();
    let truth = Truth::of(&lab, &DATA);
    let mut dice = Dice::thrown("no wait");
    let mut slowest = Duration::ZERO;
    for _ in 0..tries(50) {
        let mut first = stopped_at_work(&lab, &mut dice);
        let begun = Instant::now();
        let output = lab.call("cache", "run", &[&DATA[..], &["--no-wait"]].concat());
        slowest = slowest.max(begun.elapsed());
        names(&output, &here(first.id()));
        assert!(stderr(&output).contains("` is being computed by process "), "{}", stderr(&output));
        let output = lab.call("cache", "run", &[&DATA[..], &["--no-wait", "--format", "json"]].concat());
        let told: Value = serde_json::from_slice(&output.stderr).unwrap();
        assert_eq!((output.status.code(), &told["error"]["exit_code"]), (Some(4), &4.into()));
        kill_process(Pid::from_child(&first), Signal::CONT).unwrap();
        assert_eq!(first.wait().unwrap().code(), Some(0));
        let output = lab.call("cache", "run", &[&DATA[..], &["--no-wait"]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        truth.is_reached_without_loss(&lab, "cache");
    }
    println!("{} times held up, the slowest end after {:.2} s", tries(50), slowest.as_secs_f64());
}

#[test]
fn runs_and_collections_do_not_wait_for_one_another() {
    let lab = Lab::without_worker();
    let truth = Truth::of(&lab, &DATA);
    truth.is_reached_in(&lab, "cache");
    let gc = |args: &[&str]| on_cache(&lab, "cache", &[&["gc", "--grace", "0s", "tiny.toml"], args].concat());
    let lock = File::options().write(true).open(lab.path("cache/collecting.lock")).unwrap();
    // A collection elsewhere.
    fs::write(lab.path("cache/collecting.lock"), "process 7 on elsewhere").unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();
    names(&lab.call("cache", "run", &[&DATA[..], &["--no-wait"]].concat()), "process 7 on elsewhere");
    names(&gc(&["--no-wait"]), "process 7 on elsewhere");
    // Somebody who publishes, and has a claim.
    flock(&lock, FlockOperation::LockShared).unwrap();
    let claim = lab.path("cache/leases/my.host.12.0");
    fs::create_dir_all(claim.parent().unwrap()).unwrap();
    let claim = File::create(claim).unwrap();
    flock(&claim, FlockOperation::LockExclusive).unwrap();
    names(&gc(&["--no-wait"]), "process 12 on my.host");
    let output = lab.call("cache", "run", &[&DATA[..], &["--no-wait"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    drop((lock, claim));
    let output = gc(&["--no-wait"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(fs::read(lab.path("cache/collecting.lock")).unwrap(), b"", "nobody is named any more");
    truth.is_reached_without_loss(&lab, "cache");
}
