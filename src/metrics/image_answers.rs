//! Metrics of what is said of each image, averaged over images ("samples" in scikit-learn).

use super::counts::{Counts, Shares};
use super::scored::Scored;

/// The mean over images of each share of an image's labels, as scikit-learn's `average="samples"` with
/// `zero_division=0`: an image without labels has a recall of 0, one of which nothing is said a precision of 0, and F1, F-beta and
/// Jaccard are 0 where both hold, however right that silence is. `None` without images.
///
/// `said`: row-major [images, labels], as [`decisions`](super::counts::decisions) gives it.
pub fn mean_shares(scored: &Scored, said: &[bool], beta: f64) -> Option<Shares> {
    let n_images = scored.n_images();
    let mut sum = Shares::default();
    for (said, (_, truth)) in said.chunks_exact(scored.n_labels()).zip(scored.rows()) {
        let pairs = said.iter().copied().zip(truth.iter().copied());
        sum = sum.combine(Counts::of(pairs).shares(beta), |sum, share| sum + share);
    }
    (n_images > 0).then(|| sum.map(|sum| sum / n_images as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: one image with one of two labels found and a third said wrongly; one without labels, of which nothing is said.
    #[test]
    fn silence_about_an_empty_image_counts_nothing() {
        let scored = Scored::new(3, &[0.0; 6], &[true, true, false, false, false, false]).unwrap();
        let said = [true, false, true, false, false, false];
        let found = mean_shares(&scored, &said, 2.0).unwrap();
        assert_eq!((found.precision, found.recall, found.f1), (0.25, 0.25, 0.25));
        assert_eq!((found.f_beta, found.jaccard), (0.25, 1.0 / 6.0));
        assert_eq!(mean_shares(&Scored::new(1, &[], &[]).unwrap(), &[], 2.0), None);
    }
}
