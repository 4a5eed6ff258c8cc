//! Images and the labels that they have, batch by batch, in the order of image ids.

/// An image and one of its labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    /// The image's row in its batch.
    pub row: usize,
    /// The label's column.
    pub label_idx: usize,
}

/// For each turn, a label of each row: each row's labels one after the other, and its first again where it has no more; with
/// the pairs that are new in it. Rows without labels are not allowed.
///
/// As many turns as the row with the most labels needs, and so as many gradients, whatever the number of labels.
pub fn turns(labels_of_rows: &[Vec<usize>]) -> Vec<(Vec<i64>, Vec<Pair>)> {
    let most = labels_of_rows.iter().map(Vec::len).max().unwrap_or(0);
    let turn = |nth: usize| {
        let labels =
            labels_of_rows.iter().map(|labels| labels[if nth < labels.len() { nth } else { 0 }] as i64);
        let new = labels_of_rows
            .iter()
            .enumerate()
            .filter_map(|(row, labels)| labels.get(nth).map(|&label_idx| Pair { row, label_idx }));
        (labels.collect(), new.collect())
    };
    (0..most).map(turn).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_has_its_turn_once() {
        let pair = |row, label_idx| Pair { row, label_idx };
        let found = turns(&[vec![2], vec![0, 1, 4], vec![3, 4]]);
        assert_eq!(
            found,
            [
                (vec![2, 0, 3], vec![pair(0, 2), pair(1, 0), pair(2, 3)]),
                (vec![2, 1, 4], vec![pair(1, 1), pair(2, 4)]),
                (vec![2, 4, 3], vec![pair(1, 4)]),
            ]
        );
        assert!(turns(&[]).is_empty());
    }
}
