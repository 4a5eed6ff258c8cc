//! What every split must keep, and what the two methods promise.

use proptest::prelude::*;

use super::*;
use crate::dataset::balance;
use crate::spec::settings::{Balance, BalanceBy, BalanceMethod, Captures};

fn settings(method: SplitMethod, shares: [f64; 3], seed: u64) -> Split {
    let [train, val, test] = shares;
    Split { method, train, val, test, seed, captures: Captures::None, near_duplicates: None }
}

/// `n` images with three labels of falling frequency.
fn labels(n: usize, seed: u64) -> LabelTable {
    let mut draws = Key::root(seed).draws();
    let positives = (0..n).flat_map(|_| [0.6, 0.3, 0.1].map(|p| draws.chance(p))).collect();
    LabelTable {
        labels: vec!["a".into(), "b".into(), "c".into()],
        image_ids: (0..n as i64).map(|id| id * 3 - 20).collect(),
        positives,
    }
}

fn turned(labels: &LabelTable) -> LabelTable {
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
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_image_has_one_part_whatever_the_order(
        n in 0usize..120, seed in 0u64..1000, train in 0.0f64..1.0, val in 0.0f64..1.0,
        iterative: bool, pairs in prop::collection::vec((0i64..120, 0i64..120), 0..8),
    ) {
        let method = if iterative { SplitMethod::Iterative } else { SplitMethod::Combination };
        let shares = [train, val * (1.0 - train), (1.0 - val) * (1.0 - train)];
        let (settings, labels) = (settings(method, shares, seed), labels(n, seed));
        let together: Vec<Vec<i64>> = pairs.iter().map(|(a, b)| vec![a * 3 - 20, b * 3 - 20]).collect();
        let divided = split(&settings, &labels, &together, None).unwrap();
        let ids: Vec<i64> = divided.rows.iter().map(|row| row.image_id).collect();
        prop_assert_eq!(&ids, &labels.image_ids);
        prop_assert_eq!(&split(&settings, &turned(&labels), &together, None).unwrap(), &divided);
        let part = |id: i64| divided.rows.iter().find(|row| row.image_id == id).map(|row| row.part);
        for pair in &together {
            if let (Some(a), Some(b)) = (part(pair[0]), part(pair[1])) {
                prop_assert_eq!(a, b);
            }
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
fn given_parts_are_taken_and_checked() {
    let table =
        LabelTable { labels: vec!["a".into()], image_ids: vec![1, 2, 3], positives: vec![true, true, false] };
    let settings = settings(SplitMethod::Column, [0.5, 0.5, 0.0], 0);
    let row = |image_id, part| SplitRow { image_id, fold: 0, part };
    let given = [row(3, Part::Test), row(1, Part::Train), row(2, Part::Train)];
    let divided = split(&settings, &table, &[vec![2, 3]], Some(&given)).unwrap();
    assert_eq!(divided.rows, [row(1, Part::Train), row(2, Part::Train), row(3, Part::Test)]);
    let messages: Vec<_> = divided.notices.iter().map(|notice| notice.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "parts without images: `val`",
            "labels without positives in a part: `a in test`",
        ]
    );
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
