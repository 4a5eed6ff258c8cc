//! Each group of images with exactly the same labels is divided in proportion.
//!
//! Of each group, shuffled, the first `floor(share x n)` are kept and the rest is for testing; then, with what
//! was kept, the same for training and validation. So the part that is cut off later gets the larger share of
//! small groups, and images with a combination of their own are all tested on. This is the rule of the TACO_MJS
//! study, whose counts it gives.

use std::collections::BTreeMap;

use super::Unit;
use crate::seed::Key;
use crate::tables::rows::Part;

/// The part of each unit, in the order of `units`, which ascend by image id.
pub(super) fn divide(units: &[Unit], [train, val, test]: [f64; 3], key: Key) -> Vec<Part> {
    let of_rest = if train + val > 0.0 { train / (train + val) } else { 1.0 };
    let mut parts = vec![Part::Test; units.len()];
    for group in shuffled_groups(units, key) {
        let kept = floor_share(1.0 - test, group.len());
        let trained = floor_share(of_rest, kept);
        for (place, &idx) in group[..kept].iter().enumerate() {
            parts[idx] = if place < trained { Part::Train } else { Part::Val };
        }
    }
    parts
}

/// The fold of each unit, in the order of `units`: each group, shuffled, is dealt out like cards, and the next group goes on
/// where it stopped. So the folds' sizes differ by at most one unit, and so do their shares of each group; cutting groups
/// off in proportion, as [`divide`] does, would put all that are small into one fold.
pub(super) fn deal(units: &[Unit], n_folds: usize, key: Key) -> Vec<usize> {
    let mut folds = vec![0; units.len()];
    for (place, idx) in shuffled_groups(units, key).into_iter().flatten().enumerate() {
        folds[idx] = place % n_folds;
    }
    folds
}

/// The positions of the units of each combination of labels, shuffled.
fn shuffled_groups(units: &[Unit], key: Key) -> Vec<Vec<usize>> {
    let mut groups: BTreeMap<&[bool], Vec<usize>> = BTreeMap::new();
    for (idx, unit) in units.iter().enumerate() {
        groups.entry(unit.positives).or_default().push(idx);
    }
    let shuffled = |(positives, mut group): (&[bool], Vec<usize>)| {
        // A key of its own: images of another combination do not change how this one falls.
        let name: String = positives.iter().map(|&positive| if positive { '1' } else { '0' }).collect();
        key.child("combination").child(&name).draws().shuffle(&mut group);
        group
    };
    groups.into_iter().map(shuffled).collect()
}

/// `floor(share x n)`, where a product that is a whole number but for rounding counts as that number:
/// `0.7225 / 0.85` is not quite `0.85`.
fn floor_share(share: f64, n: usize) -> usize {
    ((share * n as f64 + 1e-9).floor() as usize).min(n)
}
