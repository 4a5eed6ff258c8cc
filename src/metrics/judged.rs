//! A part with its scores ranked, calibrated and held against thresholds, and every number that follows from that.

use super::calibration::Calibration;
use super::catalogue as name;
use super::counts::{self, Counts, Shares};
use super::image_answers::mean_shares;
use super::image_ranking::rank_images;
use super::probabilities::{Reliability, brier, log_loss};
use super::ranking::Ranking;
use super::scored::{Scored, mean_of_defined, weighted_mean_of_defined};

/// A metric's name with its value; `None` where it is not defined.
pub type Named = (&'static str, Option<f64>);

/// One of the shares.
type Share = fn(Shares) -> f64;

/// A part, judged.
#[derive(Clone, Debug)]
pub struct Judged<'a> {
    part: Scored<'a>,
    calibration: &'a Calibration,
    /// What is said, row-major [images, labels].
    pub said: Vec<bool>,
    /// Right and wrong answers, label by label.
    pub counts: Vec<Counts>,
    /// How probabilities keep what they promise, label by label.
    pub reliability: Vec<Reliability>,
    rankings: Vec<Ranking>,
    /// Of all pairs of image and label.
    pairs: Ranking,
}

impl<'a> Judged<'a> {
    /// `thresholds`: one probability per label.
    pub fn new(part: Scored<'a>, calibration: &'a Calibration, thresholds: &[f64]) -> Self {
        let labels = 0..part.n_labels();
        let said = counts::decisions(&part, calibration, thresholds);
        Judged {
            counts: counts::count(&part, &said),
            said,
            reliability: labels
                .clone()
                .map(|label| Reliability::of(calibration.column(&part, label)))
                .collect(),
            rankings: labels.map(|label| Ranking::new(part.column(label))).collect(),
            pairs: Ranking::new(part.pairs()),
            part,
            calibration,
        }
    }

    /// What a training watches on validation, and what a report begins with.
    pub fn main_aggregates(&self) -> [Named; 12] {
        let mean_ece = mean_of_defined(self.reliability.iter().map(Reliability::expected_calibration_error));
        [
            (name::MAP_MACRO, mean_of_defined(self.rankings.iter().map(Ranking::average_precision))),
            (name::MAP_MICRO, self.pairs.average_precision()),
            (name::AUROC_MACRO, mean_of_defined(self.rankings.iter().map(Ranking::auroc))),
            (name::F1_MACRO, counts::macro_f1(&self.counts)),
            (name::F1_MICRO, counts::sum(&self.counts).f1()),
            (name::PRECISION_MACRO, mean_of_defined(self.counts.iter().map(Counts::precision))),
            (name::RECALL_MACRO, mean_of_defined(self.counts.iter().map(Counts::recall))),
            (name::SUBSET_ACCURACY, counts::subset_accuracy(&self.part, &self.said)),
            (name::HAMMING_LOSS, counts::hamming_loss(&self.part, &self.said)),
            (name::LOG_LOSS, log_loss(self.calibration.pairs(&self.part))),
            (name::ECE_MACRO, mean_ece),
            (name::N_IMAGES, Some(self.part.n_images() as f64)),
        ]
    }

    /// All others over all labels.
    pub fn more_aggregates(&self, beta: f64) -> Vec<Named> {
        let of_labels: Vec<Option<Shares>> =
            self.counts.iter().map(|counts| counts.defined_shares(beta)).collect();
        let mean = |share: Share| mean_of_defined(of_labels.iter().map(|of| of.map(share)));
        let weighted = |share: Share| self.weighted(of_labels.iter().map(|of| of.map(share)));
        let micro = counts::sum(&self.counts).defined_shares(beta);
        let samples = mean_shares(&self.part, &self.said, beta);
        let images = rank_images(&self.part);
        let mut named = vec![
            (name::MAP_WEIGHTED, self.weighted(self.rankings.iter().map(Ranking::average_precision))),
            (name::MAP_SAMPLES, images.map(|images| images.average_precision)),
            (name::AUROC_MICRO, self.pairs.auroc()),
            (name::AUROC_WEIGHTED, self.weighted(self.rankings.iter().map(Ranking::auroc))),
            (name::AUROC_SAMPLES, images.and_then(|images| images.auroc)),
            (name::F1_WEIGHTED, weighted(|of| of.f1)),
            (name::F1_SAMPLES, samples.map(|of| of.f1)),
            (name::F_BETA_MACRO, mean(|of| of.f_beta)),
            (name::JACCARD_MACRO, mean(|of| of.jaccard)),
            (name::LRAP, images.map(|images| images.label_ranking_average_precision)),
            (name::RANKING_LOSS, images.map(|images| images.ranking_loss)),
            (name::COVERAGE_ERROR, images.map(|images| images.coverage_error)),
            (name::BRIER, brier(self.calibration.pairs(&self.part))),
        ];
        let of_shares: [(Share, [&'static str; 3]); 4] = [
            (|of| of.f_beta, [name::F_BETA_MICRO, name::F_BETA_WEIGHTED, name::F_BETA_SAMPLES]),
            (|of| of.jaccard, [name::JACCARD_MICRO, name::JACCARD_WEIGHTED, name::JACCARD_SAMPLES]),
            (|of| of.precision, [name::PRECISION_MICRO, name::PRECISION_WEIGHTED, name::PRECISION_SAMPLES]),
            (|of| of.recall, [name::RECALL_MICRO, name::RECALL_WEIGHTED, name::RECALL_SAMPLES]),
        ];
        for (share, [of_pairs, of_labels, of_images]) in of_shares {
            named.extend([
                (of_pairs, micro.map(share)),
                (of_labels, weighted(share)),
                (of_images, samples.map(share)),
            ]);
        }
        named
    }

    /// All metrics of one label but its threshold.
    pub fn of_label(&self, label_idx: usize, beta: f64) -> [Named; 12] {
        let shares = self.counts[label_idx].defined_shares(beta);
        let ranking = &self.rankings[label_idx];
        [
            (name::AP, ranking.average_precision()),
            (name::AUROC, ranking.auroc()),
            (name::F1, shares.map(|of| of.f1)),
            (name::F_BETA, shares.map(|of| of.f_beta)),
            (name::JACCARD, shares.map(|of| of.jaccard)),
            (name::PRECISION, shares.map(|of| of.precision)),
            (name::RECALL, shares.map(|of| of.recall)),
            (name::LOG_LOSS, log_loss(self.calibration.column(&self.part, label_idx))),
            (name::BRIER, brier(self.calibration.column(&self.part, label_idx))),
            (name::ECE, self.reliability[label_idx].expected_calibration_error()),
            (name::PREVALENCE, self.part.prevalence(label_idx)),
            (name::N_POSITIVES, Some(ranking.n_positives() as f64)),
        ]
    }

    /// The mean over labels, each counting as often as it has positives.
    fn weighted(&self, values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
        weighted_mean_of_defined(values.zip(self.counts.iter().map(Counts::n_positives)))
    }
}
