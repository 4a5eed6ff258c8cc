//! A node of the plan as a job for a worker.

use std::collections::BTreeMap;

use crate::cache::{Store, given_files};
use crate::fingerprint::{Digest, Fingerprint};
use crate::job::{Job, JobStage, PROTOCOL, input};
use crate::plan::{Node, SourceError, Sources, Stage};

/// The job of `node` under the key `fingerprint`; `digest` gives the object of an input. Given weights and modules are copied
/// into the cache, where a worker on any machine finds them.
///
/// # Errors
/// Where they cannot be stored.
pub fn job_of(
    node: &Node,
    fingerprint: &Fingerprint,
    digest: impl Fn(usize, &str) -> Digest,
    store: &Store,
    sources: &Sources,
    threads: u32,
) -> Result<Job, SourceError> {
    let experiment = &node.variant.experiment;
    let mut inputs: BTreeMap<String, Digest> =
        node.inputs.iter().map(|from| (from.name.clone(), digest(from.node, from.output))).collect();
    for (name, digest) in given_files(fingerprint) {
        let path = match (name, &experiment.model.module) {
            (input::WEIGHTS, _) => sources.weights_file(&experiment.model.weights)?,
            (input::MODULE, Some(module)) => Some(module.path.clone()),
            _ => None,
        };
        let Some(path) = path else { continue };
        store.import(&path, &digest)?;
        inputs.insert(name.to_owned(), digest);
    }
    Ok(Job {
        protocol: PROTOCOL,
        stage: match node.stage {
            Stage::Train => JobStage::Train,
            Stage::Explain => JobStage::Explain,
            _ => JobStage::Predict,
        },
        run: node.run.clone(),
        fingerprint: fingerprint.clone(),
        model: experiment.model.clone(),
        train: experiment.train.clone(),
        explain: experiment.explain.clone(),
        images: experiment.images.clone(),
        policy: node.variant.policy.clone(),
        inputs,
        cache: store.layout().root().to_owned(),
        seed: node.seed,
        fold: node.fold.unwrap_or(0),
        threads,
        checkpoint_minutes: experiment.workers.checkpoint_minutes,
        device: experiment.workers.device,
        // As engines want it that look after them themselves.
        beat_seconds: 0.0,
        alone: true,
    })
}
