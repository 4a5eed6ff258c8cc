//! Captures: images taken in one go, of one scene, by one person; told by their folder or by the dataset.

use std::collections::BTreeMap;

use crate::spec::settings::Format;
use crate::tables::rows::{CaptureRow, ImageRow};

/// Images of one capture; at least two, ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture {
    /// The folder, or the dataset's name for it.
    pub name: String,
    /// Its images.
    pub image_ids: Vec<i64>,
}

/// Images that lie in the same folder, by the folder's name.
///
/// The images folder itself is no capture; nor, where folders are the classes, is the folder of a class: only folders in it
/// are.
pub fn by_folder(images: &[ImageRow], format: Format) -> Vec<Capture> {
    let above = usize::from(format == Format::Folders);
    let folder = |image: &ImageRow| {
        let (folder, _) = image.path.rsplit_once('/')?;
        (folder.split('/').count() > above).then(|| (folder.to_owned(), image.image_id))
    };
    gather(images.iter().filter_map(folder))
}

/// The captures that the dataset gives, by name; an image without a name is in none. Images that are not in `images` are left
/// out.
pub fn given(rows: &[CaptureRow], images: &[ImageRow]) -> Vec<Capture> {
    let kept = |row: &&CaptureRow| {
        !row.capture.is_empty() && images.binary_search_by_key(&row.image_id, |image| image.image_id).is_ok()
    };
    gather(rows.iter().filter(kept).map(|row| (row.capture.clone(), row.image_id)))
}

fn gather(named: impl Iterator<Item = (String, i64)>) -> Vec<Capture> {
    let mut captures: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for (name, image_id) in named {
        captures.entry(name).or_default().push(image_id);
    }
    let several = captures.into_iter().filter(|(_, image_ids)| image_ids.len() > 1);
    several
        .map(|(name, mut image_ids)| {
            image_ids.sort_unstable();
            Capture { name, image_ids }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(image_id: i64, path: &str) -> ImageRow {
        ImageRow {
            image_id,
            file_name: path.replace('/', "_"),
            path: path.to_owned(),
            width: 1,
            height: 1,
            digest: String::new(),
            url: None,
            url_small: None,
        }
    }

    fn capture(name: &str, image_ids: &[i64]) -> Capture {
        Capture { name: name.to_owned(), image_ids: image_ids.to_vec() }
    }

    #[test]
    fn folders_are_captures_but_not_that_of_all_images_or_of_a_class() {
        let paths = ["a/1.jpg", "2.jpg", "a/3.jpg", "a/b/4.jpg", "5.jpg", "a/b/6.jpg", "c/7.jpg"];
        let images: Vec<_> = (0..).zip(paths).map(|(id, path)| image(id, path)).collect();
        assert_eq!(by_folder(&images, Format::Coco), [capture("a", &[0, 2]), capture("a/b", &[3, 5])]);
        assert_eq!(by_folder(&images, Format::Folders), [capture("a/b", &[3, 5])]);
    }

    #[test]
    fn images_without_a_capture_stand_alone() {
        let images = [image(1, "1.jpg"), image(2, "2.jpg"), image(3, "3.jpg")];
        let row = |image_id, capture: &str| CaptureRow { image_id, capture: capture.to_owned() };
        let rows = [row(1, ""), row(2, ""), row(3, "x"), row(4, "x")];
        assert!(given(&rows, &images).is_empty());
        let rows = [row(3, "x"), row(1, "x"), row(2, "y")];
        assert_eq!(given(&rows, &images), [capture("x", &[1, 3])]);
    }
}
