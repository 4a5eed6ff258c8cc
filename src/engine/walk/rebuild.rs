//! Damaged results are made again, and with them all that was made of them.

use super::super::event::Event;
use super::{EngineError, MAX_REBUILDS, Status, Walk};
use crate::cache::CacheError;

impl Walk<'_> {
    /// Where an input's result is no longer whole, it and all that was made of it in this walk are wanted again: made
    /// anew on another machine it may have other bytes. Says whether there was one.
    pub(super) fn rebuild_damaged_inputs(&mut self, node: usize) -> Result<bool, EngineError> {
        if self.again.is_some() {
            return Ok(false);
        }
        let mut found = false;
        for from in self.plan.nodes[node].inputs.clone() {
            let Some(entry) = self.outcome.entries.get(&from.node) else {
                // Another stage met the damage first, and the input is being made again.
                found = true;
                continue;
            };
            if self.config.store.lookup(&entry.key)?.is_none() {
                found = true;
                self.want_again(from.node);
                let what = format!("the result of `{}` was damaged", self.plan.nodes[from.node].name);
                (self.listener)(Event::Rebuilding { what });
            }
        }
        if found {
            self.rebuilds += 1;
            self.prints.remove(&node);
            self.status[node] = Status::Want;
        }
        Ok(found && self.rebuilds <= MAX_REBUILDS)
    }

    /// No stage reads the report, the caller does: damage in it is looked for here. Says whether it is wanted again.
    pub(super) fn rebuild_damaged_report(&mut self) -> Result<bool, EngineError> {
        if self.again.is_some() {
            return Ok(false);
        }
        let report = self.plan.report();
        let Some(entry) = self.outcome.entries.get(&report) else { return Ok(false) };
        let mut found = false;
        for output in entry.outputs.values() {
            match self.config.store.object(&output.digest) {
                Ok(_) => {}
                Err(CacheError::Damaged { .. }) => found = true,
                Err(error) => return Err(error.into()),
            }
        }
        if !found || self.rebuilds >= MAX_REBUILDS {
            return Ok(false);
        }
        self.rebuilds += 1;
        self.want_again(report);
        let what = format!("the result of `{}` was damaged", self.plan.nodes[report].name);
        (self.listener)(Event::Rebuilding { what });
        Ok(true)
    }

    /// Forgets the result of a node, and of all that reads it. What runs at the moment is left to end; see `finish`.
    pub(super) fn want_again(&mut self, node: usize) {
        let mut lost = vec![false; self.plan.nodes.len()];
        lost[node] = true;
        // Inputs stand before what reads them.
        for reader in node..lost.len() {
            lost[reader] |= self.plan.nodes[reader].inputs.iter().any(|from| lost[from.node]);
            if lost[reader] && matches!(self.status[reader], Status::Done | Status::Queued | Status::Want) {
                self.outcome.entries.remove(&reader);
                self.prints.remove(&reader);
                self.status[reader] = Status::Want;
            }
        }
    }
}
