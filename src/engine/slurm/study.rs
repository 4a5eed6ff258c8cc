//! A study's jobs as others see them who do not run it: what is in the queue, and an end to it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::answers::Row;
use super::client::{CallError, Client};
use super::submission::{Submission, mark_cancelled};
use super::watcher::by_job;
use crate::cache::{CacheError, Store};
use crate::fingerprint::Digest;

/// How often it is looked whether cancelled jobs are gone.
const PAUSE: Duration = Duration::from_millis(500);

/// A job in the queue of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InQueue {
    /// Its id, as Slurm's commands take it; empty where the answer of `sbatch` was lost.
    pub id: String,
    /// Its state, as `PENDING`; empty where Slurm knows it no more.
    pub state: String,
    /// Why it waits, or what is known of its end.
    pub reason: String,
    /// Where it runs or ran.
    pub host: Option<String>,
    /// Its log.
    pub log: PathBuf,
    /// Whether it may still come to something.
    #[serde(skip)]
    pub is_live: bool,
    /// Whether it has not begun.
    #[serde(skip)]
    pub waits: bool,
}

impl InQueue {
    /// `Slurm job 12_3 on n2`
    pub fn shown(&self) -> String {
        match &self.host {
            Some(host) => format!("Slurm job {} on {host}", self.id),
            None => format!("Slurm job {}", self.id),
        }
    }
}

/// The jobs of a study that are under way, by the keys of their results. They may have been submitted for another study.
///
/// # Errors
/// Where Slurm does not answer. Where nothing was submitted it is not asked.
pub fn in_queue(store: &Store, client: &Client) -> Result<HashMap<Digest, InQueue>, CallError> {
    let all = Submission::all(store.layout(), None);
    let names: Vec<&str> = all.iter().map(|submission| submission.record.name.as_str()).collect();
    let rows = by_job(client.queue(&names)?);
    let mut jobs: HashMap<Digest, InQueue> = HashMap::new();
    // A newer submission takes the place of an older one.
    for submission in &all {
        for (index, item) in submission.open_jobs() {
            let row = rows.get(&(submission.record.name.clone(), index));
            let id = submission.record.id.as_ref().map(|id| format!("{id}_{index}"));
            let job = InQueue {
                id: row.map(Row::id).or(id).unwrap_or_default(),
                state: row.map(|row| row.state.clone()).unwrap_or_default(),
                reason: row.map(|row| row.reason.clone()).unwrap_or_default(),
                host: row.and_then(|row| row.node.clone()),
                log: submission.log(index),
                is_live: row.is_some_and(Row::is_live),
                waits: row.is_some_and(Row::is_waiting),
            };
            if job.is_live || !jobs.get(&item.key).is_some_and(|there| there.is_live) {
                jobs.insert(item.key.clone(), job);
            }
        }
    }
    Ok(jobs)
}

/// Why a study could not be cancelled.
#[derive(Debug, thiserror::Error)]
pub enum CancelError {
    /// Slurm did not answer.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The cache cannot be written.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// They were cancelled, and some are still there.
    #[error("{n} of the jobs are still in Slurm's queue after {waited_s} s", n = left.len())]
    Stay {
        /// Their ids.
        left: Vec<String>,
        /// How long they were waited for.
        waited_s: u64,
    },
}

/// Ends all jobs of a study and waits until they are gone; gives how many there were. Whoever runs the study elsewhere stops at its next
/// look, or before it submits.
///
/// # Errors
/// See [`CancelError`].
pub fn cancel(store: &Store, study: &str, client: &Client, patience: Duration) -> Result<usize, CancelError> {
    // There from the moment on at which somebody runs it on a cluster.
    if store.layout().slurm().join(study).is_dir() {
        mark_cancelled(store.layout(), study)?;
    }
    let mut all = Submission::all(store.layout(), Some(study));
    if all.is_empty() {
        return Ok(0);
    }
    let live = |names: &[&str]| -> Result<Vec<(String, String)>, CallError> {
        let rows = client.queue(names)?;
        Ok(rows.into_iter().filter(Row::is_live).map(|row| (row.id(), row.name)).collect())
    };
    let names: Vec<String> = all.iter().map(|submission| submission.record.name.clone()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let there = live(&names)?;
    for name in names.iter().filter(|name| there.iter().any(|(_, of)| of == *name)) {
        client.cancel(name, &[])?;
    }
    let begun = Instant::now();
    loop {
        let left = live(&names)?;
        if left.is_empty() {
            break;
        }
        if begun.elapsed() >= patience {
            let left = left.into_iter().map(|(id, _)| id).collect();
            return Err(CancelError::Stay { left, waited_s: patience.as_secs() });
        }
        std::thread::sleep(PAUSE);
    }
    // Nothing of them is to be taken up again.
    all.iter_mut().for_each(Submission::note_all);
    Ok(there.len())
}
