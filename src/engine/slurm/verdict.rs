//! What the end of a job means, told from all that is known of it: what its worker said, and what Slurm says.
//!
//! Whether its result is in the cache was looked for before: then nothing else matters.

use super::answers::Exit;
use super::script::{NO_CACHE, NO_WORKER};
use crate::engine::workers::Ended;
use crate::job::{FailureKind, WorkerEvent};

/// All that is known of a job whose result is not there.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The job and its node, as people call them: `Slurm job 12_3 on n2`.
    pub who: &'a str,
    /// The state in which it ended; `None`: Slurm knows it no more.
    pub state: Option<&'a str>,
    /// What Slurm adds to it.
    pub reason: &'a str,
    /// How its script ended.
    pub exit: Option<Exit>,
    /// The last thing that the worker said, if that was how it ended.
    pub said: Option<&'a WorkerEvent>,
    /// The worker has said that it is up.
    pub begun: bool,
    /// It came further than the try before it, or is the first.
    pub further: bool,
    /// The longest time that the spec gives it; empty: the partition's.
    pub time: &'a str,
    /// What is said of the end of its log, or nothing.
    pub log: &'a str,
    /// What one node has written may not be seen by the others yet.
    pub may_lag: bool,
}

/// What follows.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// More may become known.
    Wait,
    /// It has ended.
    Ended(Ended),
    /// The worker did not come up; why. Where none ever does, no job needs to be tried.
    NotUp {
        /// In words.
        why: String,
        /// Another try on the same node would end the same way.
        surely: bool,
    },
    /// The worker cannot do such jobs; why. No job needs to be tried.
    Unfit(String),
}

/// Judges.
pub fn judge(known: &Known<'_>) -> Verdict {
    let who = known.who;
    match known.said {
        Some(WorkerEvent::Finished { .. }) if known.may_lag => Verdict::Wait,
        Some(WorkerEvent::Finished { .. }) => lost(format!(
            "{who} says that its result is published, but it is not seen here: the cache must lie on a file system that all nodes share"
        )),
        // Said before the worker was up: it could not read its job.
        Some(WorkerEvent::Failed { message, .. }) if !known.begun => Verdict::Unfit(message.clone()),
        Some(WorkerEvent::Refused { message }) => Verdict::Unfit(message.clone()),
        Some(WorkerEvent::Failed { kind: FailureKind::Final, message, .. }) => failed(message.clone()),
        Some(WorkerEvent::Failed { message, .. }) => lost(message.clone()),
        // Who stopped it is in the accounts, which may be late.
        Some(WorkerEvent::Interrupted { .. }) if known.state.is_none() && known.may_lag => Verdict::Wait,
        Some(WorkerEvent::Interrupted { .. }) => match known.state {
            Some("CANCELLED") => cancelled(who),
            Some("PREEMPTED" | "NODE_FAIL" | "BOOT_FAIL") => {
                preempted(format!("{who} was preempted, with its checkpoint kept"))
            }
            _ => out_of_time(known),
        },
        _ if known.may_lag => Verdict::Wait,
        _ => without_a_word(known),
    }
}

/// The worker did not say how it ended.
fn without_a_word(known: &Known<'_>) -> Verdict {
    let (who, log) = (known.who, known.log);
    let exit = known.exit.unwrap_or(Exit { code: 0, signal: 0 });
    match known.state {
        _ if exit.signal == 125 => out_of_memory(who),
        None => lost(format!("{who} is not known to Slurm any more, and has left no result{log}")),
        Some("COMPLETED") => lost(format!(
            "{who} ended well by Slurm's account, but has left no result that is seen here{log}"
        )),
        Some("TIMEOUT" | "DEADLINE") if !known.begun => Verdict::NotUp {
            why: format!("the time of {who} was over before its worker was up{log}"),
            surely: false,
        },
        Some("TIMEOUT" | "DEADLINE") => out_of_time(known),
        Some("OUT_OF_MEMORY") => out_of_memory(who),
        Some("CANCELLED") => cancelled(who),
        Some("PREEMPTED") => preempted(format!("{who} was preempted")),
        Some(state @ ("NODE_FAIL" | "BOOT_FAIL")) => lost(format!("{who} was lost with its node ({state})")),
        Some(_) if exit.code == NO_CACHE => Verdict::NotUp {
            why: format!(
                "{who} does not see the cache, or cannot write it: it must lie on a file system that all nodes share{log}"
            ),
            surely: true,
        },
        Some(_) if exit.code == NO_WORKER => Verdict::NotUp {
            why: format!(
                "{who} does not see the worker's program: it must lie on a file system that all nodes share{log}"
            ),
            surely: true,
        },
        Some(_) if !known.begun && known.reason == "JobLaunchFailure" && exit.signal != 9 => Verdict::NotUp {
            why: format!(
                "{who} could not be started by Slurm ({}): most often its log's folder is not there on that node{log}",
                known.reason
            ),
            surely: false,
        },
        Some(state) => {
            let how = match exit {
                Exit { signal: 9, .. } => {
                    "was killed by signal 9 (by hand, or because memory ran out)".to_owned()
                }
                Exit { code: 0, signal: 0 } => format!("ended ({state})"),
                Exit { code, signal: 0 } => format!("ended with exit code {code}"),
                Exit { signal, .. } => format!("was ended by signal {signal}"),
            };
            match known.begun {
                true => lost(format!("{who} {how}{log}")),
                false => Verdict::NotUp {
                    why: format!("{who} {how} before its worker was up{log}"),
                    surely: false,
                },
            }
        }
    }
}

fn out_of_time(known: &Known<'_>) -> Verdict {
    let Known { who, time, .. } = known;
    let limit = if time.is_empty() { "the partition's longest time".to_owned() } else { format!("`{time}`") };
    match known.further {
        true => preempted(format!("the time of {who} is over ({limit}); it goes on from its checkpoint")),
        false => failed(format!(
            "the time of {who} was over ({limit}) before it got further than the try before: give `workers.slurm.time` more, or keep \
             checkpoints more often (`workers.checkpoint_minutes`)"
        )),
    }
}

fn out_of_memory(who: &str) -> Verdict {
    failed(format!(
        "{who} needed more memory than it has: raise `workers.slurm.memory`, or lower `train.batch_size`"
    ))
}

fn cancelled(who: &str) -> Verdict {
    failed(format!(
        "{who} was cancelled from outside (`scancel`, or an operator); its checkpoint is kept, and `run` goes on from there"
    ))
}

fn failed(why: String) -> Verdict {
    Verdict::Ended(Ended::Failed(why))
}

fn lost(why: String) -> Verdict {
    Verdict::Ended(Ended::Lost(why))
}

fn preempted(why: String) -> Verdict {
    Verdict::Ended(Ended::Preempted(why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fingerprint::Digest;

    fn known<'a>(state: &'a str) -> Known<'a> {
        Known {
            who: "Slurm job 12_3 on n2",
            state: Some(state),
            reason: "NonZeroExitCode",
            exit: None,
            said: None,
            begun: true,
            further: true,
            time: "02:00:00",
            log: "",
            may_lag: false,
        }
    }

    /// The kind of a verdict and its words.
    fn told(known: &Known<'_>) -> (&'static str, String) {
        match judge(known) {
            Verdict::Wait => ("wait", String::new()),
            Verdict::Ended(Ended::Well) => ("well", String::new()),
            Verdict::Ended(Ended::Failed(why)) => ("failed", why),
            Verdict::Ended(Ended::Lost(why)) => ("lost", why),
            Verdict::Ended(Ended::Preempted(why)) => ("preempted", why),
            Verdict::NotUp { why, .. } => ("not up", why),
            Verdict::Unfit(why) => ("unfit", why),
        }
    }

    #[test]
    fn without_a_word_of_the_worker_slurm_is_believed() {
        let exit = |code, signal| Some(Exit { code, signal });
        let cases = [
            (known("COMPLETED"), "lost", "left no result"),
            (known("OUT_OF_MEMORY"), "failed", "raise `workers.slurm.memory`"),
            (Known { exit: exit(0, 125), ..known("FAILED") }, "failed", "raise `workers.slurm.memory`"),
            (known("TIMEOUT"), "preempted", "goes on from its checkpoint"),
            (Known { further: false, ..known("TIMEOUT") }, "failed", "give `workers.slurm.time` more"),
            (Known { begun: false, ..known("TIMEOUT") }, "not up", "was over before its worker was up"),
            (
                Known { further: false, time: "", ..known("TIMEOUT") },
                "failed",
                "the partition's longest time",
            ),
            (known("CANCELLED"), "failed", "cancelled from outside"),
            (known("NODE_FAIL"), "lost", "lost with its node"),
            (known("PREEMPTED"), "preempted", "was preempted"),
            (Known { state: None, ..known("") }, "lost", "not known to Slurm any more"),
            (Known { exit: exit(0, 9), ..known("FAILED") }, "lost", "killed by signal 9"),
            (
                Known { exit: exit(127, 0), begun: false, ..known("FAILED") },
                "not up",
                "exit code 127 before its worker was up",
            ),
            (
                Known { exit: exit(NO_CACHE, 0), begun: false, ..known("FAILED") },
                "not up",
                "does not see the cache",
            ),
            (
                Known { exit: exit(NO_WORKER, 0), begun: false, ..known("FAILED") },
                "not up",
                "does not see the worker",
            ),
            (
                Known {
                    reason: "JobLaunchFailure",
                    exit: exit(0, 53),
                    begun: false,
                    log: "; its log ends: x",
                    ..known("FAILED")
                },
                "not up",
                "could not be started by Slurm (JobLaunchFailure): most often its log's folder is not there on that node; its log ends: x",
            ),
        ];
        for (known, kind, words) in cases {
            let (found, why) = told(&known);
            assert_eq!(found, kind, "{known:?}");
            assert!(why.contains(words) && (kind == "unfit" || why.contains("12_3")), "{why}");
            // What is not seen yet may still come.
            assert_eq!(told(&Known { may_lag: true, ..known }).0, "wait");
        }
    }

    #[test]
    fn what_the_worker_said_counts_more() {
        let key = Digest::of(b"key");
        let fail = |kind| WorkerEvent::Failed { key: key.clone(), kind, message: "no such weights".into() };
        let (finished, interrupted) =
            (WorkerEvent::Finished { key: key.clone() }, WorkerEvent::Interrupted { key: key.clone() });
        let (fault, trouble) = (fail(FailureKind::Final), fail(FailureKind::Infrastructure));
        let refused = WorkerEvent::Refused { message: "no such weights".into() };
        let cases = [
            (&fault, "FAILED", true, "failed"),
            (&fault, "FAILED", false, "unfit"),
            (&refused, "FAILED", true, "unfit"),
            (&trouble, "FAILED", true, "lost"),
            (&interrupted, "PREEMPTED", true, "preempted"),
            (&interrupted, "FAILED", true, "preempted"),
            (&interrupted, "CANCELLED", true, "failed"),
            (&finished, "COMPLETED", true, "lost"),
        ];
        for (said, state, begun, kind) in cases {
            assert_eq!(told(&Known { said: Some(said), begun, ..known(state) }).0, kind, "{said:?} {state}");
        }
        let forgotten = Known { said: Some(&interrupted), state: None, ..known("") };
        assert_eq!(told(&Known { may_lag: true, ..forgotten }).0, "wait");
        assert_eq!(told(&forgotten).0, "preempted");
        let stuck = Known { said: Some(&interrupted), further: false, ..known("FAILED") };
        assert_eq!(told(&stuck).0, "failed");
        assert_eq!(told(&Known { said: Some(&finished), may_lag: true, ..known("COMPLETED") }).0, "wait");
    }
}
