//! The stage `predict`: a trained model's logits of the validation and test images.

use std::time::Instant;

use ablatrix::cache::Store;
use ablatrix::job::{Job, WorkerEvent, input, output};
use ablatrix::tables::{self, rows::PredictionTable};

use crate::batch::Uploader;
use crate::failure::JobError;
use crate::inputs::{self, Examples, InputError};
use crate::passes::Passes;
use crate::serve::{self, Outcome, Worker};
use crate::{network, precision, score, torch};

/// Scores the images that no weights were learned on, and publishes the table in the order of image ids.
///
/// # Errors
/// See [`JobError`].
pub fn predict(job: &Job, store: &Store, worker: &Worker) -> Result<Outcome, JobError> {
    let started = Instant::now();
    let device = torch::open_device(job.device, job.threads)?;
    torch::set_deterministic(job.train.deterministic);
    precision::prepare(job.train.precision);
    let examples = Examples::open(job, store)?;
    let held_out = examples.held_out();
    if held_out.is_empty() {
        return Err(InputError::TooFew { part: "test", n_rows: 0, least: 1 }.into());
    }
    let mut network = network::of(job, store, examples.labels().len(), device)?;
    network.load_trained(&inputs::path(job, store, input::MODEL)?)?;
    let key = job.fingerprint.key.clone();
    worker.events.emit(&WorkerEvent::Started { key, resumed_epochs: 0, resumed_steps: 0, epochs: 0 });

    let uploader = Uploader::new(device, examples.side(), network.normalisation());
    let (image_ids, parts): (Vec<_>, Vec<_>) = held_out.into_iter().unzip();
    let passes = Passes::new(job.alone);
    let Some(logits) = score::logits(&network, &uploader, &examples, &image_ids, &passes, &worker.stop)?
    else {
        return Ok(Outcome::Interrupted);
    };
    if let Some(message) = passes.take_notice() {
        worker.notice(job, message, false);
    }
    let labels = examples.labels().to_vec();
    let table = PredictionTable { run: job.run.clone(), labels, image_ids, parts, logits };
    let attempt = store.attempt(&job.fingerprint)?;
    tables::write(&attempt.path(output::PREDICTIONS), &table, &job.fingerprint.stage)?;
    attempt.publish(&[output::PREDICTIONS], serve::provenance(job, started, passes.fewer()))?;
    Ok(Outcome::Published)
}
