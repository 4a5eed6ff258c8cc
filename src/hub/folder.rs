//! The cache of the hub's own tools, so that what one has fetched the others use.
//!
//! ```text
//! hub/
//!   models--owner--name/
//!     refs/main                          the commit that the branch stood for when it was asked for
//!     blobs/<etag>                       files by the name that the hub gives their content: LFS' SHA-256
//!     blobs/<etag>.incomplete            what has come of one
//!     snapshots/<commit>/model.safetensors -> ../../blobs/<etag>
//!   .locks/models--owner--name/<etag>.lock   held while a file comes; stays
//! ```
//!
//! <https://huggingface.co/docs/huggingface_hub/guides/manage-cache>

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::FILE;
use crate::cache::write_atomic;
use crate::spec::settings::{HubModel, is_commit};

/// The folder with all models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubFolder {
    root: PathBuf,
}

impl HubFolder {
    /// At this place, where nothing need be yet.
    pub fn new(root: PathBuf) -> Self {
        HubFolder { root }
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of one model.
    pub fn of(&self, model: &HubModel) -> PathBuf {
        self.root.join(folder_name(model))
    }

    /// The file of a model, where it is there. A branch or tag is what it was when it was last asked for.
    pub fn find(&self, model: &HubModel) -> Option<PathBuf> {
        let folder = self.of(model);
        let commit = match model.commit() {
            Some(commit) => commit.to_owned(),
            None => {
                let text = fs::read_to_string(folder.join("refs").join(model.revision())).ok()?;
                Some(text.trim().to_owned()).filter(|commit| is_commit(commit))?
            }
        };
        Some(snapshot(&folder, &commit)).filter(|path| path.is_file())
    }

    /// A file by its content.
    pub(super) fn blob(&self, model: &HubModel, etag: &str) -> PathBuf {
        self.of(model).join("blobs").join(etag)
    }

    /// What has come of it.
    pub(super) fn part(&self, model: &HubModel, etag: &str) -> PathBuf {
        self.of(model).join("blobs").join(format!("{etag}.incomplete"))
    }

    /// Held by who fetches it.
    pub(super) fn lock(&self, model: &HubModel, etag: &str) -> PathBuf {
        self.root.join(".locks").join(folder_name(model)).join(format!("{etag}.lock"))
    }

    /// Gives the content `etag` its name in the commit, and then notes the commit as what the revision stands for: who finds the
    /// note finds the file.
    pub(super) fn place(&self, model: &HubModel, commit: &str, etag: &str) -> Result<PathBuf, PlaceError> {
        let folder = self.of(model);
        let place = snapshot(&folder, commit);
        let blob = self.blob(model, etag);
        let failed = |source| PlaceError { path: place.clone(), source };
        let target = Path::new("../../blobs").join(etag);
        if fs::read_link(&place).ok().as_deref() != Some(&target) {
            let snapshots = folder.join("snapshots").join(commit);
            fs::create_dir_all(&snapshots).map_err(failed)?;
            let aside = snapshots.join(format!(".{FILE}.{}", std::process::id()));
            let _ = fs::remove_file(&aside);
            match symlink(&target, &aside) {
                Ok(()) => fs::rename(&aside, &place).map_err(failed)?,
                // A file system without links holds the file itself, as the other tools do it.
                Err(_) => fs::rename(&blob, &place).map_err(failed)?,
            }
        }
        if model.commit().is_none() {
            let path = folder.join("refs").join(model.revision());
            if fs::read_to_string(&path).ok().as_deref() != Some(commit) {
                write_atomic(&path, commit.as_bytes())
                    .map_err(|error| PlaceError { path, source: io::Error::other(error) })?;
            }
        }
        Ok(place)
    }
}

/// A file that cannot be put where it belongs.
#[derive(Debug)]
pub(super) struct PlaceError {
    pub path: PathBuf,
    pub source: io::Error,
}

fn folder_name(model: &HubModel) -> String {
    format!("models--{}--{}", model.owner(), model.name())
}

fn snapshot(folder: &Path, commit: &str) -> PathBuf {
    folder.join("snapshots").join(commit).join(FILE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMITS: [&str; 2] =
        ["0123456789abcdef0123456789abcdef01234567", "ffffffffffffffffffffffffffffffffffffffff"];

    fn model(text: &str) -> HubModel {
        HubModel::parse(text).unwrap()
    }

    #[test]
    fn what_is_there_is_found_by_branch_tag_and_commit() {
        let place = tempfile::tempdir().unwrap();
        let folder = HubFolder::new(place.path().join("hub"));
        let [main, tag, pinned] =
            ["hf:a/b", "hf:a/b@refs/pr/1", &format!("hf:a/b@{}", COMMITS[0])].map(model);
        assert_eq!(folder.find(&main), None);
        for (etag, bytes) in [("aa", "first"), ("bb", "second")] {
            fs::create_dir_all(folder.of(&main).join("blobs")).unwrap();
            fs::write(folder.blob(&main, etag), bytes).unwrap();
        }
        folder.place(&pinned, COMMITS[0], "aa").unwrap();
        assert_eq!((folder.find(&main), folder.find(&tag)), (None, None));
        folder.place(&main, COMMITS[1], "bb").unwrap();
        folder.place(&tag, COMMITS[0], "aa").unwrap();
        let read = |model: &HubModel| fs::read_to_string(folder.find(model).unwrap()).unwrap();
        assert_eq!([&main, &tag, &pinned].map(read), ["second", "first", "first"]);
        let refs = place.path().join("hub/models--a--b/refs");
        assert_eq!(fs::read_to_string(refs.join("main")).unwrap(), COMMITS[1]);
        assert_eq!(fs::read_to_string(refs.join("refs/pr/1")).unwrap(), COMMITS[0]);

        // What a reference or a link leads to must be there.
        fs::remove_file(folder.blob(&main, "bb")).unwrap();
        assert_eq!(folder.find(&main), None);
        fs::write(refs.join("main"), "../../../elsewhere").unwrap();
        assert_eq!(folder.find(&main), None);
    }

    #[test]
    fn a_file_that_comes_again_takes_the_place_of_a_dead_link() {
        let place = tempfile::tempdir().unwrap();
        let folder = HubFolder::new(place.path().to_owned());
        let main = model("hf:a/b");
        fs::create_dir_all(folder.of(&main).join("blobs")).unwrap();
        for etag in ["aa", "bb"] {
            fs::write(folder.blob(&main, etag), etag).unwrap();
            let path = folder.place(&main, COMMITS[0], etag).unwrap();
            assert_eq!(fs::read_to_string(path).unwrap(), etag);
        }
        let names = fs::read_dir(folder.of(&main).join("snapshots").join(COMMITS[0])).unwrap();
        assert_eq!(names.count(), 1);
    }
}
