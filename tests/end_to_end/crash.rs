//! Whatever kills a run, the next one ends with the same numbers, and nothing is left running.

use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::harness::{Lab, is_alive, stderr, stdout};

#[test]
fn a_killed_program_is_resumed_with_the_same_numbers() {
    let Some(lab) = Lab::new() else { return };
    lab.run("undisturbed");
    for after_ms in [300, 800, 1500, 2500] {
        let mut child = lab.start("cache", &[]);
        sleep(Duration::from_millis(after_ms));
        let workers = lab.workers_of(child.id());
        child.kill().unwrap();
        child.wait().unwrap();
        all_gone(&workers);
    }
    lab.run("cache");
    assert_eq!(lab.tables("cache"), lab.tables("undisturbed"));
    assert_eq!(lab.run("cache")["computed"], 0);
}

#[test]
fn a_killed_worker_is_replaced() {
    let Some(lab) = Lab::new() else { return };
    lab.run("undisturbed");
    let mut child = lab.start("cache", &[]);
    let worker = first_worker(&lab, &mut child);
    signal(worker, Signal::KILL);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(lab.tables("cache"), lab.tables("undisturbed"));
}

#[test]
fn an_interrupted_run_says_how_to_go_on() {
    let Some(lab) = Lab::new() else { return };
    lab.run("undisturbed");
    let mut child = lab.start("cache", &[]);
    let worker = first_worker(&lab, &mut child);
    signal(child.id(), Signal::INT);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}{}", stdout(&output), stderr(&output));
    assert!(stderr(&output).contains("go on with `ablatrix run tiny.toml"), "{}", stderr(&output));
    all_gone(&[worker]);
    lab.run("cache");
    assert_eq!(lab.tables("cache"), lab.tables("undisturbed"));
}

fn first_worker(lab: &Lab, child: &mut Child) -> u32 {
    loop {
        if let Some(&worker) = lab.workers_of(child.id()).first() {
            return worker;
        }
        assert!(child.try_wait().unwrap().is_none(), "the run ended before a worker was seen");
        sleep(Duration::from_millis(2));
    }
}

fn signal(process: u32, signal: Signal) {
    kill_process(Pid::from_raw(process.cast_signed()).unwrap(), signal).unwrap();
}

/// Workers notice the end of their parent by themselves, within a batch.
fn all_gone(workers: &[u32]) {
    let begun = Instant::now();
    while let Some(worker) = workers.iter().find(|&&worker| is_alive(worker)) {
        assert!(begun.elapsed() < Duration::from_secs(30), "the worker {worker} is left alive");
        sleep(Duration::from_millis(20));
    }
}
