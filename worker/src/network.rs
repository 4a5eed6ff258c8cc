//! A job's network: one that is built in, or the TorchScript module that the job brings.

use ablatrix::cache::Store;
use ablatrix::job::{Job, input};
use tch::Device;

use crate::failure::JobError;
use crate::inputs;
use crate::model::{Network, ScriptFile};

/// The network that `job` names, in its number format, with `n_labels` logits and the weights that it starts from where no file is given.
///
/// # Errors
/// Where there is no such network; see [`crate::model::ModelError`].
pub fn of(job: &Job, store: &Store, n_labels: usize, device: Device) -> Result<Network, JobError> {
    let seed = job.stream_seed();
    let Some(module) = &job.model.module else {
        return Ok(Network::new(&job.model, n_labels, seed, device)?.with_precision(job.train.precision));
    };
    let path = inputs::path(job, store, input::MODULE)?;
    let file = ScriptFile { path: &path, shown: &module.path, gives: module.gives, side: job.images.size };
    Ok(Network::of_module(&job.model, file, n_labels, seed, device)?.with_precision(job.train.precision))
}
