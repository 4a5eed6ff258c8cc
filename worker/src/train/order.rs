//! The rows of an epoch, in its order.

use std::collections::HashMap;

use ablatrix::seed::Key;
use ablatrix::spec::settings::Train;
use ablatrix::tables::rows::TrainIndexRow;

/// How an epoch is cut into batches, and these into steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Rows of a batch.
    pub batch_size: u32,
    /// Batches of a step.
    pub accumulate: u32,
}

impl Cut {
    /// As the settings ask for.
    pub fn of(train: &Train) -> Self {
        Cut { batch_size: train.batch_size, accumulate: train.accumulate.max(1) }
    }

    /// The same steps in batches of `batch_size` rows, which must divide these; `None` where it does not.
    pub fn into_batches_of(self, batch_size: u32) -> Option<Self> {
        let divides = batch_size > 0 && self.batch_size.is_multiple_of(batch_size);
        divides.then(|| Cut { batch_size, accumulate: self.accumulate * (self.batch_size / batch_size) })
    }

    /// The same steps in ever smaller batches, of two rows at least: batch norm has no variance over one.
    pub fn smaller(self) -> impl Iterator<Item = Self> {
        (2..self.batch_size).rev().filter_map(move |batch_size| self.into_batches_of(batch_size))
    }
}

/// One row of an epoch: a copy of an image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpochItem {
    /// The image.
    pub image_id: i64,
    /// From 0; each copy of an image has draws of its own.
    pub copy: u32,
    /// Weight of its loss.
    pub weight: f32,
}

/// What the epochs of a training are made of.
#[derive(Clone, Debug)]
pub struct EpochRows {
    /// Each row of the table, copies one by one.
    items: Vec<EpochItem>,
    /// Where rows are drawn: the sum of the chances up to each item.
    drawn: Option<Vec<f64>>,
}

impl EpochRows {
    /// The rows of the table `train_index`: drawn where they have chances, else each copy of each row.
    pub fn new(index: &[TrainIndexRow]) -> Self {
        let copies = |row: &TrainIndexRow| {
            let (image_id, weight) = (row.image_id, row.weight);
            (0..row.copies).map(move |copy| EpochItem { image_id, copy, weight })
        };
        let is_drawn = index.iter().any(|row| row.chance.is_some());
        if !is_drawn {
            return EpochRows { items: index.iter().flat_map(copies).collect(), drawn: None };
        }
        let item = |row: &TrainIndexRow| EpochItem { image_id: row.image_id, copy: 0, weight: row.weight };
        let mut sum = 0.0;
        let up_to = |row: &TrainIndexRow| {
            sum += row.chance.unwrap_or(0.0);
            sum
        };
        EpochRows { items: index.iter().map(item).collect(), drawn: Some(index.iter().map(up_to).collect()) }
    }

    /// The rows of epoch `epoch_idx` (from 0) in their order: a function of seed and epoch alone, so that all variants
    /// of a seed see the same images in the same order.
    ///
    /// Drawn rows are independent draws with replacement, as many as the table has rows, each row in proportion to its
    /// chance (what PyTorch's `WeightedRandomSampler` does); the n-th draw of an image is its copy n.
    pub fn epoch(&self, seed: u64, epoch_idx: u32) -> Vec<EpochItem> {
        let key = Key::root(seed);
        let Some(up_to) = &self.drawn else {
            let mut items = self.items.clone();
            key.child("shuffle").index(u64::from(epoch_idx)).draws().shuffle(&mut items);
            return items;
        };
        let mut draws = key.child("sample").index(u64::from(epoch_idx)).draws();
        let whole = up_to.last().copied().unwrap_or(0.0);
        let mut seen: HashMap<i64, u32> = HashMap::new();
        let mut draw = || {
            let at = draws.f64() * whole;
            // A row without a chance spans nothing, so that none is taken; rounding may reach the end.
            let row = up_to.partition_point(|&sum| sum <= at).min(self.items.len() - 1);
            let copy = seen.entry(self.items[row].image_id).or_default();
            *copy += 1;
            EpochItem { copy: *copy - 1, ..self.items[row] }
        };
        (0..self.items.len()).map(|_| draw()).collect()
    }
}

/// Cuts an epoch into batches of `batch_size`. A single row that would be left over joins the batch before it:
/// batch norm has no variance over one value.
pub fn batches(items: &[EpochItem], batch_size: usize) -> Vec<&[EpochItem]> {
    let batch_size = batch_size.max(1);
    let whole = items.len() / batch_size;
    if batch_size > 1 && whole > 0 && items.len() % batch_size == 1 {
        let (head, tail) = items.split_at((whole - 1) * batch_size);
        return head.chunks(batch_size).chain([tail]).collect();
    }
    items.chunks(batch_size).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(n: i64) -> Vec<EpochItem> {
        (0..n).map(|image_id| EpochItem { image_id, copy: 0, weight: 1.0 }).collect()
    }

    fn index(n: i64) -> Vec<TrainIndexRow> {
        (0..n)
            .map(|image_id| TrainIndexRow { fold: 0, image_id, copies: 1, weight: 1.0, chance: None })
            .collect()
    }

    fn drawn(chances: &[f64]) -> EpochRows {
        let row = |(image_id, &chance): (usize, &f64)| TrainIndexRow {
            fold: 0,
            image_id: image_id as i64,
            copies: 1,
            weight: 1.0,
            chance: Some(chance),
        };
        EpochRows::new(&chances.iter().enumerate().map(row).collect::<Vec<_>>())
    }

    #[test]
    fn copies_are_numbered_and_none_is_none() {
        let row = |image_id, copies| TrainIndexRow { fold: 0, image_id, copies, weight: 0.5, chance: None };
        let found = EpochRows::new(&[row(7, 2), row(8, 0), row(9, 1)]);
        let mut found: Vec<_> =
            found.epoch(1, 0).iter().map(|item| (item.image_id, item.copy, item.weight)).collect();
        found.sort_by_key(|&(image_id, copy, _)| (image_id, copy));
        assert_eq!(found, [(7, 0, 0.5), (7, 1, 0.5), (9, 0, 0.5)]);
    }

    #[test]
    fn order_depends_on_seed_and_epoch_alone() {
        for rows in [EpochRows::new(&index(50)), drawn(&[0.02; 50])] {
            assert_eq!(rows.epoch(1, 3), rows.epoch(1, 3));
            assert_ne!(rows.epoch(1, 3), rows.epoch(1, 4));
            assert_ne!(rows.epoch(1, 3), rows.epoch(2, 3));
        }
        let mut back = EpochRows::new(&index(50)).epoch(1, 3);
        back.sort_by_key(|item| item.image_id);
        assert_eq!(back, items(50));
    }

    /// Draws of one image differ in their copy, and so in their augmentation.
    #[test]
    fn repeated_draws_are_copies() {
        let items = drawn(&[0.9, 0.05, 0.03, 0.02, 0.0]).epoch(4, 0);
        assert_eq!(items.len(), 5);
        let mut copies: HashMap<i64, Vec<u32>> = HashMap::new();
        items.iter().for_each(|item| copies.entry(item.image_id).or_default().push(item.copy));
        assert!(copies[&0].len() > 1);
        assert!(copies.values().all(|copies| (0..).zip(copies).all(|(n, &copy)| n == copy)), "{copies:?}");
        let all = (0..2000).flat_map(|epoch_idx| drawn(&[0.5, 0.0, 0.5, 0.0]).epoch(1, epoch_idx));
        assert!(all.into_iter().all(|item| item.image_id % 2 == 0), "what has no chance is never drawn");
    }

    /// Pearson's statistic over 200 epochs of 50 draws, against the bound that scipy gives for 49 degrees of freedom
    /// (`tests/golden/dataset/make_balance.py`).
    #[test]
    fn rows_are_drawn_as_often_as_their_chances_say() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/dataset/balance.json");
        let golden: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let chances: Vec<f64> = serde_json::from_value(golden["frequencies"]["chances"].clone()).unwrap();
        let most = golden["frequencies"]["most"].as_f64().unwrap();
        let statistic = |rows: &EpochRows, seed| {
            let mut counts = vec![0.0; chances.len()];
            for epoch_idx in 0..200 {
                rows.epoch(seed, epoch_idx).iter().for_each(|item| counts[item.image_id as usize] += 1.0);
            }
            let expected = chances.iter().map(|chance| chance * 200.0 * chances.len() as f64);
            counts.iter().zip(expected).map(|(found, n): (&f64, f64)| (found - n).powi(2) / n).sum::<f64>()
        };
        for seed in 0..5 {
            let found = statistic(&drawn(&chances), seed);
            assert!(found < most, "seed {seed}: {found}, expected below {most}");
        }
        // The bound tells draws with equal chances apart from these.
        assert!(statistic(&drawn(&vec![0.02; 50]), 0) > 10.0 * most);
    }

    /// Also where a single row is left over, which joins the batch before it.
    #[test]
    fn smaller_batches_make_the_same_steps() {
        let cut = Cut { batch_size: 12, accumulate: 2 };
        let smaller: Vec<_> = cut.smaller().map(|cut| (cut.batch_size, cut.accumulate)).collect();
        assert_eq!(smaller, [(6, 4), (4, 6), (3, 8), (2, 12)]);
        assert_eq!(Cut { batch_size: 7, accumulate: 1 }.smaller().count(), 0);
        let steps = |items: &[EpochItem], cut: Cut| -> Vec<Vec<i64>> {
            let batches = batches(items, cut.batch_size as usize);
            let rows = |step: &[&[EpochItem]]| step.concat().iter().map(|item| item.image_id).collect();
            batches.chunks(cut.accumulate as usize).map(rows).collect()
        };
        for n in [1, 23, 24, 25, 37, 60, 73] {
            let items = items(n);
            for smaller in cut.smaller() {
                assert_eq!(steps(&items, smaller), steps(&items, cut), "{n} rows, {smaller:?}");
            }
        }
    }

    #[test]
    fn no_batch_of_one_is_left_over() {
        let sizes = |n, batch_size| -> Vec<usize> {
            batches(&items(n), batch_size).iter().map(|batch| batch.len()).collect()
        };
        assert_eq!(sizes(8, 4), [4, 4]);
        assert_eq!(sizes(9, 4), [4, 5]);
        assert_eq!(sizes(10, 4), [4, 4, 2]);
        assert_eq!(sizes(1, 4), [1]);
        assert_eq!(sizes(3, 1), [1, 1, 1]);
        assert_eq!(sizes(3, 2), [3]);
    }
}
