//! Metrics of yes and no: what the thresholds make of the scores.

use serde::{Deserialize, Serialize};

use super::calibration::Calibration;
use super::ranking::{LANES, Multiplicities};
use super::scored::{Scored, logistic, mean_of_defined};

/// Right and wrong answers for one label, or summed over labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Said and true.
    pub true_positives: u64,
    /// Said, not true.
    pub false_positives: u64,
    /// True, not said.
    pub false_negatives: u64,
    /// Neither said nor true.
    pub true_negatives: u64,
}

/// What right and wrong answers come to, each 0 to 1; 0 where there is nothing to take a share of.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shares {
    /// Of what was said, what is true.
    pub precision: f64,
    /// Of what is true, what was said.
    pub recall: f64,
    /// The harmonic mean of both.
    pub f1: f64,
    /// Their harmonic mean with recall counting beta times as much (van Rijsbergen 1979).
    pub f_beta: f64,
    /// Of what was said or is true, what is both.
    pub jaccard: f64,
}

impl Shares {
    /// Each share of both by `f`.
    pub fn combine(self, other: Shares, f: impl Fn(f64, f64) -> f64) -> Shares {
        Shares {
            precision: f(self.precision, other.precision),
            recall: f(self.recall, other.recall),
            f1: f(self.f1, other.f1),
            f_beta: f(self.f_beta, other.f_beta),
            jaccard: f(self.jaccard, other.jaccard),
        }
    }

    /// Each share by `f`.
    pub fn map(self, f: impl Fn(f64) -> f64) -> Shares {
        self.combine(self, |share, _| f(share))
    }
}

impl Counts {
    /// Of what was said beside what is true.
    pub fn of(answers: impl Iterator<Item = (bool, bool)>) -> Self {
        let mut counts = Counts::default();
        answers.for_each(|(said, truth)| counts.add(said, truth));
        counts
    }

    /// Images that have the label.
    pub fn n_positives(&self) -> u64 {
        self.true_positives + self.false_negatives
    }

    /// Share of what was said that is true, 0 where nothing was said; `None` without positives.
    pub fn precision(&self) -> Option<f64> {
        self.defined_shares(1.0).map(|shares| shares.precision)
    }

    /// Share of the positives that were said; `None` without positives.
    pub fn recall(&self) -> Option<f64> {
        self.defined_shares(1.0).map(|shares| shares.recall)
    }

    /// Harmonic mean of precision and recall; `None` without positives.
    pub fn f1(&self) -> Option<f64> {
        self.defined_shares(1.0).map(|shares| shares.f1)
    }

    /// All shares; `None` without positives, of which there is nothing to find.
    pub fn defined_shares(&self, beta: f64) -> Option<Shares> {
        (self.n_positives() > 0).then(|| self.shares(beta))
    }

    /// All shares; without positives they are 0.
    pub fn shares(&self, beta: f64) -> Shares {
        let [hits, wrong, missed] =
            [self.true_positives, self.false_positives, self.false_negatives].map(|n| n as f64);
        let share = |part: f64, whole: f64| if whole == 0.0 { 0.0 } else { part / whole };
        let weight = beta * beta;
        let f_beta = |weight: f64| {
            let hits = (1.0 + weight) * hits;
            share(hits, hits + weight * missed + wrong)
        };
        Shares {
            precision: share(hits, hits + wrong),
            recall: share(hits, hits + missed),
            f1: f_beta(1.0),
            f_beta: f_beta(weight),
            jaccard: share(hits, hits + wrong + missed),
        }
    }

    fn add(&mut self, said: bool, truth: bool) {
        let count = match (said, truth) {
            (true, true) => &mut self.true_positives,
            (true, false) => &mut self.false_positives,
            (false, true) => &mut self.false_negatives,
            (false, false) => &mut self.true_negatives,
        };
        *count += 1;
    }
}

/// Whether a label is said: its probability reaches the threshold.
pub fn said(probability: f64, threshold: f64) -> bool {
    probability >= threshold
}

/// What is said of each image: row-major [images, labels], true where the probability reaches the label's threshold.
///
/// `thresholds`: one probability per label.
pub fn decisions(scored: &Scored, calibration: &Calibration, thresholds: &[f64]) -> Vec<bool> {
    debug_assert_eq!(thresholds.len(), scored.n_labels());
    let logits = calibration.pairs(scored).map(|(logit, _)| logit);
    logits.zip(thresholds.iter().cycle()).map(|(logit, &at)| said(logistic(logit), at)).collect()
}

/// The counts of each label; `said` as [`decisions`] gives it.
pub fn count(scored: &Scored, said: &[bool]) -> Vec<Counts> {
    let mut counts = vec![Counts::default(); scored.n_labels()];
    for (said, truth) in
        said.chunks_exact(scored.n_labels()).zip(scored.targets().chunks_exact(scored.n_labels()))
    {
        for ((counts, &said), &truth) in counts.iter_mut().zip(said).zip(truth) {
            counts.add(said, truth);
        }
    }
    counts
}

/// All labels in one: the counts that micro averages are made of.
pub fn sum(counts: &[Counts]) -> Counts {
    counts.iter().fold(Counts::default(), |a, b| Counts {
        true_positives: a.true_positives + b.true_positives,
        false_positives: a.false_positives + b.false_positives,
        false_negatives: a.false_negatives + b.false_negatives,
        true_negatives: a.true_negatives + b.true_negatives,
    })
}

/// Mean F1 over the labels that have positives; `None` where no label has any.
pub fn macro_f1(counts: &[Counts]) -> Option<f64> {
    mean_of_defined(counts.iter().map(Counts::f1))
}

/// Share of images of which every label was answered rightly; `None` without images.
pub fn subset_accuracy(scored: &Scored, said: &[bool]) -> Option<f64> {
    let n_labels = scored.n_labels();
    let pairs = said.chunks_exact(n_labels).zip(scored.targets().chunks_exact(n_labels));
    let right = pairs.filter(|(said, truth)| said == truth).count();
    (scored.n_images() > 0).then(|| right as f64 / scored.n_images() as f64)
}

/// Share of answers that were wrong, over all images and labels; `None` without images.
pub fn hamming_loss(scored: &Scored, said: &[bool]) -> Option<f64> {
    let wrong = said.iter().zip(scored.targets()).filter(|(said, truth)| said != truth).count();
    (!said.is_empty()).then(|| wrong as f64 / said.len() as f64)
}

/// Where what was said of one label is right or wrong, as positions of images: what was neither said nor is true takes no time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answers {
    right: Vec<u32>,
    false_alarms: Vec<u32>,
    missed: Vec<u32>,
}

impl FromIterator<(bool, bool)> for Answers {
    /// Of what was said of each image and what is true.
    fn from_iter<I: IntoIterator<Item = (bool, bool)>>(answers: I) -> Self {
        let mut of = Answers::default();
        for (image, answer) in (0..).zip(answers) {
            match answer {
                (true, true) => of.right.push(image),
                (true, false) => of.false_alarms.push(image),
                (false, true) => of.missed.push(image),
                (false, false) => {}
            }
        }
        of
    }
}

impl Answers {
    /// Of all images alike; `None` without a positive.
    pub fn f1(&self) -> Option<f64> {
        let [right, false_alarms, missed] =
            [&self.right, &self.false_alarms, &self.missed].map(|images| images.len() as f64);
        (right + missed > 0.0).then(|| 2.0 * right / (2.0 * right + false_alarms + missed))
    }
}

/// F1 with each image counted as often as its multiplicity says, in [`LANES`] resamples at once. NaN in a lane
/// that has no positive. `multiplicities`: one per image.
#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+bmi2",
    "x86_64+avx2+bmi2"
))]
pub fn f1_lanes(answers: &Answers, multiplicities: &[Multiplicities]) -> Multiplicities {
    let mut sums = [[0f32; LANES]; 3];
    for (sums, images) in sums.iter_mut().zip([&answers.right, &answers.false_alarms, &answers.missed]) {
        for &image in images {
            let times = &multiplicities[image as usize];
            for lane in 0..LANES {
                sums[lane] += times[lane];
            }
        }
    }
    let [right, false_alarms, missed] = sums;
    std::array::from_fn(|lane| match right[lane] + missed[lane] {
        0.0 => f32::NAN,
        positives => 2.0 * right[lane] / (right[lane] + false_alarms[lane] + positives),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two labels, three images, worked by hand.
    #[test]
    fn a_hand_worked_table() {
        let (logits, targets) = ([2.0, -2.0, 2.0, 2.0, -2.0, -2.0], [true, false, false, true, true, true]);
        let scored = Scored::new(2, &logits, &targets).unwrap();
        let said = decisions(&scored, &Calibration::None, &[0.5, 0.5]);
        let counts = count(&scored, &said);
        assert_eq!(
            (counts[0].precision(), counts[0].recall(), counts[0].f1()),
            (Some(0.5), Some(0.5), Some(0.5))
        );
        assert_eq!((counts[1].precision(), counts[1].recall()), (Some(1.0), Some(0.5)));
        assert_eq!(counts[1].f1(), Some(2.0 / 3.0));
        assert_eq!(sum(&counts).f1(), Some(4.0 / 7.0));
        assert_eq!(macro_f1(&counts), Some((0.5 + 2.0 / 3.0) / 2.0));
        assert_eq!(subset_accuracy(&scored, &said), Some(1.0 / 3.0));
        assert_eq!(hamming_loss(&scored, &said), Some(0.5));
    }

    #[test]
    fn the_threshold_itself_counts_as_said() {
        let scored = Scored::new(1, &[0.0], &[true]).unwrap();
        assert_eq!(decisions(&scored, &Calibration::None, &[0.5]), [true]);
        assert_eq!(decisions(&scored, &Calibration::None, &[0.5000001]), [false]);
    }

    #[test]
    fn silence_is_precision_0_but_no_positives_is_no_metric() {
        let silent = Counts { false_negatives: 3, true_negatives: 4, ..Counts::default() };
        assert_eq!((silent.precision(), silent.f1()), (Some(0.0), Some(0.0)));
        let absent = Counts { false_positives: 3, true_negatives: 4, ..Counts::default() };
        assert_eq!((absent.precision(), absent.recall(), absent.f1()), (None, None, None));
    }

    #[test]
    fn f1_of_repeated_images() {
        let answers = [(true, true), (true, false), (false, true), (false, false)];
        let mut times = vec![[1.0; LANES]; 4];
        times.iter_mut().for_each(|times| times[1] = 0.0);
        (times[0][2], times[1][2]) = (2.0, 3.0);
        let answers = Answers::from_iter(answers);
        let found = f1_lanes(&answers, &times);
        assert_eq!((answers.f1(), Answers::default().f1()), (Some(0.5), None));
        assert_eq!((found[0], found[2]), (2.0 / 4.0, 4.0 / 8.0));
        assert!(found[1].is_nan());
    }
}
