//! Which pairs of factors a fraction cannot tell apart.

use indexmap::IndexMap;

use super::Fraction;

/// Two factors, the first of the lower number.
pub type Pair = (usize, usize);

impl Fraction {
    /// All pairs, in groups that cannot be told apart: only the sum of the effects of a group can be known. A pair that is
    /// alone is clear. Groups and the pairs in them stand in ascending order.
    ///
    /// Two pairs are mixed where their columns have the same sum, that is, where their factors make up a word of four, whose
    /// sign is a plus in these fractions. A sum that is a factor's own column would be resolution 3, which none of them is.
    pub fn pair_groups(&self) -> Vec<Vec<Pair>> {
        let columns = self.columns();
        let mut groups: IndexMap<u32, Vec<Pair>> = IndexMap::new();
        for first in 0..columns.len() {
            for second in first + 1..columns.len() {
                groups.entry(columns[first] ^ columns[second]).or_default().push((first, second));
            }
        }
        groups.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(columns: &[u32], n_base: u32) -> Vec<Vec<Pair>> {
        Fraction::of_columns(columns, n_base).pair_groups()
    }

    /// Montgomery's Design and Analysis of Experiments: `2^(4-1)` with `D = ABC` has `AB = CD`, `AC = BD`, `AD = BC`.
    #[test]
    fn pairs_of_the_half_of_four_factors_are_mixed_two_by_two() {
        let expected = [vec![(0, 1), (2, 3)], vec![(0, 2), (1, 3)], vec![(0, 3), (1, 2)]];
        assert_eq!(groups(&[1, 2, 4, 7], 3), expected);
    }

    #[test]
    fn resolution_five_leaves_every_pair_clear() {
        let groups = groups(&[1, 2, 4, 8, 15], 4);
        assert_eq!(groups.len(), 10);
        assert!(groups.iter().all(|group| group.len() == 1));
    }

    /// The same in signs: within a group, the products of the two factors agree in every arm.
    #[test]
    fn pairs_of_a_group_agree_in_every_arm_and_those_of_two_groups_do_not() {
        let fraction = Fraction::of_columns(&[1, 2, 4, 8, 7, 11, 13, 14], 4);
        let arms = fraction.arms();
        let product = |(a, b): Pair| -> Vec<bool> {
            arms.iter().map(|arm| arm.contains(a) == arm.contains(b)).collect()
        };
        let groups = fraction.pair_groups();
        assert_eq!(groups.len(), 7);
        for (i, group) in groups.iter().enumerate() {
            assert!(group.iter().all(|&pair| product(pair) == product(group[0])));
            for other in &groups[..i] {
                let (one, two) = (product(group[0]), product(other[0]));
                assert_eq!(one.iter().zip(two).filter(|(a, b)| **a == *b).count() * 2, arms.len());
            }
        }
    }
}
