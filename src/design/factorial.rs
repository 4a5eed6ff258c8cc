//! Every combination of the factors.

use super::Subset;

/// The most factors that are laid out in full: 64 arms.
pub const MAX_FACTORIAL: usize = 6;

/// All `2^n_factors` subsets in the order in which arms are listed, the empty one first. At most 32 factors.
pub fn factorial(n_factors: usize) -> Vec<Subset> {
    let mut subsets: Vec<Subset> =
        (0..1_u64 << n_factors.min(32)).map(|bits| Subset::from_bits(bits as u32)).collect();
    subsets.sort_by(|a, b| a.listed(*b));
    subsets
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_subset_stands_there_once_and_the_empty_one_first() {
        for n in 0..=MAX_FACTORIAL {
            let subsets = factorial(n);
            assert!(subsets[0].is_empty());
            assert_eq!(subsets.iter().collect::<HashSet<_>>().len(), 1 << n);
            assert!(subsets.iter().all(|subset| subset.factors().all(|factor| factor < n)));
        }
    }
}
