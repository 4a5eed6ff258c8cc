//! `ablatrix cancel`: ends a study, wherever it is computed. Checkpoints are kept, and `run` goes on from there.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::json;

use super::args::{OutputFormat, SpecArgs};
use super::print::{self, count};
use super::render::Failure;
use super::study::Study;
use crate::engine::slurm::{self, CancelError, Client};
use crate::engine::{Doing, standing};

/// How long a process has to stop its workers, which keep checkpoints.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long jobs of a cluster have to go: they keep checkpoints, and the cluster waits for them.
const CLUSTER_PATIENCE: Duration = Duration::from_secs(120);

/// Ends a study.
///
/// # Errors
/// Rendered, with the exit code.
pub fn cancel(args: &SpecArgs) -> Result<u8, Failure> {
    let study = Study::look(args)?;
    let now = standing(&study.plan, &study.store, &study.sources, &HashMap::new())
        .map_err(|error| study.source_failure(&error))?;
    // First those who would submit and start more.
    let holders: BTreeSet<String> = now
        .stages
        .into_iter()
        .filter_map(|one| match one.state {
            Doing::Running { by } => Some(by),
            _ => None,
        })
        .collect();
    let (mut stopped, mut elsewhere) = (Vec::new(), Vec::new());
    for holder in holders {
        match process_here(&holder) {
            Some(pid) => {
                stop(pid)?;
                stopped.push(holder);
            }
            None => elsewhere.push(holder),
        }
    }
    let name = &study.plan.experiment.name;
    let jobs = slurm::cancel(&study.store, name, &Client::default(), CLUSTER_PATIENCE)
        .map_err(|error| failure(&error))?;
    if args.format == OutputFormat::Json {
        let value = json!({"experiment": name, "stopped": stopped, "elsewhere": elsewhere, "jobs": jobs});
        print::out(&value.to_string());
        return Ok(u8::from(jobs == 0 && !elsewhere.is_empty()));
    }
    for holder in &stopped {
        print::out(&format!("{name}: stopped {holder}"));
    }
    if jobs > 0 {
        print::out(&format!("{name}: cancelled {} in Slurm's queue", count(jobs, "job")));
    }
    for holder in &elsewhere {
        print::err(&format!(
            "note: {holder} runs it too, and can be stopped only there; with Slurm it ends at its next look"
        ));
    }
    let was_idle = stopped.is_empty() && elsewhere.is_empty() && jobs == 0;
    print::out(&match was_idle {
        true => format!("{name}: nothing is under way"),
        false => format!("{name}: checkpoints are kept, and `ablatrix run` goes on from there"),
    });
    Ok(u8::from(jobs == 0 && !elsewhere.is_empty()))
}

fn failure(error: &CancelError) -> Failure {
    let help = match error {
        CancelError::Stay { .. } => "`squeue` shows what they wait for; the same command tries again",
        CancelError::Call(_) => "`sinfo` must answer; the same command tries again",
        CancelError::Cache(_) => "the cache must be writable to whoever cancels a study",
    };
    Failure::new(1, error, Some(help))
}

/// The process that a lock names as its holder, if it is one of this machine and of this program.
fn process_here(holder: &str) -> Option<Pid> {
    let (pid, host) = holder.strip_prefix("process ")?.split_once(" on ")?;
    if rustix::system::uname().nodename().to_str() != Ok(host) {
        return None;
    }
    // The number of a process that has ended may be another's by now; the lock it held would be free, though.
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Pid::from_raw(pid.parse().ok()?).filter(|_| name.trim() == "ablatrix")
}

/// Asks a process to end as Ctrl-C would, and waits until it has.
fn stop(pid: Pid) -> Result<(), Failure> {
    let shown = pid.as_raw_nonzero();
    let refused = |error: rustix::io::Errno| {
        let error = std::io::Error::from(error);
        Failure::text(
            1,
            &format!("process {shown} cannot be asked to stop: {error}"),
            Some("it may be another user's"),
        )
    };
    match kill_process(pid, Signal::TERM) {
        Ok(()) => {}
        Err(rustix::io::Errno::SRCH) => return Ok(()),
        Err(error) => return Err(refused(error)),
    }
    let begun = Instant::now();
    // A process that nobody has waited for yet is there, and holds nothing any more.
    let has_ended = || {
        let state = std::fs::read_to_string(format!("/proc/{shown}/stat")).unwrap_or_default();
        let is_zombie = state.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z'));
        is_zombie || test_kill_process(pid) == Err(rustix::io::Errno::SRCH)
    };
    while !has_ended() {
        if begun.elapsed() >= PATIENCE {
            let message = format!(
                "process {shown} was asked to stop, and is still there after {} s",
                PATIENCE.as_secs()
            );
            return Err(Failure::text(1, &message, Some("the same command asks again")));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_processes_of_this_program_on_this_machine_are_meant() {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        for holder in [
            "".to_owned(),
            format!("process 1 on {host}"),
            "process 1 on elsewhere".to_owned(),
            format!("process {} on {host}", std::process::id()),
            format!("process -1 on {host}"),
            format!("process 4000000000 on {host}"),
        ] {
            assert_eq!(process_here(&holder), None, "{holder}");
        }
    }
}
