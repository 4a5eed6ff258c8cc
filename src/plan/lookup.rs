//! What the cache holds of a plan, found for many runs at a time.
//!
//! The stages of the data come first, one after the other. Runs read those and nothing of each other, so that they are
//! looked up in parallel.

use rayon::prelude::*;

use super::graph::Plan;
use super::keys::Keys;
use super::sources::{SourceError, Sources};
use crate::cache::{Entry, Store};
use crate::dataset::generate;
use crate::fingerprint::Digest;

/// A node after a look into the cache.
#[derive(Clone, Debug)]
pub enum Found {
    /// Its result is there.
    Fresh(Entry),
    /// There is nothing under its key.
    Absent(Digest),
    /// It has no key yet: this node, which it reads, is to be made first.
    Waits(usize),
    /// The dataset is still to be generated.
    NotGenerated,
    /// Nobody asked for it.
    LeftOut,
}

impl Found {
    /// The result, where there is one.
    pub fn entry(&self) -> Option<&Entry> {
        match self {
            Found::Fresh(entry) => Some(entry),
            _ => None,
        }
    }
}

/// Looks up all nodes of `plan` that are `wanted`, in its order.
///
/// # Errors
/// Where a file outside the cache, or the cache, cannot be read.
pub fn look_up(
    plan: &Plan,
    store: &Store,
    sources: &Sources,
    wanted: &[bool],
) -> Result<Vec<Found>, SourceError> {
    let look = Look { plan, store, sources, wanted };
    let mut found = vec![Found::LeftOut; plan.nodes.len()];
    let mut keys = Keys::default();
    for node in plan.shared() {
        found[node] = look.one(&mut keys, node, |node| &found[node])?;
    }
    // Once for all runs, not by each of them at the same time.
    for run in plan.runs.iter().filter(|run| wanted[run.train]) {
        let model = &plan.nodes[run.train].variant.experiment.model;
        sources.weights(&model.weights)?;
        if let Some(module) = &model.module {
            sources.module(&module.path)?;
        }
    }
    let of_runs: Vec<Vec<(usize, Found)>> = plan
        .runs
        .par_iter()
        .map_init(Keys::default, |keys, run| {
            let mut of_run: Vec<(usize, Found)> = Vec::with_capacity(4);
            for node in run.nodes() {
                let known = |from| of_run.iter().find(|(node, _)| *node == from).map(|(_, of_node)| of_node);
                let of_node = look.one(keys, node, |from| known(from).unwrap_or(&found[from]))?;
                of_run.push((node, of_node));
            }
            Ok(of_run)
        })
        .collect::<Result<_, SourceError>>()?;
    for (node, of_node) in of_runs.into_iter().flatten() {
        found[node] = of_node;
    }
    let report = plan.report();
    found[report] = look.one(&mut keys, report, |node| &found[node])?;
    Ok(found)
}

struct Look<'a> {
    plan: &'a Plan,
    store: &'a Store,
    sources: &'a Sources,
    wanted: &'a [bool],
}

impl Look<'_> {
    /// `found` gives what was found of the nodes that `node` reads.
    fn one<'f>(
        &self,
        keys: &mut Keys,
        node: usize,
        found: impl Fn(usize) -> &'f Found,
    ) -> Result<Found, SourceError> {
        if !self.wanted[node] {
            return Ok(Found::LeftOut);
        }
        let node = &self.plan.nodes[node];
        if let Some(from) = node.inputs.iter().find(|from| found(from.node).entry().is_none()) {
            return Ok(Found::Waits(from.node));
        }
        let dataset = &node.variant.experiment.dataset;
        let made = dataset.generate.as_ref();
        if node.inputs.is_empty() && made.is_some_and(|made| !generate::is_there(&dataset.images, made)) {
            return Ok(Found::NotGenerated);
        }
        let entry = |node| match found(node) {
            Found::Fresh(entry) => entry,
            _ => panic!("bug: a key is made only when all inputs are there"),
        };
        let key = keys.key(node, entry, self.sources)?;
        Ok(self.store.lookup(&key)?.map_or(Found::Absent(key), Found::Fresh))
    }
}
