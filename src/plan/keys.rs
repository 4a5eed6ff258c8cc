//! What each stage reads, and so what enters its key. The table of it stands in `fingerprint`.
//!
//! Which settings enter is decided in `settings`, where every struct of the experiment is taken apart: a field that is new does
//! not compile before that is decided.

mod settings;
#[cfg(test)]
mod tests;
mod whole;

use std::collections::HashMap;
use std::sync::Arc;

use super::graph::Node;
use super::sources::{SourceError, Sources};
use super::stage::Stage;
use crate::cache::Entry;
use crate::fingerprint::{Digest, Field, Fingerprint, KeyHasher};
use crate::job::input;
use crate::spec::settings::Variant;

pub use settings::settings;
pub use whole::whole;

/// The key of a node whose inputs are all there, with what it is made of; `entries` gives the entry of an input's node.
///
/// # Errors
/// Where a file outside the cache cannot be read.
pub fn fingerprint<'e>(
    node: &Node,
    entries: impl Fn(usize) -> &'e Entry,
    sources: &Sources,
) -> Result<Fingerprint, SourceError> {
    let mut key = settings(node.stage, &node.variant, node.seed, node.fold);
    for (name, digest) in outside(node, &entries, sources)? {
        key = key.input(name, &digest);
    }
    for (name, value) in &node.extra {
        key = key.setting(name, value);
    }
    for from in &node.inputs {
        key = key.input(&from.name, entries(from.node).digest(from.output));
    }
    Ok(key.finish())
}

/// What a node reads outside the cache, and the digests.
fn outside<'e>(
    node: &Node,
    entries: impl Fn(usize) -> &'e Entry,
    sources: &Sources,
) -> Result<Vec<(&'static str, Digest)>, SourceError> {
    let experiment = &node.variant.experiment;
    let mut read = Vec::new();
    match node.stage {
        Stage::Ingest => read.push(("annotations", sources.annotations(&experiment.dataset)?)),
        Stage::Scan if experiment.dataset.check_images => {
            let images = entries(node.inputs[0].node).digest(node.inputs[0].output);
            read.push(("files", sources.files(&experiment.dataset, images)?));
        }
        stage if stage.is_job() => {
            let model = &experiment.model;
            if let Some(module) = &model.module {
                read.push((input::MODULE, sources.module(&module.path)?));
            }
            if node.stage == Stage::Train
                && let Some(digest) = sources.weights(&model.weights)?
            {
                read.push((input::WEIGHTS, digest));
            }
        }
        _ => {}
    }
    Ok(read)
}

/// Makes the keys of many nodes, of which neighbours share a variant: its settings are laid out once for all of its seeds
/// and folds.
#[derive(Debug, Default)]
pub struct Keys {
    last: HashMap<Stage, (Arc<Variant>, Vec<Field>)>,
}

impl Keys {
    /// The key that [`fingerprint`] gives.
    ///
    /// # Errors
    /// Where a file outside the cache cannot be read.
    pub fn key<'e>(
        &mut self,
        node: &Node,
        entries: impl Fn(usize) -> &'e Entry,
        sources: &Sources,
    ) -> Result<Digest, SourceError> {
        if !node.extra.is_empty() {
            return Ok(fingerprint(node, entries, sources)?.key);
        }
        let mut key = KeyHasher::new(node.stage.as_str());
        for field in self.settings(node) {
            match (field.name.as_str(), node.fold) {
                ("seed", _) => key.field("seed", &node.seed.to_string()),
                ("fold", Some(fold)) => key.field("fold", &fold.to_string()),
                (name, _) => key.field(name, &field.value),
            }
        }
        for (name, digest) in outside(node, &entries, sources)? {
            key.input(name, &digest);
        }
        for from in &node.inputs {
            key.input(&from.name, entries(from.node).digest(from.output));
        }
        Ok(key.finish())
    }

    /// The settings of a node of the same stage and variant.
    fn settings(&mut self, node: &Node) -> &[Field] {
        let known =
            self.last.get(&node.stage).is_some_and(|(variant, _)| Arc::ptr_eq(variant, &node.variant));
        if !known {
            let fields = settings(node.stage, &node.variant, node.seed, node.fold).into_fields();
            self.last.insert(node.stage, (node.variant.clone(), fields));
        }
        self.last.get(&node.stage).map_or(&[], |(_, fields)| fields)
    }
}
