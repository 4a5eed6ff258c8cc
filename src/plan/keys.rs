//! What each stage reads, and so what enters its key. The table of it stands in `fingerprint`.

use std::collections::HashMap;
use std::sync::Arc;

use super::graph::Node;
use super::sources::{SourceError, Sources};
use super::stage::Stage;
use crate::cache::Entry;
use crate::fingerprint::{Builder, Digest, Field, Fingerprint, KeyHasher};
use crate::job::{LIBTORCH, input};
use crate::spec::settings::{
    BalanceMethod, Captures, Format, Labels, Model, Normalise, SplitMethod, Variant,
};

/// The settings that `stage` reads, as the beginning of its key. A fold enters where there are folds, and so leaves the keys
/// of studies without them alone.
pub fn settings(stage: Stage, variant: &Variant, seed: u64, fold: Option<u32>) -> Builder {
    let key = Builder::new(stage.as_str(), stage.version());
    let key = match fold {
        Some(fold) => key.setting("fold", &fold),
        None => key,
    };
    let experiment = &variant.experiment;
    match stage {
        Stage::Ingest => {
            let dataset = &experiment.dataset;
            let key = key.setting("dataset.format", &dataset.format);
            match dataset.format {
                Format::Csv | Format::Parquet => {
                    let key = key
                        .setting("dataset.image_column", &dataset.image_column)
                        .setting("dataset.part_column", &dataset.part_column)
                        .setting("dataset.capture_column", &dataset.capture_column)
                        .setting("dataset.label_column", &dataset.label_column);
                    // Settings that are not read must not make a result stale.
                    let key = match dataset.label_column.as_str() {
                        "" => key,
                        _ => key.setting("dataset.label_separator", &dataset.label_separator),
                    };
                    match dataset.format {
                        Format::Csv => key.setting("dataset.delimiter", &dataset.delimiter),
                        _ => key,
                    }
                }
                Format::Folders => key.setting("dataset.same_file", &dataset.same_file),
                Format::Coco => key,
            }
        }
        Stage::Scan => key
            .setting("dataset.check_images", &experiment.dataset.check_images)
            .setting("dataset.bad_images", &experiment.dataset.bad_images),
        Stage::Label => groups(key, &experiment.labels),
        Stage::Split => {
            let mut key = key.setting("labels.min_positives", &experiment.labels.min_positives);
            if experiment.split.captures == Captures::Folder {
                // The folder of a class is no capture.
                key = key.setting("dataset.format", &experiment.dataset.format);
            }
            match experiment.split.method {
                SplitMethod::None => key.setting("split.method", &experiment.split.method),
                SplitMethod::Column => key
                    .setting("split.method", &experiment.split.method)
                    .setting("split.captures", &experiment.split.captures)
                    .setting("split.near_duplicates", &experiment.split.near_duplicates),
                _ => key.setting("split", &experiment.split),
            }
        }
        Stage::Balance => {
            let balance = &experiment.balance;
            let key = key.setting("balance.method", &balance.method);
            if balance.method == BalanceMethod::None {
                return key;
            }
            let key = key.setting("balance.by", &balance.by).setting("balance.exponent", &balance.exponent);
            match balance.method {
                BalanceMethod::Oversample => key.setting("balance.max_copies", &balance.max_copies),
                _ => key,
            }
        }
        Stage::Pixels => key.setting("images", &experiment.images),
        Stage::Regions => groups(key, &experiment.labels).setting("images", &experiment.images),
        Stage::Train => {
            let model = &experiment.model;
            // Names are for people: an op draws by its kind, and by its place among those of its kind.
            let ops: Vec<_> = variant.policy.iter().map(|named| &named.op).collect();
            let mut key = unusual(key, model);
            if variant.policy.iter().any(|named| named.nth > 0) {
                let nth: Vec<_> = variant.policy.iter().map(|named| named.nth).collect();
                key = key.setting("policy_nth", &nth);
            }
            if !model.freeze.is_none() && model.unfreeze_after > 0 {
                key = key.setting("model.unfreeze_after", &model.unfreeze_after);
            }
            key.setting("model.name", &model.name)
                .setting("model.head", &model.head)
                .setting("model.dropout", &model.dropout)
                .setting("model.freeze", &model.freeze)
                .setting("train", &experiment.train)
                .setting("policy", &ops)
                .setting("seed", &seed)
                .setting("device", &experiment.workers.device)
                .setting("libtorch", &LIBTORCH)
        }
        Stage::Predict => unusual(key, &experiment.model)
            .setting("model.name", &experiment.model.name)
            .setting("model.head", &experiment.model.head)
            .setting("train.precision", &experiment.train.precision)
            .setting("train.deterministic", &experiment.train.deterministic)
            .setting("device", &experiment.workers.device)
            .setting("libtorch", &LIBTORCH),
        Stage::References | Stage::Evaluate => key.setting("evaluate", &experiment.evaluate),
        Stage::Explain => {
            let (model, explain) = (&experiment.model, &experiment.explain);
            unusual(key, model)
                .setting("model.name", &model.name)
                .setting("model.head", &model.head)
                .setting("explain.method", &explain.method)
                // By what it means: `auto` is the last layer.
                .setting("explain.layer", &model.name.layer(&explain.layer))
                .setting("explain.faithfulness", &explain.faithfulness)
                .setting("train.deterministic", &experiment.train.deterministic)
                .setting("device", &experiment.workers.device)
                .setting("libtorch", &LIBTORCH)
        }
        Stage::Report => key,
    }
}

/// What labels are made of.
fn groups(key: Builder, labels: &Labels) -> Builder {
    // The order of groups is the order of columns: as pairs, since a JSON object has none.
    let sources: Vec<_> = labels.sources.iter().map(|source| source.from).collect();
    labels.tables().fold(key.setting("labels.from", &sources), |key, (table, source)| {
        let groups: Vec<_> = source.groups.iter().collect();
        key.setting(&format!("{table}.unmapped"), &source.unmapped)
            .setting(&format!("{table}.groups"), &groups)
    })
}

/// The settings of the network that reach both its training and its use, where they are not the usual ones.
fn unusual(mut key: Builder, model: &Model) -> Builder {
    if model.normalise != Normalise::Auto {
        key = key.setting("model.normalise", &model.normalise);
    }
    if let Some(module) = &model.module {
        key = key.setting("model.gives", &module.gives);
    }
    key
}

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

#[cfg(test)]
mod tests;
