//! Where a file is written, so that whoever reads it sees the old one or the new one, whole.

use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// A file in the making.
pub enum Place {
    /// A file aside, and what it will replace.
    Aside(NamedTempFile, PathBuf),
    /// A pipe or a device, which nothing may replace.
    Direct(File),
}

impl Place {
    /// In the folder of `out`, or `out` itself where nothing may replace it.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn beside(out: &Path) -> std::io::Result<Self> {
        // What a link leads to is replaced, not the link.
        let target = out.canonicalize().unwrap_or_else(|_| out.to_owned());
        if std::fs::metadata(&target).is_ok_and(|meta| !meta.is_file()) {
            return Ok(Place::Direct(File::options().write(true).open(&target)?));
        }
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
        // Readable to others, as any file is that a program writes; the umask still has its say.
        let mode = std::fs::Permissions::from_mode(0o666);
        let mut builder = tempfile::Builder::new();
        let aside =
            builder.prefix(".new-").permissions(mode).tempfile_in(folder.unwrap_or(Path::new(".")))?;
        Ok(Place::Aside(aside, target))
    }

    /// To write to.
    pub fn file(&mut self) -> &mut File {
        match self {
            Place::Aside(aside, _) => aside.as_file_mut(),
            Place::Direct(file) => file,
        }
    }

    /// Puts it in its place.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn keep(self) -> std::io::Result<()> {
        match self {
            Place::Aside(aside, target) => aside.persist(target).map(drop).map_err(|error| error.error),
            Place::Direct(_) => Ok(()),
        }
    }
}
