//! What every split must keep, and what the two methods promise.

use proptest::prelude::*;

use super::*;
use crate::dataset::balance;
use crate::spec::settings::{Balance, BalanceBy, BalanceMethod, Captures};

fn settings(method: SplitMethod, shares: [f64; 3], seed: u64) -> Split {
    let [train, val, test] = shares;
    Split { method, train, val, test, folds: 0, seed, captures: Captures::None, near_duplicates: None }
}

/// `n` images with three labels of falling frequency.
pub(super) fn labels(n: usize, seed: u64) -> LabelTable {
    let mut draws = Key::root(seed).draws();
    let positives = (0..n).flat_map(|_| [0.6, 0.3, 0.1].map(|p| draws.chance(p))).collect();
    LabelTable {
        labels: vec!["a".into(), "b".into(), "c".into()],
        image_ids: (0..n as i64).map(|id| id * 3 - 20).collect(),
        positives,
    }
}

pub(super) fn turned(labels: &LabelTable) -> LabelTable {
    let rows = (0..labels.image_ids.len()).rev();
    LabelTable {
        labels: labels.labels.clone(),
        image_ids: labels.image_ids.iter().rev().copied().collect(),
        positives: rows.flat_map(|row_idx| labels.row(row_idx).to_vec()).collect(),
    }
}

fn count(rows: &[SplitRow], part: Part) -> usize {
    rows.iter().filter(|row| row.part == part).count()
}

proptest! {
    #![proptest_config(crate::cases::cases(48))]

    #[test]
    fn every_image_has_one_part_whatever_the_order(
        n in 0usize..120, seed in 0u64..1000, train in 0.0f64..1.0, val in 0.0f64..1.0,
        iterative: bool, groups in prop::collection::vec(prop::collection::vec(0i64..120, 1..40), 0..8),
    ) {
        let method = if iterative { SplitMethod::Iterative } else { SplitMethod::Combination };
        let shares = [train, val * (1.0 - train), (1.0 - val) * (1.0 - train)];
        let (settings, labels) = (settings(method, shares, seed), labels(n, seed));
        let together: Vec<Vec<i64>> =
            groups.iter().map(|group| group.iter().map(|id| id * 3 - 20).collect()).collect();
        let divided = split(&settings, &labels, &together, None).unwrap();
        let ids: Vec<i64> = divided.rows.iter().map(|row| row.image_id).collect();
        prop_assert_eq!(&ids, &labels.image_ids);
        prop_assert_eq!(&split(&settings, &turned(&labels), &together, None).unwrap(), &divided);
        let part = |id: &i64| divided.rows.iter().find(|row| row.image_id == *id).map(|row| row.part);
        for group in &together {
            let parts: Vec<Part> = group.iter().filter_map(part).collect();
            prop_assert!(parts.windows(2).all(|pair| pair[0] == pair[1]), "{group:?}: {parts:?}");
        }
    }

    #[test]
    fn repeated_rows_never_leave_the_training_part(
        n in 3usize..120, seed in 0u64..1000, iterative: bool, by_label: bool, exponent in 0.0f64..=1.0,
        groups in prop::collection::vec(prop::collection::vec(0i64..120, 1..20), 0..5),
    ) {
        let method = if iterative { SplitMethod::Iterative } else { SplitMethod::Combination };
        let labels = labels(n, seed);
        let together: Vec<Vec<i64>> =
            groups.iter().map(|group| group.iter().map(|id| id * 3 - 20).collect()).collect();
        let rows = split(&settings(method, [0.6, 0.2, 0.2], seed), &labels, &together, None).unwrap().rows;
        let by = if by_label { BalanceBy::Label } else { BalanceBy::Combination };
        let balance = Balance { method: BalanceMethod::Oversample, by, exponent, max_copies: 0 };
        let index = balance::train_index(&balance, &labels, &rows).unwrap();
        let trained: Vec<i64> =
            rows.iter().filter(|row| row.part == Part::Train).map(|row| row.image_id).collect();
        prop_assert_eq!(index.iter().map(|row| row.image_id).collect::<Vec<_>>(), trained);
        prop_assert!(index.iter().all(|row| row.copies > 0));
    }

    /// With enough units a part misses its share of images by less than the largest unit has.
    #[test]
    fn parts_of_series_are_near_their_shares(
        seed in 0u64..1000, sizes in prop::collection::vec(2i64..12, 30..60), iterative: bool,
    ) {
        let method = if iterative { SplitMethod::Iterative } else { SplitMethod::Combination };
        let labels = labels(400, seed);
        let mut together = Vec::new();
        let mut next = 0;
        for size in sizes {
            together.push((next..(next + size).min(400)).map(|id| id * 3 - 20).collect());
            next += size;
        }
        let rows = split(&settings(method, [0.6, 0.15, 0.25], seed), &labels, &together, None).unwrap().rows;
        for (part, expected) in PARTS.into_iter().zip([240.0, 60.0, 100.0]) {
            let found = count(&rows, part) as f64;
            prop_assert!((found - expected).abs() < 12.0, "{part:?}: {found}, expected {expected}");
        }
    }

    #[test]
    fn iterative_sizes_are_near_their_shares(seed in 0u64..1000) {
        let labels = labels(400, seed);
        let rows = split(&settings(SplitMethod::Iterative, [0.7, 0.1, 0.2], seed), &labels, &[], None).unwrap().rows;
        for (part, expected) in PARTS.into_iter().zip([280.0, 40.0, 80.0]) {
            let found = count(&rows, part) as f64;
            prop_assert!((found - expected).abs() <= 4.0, "{part:?}: {found}, expected {expected}");
        }
        for (label_idx, _) in labels.labels.iter().enumerate() {
            let positive = |row_idx: &usize| labels.row(*row_idx)[label_idx];
            let all = (0..400).filter(positive).count() as f64;
            let test = (0..400).filter(positive).filter(|&row_idx| rows[row_idx].part == Part::Test).count() as f64;
            prop_assert!((test - 0.2 * all).abs() <= 2.0, "label {label_idx}: {test} of {all}");
        }
    }
}

#[test]
fn another_seed_is_another_split() {
    let labels = labels(100, 1);
    for method in [SplitMethod::Combination, SplitMethod::Iterative] {
        let parts = |seed| split(&settings(method, [0.7, 0.1, 0.2], seed), &labels, &[], None).unwrap().rows;
        assert_eq!(parts(1), parts(1));
        assert_ne!(parts(1), parts(2));
    }
}

#[test]
fn another_combination_does_not_move_this_one() {
    let settings = settings(SplitMethod::Combination, [0.6, 0.2, 0.2], 3);
    let mut table = labels(60, 1);
    let unseen = [false, true, true];
    for row in table.positives.chunks_mut(3).filter(|row| *row == unseen) {
        row[0] = true;
    }
    let before = split(&settings, &table, &[], None).unwrap().rows;
    table.image_ids.push(1000);
    table.positives.extend(unseen);
    assert_eq!(split(&settings, &table, &[], None).unwrap().rows[..60], before);
}

#[test]
fn no_part_stays_empty_where_there_are_units_for_all() {
    let labels = labels(90, 5);
    let third = |from: i64| (from..from + 30).map(|id| id * 3 - 20).collect::<Vec<i64>>();
    let together = [third(0), third(30), third(60)];
    for method in [SplitMethod::Combination, SplitMethod::Iterative] {
        let divided = split(&settings(method, [0.8, 0.1, 0.1], 1), &labels, &together, None).unwrap();
        assert_eq!(PARTS.map(|part| count(&divided.rows, part)), [30, 30, 30]);
        assert_eq!(divided.n_units, 3);
    }
}

/// Series with one label each, and rare ones among them: counting only the first image of each would not do.
#[test]
fn series_are_placed_by_the_labels_of_all_their_images() {
    let mut labels = LabelTable { labels: vec!["a".into(), "b".into()], ..LabelTable::default() };
    let mut together = Vec::new();
    for series in 0..20 {
        let ids: Vec<i64> = (series * 10..series * 10 + 10).collect();
        for &id in &ids {
            labels.image_ids.push(id);
            // The first image has no label; the others have one of both.
            labels.positives.extend([id % 10 > 0 && series % 2 == 0, id % 10 > 0 && series % 2 == 1]);
        }
        together.push(ids);
    }
    for seed in 0..10 {
        for method in [SplitMethod::Combination, SplitMethod::Iterative] {
            let rows =
                split(&settings(method, [0.6, 0.2, 0.2], seed), &labels, &together, None).unwrap().rows;
            for label_idx in 0..2 {
                let positives = PARTS.map(|part| {
                    let of_part = rows.iter().enumerate().filter(|(_, row)| row.part == part);
                    of_part.filter(|(row_idx, _)| labels.row(*row_idx)[label_idx]).count()
                });
                assert_eq!(positives, [54, 18, 18], "{method:?}, seed {seed}");
            }
        }
    }
}

#[test]
fn given_parts_are_taken_and_checked() {
    let table =
        LabelTable { labels: vec!["a".into()], image_ids: vec![1, 2, 3], positives: vec![true, true, false] };
    let settings = settings(SplitMethod::Column, [0.5, 0.5, 0.0], 0);
    let row = |image_id, part| SplitRow { image_id, fold: 0, part };
    let given = [row(3, Part::Test), row(1, Part::Train), row(2, Part::Train)];
    let divided = split(&settings, &table, &[vec![2, 3]], Some(&given)).unwrap();
    assert_eq!(divided.rows, [row(1, Part::Train), row(2, Part::Train), row(3, Part::Test)]);
    let messages: Vec<_> = divided.notices.iter().map(|notice| notice.message.as_str()).collect();
    assert_eq!(messages, ["parts without images: `val`", "labels without positives in a part: `a in test`",]);
    let error = |given| split(&settings, &table, &[], given).unwrap_err().to_string();
    assert_eq!(error(None), "`split.method` is `column`, but the dataset gives no parts");
    assert_eq!(error(Some(&given[..2])), "1 images have no part: `2`");
}

#[test]
fn shares_must_be_shares() {
    for shares in [[0.5, 0.2, 0.2], [1.2, -0.2, 0.0], [f64::NAN, 0.5, 0.5]] {
        let settings = settings(SplitMethod::Combination, shares, 0);
        assert!(split(&settings, &labels(10, 0), &[], None).is_err(), "{shares:?}");
    }
}
