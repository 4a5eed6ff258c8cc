//! One job at a look at the queue: whether it lives, and what its end means.

use std::time::{Duration, Instant};

use super::answers::Row;
use super::rows::Rows;
use super::verdict::{Known, Verdict, judge};
use super::watcher::Watcher;
use crate::cache::Store;
use crate::engine::last_lines::{ending, last_lines};
use crate::engine::workers::{Ended, News, WorkersError};
use crate::fingerprint::Digest;
use crate::job::WorkerEvent;

/// How long a job whose result is there may take to leave the queue before it is not waited for any more.
const LEAVING: Duration = Duration::from_secs(30);

/// States that a job may leave again by being put back into the queue: they are believed when they are seen twice.
const PASSING: [&str; 4] = ["NODE_FAIL", "PREEMPTED", "BOOT_FAIL", "LAUNCH_FAILED"];

/// Reasons for which a job waits until somebody does something.
const STUCK: [&str; 11] = [
    "launch failed requeued held",
    "JobHeldAdmin",
    "JobHeldUser",
    "PartitionTimeLimit",
    "PartitionNodeLimit",
    "PartitionDown",
    "PartitionInactive",
    "BadConstraints",
    "DependencyNeverSatisfied",
    "InvalidAccount",
    "InvalidQOS",
];

/// Whether a job with this reason waits until somebody does something.
fn is_stuck(reason: &str) -> bool {
    let is_of_one_job =
        ["PerJob", "PerNode", "QOSMin", "QOSNotAllowed"].iter().any(|words| reason.contains(words));
    STUCK.contains(&reason) || is_of_one_job
}

impl Watcher {
    /// Looks at one job.
    pub(super) fn follow(&mut self, node: usize, rows: &Rows) -> Result<(), WorkersError> {
        let Some(job) = self.jobs.get_mut(&node) else { return Ok(()) };
        let Some(submission) = self.known.get(&job.token) else { return Ok(()) };
        // It is not known whether there is such a job at all.
        if submission.record.id.is_none() {
            return Ok(());
        }
        let may_be_rest = !submission.is_array() || !job.has_begun();
        let row = rows.job(&submission.record.name, job.index, may_be_rest).cloned();
        let state = |row: &Option<Row>| row.as_ref().map(|row| row.state.clone());
        self.stirred |= state(&row) != state(&job.row);
        let has_vanished = row.is_none();
        if row.is_some() {
            job.row = row;
        }
        if let Some(row) = job.row.as_ref().filter(|row| !has_vanished && row.is_live()) {
            // It may have been put back into the queue: how it ends is to be seen anew.
            (job.ended, job.asked, job.exit) = (None, false, None);
            let row = row.clone();
            // It leaves the queue by itself, and has its place there until then.
            let was_there = matches!(job.said, Some(WorkerEvent::Finished { .. }));
            if was_there && is_visible(&self.setting.store, job.key()) {
                let seen = *job.seen.get_or_insert_with(Instant::now);
                return if seen.elapsed() >= LEAVING { self.conclude(node, Ended::Well) } else { Ok(()) };
            }
            // It was published before its node failed.
            if job.begun && row.is_waiting() && is_visible(&self.setting.store, job.key()) {
                return self.conclude(node, Ended::Well);
            }
            if matches!(job.said, Some(WorkerEvent::Failed { .. } | WorkerEvent::Refused { .. })) {
                let seen = *job.seen.get_or_insert_with(Instant::now);
                return if seen.elapsed() >= LEAVING { self.settle(node, false) } else { Ok(()) };
            }
            if row.is_waiting() && is_stuck(&row.reason) {
                let (id, reason) = (row.id(), row.reason.clone());
                self.tell_stuck(&id, reason);
            }
            return Ok(());
        }
        self.settle(node, has_vanished)
    }

    /// Tells of a job that will not begin by itself; of many with the same reason once.
    fn tell_stuck(&mut self, id: &str, reason: String) {
        let is_held = reason.starts_with("launch failed") || reason.starts_with("JobHeld");
        let help = if is_held { format!("; `scontrol release {id}` lets it go on") } else { String::new() };
        let message = format!("Slurm job {id} waits, and will not begin by itself ({reason}){help}");
        if self.told.insert(reason) {
            self.say(Ok(News::Notice { message }));
        }
    }

    /// A job has ended, or is known no more.
    fn settle(&mut self, node: usize, has_vanished: bool) -> Result<(), WorkersError> {
        let Some(job) = self.jobs.get_mut(&node) else { return Ok(()) };
        let (since, looks) = job.ended.unwrap_or((Instant::now(), 0));
        job.ended = Some((since, looks + 1));
        if is_visible(&self.setting.store, job.key()) {
            return self.conclude(node, Ended::Well);
        }
        // Accounts may be late; they are asked a second time, and no more.
        if !job.asked {
            let is_told = self.ask(node, has_vanished);
            if let Some(job) = self.jobs.get_mut(&node) {
                job.asked = is_told || looks > 0;
            }
        }
        let lag = self.lag();
        let Some(job) = self.jobs.get(&node) else { return Ok(()) };
        let Some(submission) = self.known.get(&job.token) else { return Ok(()) };
        let state = job
            .row
            .as_ref()
            .map(|row| row.state.as_str())
            .filter(|_| !job.row.as_ref().is_some_and(Row::is_live));
        if looks == 0 && state.is_some_and(|state| PASSING.contains(&state)) {
            return Ok(());
        }
        let place = job.row.as_ref().and_then(|row| row.node.clone());
        let id = job.row.as_ref().map_or_else(|| submission.record.id.clone().unwrap_or_default(), Row::id);
        let who = match &place {
            Some(place) => format!("Slurm job {id} on {place}"),
            None => format!("Slurm job {id}"),
        };
        let tries = self.tries.get(job.key());
        let further = tries
            .is_none_or(|tries| tries.epoch_ended || tries.before.is_none_or(|before| before != tries.from));
        let verdict = judge(&Known {
            who: &who,
            state,
            reason: job.row.as_ref().map_or("", |row| row.reason.as_str()),
            exit: job.exit,
            said: job.said.as_ref(),
            begun: job.begun,
            further,
            time: &self.setting.slurm.time,
            log: &ending(&last_lines(&submission.log(job.index))),
            may_lag: since.elapsed() < lag,
        });
        match verdict {
            Verdict::Wait => Ok(()),
            Verdict::Ended(how) => self.conclude(node, how),
            Verdict::Unfit(why) => Err(WorkersError::NoWorkers { why }),
            Verdict::NotUp { why, surely } => {
                let is_new = self.not_up.insert(job.key().clone());
                match !self.any_begun && (surely || !is_new) {
                    true => Err(WorkersError::NoWorkers { why }),
                    false => self.conclude(node, Ended::Lost(why)),
                }
            }
        }
    }

    /// Asks once more than the queue: how a script ended, or what became of a job that has left the queue.
    /// Says whether there is nothing more to ask.
    fn ask(&mut self, node: usize, has_vanished: bool) -> bool {
        let Some(job) = self.jobs.get_mut(&node) else { return true };
        let Some(submission) = self.known.get(&job.token) else { return true };
        // How a worker ended that says so need not be asked; but for one that was stopped, by whom.
        match &job.said {
            Some(WorkerEvent::Interrupted { .. }) if has_vanished => {}
            Some(_) => return true,
            None => {}
        }
        let (name, may_be_rest) = (&submission.record.name, !submission.is_array() || !job.has_begun());
        let of_job = |rows: Vec<Row>| {
            let rows = Rows::new(rows);
            // Accounts may not know yet that it has ended.
            rows.job(name, job.index, may_be_rest).filter(|row| !row.is_live()).cloned()
        };
        let shown = match (&job.row, has_vanished) {
            (Some(row), false) => self.client.show(&row.id()).ok(),
            _ => None,
        };
        // Without accounts the disk alone tells.
        let found = shown.and_then(of_job).or_else(|| of_job(self.client.accounts(name).ok()?));
        let is_told = found.is_some();
        if let Some(found) = found {
            job.exit = found.exit;
            if has_vanished {
                job.row = Some(found);
            }
        }
        is_told
    }

    /// Takes note of the end of a job, and tells it.
    pub(super) fn conclude(&mut self, node: usize, how: Ended) -> Result<(), WorkersError> {
        let Some(job) = self.jobs.remove(&node) else { return Ok(()) };
        let mut log = None;
        if let Some(submission) = self.known.get_mut(&job.token) {
            submission.note_end(job.index);
            log = Some(submission.log(job.index));
            if submission.is_settled() {
                self.known.remove(&job.token);
            }
        }
        if let Some(tries) = self.tries.get_mut(job.key()) {
            // One that was lost early says nothing of what a whole try can do.
            match how {
                Ended::Lost(_) => tries.from = None,
                Ended::Well | Ended::Failed(_) | Ended::Preempted(_) => {
                    tries.before = Some(tries.from.take())
                }
            }
            tries.epoch_ended = false;
        }
        self.stirred = true;
        let place = job.row.and_then(|row| row.node);
        self.say(Ok(News::Ended { node, how, place, log }));
        Ok(())
    }
}

/// Whether the result is there. The folders are listed first: a network file system that has looked for a file in vain may go on
/// saying that there is none.
fn is_visible(store: &Store, key: &Digest) -> bool {
    if let Some(folder) = store.layout().entry(key).parent() {
        std::fs::read_dir(folder).into_iter().flatten().for_each(drop);
    }
    store.lookup(key).is_ok_and(|entry| entry.is_some())
}
