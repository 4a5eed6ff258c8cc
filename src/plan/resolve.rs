//! Decides whether a stage must run again.
//!
//! Takes a plan and the cache; gives each node `Fresh` or `Dirty` with the reason. Knows nothing of processes,
//! tensors, or what a stage does.

use std::fmt;

use serde::Serialize;

use super::graph::Plan;
use super::keys::fingerprint;
use super::latest::Latest;
use super::sources::{SourceError, Sources};
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
        let short = |value: &Option<String>| match value {
            Some(text) if Digest::parse(text).is_some() => format!("`{}`", &text[..12]),
            Some(text) => format!("`{text}`"),
            None => "nothing".to_owned(),
        };
        match self {
            DirtyReason::New => f.write_str("new"),
            DirtyReason::Changed { field, old, new } => {
                write!(f, "`{field}` was {}, is {}", short(old), short(new))
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
    let mut states: Vec<State> = Vec::with_capacity(plan.nodes.len());
    for node in &plan.nodes {
        let waits = node.inputs.iter().find(|from| matches!(states[from.node], State::Dirty(_)));
        if let Some(from) = waits {
            states.push(State::Dirty(DirtyReason::Input { node: plan.nodes[from.node].name.clone() }));
            continue;
        }
        let dataset = &node.variant.experiment.dataset;
        if node.inputs.is_empty() && dataset.generate.is_some() && !dataset.annotations.exists() {
            states.push(State::Dirty(DirtyReason::NotGenerated));
            continue;
        }
        let print = fingerprint(node, |i| fresh(&states[i]), sources)?;
        states.push(match store.lookup(&print.key)? {
            Some(entry) => State::Fresh(Box::new(entry)),
            None => State::Dirty(reason(&print, store, latest.key(&node.name))?),
        });
    }
    Ok(states)
}

fn fresh(state: &State) -> &Entry {
    match state {
        State::Fresh(entry) => entry,
        State::Dirty(_) => panic!("bug: a key is made only when all inputs are there"),
    }
}

/// Compares a key with that of the stage's last result, and names the first field that differs.
fn reason(print: &Fingerprint, store: &Store, last: Option<&Digest>) -> Result<DirtyReason, SourceError> {
    let Some(last) = last else {
        return Ok(DirtyReason::New);
    };
    if *last == print.key {
        return Ok(DirtyReason::Lost);
    }
    let Some(old) = store.lookup(last)? else {
        return Ok(DirtyReason::New);
    };
    let old = &old.fingerprint.fields;
    let find = |fields: &[crate::fingerprint::Field], name: &str| {
        fields.iter().find(|field| field.name == name).map(|field| field.value.clone())
    };
    for field in &print.fields {
        let before = find(old, &field.name);
        if before.as_ref() != Some(&field.value) {
            let (field, new) = (field.name.clone(), Some(field.value.clone()));
            return Ok(DirtyReason::Changed { field, old: before, new });
        }
    }
    let gone = old.iter().find(|field| find(&print.fields, &field.name).is_none());
    Ok(match gone {
        Some(field) => {
            DirtyReason::Changed { field: field.name.clone(), old: Some(field.value.clone()), new: None }
        }
        None => DirtyReason::New,
    })
}
