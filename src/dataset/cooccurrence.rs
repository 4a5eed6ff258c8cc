//! Which labels appear together: a model can learn one from the other's company.
//!
//! Takes the table `labels`; gives counts of pairs, the strongest first. Memory grows with the pairs that occur.

use std::collections::BTreeMap;

use crate::tables::rows::LabelTable;

/// Images that have both labels of a pair below which its lift is left to chance.
pub const LEAST_FOR_LIFT: u64 = 5;

/// Images per label, and per pair of labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Cooccurrence {
    n_images: u64,
    positives: Vec<u64>,
    /// By positions of the labels, the lower one first; only pairs that occur.
    pairs: BTreeMap<(usize, usize), u64>,
}

/// Two labels that some images both have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// Position of the earlier label.
    pub first: usize,
    /// Position of the later label.
    pub second: usize,
    /// Images that have both.
    pub images: u64,
    /// How many times more images have both than if the labels were independent: `images x n / (n1 x n2)`.
    pub lift: f64,
}

impl Cooccurrence {
    /// Counts all images of the table.
    pub fn of(labels: &LabelTable) -> Self {
        let mut positives = vec![0; labels.labels.len()];
        let mut pairs = BTreeMap::new();
        for row_idx in 0..labels.image_ids.len() {
            let row = labels.row(row_idx);
            let present: Vec<usize> = (0..row.len()).filter(|&label_idx| row[label_idx]).collect();
            for (i, &first) in present.iter().enumerate() {
                positives[first] += 1;
                for &second in &present[i + 1..] {
                    *pairs.entry((first, second)).or_default() += 1;
                }
            }
        }
        Cooccurrence { n_images: labels.image_ids.len() as u64, positives, pairs }
    }

    /// Images that have both labels; those that have it, where both are the same.
    pub fn together(&self, a: usize, b: usize) -> u64 {
        if a == b {
            return self.positives[a];
        }
        self.pairs.get(&(a.min(b), a.max(b))).copied().unwrap_or(0)
    }

    /// Images per label.
    pub fn positives(&self) -> &[u64] {
        &self.positives
    }

    /// The pairs that most images have; equals in the order of their labels.
    pub fn most_frequent(&self, most: usize) -> Vec<Pair> {
        let mut pairs: Vec<Pair> = self.pairs().collect();
        pairs.sort_by(|a, b| b.images.cmp(&a.images));
        pairs.truncate(most);
        pairs
    }

    /// The pairs of the highest lift above 1 among those that at least [`LEAST_FOR_LIFT`] images have.
    pub fn highest_lift(&self, most: usize) -> Vec<Pair> {
        let mut pairs: Vec<Pair> =
            self.pairs().filter(|pair| pair.images >= LEAST_FOR_LIFT && pair.lift > 1.0).collect();
        pairs.sort_by(|a, b| b.lift.total_cmp(&a.lift));
        pairs.truncate(most);
        pairs
    }

    fn pairs(&self) -> impl Iterator<Item = Pair> + '_ {
        self.pairs.iter().map(|(&(first, second), &images)| {
            let independent = self.positives[first] as f64 * self.positives[second] as f64;
            Pair { first, second, images, lift: images as f64 * self.n_images as f64 / independent }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table(rows: &[[bool; 3]]) -> LabelTable {
        let labels = ["a", "b", "c"].map(String::from).to_vec();
        LabelTable { labels, image_ids: (0..rows.len() as i64).collect(), positives: rows.concat() }
    }

    /// Ten images: a in 6, b in 6, c in 5; a and b in 5, a and c in 5, b and c in 4.
    #[test]
    fn counts_and_lift_by_hand() {
        let mut rows = vec![[true, true, true]; 4];
        rows.extend([[true, true, false], [true, false, true], [false, true, false]]);
        rows.extend([[false; 3]; 3]);
        let found = Cooccurrence::of(&table(&rows));
        assert_eq!(found.positives(), [6, 6, 5]);
        assert_eq!([found.together(1, 0), found.together(0, 2), found.together(2, 1)], [5, 5, 4]);
        let pairs = |pairs: Vec<Pair>| pairs.iter().map(|p| (p.first, p.second)).collect::<Vec<_>>();
        assert_eq!(pairs(found.most_frequent(9)), [(0, 1), (0, 2), (1, 2)]);
        assert_eq!(pairs(found.most_frequent(1)), [(0, 1)]);
        // 5 x 10 / (6 x 5) is above 5 x 10 / (6 x 6); b and c have too few images.
        assert_eq!(pairs(found.highest_lift(9)), [(0, 2), (0, 1)]);
        assert!((found.highest_lift(1)[0].lift - 50.0 / 30.0).abs() < 1e-12);
    }

    #[test]
    fn nothing_is_together_in_nothing() {
        let found = Cooccurrence::of(&table(&[]));
        assert_eq!((found.positives().len(), found.most_frequent(5).len()), (3, 0));
    }

    proptest! {
        /// A pair has no more images than either label, and its count is that of a plain double loop.
        #[test]
        fn counts_are_those_of_a_double_loop(rows in prop::collection::vec(prop::array::uniform3(any::<bool>()), 0..40)) {
            let found = Cooccurrence::of(&table(&rows));
            for a in 0..3 {
                for b in 0..3 {
                    let expected = rows.iter().filter(|row| row[a] && row[b]).count() as u64;
                    prop_assert_eq!(found.together(a, b), expected);
                    prop_assert!(expected <= found.positives()[a]);
                }
            }
        }
    }
}
