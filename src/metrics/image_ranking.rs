//! Metrics of the order that scores put the labels of each image in, averaged over images.
//!
//! Each image is sorted once, all labels of it: `n log(n)` in the labels.

use super::scored::{Scored, mean_of_defined};

/// The metrics, each a mean over images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImageRankings {
    /// Average precision; an image without labels counts 0 (scikit-learn's `average_precision_score(average="samples")`).
    pub average_precision: f64,
    /// Area under the ROC curve, over the images that have some labels and not all; `None` where no image has.
    pub auroc: Option<f64>,
    /// Label ranking average precision; an image with no label, or with all, counts 1 (scikit-learn's
    /// `label_ranking_average_precision_score`; Tsoumakas, Katakis and Vlahavas, "Mining multi-label data", 2010).
    pub label_ranking_average_precision: f64,
    /// Share of pairs of a true and a false label in which the false one is not scored lower; an image with no
    /// label, or with all, counts 0 (scikit-learn's `label_ranking_loss`).
    pub ranking_loss: f64,
    /// Labels that are scored at least as high as the lowest true one; 0 for an image without labels (scikit-learn's
    /// `coverage_error`).
    pub coverage_error: f64,
}

/// Ranks the labels of each image; `None` without images.
pub fn rank_images(scored: &Scored) -> Option<ImageRankings> {
    let n_images = scored.n_images() as f64;
    let mut row: Vec<(f32, bool)> = Vec::with_capacity(scored.n_labels());
    let (mut precision, mut lrap, mut loss, mut coverage) = (0.0, 0.0, 0.0, 0.0);
    let mut areas = Vec::with_capacity(scored.n_images());
    for (logits, truth) in scored.rows() {
        row.clear();
        row.extend(logits.iter().map(|&logit| logit + 0.0).zip(truth.iter().copied()));
        row.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let image = Walk::over(&row);
        precision += image.average_precision().unwrap_or(0.0);
        lrap += image.average_precision().unwrap_or(1.0);
        loss += image.share_of_pairs(image.wrong).unwrap_or(0.0);
        coverage += image.covered as f64;
        areas.push(image.share_of_pairs(image.wrong - image.tied / 2.0).map(|lost| 1.0 - lost));
    }
    (scored.n_images() > 0).then(|| ImageRankings {
        average_precision: precision / n_images,
        auroc: mean_of_defined(areas),
        label_ranking_average_precision: lrap / n_images,
        ranking_loss: loss / n_images,
        coverage_error: coverage / n_images,
    })
}

/// What one walk down an image's labels finds.
#[derive(Default)]
struct Walk {
    n_labels: usize,
    n_true: usize,
    /// Sum over true labels of the precision reached where they are met.
    precisions: f64,
    /// Pairs of a true and a false label in which the false one is not lower.
    wrong: f64,
    /// Those of them that are scored the same.
    tied: f64,
    /// Labels down to the last true one and its ties.
    covered: usize,
}

impl Walk {
    /// `row`: by falling score, -0 written as 0.
    fn over(row: &[(f32, bool)]) -> Self {
        let mut walk = Walk { n_labels: row.len(), ..Walk::default() };
        let mut seen = 0;
        for group in row.chunk_by(|a, b| a.0 == b.0) {
            let hits = group.iter().filter(|&&(_, is_true)| is_true).count();
            seen += group.len();
            walk.n_true += hits;
            if hits > 0 {
                walk.precisions += hits as f64 * (walk.n_true as f64 / seen as f64);
                walk.wrong += hits as f64 * (seen - walk.n_true) as f64;
                walk.tied += hits as f64 * (group.len() - hits) as f64;
                walk.covered = seen;
            }
        }
        walk
    }

    fn average_precision(&self) -> Option<f64> {
        (self.n_true > 0).then(|| self.precisions / self.n_true as f64)
    }

    fn share_of_pairs(&self, n: f64) -> Option<f64> {
        let pairs = self.n_true * (self.n_labels - self.n_true);
        (pairs > 0).then(|| n / pairs as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scikit-learn's documented examples: LRAP 0.416, coverage error 2.5, ranking loss 0.75.
    #[test]
    fn the_examples_of_scikit_learn() {
        let scored =
            Scored::new(3, &[0.75, 0.5, 1.0, 1.0, 0.2, 0.1], &[true, false, false, false, false, true])
                .unwrap();
        let found = rank_images(&scored).unwrap();
        assert!((found.label_ranking_average_precision - (0.5 + 1.0 / 3.0) / 2.0).abs() < 1e-15);
        assert_eq!((found.coverage_error, found.ranking_loss), (2.5, 0.75));
        assert_eq!(found.auroc, Some(0.25));
    }

    #[test]
    fn ties_are_wrong_for_the_loss_and_half_right_for_the_area() {
        let scored = Scored::new(2, &[0.0, -0.0], &[true, false]).unwrap();
        let found = rank_images(&scored).unwrap();
        assert_eq!((found.ranking_loss, found.auroc, found.coverage_error), (1.0, Some(0.5), 2.0));
    }

    #[test]
    fn images_without_labels_or_with_all() {
        let scored = Scored::new(2, &[1.0, 2.0, 1.0, 2.0], &[false, false, true, true]).unwrap();
        let found = rank_images(&scored).unwrap();
        assert_eq!((found.average_precision, found.label_ranking_average_precision), (0.5, 1.0));
        assert_eq!((found.ranking_loss, found.auroc, found.coverage_error), (0.0, None, 1.0));
        assert_eq!(rank_images(&Scored::new(2, &[], &[]).unwrap()), None);
    }
}
