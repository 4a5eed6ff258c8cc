//! Names of images: where they lie, and the one flat, lower-case name that the tables use.

use std::path::{Path, PathBuf};

use super::faults::{FaultKind, Faults};

/// Why a name cannot be that of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing is left of it.
    #[error("names no file")]
    Empty,
    /// It begins at the root of a disk.
    #[error("is absolute, expected a name below the images folder")]
    Absolute,
    /// It leads out of its folder.
    #[error("climbs out of the images folder")]
    Climbs,
    /// It holds a control character.
    #[error("holds a control character")]
    Control,
    /// No file system has names as long.
    #[error("is longer than a file's name can be")]
    Long,
}

/// Bytes of the longest name of a file or folder on the file systems in use (`NAME_MAX`).
const NAME_BYTES: usize = 255;
/// Characters of a name that are shown before what is wrong with it.
const SHOWN_CHARS: usize = 100;

/// A name as the tables hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageName {
    /// Below the images folder, as on disk, with `/` between folders.
    pub path: String,
    /// The path in lower case with `_` for `/`: `batch_1/000006.JPG` is `batch_1_000006.jpg`.
    pub file_name: String,
}

/// Reads a name as a dataset writes it.
///
/// # Errors
/// Where it is empty, absolute, holds `..` or a control character, or a piece of it is too long.
pub fn parse(name: &str) -> Result<ImageName, NameError> {
    if name.chars().any(char::is_control) {
        return Err(NameError::Control);
    }
    let drive = name.as_bytes().get(1) == Some(&b':') && name.as_bytes()[0].is_ascii_alphabetic();
    if name.starts_with(['/', '\\']) || drive {
        return Err(NameError::Absolute);
    }
    // A backslash is a letter here, but a name made for Windows must not climb there either.
    if name.split(['/', '\\']).any(|piece| piece == "..") {
        return Err(NameError::Climbs);
    }
    let pieces: Vec<_> = name.split('/').filter(|piece| !piece.is_empty() && *piece != ".").collect();
    if pieces.is_empty() || name.ends_with('/') {
        return Err(NameError::Empty);
    }
    if pieces.iter().any(|piece| piece.len() > NAME_BYTES) {
        return Err(NameError::Long);
    }
    Ok(ImageName { path: pieces.join("/"), file_name: pieces.join("_").to_lowercase() })
}

/// The place of the image `path` below `root`.
///
/// # Errors
/// Where the path is absolute or climbs out.
pub fn resolve(root: &Path, path: &str) -> Result<PathBuf, NameError> {
    Ok(root.join(parse(path)?.path))
}

/// Adds a fault for each pair of names that become the same `file_name`.
pub(super) fn check_unique<'a>(names: impl Iterator<Item = (&'a str, &'a str)>, faults: &mut Faults) {
    let mut sorted: Vec<(&str, &str)> = names.collect();
    sorted.sort_unstable();
    for pair in sorted.windows(2) {
        let [(name, first), (other, second)] = [pair[0], pair[1]];
        if name == other {
            faults.add(&COLLISION, format_args!("{first} and {second} ({name})"));
        }
    }
}

/// The name with what is wrong with it; of a long one only the beginning.
pub(super) fn why(name: &str, error: NameError) -> String {
    if name.is_empty() {
        return format!("an empty name {error}");
    }
    match name.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}… {error}", &name[..end]),
        None => format!("{name} {error}"),
    }
}

/// The fault of two images whose names become one.
pub(super) const COLLISION: FaultKind = FaultKind {
    what: "images with the same name in lower case",
    help: "rename one of the two: tables know an image by its name in lower case, with `_` between folders",
};

/// The fault of an image whose name is no [`ImageName`].
pub(super) const UNUSABLE: FaultKind = FaultKind {
    what: "images whose name cannot be used",
    help: "write names relative to `images` in `[dataset]`, as in `folder/photo.jpg`",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_flat_and_lower_case() {
        let name = parse("./Batch_1//000006.JPG").unwrap();
        assert_eq!(
            (name.path.as_str(), name.file_name.as_str()),
            ("Batch_1/000006.JPG", "batch_1_000006.jpg")
        );
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for (name, error) in [
            ("", NameError::Empty),
            ("./", NameError::Empty),
            ("folder/", NameError::Empty),
            ("/etc/passwd", NameError::Absolute),
            ("C:\\x.jpg", NameError::Absolute),
            ("\\\\host\\x.jpg", NameError::Absolute),
            ("a/../../x.jpg", NameError::Climbs),
            ("..\\x.jpg", NameError::Climbs),
            ("a\0.jpg", NameError::Control),
            (&"x".repeat(256), NameError::Long),
        ] {
            assert_eq!(resolve(Path::new("/data"), name), Err(error), "{name}");
        }
        let deep = ["x".repeat(255), "y".repeat(255)].join("/");
        assert!(parse(&deep).is_ok());
        let shown = why(&"ä".repeat(1000), NameError::Long);
        assert_eq!(shown, format!("{}… is longer than a file's name can be", "ä".repeat(100)));
        assert_eq!(resolve(Path::new("/data"), "a/..b.jpg"), Ok(PathBuf::from("/data/a/..b.jpg")));
    }
}
