//! What the cache holds before anything is started, and what that leaves to do.

use super::super::event::Event;
use super::{EngineError, Status, Walk};
use crate::cache::CacheError;
use crate::plan::{Found, SourceError, look_up};

impl Walk<'_> {
    /// All that the cache holds already, without locks.
    pub(super) fn look_up_all(&mut self) -> Result<(), EngineError> {
        let found = match look_up(&self.plan, &self.config.store, self.sources, &self.wanted) {
            Ok(found) => found,
            // A key is made of a table that must be made again first.
            Err(SourceError::Cache(CacheError::Damaged { .. })) => return self.look_up_one_by_one(),
            Err(error) => return Err(error.into()),
        };
        for (node, found) in found.into_iter().enumerate() {
            match found {
                Found::Fresh(entry) => self.finish(node, entry, true),
                Found::LeftOut => self.status[node] = Status::Skipped,
                Found::Absent(_) | Found::Waits(_) | Found::NotGenerated => {}
            }
        }
        Ok(())
    }

    fn look_up_one_by_one(&mut self) -> Result<(), EngineError> {
        for node in 0..self.plan.nodes.len() {
            if !self.wanted(node) {
                self.status[node] = Status::Skipped;
            } else if self.inputs_done(node) {
                let Some(print) = self.print_or_rebuild(node)? else { continue };
                if let Some(entry) = self.config.store.lookup(&print.key)? {
                    self.finish(node, entry, true);
                }
            }
        }
        Ok(())
    }

    /// Runs that are not trained yet count as left out.
    pub(super) fn leave_out_jobs(&mut self) {
        for node in 0..self.plan.nodes.len() {
            let is_job = self.plan.nodes[node].stage.is_job();
            if is_job && self.status[node] == Status::Want {
                self.status[node] = Status::Skipped;
            }
        }
    }

    /// Tells how many stages and runs there are, and are to do.
    pub(super) fn tell_plan(&mut self) {
        let done = |node: usize| self.status[node] == Status::Done;
        let runs_to_do = self
            .plan
            .runs
            .iter()
            .filter(|run| self.wanted(run.train) && !(done(run.train) && done(run.predict)));
        let event = Event::Planned {
            stages: (0..self.plan.nodes.len()).filter(|&node| self.wanted(node)).count(),
            fresh: self.status.iter().filter(|status| **status == Status::Done).count(),
            runs: self.plan.runs.len(),
            runs_to_do: runs_to_do.count(),
        };
        (self.listener)(event);
    }
}
