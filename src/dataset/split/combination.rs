//! Each group of images with exactly the same labels is divided in proportion.
//!
//! Of each group, shuffled, the first `floor(share x n)` are kept and the rest is for testing; then, with what
//! was kept, the same for training and validation. So the part that is cut off later gets the larger share of
//! small groups, and images with a combination of their own are all tested on. This is the rule of the TACO_MJS
//! study, whose counts it gives.
//!
//! Images that had to go with others count: single ones fill up what their part still lacks of the combination.

use std::collections::BTreeMap;

use super::units::Unit;
use crate::seed::Key;

/// The images with one combination of labels.
struct Group {
    /// Units of one image, to be divided, shuffled.
    singles: Vec<usize>,
    /// Images of each part that are placed already.
    placed: Vec<usize>,
}

/// The position in [`super::PARTS`] of each unit's part, in the order of `units`, which ascend by image id; `placed` has
/// those of several images.
pub(super) fn divide(
    units: &[Unit],
    placed: &[Option<usize>],
    [train, val, test]: [f64; 3],
    key: Key,
) -> Vec<usize> {
    let of_rest = if train + val > 0.0 { train / (train + val) } else { 1.0 };
    let mut parts: Vec<usize> = placed.iter().map(|part_idx| part_idx.unwrap_or(2)).collect();
    for group in groups(units, placed, 3, key) {
        let n = group.singles.len() + group.placed.iter().sum::<usize>();
        let kept = floor_share(1.0 - test, n);
        let trained = floor_share(of_rest, kept);
        let lacking = lacking([trained, kept - trained, n - kept], &group.placed);
        let mut singles = group.singles.into_iter();
        for (part_idx, lacking) in lacking.into_iter().enumerate() {
            singles.by_ref().take(lacking).for_each(|idx| parts[idx] = part_idx);
        }
    }
    parts
}

/// The fold of each unit, in the order of `units`; `placed` has those of several images. The images of each group are dealt
/// out like cards: the next goes to the fold that has fewest of the group, among those to the one with fewest images in all.
/// So, without placed ones, the folds' sizes differ by at most one image, and so do their shares of each group; cutting groups
/// off in proportion, as [`divide`] does, would put all that are small into one fold.
pub(super) fn deal(units: &[Unit], placed: &[Option<usize>], n_folds: usize, key: Key) -> Vec<usize> {
    let mut folds: Vec<usize> = placed.iter().map(|fold| fold.unwrap_or(0)).collect();
    let mut sizes = vec![0; n_folds];
    for (unit, fold) in units.iter().zip(placed) {
        fold.iter().for_each(|&fold| sizes[fold] += unit.members.len());
    }
    for Group { singles, placed: mut of_group } in groups(units, placed, n_folds, key) {
        for idx in singles {
            let fold = (0..n_folds).min_by_key(|&fold| (of_group[fold], sizes[fold])).unwrap_or(0);
            folds[idx] = fold;
            of_group[fold] += 1;
            sizes[fold] += 1;
        }
    }
    folds
}

/// The images of each combination of labels.
fn groups(units: &[Unit], placed: &[Option<usize>], n_parts: usize, key: Key) -> Vec<Group> {
    let mut groups: BTreeMap<&[bool], Group> = BTreeMap::new();
    for (idx, unit) in units.iter().enumerate() {
        for row in &unit.rows {
            let empty = || Group { singles: Vec::new(), placed: vec![0; n_parts] };
            let group = groups.entry(row).or_insert_with(empty);
            match placed[idx] {
                Some(part_idx) => group.placed[part_idx] += 1,
                None => group.singles.push(idx),
            }
        }
    }
    let shuffled = |(positives, mut group): (&[bool], Group)| {
        // A key of its own: images of another combination do not change how this one falls.
        let name: String = positives.iter().map(|&positive| if positive { '1' } else { '0' }).collect();
        key.child("combination").child(&name).draws().shuffle(&mut group.singles);
        group
    };
    groups.into_iter().map(shuffled).collect()
}

/// `floor(share x n)`, where a product that is a whole number but for rounding counts as that number:
/// `0.7225 / 0.85` is not quite `0.85`.
fn floor_share(share: f64, n: usize) -> usize {
    ((share * n as f64 + 1e-9).floor() as usize).min(n)
}

/// What each part lacks of its target. A part that has too much already takes nothing more; what it has too
/// much is taken, one by one, from the part that lacks most.
fn lacking(target: [usize; 3], placed: &[usize]) -> [usize; 3] {
    let mut lacking = [0, 1, 2].map(|part| target[part].saturating_sub(placed[part]));
    let singles = target.iter().sum::<usize>() - placed.iter().sum::<usize>();
    while lacking.iter().sum::<usize>() > singles {
        let largest = (0..3).max_by_key(|&part| lacking[part]).unwrap_or(0);
        lacking[largest] -= 1;
    }
    lacking
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_images_fill_up_what_is_lacking() {
        assert_eq!(lacking([7, 1, 2], &[0, 0, 0]), [7, 1, 2]);
        assert_eq!(lacking([7, 1, 2], &[3, 1, 0]), [4, 0, 2]);
        assert_eq!(lacking([7, 1, 2], &[0, 4, 0]), [4, 0, 2]);
        assert_eq!(lacking([7, 1, 2], &[0, 0, 10]), [0, 0, 0]);
    }
}
