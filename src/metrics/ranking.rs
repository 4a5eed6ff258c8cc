//! Metrics of the order that scores put images in: average precision and AUROC.
//!
//! A [`Ranking`] is sorted once and then read as often as wanted: also with a multiplicity for each image, as a
//! bootstrap needs it, without sorting again.

use super::scored::{Scored, mean_of_defined};

/// Resamples that are scored side by side: four SSE registers of f32, which every x86-64 and ARM64 has.
pub const LANES: usize = 16;

/// A multiplicity of one image in each of [`LANES`] resamples. Whole numbers, exact in f32 up to 2^24 images.
pub type Multiplicities = [f32; LANES];

/// The images in the order of falling score, ties marked.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranking {
    entries: Vec<Entry>,
    n_positives: usize,
}

/// One image of a ranking, packed: position, whether it has the label, whether it ends a group of equal scores.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Entry(u32);

impl Entry {
    fn new(idx: usize, positive: bool, ends_group: bool) -> Self {
        Entry((idx as u32) << 2 | u32::from(positive) << 1 | u32::from(ends_group))
    }

    fn idx(self) -> usize {
        (self.0 >> 2) as usize
    }

    fn positive(self) -> bool {
        self.0 & 2 != 0
    }

    fn ends_group(self) -> bool {
        self.0 & 1 != 0
    }
}

impl Ranking {
    /// Sorts `scored`, finite scores with the truth beside them. -0 and 0 are the same score.
    ///
    /// # Panics
    /// With 2^30 images or more: a position would not fit its entry.
    pub fn new(scored: impl ExactSizeIterator<Item = (f32, bool)>) -> Self {
        assert!(scored.len() < 1 << 30, "bug: `{}` images in one ranking", scored.len());
        let mut n_positives = 0;
        // One u64 per image sorts fastest: the score, inverted, above position and truth.
        let mut keys: Vec<u64> = Vec::with_capacity(scored.len());
        for (idx, (score, positive)) in scored.enumerate() {
            n_positives += usize::from(positive);
            keys.push(u64::from(!ascending_bits(score)) << 32 | (idx as u64) << 1 | u64::from(positive));
        }
        keys.sort_unstable();
        let entries = keys.iter().enumerate().map(|(at, &key)| {
            let ends_group = keys.get(at + 1).is_none_or(|next| next >> 32 != key >> 32);
            Entry::new((key as u32 >> 1) as usize, key & 1 == 1, ends_group)
        });
        Ranking { entries: entries.collect(), n_positives }
    }

    /// Number of images.
    pub fn n_images(&self) -> usize {
        self.entries.len()
    }

    /// Images that have the label.
    pub fn n_positives(&self) -> usize {
        self.n_positives
    }

    /// Average precision, 0 to 1: the sum over distinct scores, from the highest, of the recall gained times the
    /// precision reached (scikit-learn's `average_precision_score`; no interpolation). `None` without positives.
    pub fn average_precision(&self) -> Option<f64> {
        let (mut seen, mut hits, mut hits_before, mut sum) = (0u64, 0u64, 0u64, 0.0);
        for entry in &self.entries {
            seen += 1;
            hits += u64::from(entry.positive());
            if entry.ends_group() && hits > hits_before {
                sum += (hits - hits_before) as f64 * (hits as f64 / seen as f64);
                hits_before = hits;
            }
        }
        (self.n_positives > 0).then(|| sum / self.n_positives as f64)
    }

    /// The precision where recall first reaches 1/n, 2/n, ..., 1: the precision-recall curve as average precision sums it, a
    /// step at each distinct score and no interpolation. Its mean is the average precision where the positives divide
    /// `n`. `None` without positives.
    pub fn precision_at_recalls(&self, n: usize) -> Option<Vec<f64>> {
        let (mut seen, mut hits) = (0u64, 0u64);
        let mut precisions = Vec::with_capacity(n);
        for entry in &self.entries {
            seen += 1;
            hits += u64::from(entry.positive());
            // Recall is `hits / positives`, and the next one asked for `(precisions.len() + 1) / n`.
            while entry.ends_group()
                && precisions.len() < n
                && hits * n as u64 >= (precisions.len() as u64 + 1) * self.n_positives as u64
            {
                precisions.push(hits as f64 / seen as f64);
            }
        }
        (self.n_positives > 0).then_some(precisions)
    }

    /// Area under the ROC curve, 0 to 1: how often an image with the label is above one without it, ties counting
    /// half. `None` without positives or without negatives.
    pub fn auroc(&self) -> Option<f64> {
        let n_negatives = self.n_images() - self.n_positives;
        let (mut above, mut positives, mut negatives, mut twice_wins) = (0u128, 0u128, 0u128, 0u128);
        for entry in &self.entries {
            if entry.positive() {
                positives += 1;
            } else {
                negatives += 1;
            }
            if entry.ends_group() {
                twice_wins += negatives * (2 * above + positives);
                above += positives;
                (positives, negatives) = (0, 0);
            }
        }
        let pairs = self.n_positives as u128 * n_negatives as u128;
        (pairs > 0).then(|| twice_wins as f64 / (2 * pairs) as f64)
    }

    /// Average precision with each image counted as often as its multiplicity says, in [`LANES`] resamples at
    /// once (scikit-learn's `sample_weight`). NaN in a lane that has no positive.
    ///
    /// `multiplicities`: one per image, in the order of the scores that the ranking was made of.
    pub fn average_precision_lanes(&self, multiplicities: &[Multiplicities]) -> Multiplicities {
        average_precision_lanes(&self.entries, self.n_positives, multiplicities)
    }
}

#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+bmi2",
    "x86_64+avx2+bmi2"
))]
fn average_precision_lanes(
    entries: &[Entry],
    n_positives: usize,
    multiplicities: &[Multiplicities],
) -> Multiplicities {
    let mut seen = [0f32; LANES];
    let mut hits = [0f32; LANES];
    let mut hits_before = [0f32; LANES];
    let mut sum = [0f32; LANES];
    let mut positives_left = n_positives;
    let mut gained = false;
    for entry in entries {
        let times = &multiplicities[entry.idx()];
        add(&mut seen, times);
        if entry.positive() {
            add(&mut hits, times);
            positives_left -= 1;
            gained = true;
        }
        if entry.ends_group() && gained {
            for lane in 0..LANES {
                // Nothing seen yet: nothing gained either, and 1 only keeps 0 / 0 away.
                let precision = hits[lane] / seen[lane].max(1.0);
                sum[lane] += (hits[lane] - hits_before[lane]) * precision;
            }
            hits_before = hits;
            gained = false;
            if positives_left == 0 {
                break;
            }
        }
    }
    std::array::from_fn(|lane| sum[lane] / hits[lane])
}

/// Mean over the labels that have positives of their average precision; `None` where no label has any.
pub fn macro_average_precision(scored: &Scored) -> Option<f64> {
    mean_of_defined(
        (0..scored.n_labels()).map(|label| Ranking::new(scored.column(label)).average_precision()),
    )
}

/// Average precision over all pairs of image and label in one ranking; `None` without positives.
pub fn micro_average_precision(scored: &Scored) -> Option<f64> {
    Ranking::new(scored.pairs()).average_precision()
}

#[inline]
fn add(sum: &mut Multiplicities, term: &Multiplicities) {
    for (sum, term) in sum.iter_mut().zip(term) {
        *sum += term;
    }
}

/// The bits of a finite float as a number that rises with it.
fn ascending_bits(score: f32) -> u32 {
    let bits = (score + 0.0).to_bits();
    if bits >> 31 == 1 { !bits } else { bits | 1 << 31 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranking(scores: &[f32], positives: &[u8]) -> Ranking {
        Ranking::new(scores.iter().copied().zip(positives.iter().map(|&p| p == 1)))
    }

    /// Worked by hand: positives at ranks 1, 3 and 4 of 5.
    #[test]
    fn average_precision_of_a_hand_worked_case() {
        let ranking = ranking(&[0.9, 0.8, 0.7, 0.6, 0.5], &[1, 0, 1, 1, 0]);
        let expected = (1.0 / 1.0 + 2.0 / 3.0 + 3.0 / 4.0) / 3.0;
        assert!((ranking.average_precision().unwrap() - expected).abs() < 1e-15);
        // Pairs won by positives: rank 1 beats both negatives, ranks 3 and 4 beat one each.
        assert!((ranking.auroc().unwrap() - 4.0 / 6.0).abs() < 1e-15);
    }

    /// scikit-learn's documented example: AP 0.83, AUROC 0.75.
    #[test]
    fn the_example_of_scikit_learn() {
        let ranking = ranking(&[0.1, 0.4, 0.35, 0.8], &[0, 0, 1, 1]);
        assert!((ranking.average_precision().unwrap() - 5.0 / 6.0).abs() < 1e-15);
        assert_eq!(ranking.auroc(), Some(0.75));
    }

    /// A tie is one step: its positives are gained at the precision of the whole group.
    #[test]
    fn ties_are_one_step() {
        let ranking = ranking(&[2.0, 1.0, 1.0, 1.0, 0.0], &[0, 1, 0, 1, 1]);
        let expected = (2.0 * (2.0 / 4.0) + 3.0 / 5.0) / 3.0;
        assert!((ranking.average_precision().unwrap() - expected).abs() < 1e-15);
    }

    /// The curve that average precision is the area of.
    #[test]
    fn the_mean_precision_over_recalls_is_the_average_precision() {
        let mut draws = crate::seed::Key::root(6).draws();
        for n_positives in [1, 2, 5, 10, 25, 50] {
            let n = n_positives + draws.below(80) as usize;
            let mut positives: Vec<u8> = (0..n).map(|i| u8::from(i < n_positives)).collect();
            draws.shuffle(&mut positives);
            let scores: Vec<f32> = (0..n).map(|_| draws.below(30) as f32).collect();
            let ranking = ranking(&scores, &positives);
            let curve = ranking.precision_at_recalls(50).unwrap();
            assert_eq!(curve.len(), 50);
            let mean = curve.iter().sum::<f64>() / 50.0;
            assert!((mean - ranking.average_precision().unwrap()).abs() < 1e-12, "{n_positives} of {n}");
        }
        assert_eq!(ranking(&[1.0], &[0]).precision_at_recalls(50), None);
        let worked = ranking(&[0.9, 0.8, 0.7, 0.6, 0.5], &[1, 0, 1, 1, 0]);
        assert_eq!(worked.precision_at_recalls(4), Some(vec![1.0, 2.0 / 3.0, 0.75, 0.75]));
    }

    #[test]
    fn constant_scores_give_the_prevalence_and_a_half() {
        let ranking = ranking(&[0.3; 8], &[1, 0, 0, 1, 0, 0, 0, 0]);
        assert_eq!((ranking.average_precision(), ranking.auroc()), (Some(0.25), Some(0.5)));
    }

    #[test]
    fn what_is_not_defined_is_none() {
        assert_eq!(ranking(&[], &[]).average_precision(), None);
        assert_eq!(ranking(&[1.0, 2.0], &[0, 0]).average_precision(), None);
        assert_eq!(ranking(&[1.0, 2.0], &[1, 1]).average_precision(), Some(1.0));
        assert_eq!(ranking(&[1.0, 2.0], &[1, 1]).auroc(), None);
    }

    #[test]
    fn minus_zero_ties_with_zero() {
        let (a, b) = (ranking(&[-0.0, 0.0], &[0, 1]), ranking(&[0.0, -0.0], &[0, 1]));
        assert_eq!(a.average_precision(), Some(0.5));
        assert_eq!(b.average_precision(), Some(0.5));
        assert!(ascending_bits(-1.0) < ascending_bits(-0.5) && ascending_bits(-0.5) < ascending_bits(0.0));
    }

    /// An image with multiplicity k counts like k images with the same score.
    #[test]
    fn multiplicities_are_repeated_images() {
        let mut draws = crate::seed::Key::root(5).draws();
        for _ in 0..20 {
            let n = 1 + draws.below(40) as usize;
            let scores: Vec<f32> = (0..n).map(|_| draws.below(12) as f32 / 3.0 - 2.0).collect();
            let positives: Vec<u8> = (0..n).map(|_| u8::from(draws.chance(0.3))).collect();
            let times: Vec<Multiplicities> =
                (0..n).map(|_| std::array::from_fn(|_| draws.below(4) as f32)).collect();
            let lanes = ranking(&scores, &positives).average_precision_lanes(&times);
            for (lane, value) in lanes.into_iter().enumerate() {
                let (mut repeated, mut truth) = (Vec::new(), Vec::new());
                for image in 0..n {
                    for _ in 0..times[image][lane] as usize {
                        repeated.push(scores[image]);
                        truth.push(positives[image]);
                    }
                }
                match ranking(&repeated, &truth).average_precision() {
                    Some(expected) => assert!((f64::from(value) - expected).abs() < 1e-6),
                    None => assert!(value.is_nan()),
                }
            }
        }
    }
}
