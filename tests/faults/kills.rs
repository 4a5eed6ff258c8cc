//! SIGKILL at random moments: the program alone, or with all that it started.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::dice::{Dice, full, tries};
use super::harness::{Lab, is_alive};
use super::truth::{DATA, Truth};

#[test]
fn whenever_a_run_is_killed_the_next_one_ends_well() {
    let lab = Lab::without_worker();
    let killed = kill_often(&lab, &DATA, tries(200), &mut Dice::thrown("kills"));
    println!("{killed} kills");
}

#[test]
fn whenever_a_training_is_killed_the_next_run_ends_well() {
    if !full() {
        // tests/end_to_end/crash.rs kills trainings in every suite.
        return println!("left out: kills within trainings are tried with ABLATRIX_FAULTS=full");
    }
    let Some(lab) = Lab::new() else { return };
    let killed = kill_often(&lab, &[], 20, &mut Dice::thrown("kills of trainings"));
    println!("{killed} kills");
}

/// Kills `n` runs, in chains of one to three on one cache, and looks at what the next one makes of it.
fn kill_often(lab: &Lab, args: &[&'static str], n: usize, dice: &mut Dice) -> usize {
    let begun = Instant::now();
    let truth = Truth::of(lab, args);
    let whole_us = begun.elapsed().as_micros() as usize;
    let mut killed = 0;
    while killed < n {
        for _ in 0..=dice.below(3) {
            let after = Duration::from_micros(dice.below(whole_us) as u64);
            let child = start(lab, args);
            sleep(after);
            killed += usize::from(kill(lab, child, dice.below(2) == 0));
        }
        truth.is_reached_without_loss(lab, "cache");
        fs::remove_dir_all(lab.path("cache")).unwrap();
    }
    killed
}

fn start(lab: &Lab, args: &[&str]) -> Child {
    let mut command = lab.command("cache", "run", args);
    command.stdout(Stdio::null()).stderr(Stdio::null()).process_group(0).spawn().unwrap()
}

/// Ends the program, with its workers or without; says whether it was still there. Workers end by themselves then, and
/// are waited for: one that is left alive would be another process on the cache.
fn kill(lab: &Lab, mut child: Child, alone: bool) -> bool {
    let workers = lab.workers_of(child.id());
    let id = Pid::from_child(&child);
    if alone {
        let _ = kill_process(id, Signal::KILL);
    } else {
        let _ = kill_process_group(id, Signal::KILL);
        for worker in &workers {
            let _ = kill_process(Pid::from_raw(worker.cast_signed()).unwrap(), Signal::KILL);
        }
    }
    let was_there = child.wait().unwrap().code().is_none();
    while workers.iter().any(|&worker| is_alive(worker)) {
        sleep(Duration::from_millis(10));
    }
    was_there
}
