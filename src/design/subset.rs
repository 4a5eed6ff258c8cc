//! Some of the factors.

use std::cmp::Ordering;

/// The factors that an arm applies, at most 32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Subset(u32);

impl Subset {
    /// Factor `i` is in it where bit `i` is set.
    pub fn from_bits(bits: u32) -> Self {
        Subset(bits)
    }

    /// Whether a factor is in it.
    pub fn contains(self, factor: usize) -> bool {
        factor < 32 && self.0 >> factor & 1 == 1
    }

    /// The factors in it, ascending.
    pub fn factors(self) -> impl Iterator<Item = usize> {
        (0..32).filter(move |&factor| self.contains(factor))
    }

    /// How many factors are in it.
    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether no factor is in it.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The order in which arms are listed: those with fewer factors first; among equals, as a dictionary would.
    pub fn listed(self, other: Self) -> Ordering {
        let by_factors = || self.factors().cmp(other.factors());
        self.len().cmp(&other.len()).then_with(by_factors)
    }
}

#[cfg(test)]
mod tests {
    use super::Subset;

    #[test]
    fn fewer_factors_come_first_and_then_earlier_ones() {
        let mut all: Vec<Subset> = (0..8).rev().map(Subset::from_bits).collect();
        all.sort_by(|a, b| a.listed(*b));
        let shown: Vec<Vec<usize>> = all.into_iter().map(|subset| subset.factors().collect()).collect();
        let expected: [&[usize]; 8] = [&[], &[0], &[1], &[2], &[0, 1], &[0, 2], &[1, 2], &[0, 1, 2]];
        assert_eq!(shown, expected);
    }

    #[test]
    fn the_last_factor_has_a_place() {
        let last = Subset::from_bits(1 << 31);
        assert_eq!((last.len(), last.factors().collect::<Vec<_>>()), (1, vec![31]));
        assert!(!last.is_empty() && !last.contains(32));
    }
}
