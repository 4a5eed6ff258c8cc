//! Cross-validation: each image is tested on in exactly one of `k` folds.
//!
//! Units of several images are placed first, then the method divides the others, into `k` equal folds. Each fold in turn is the test part; what is left of the units
//! is divided into training and validation by the same method, with draws of the fold's own.

use super::units::Unit;
use super::{combination, divide as divide_once, grouped, iterative};
use crate::seed::Key;
use crate::spec::settings::SplitMethod;
use crate::tables::rows::Part;

/// The part of each unit in each fold: [folds, units], in the order of `units`, which ascend by image id.
///
/// Of `shares` only the proportion of training and validation counts. `n_folds` is at least 2.
pub(super) fn divide(
    method: SplitMethod,
    units: &[Unit],
    [train, val, _]: [f64; 3],
    n_folds: usize,
    key: Key,
) -> Vec<Vec<Part>> {
    let key = key.child("folds");
    let equal = vec![1.0 / n_folds as f64; n_folds];
    let placed = grouped::divide(units, &equal, key);
    let tested_in = match method {
        SplitMethod::Iterative => iterative::divide(units, &placed, &equal, key),
        SplitMethod::Combination | SplitMethod::Column | SplitMethod::None => {
            combination::deal(units, &placed, n_folds, key)
        }
    };
    let shares =
        if train + val > 0.0 { [train / (train + val), val / (train + val), 0.0] } else { [1.0, 0.0, 0.0] };
    let parts_of = |fold: usize| {
        let rest: Vec<usize> = (0..units.len()).filter(|&idx| tested_in[idx] != fold).collect();
        let others: Vec<Unit> = rest.iter().map(|&idx| units[idx].clone()).collect();
        let divided = divide_once(method, &others, shares, key.index(fold as u64));
        let mut parts = vec![Part::Test; units.len()];
        for (idx, part) in rest.into_iter().zip(divided) {
            parts[idx] = part;
        }
        parts
    };
    (0..n_folds).map(parts_of).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::tests::{labels, turned};
    use super::super::{PARTS, split};
    use super::*;
    use crate::spec::settings::{Captures, Split};
    use crate::tables::rows::{LabelTable, SplitRow};

    fn settings(method: SplitMethod, folds: u32, seed: u64) -> Split {
        let test = 1.0 / f64::from(folds);
        Split {
            method,
            train: 0.8 * (1.0 - test),
            val: 0.2 * (1.0 - test),
            test,
            folds,
            seed,
            captures: Captures::None,
            near_duplicates: None,
        }
    }

    fn method(iterative: bool) -> SplitMethod {
        if iterative { SplitMethod::Iterative } else { SplitMethod::Combination }
    }

    fn rows(settings: &Split, labels: &LabelTable, together: &[Vec<i64>]) -> Vec<SplitRow> {
        split(settings, labels, together, None).unwrap().rows
    }

    /// Images of `part` in `fold`, of those that `counts`.
    fn count(rows: &[SplitRow], fold: u32, part: Part, counts: impl Fn(i64) -> bool) -> usize {
        rows.iter().filter(|row| row.fold == fold && row.part == part && counts(row.image_id)).count()
    }

    proptest! {
        #![proptest_config(crate::cases::cases(48))]

        #[test]
        fn each_image_is_tested_on_once_and_has_one_part_in_each_fold(
            n in 0usize..120, seed in 0u64..1000, folds in 2u32..8, iterative: bool,
            pairs in prop::collection::vec((0i64..120, 0i64..120), 0..8),
        ) {
            let (settings, labels) = (settings(method(iterative), folds, seed), labels(n, seed));
            let together: Vec<Vec<i64>> = pairs.iter().map(|(a, b)| vec![a * 3 - 20, b * 3 - 20]).collect();
            let found = rows(&settings, &labels, &together);
            prop_assert_eq!(&rows(&settings, &turned(&labels), &together), &found, "order of input");
            prop_assert_eq!(&rows(&settings, &labels, &together), &found, "same seed");

            let mut parts: BTreeMap<i64, Vec<(u32, Part)>> = BTreeMap::new();
            for row in &found {
                parts.entry(row.image_id).or_default().push((row.fold, row.part));
            }
            prop_assert!(parts.keys().eq(&labels.image_ids));
            for of_image in parts.values() {
                prop_assert!(of_image.iter().map(|(fold, _)| *fold).eq(0..folds), "{:?}", of_image);
                prop_assert_eq!(of_image.iter().filter(|(_, part)| *part == Part::Test).count(), 1);
            }
            for pair in &together {
                if let (Some(a), Some(b)) = (parts.get(&pair[0]), parts.get(&pair[1])) {
                    prop_assert_eq!(a, b, "kept together in every fold");
                }
            }
        }

        #[test]
        fn folds_are_of_one_size_and_labels_are_shared_among_them(seed in 0u64..1000, folds in 2u32..8, iterative: bool) {
            let labels = labels(400, seed);
            let found = rows(&settings(method(iterative), folds, seed), &labels, &[]);
            let size = 400.0 / f64::from(folds);
            for fold in 0..folds {
                let tested = count(&found, fold, Part::Test, |_| true) as f64;
                prop_assert!((tested - size).abs() <= if iterative { 4.0 } else { 1.0 }, "{tested} of {size}");
                for label_idx in 0..3 {
                    let has = |image_id: i64| labels.row(((image_id + 20) / 3) as usize)[label_idx];
                    let all = PARTS.iter().map(|&part| count(&found, fold, part, has)).sum::<usize>() as f64;
                    let tested = count(&found, fold, Part::Test, has) as f64;
                    // Dealt out, each of the four combinations that have the label may be one off.
                    let near = if iterative { 2.0 } else { 4.0 };
                    prop_assert!((tested - all / f64::from(folds)).abs() <= near, "label {label_idx}: {tested} of {all}");
                    let val = count(&found, fold, Part::Val, has) as f64;
                    let near = if iterative { 2.5 } else { 4.0 };
                    prop_assert!((val - 0.2 * (all - tested)).abs() <= near, "label {label_idx}: {val} of {all}");
                }
            }
        }
    }

    #[test]
    fn another_seed_is_another_cross_validation() {
        let labels = labels(100, 1);
        for method in [SplitMethod::Combination, SplitMethod::Iterative] {
            assert_ne!(
                rows(&settings(method, 5, 1), &labels, &[]),
                rows(&settings(method, 5, 2), &labels, &[])
            );
        }
    }

    #[test]
    fn folds_draw_their_validation_apart() {
        let labels = labels(100, 1);
        for method in [SplitMethod::Combination, SplitMethod::Iterative] {
            let found = rows(&settings(method, 4, 1), &labels, &[]);
            let of = |fold: u32| found.iter().filter(move |row| row.fold == fold && row.part == Part::Val);
            let in_both = of(0).filter(|row| of(1).any(|other| other.image_id == row.image_id)).count();
            assert!(in_both < of(0).count() / 2, "{in_both} of {}", of(0).count());
        }
    }

    #[test]
    fn notices_say_in_which_fold() {
        let table = LabelTable {
            labels: vec!["a".into(), "b".into()],
            image_ids: (0..9).collect(),
            positives: (0..9).flat_map(|id| [true, id == 0]).collect(),
        };
        let divided = split(&settings(SplitMethod::Iterative, 3, 1), &table, &[], None).unwrap();
        let message = &divided.notices.last().unwrap().message;
        assert!(message.starts_with("labels without positives in a part: `b in "), "{message}");
        assert!(message.contains(" of fold "), "{message}");
    }
}
