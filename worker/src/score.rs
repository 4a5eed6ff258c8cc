//! Logits of un-augmented pictures: validation after each epoch, and prediction.

use tch::{Device, Kind, TchError};

use crate::batch::{Batch, Uploader};
use crate::inputs::Examples;
use crate::model::Network;
use crate::stop::Stop;

/// Rows per forward pass. Always the same, so that the same model gives the same bits wherever it is asked.
pub const BATCH_ROWS: usize = 32;

/// Logits of `images`, row-major [images, labels], with the network in evaluation mode; `None` where a stop was
/// requested meanwhile.
///
/// # Errors
/// Libtorch's: memory is out.
pub fn logits(
    network: &Network,
    uploader: &Uploader,
    examples: &Examples,
    images: &[i64],
    stop: &Stop,
) -> Result<Option<Vec<f32>>, TchError> {
    let _no_grad = tch::no_grad_guard();
    let n_labels = examples.labels().len();
    let mut logits = vec![0.0; images.len() * n_labels];
    let mut batch = Batch::default();
    for (ids, out) in images.chunks(BATCH_ROWS).zip(logits.chunks_mut(BATCH_ROWS * n_labels)) {
        if stop.requested() {
            return Ok(None);
        }
        batch.clear();
        for &image_id in ids {
            batch.push_plain(examples, image_id);
        }
        let logits_nl = network.forward_t(&uploader.images(&batch)?, false)?;
        let logits_nl = logits_nl.f_to_kind(Kind::Float)?.f_to(Device::Cpu)?.f_contiguous()?;
        logits_nl.f_copy_data(out, ids.len() * n_labels)?;
    }
    Ok(Some(logits))
}
