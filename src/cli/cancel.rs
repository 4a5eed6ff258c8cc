//! `ablatrix cancel`: ends a study, wherever it is computed. Checkpoints are kept, and `run` goes on from there.
//!
//! Who runs which study is told by the claims in the cache, not by who holds the lock of a run: studies share runs.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::json;

use super::args::{OutputFormat, SpecArgs};
use super::print::{self, count};
use super::render::Failure;
use super::study::{Study, cache_failure};
use crate::cache::{User, users, wanted_by_others};
use crate::engine::slurm::{self, CancelError, Client, InQueue};
use crate::engine::{Doing, standing};
use crate::fingerprint::Digest;

/// How long a process has to stop its workers, which keep checkpoints.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long jobs of a cluster have to go: they keep checkpoints, and the cluster waits for them.
const CLUSTER_PATIENCE: Duration = Duration::from_secs(120);

/// Ends a study. What other living studies compute or wait for as well goes on, and is named.
///
/// # Errors
/// Rendered, with the exit code.
pub fn cancel(args: &SpecArgs) -> Result<u8, Failure> {
    let study = Study::look(args)?;
    let name = &study.plan.experiment.name;
    let claims = users(&study.store).map_err(|error| cache_failure(&error))?;
    let (own, others): (Vec<User>, Vec<User>) =
        claims.into_iter().partition(|user| user.study.as_deref() == Some(name));
    let own: BTreeSet<String> = own.into_iter().map(|user| user.process).collect();
    let handed_over = shared(&study, &HashMap::new(), &others, |by| own.contains(by))?;
    let handed_over: Vec<Shared> =
        handed_over.into_iter().filter(|shared| !shared.studies.is_empty()).collect();

    // First those who would submit and start more.
    let (mut stopped, mut elsewhere) = (Vec::new(), Vec::new());
    for process in &own {
        match process_here(process) {
            Some(pid) => {
                stop(pid)?;
                stopped.push(process.clone());
            }
            None => elsewhere.push(process.clone()),
        }
    }
    let client = Client::default();
    let wanted = wanted_by_others(&study.store, name);
    let jobs = slurm::cancel(&study.store, name, &client, CLUSTER_PATIENCE, &wanted)
        .map_err(|error| failure(&error))?;
    // A cluster that does not answer has been told of, if any job of the study may be there.
    let queue = slurm::in_queue(&study.store, &client).unwrap_or_default();
    let goes_on = shared(&study, &queue, &others, |by| !own.contains(by))?;
    let ended = Ended { name, stopped, elsewhere, jobs, handed_over, goes_on };
    match args.format {
        OutputFormat::Json => print::out(&ended.json().to_string()),
        OutputFormat::Text => ended.tell(),
    }
    Ok(u8::from(jobs == 0 && (!ended.elsewhere.is_empty() || ended.of_nobody().next().is_some())))
}

/// A stage that this study needs, and that others are at.
#[derive(Clone, Debug)]
struct Shared {
    stage: String,
    /// Who is at it.
    by: String,
    /// Whose it is beside this study; none where nobody says.
    studies: Vec<String>,
}

/// The stages of the study that those are at whom `is_meant` is about; `others`: what living processes claim for other studies.
fn shared(
    study: &Study,
    queue: &HashMap<Digest, InQueue>,
    others: &[User],
    is_meant: impl Fn(&str) -> bool,
) -> Result<Vec<Shared>, Failure> {
    let now = standing(&study.plan, &study.store, &study.sources, queue)
        .map_err(|error| study.source_failure(&error))?;
    let mut all = Vec::new();
    for stage in now.stages {
        let by = match (&stage.state, &stage.job) {
            (_, Some(job)) => job.shown(),
            (Doing::Running { by }, None) => by.clone(),
            _ => continue,
        };
        if !is_meant(&by) {
            continue;
        }
        let claims = |user: &&User| {
            user.process == by || stage.key.as_ref().is_some_and(|key| user.keys.contains(key))
        };
        let mut studies: BTreeSet<String> =
            others.iter().filter(claims).filter_map(|user| user.study.clone()).collect();
        if let (true, Some(job)) = (studies.is_empty(), stage.job) {
            studies.insert(job.study);
        }
        all.push(Shared { stage: stage.node, by, studies: studies.into_iter().collect() });
    }
    Ok(all)
}

/// What came of it.
struct Ended<'s> {
    name: &'s str,
    /// Processes that have ended.
    stopped: Vec<String>,
    /// Processes of the study on other machines.
    elsewhere: Vec<String>,
    /// Jobs of a cluster that were ended.
    jobs: usize,
    /// What these processes were at and others wait for.
    handed_over: Vec<Shared>,
    /// What others are at.
    goes_on: Vec<Shared>,
}

impl Ended<'_> {
    /// Stages of which it is not known for whom they are computed.
    fn of_nobody(&self) -> impl Iterator<Item = &Shared> {
        self.goes_on.iter().filter(|shared| shared.studies.is_empty())
    }

    fn json(&self) -> serde_json::Value {
        let Ended { name, stopped, elsewhere, jobs, .. } = self;
        let stages = |all: &[Shared]| -> Vec<serde_json::Value> {
            let one = |Shared { stage, by, studies }: &Shared| json!({"stage": stage, "by": by, "studies": studies});
            all.iter().map(one).collect()
        };
        let (goes_on, handed_over) = (stages(&self.goes_on), stages(&self.handed_over));
        json!({
            "experiment": name, "stopped": stopped, "elsewhere": elsewhere, "jobs": jobs, "goes_on": goes_on, "handed_over": handed_over,
        })
    }

    fn tell(&self) {
        let Ended { name, stopped, elsewhere, jobs, .. } = self;
        for process in stopped {
            print::out(&format!("{name}: stopped {process}"));
        }
        if *jobs > 0 {
            print::out(&format!("{name}: cancelled {} in Slurm's queue", count(*jobs, "job")));
        }
        for process in elsewhere {
            print::err(&format!(
                "note: {process} runs it too, and can be stopped only there; with Slurm it ends at its next look"
            ));
        }
        for ((_, studies), stages) in grouped(&self.handed_over) {
            print::err(&format!(
                "note: {} was under way here, and {} for it: it goes on there from its checkpoint",
                listed(&stages),
                if let [one] = &studies[..] {
                    format!("study `{one}` waits")
                } else {
                    format!("{} wait", listed(studies))
                }
            ));
        }
        for ((by, studies), stages) in grouped(&self.goes_on) {
            let stages = listed(&stages);
            print::err(&match &studies[..] {
                [] => format!("note: {by} is at {stages}, does not say for which study, and is left alone"),
                [one] => format!("note: {by} is at {stages} for study `{one}`, and goes on"),
                several => {
                    format!("note: {by} is at {stages} for the studies {}, and goes on", listed(several))
                }
            });
        }
        let has_ended = !stopped.is_empty() || !elsewhere.is_empty() || *jobs > 0;
        print::out(&match (has_ended, self.goes_on.is_empty()) {
            (true, _) => format!("{name}: checkpoints are kept, and `ablatrix run` goes on from there"),
            (false, true) => format!("{name}: nothing is under way"),
            (false, false) => format!("{name}: nothing is under way that is this study's alone"),
        });
    }
}

/// Stages by who is at them, and for whom.
fn grouped(all: &[Shared]) -> BTreeMap<(&str, &Vec<String>), Vec<String>> {
    let mut groups: BTreeMap<(&str, &Vec<String>), Vec<String>> = BTreeMap::new();
    for shared in all {
        groups.entry((&shared.by, &shared.studies)).or_default().push(shared.stage.clone());
    }
    groups
}

/// Names in a row; of many the first three.
fn listed(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().take(3).map(|name| format!("`{name}`")).collect();
    match names.len().saturating_sub(quoted.len()) {
        0 => quoted.join(", "),
        more => format!("{} and {more} more", quoted.join(", ")),
    }
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
    fn what_goes_on_is_told_by_who_is_at_it_and_for_whom() {
        let shared = |stage: &str, by: &str, studies: &[&str]| Shared {
            stage: stage.into(),
            by: by.into(),
            studies: studies.iter().map(|&study| study.to_owned()).collect(),
        };
        let all: Vec<Shared> = (0..5).map(|i| shared(&format!("train {i}"), "a", &["one", "two"])).collect();
        let all = [all, vec![shared("train x", "b", &[]), shared("train y", "a", &["one"])]].concat();
        let groups: Vec<_> =
            grouped(&all).into_iter().map(|((by, _), stages)| (by, listed(&stages))).collect();
        let expected = [
            ("a", "`train y`".to_owned()),
            ("a", "`train 0`, `train 1`, `train 2` and 2 more".to_owned()),
            ("b", "`train x`".to_owned()),
        ];
        assert_eq!(groups, expected);
    }

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
