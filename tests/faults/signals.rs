//! Signals: the program and its workers end, say how to go on, and touch nothing of what comes after.

use std::fs;
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::dice::{Dice, tries};
use super::harness::{Lab, SPEC, is_alive, stderr};

/// How long workers may take to notice that nobody waits for them: far more than they need.
const PATIENCE: Duration = Duration::from_secs(60);

/// One training of so many epochs.
fn training(epochs: u32) -> String {
    let none = "design = \"policies\"\npolicies.none = []";
    let spec = SPEC.replace("epochs = 2", &format!("epochs = {epochs}")).replace("seeds = 2", "seeds = 1");
    format!("{}[workers]\nthreads = 1\n", spec.replace("design = \"add_one\"", none))
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

/// Waits until a worker has ended, and gives how long that took.
fn gone(worker: u32) -> Duration {
    let begun = Instant::now();
    while is_alive(worker) {
        assert!(begun.elapsed() < PATIENCE, "the worker {worker} is left alive");
        sleep(Duration::from_millis(5));
    }
    begun.elapsed()
}

#[test]
fn whatever_signal_asks_it_to_a_run_ends_and_says_how_to_go_on() {
    let Some(lab) = Lab::new() else { return };
    lab.write_spec(&training(90_000));
    let mut dice = Dice::thrown("signals");
    let (mut n, mut slowest) = (0, Duration::ZERO);
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        for _ in 0..tries(50) {
            let mut child = lab.start("cache", &[]);
            let worker = first_worker(&lab, &mut child);
            sleep(Duration::from_millis(dice.below(1500) as u64));
            let begun = Instant::now();
            kill_process(Pid::from_child(&child), signal).unwrap();
            let output = child.wait_with_output().unwrap();
            slowest = slowest.max(begun.elapsed());
            let said = stderr(&output);
            assert_eq!(output.status.code(), Some(code), "{signal:?}: {said}");
            assert!(said.contains("go on with `ablatrix run tiny.toml"), "{signal:?}: {said}");
            gone(worker);
            n += 1;
        }
    }
    println!("{n} signals, slowest end after {:.1} s", slowest.as_secs_f64());
}

#[test]
fn a_worker_that_is_left_alone_touches_nothing_of_the_next_run() {
    let Some(lab) = Lab::new() else { return };
    lab.write_spec(&training(3));
    lab.run("undisturbed");
    let tables = lab.tables("undisturbed");
    let mut dice = Dice::thrown("left alone");
    let mut slowest = Duration::ZERO;
    let rounds = tries(50);
    for _ in 0..rounds {
        // The old attempt would go on for long, and publish in the end.
        lab.write_spec(&training(40));
        let mut child = lab.start("cache", &[]);
        let worker = first_worker(&lab, &mut child);
        sleep(Duration::from_millis(dice.below(2000) as u64));
        child.kill().unwrap();
        child.wait().unwrap();
        let begun = Instant::now();
        lab.write_spec(&training(3));
        let after = lab.start("cache", &["--format", "json"]);
        gone(worker);
        slowest = slowest.max(begun.elapsed());
        let output = after.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(lab.tables("cache") == tables, "other numbers than without the old worker");
        fs::remove_dir_all(lab.path("cache")).unwrap();
    }
    println!("{rounds} kills, the last worker gone after {:.2} s", slowest.as_secs_f64());
}

/// The numbers of sockets that listen, of all processes.
fn listening() -> Vec<String> {
    let mut inodes = Vec::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let text = fs::read_to_string(table).unwrap_or_default();
        let rows = text.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
        inodes.extend(rows.filter(|row| row.get(3) == Some(&"0A")).map(|row| format!("socket:[{}]", row[9])));
    }
    inodes
}

/// The sockets of a process.
fn sockets(process: u32) -> Vec<String> {
    let folder = fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
    let targets = folder.filter_map(|entry| fs::read_link(entry.path()).ok());
    targets
        .map(|target| target.to_string_lossy().into_owned())
        .filter(|name| name.starts_with("socket:"))
        .collect()
}

#[test]
fn neither_program_nor_worker_listens_on_a_port() {
    let Some(lab) = Lab::new() else { return };
    lab.write_spec(&training(90_000));
    let mut child = lab.start("cache", &[]);
    let worker = first_worker(&lab, &mut child);
    sleep(Duration::from_secs(1));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listening = listening();
    assert!(sockets(std::process::id()).iter().any(|socket| listening.contains(socket)), "one is found");
    drop(listener);
    for process in [child.id(), worker] {
        assert!(
            sockets(process).iter().all(|socket| !listening.contains(socket)),
            "process {process} listens"
        );
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    child.wait_with_output().unwrap();
    gone(worker);
}
