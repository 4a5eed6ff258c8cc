//! The images folder: where images are put, whole or not at all, and what of them has come so far.
//!
//! ```text
//! images/
//!   batch_1/000006.jpg     put here by a rename, after it was checked and synced
//!   .fetch.lock            held while a process fills the folder; dies with its holder
//!   .fetch/<hash>.part     what has come of an image, by the hash of its path
//!   .fetch/<hash>.json     where it came from, so that the rest can be asked for
//! ```
//!
//! Everything is reached through a handle of the folder that no `..` and no symbolic link leads out of.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};
use serde::{Deserialize, Serialize};

use crate::cache::{CacheError, Lock, Locked, create_dir, try_lock};
use crate::fingerprint::Digest;

const PARTS: &str = ".fetch";
const LOCK: &str = ".fetch.lock";

/// What ends all fetching.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The images folder cannot be made or locked.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// Another process fills the folder.
    #[error("the folder `{path}` is being filled by {holder}")]
    Held {
        /// The images folder.
        path: PathBuf,
        /// Who does it, as it wrote itself.
        holder: String,
    },
    /// The disk is full, or the folder cannot be written.
    #[error("cannot {doing} in `{path}`")]
    Io {
        /// As in "write an image".
        doing: &'static str,
        /// The images folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Why an image cannot be put where its name says.
#[derive(Debug, thiserror::Error)]
pub(super) enum PlaceError {
    /// A symbolic link on the way leads elsewhere.
    #[error("its folder leads out of the images folder by a symbolic link")]
    LeadsOut,
    /// The folder cannot be used.
    #[error("its folder cannot be used: {0}")]
    Unusable(io::Error),
}

/// An images folder that is ours to fill.
#[derive(Debug)]
pub(super) struct ImagesFolder {
    path: PathBuf,
    images: Dir,
    parts: Dir,
    // Last, so that the folder is ours until everything else is closed.
    _lock: Lock,
}

/// Where a partial image came from.
#[derive(Debug, Serialize, Deserialize)]
struct Origin {
    url: String,
    /// An entity tag or a date that tells whether the image is still the same (RFC 9110, 13.1.5).
    if_range: String,
}

/// What has come of one image.
#[derive(Debug)]
pub(super) struct Part {
    name: String,
    file: File,
    /// The bytes that are there, and what their server called them; `None` where they are of no use.
    pub resume: Option<(u64, String)>,
}

impl ImagesFolder {
    /// Opens the folder at `path`, which is made where it is not there, and takes its lock.
    pub fn open(path: &Path) -> Result<Self, FetchError> {
        create_dir(path)?;
        let lock = match try_lock(&path.join(LOCK))? {
            Locked::Mine(lock) => lock,
            Locked::Held(by) => {
                return Err(FetchError::Held { path: path.to_owned(), holder: by.name });
            }
        };
        let io = |source| FetchError::Io { doing: "make the folder `.fetch`", path: path.to_owned(), source };
        let images = Dir::open_ambient_dir(path, ambient_authority()).map_err(io)?;
        images.create_dir_all(PARTS).map_err(io)?;
        let parts = images.open_dir(PARTS).map_err(io)?;
        Ok(ImagesFolder { path: path.to_owned(), images, parts, _lock: lock })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// An error of the folder as a whole.
    pub fn error(&self, doing: &'static str, source: io::Error) -> FetchError {
        FetchError::Io { doing, path: self.path.clone(), source }
    }

    /// Fails where the image `image` could not be put in its place. Writes nothing.
    pub fn check_place(&self, image: &str) -> Result<(), PlaceError> {
        for folder in Path::new(image).ancestors().skip(1).filter(|path| !path.as_os_str().is_empty()) {
            match self.images.open_dir(folder) {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(place_error(error)),
            }
        }
        Ok(())
    }

    /// What has come of `image` from `url`; empty where that is nothing, or cannot be gone on with.
    pub fn part(&self, image: &str, url: &str) -> io::Result<Part> {
        let name = part_name(image);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true);
        let file = self.parts.open_with(format!("{name}.part"), &options)?.into_std();
        let length = file.metadata()?.len();
        let resume = self
            .origin(&name)
            .filter(|origin| length > 0 && origin.url == url)
            .map(|origin| (length, origin.if_range));
        Ok(Part { name, file, resume })
    }

    fn origin(&self, name: &str) -> Option<Origin> {
        serde_json::from_slice(&self.parts.read(format!("{name}.json")).ok()?).ok()
    }

    /// Begins `part` anew: with bytes from `url` that can be gone on with where their server has a name for them.
    pub fn restart(&self, part: &mut Part, url: &str, if_range: Option<String>) -> io::Result<()> {
        // First the bytes: what is left of them must never pass for those of another name.
        part.file.set_len(0)?;
        part.file.rewind()?;
        let origin = format!("{}.json", part.name);
        match if_range {
            Some(if_range) => {
                let json = serde_json::to_vec(&Origin { url: url.to_owned(), if_range })?;
                self.parts.write(origin, json)
            }
            None => remove(&self.parts, &origin),
        }
    }

    /// Removes `part`.
    pub fn discard(&self, part: Part) -> io::Result<()> {
        remove(&self.parts, &format!("{}.part", part.name))?;
        remove(&self.parts, &format!("{}.json", part.name))
    }

    /// Puts the whole `part` in its place, over whatever is there.
    pub fn place(&self, part: Part, image: &str) -> Result<(), PlaceError> {
        self.check_place(image)?;
        let folder = Path::new(image).parent().filter(|path| !path.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let placed = part.file.sync_all().and_then(|()| {
            self.images.create_dir_all(folder)?;
            self.parts.rename(format!("{}.part", part.name), &self.images, image)?;
            self.images.open(folder)?.sync_all()
        });
        placed.map_err(place_error)?;
        remove(&self.parts, &format!("{}.json", part.name)).map_err(place_error)
    }

    /// Removes what has come of images other than `unfinished`, and all traces where there is none.
    pub fn finish<'a>(self, unfinished: impl Iterator<Item = &'a str>) -> io::Result<()> {
        let names: HashSet<String> = unfinished.map(part_name).collect();
        let mut left = false;
        for entry in self.parts.entries()? {
            let name = entry?.file_name();
            let stem = name.to_str().and_then(|name| name.split('.').next()).unwrap_or_default();
            if names.contains(stem) {
                left = true;
            } else {
                remove(&self.parts, &name.to_string_lossy())?;
            }
        }
        if left { Ok(()) } else { self.images.remove_dir(PARTS) }
    }
}

impl Part {
    /// Goes to the end of what is there.
    pub fn seek_end(&mut self) -> io::Result<u64> {
        self.file.seek(SeekFrom::End(0))
    }

    /// Adds bytes.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// All that is there.
    pub fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.file.rewind()?;
        self.file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

fn part_name(image: &str) -> String {
    Digest::of(image.as_bytes()).as_str().to_owned()
}

fn remove(folder: &Dir, name: &str) -> io::Result<()> {
    match folder.remove_file(name) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn place_error(error: io::Error) -> PlaceError {
    // An error of the system has a number; the handle's own word that a path leads out has none.
    if error.kind() == io::ErrorKind::PermissionDenied && error.raw_os_error().is_none() {
        PlaceError::LeadsOut
    } else {
        PlaceError::Unusable(error)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn filled(folder: &ImagesFolder, image: &str, bytes: &[u8]) -> Part {
        let mut part = folder.part(image, "u").unwrap();
        folder.restart(&mut part, "u", Some("\"1\"".to_owned())).unwrap();
        part.write(bytes).unwrap();
        part
    }

    #[test]
    fn an_image_is_put_whole_and_leaves_no_trace() {
        let place = tempfile::tempdir().unwrap();
        let folder = ImagesFolder::open(&place.path().join("new/images")).unwrap();
        let part = filled(&folder, "a/b/c.jpg", b"picture");
        folder.place(part, "a/b/c.jpg").unwrap();
        let part = filled(&folder, "d.jpg", b"other");
        folder.place(part, "d.jpg").unwrap();
        folder.finish(std::iter::empty()).unwrap();
        let root = place.path().join("new/images");
        assert_eq!(fs::read(root.join("a/b/c.jpg")).unwrap(), b"picture");
        let mut names: Vec<_> =
            fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["a", "d.jpg"]);
    }

    #[test]
    fn a_part_is_gone_on_with_only_from_the_same_place() {
        let place = tempfile::tempdir().unwrap();
        let folder = ImagesFolder::open(place.path()).unwrap();
        drop(filled(&folder, "a.jpg", b"half"));
        drop(filled(&folder, "gone.jpg", b"half"));
        folder.finish(["a.jpg"].into_iter()).unwrap();

        let folder = ImagesFolder::open(place.path()).unwrap();
        assert_eq!(folder.parts.entries().unwrap().count(), 2);
        assert_eq!(folder.part("a.jpg", "v").unwrap().resume, None);
        let mut part = folder.part("a.jpg", "u").unwrap();
        assert_eq!(part.resume, Some((4, "\"1\"".to_owned())));
        assert_eq!(part.seek_end().unwrap(), 4);
        part.write(b"+rest").unwrap();
        assert_eq!(part.read().unwrap(), b"half+rest");
        folder.restart(&mut part, "u", None).unwrap();
        part.write(b"unnamed").unwrap();
        assert_eq!(folder.part("a.jpg", "u").unwrap().resume, None);
    }

    #[test]
    fn links_that_lead_out_are_refused_before_anything_is_written() {
        let place = tempfile::tempdir().unwrap();
        let (inside, outside) = (place.path().join("images"), place.path().join("outside"));
        fs::create_dir_all(inside.join("real")).unwrap();
        fs::create_dir_all(&outside).unwrap();
        symlink(&outside, inside.join("absolute")).unwrap();
        symlink("../outside", inside.join("relative")).unwrap();
        symlink("real", inside.join("within")).unwrap();
        let folder = ImagesFolder::open(&inside).unwrap();
        for image in ["absolute/a.jpg", "relative/a.jpg", "relative/b/a.jpg", "real/../../a.jpg"] {
            assert!(matches!(folder.check_place(image), Err(PlaceError::LeadsOut)), "{image}");
            let part = filled(&folder, image, b"picture");
            assert!(matches!(folder.place(part, image), Err(PlaceError::LeadsOut)), "{image}");
        }
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
        for image in ["within/a.jpg", "real/a.jpg", "new/a.jpg", "a.jpg"] {
            folder.check_place(image).unwrap();
            let part = filled(&folder, image, b"picture");
            folder.place(part, image).unwrap();
        }
        assert_eq!(fs::read(inside.join("real/a.jpg")).unwrap(), b"picture");
    }

    #[test]
    fn a_link_in_an_images_place_is_replaced_not_followed() {
        let place = tempfile::tempdir().unwrap();
        let (inside, victim) = (place.path().join("images"), place.path().join("victim"));
        fs::create_dir_all(&inside).unwrap();
        fs::write(&victim, "precious").unwrap();
        symlink(&victim, inside.join("a.jpg")).unwrap();
        let folder = ImagesFolder::open(&inside).unwrap();
        let part = filled(&folder, "a.jpg", b"picture");
        folder.place(part, "a.jpg").unwrap();
        assert_eq!(fs::read(&victim).unwrap(), b"precious");
        assert_eq!(fs::read(inside.join("a.jpg")).unwrap(), b"picture");
    }

    #[test]
    fn two_processes_do_not_fill_one_folder() {
        let place = tempfile::tempdir().unwrap();
        let first = ImagesFolder::open(place.path()).unwrap();
        let error = ImagesFolder::open(place.path()).unwrap_err();
        assert!(matches!(error, FetchError::Held { .. }), "{error}");
        first.finish(std::iter::empty()).unwrap();
        ImagesFolder::open(place.path()).unwrap();
    }
}
