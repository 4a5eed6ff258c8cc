//! A study's jobs as others see them who do not run it: what is in the queue, and an end to it.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::answers::Row;
use super::client::{CallError, Client};
use super::rows::Rows;
use super::submission::{Submission, mark_cancelled};
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
    /// The study that it was submitted for.
    #[serde(skip)]
    pub study: String,
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
    let rows = Rows::new(client.queue(&names)?);
    let mut jobs: HashMap<Digest, InQueue> = HashMap::new();
    // A newer submission takes the place of an older one.
    for submission in &all {
        for (index, item) in submission.open_jobs() {
            let row = rows.job(&submission.record.name, index, true);
            let id = submission.record.id.as_ref().map(|id| format!("{id}_{index}"));
            let job = InQueue {
                id: row.map(Row::id).or(id).unwrap_or_default(),
                state: row.map(|row| row.state.clone()).unwrap_or_default(),
                reason: row.map(|row| row.reason.clone()).unwrap_or_default(),
                host: row.and_then(|row| row.node.clone()),
                log: submission.log(index),
                study: submission.record.study.clone(),
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

/// Ends the jobs of a study and waits until they are gone; gives how many there were. Those whose results are in `wanted` stay: another
/// study takes them up, or has done so. Whoever runs the study elsewhere stops at its next look, or before it submits.
///
/// # Errors
/// See [`CancelError`].
pub fn cancel(
    store: &Store,
    study: &str,
    client: &Client,
    patience: Duration,
    wanted: &HashSet<Digest>,
) -> Result<usize, CancelError> {
    // There from the moment on at which somebody runs it on a cluster.
    if store.layout().slurm().join(study).is_dir() {
        mark_cancelled(store.layout(), study)?;
    }
    let mut all = Submission::all(store.layout(), Some(study));
    if all.is_empty() {
        return Ok(0);
    }
    let there = Living::of(client, &all, wanted)?;
    for submission in &all {
        let name = &submission.record.name;
        let ids = there.ending.get(name).map_or(&[][..], Vec::as_slice);
        match there.staying.contains_key(name) {
            true if !ids.is_empty() => client.cancel_jobs(name, ids)?,
            false if !ids.is_empty() => client.cancel_all(name)?,
            _ => {}
        }
    }
    let begun = Instant::now();
    let staying = loop {
        let now = Living::of(client, &all, wanted)?;
        if now.ending.is_empty() {
            break now.staying;
        }
        if begun.elapsed() >= patience {
            let left = now.ending.into_values().flatten().collect();
            return Err(CancelError::Stay { left, waited_s: patience.as_secs() });
        }
        std::thread::sleep(PAUSE);
    };
    // Nothing else of them is to be taken up again.
    for submission in &mut all {
        let staying = staying.get(&submission.record.name);
        for index in 0..submission.record.jobs.len() as u32 {
            if staying.is_none_or(|staying| !staying.contains(&index)) {
                submission.note_end(index);
            }
        }
    }
    Ok(there.ending.values().map(Vec::len).sum())
}

/// The jobs of a study that are in the queue, by the names of their submissions.
struct Living {
    /// Ids of those that are to end.
    ending: HashMap<String, Vec<String>>,
    /// Numbers of those that others want.
    staying: HashMap<String, HashSet<u32>>,
}

impl Living {
    fn of(client: &Client, all: &[Submission], wanted: &HashSet<Digest>) -> Result<Self, CallError> {
        let names: Vec<&str> = all.iter().map(|submission| submission.record.name.as_str()).collect();
        let mut living = Living { ending: HashMap::new(), staying: HashMap::new() };
        for row in client.queue(&names)?.into_iter().filter(Row::is_live) {
            let Some(submission) = all.iter().find(|submission| submission.record.name == row.name) else {
                continue;
            };
            // The one job of what is no array has the number 0 here.
            let index = row.index.unwrap_or(0);
            let stays = submission.open_jobs().any(|(at, item)| at == index && wanted.contains(&item.key));
            match stays {
                true => drop(living.staying.entry(row.name).or_default().insert(index)),
                false => {
                    let id = row.id();
                    living.ending.entry(row.name).or_default().push(id);
                }
            }
        }
        Ok(living)
    }
}
