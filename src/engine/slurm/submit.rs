//! Orders to arrays in the queue, each once: what an earlier call has submitted is taken up, and a submission whose answer was lost is
//! looked for before it is made again.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::answers::max_array_size;
use super::chunks::chunks;
use super::client::CallError;
use super::refusal::{self, Refusal};
use super::rows::Rows;
use super::submission::{Sender, Submission};
use super::tracked::Tracked;
use super::watcher::{GATHER, Watcher};
use crate::clock;
use crate::engine::workers::{Order, WorkersError};

/// After this time a submission that did not answer and is not in the queue is made again.
const ANSWER_PATIENCE: Duration = Duration::from_secs(15);

/// How long a submission without an answer may yet turn up: its sender may have died while `sbatch` went on.
const YOUNG: Duration = Duration::from_secs(90);

/// Highest index of an array plus one, as Slurm has it where its configuration does not say.
const MAX_ARRAY_SIZE: usize = 1_001;

/// Least time between two tries where a limit is reached.
const FULL_PAUSE: Duration = Duration::from_secs(1);

impl Watcher {
    /// Submits all orders that nobody does yet.
    pub(super) fn submit(&mut self) -> Result<(), WorkersError> {
        self.check_cancelled()?;
        self.read_submissions();
        let orders = std::mem::take(&mut self.waiting);
        let (found, new): (Vec<Order>, Vec<Order>) =
            orders.into_iter().partition(|order| !self.candidates(order).is_empty());
        let new = match found.is_empty() {
            true => new,
            false => self.take_up(found)?.into_iter().chain(new).collect(),
        };
        if new.is_empty() {
            return Ok(());
        }
        let max = match self.array_size() {
            Ok(max) => max,
            Err(error) => {
                self.put_off(new, self.poll());
                return self.heard_nothing(error);
            }
        };
        // Jobs that are to keep off other nodes are other arrays.
        let mut groups: Vec<(Vec<String>, Vec<Order>)> = Vec::new();
        for order in new {
            match groups.iter_mut().find(|(avoid, _)| *avoid == order.avoid) {
                Some((_, orders)) => orders.push(order),
                None => groups.push((order.avoid.clone(), vec![order])),
            }
        }
        let mut groups = groups.into_iter();
        while let Some((avoid, mut orders)) = groups.next() {
            for size in chunks(orders.len(), max.min(self.at_once), orders.len()) {
                let rest = orders.split_off(size);
                if !self.submit_array(orders, &avoid, max > 0)? {
                    let left = rest.into_iter().chain(groups.flat_map(|(_, orders)| orders)).collect();
                    self.put_off(left, self.poll().max(FULL_PAUSE));
                    return Ok(());
                }
                orders = rest;
            }
        }
        Ok(())
    }

    /// What others have submitted since, for this study or for one that shares runs with it.
    fn read_submissions(&mut self) {
        for submission in Submission::all(self.setting.store.layout(), None) {
            self.known.entry(submission.record.token.clone()).or_insert(submission);
        }
    }

    /// Where a job for the key of an order may be under way: tokens and numbers, the newest first.
    fn candidates(&self, order: &Order) -> Vec<(String, u32)> {
        let key = &order.job.fingerprint.key;
        let mut found: Vec<_> = self
            .known
            .values()
            .filter_map(|submission| Some((submission, submission.open_job(key)?)))
            .collect();
        found.sort_by_key(|(submission, _)| std::cmp::Reverse(submission.record.created_ms));
        found.into_iter().map(|(submission, index)| (submission.record.token.clone(), index)).collect()
    }

    /// Takes up jobs that are in the queue; gives back what is not there any more, to be done anew. What may still turn up waits.
    fn take_up(&mut self, orders: Vec<Order>) -> Result<Vec<Order>, WorkersError> {
        let of_order: Vec<Vec<(String, u32)>> = orders.iter().map(|order| self.candidates(order)).collect();
        let mut tokens: Vec<&String> = of_order.iter().flatten().map(|(token, _)| token).collect();
        tokens.sort();
        tokens.dedup();
        let names: Vec<&str> = tokens.iter().map(|token| self.known[*token].record.name.as_str()).collect();
        let rows = match self.client.queue(&names) {
            Ok(rows) => Rows::new(rows),
            Err(error) => {
                self.put_off(orders, self.poll());
                self.heard_nothing(error)?;
                return Ok(Vec::new());
            }
        };
        self.heard();
        // Those that have left the queue may be in the accounts.
        let mut accounts: HashMap<String, Rows> = HashMap::new();
        let (mut gone, mut unsure, mut n_found) = (Vec::new(), Vec::new(), 0);
        for (order, candidates) in orders.into_iter().zip(of_order) {
            let mut place = None;
            let mut may_come = false;
            for (token, index) in candidates {
                let Some(submission) = self.known.get_mut(&token) else { continue };
                let name = submission.record.name.clone();
                let found = rows.job(&name, index, true).cloned().or_else(|| {
                    let of_name = accounts
                        .entry(name.clone())
                        .or_insert_with(|| Rows::new(self.client.accounts(&name).unwrap_or_default()));
                    of_name.job(&name, index, true).cloned()
                });
                match found {
                    Some(row) if row.is_live() => {
                        if submission.record.id.is_none() {
                            submission.submitted(row.array.clone())?;
                        }
                        place = Some((token, index));
                        break;
                    }
                    // Its sender died before it had an answer, which may be on its way.
                    None if submission.record.id.is_none() && is_young(submission) => may_come = true,
                    // What has ended without a result, or was ended by hand, is done anew.
                    Some(_) | None => {
                        submission.note_end(index);
                        if submission.is_settled() {
                            self.known.remove(&token);
                        }
                    }
                }
            }
            match place {
                Some((token, index)) => {
                    n_found += 1;
                    self.jobs.insert(order.node, Tracked::new(order, token, index));
                }
                None if may_come => unsure.push(order),
                None => gone.push(order),
            }
        }
        if n_found > 0 {
            let are = if n_found == 1 { "job is" } else { "jobs are" };
            self.notice(format!("{n_found} {are} taken up again from Slurm's queue"));
            self.stir();
        }
        if !unsure.is_empty() {
            self.put_off(unsure, self.poll());
        }
        Ok(gone)
    }

    /// Submits an array; `false` where a limit is reached, and its orders wait.
    fn submit_array(
        &mut self,
        orders: Vec<Order>,
        avoid: &[String],
        arrays: bool,
    ) -> Result<bool, WorkersError> {
        let setting = &self.setting;
        let sender = Sender {
            layout: setting.store.layout(),
            study: &setting.study,
            settings: &setting.slurm,
            worker: &setting.worker,
            threads: setting.threads,
        };
        let jobs: Vec<_> = orders.iter().map(|order| &order.job).collect();
        let submission = Submission::prepare(sender, &jobs, arrays, avoid)?;
        let n = orders.len();
        match self.client.submit(&submission.record.command[1..]) {
            Ok(id) => {
                self.heard();
                self.at_once = self.at_once.saturating_mul(2);
                self.track(submission, orders, Some(id.clone()))?;
                let (are, log) = (if n == 1 { "job is" } else { "jobs are" }, "`ablatrix status` shows them");
                tracing::info!("{n} {are} in Slurm's queue as {id}; {log}");
                Ok(true)
            }
            // They may be in the queue all the same: `find_unanswered` looks for them.
            Err(CallError::NoAnswer { .. }) => {
                self.unanswered.insert(submission.record.token.clone(), Instant::now());
                self.track(submission, orders, None)?;
                Ok(true)
            }
            Err(CallError::NoProgram { program }) => {
                submission.discard();
                Err(WorkersError::NoProgram { program })
            }
            Err(CallError::Refused { said, .. }) => {
                submission.discard();
                self.refused(orders, &said, !avoid.is_empty())
            }
        }
    }

    fn refused(&mut self, mut orders: Vec<Order>, said: &str, avoids: bool) -> Result<bool, WorkersError> {
        match refusal::read(said, avoids) {
            Refusal::Avoided => {
                // There are no other nodes: these are as good as any.
                orders.iter_mut().for_each(|order| order.avoid.clear());
                self.put_off(orders, GATHER);
                Ok(false)
            }
            Refusal::Full => {
                self.at_once = (orders.len() / 2).max(1);
                self.notice(format!(
                    "Slurm takes no more jobs now ({said}); the others are submitted as these end"
                ));
                let is_last = orders.len() == 1 || !self.jobs.is_empty();
                self.put_off(orders, if is_last { self.poll().max(FULL_PAUSE) } else { GATHER });
                Ok(false)
            }
            Refusal::Spec(key) => Err(WorkersError::Refused { key, why: said.to_owned() }),
        }
    }

    fn track(
        &mut self,
        mut submission: Submission,
        orders: Vec<Order>,
        id: Option<String>,
    ) -> Result<(), WorkersError> {
        if let Some(id) = id {
            submission.submitted(id)?;
        }
        let token = submission.record.token.clone();
        for (index, order) in orders.into_iter().enumerate() {
            self.jobs.insert(order.node, Tracked::new(order, token.clone(), index as u32));
        }
        self.known.insert(token, submission);
        self.stir();
        Ok(())
    }

    /// Submissions whose answer did not come: their names are in the queue, or they are made again.
    pub(super) fn find_unanswered(&mut self, rows: &Rows) -> Result<(), WorkersError> {
        for (token, since) in self.unanswered.clone() {
            let Some(submission) = self.known.get_mut(&token) else {
                self.unanswered.remove(&token);
                continue;
            };
            let id = match rows.any(&submission.record.name) {
                Some(row) => row.array.clone(),
                None if since.elapsed() < ANSWER_PATIENCE => continue,
                None => match self.client.submit(&submission.record.command[1..]) {
                    Ok(id) => id,
                    Err(CallError::NoAnswer { .. }) => {
                        self.unanswered.insert(token, Instant::now());
                        continue;
                    }
                    Err(CallError::NoProgram { program }) => return Err(WorkersError::NoProgram { program }),
                    // It was taken before, so that this passes.
                    Err(CallError::Refused { said, .. }) => {
                        self.unanswered.insert(token, Instant::now());
                        self.notice(format!(
                            "Slurm does not take jobs again whose submission was lost ({said})"
                        ));
                        continue;
                    }
                },
            };
            submission.submitted(id)?;
            self.unanswered.remove(&token);
            self.stir();
        }
        Ok(())
    }

    fn array_size(&mut self) -> Result<usize, CallError> {
        if let Some(max) = self.max_array_size {
            return Ok(max);
        }
        let max = max_array_size(&self.client.configuration()?).unwrap_or(MAX_ARRAY_SIZE);
        self.max_array_size = Some(max);
        Ok(max)
    }

    fn put_off(&mut self, orders: Vec<Order>, pause: Duration) {
        self.waiting.extend(orders);
        self.submit_at = Instant::now() + pause;
    }
}

fn is_young(submission: &Submission) -> bool {
    let age_ms = clock::unix_ms() - submission.record.created_ms;
    // The clock of the host that sent it may be ahead.
    age_ms < YOUNG.as_millis() as i64
}
