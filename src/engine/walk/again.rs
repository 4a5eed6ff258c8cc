//! Results that are there are made again, to be compared: a walk that begins with all results, and does some of its nodes though
//! they have one. It is given a private cache, so that nothing it makes becomes a result.

use std::collections::HashMap;

use super::{Status, Walk};
use crate::cache::Entry;
use crate::job::THREADS_NOTE;

/// Threads that a record is believed to have been made with.
const MOST_THREADS: u32 = 1024;

/// What is done though there is a result.
#[derive(Clone, Copy)]
pub(in crate::engine) struct Again<'a> {
    /// All results. Each node reads these, also where what it reads is being done again.
    pub results: &'a HashMap<usize, Entry>,
    /// The nodes that are done again; they and all that they read have results.
    pub nodes: &'a [usize],
}

impl Walk<'_> {
    pub(super) fn begin_again(&mut self, again: Again<'_>) {
        let Again { results, nodes } = again;
        for (node, status) in self.status.iter_mut().enumerate() {
            *status = if results.contains_key(&node) { Status::Done } else { Status::Skipped };
        }
        for &node in nodes {
            self.status[node] = Status::Want;
        }
        for (&node, entry) in results {
            self.expected.learn(&self.plan.nodes[node], entry);
        }
        self.outcome.entries.clone_from(results);
    }

    /// The threads that the result of a node was made with, if it is made again, and its record says so: with another number weights
    /// may be others.
    pub(super) fn threads_again(&self, node: usize) -> Option<u32> {
        let entry = self.again.and_then(|again| again.results.get(&node))?;
        let threads = entry.provenance.notes.get(THREADS_NOTE)?.parse().ok()?;
        (1..=MOST_THREADS).contains(&threads).then_some(threads)
    }
}
