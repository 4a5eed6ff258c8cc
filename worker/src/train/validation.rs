//! The validation part, scored as a whole after each epoch.

use ablatrix::metrics::catalogue as name;
use ablatrix::metrics::{Scored, ScoredError, aggregates_at};
use ablatrix::tables::rows::{Part, Validation};

use super::loss::LossFunction;
use crate::batch::Uploader;
use crate::failure::JobError;
use crate::inputs::Examples;
use crate::model::Network;
use crate::passes::Passes;
use crate::score;
use crate::stop::Stop;

/// Where a score becomes a decision; thresholds are tuned once the training is over.
const THRESHOLD: f64 = 0.5;

/// The images of the validation part, with their labels.
pub struct ValidationPart {
    images: Vec<i64>,
    /// Row-major [images, labels].
    targets: Vec<bool>,
    passes: Passes,
}

impl ValidationPart {
    /// Of these examples; may be empty. `is_alone`: on the device.
    pub fn of(examples: &Examples, is_alone: bool) -> Self {
        let images = examples.images_of(Part::Val);
        let targets = images.iter().flat_map(|&image_id| examples.targets(image_id)).copied().collect();
        ValidationPart { images, targets, passes: Passes::new(is_alone) }
    }

    /// Scores it; `None` where a stop was requested meanwhile. The loss is infinite where a logit is not finite, and NaN
    /// where there is no validation part.
    ///
    /// # Errors
    /// Libtorch's: memory is out for a single picture.
    pub fn score(
        &self,
        network: &Network,
        loss: &LossFunction,
        uploader: &Uploader,
        examples: &Examples,
        stop: &Stop,
    ) -> Result<Option<Validation>, JobError> {
        let Some(logits) = score::logits(network, uploader, examples, &self.images, &self.passes, stop)?
        else {
            return Ok(None);
        };
        let n_labels = examples.labels().len();
        Ok(Some(match Scored::new(n_labels, &logits, &self.targets) {
            Ok(scored) => metrics(&scored, loss.of_part(&logits, &self.targets, n_labels)),
            Err(ScoredError::NotFinite { .. }) => Validation { loss: f64::INFINITY, ..Validation::NONE },
            Err(error) => panic!("bug: {error}"),
        }))
    }

    /// Pictures that are scored at a time, where memory allows fewer than usual.
    pub fn fewer(&self) -> Option<usize> {
        self.passes.fewer()
    }

    /// What is to be said, once, of memory that does not suffice.
    pub fn take_notice(&self) -> Option<String> {
        self.passes.take_notice()
    }
}

fn metrics(scored: &Scored, loss: f64) -> Validation {
    let values = aggregates_at(scored, THRESHOLD);
    let of = |metric: &str| {
        values.iter().find(|value| value.metric == metric).and_then(|value| value.value).unwrap_or(f64::NAN)
    };
    Validation {
        loss,
        map_macro: of(name::MAP_MACRO),
        map_micro: of(name::MAP_MICRO),
        auroc_macro: of(name::AUROC_MACRO),
        f1_macro: of(name::F1_MACRO),
        f1_micro: of(name::F1_MICRO),
        precision_macro: of(name::PRECISION_MACRO),
        recall_macro: of(name::RECALL_MACRO),
        subset_accuracy: of(name::SUBSET_ACCURACY),
        hamming_loss: of(name::HAMMING_LOSS),
        log_loss: of(name::LOG_LOSS),
        ece_macro: of(name::ECE_MACRO),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: two labels, three images; one label is ranked well, the other one the wrong way round.
    #[test]
    fn every_metric_is_filled_in() {
        let logits = [2.0, 1.0, -1.0, -3.0, 1.0, -2.0];
        let scored = Scored::new(2, &logits, &[true, false, false, true, true, false]).unwrap();
        let found = metrics(&scored, 0.25);
        assert_eq!(found.loss, 0.25);
        assert!((found.map_macro - (1.0 + 1.0 / 3.0) / 2.0).abs() < 1e-12, "{found:?}");
        assert_eq!(found.auroc_macro, 0.5);
        assert_eq!((found.f1_macro, found.precision_macro, found.recall_macro), (0.5, 0.5, 0.5));
        assert!((found.f1_micro - 2.0 / 3.0).abs() < 1e-12, "{found:?}");
        assert!((found.subset_accuracy - 1.0 / 3.0).abs() < 1e-12, "{found:?}");
        assert!((found.hamming_loss - 1.0 / 3.0).abs() < 1e-12, "{found:?}");
        assert!(found.numbers().iter().all(|number| number.is_finite()), "{found:?}");
    }
}
