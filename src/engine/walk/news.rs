//! What threads and workers say, and what follows from it.

use std::path::PathBuf;
use std::time::Instant;

use super::super::event::Event;
use super::super::failure::Decision;
use super::super::workers::{Ended, News};
use super::{EngineError, Message, Status, Walk};
use crate::cache::Entry;
use crate::job::WorkerEvent;
use crate::plan::{Node, Stage};
use crate::stages::StageError;

impl Walk<'_> {
    pub(super) fn take(&mut self, message: Message) -> Result<(), EngineError> {
        match message {
            Message::Progress { node, done, total } => {
                let node = self.plan.nodes[node].name.clone();
                (self.listener)(Event::Progress { node, done, total });
            }
            Message::Data { node, result, started } => {
                self.running_data -= 1;
                match *result {
                    Ok(entry) => {
                        self.started.insert(node, started);
                        self.finish(node, entry, false);
                    }
                    Err(error) => self.data_failed(node, error)?,
                }
            }
            Message::Remote(from) => self.take_from_remote(from)?,
            // They are asked once all messages are read.
            Message::Wake => {}
        }
        Ok(())
    }

    pub(super) fn take_from_workers(&mut self) -> Result<(), EngineError> {
        let Some(workers) = &mut self.workers else { return Ok(()) };
        for news in workers.news()? {
            match news {
                News::Told { node, event } => self.job_tells(node, event),
                News::Ended { node, how, place, log } => self.job_ended(node, how, place, log)?,
                News::Notice { message } => (self.listener)(Event::Workers { message }),
                News::Placed { node, slot, slots } => {
                    let node = self.plan.nodes[node].name.clone();
                    (self.listener)(Event::Placed { node, slot, slots });
                }
            }
        }
        Ok(())
    }

    fn job_tells(&mut self, node: usize, event: WorkerEvent) {
        let Node { run, stage, .. } = &self.plan.nodes[node];
        let (run, stage) = (run.clone(), *stage);
        match event {
            WorkerEvent::Started { resumed_epochs, resumed_steps, epochs, .. } if stage == Stage::Train => {
                (self.listener)(Event::TrainingFrom { run, resumed_epochs, resumed_steps, epochs });
            }
            WorkerEvent::Epoch { row, .. } => (self.listener)(Event::Epoch { run, row }),
            WorkerEvent::Notice { message, once, .. } => {
                (self.listener)(Event::Notice { stage, run, message, once });
            }
            _ => {}
        }
    }

    fn job_ended(
        &mut self,
        node: usize,
        how: Ended,
        place: Option<String>,
        log: Option<PathBuf>,
    ) -> Result<(), EngineError> {
        // A worker may have published and died before it could say so.
        let key = self.print(node)?.key;
        if let Some(entry) = self.config.store.lookup(&key)? {
            self.finish(node, entry, false);
            return Ok(());
        }
        self.locks.remove(&node);
        // Damaged inputs are found by the worker that reads them: look whether any has gone.
        if self.rebuild_damaged_inputs(node)? {
            return Ok(());
        }
        let decision = self.failures.decide(node, &how, place, Instant::now());
        let why = match how {
            Ended::Well => "the worker said that it is done, but the cache holds no result".to_owned(),
            Ended::Failed(why) | Ended::Lost(why) | Ended::Preempted(why) => why,
        };
        match decision {
            Decision::Retry => {
                // Until it may start again.
                self.status[node] = Status::Queued;
                let (name, stage, run) = self.names(node);
                (self.listener)(Event::Retrying { node: name, stage, run, why });
            }
            Decision::GiveUp => self.fail(node, why, log),
        }
        Ok(())
    }

    pub(super) fn data_failed(&mut self, node: usize, error: StageError) -> Result<(), EngineError> {
        self.locks.remove(&node);
        if error.is_damage() && self.rebuild_damaged_inputs(node)? {
            return Ok(());
        }
        self.fail(node, error.chain(), None);
        if error.spec_path().is_some() && self.outcome.spec_fault.is_none() {
            self.outcome.spec_fault = Some(error);
        }
        Ok(())
    }

    pub(super) fn finish(&mut self, node: usize, entry: Entry, cached: bool) {
        self.locks.remove(&node);
        let fetched = self.asking.as_mut().is_some_and(|asking| asking.brought(node));
        let open = |status: &Status| matches!(status, Status::Want | Status::Queued | Status::Running);
        let inputs = &self.plan.nodes[node].inputs;
        if inputs.iter().any(|from| open(&self.status[from.node]) && !self.has(from.node)) {
            // What it was made of is being made anew: its result is whole, but may belong to another key.
            self.prints.remove(&node);
            self.status[node] = Status::Want;
            return;
        }
        self.status[node] = Status::Done;
        if let Some(lease) = &mut self.lease {
            lease.claim([&entry.key]);
        }
        self.news |= self.latest.note(&self.plan.nodes[node].name, &entry.key);
        self.outcome.fetched += usize::from(fetched);
        if !cached {
            self.outcome.computed += 1;
        }
        let elapsed_s = self.started.get(&node).map_or(0.0, |at| at.elapsed().as_secs_f64());
        let (name, stage, run) = self.names(node);
        let result = Box::new(entry.clone());
        let event = Event::Finished { node: name, stage, run, entry: result, cached, fetched, elapsed_s };
        self.expected.learn(&self.plan.nodes[node], &entry);
        // Of one that is done again the first result stays: others read it.
        self.outcome.entries.entry(node).or_insert(entry);
        (self.listener)(event);
    }

    pub(super) fn fail(&mut self, node: usize, message: String, log: Option<PathBuf>) {
        self.status[node] = Status::Failed;
        self.outcome.failed.push((node, message.clone()));
        let (name, stage, run) = self.names(node);
        (self.listener)(Event::Failed { node: name, stage, run, message, log });
    }

    pub(super) fn names(&self, node: usize) -> (String, Stage, String) {
        let node = &self.plan.nodes[node];
        (node.name.clone(), node.stage, node.run.clone())
    }
}
