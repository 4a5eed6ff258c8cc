//! What each stage reads, and so what enters its key. The table of it stands in `fingerprint`.

use super::graph::Node;
use super::sources::{SourceError, Sources};
use super::stage::Stage;
use crate::cache::Entry;
use crate::fingerprint::{Builder, Fingerprint};
use crate::job::{LIBTORCH, input};
use crate::spec::settings::{Format, SplitMethod, Variant, Weights};

/// The settings that `stage` reads, as the beginning of its key.
pub fn settings(stage: Stage, variant: &Variant, seed: u64) -> Builder {
    let key = Builder::new(stage.as_str(), stage.version());
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
        Stage::Label => {
            let labels = &experiment.labels;
            // The order of groups is the order of columns: as pairs, since a JSON object has none.
            let groups: Vec<_> = labels.groups.iter().collect();
            key.setting("labels.from", &labels.from)
                .setting("labels.unmapped", &labels.unmapped)
                .setting("labels.groups", &groups)
        }
        Stage::Split => {
            let key = key.setting("labels.min_positives", &experiment.labels.min_positives);
            match experiment.split.method {
                SplitMethod::Column => key.setting("split.method", &experiment.split.method),
                _ => key.setting("split", &experiment.split),
            }
        }
        Stage::Balance => key.setting("balance", &experiment.balance),
        Stage::Pixels => key.setting("images", &experiment.images),
        Stage::Train => {
            let model = &experiment.model;
            key.setting("model.name", &model.name)
                .setting("model.head", &model.head)
                .setting("model.dropout", &model.dropout)
                .setting("model.freeze", &model.freeze)
                .setting("train", &experiment.train)
                .setting("policy", &variant.policy)
                .setting("seed", &seed)
                .setting("device", &experiment.workers.device)
                .setting("libtorch", &LIBTORCH)
        }
        Stage::Predict => key
            .setting("model.name", &experiment.model.name)
            .setting("model.head", &experiment.model.head)
            .setting("train.batch_size", &experiment.train.batch_size)
            .setting("train.precision", &experiment.train.precision)
            .setting("device", &experiment.workers.device)
            .setting("libtorch", &LIBTORCH),
        Stage::Evaluate => key.setting("evaluate", &experiment.evaluate),
        Stage::Report => key,
    }
}

/// The key of a node whose inputs are all there; `entries` gives the entry of an input's node.
///
/// # Errors
/// Where a file outside the cache cannot be read.
pub fn fingerprint<'e>(
    node: &Node,
    entries: impl Fn(usize) -> &'e Entry,
    sources: &Sources,
) -> Result<Fingerprint, SourceError> {
    let experiment = &node.variant.experiment;
    let mut key = settings(node.stage, &node.variant, node.seed);
    match node.stage {
        Stage::Ingest => key = key.input("annotations", &sources.annotations(&experiment.dataset)?),
        Stage::Scan if experiment.dataset.check_images => {
            let images = entries(node.inputs[0].node).digest(node.inputs[0].output);
            key = key.input("files", &sources.files(&experiment.dataset, images)?);
        }
        Stage::Train => {
            if let Weights::Path(path) = &experiment.model.weights {
                key = key.input(input::WEIGHTS, &sources.weights(path)?);
            }
        }
        _ => {}
    }
    for (name, value) in &node.extra {
        key = key.setting(name, value);
    }
    for from in &node.inputs {
        key = key.input(&from.name, entries(from.node).digest(from.output));
    }
    Ok(key.finish())
}
