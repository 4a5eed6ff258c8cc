//! Photos that look nearly the same, told by their hashes: most bits are equal.
//!
//! A hash of 256 bits is cut into 16 words. Two hashes that differ in at most `d` bits differ in at most `d / 16` bits in
//! one word at least, so that only hashes with nearly the same word in the same place are compared (multi-index
//! hashing: Norouzi, Punjani and Fleet, "Fast search in Hamming space", CVPR 2012). With `d` up to 31 each word
//! is looked up as it is and with one bit turned.

use rayon::prelude::*;

use crate::tables::rows::PictureHashRow;

/// Pictures with less detail are not compared: of what is nearly flat, the hash is noise.
pub const LEAST_DETAIL: u32 = 10;

/// The largest distance that can be asked for: from 62 bits on, photos of different things on one ground are met.
pub const MOST_BITS: u32 = 63;

const WORDS: usize = 16;

/// Images that are compared with all others before the first look at what belongs together already. Later blocks are twice
/// as large each: where all images are alike, they are one set after the first.
const FIRST_BLOCK: usize = 64;
/// The largest block.
const LAST_BLOCK: usize = 1 << 16;

/// Ids of images whose hashes differ in at most `most_bits` bits, directly or by way of others: each list has at least two,
/// ascending; lists by their first.
pub fn alike(hashes: &[PictureHashRow], most_bits: u32) -> Vec<Vec<i64>> {
    let mut rows: Vec<&PictureHashRow> = hashes.iter().filter(|row| row.detail >= LEAST_DETAIL).collect();
    rows.sort_unstable_by_key(|row| row.image_id);
    let keys: Vec<[u64; 4]> = rows.iter().map(|row| quarters(&row.hash)).collect();
    let index = Index::new(&keys);
    let masks = masks(most_bits.min(MOST_BITS) / WORDS as u32);

    let mut sets: Vec<usize> = (0..keys.len()).collect();
    let (mut start, mut block) = (0, FIRST_BLOCK);
    while start < keys.len() {
        // Sets point to earlier images: so each then points to its first, and threads look it up in one step.
        (0..keys.len()).for_each(|idx| sets[idx] = sets[sets[idx]]);
        let found: Vec<(usize, usize)> = (start..keys.len().min(start + block))
            .into_par_iter()
            .flat_map_iter(|idx| index.near(idx, &keys, &masks, most_bits, &sets))
            .collect();
        for (a, b) in found {
            let (a, b) = (root(&mut sets, a), root(&mut sets, b));
            sets[a.max(b)] = a.min(b);
        }
        start += block;
        block = (2 * block).min(LAST_BLOCK);
    }

    let mut groups: Vec<Vec<i64>> = vec![Vec::new(); keys.len()];
    for (idx, row) in rows.iter().enumerate() {
        groups[root(&mut sets, idx)].push(row.image_id);
    }
    groups.retain(|group| group.len() > 1);
    groups
}

/// Bits in which two hashes differ.
pub fn distance(a: &[u8; 32], b: &[u8; 32]) -> u32 {
    apart(&quarters(a), &quarters(b))
}

fn quarters(hash: &[u8; 32]) -> [u64; 4] {
    let mut quarters = [0; 4];
    for (quarter, bytes) in quarters.iter_mut().zip(hash.chunks_exact(8)) {
        *quarter = bytes.iter().fold(0, |value, &byte| value << 8 | u64::from(byte));
    }
    quarters
}

fn apart(a: &[u64; 4], b: &[u64; 4]) -> u32 {
    a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum()
}

fn word(key: &[u64; 4], place: usize) -> u16 {
    (key[place / 4] >> (16 * (place % 4))) as u16
}

/// The bits that may be turned in a word: none, and up to `most`.
fn masks(most: u32) -> Vec<u16> {
    (0..=u16::MAX).filter(|mask| mask.count_ones() <= most).collect()
}

fn root(sets: &mut [usize], mut idx: usize) -> usize {
    while sets[idx] != idx {
        sets[idx] = sets[sets[idx]];
        idx = sets[idx];
    }
    idx
}

/// For each place of a word and each word, the hashes that have it there.
struct Index {
    /// Per place: where the hashes of each word begin in `members`; one more than there are words.
    starts: Vec<Vec<u32>>,
    /// Per place: hashes by their word, ascending within one.
    members: Vec<Vec<u32>>,
}

impl Index {
    fn new(keys: &[[u64; 4]]) -> Self {
        let of_place = |place: usize| {
            let mut starts = vec![0u32; (1 << 16) + 1];
            for key in keys {
                starts[usize::from(word(key, place)) + 1] += 1;
            }
            for i in 1..starts.len() {
                starts[i] += starts[i - 1];
            }
            let mut next = starts.clone();
            let mut members = vec![0; keys.len()];
            for (idx, key) in keys.iter().enumerate() {
                let slot = &mut next[usize::from(word(key, place))];
                members[*slot as usize] = idx as u32;
                *slot += 1;
            }
            (starts, members)
        };
        let (starts, members) = (0..WORDS).into_par_iter().map(of_place).unzip();
        Index { starts, members }
    }

    /// Later hashes near that of `idx`; of those that belong together already one may stand for all.
    fn near(
        &self,
        idx: usize,
        keys: &[[u64; 4]],
        masks: &[u16],
        most_bits: u32,
        sets: &[usize],
    ) -> Vec<(usize, usize)> {
        let key = &keys[idx];
        let mut found = Vec::new();
        for place in 0..WORDS {
            let (starts, members) = (&self.starts[place], &self.members[place]);
            for mask in masks {
                let word = usize::from(word(key, place) ^ mask);
                for &other in &members[starts[word] as usize..starts[word + 1] as usize] {
                    let other = other as usize;
                    if other > idx && sets[other] != sets[idx] && apart(key, &keys[other]) <= most_bits {
                        found.push((idx, other));
                    }
                }
            }
        }
        found.sort_unstable_by_key(|&(_, other)| (sets[other], other));
        found.dedup_by_key(|(_, other)| sets[*other]);
        found
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::seed::Key;

    fn row(image_id: i64, hash: [u8; 32]) -> PictureHashRow {
        PictureHashRow { image_id, hash, detail: 100 }
    }

    fn turned(mut hash: [u8; 32], bits: &[usize]) -> [u8; 32] {
        bits.iter().for_each(|&bit| hash[bit / 8] ^= 1 << (bit % 8));
        hash
    }

    #[test]
    fn what_is_near_or_chained_is_found_and_flat_pictures_are_not() {
        let a = [0x5a; 32];
        let b = turned(a, &[0, 17, 34, 51, 68, 85, 102, 119, 136, 153]);
        let c = turned(b, &[1, 18, 35, 52, 69, 86, 103, 120, 137, 154]);
        let other = [0x33; 32];
        let mut rows = vec![row(7, c), row(3, a), row(5, b), row(9, other), row(8, other)];
        assert_eq!(distance(&a, &c), 20);
        assert_eq!(alike(&rows, 10), [vec![3, 5, 7], vec![8, 9]]);
        assert_eq!(alike(&rows, 9), [vec![8, 9]]);
        rows[3].detail = LEAST_DETAIL - 1;
        assert!(alike(&rows, 9).is_empty());
        assert!(alike(&[], 9).is_empty());
    }

    proptest! {
        #![proptest_config(crate::cases::cases(24))]

        #[test]
        fn the_search_finds_what_comparing_all_finds(seed in 0u64..10_000, most_bits in 0u32..=MOST_BITS) {
            let mut draws = Key::root(seed).draws();
            let mut rows: Vec<PictureHashRow> = Vec::new();
            for id in 0..300 {
                let hash = match rows.len() {
                    0 => std::array::from_fn(|_| draws.below(256) as u8),
                    n if draws.chance(0.8) => {
                        let near = rows[draws.below(n as u64) as usize].hash;
                        let bits: Vec<usize> = (0..draws.below(70)).map(|_| draws.below(256) as usize).collect();
                        turned(near, &bits)
                    }
                    _ => std::array::from_fn(|_| draws.below(256) as u8),
                };
                rows.push(row(id, hash));
            }
            // Comparing all with all, and spreading.
            let mut sets: Vec<usize> = (0..rows.len()).collect();
            for a in 0..rows.len() {
                for b in 0..a {
                    if distance(&rows[a].hash, &rows[b].hash) <= most_bits {
                        let (from, to) = (sets[a].max(sets[b]), sets[a].min(sets[b]));
                        sets.iter_mut().filter(|set| **set == from).for_each(|set| *set = to);
                    }
                }
            }
            let names: BTreeSet<usize> = sets.iter().copied().collect();
            let members = |name: usize| (0..300).filter(|&idx| sets[idx] == name).map(|idx| idx as i64).collect();
            let expected: Vec<Vec<i64>> =
                names.into_iter().map(members).filter(|group: &Vec<i64>| group.len() > 1).collect();
            prop_assert_eq!(alike(&rows, most_bits), expected);
        }
    }
}
