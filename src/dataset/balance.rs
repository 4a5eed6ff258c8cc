//! How often each training image is seen in an epoch.

use std::collections::BTreeMap;

use crate::spec::settings::{Balance, BalanceBy, BalanceMethod};
use crate::tables::rows::{LabelTable, Part, SplitRow, TrainIndexRow};

/// Copies of one image beyond which the setting is taken for a mistake.
const MOST_COPIES: f64 = 10_000.0;

/// Why the training rows cannot be balanced.
#[derive(Debug, thiserror::Error)]
pub enum BalanceError {
    /// The exponent is so large that rows explode.
    #[error(
        "with `balance.exponent` {exponent} each of the {smallest} images of the smallest group is seen \
         {copies:.0} times, expected at most {MOST_COPIES}"
    )]
    TooMany {
        /// The setting.
        exponent: f64,
        /// Images of the smallest group.
        smallest: usize,
        /// Their copies.
        copies: f64,
    },
}

/// The training rows, ascending by image id, each with its copies; weights are 1.
///
/// A group of n images gets `round((largest / n) ^ exponent)` copies of each, halves to the even number as in
/// Python. By combination, images with exactly the same labels are a group. By label, an image
/// belongs to the group of its rarest label in the training part (the first one among equals), and images
/// without labels are a group of their own.
///
/// # Errors
/// Where an image would be copied absurdly often.
pub fn train_index(
    settings: &Balance,
    labels: &LabelTable,
    split: &[SplitRow],
) -> Result<Vec<TrainIndexRow>, BalanceError> {
    let part_of: BTreeMap<i64, Part> = split.iter().map(|row| (row.image_id, row.part)).collect();
    let mut trained: Vec<(i64, &[bool])> = (labels.image_ids.iter().enumerate())
        .filter(|(_, id)| part_of.get(id) == Some(&Part::Train))
        .map(|(row_idx, &id)| (id, labels.row(row_idx)))
        .collect();
    trained.sort_unstable_by_key(|(id, _)| *id);

    let copies = match settings.method {
        BalanceMethod::None => vec![1; trained.len()],
        BalanceMethod::Oversample => match settings.by {
            BalanceBy::Combination => {
                let groups: Vec<&[bool]> = trained.iter().map(|(_, positives)| *positives).collect();
                copies(&groups, settings.exponent)?
            }
            BalanceBy::Label => copies(&rarest_labels(&trained, labels.labels.len()), settings.exponent)?,
        },
    };
    let row = |((image_id, _), copies)| TrainIndexRow { fold: 0, image_id, copies, weight: 1.0 };
    Ok(trained.into_iter().zip(copies).map(row).collect())
}

/// The copies of each row, given its group.
fn copies<G: Ord>(groups: &[G], exponent: f64) -> Result<Vec<u32>, BalanceError> {
    let mut sizes: BTreeMap<&G, usize> = BTreeMap::new();
    for group in groups {
        *sizes.entry(group).or_default() += 1;
    }
    let largest = sizes.values().copied().max().unwrap_or(1);
    // Pure Rust: the C library's `pow` may differ in the last bit between machines.
    let copies = |size: usize| libm::pow(largest as f64 / size as f64, exponent).round_ties_even();
    if let Some(smallest) = sizes.values().copied().min() {
        let copies = copies(smallest);
        if copies > MOST_COPIES {
            return Err(BalanceError::TooMany { exponent, smallest, copies });
        }
    }
    Ok(groups.iter().map(|group| copies(sizes[group]).max(1.0) as u32).collect())
}

/// The position of each image's rarest label; `None` where it has none.
fn rarest_labels(trained: &[(i64, &[bool])], n_labels: usize) -> Vec<Option<usize>> {
    let count = |label_idx: usize| trained.iter().filter(|(_, positives)| positives[label_idx]).count();
    let counts: Vec<usize> = (0..n_labels).map(count).collect();
    let rarest = |positives: &[bool]| {
        (0..n_labels).filter(|&label_idx| positives[label_idx]).min_by_key(|&label_idx| counts[label_idx])
    };
    trained.iter().map(|(_, positives)| rarest(positives)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Eight images of only `a`, two of `a` and `b`, one of `b`, one of nothing, one that is tested on.
    fn tables() -> (LabelTable, Vec<SplitRow>) {
        let mut rows = vec![[true, false]; 8];
        rows.extend([[true, true], [true, true], [false, true], [false, false], [true, true]]);
        let image_ids: Vec<i64> = (0..rows.len() as i64).rev().collect();
        rows.reverse();
        let part = |image_id| if image_id == 12 { Part::Test } else { Part::Train };
        let split =
            image_ids.iter().map(|&image_id| SplitRow { image_id, fold: 0, part: part(image_id) }).collect();
        let labels = vec!["a".into(), "b".into()];
        (LabelTable { labels, image_ids, positives: rows.concat() }, split)
    }

    fn copies_of(method: BalanceMethod, by: BalanceBy, exponent: f64) -> Vec<u32> {
        let (labels, split) = tables();
        let rows = train_index(&Balance { method, by, exponent }, &labels, &split).unwrap();
        assert!(rows.iter().map(|row| row.image_id).eq(0..12), "{rows:?}");
        rows.iter().map(|row| row.copies).collect()
    }

    #[test]
    fn groups_of_the_same_labels_become_alike() {
        let by = BalanceBy::Combination;
        assert_eq!(copies_of(BalanceMethod::None, by, 1.0), [1; 12]);
        assert_eq!(copies_of(BalanceMethod::Oversample, by, 0.0), [1; 12]);
        assert_eq!(copies_of(BalanceMethod::Oversample, by, 1.0)[7..], [1, 4, 4, 8, 8]);
        // 8^0.5 = 2.83, 4^0.5 = 2.
        assert_eq!(copies_of(BalanceMethod::Oversample, by, 0.5)[7..], [1, 2, 2, 3, 3]);
    }

    #[test]
    fn an_image_belongs_to_its_rarest_label() {
        // a: 8 images only, b: 3, none: 1. 8 / 3 = 2.67.
        let copies = copies_of(BalanceMethod::Oversample, BalanceBy::Label, 1.0);
        assert_eq!(copies[7..], [1, 3, 3, 3, 8]);
    }

    #[test]
    fn rows_that_explode_are_refused() {
        let (labels, split) = tables();
        let settings =
            Balance { method: BalanceMethod::Oversample, by: BalanceBy::Combination, exponent: 9.0 };
        let error = train_index(&settings, &labels, &split).unwrap_err();
        assert!(error.to_string().starts_with("with `balance.exponent` 9 each of the 1 images"), "{error}");
    }
}
