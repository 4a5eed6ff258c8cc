//! A fraction of all combinations, chosen by a linear rule.

use std::cmp::Reverse;

use super::Subset;
use super::word_lengths::word_lengths;

/// A regular fraction `2^(k-p)` of a two-level factorial design of `k` factors.
///
/// The first `k - p` factors are basic: every combination of them is an arm. Each further factor is applied in the
/// arms that apply an odd number of certain basic factors. The arm that applies nothing is therefore always there.
///
/// In the signs of the textbooks (+1 applied, -1 not), the rule of a factor reads `E = ABC` where it goes by an odd
/// number of basic factors, and `E = -ABCD` where it goes by an even number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fraction {
    /// One for each factor: the basic factors that it goes by, as bits. That of basic factor `i` is `1 << i`.
    columns: Vec<u32>,
    n_base: u32,
}

/// The rule of a factor that is not basic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generator {
    /// The factor.
    pub factor: usize,
    /// Whether the product of the basic factors is taken with a minus.
    pub is_negative: bool,
    /// The basic factors that it goes by, ascending.
    pub of: Vec<usize>,
}

impl Fraction {
    /// From distinct columns that are no zero and of rank `n_base`; they are put into a basis of their own, basic ones
    /// first, and rules of few factors before those of many.
    pub(super) fn of_columns(columns: &[u32], n_base: u32) -> Self {
        let (basis, others) = split_by_independence(columns);
        debug_assert_eq!(basis.len(), n_base as usize);
        let mut rules: Vec<u32> = others.iter().map(|&column| in_basis(&basis, column)).collect();
        rules.sort_by(|a, b| Subset::from_bits(*a).listed(Subset::from_bits(*b)));
        let columns = (0..n_base).map(|base| 1 << base).chain(rules).collect();
        Fraction { columns, n_base }
    }

    /// How many factors there are.
    pub fn n_factors(&self) -> usize {
        self.columns.len()
    }

    /// How many of them are basic.
    pub fn n_base(&self) -> usize {
        self.n_base as usize
    }

    /// `p`: the design is the part `1 / 2^p` of all combinations.
    pub fn n_generators(&self) -> usize {
        self.columns.len() - self.n_base as usize
    }

    /// The columns, as sets of basic factors.
    pub(super) fn columns(&self) -> &[u32] {
        &self.columns
    }

    /// All arms in the order in which they are listed, the empty one first.
    pub fn arms(&self) -> Vec<Subset> {
        let applied = |arm: u32, column: u32| (column & arm).count_ones() % 2;
        let bits = |arm: u32| {
            self.columns.iter().enumerate().fold(0, |bits, (i, &column)| bits | applied(arm, column) << i)
        };
        let mut arms: Vec<Subset> =
            (0..1_u32 << self.n_base).map(|arm| Subset::from_bits(bits(arm))).collect();
        arms.sort_by(|a, b| a.listed(*b));
        arms
    }

    /// The rules of the factors that are not basic.
    pub fn generators(&self) -> Vec<Generator> {
        let rule = |(factor, column): (usize, &u32)| {
            let of: Vec<usize> = Subset::from_bits(*column).factors().collect();
            Generator { factor, is_negative: of.len().is_multiple_of(2), of }
        };
        self.columns.iter().enumerate().skip(self.n_base as usize).map(rule).collect()
    }

    /// Position `j`: the words of length `j` of the defining relation, without the empty one.
    pub fn word_lengths(&self) -> Vec<u64> {
        let mut lengths = word_lengths(&self.columns, self.n_base);
        lengths[0] = 0;
        lengths
    }

    /// The length of the shortest word: of resolution 4, no effect of one factor is mixed with one of a pair; of 5, no pair
    /// with another pair either. `None` where nothing is mixed with anything.
    pub fn resolution(&self) -> Option<usize> {
        self.word_lengths().iter().position(|&words| words > 0)
    }

    /// The words of the defining relation, shortest first, each with whether it is taken with a minus; `None` where they
    /// are more than `most`.
    pub fn words(&self, most: usize) -> Option<Vec<(bool, Vec<usize>)>> {
        let generators = self.n_generators();
        if generators >= 32 || (1_usize << generators) - 1 > most {
            return None;
        }
        let word = |chosen: u32| {
            let chosen = Subset::from_bits(chosen);
            let sum = chosen.factors().fold(0, |sum, i| sum ^ self.columns[self.n_base as usize + i]);
            let base = Subset::from_bits(sum).factors();
            let factors: Vec<usize> =
                base.chain(chosen.factors().map(|i| self.n_base as usize + i)).collect();
            // In an arm that applies nothing each factor is -1.
            (factors.len() % 2 == 1, factors)
        };
        let mut words: Vec<_> = (1..1_u32 << generators).map(word).collect();
        words.sort_by(|(_, a), (_, b)| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
        Some(words)
    }
}

/// The first columns that are independent of those before them, and the rest.
fn split_by_independence(columns: &[u32]) -> (Vec<u32>, Vec<u32>) {
    let mut reduced: Vec<u32> = Vec::new();
    columns.iter().partition(|&&column| {
        let rest = reduced.iter().fold(column, |rest, &known| rest.min(rest ^ known));
        if rest != 0 {
            reduced.push(rest);
            reduced.sort_unstable_by_key(|row| Reverse(*row));
        }
        rest != 0
    })
}

/// The one set of basis columns, as bits, that adds up to `column`.
fn in_basis(basis: &[u32], column: u32) -> u32 {
    // Elimination on the basis, each row with the set of basis columns that it is made of.
    let mut rows: Vec<(u32, u32)> = Vec::new();
    let reduce = |rows: &[(u32, u32)], value: u32, set: u32| {
        rows.iter().fold((value, set), |(value, set), &(row, of)| {
            if value ^ row < value { (value ^ row, set ^ of) } else { (value, set) }
        })
    };
    for (i, &base) in basis.iter().enumerate() {
        rows.push(reduce(&rows, base, 1 << i));
        rows.sort_unstable_by_key(|row| Reverse(row.0));
    }
    reduce(&rows, column, 0).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_in_any_basis_become_rules_on_basic_factors() {
        // The second basis is the first with 1, 2, 4 replaced by 3, 6, 7.
        for columns in [[1, 2, 4, 7], [3, 6, 7, 2]] {
            let fraction = Fraction::of_columns(&columns, 3);
            assert_eq!(fraction.columns, [1, 2, 4, 7]);
        }
    }

    #[test]
    fn the_half_of_four_factors_is_the_textbooks() {
        let fraction = Fraction::of_columns(&[1, 2, 4, 7], 3);
        let generator = Generator { factor: 3, is_negative: false, of: vec![0, 1, 2] };
        assert_eq!(fraction.generators(), [generator]);
        assert_eq!(fraction.words(1), Some(vec![(false, vec![0, 1, 2, 3])]));
        assert_eq!(fraction.resolution(), Some(4));
        let arms: Vec<Vec<usize>> = fraction.arms().iter().map(|arm| arm.factors().collect()).collect();
        let expected: [&[usize]; 8] =
            [&[], &[0, 1], &[0, 2], &[0, 3], &[1, 2], &[1, 3], &[2, 3], &[0, 1, 2, 3]];
        assert_eq!(arms, expected);
    }

    #[test]
    fn words_say_what_is_the_same_in_every_arm() {
        for columns in [&[1, 2, 4, 8, 15][..], &[1, 2, 4, 8, 7, 14], &[1, 2, 4, 8, 7, 11, 13, 14]] {
            let fraction = Fraction::of_columns(columns, 4);
            let words = fraction.words(15).unwrap();
            assert_eq!(words.len(), (1 << fraction.n_generators()) - 1);
            for (is_negative, word) in words {
                for arm in fraction.arms() {
                    let minuses = word.iter().filter(|&&factor| !arm.contains(factor)).count();
                    assert_eq!(minuses % 2 == 1, is_negative, "{columns:?} {word:?}");
                }
            }
            assert_eq!(fraction.words((1 << fraction.n_generators()) - 2), None);
        }
    }

    #[test]
    fn a_full_design_mixes_nothing() {
        let fraction = Fraction::of_columns(&[1, 2, 4], 3);
        assert_eq!((fraction.resolution(), fraction.n_generators()), (None, 0));
        assert_eq!(fraction.words(0), Some(vec![]));
    }
}
