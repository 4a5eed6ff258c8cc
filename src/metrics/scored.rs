//! Logits beside the truth: what every metric is computed from.

use thiserror::Error;

/// The logits of a model for some images, beside the labels that these images have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored<'a> {
    n_labels: usize,
    logits: &'a [f32],
    targets: &'a [bool],
}

/// Why logits and targets cannot be scored.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum ScoredError {
    /// Nothing to score.
    #[error("scores have `0` labels, expected at least `1`")]
    NoLabels,
    /// Logits and targets do not belong together.
    #[error("scores have `{logits}` logits and `{targets}` targets, expected as many of both")]
    Lengths {
        /// Number of logits.
        logits: usize,
        /// Number of targets.
        targets: usize,
    },
    /// The last row is not whole.
    #[error("scores have `{values}` logits, expected a multiple of `{n_labels}` labels")]
    Ragged {
        /// Number of logits.
        values: usize,
        /// Number of labels.
        n_labels: usize,
    },
    /// A logit is NaN or infinite.
    #[error("the logit of image `{image_idx}`, label `{label_idx}` is `{value}`, expected a finite number")]
    NotFinite {
        /// Position of the image.
        image_idx: usize,
        /// Position of the label.
        label_idx: usize,
        /// What was found.
        value: f32,
    },
}

impl<'a> Scored<'a> {
    /// `logits` and `targets`: row-major [images, labels]. No images at all are allowed: then nothing is defined.
    ///
    /// # Errors
    /// Where the lengths do not fit together, or a logit is not finite.
    pub fn new(n_labels: usize, logits: &'a [f32], targets: &'a [bool]) -> Result<Self, ScoredError> {
        if n_labels == 0 {
            return Err(ScoredError::NoLabels);
        }
        if logits.len() != targets.len() {
            return Err(ScoredError::Lengths { logits: logits.len(), targets: targets.len() });
        }
        if !logits.len().is_multiple_of(n_labels) {
            return Err(ScoredError::Ragged { values: logits.len(), n_labels });
        }
        if let Some(at) = logits.iter().position(|logit| !logit.is_finite()) {
            let (image_idx, label_idx) = (at / n_labels, at % n_labels);
            return Err(ScoredError::NotFinite { image_idx, label_idx, value: logits[at] });
        }
        Ok(Scored { n_labels, logits, targets })
    }

    /// Number of images.
    pub fn n_images(&self) -> usize {
        self.logits.len() / self.n_labels
    }

    /// Number of labels.
    pub fn n_labels(&self) -> usize {
        self.n_labels
    }

    /// All logits, row-major [images, labels].
    pub fn logits(&self) -> &'a [f32] {
        self.logits
    }

    /// All targets, row-major [images, labels].
    pub fn targets(&self) -> &'a [bool] {
        self.targets
    }

    /// Logit and target of all pairs of image and label, row by row.
    pub fn pairs(&self) -> impl ExactSizeIterator<Item = (f32, bool)> + Clone + use<'a> {
        self.logits.iter().copied().zip(self.targets.iter().copied())
    }

    /// Logit and target of each image for one label.
    pub fn column(&self, label_idx: usize) -> impl ExactSizeIterator<Item = (f32, bool)> + Clone + use<'a> {
        let rows = self.logits.chunks_exact(self.n_labels).zip(self.targets.chunks_exact(self.n_labels));
        rows.map(move |(logits, targets)| (logits[label_idx], targets[label_idx]))
    }

    /// Logits and targets of each image, one value per label.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = (&'a [f32], &'a [bool])> + use<'a> {
        self.logits.chunks_exact(self.n_labels).zip(self.targets.chunks_exact(self.n_labels))
    }

    /// Images that have the label.
    pub fn n_positives(&self, label_idx: usize) -> usize {
        self.column(label_idx).filter(|&(_, target)| target).count()
    }

    /// Share of images that have the label, 0 to 1; `None` without images.
    pub fn prevalence(&self, label_idx: usize) -> Option<f64> {
        let n = self.n_images();
        (n > 0).then(|| self.n_positives(label_idx) as f64 / n as f64)
    }
}

/// The probability that a logit stands for, before any calibration.
pub fn probability(logit: f32) -> f64 {
    logistic(f64::from(logit))
}

/// The logistic function, in f64 and with a pure-Rust `exp`, so that a threshold decides the same on every machine.
pub fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-x))
}

/// The mean of the values that are defined; `None` where none is.
pub(crate) fn mean_of_defined(values: impl IntoIterator<Item = Option<f64>>) -> Option<f64> {
    let (mut sum, mut n) = (0.0, 0u32);
    for value in values.into_iter().flatten() {
        sum += value;
        n += 1;
    }
    (n > 0).then(|| sum / f64::from(n))
}

/// The mean of the values that are defined, each counting as often as its weight says; `None` where none is, or
/// all of them weigh nothing.
pub(crate) fn weighted_mean_of_defined(values: impl IntoIterator<Item = (Option<f64>, u64)>) -> Option<f64> {
    let (mut sum, mut weights) = (0.0, 0);
    for (value, weight) in values {
        if let Some(value) = value {
            sum += value * weight as f64;
            weights += weight;
        }
    }
    (weights > 0).then(|| sum / weights as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_together_is_refused() {
        assert_eq!(Scored::new(0, &[], &[]), Err(ScoredError::NoLabels));
        assert_eq!(Scored::new(1, &[0.0], &[]), Err(ScoredError::Lengths { logits: 1, targets: 0 }));
        assert_eq!(
            Scored::new(2, &[0.0; 3], &[false; 3]),
            Err(ScoredError::Ragged { values: 3, n_labels: 2 })
        );
        let error = Scored::new(2, &[0.0, 1.0, 2.0, f32::INFINITY], &[false; 4]).unwrap_err();
        assert_eq!(error.to_string(), "the logit of image `1`, label `1` is `inf`, expected a finite number");
        assert!(matches!(Scored::new(1, &[f32::NAN], &[true]), Err(ScoredError::NotFinite { .. })));
    }

    #[test]
    fn columns_walk_down_the_images() {
        let scored = Scored::new(2, &[1.0, 2.0, 3.0, 4.0], &[true, false, true, true]).unwrap();
        assert_eq!(scored.n_images(), 2);
        assert_eq!(scored.column(1).collect::<Vec<_>>(), [(2.0, false), (4.0, true)]);
        assert_eq!((scored.n_positives(0), scored.prevalence(1)), (2, Some(0.5)));
    }

    #[test]
    fn probabilities_hold_at_the_ends() {
        assert_eq!(probability(0.0), 0.5);
        assert_eq!(probability(f32::MAX), 1.0);
        assert_eq!(probability(f32::MIN), 0.0);
        assert!((probability(-50.0) - 1.928_749_847_963_917_8e-22).abs() < 1e-35);
    }
}
