//! What is ready is started: data stages in threads of this process, jobs in the pool.

use std::collections::HashMap;
use std::time::Instant;

use super::super::event::Event;
use super::super::job_of::job_of;
use super::super::workers::Order;
use super::{EngineError, Message, Status, Walk};
use crate::cache::{CacheError, Entry, Holder, Locked, given_files};
use crate::fingerprint::{Digest, Fingerprint};
use crate::plan::{SourceError, Stage, fingerprint};
use crate::stages::{self, Missing, StageError, StageWork};

impl Walk<'_> {
    /// Starts what can be started; says whether that alone brought a stage to its end, or back to its start.
    pub(super) fn start_ready(&mut self) -> Result<bool, EngineError> {
        let before = self.status.clone();
        let now = Instant::now();
        let order: Vec<usize> = (0..self.plan.nodes.len())
            .filter(|&node| matches!(self.status[node], Status::Want | Status::Queued))
            .filter(|&node| self.failures.may_start(node, now))
            .collect();
        // Scores before trainings, so that a run is whole soon after its training; of these the longest first, so that none is left to
        // run alone at the end.
        let mut order: Vec<(f64, usize)> = order.into_iter().map(|node| (self.urgency(node), node)).collect();
        order.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        let mut next = None;
        self.is_full = false;
        for (_, node) in order {
            if self.is_lost(node) {
                self.status[node] = Status::Skipped;
            } else if self.is_ready(node) {
                if self.has_room(node) {
                    self.start(node)?;
                } else if next.is_none() && self.plan.nodes[node].stage.is_job() {
                    next = Some(node);
                }
            }
        }
        if let Some(node) = next.filter(|_| next != self.prefetched) {
            self.prefetched = next;
            self.prefetch(node)?;
        }
        let under_way = |status: &Status| matches!(status, Status::Queued | Status::Running);
        Ok(self.status.iter().zip(&before).any(|(now, before)| now != before && !under_way(now)))
    }

    /// Whom this study would wait for, were it to wait: asked before anything is begun.
    pub(super) fn refuse_to_wait(&mut self) -> Result<(), EngineError> {
        for node in 0..self.plan.nodes.len() {
            if self.status[node] == Status::Want && self.wanted(node) && self.inputs_done(node) {
                let Some(print) = self.print_or_rebuild(node)? else { continue };
                if let Some(holder) = self.config.store.holder(&print.key)? {
                    return Err(self.busy(node, holder).into());
                }
            }
        }
        Ok(())
    }

    fn busy(&self, node: usize, holder: Holder) -> CacheError {
        CacheError::Busy { what: format!("`{}` is being computed", self.plan.nodes[node].name), holder }
    }

    /// Says what the job that will be given next reads.
    fn prefetch(&mut self, node: usize) -> Result<(), EngineError> {
        let Some(print) = self.print_or_rebuild(node)? else { return Ok(()) };
        let inputs = self.plan.nodes[node].inputs.iter();
        let mut digests: Vec<Digest> = inputs
            .filter_map(|from| Some(self.outcome.entries.get(&from.node)?.digest(from.output).clone()))
            .collect();
        digests.extend(given_files(&print).into_iter().map(|(_, digest)| digest));
        let layout = self.config.store.layout();
        let files = digests.iter().map(|digest| layout.object(digest)).collect();
        if let Some(workers) = &mut self.workers {
            workers.prefetch(files);
        }
        Ok(())
    }

    fn urgency(&self, node: usize) -> f64 {
        let node = &self.plan.nodes[node];
        if node.stage == Stage::Train { self.expected.weight(node) } else { f64::INFINITY }
    }

    pub(super) fn has_room(&mut self, node: usize) -> bool {
        if let Some(room) = self.room_to_ask(node) {
            return room;
        }
        match self.plan.nodes[node].stage {
            stage if stage.is_job() => {
                let (false, Some(workers)) = (self.is_full, &mut self.workers) else { return false };
                let avoid = self.failures.places(node);
                let has_room = workers.room(avoid) > 0;
                // Where there is no room at all, a thousand jobs need not ask for it one by one.
                self.is_full = !has_room && avoid.is_empty();
                has_room
            }
            _ => self.running_data < self.config.data_threads.max(1),
        }
    }

    pub(super) fn start(&mut self, node: usize) -> Result<(), EngineError> {
        let Some(print) = self.print_or_rebuild(node)? else {
            return Ok(());
        };
        // Before the look, and before it is made: neither is then collected.
        if let Some(lease) = &mut self.lease {
            lease.claim([&print.key]);
        }
        if let Some(entry) = self.config.store.lookup(&print.key)? {
            self.finish(node, entry, true);
            return Ok(());
        }
        match self.config.store.try_lock(&print.key)? {
            Locked::Held(holder) => {
                if self.config.no_wait {
                    return Err(self.busy(node, holder).into());
                }
                let holder = holder.name;
                self.status[node] = Status::Queued;
                if self.told_waiting.get(&node) != Some(&holder) {
                    self.told_waiting.insert(node, holder.clone());
                    (self.listener)(Event::Waiting { node: self.plan.nodes[node].name.clone(), holder });
                }
                return Ok(());
            }
            Locked::Mine(lock) => {
                self.locks.insert(node, lock);
            }
        }
        // The other process may have published between the look and the lock.
        if let Some(entry) = self.config.store.lookup(&print.key)? {
            self.finish(node, entry, true);
            return Ok(());
        }
        if self.ask(node, &print) {
            return Ok(());
        }
        self.status[node] = Status::Running;
        self.started.insert(node, Instant::now());
        let (name, stage, run) = self.names(node);
        (self.listener)(Event::Started { node: name, stage, run, key: print.key.clone() });
        match stage {
            stage if stage.is_job() => self.start_job(node, &print),
            _ => self.start_data(node, print),
        }
    }

    pub(super) fn start_job(&mut self, node: usize, print: &Fingerprint) -> Result<(), EngineError> {
        let of_record = self.threads_again(node);
        let (Some(engine), Some(workers)) = (&self.config.workers, &mut self.workers) else {
            panic!("bug: a job without workers");
        };
        let threads = of_record.unwrap_or_else(|| engine.threads());
        let entries = &self.outcome.entries;
        let digest = |from: usize, output: &str| entries[&from].digest(output).clone();
        // Given files are no stage's output: no result says yet that they are needed.
        if let Some(lease) = &mut self.lease {
            lease.claim(given_files(print).iter().map(|(_, digest)| digest));
        }
        let job = job_of(&self.plan.nodes[node], print, digest, &self.config.store, self.sources, threads)?;
        let expected_bytes = self.expected.bytes();
        let avoid = self.failures.places(node).to_vec();
        workers.give(Order { node, job, expected_bytes, avoid })?;
        Ok(())
    }

    pub(super) fn start_data(&mut self, node: usize, print: Fingerprint) -> Result<(), EngineError> {
        let work = StageWork {
            plan: self.plan.clone(),
            node,
            missing: self.missing(node),
            under_way: false,
            entries: self.input_entries(node),
            store: self.config.store.clone(),
            fingerprint: print,
        };
        let sender = self.sender.clone();
        let started = Instant::now();
        self.running_data += 1;
        std::thread::spawn(move || {
            let progress = |done, total| {
                let _ = sender.send(Message::Progress { node, done, total });
            };
            let compute = std::panic::AssertUnwindSafe(|| stages::compute(&work, &progress));
            let result = std::panic::catch_unwind(compute).unwrap_or_else(|panic| {
                let text = panic.downcast_ref::<String>().cloned();
                let text = text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
                Err(StageError::Panicked { message: text.unwrap_or_default() })
            });
            let _ = sender.send(Message::Data { node, result: Box::new(result), started });
        });
        Ok(())
    }

    pub(super) fn input_entries(&self, node: usize) -> HashMap<usize, Entry> {
        let inputs = self.plan.nodes[node].inputs.iter();
        inputs.filter_map(|from| Some((from.node, self.outcome.entries.get(&from.node)?.clone()))).collect()
    }

    /// The runs that the report must name as failed.
    pub(super) fn missing(&self, node: usize) -> Vec<Missing> {
        if self.plan.nodes[node].stage != Stage::Report || self.again.is_some() {
            return Vec::new();
        }
        let failed: HashMap<usize, &String> =
            self.outcome.failed.iter().map(|(node, why)| (*node, why)).collect();
        let of_run = |run: &crate::plan::Run| {
            let why = run.nodes().find_map(|node| failed.get(&node).copied())?;
            Some(Missing { run: run.name.clone(), why: why.clone() })
        };
        self.plan.runs.iter().filter_map(of_run).collect()
    }

    pub(super) fn print(&mut self, node: usize) -> Result<Fingerprint, EngineError> {
        if let Some(print) = self.prints.get(&node) {
            return Ok(print.clone());
        }
        let entries = &self.outcome.entries;
        let print = if self.inputs_done(node) {
            fingerprint(&self.plan.nodes[node], |from| &entries[&from], self.sources)?
        } else {
            let mut partial = self.plan.nodes[node].clone();
            partial.inputs.retain(|from| entries.contains_key(&from.node));
            let missing = serde_json::to_value(self.missing(node)).unwrap_or_default();
            partial.extra.push(("missing", missing));
            fingerprint(&partial, |from| &entries[&from], self.sources)?
        };
        self.prints.insert(node, print.clone());
        Ok(print)
    }

    /// The key, or `None` where an input that it is made of was found damaged and is wanted again.
    pub(super) fn print_or_rebuild(&mut self, node: usize) -> Result<Option<Fingerprint>, EngineError> {
        match self.print(node) {
            Err(EngineError::Source(SourceError::Cache(error @ CacheError::Damaged { .. }))) => {
                match self.rebuild_damaged_inputs(node)? {
                    true => Ok(None),
                    false => Err(error.into()),
                }
            }
            result => result.map(Some),
        }
    }
}
