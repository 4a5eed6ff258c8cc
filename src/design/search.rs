//! The smallest fraction that keeps single factors apart, and among those of its size the one that mixes least.
//!
//! Of two fractions of one size that one mixes less which has fewer words of the shortest length in which they differ:
//! it has *minimum aberration* (Fries and Hunter 1980, Technometrics 22:601). Textbooks tabulate such fractions
//! (Montgomery, Design and Analysis of Experiments, table of fractional factorial design generators; Box, Hunter and
//! Hunter, Statistics for Experimenters); here they are found.
//!
//! **Resolution 4.** `N` arms bear at most `N / 2` factors, so the size follows from their number. All such fractions
//! of more than `5 N / 16` factors are parts of one: that of the `N / 2` columns that go by an odd number of basic
//! factors, which Box and Hunter (1961) get by folding over. For up to `5 N / 16` factors (and at least `17 N / 64`,
//! as here always), those of minimum aberration are parts of the half of five factors, doubled until it has `N` arms
//! (Chen and Cheng 2006, Annals of Statistics 34:546; Xu and Cheng 2008, Annals of Statistics 36:445). Columns are left out
//! of the whole one by one, each time the one whose loss leaves the least aberration. Up to 20 factors, and from 29,
//! the tests compare this with all parts there are; their counts of words are those of Chen, Sun and Wu (1993,
//! International Statistical Review 61:131).
//!
//! **Resolution 5.** Every set of columns of which no four add up to zero is tried.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::Fraction;
use super::word_lengths::word_lengths;

/// What a fraction must at least keep apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// Single factors from each other and from pairs.
    Four,
    /// Pairs from each other, too.
    Five,
}

/// Why there is no fraction of so many factors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// With fewer than `least`, nothing short of all combinations keeps apart what must be kept apart.
    TooFew {
        /// The fewest.
        least: usize,
    },
    /// More than `most` would take more arms than are laid out.
    TooMany {
        /// The most.
        most: usize,
    },
}

/// The most factors of a fraction of resolution 4: in 64 arms.
const MOST_AT_FOUR: usize = 32;
/// The most factors of a fraction of resolution 5 in `2^n_base` arms: the longest binary linear codes of distance 5 with
/// that redundancy.
const MOST_AT_FIVE: [(u32, usize); 4] = [(4, 5), (5, 6), (6, 8), (7, 11)];

/// How many arms the fraction of so many factors has.
///
/// # Errors
/// Where there is none.
pub fn n_arms(n_factors: usize, resolution: Resolution) -> Result<usize, Refusal> {
    Ok(1 << n_base(n_factors, resolution)?)
}

/// The fraction of so many factors, found once in a process.
///
/// # Errors
/// Where there is none.
pub fn fraction(n_factors: usize, resolution: Resolution) -> Result<&'static Fraction, Refusal> {
    static AT_FOUR: [OnceLock<Fraction>; MOST_AT_FOUR + 1] = [const { OnceLock::new() }; MOST_AT_FOUR + 1];
    static AT_FIVE: [OnceLock<Fraction>; 12] = [const { OnceLock::new() }; 12];
    let n_base = n_base(n_factors, resolution)?;
    Ok(match resolution {
        Resolution::Four => AT_FOUR[n_factors].get_or_init(|| at_four(n_factors, n_base)),
        Resolution::Five => AT_FIVE[n_factors].get_or_init(|| at_five(n_factors, n_base)),
    })
}

fn n_base(n_factors: usize, resolution: Resolution) -> Result<u32, Refusal> {
    match (resolution, n_factors) {
        (Resolution::Four, 0..4) => Err(Refusal::TooFew { least: 4 }),
        (Resolution::Four, 4..=MOST_AT_FOUR) => Ok(n_factors.next_power_of_two().trailing_zeros() + 1),
        (Resolution::Four, _) => Err(Refusal::TooMany { most: MOST_AT_FOUR }),
        (Resolution::Five, 0..5) => Err(Refusal::TooFew { least: 5 }),
        (Resolution::Five, _) => {
            let fits = MOST_AT_FIVE.iter().find(|(_, most)| n_factors <= *most);
            fits.map(|(n_base, _)| *n_base).ok_or(Refusal::TooMany { most: MOST_AT_FIVE[3].1 })
        }
    }
}

fn at_four(n_factors: usize, n_base: u32) -> Fraction {
    let mut columns = whole(n_factors, n_base);
    while columns.len() > n_factors {
        let without = |left_out: usize| {
            let kept = columns.iter().enumerate().filter(|(i, _)| *i != left_out);
            kept.map(|(_, &column)| column).collect::<Vec<u32>>()
        };
        // Among equals the last goes, which goes by more basic factors.
        let parts = (0..columns.len()).rev().map(without);
        let best = parts.min_by_key(|part| word_lengths(part, n_base));
        columns = best.unwrap_or_default();
    }
    Fraction::of_columns(&columns, n_base)
}

/// The columns that those of a fraction of resolution 4 are chosen from.
fn whole(n_factors: usize, n_base: u32) -> Vec<u32> {
    let n_arms = 1_usize << n_base;
    if 16 * n_factors > 5 * n_arms {
        return (0..n_arms as u32).filter(|column| column.count_ones() % 2 == 1).collect();
    }
    (4..n_base).fold(vec![1, 2, 4, 8, 15], |columns, new| {
        let doubled = columns.iter().map(|column| column | 1 << new);
        columns.iter().copied().chain(doubled).collect()
    })
}

fn at_five(n_factors: usize, n_base: u32) -> Fraction {
    let basic = (0..n_base).map(|base| 1 << base).collect();
    let mut best = None;
    extend(basic, 1, n_factors, n_base, &mut best);
    let (_, columns) = best.unwrap_or_else(|| panic!("bug: {n_factors} factors fit into 2^{n_base} arms"));
    Fraction::of_columns(&columns, n_base)
}

/// Adds columns from `from` on in ascending order, none of which is the sum of up to three others, and keeps the set
/// that mixes least.
fn extend(
    columns: Vec<u32>,
    from: u32,
    n_factors: usize,
    n_base: u32,
    best: &mut Option<(Vec<u64>, Vec<u32>)>,
) {
    if columns.len() == n_factors {
        let lengths = word_lengths(&columns, n_base);
        if best.as_ref().is_none_or(|(least, _)| lengths < *least) {
            *best = Some((lengths, columns));
        }
        return;
    }
    let mut is_sum = vec![false; 1 << n_base];
    for (i, a) in columns.iter().enumerate() {
        is_sum[*a as usize] = true;
        for (j, b) in columns[..i].iter().enumerate() {
            is_sum[(a ^ b) as usize] = true;
            columns[..j].iter().for_each(|c| is_sum[(a ^ b ^ c) as usize] = true);
        }
    }
    for column in (from..1 << n_base).filter(|&column| !is_sum[column as usize]) {
        let more = columns.iter().copied().chain([column]).collect();
        extend(more, column + 1, n_factors, n_base, best);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design::Subset;

    fn at(resolution: Resolution) -> impl Iterator<Item = (usize, &'static Fraction)> {
        (0..40).filter_map(move |n| Some((n, fraction(n, resolution).ok()?)))
    }

    fn all() -> impl Iterator<Item = (usize, &'static Fraction)> {
        at(Resolution::Four).chain(at(Resolution::Five))
    }

    /// Words of length 4 and 5, or, at resolution 5, of 5 and 6.
    fn shortest(fraction: &Fraction, from: usize) -> [u64; 2] {
        let lengths = fraction.word_lengths();
        [from, from + 1].map(|j| lengths.get(j).copied().unwrap_or(0))
    }

    #[test]
    fn sizes_and_resolutions_are_those_of_the_textbooks() {
        let shown: Vec<String> = at(Resolution::Four)
            .map(|(n, f)| format!("{n}-{} {}", f.n_generators(), f.resolution().unwrap()))
            .collect();
        let expected = "4-1 4, 5-1 5, 6-2 4, 7-3 4, 8-4 4, 9-4 4, 10-5 4, 11-6 4, 12-7 4, 13-8 4, 14-9 4, 15-10 4, \
                        16-11 4, 17-11 4, 18-12 4, 19-13 4, 20-14 4, 21-15 4, 22-16 4, 23-17 4, 24-18 4, 25-19 4, \
                        26-20 4, 27-21 4, 28-22 4, 29-23 4, 30-24 4, 31-25 4, 32-26 4";
        assert_eq!(shown.join(", "), expected);
        let shown: Vec<String> = at(Resolution::Five)
            .map(|(n, f)| format!("{n}-{} {}", f.n_generators(), f.resolution().unwrap()))
            .collect();
        assert_eq!(shown.join(", "), "5-1 5, 6-1 6, 7-1 7, 8-2 5, 9-2 6, 10-3 5, 11-4 5");
        for (n, f) in at(Resolution::Four) {
            assert_eq!(n_arms(n, Resolution::Four), Ok(f.arms().len()));
        }
    }

    /// Chen, Sun and Wu (1993), the first design of each size; Montgomery's table has the same up to eight factors.
    #[test]
    fn counts_of_words_are_those_of_the_tables() {
        let found: Vec<[u64; 2]> =
            (4..=20).map(|n| shortest(fraction(n, Resolution::Four).unwrap(), 4)).collect();
        let sixteen = [[1, 0], [0, 1], [3, 0], [7, 0], [14, 0]];
        let thirty_two = [[6, 8], [10, 16], [25, 0], [38, 0], [55, 0], [77, 0], [105, 0], [140, 0]];
        let sixty_four = [[59, 108], [78, 144], [100, 192], [125, 256]];
        assert_eq!(found, [&sixteen[..], &thirty_two, &sixty_four].concat());
        let found: Vec<[u64; 2]> = at(Resolution::Five).map(|(_, f)| shortest(f, 5)).collect();
        assert_eq!(found, [[1, 0], [0, 1], [0, 0], [2, 1], [0, 3], [3, 3], [6, 6]]);
    }

    #[test]
    fn no_part_of_the_whole_mixes_less() {
        for n in (4..=20).chain(29..=32) {
            let n_base = n_base(n, Resolution::Four).unwrap();
            let columns = whole(n, n_base);
            let mut least: Option<Vec<u64>> = None;
            subsets_of(&columns, n, &mut Vec::new(), &mut |part| {
                let lengths = word_lengths(part, n_base);
                if least.as_ref().is_none_or(|least| lengths < *least) {
                    least = Some(lengths);
                }
            });
            let found = fraction(n, Resolution::Four).unwrap();
            assert_eq!(word_lengths(found.columns(), n_base), least.unwrap(), "{n}");
        }
    }

    /// Every choice of `n` columns, after those that are `chosen`.
    fn subsets_of(columns: &[u32], n: usize, chosen: &mut Vec<u32>, visit: &mut impl FnMut(&[u32])) {
        if chosen.len() == n {
            return visit(chosen);
        }
        let wanted = n - chosen.len();
        for i in 0..=columns.len().saturating_sub(wanted) {
            chosen.push(columns[i]);
            subsets_of(&columns[i + 1..], n, chosen, visit);
            chosen.pop();
        }
    }

    /// Nothing smaller would do: at resolution 4 by the bound of `N / 2`, at resolution 5 by trying.
    #[test]
    fn half_the_arms_would_not_do() {
        for (n, f) in at(Resolution::Four) {
            assert!(f.arms().len() < 4 * n, "{n}");
        }
        for (n, f) in at(Resolution::Five) {
            let n_base = f.n_base() as u32 - 1;
            let mut best = None;
            extend((0..n_base).map(|base| 1 << base).collect(), 1, n, n_base, &mut best);
            assert_eq!(best, None, "{n}");
        }
    }

    /// +1 applied, -1 not, in every arm.
    fn signs(arms: &[Subset], factor: usize) -> Vec<i32> {
        arms.iter().map(|arm| if arm.contains(factor) { 1 } else { -1 }).collect()
    }

    fn dot(a: &[i32], b: &[i32]) -> i32 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn every_factor_is_applied_in_half_of_the_arms_and_apart_from_the_others_and_from_pairs() {
        for (n, f) in all() {
            let arms = f.arms();
            let columns: Vec<Vec<i32>> = (0..n).map(|factor| signs(&arms, factor)).collect();
            for a in 0..n {
                assert_eq!(columns[a].iter().sum::<i32>(), 0, "{n}: {a} is balanced");
                for b in 0..a {
                    assert_eq!(dot(&columns[a], &columns[b]), 0, "{n}: {a} {b}");
                    let pair: Vec<i32> = columns[a].iter().zip(&columns[b]).map(|(a, b)| a * b).collect();
                    assert!((0..n).all(|c| c == a || c == b || dot(&pair, &columns[c]) == 0), "{n}: {a} {b}");
                }
            }
        }
    }

    #[test]
    fn at_resolution_five_pairs_are_apart_from_pairs() {
        for (n, f) in at(Resolution::Five) {
            assert_eq!(f.pair_groups().len(), n * (n - 1) / 2);
        }
    }

    #[test]
    fn the_arm_that_applies_nothing_comes_first_and_no_arm_twice() {
        for (n, f) in all() {
            let arms = f.arms();
            assert!(arms[0].is_empty(), "{n}");
            assert_eq!(arms.iter().collect::<std::collections::HashSet<_>>().len(), arms.len(), "{n}");
        }
    }

    /// The resolution, from the words themselves where they can be listed.
    #[test]
    fn the_shortest_word_is_as_long_as_the_resolution() {
        let mut seen = 0;
        for (n, f) in all() {
            let Some(words) = f.words(20_000) else { continue };
            assert_eq!(Some(words[0].1.len()), f.resolution(), "{n}");
            let mut lengths = vec![0; n + 1];
            words.iter().for_each(|(_, word)| lengths[word.len()] += 1);
            assert_eq!(lengths, f.word_lengths(), "{n}");
            seen += 1;
        }
        assert_eq!(seen, 24);
    }

    #[test]
    fn too_few_and_too_many_factors_are_told() {
        assert_eq!(n_arms(3, Resolution::Four), Err(Refusal::TooFew { least: 4 }));
        assert_eq!(n_arms(33, Resolution::Four), Err(Refusal::TooMany { most: 32 }));
        assert_eq!(fraction(4, Resolution::Five), Err(Refusal::TooFew { least: 5 }));
        assert_eq!(fraction(12, Resolution::Five), Err(Refusal::TooMany { most: 11 }));
    }
}
