//! Logits of un-augmented pictures: validation after each epoch, and prediction.

use tch::{Device, Kind};

use crate::batch::{Batch, Uploader};
use crate::failure::JobError;
use crate::inputs::Examples;
use crate::model::Network;
use crate::passes::Passes;
use crate::stop::Stop;

/// Logits of `images`, row-major [images, labels], with the network in evaluation mode; `None` where a stop was
/// requested meanwhile.
///
/// # Errors
/// Libtorch's: memory is out for a single picture.
pub fn logits(
    network: &Network,
    uploader: &Uploader,
    examples: &Examples,
    images: &[i64],
    passes: &Passes,
    stop: &Stop,
) -> Result<Option<Vec<f32>>, JobError> {
    let _no_grad = tch::no_grad_guard();
    let n_labels = examples.labels().len();
    let mut logits = vec![0.0; images.len() * n_labels];
    let mut batch = Batch::default();
    let is_whole = passes.run(images.len(), |rows| {
        if stop.requested() {
            return Ok(false);
        }
        let out = &mut logits[rows.start * n_labels..rows.end * n_labels];
        batch.clear();
        for &image_id in &images[rows] {
            batch.push_plain(examples, image_id);
        }
        let logits_nl = network.forward_t(&uploader.images(&batch)?, false)?;
        let logits_nl = logits_nl.f_to_kind(Kind::Float)?.f_to(Device::Cpu)?.f_contiguous()?;
        logits_nl.f_copy_data(out, batch.len() * n_labels)?;
        Ok(true)
    })?;
    Ok(is_whole.then_some(logits))
}
