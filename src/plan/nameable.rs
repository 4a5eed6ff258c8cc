//! The stages whose results are not there but whose keys are known: what another cache can be asked for.

use std::collections::HashSet;

use super::graph::Plan;
use super::keys::fingerprint;
use super::resolve::{DirtyReason, State};
use super::sources::{SourceError, Sources};
use crate::cache::Entry;
use crate::fingerprint::Digest;

/// The keys of the stages that must run, and whose inputs are all there. With their results, those of the stages after
/// them can be named.
///
/// # Errors
/// Where a file outside the cache cannot be read.
pub fn nameable(plan: &Plan, states: &[State], sources: &Sources) -> Result<HashSet<Digest>, SourceError> {
    let entry = |from: usize| -> &Entry {
        match &states[from] {
            State::Fresh(entry) => entry,
            State::Dirty(_) => panic!("bug: a key is made only when all inputs are there"),
        }
    };
    let waits =
        |reason: &DirtyReason| matches!(reason, DirtyReason::Input { .. } | DirtyReason::NotGenerated);
    let named = plan.nodes.iter().zip(states).filter_map(|(node, state)| match state {
        State::Dirty(reason) if !waits(reason) => Some(fingerprint(node, entry, sources)),
        _ => None,
    });
    named.map(|print| print.map(|print| print.key)).collect()
}
