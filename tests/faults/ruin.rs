//! The ways in which something stored goes wrong.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use super::stored::flip_byte;

/// What becomes of a file.
#[derive(Clone, Copy, Debug)]
pub enum Ruin {
    /// One bit is another one.
    Flip,
    /// Its second half is gone.
    Cut,
    /// It is gone.
    Delete,
    /// It holds nothing.
    Empty,
    /// A folder with something in it lies in its place.
    Folder,
    /// It holds what another file of its kind held.
    Swap,
    /// A symbolic link to another file of its kind lies in its place.
    Link,
}

impl Ruin {
    /// All of them.
    pub const ALL: [Ruin; 7] =
        [Ruin::Flip, Ruin::Cut, Ruin::Delete, Ruin::Empty, Ruin::Folder, Ruin::Swap, Ruin::Link];

    /// Does it to `path`; `other` is another file of its kind.
    pub fn come_over(self, path: &Path, other: &Path) {
        let bytes = fs::read(path).unwrap();
        if !matches!(self, Ruin::Flip) {
            fs::remove_file(path).unwrap();
        }
        match self {
            Ruin::Flip => flip_byte(path),
            Ruin::Cut => fs::write(path, &bytes[..bytes.len() / 2]).unwrap(),
            Ruin::Delete => return,
            Ruin::Empty => fs::write(path, b"").unwrap(),
            Ruin::Folder => {
                fs::create_dir(path).unwrap();
                return fs::write(path.join("stray"), b"stray").unwrap();
            }
            Ruin::Swap => drop(fs::copy(other, path).unwrap()),
            Ruin::Link => return symlink(other, path).unwrap(),
        }
        // As those that are stored.
        fs::set_permissions(path, fs::Permissions::from_mode(0o444)).unwrap();
    }
}
