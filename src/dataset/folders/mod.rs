//! One folder per class: the folder right below the images folder is the label of every image in it, however
//! deep.
//!
//! An image's id is its position among the images sorted by `file_name`. Hidden files are passed over; what
//! is no `.jpg`, `.jpeg` or `.png` is counted. Links are followed where they stay below the images folder. The
//! same file in several folders is several images, or one if the spec says so.

mod same_file;

use std::collections::BTreeSet;
use std::fs::DirEntry;
use std::io;
use std::path::{Path, PathBuf};

use super::faults::{FaultKind, Faults, ImportError};
use super::imported::Imported;
use super::names::{self, ImageName};
use super::notice::{NoticeKind, Tally};
use crate::spec::settings::SameFile;
use crate::tables::rows::{ImageRow, LabelTable};

const RESERVED: FaultKind = FaultKind {
    what: "folders with the name of a column of the label table",
    help: "rename the folder `image_id`",
};
const NOT_UTF8: FaultKind =
    FaultKind { what: "names that are not UTF-8", help: "rename these files and folders" };
const OUTSIDE: FaultKind = FaultKind {
    what: "links that lead out of the images folder",
    help: "copy the files into the images folder, or remove the links",
};
const NOWHERE: FaultKind =
    FaultKind { what: "links that lead nowhere", help: "mend the links, or remove them" };

/// What counts as an image.
const ENDINGS: [&str; 3] = ["jpg", "jpeg", "png"];

/// Reads the names below `root`. Images are opened only to compare those that may be one and the same.
///
/// # Errors
/// Where a folder cannot be read, there is no image, or names collide, are no UTF-8 or lead outside: all together.
pub fn import(root: &Path, same_file: SameFile) -> Result<Imported, ImportError> {
    let real = root.canonicalize().map_err(|source| unreadable(root, source))?;
    let mut walk =
        Walk { root, real: &real, found: Vec::new(), faults: Faults::default(), passed: Passed::default() };
    walk.folder(root, &mut vec![real.clone()], "")?;
    let Walk { found, mut faults, mut passed, .. } = walk;
    let mut images = match same_file {
        SameFile::Separate => same_file::separate(found),
        SameFile::OneImage => same_file::one_image(found, &mut passed.merged),
    };
    images.sort_by(|a, b| a.name.file_name.cmp(&b.name.file_name));
    let names = images.iter().map(|image| (image.name.file_name.as_str(), image.name.path.as_str()));
    names::check_unique(names, &mut faults);
    let labels: BTreeSet<&String> = images.iter().flat_map(|image| &image.classes).collect();
    let labels: Vec<String> = labels.into_iter().cloned().collect();
    for label in labels.iter().filter(|label| *label == "image_id") {
        faults.add(&RESERVED, label);
    }
    faults.check(root)?;
    if images.is_empty() {
        let what = if passed.unclassed.count() > 0 { "images in folders of classes" } else { "images" };
        let help = "put the .jpg, .jpeg and .png files of each class into a folder of its own in `images`";
        return Err(ImportError::Empty { path: root.to_owned(), what, help });
    }
    passed.classes.retain(|class| !labels.contains(class));
    Ok(tables(images, labels, &passed))
}

/// A file in the folder of a class.
struct Found {
    name: ImageName,
    class: String,
    /// The file without links.
    real: PathBuf,
}

/// An image, which may lie in several folders.
struct Image {
    name: ImageName,
    classes: BTreeSet<String>,
}

/// What was met and is no image of its own.
#[derive(Default)]
struct Passed {
    merged: Tally,
    others: Tally,
    unclassed: Tally,
    loops: Tally,
    /// All folders that could be classes.
    classes: Vec<String>,
}

struct Walk<'a> {
    root: &'a Path,
    /// The root without links.
    real: &'a Path,
    found: Vec<Found>,
    faults: Faults,
    passed: Passed,
}

impl Walk<'_> {
    /// Collects the images of `folder`. `above` are the real places of it and the folders that it lies in;
    /// `class` is empty in the root.
    fn folder(&mut self, folder: &Path, above: &mut Vec<PathBuf>, class: &str) -> Result<(), ImportError> {
        let mut entries = std::fs::read_dir(folder)
            .and_then(Iterator::collect::<io::Result<Vec<DirEntry>>>)
            .map_err(|source| unreadable(folder, source))?;
        entries.sort_unstable_by_key(DirEntry::file_name);
        for entry in entries {
            let (place, name) = (entry.path(), entry.file_name());
            let below = place.strip_prefix(self.root).unwrap_or(&place);
            let (Some(path), Some(name)) = (below.to_str(), name.to_str()) else {
                self.faults.add(&NOT_UTF8, below.display());
                continue;
            };
            if name.starts_with('.') {
                continue;
            }
            let kind = entry.file_type().map_err(|source| unreadable(&place, source))?;
            let real = if kind.is_symlink() {
                match place.canonicalize() {
                    Ok(real) if real.starts_with(self.real) => real,
                    Ok(_) => {
                        self.faults.add(&OUTSIDE, path);
                        continue;
                    }
                    Err(error) => {
                        self.faults.add(&NOWHERE, format_args!("{path} ({error})"));
                        continue;
                    }
                }
            } else {
                above.last().map_or_else(PathBuf::new, |folder| folder.join(name))
            };
            if !real.is_dir() {
                self.file(path, class, real);
            } else if above.contains(&real) {
                self.passed.loops.add(path);
            } else {
                if class.is_empty() {
                    self.passed.classes.push(name.to_owned());
                }
                above.push(real);
                self.folder(&place, above, if class.is_empty() { name } else { class })?;
                above.pop();
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &str, class: &str, real: PathBuf) {
        // Pipes, sockets and devices are passed over: reading them might never end.
        let plain = real.is_file();
        let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
        if !plain || !ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)) {
            self.passed.others.add(path);
        } else if class.is_empty() {
            self.passed.unclassed.add(path);
        } else {
            match names::parse(path) {
                Ok(name) => self.found.push(Found { name, class: class.to_owned(), real }),
                Err(error) => self.faults.add(&names::UNUSABLE, names::why(path, error)),
            }
        }
    }
}

fn unreadable(path: &Path, source: io::Error) -> ImportError {
    ImportError::Io { what: "images folder", path: path.to_owned(), source }
}

fn tables(found: Vec<Image>, labels: Vec<String>, passed: &Passed) -> Imported {
    let mut table = LabelTable { labels, ..LabelTable::default() };
    let mut images = Vec::with_capacity(found.len());
    for (image_id, image) in (0..).zip(found) {
        table.image_ids.push(image_id);
        table.positives.extend(table.labels.iter().map(|label| image.classes.contains(label)));
        images.push(ImageRow {
            image_id,
            file_name: image.name.file_name,
            path: image.name.path,
            width: 0,
            height: 0,
            digest: String::new(),
            url: None,
            url_small: None,
        });
    }
    let mut hollow = Tally::default();
    passed.classes.iter().for_each(|class| hollow.add(class));
    let kind = NoticeKind::FilesIgnored;
    let notices = [
        passed.others.notice(kind, "files passed over, they are no .jpg, .jpeg or .png"),
        passed.unclassed.notice(kind, "images passed over, they lie in no folder of a class"),
        passed.loops.notice(kind, "links passed over, they lead to a folder above"),
        hollow.notice(kind, "folders without images"),
        passed.merged.notice(NoticeKind::FilesMerged, "files in several places, each taken as one image"),
    ]
    .into_iter()
    .flatten()
    .collect();
    Imported { images, labels_given: Some(table), notices, ..Imported::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            let path = dir.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"").unwrap();
        }
        dir
    }

    fn message(dir: &tempfile::TempDir) -> String {
        import(dir.path(), SameFile::Separate)
            .unwrap_err()
            .to_string()
            .replace(&dir.path().display().to_string(), "data")
    }

    #[test]
    fn folders_are_labels() {
        let dir = tree(&[
            "b/x/2.JPG",
            "b/1.png",
            "a/9.jpeg",
            "a/.hidden.jpg",
            ".git/a.jpg",
            "a/readme.txt",
            "top.jpg",
        ]);
        std::fs::create_dir(dir.path().join("c")).unwrap();
        let imported = import(dir.path(), SameFile::Separate).unwrap();
        let names: Vec<_> = imported.images.iter().map(|row| row.file_name.as_str()).collect();
        assert_eq!(names, ["a_9.jpeg", "b_1.png", "b_x_2.jpg"]);
        assert_eq!(imported.images[2].path, "b/x/2.JPG");
        let labels = imported.labels_given.unwrap();
        assert_eq!(labels.labels, ["a", "b"]);
        assert_eq!(labels.positives, [true, false, false, true, false, true]);
        let notices: Vec<_> = imported.notices.iter().map(|notice| notice.message.as_str()).collect();
        assert_eq!(
            notices,
            [
                "files passed over, they are no .jpg, .jpeg or .png: `a/readme.txt`",
                "images passed over, they lie in no folder of a class: `top.jpg`",
                "folders without images: `c`",
            ]
        );
    }

    #[test]
    fn links_in_a_circle_end() {
        let dir = tree(&["a/1.jpg", "b/2.jpg"]);
        symlink(dir.path().join("a"), dir.path().join("a/again")).unwrap();
        symlink(dir.path(), dir.path().join("b/root")).unwrap();
        let imported = import(dir.path(), SameFile::Separate).unwrap();
        assert_eq!(imported.images.len(), 2);
        assert_eq!(imported.notices[0].count, 2);
    }

    #[test]
    fn links_that_lead_outside_or_nowhere_are_refused() {
        let (dir, other) = (tree(&["a/1.jpg"]), tree(&["2.jpg"]));
        symlink(other.path(), dir.path().join("b")).unwrap();
        symlink(other.path().join("2.jpg"), dir.path().join("a/2.jpg")).unwrap();
        symlink("gone.jpg", dir.path().join("a/3.jpg")).unwrap();
        let text = message(&dir);
        assert!(
            text.starts_with("`data` has 3 faults\n  links that lead out of the images folder: "),
            "{text}"
        );
        assert!(text.contains("`a/2.jpg`, `b`\n  links that lead nowhere: `a/3.jpg (No such file"), "{text}");
    }

    #[test]
    fn names_that_collide_or_cannot_be_read_are_refused() {
        let dir = tree(&["a/b_1.jpg", "a/b/1.JPG"]);
        assert_eq!(
            message(&dir),
            "`data` has 1 fault\n  images with the same name in lower case: \
             `a/b/1.JPG and a/b_1.jpg (a_b_1.jpg)`"
        );
        let dir = tree(&["a/1.jpg"]);
        let name = std::ffi::OsStr::from_bytes(b"\xff.jpg");
        std::fs::write(dir.path().join("a").join(name), b"").unwrap();
        assert!(message(&dir).contains("names that are not UTF-8"));
    }

    #[test]
    fn folders_without_images_are_refused() {
        assert_eq!(message(&tree(&["a/readme.txt"])), "`data` has no images");
        let error = import(Path::new("/no/such/folder"), SameFile::Separate).unwrap_err();
        assert_eq!(error.to_string(), "cannot read images folder `/no/such/folder`");
    }
}
