//! Images that are the same file: they must not stand on both sides of a split.

use std::collections::BTreeMap;

use super::notice::{Notice, NoticeKind};
use crate::tables::rows::{ImageRow, LabelTable};

/// Image ids that share their bytes: each list has at least two, ascending; lists by their first.
///
/// Images without a digest are alike to none.
pub fn identical(images: &[ImageRow]) -> Vec<Vec<i64>> {
    let mut by_digest: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for image in images.iter().filter(|image| !image.digest.is_empty()) {
        by_digest.entry(&image.digest).or_default().push(image.image_id);
    }
    let mut groups: Vec<_> = by_digest.into_values().filter(|ids| ids.len() > 1).collect();
    groups.iter_mut().for_each(|ids| ids.sort_unstable());
    groups.sort_unstable();
    groups
}

/// The groups whose images have not all the same labels, where there are any: of the same photo at most one label can be
/// right. `what` begins the notice.
pub fn conflicts(
    what: &str,
    groups: &[Vec<i64>],
    images: &[ImageRow],
    labels: &LabelTable,
) -> Option<Notice> {
    let rows: BTreeMap<i64, &[bool]> =
        labels.image_ids.iter().enumerate().map(|(idx, &id)| (id, labels.row(idx))).collect();
    let names: BTreeMap<i64, &str> = images.iter().map(|row| (row.image_id, row.path.as_str())).collect();
    let unequal = |group: &&Vec<i64>| group.windows(2).any(|ids| rows.get(&ids[0]) != rows.get(&ids[1]));
    let conflicting: Vec<String> = groups
        .iter()
        .filter(unequal)
        .map(|group| {
            let names: Vec<_> = group.iter().map(|id| names.get(id).copied().unwrap_or("?")).collect();
            names.join(" = ")
        })
        .collect();
    (!conflicting.is_empty()).then(|| Notice::about(NoticeKind::LabelConflict, what, &conflicting))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(image_id: i64, digest: &str) -> ImageRow {
        ImageRow {
            image_id,
            file_name: format!("{image_id}.jpg"),
            path: format!("{image_id}.jpg"),
            width: 1,
            height: 1,
            digest: digest.into(),
            url: None,
            url_small: None,
        }
    }

    #[test]
    fn the_same_bytes_are_found_and_their_labels_compared() {
        let images: Vec<_> =
            [(4, "x"), (1, "y"), (3, ""), (2, ""), (0, "x"), (9, "y")].map(|(id, d)| image(id, d)).into();
        let groups = identical(&images);
        assert_eq!(groups, [vec![0, 4], vec![1, 9]]);
        let labels = LabelTable {
            labels: vec!["a".into()],
            image_ids: vec![0, 1, 2, 3, 4, 9],
            positives: vec![true, true, true, true, false, true],
        };
        let notice = conflicts("differ", &groups, &images, &labels).unwrap();
        assert_eq!(notice.message, "differ: `0.jpg = 4.jpg`");
        assert!(conflicts("differ", &groups[1..], &images, &labels).is_none());
    }
}
