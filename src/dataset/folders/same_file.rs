//! The same file in folders of several classes: one image with several labels.
//!
//! Two places hold one image where they are the same file on the disk (one is a link to the other, whatever its
//! name), or where they have the same place below the folders of their classes (`glass/7.jpg` and `metal/7.jpg`) and
//! the same bytes. Equal bytes under different names are not enough: that is as often a slip as a wish.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::path::Path;

use rayon::prelude::*;

use super::super::notice::Tally;
use super::{Found, Image};

/// Each file in its folder is an image of its own.
pub(super) fn separate(found: Vec<Found>) -> Vec<Image> {
    found.into_iter().map(|file| Image { name: file.name, classes: BTreeSet::from([file.class]) }).collect()
}

/// Places of one file are one image, which has the name of the first of them in the order of the alphabet. `merged`
/// takes those with several places.
pub(super) fn one_image(mut found: Vec<Found>, merged: &mut Tally) -> Vec<Image> {
    found.sort_by(|a, b| a.name.path.cmp(&b.name.path));
    let mut groups = Groups::new(found.len());
    let mut by_real: HashMap<&Path, usize> = HashMap::new();
    let mut by_place: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (idx, file) in found.iter().enumerate() {
        match by_real.get(file.real.as_path()) {
            Some(&first) => groups.join(first, idx),
            None => {
                by_real.insert(&file.real, idx);
            }
        }
        let below = file.name.path.split_once('/').map_or("", |(_, below)| below);
        by_place.entry(below).or_default().push(idx);
    }
    for (first, second) in equal_pairs(&found, by_place.into_values()) {
        groups.join(first, second);
    }

    let mut members: BTreeMap<usize, Vec<Found>> = BTreeMap::new();
    for (idx, file) in found.into_iter().enumerate() {
        members.entry(groups.first(idx)).or_default().push(file);
    }
    members.into_values().map(|files| image(files, merged)).collect()
}

/// One image from its places, which are in order.
fn image(files: Vec<Found>, merged: &mut Tally) -> Image {
    if files.len() > 1 {
        let places: Vec<&str> = files.iter().map(|file| file.name.path.as_str()).collect();
        merged.add(places.join(" = "));
    }
    let classes = files.iter().map(|file| file.class.clone()).collect();
    let first = files.into_iter().next().unwrap_or_else(|| panic!("bug: a group without files"));
    Image { name: first.name, classes }
}

/// Pairs with the same bytes among the files of each list. A file that cannot be read equals none: the stage that
/// looks at the images will name it.
fn equal_pairs(found: &[Found], lists: impl Iterator<Item = Vec<usize>>) -> Vec<(usize, usize)> {
    let mut by_size: Vec<Vec<usize>> = Vec::new();
    for list in lists.filter(|list| list.len() > 1) {
        let mut sizes: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for idx in list {
            if let Ok(meta) = found[idx].real.metadata() {
                sizes.entry(meta.len()).or_default().push(idx);
            }
        }
        by_size.extend(sizes.into_values().filter(|list| list.len() > 1));
    }
    let pairs_of = |list: Vec<usize>| {
        let mut firsts: HashMap<blake3::Hash, usize> = HashMap::new();
        let mut pairs = Vec::new();
        for idx in list {
            let Ok(digest) = digest(&found[idx].real) else {
                continue;
            };
            match firsts.get(&digest) {
                Some(&first) => pairs.push((first, idx)),
                None => {
                    firsts.insert(digest, idx);
                }
            }
        }
        pairs
    };
    by_size.into_par_iter().flat_map_iter(pairs_of).collect()
}

fn digest(path: &Path) -> std::io::Result<blake3::Hash> {
    Ok(blake3::Hasher::new().update_reader(File::open(path)?)?.finalize())
}

/// Disjoint sets of positions; the first of a set stands for it.
struct Groups(Vec<usize>);

impl Groups {
    fn new(count: usize) -> Self {
        Groups((0..count).collect())
    }

    fn first(&self, mut idx: usize) -> usize {
        while self.0[idx] != idx {
            idx = self.0[idx];
        }
        idx
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.first(a), self.first(b));
        self.0[a.max(b)] = a.min(b);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use crate::dataset::folders::import;
    use crate::dataset::{Imported, NoticeKind};
    use crate::spec::settings::SameFile;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (file, bytes) in files {
            let path = dir.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        dir
    }

    /// `path: labels` of each image.
    fn shown(imported: &Imported) -> Vec<String> {
        let labels = imported.labels_given.as_ref().unwrap();
        let names = |row: &[bool]| -> String {
            labels.labels.iter().zip(row).filter(|(_, is)| **is).map(|(name, _)| format!(" {name}")).collect()
        };
        (imported.images.iter().enumerate())
            .map(|(idx, image)| format!("{}:{}", image.path, names(labels.row(idx))))
            .collect()
    }

    #[test]
    fn the_same_photo_in_several_folders_is_one_image() {
        let dir = tree(&[
            ("glass/7.jpg", "same"),
            ("metal/7.jpg", "same"),
            ("paper/7.jpg", "else"),
            ("metal/x/8.jpg", "deep"),
            ("paper/x/8.jpg", "deep"),
            ("paper/8.jpg", "deep"),
            ("glass/other name.jpg", "same"),
            ("metal/METAL.jpg", "case"),
            ("glass/metal.jpg", "case"),
        ]);
        let imported = import(dir.path(), SameFile::OneImage).unwrap();
        let images = [
            "glass/7.jpg: glass metal",
            "glass/metal.jpg: glass",
            "glass/other name.jpg: glass",
            "metal/METAL.jpg: metal",
            "metal/x/8.jpg: metal paper",
            "paper/7.jpg: paper",
            "paper/8.jpg: paper",
        ];
        assert_eq!(shown(&imported), images);
        assert_eq!(imported.notices[0].kind, NoticeKind::FilesMerged);
        assert_eq!(
            imported.notices[0].message,
            "files in several places, each taken as one image: `glass/7.jpg = metal/7.jpg`, \
             `metal/x/8.jpg = paper/x/8.jpg`"
        );
        let separate = import(dir.path(), SameFile::Separate).unwrap();
        assert_eq!((separate.images.len(), separate.notices.len()), (9, 0));
    }

    #[test]
    fn links_to_a_file_are_that_file_whatever_their_names() {
        let dir = tree(&[("b/1.jpg", "x"), (".pool/9.jpg", "y"), ("b/2.jpg", "x")]);
        for folder in ["a", "c"] {
            std::fs::create_dir(dir.path().join(folder)).unwrap();
        }
        symlink("../b/1.jpg", dir.path().join("a/first.jpg")).unwrap();
        symlink("../.pool/9.jpg", dir.path().join("a/9.jpg")).unwrap();
        symlink("../.pool/9.jpg", dir.path().join("c/nine.jpg")).unwrap();
        symlink("b", dir.path().join("d")).unwrap();
        let imported = import(dir.path(), SameFile::OneImage).unwrap();
        assert_eq!(shown(&imported), ["a/9.jpg: a c", "a/first.jpg: a b d", "b/2.jpg: b d"]);
    }

    #[test]
    fn names_that_collide_are_those_of_the_images() {
        // `a/b_1.jpg` and `a/b/1.jpg` collide; as a further place of another image, the second does not.
        let dir = tree(&[("a/b_1.jpg", "x"), ("a/b/1.jpg", "y"), ("A0/b/1.jpg", "y")]);
        assert_eq!(
            shown(&import(dir.path(), SameFile::OneImage).unwrap()),
            ["A0/b/1.jpg: A0 a", "a/b_1.jpg: a"]
        );
        assert!(import(dir.path(), SameFile::Separate).unwrap_err().to_string().contains("a_b_1.jpg"));
    }
}
