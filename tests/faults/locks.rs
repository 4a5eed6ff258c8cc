//! File systems whose locks do not work: they have none, or a server that never answers. The program says so, with folder and
//! file system, instead of standing still; nothing is computed without a lock, and what is there is served.

use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::dice::{Dice, full};
use super::failpoints::Shim;
use super::harness::{Lab, stderr, stdout};
use super::truth::{DATA, Truth, is_clean};

/// Far more than any of these calls may take: one that stands still fails the test instead of holding it up.
const PATIENCE: Duration = Duration::from_secs(120);

/// The operations of the program that take locks, each refused or hung each time.
const LOCKS: [&str; 3] = ["lock:root", "lock:leases", "lock:locks"];

/// Runs to the end; how long that took.
fn ended(command: &mut Command) -> (Output, Duration) {
    let begun = Instant::now();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() >= PATIENCE {
            child.kill().unwrap();
            panic!("it stands still: {}", stderr(&child.wait_with_output().unwrap()));
        }
        sleep(Duration::from_millis(5));
    }
    (child.wait_with_output().unwrap(), begun.elapsed())
}

#[test]
fn where_locks_do_not_work_it_says_so_and_serves_what_is_there() {
    let lab = Lab::without_worker();
    let Some(shim) = Shim::built(&lab) else { return };
    let truth = Truth::of(&lab, &DATA);
    let mut slowest = Duration::ZERO;
    let mut dice = Dice::thrown("locks");
    for what in ["ENOLCK", "hang"] {
        // A call that hangs takes its time.
        let points = if what == "hang" && !full() { vec![*dice.pick(&LOCKS)] } else { LOCKS.to_vec() };
        for point in points {
            let mut call = |verb: &str, args: &[&str]| {
                let mut command = lab.command("cache", verb, args);
                shim.stand_before(
                    &mut command,
                    &lab.path("cache"),
                    &[("FAULT_POINT", point), ("FAULT_NTH", "0"), ("FAULT_DO", what)],
                );
                let (output, took) = ended(&mut command);
                slowest = slowest.max(took);
                output
            };
            let at = format!("{what} {point}");
            let output = call("run", &DATA);
            let said = stderr(&output);
            // Without claims, and without turns with collections, there is the grace of collections.
            let needed = point == "lock:locks" || what == "hang";
            assert_eq!(output.status.code(), Some(i32::from(needed)), "{at}: {said}");
            if needed {
                let cause = if what == "hang" { "no answer within" } else { "No locks available" };
                assert!(said.contains("cannot lock `") && said.contains(cause), "{at}: {said}");
                let folder = lab.path("cache/locks");
                assert!(said.contains(&format!("help: `{}` lies on `/", folder.display())), "{at}: {said}");
                assert!(said.contains("a file system of type "), "{at}: {said}");
            }
            for verb in ["plan", "status", "why"] {
                let output = call(verb, &[]);
                assert_eq!(output.status.code(), Some(0), "{at}: {verb}: {}", stderr(&output));
            }
            truth.is_reached_without_loss(&lab, "cache");
            let output = call("run", &DATA);
            assert_eq!(output.status.code(), Some(0), "{at}: {}", stderr(&output));
            assert!(stdout(&output).contains("nothing to do"), "{at}: {}", stdout(&output));
            is_clean(&lab, "cache");
            std::fs::remove_dir_all(lab.path("cache")).unwrap();
        }
    }
    println!("the slowest call took {:.1} s", slowest.as_secs_f64());
}

#[test]
fn a_collection_without_locks_removes_nothing() {
    let lab = Lab::without_worker();
    let Some(shim) = Shim::built(&lab) else { return };
    let truth = Truth::of(&lab, &DATA);
    truth.is_reached_in(&lab, "cache");
    for what in ["ENOLCK", "hang"] {
        let mut command = lab.bare();
        command.args(["cache", "gc", "--grace", "0s", "--cache"]).arg(lab.path("cache"));
        shim.stand_before(
            &mut command,
            &lab.path("cache"),
            &[("FAULT_POINT", "lock:root"), ("FAULT_NTH", "0"), ("FAULT_DO", what)],
        );
        let (output, _) = ended(&mut command);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{what}: {said}");
        assert!(
            said.contains("collecting.lock`") && said.contains("a file system of type "),
            "{what}: {said}"
        );
        truth.is_reached_without_loss(&lab, "cache");
    }
}
