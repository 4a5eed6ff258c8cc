//! A node of the plan as a job for a worker.

use std::collections::BTreeMap;

use crate::cache::{CacheError, Store, given_files};
use crate::fingerprint::{Digest, Fingerprint};
use crate::job::{Job, JobStage, PROTOCOL, input};
use crate::plan::{Node, Stage};
use crate::spec::settings::Weights;

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
    threads: u32,
) -> Result<Job, CacheError> {
    let experiment = &node.variant.experiment;
    let mut inputs: BTreeMap<String, Digest> =
        node.inputs.iter().map(|from| (from.name.clone(), digest(from.node, from.output))).collect();
    for (name, digest) in given_files(fingerprint) {
        let path = match (&experiment.model.weights, &experiment.model.module) {
            (Weights::Path(path), _) if name == input::WEIGHTS => path,
            (_, Some(module)) if name == input::MODULE => &module.path,
            _ => continue,
        };
        store.import(path, &digest)?;
        inputs.insert(name.to_owned(), digest);
    }
    Ok(Job {
        protocol: PROTOCOL,
        stage: if node.stage == Stage::Train { JobStage::Train } else { JobStage::Predict },
        run: node.run.clone(),
        fingerprint: fingerprint.clone(),
        model: experiment.model.clone(),
        train: experiment.train.clone(),
        images: experiment.images.clone(),
        policy: node.variant.policy.clone(),
        inputs,
        cache: store.layout().root().to_owned(),
        seed: node.seed,
        fold: node.fold.unwrap_or(0),
        threads,
        checkpoint_minutes: experiment.workers.checkpoint_minutes,
        device: experiment.workers.device,
    })
}
