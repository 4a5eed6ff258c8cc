//! How much each training image counts in an epoch: by copies, by the weight of its loss, or by its chance of being
//! drawn.

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

/// The training rows, ascending by image id.
///
/// A row of a group of n images counts `f = (largest / n) ^ exponent` times:
///
/// - oversampling gives it `round(f)` copies, halves to the even number as in Python, at most `max_copies`;
/// - loss weights give its loss the weight `f`, divided by the mean over all rows, so that the loss keeps its scale;
/// - the sampler gives each draw the chance `f`, divided by the sum over all rows, of taking it.
///
/// By combination, images with exactly the same labels are a group. By label, an image
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
    let row =
        |&(image_id, _): &(i64, _)| TrainIndexRow { fold: 0, image_id, copies: 1, weight: 1.0, chance: None };
    let mut rows: Vec<TrainIndexRow> = trained.iter().map(row).collect();
    let groups = group_sizes(settings.by, &trained, labels.labels.len());
    let largest = groups.iter().copied().max().unwrap_or(1);
    // Pure Rust: the C library's `pow` may differ in the last bit between machines.
    let factor = |size: usize| libm::pow(largest as f64 / size as f64, settings.exponent);
    let factors: Vec<f64> = groups.iter().map(|&size| factor(size)).collect();
    let sum: f64 = factors.iter().sum();
    match settings.method {
        BalanceMethod::None => {}
        BalanceMethod::Oversample => {
            let smallest = groups.into_iter().min().unwrap_or(1);
            let copies = factor(smallest).round_ties_even();
            if settings.max_copies == 0 && copies > MOST_COPIES {
                return Err(BalanceError::TooMany { exponent: settings.exponent, smallest, copies });
            }
            let most = if settings.max_copies == 0 { MOST_COPIES } else { f64::from(settings.max_copies) };
            let copies = |factor: f64| factor.round_ties_even().clamp(1.0, most) as u32;
            rows.iter_mut().zip(factors).for_each(|(row, factor)| row.copies = copies(factor));
        }
        BalanceMethod::LossWeights => {
            let mean = sum / factors.len() as f64;
            rows.iter_mut().zip(factors).for_each(|(row, factor)| row.weight = (factor / mean) as f32);
        }
        BalanceMethod::Sampler => {
            rows.iter_mut().zip(factors).for_each(|(row, factor)| row.chance = Some(factor / sum));
        }
    }
    Ok(rows)
}

/// How many rows of an epoch each training image stands for: its copies times the weight of its loss, or the number of
/// draws that is expected to take it.
pub fn presence(index: &[TrainIndexRow]) -> BTreeMap<i64, f64> {
    let of = |row: &TrainIndexRow| match row.chance {
        Some(chance) => chance * index.len() as f64,
        None => f64::from(row.copies) * f64::from(row.weight),
    };
    index.iter().map(|row| (row.image_id, of(row))).collect()
}

/// The size of the group that each row is in.
fn group_sizes(by: BalanceBy, trained: &[(i64, &[bool])], n_labels: usize) -> Vec<usize> {
    fn sizes<G: Ord>(groups: &[G]) -> Vec<usize> {
        let mut sizes: BTreeMap<&G, usize> = BTreeMap::new();
        for group in groups {
            *sizes.entry(group).or_default() += 1;
        }
        groups.iter().map(|group| sizes[group]).collect()
    }
    match by {
        BalanceBy::Combination => sizes(&trained.iter().map(|(_, positives)| *positives).collect::<Vec<_>>()),
        BalanceBy::Label => sizes(&rarest_labels(trained, n_labels)),
    }
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
    use proptest::prelude::*;

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
        let settings = Balance { method, by, exponent, max_copies: 0 };
        let rows = train_index(&settings, &labels, &split).unwrap();
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

    fn rows_of(settings: Balance) -> Vec<TrainIndexRow> {
        let (labels, split) = tables();
        train_index(&settings, &labels, &split).unwrap()
    }

    #[test]
    fn copies_stop_at_the_cap() {
        let by = BalanceBy::Combination;
        let capped = |exponent, max_copies| {
            let settings = Balance { method: BalanceMethod::Oversample, by, exponent, max_copies };
            rows_of(settings)[7..].iter().map(|row| row.copies).collect::<Vec<_>>()
        };
        assert_eq!(capped(1.0, 5), [1, 4, 4, 5, 5]);
        assert_eq!(capped(1.0, 1), [1; 5]);
        // Without the cap, rows would explode.
        assert_eq!(capped(9.0, 3), [1, 3, 3, 3, 3]);
    }

    #[test]
    fn rows_that_explode_are_refused() {
        let (labels, split) = tables();
        let (method, by) = (BalanceMethod::Oversample, BalanceBy::Combination);
        let settings = Balance { method, by, exponent: 9.0, max_copies: 0 };
        let error = train_index(&settings, &labels, &split).unwrap_err();
        assert!(error.to_string().starts_with("with `balance.exponent` 9 each of the 1 images"), "{error}");
    }

    #[test]
    fn a_row_stands_for_its_copies_its_weight_or_its_draws() {
        let row =
            |image_id, copies, weight, chance| TrainIndexRow { fold: 0, image_id, copies, weight, chance };
        let seen = presence(&[row(4, 3, 1.0, None), row(9, 1, 0.5, None)]);
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [(4, 3.0), (9, 0.5)]);
        let drawn = presence(&[row(4, 1, 1.0, Some(0.75)), row(9, 1, 1.0, Some(0.25))]);
        assert_eq!(drawn.into_iter().collect::<Vec<_>>(), [(4, 1.5), (9, 0.5)]);
    }

    #[test]
    fn no_training_rows_are_no_fault() {
        let labels = LabelTable { labels: vec!["a".into()], image_ids: vec![1], positives: vec![true] };
        let split = [SplitRow { image_id: 1, fold: 0, part: Part::Test }];
        for method in METHODS {
            let settings = Balance { method, by: BalanceBy::Label, exponent: 1.0, max_copies: 0 };
            assert!(train_index(&settings, &labels, &split).unwrap().is_empty());
        }
    }

    const METHODS: [BalanceMethod; 4] =
        [BalanceMethod::None, BalanceMethod::Oversample, BalanceMethod::LossWeights, BalanceMethod::Sampler];

    /// numpy's weights and chances (`tests/golden/dataset/make_balance.py`).
    #[test]
    fn weights_and_chances_equal_numpys() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/dataset/balance.json");
        let golden: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let cases = golden["cases"].as_array().unwrap();
        assert_eq!(cases.len(), 12);
        for case in cases {
            let rows: Vec<Vec<bool>> = serde_json::from_value(case["labels"].clone()).unwrap();
            let names = (0..rows[0].len()).map(|i| format!("label {i}")).collect();
            let image_ids: Vec<i64> = (0..rows.len() as i64).collect();
            let part = |image_id| SplitRow { image_id, fold: 0, part: Part::Train };
            let split: Vec<SplitRow> = image_ids.iter().map(|&id| part(id)).collect();
            let labels = LabelTable { labels: names, image_ids, positives: rows.concat() };
            let by = serde_json::from_value(case["by"].clone()).unwrap();
            let exponent = case["exponent"].as_f64().unwrap();
            let index = |method| {
                train_index(&Balance { method, by, exponent, max_copies: 0 }, &labels, &split).unwrap()
            };
            let expected = |key: &str| -> Vec<f64> { serde_json::from_value(case[key].clone()).unwrap() };
            for (row, expected) in index(BalanceMethod::LossWeights).iter().zip(expected("weights")) {
                assert!((f64::from(row.weight) - expected).abs() < 1e-6 * expected, "{row:?} {expected}");
                assert_eq!((row.copies, row.chance), (1, None));
            }
            for (row, expected) in index(BalanceMethod::Sampler).iter().zip(expected("chances")) {
                assert!((row.chance.unwrap() - expected).abs() < 1e-12, "{row:?} {expected}");
                assert_eq!((row.copies, row.weight), (1, 1.0));
            }
        }
    }

    proptest! {
        /// Whatever the method: one row for each training image, none of another part, ascending, none left out.
        #[test]
        fn rows_never_leave_the_training_part(
            rows in prop::collection::vec((prop::array::uniform3(any::<bool>()), 0..3usize), 0..60),
            method in prop::sample::select(METHODS.to_vec()),
            by in prop::sample::select(vec![BalanceBy::Combination, BalanceBy::Label]),
            exponent in 0.0..=1.0f64,
        ) {
            let image_ids: Vec<i64> = (0..rows.len() as i64).map(|id| 7 * id - 100).collect();
            let part = |idx: usize| [Part::Train, Part::Val, Part::Test][rows[idx].1];
            let split: Vec<SplitRow> = image_ids.iter().enumerate()
                .map(|(idx, &image_id)| SplitRow { image_id, fold: 0, part: part(idx) }).collect();
            let positives = rows.iter().flat_map(|(labels, _)| *labels).collect();
            let labels = LabelTable { labels: vec!["a".into(), "b".into(), "c".into()], image_ids, positives };
            let settings = Balance { method, by, exponent, max_copies: 0 };
            let index = train_index(&settings, &labels, &split).unwrap();
            let found: Vec<i64> = index.iter().map(|row| row.image_id).collect();
            let expected: Vec<i64> =
                split.iter().filter(|row| row.part == Part::Train).map(|row| row.image_id).collect();
            prop_assert_eq!(found, expected);
            prop_assert!(index.iter().all(|row| row.copies >= 1 && row.weight > 0.0));
            let n = index.len() as f64;
            if n > 0.0 && method == BalanceMethod::LossWeights {
                let sum: f64 = index.iter().map(|row| f64::from(row.weight)).sum();
                prop_assert!((sum - n).abs() < 1e-4 * n);
            }
            if n > 0.0 && method == BalanceMethod::Sampler {
                let sum: f64 = index.iter().filter_map(|row| row.chance).sum();
                prop_assert!((sum - 1.0).abs() < 1e-12);
            }
        }
    }
}
