//! What is placed as one: images that must not be separated, most often a single one.

use crate::tables::rows::LabelTable;

/// Images that go to one part.
#[derive(Clone, Debug)]
pub(super) struct Unit<'a> {
    /// Positions among all images, which ascend by id; ascending, never empty.
    pub members: Vec<usize>,
    /// The labels of each member.
    pub rows: Vec<&'a [bool]>,
}

impl<'a> Unit<'a> {
    /// The labels of an image that stands alone; `None` for images that belong together.
    pub fn single(&self) -> Option<&'a [bool]> {
        match self.rows.as_slice() {
            [row] => Some(row),
            _ => None,
        }
    }

    /// Members with each label that some member has: label and count, ascending by label.
    pub fn counts(&self) -> Vec<(usize, u32)> {
        let mut counts: Vec<u32> = vec![0; self.rows.first().map_or(0, |row| row.len())];
        for row in &self.rows {
            for (count, &positive) in counts.iter_mut().zip(*row) {
                *count += u32::from(positive);
            }
        }
        counts.into_iter().enumerate().filter(|&(_, count)| count > 0).collect()
    }
}

/// The units of the images `ids`, which ascend; `order` gives each one's row in `labels`. `together` lists ids that
/// must not be separated; lists that share an image are one. Units ascend by their first image.
pub(super) fn units<'a>(
    ids: &[i64],
    order: &[usize],
    labels: &'a LabelTable,
    together: &[Vec<i64>],
) -> Vec<Unit<'a>> {
    let firsts = firsts(ids, together);
    let mut unit_of = vec![0; ids.len()];
    let mut units: Vec<Unit> = Vec::new();
    for (idx, &first) in firsts.iter().enumerate() {
        if first == idx {
            unit_of[idx] = units.len();
            units.push(Unit { members: Vec::new(), rows: Vec::new() });
        }
        let unit = &mut units[unit_of[first]];
        unit.members.push(idx);
        unit.rows.push(labels.row(order[idx]));
    }
    units
}

/// For each image the position of the first one that it belongs to: its own, where it stands alone.
fn firsts(ids: &[i64], together: &[Vec<i64>]) -> Vec<usize> {
    let mut firsts: Vec<usize> = (0..ids.len()).collect();
    for group in together {
        let known: Vec<usize> = group.iter().filter_map(|id| ids.binary_search(id).ok()).collect();
        for pair in known.windows(2) {
            let (a, b) = (first(&mut firsts, pair[0]), first(&mut firsts, pair[1]));
            firsts[a.max(b)] = a.min(b);
        }
    }
    (0..ids.len()).map(|idx| first(&mut firsts, idx)).collect()
}

/// The first image of the set of `idx`; halves the way there, so that long chains stay cheap.
fn first(firsts: &mut [usize], mut idx: usize) -> usize {
    while firsts[idx] != idx {
        firsts[idx] = firsts[firsts[idx]];
        idx = firsts[idx];
    }
    idx
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_that_share_an_image_are_one() {
        let ids = [1, 2, 3, 4, 5, 6];
        assert_eq!(firsts(&ids, &[vec![2, 4], vec![6, 5], vec![4, 6, 99]]), [0, 1, 2, 1, 1, 1]);
    }

    #[test]
    fn a_unit_counts_the_labels_of_all_its_images() {
        let labels = LabelTable {
            labels: vec!["a".into(), "b".into(), "c".into()],
            image_ids: vec![9, 5, 7],
            positives: [[true, false, false], [true, true, false], [false, false, false]].concat(),
        };
        let units = units(&[5, 7, 9], &[1, 2, 0], &labels, &[vec![9, 5]]);
        assert_eq!(units.iter().map(|unit| unit.members.clone()).collect::<Vec<_>>(), [vec![0, 2], vec![1]]);
        assert_eq!(units[0].counts(), [(0, 2), (1, 1)]);
        assert_eq!((units[0].single(), units[1].single()), (None, Some([false; 3].as_slice())));
    }
}
