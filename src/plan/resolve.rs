//! Decides whether a stage must run again.
//!
//! Takes a plan and the cache; gives each node `Fresh` or `Dirty` with the reason. Knows nothing of processes,
//! tensors, or what a stage does.

use std::fmt;

use rayon::prelude::*;
use serde::Serialize;

use super::change::{Change, told};
use super::graph::Plan;
use super::keys::fingerprint;
use super::latest::Latest;
use super::lookup::{Found, look_up};
use super::sources::{SourceError, Sources};
use super::stage::Stage;
use crate::cache::{Entry, Store};
use crate::fingerprint::{Digest, Fingerprint};

/// A node after a look into the cache.
#[derive(Clone, Debug)]
pub enum State {
    /// Its result is there.
    Fresh(Box<Entry>),
    /// It must run.
    Dirty(DirtyReason),
}

/// Why a stage must run.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "reason")]
pub enum DirtyReason {
    /// There was no result of it in this study.
    New,
    /// A field of its key is another one.
    Changed {
        /// The field, as in `policy[0].op.p` or `input.labels`.
        field: String,
        /// What it was; `None` where there was none.
        old: Option<String>,
        /// What it is; `None` where there is none any more.
        new: Option<String>,
    },
    /// Its result was there, and is gone or damaged.
    Lost,
    /// What it reads is to be made first.
    Input {
        /// The stage that makes it.
        node: String,
    },
    /// The dataset is still to be generated.
    NotGenerated,
}

impl fmt::Display for DirtyReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DirtyReason::New => f.write_str("new"),
            DirtyReason::Changed { field, old, new } => {
                f.write_str(&told(field, old.as_deref(), new.as_deref()))
            }
            DirtyReason::Lost => f.write_str("its result is gone from the cache"),
            DirtyReason::Input { node } => write!(f, "after `{node}`"),
            DirtyReason::NotGenerated => f.write_str("the dataset is still to be generated"),
        }
    }
}

/// The state of every node of `plan`, in its order.
///
/// # Errors
/// Where a file outside the cache, or the cache, cannot be read.
pub fn resolve(
    plan: &Plan,
    store: &Store,
    sources: &Sources,
    latest: &Latest,
) -> Result<Vec<State>, SourceError> {
    let found = look_up(plan, store, sources, &vec![true; plan.nodes.len()])?;
    let entry = |node: usize| match &found[node] {
        Found::Fresh(entry) => entry,
        _ => panic!("bug: a key is made only when all inputs are there"),
    };
    let reason = |(node, of_node): (usize, &Found)| {
        let node = &plan.nodes[node];
        Ok(Some(match of_node {
            Found::Fresh(_) | Found::LeftOut => return Ok(None),
            Found::Absent(key) => match latest.key(&node.name) {
                None => DirtyReason::New,
                Some(last) if last == key => DirtyReason::Lost,
                Some(last) => changed(&fingerprint(node, entry, sources)?, store, last)?,
            },
            Found::Waits(from) => DirtyReason::Input { node: plan.nodes[*from].name.clone() },
            Found::NotGenerated => DirtyReason::NotGenerated,
        }))
    };
    let reasons: Vec<Option<DirtyReason>> =
        found.par_iter().enumerate().map(reason).collect::<Result<_, SourceError>>()?;
    let state = |(found, reason): (Found, Option<DirtyReason>)| match (found, reason) {
        (Found::Fresh(entry), _) => State::Fresh(Box::new(entry)),
        (_, reason) => State::Dirty(reason.unwrap_or(DirtyReason::New)),
    };
    Ok(found.into_iter().zip(reasons).map(state).collect())
}

/// The last report, where it was made of just the results that there are now: of fewer runs than the plan has.
///
/// # Errors
/// Where a file outside the cache, or the cache, cannot be read.
pub fn last_report(
    plan: &Plan,
    states: &[State],
    store: &Store,
    sources: &Sources,
    latest: &Latest,
) -> Result<Option<Entry>, SourceError> {
    let mut node = plan.nodes[plan.report()].clone();
    let Some(last) = latest.key(&node.name) else { return Ok(None) };
    let Some(entry) = store.lookup(last)? else { return Ok(None) };
    node.inputs.retain(|from| matches!(states[from.node], State::Fresh(_)));
    let now = fingerprint(&node, |i| fresh(&states[i]), sources)?;
    // Why the others are missing is told on the page, and is no result.
    let Some(old) = store.fingerprint(last)? else { return Ok(None) };
    let told = old.fields.iter().filter(|field| !field.name.starts_with("missing"));
    Ok(told.eq(now.fields.iter()).then_some(entry))
}

fn fresh(state: &State) -> &Entry {
    match state {
        State::Fresh(entry) => entry,
        State::Dirty(_) => panic!("bug: a key is made only when all inputs are there"),
    }
}

/// A stage that must run, with all that is another than at its last result.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Why {
    /// The stage's name.
    pub node: String,
    /// Its kind.
    pub stage: Stage,
    /// Why it must run.
    pub reason: DirtyReason,
    /// Every field that differs; none where the reason is another one.
    pub changes: Vec<Change>,
}

/// Every stage of `plan` that must run, and why, in its order.
///
/// # Errors
/// Where a file outside the cache, or the cache, cannot be read.
pub fn why(plan: &Plan, store: &Store, sources: &Sources, latest: &Latest) -> Result<Vec<Why>, SourceError> {
    let states = resolve(plan, store, sources, latest)?;
    let mut all = Vec::new();
    for (node, state) in plan.nodes.iter().zip(&states) {
        let State::Dirty(reason) = state else { continue };
        let mut changes = Vec::new();
        if let (DirtyReason::Changed { .. }, Some(last)) = (reason, latest.key(&node.name)) {
            let print = fingerprint(node, |i| fresh(&states[i]), sources)?;
            changes = store.fingerprint(last)?.map_or_else(Vec::new, |old| differences(&print, &old));
        }
        let (node, stage) = (node.name.clone(), node.stage);
        all.push(Why { node, stage, reason: reason.clone(), changes });
    }
    Ok(all)
}

/// Compares a key with that of the stage's last result, and names the first field that differs.
fn changed(print: &Fingerprint, store: &Store, last: &Digest) -> Result<DirtyReason, SourceError> {
    let Some(old) = store.fingerprint(last)? else {
        return Ok(DirtyReason::New);
    };
    Ok(match differences(print, &old).into_iter().next() {
        Some(Change { field, old, new }) => DirtyReason::Changed { field, old, new },
        None => DirtyReason::New,
    })
}

/// Every field that differs: those that there are in their order, then those that are gone.
fn differences(new: &Fingerprint, old: &Fingerprint) -> Vec<Change> {
    let find = |print: &Fingerprint, name: &str| {
        print.fields.iter().find(|field| field.name == name).map(|field| field.value.clone())
    };
    let changed = new.fields.iter().filter_map(|field| {
        let before = find(old, &field.name);
        let differs = before.as_ref() != Some(&field.value);
        differs.then(|| Change { field: field.name.clone(), old: before, new: Some(field.value.clone()) })
    });
    let gone = old.fields.iter().filter(|field| find(new, &field.name).is_none());
    let gone =
        gone.map(|field| Change { field: field.name.clone(), old: Some(field.value.clone()), new: None });
    changed.chain(gone).collect()
}
