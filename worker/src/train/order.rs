//! The rows of an epoch, in its order.

use ablatrix::seed::Key;
use ablatrix::tables::rows::TrainIndexRow;

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

/// Every copy of every row, in the order of the table.
pub fn expand(index: &[TrainIndexRow]) -> Vec<EpochItem> {
    let copies = |row: &TrainIndexRow| {
        let (image_id, weight) = (row.image_id, row.weight);
        (0..row.copies).map(move |copy| EpochItem { image_id, copy, weight })
    };
    index.iter().flat_map(copies).collect()
}

/// The order of epoch `epoch_idx` (from 0): a function of seed and epoch alone, so that all variants of a seed
/// see the same images in the same order.
pub fn shuffled(items: &[EpochItem], seed: u64, epoch_idx: u32) -> Vec<EpochItem> {
    let mut items = items.to_vec();
    Key::root(seed).child("shuffle").index(u64::from(epoch_idx)).draws().shuffle(&mut items);
    items
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

    #[test]
    fn copies_are_numbered_and_none_is_none() {
        let row = |image_id, copies| TrainIndexRow { fold: 0, image_id, copies, weight: 0.5 };
        let found = expand(&[row(7, 2), row(8, 0), row(9, 1)]);
        let found: Vec<_> = found.iter().map(|item| (item.image_id, item.copy)).collect();
        assert_eq!(found, [(7, 0), (7, 1), (9, 0)]);
    }

    #[test]
    fn order_depends_on_seed_and_epoch_alone() {
        let items = items(50);
        assert_eq!(shuffled(&items, 1, 3), shuffled(&items, 1, 3));
        assert_ne!(shuffled(&items, 1, 3), shuffled(&items, 1, 4));
        assert_ne!(shuffled(&items, 1, 3), shuffled(&items, 2, 3));
        let mut back = shuffled(&items, 1, 3);
        back.sort_by_key(|item| item.image_id);
        assert_eq!(back, items);
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
