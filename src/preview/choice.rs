//! Which pictures are shown.

use std::collections::BTreeSet;

use crate::seed::Key;

/// Seed of the choice: the same data give the same pictures.
const SEED: u64 = 0;

/// Ids of at most `most` of these images: of each label in turn one that is not chosen yet, rare labels first. Images
/// without a label come last. With each id goes whether the image has each of the labels.
pub fn chosen<'a>(
    labels: &[String],
    images: impl IntoIterator<Item = (i64, &'a [bool])>,
    most: usize,
) -> Vec<i64> {
    let key = Key::root(SEED).child("preview");
    let mut images_of: Vec<Vec<i64>> = vec![Vec::new(); labels.len()];
    let mut unlabelled = Vec::new();
    for (image_id, row) in images {
        let positive = images_of.iter_mut().zip(row).filter(|(_, is)| **is);
        positive.for_each(|(images, _)| images.push(image_id));
        if !row.contains(&true) {
            unlabelled.push(image_id);
        }
    }
    for (label, images) in labels.iter().zip(&mut images_of) {
        key.child(label).draws().shuffle(images);
    }
    images_of.sort_by_key(Vec::len);
    let longest = images_of.last().map_or(0, Vec::len);
    let ranks = (0..longest).flat_map(|rank| images_of.iter().filter_map(move |images| images.get(rank)));
    let mut taken = BTreeSet::new();
    let all = ranks.chain(&unlabelled).copied();
    all.filter(|image_id| taken.insert(*image_id)).take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of 60 images, `a` is in those from 10 on, `b` in every third of them, `c` in two.
    fn row(id: i64) -> [bool; 3] {
        [id >= 10, id >= 10 && id % 3 == 0, id == 17 || id == 19]
    }

    fn found(ids: impl Iterator<Item = i64>, most: usize) -> Vec<i64> {
        let rows: Vec<(i64, [bool; 3])> = ids.map(|id| (id, row(id))).collect();
        chosen(&["a", "b", "c"].map(String::from), rows.iter().map(|(id, row)| (*id, row.as_slice())), most)
    }

    #[test]
    fn each_label_has_its_turn_and_rare_ones_come_first() {
        let three = found(0..60, 3);
        assert!(three.len() == 3 && row(three[0])[2] && row(three[1])[1], "{three:?}");
        assert_eq!(three, found(0..60, 3), "the same data give the same pictures");
        assert_eq!(three, found(0..60, 5)[..3], "more pictures change none");
    }

    #[test]
    fn no_picture_comes_twice_and_those_without_a_label_come_last() {
        let all = found(0..60, 100);
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 60);
        assert_eq!(all[50..], (0..10).collect::<Vec<_>>());
        assert!(found(0..0, 3).is_empty());
    }
}
