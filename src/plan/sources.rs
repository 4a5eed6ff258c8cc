//! Files outside the cache that a key depends on: annotations, images, weights, modules.
//!
//! They are read once; later the file index tells which of them may have changed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::cache::{CacheError, FileIndex, Store};
use crate::dataset;
use crate::fingerprint::Digest;
use crate::hub::HubFolder;
use crate::spec::settings::{Dataset, Format, HubModel, SameFile, Weights};
use crate::tables::rows::ImageRow;
use crate::tables::{self, TableError};

/// What can go wrong with files outside the cache.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The file that a key of the spec names is not there.
    #[error("cannot read the {what} `{path}`")]
    Missing {
        /// What it is.
        what: &'static str,
        /// The key that names it, as in `dataset.annotations`.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<CacheError>,
    },
    /// The weights are a model of the hub that has not been fetched.
    #[error("the weights `{model}` have not been fetched: they are not in {}", folder_text(folder.as_deref()))]
    NotFetched {
        /// The model.
        model: HubModel,
        /// Where it would be; `None` where nothing says where such models are kept.
        folder: Option<PathBuf>,
    },
    /// The images folder is not there.
    #[error("there is no folder `{path}` with the images")]
    NoFolder {
        /// The folder.
        path: PathBuf,
        /// Whether records say where images can be had.
        fetchable: bool,
    },
    /// The folders of a dataset cannot be listed.
    #[error(transparent)]
    Folders(#[from] dataset::ImportError),
    /// The cache failed.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// A table in the cache cannot be read.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// Gives digests of files outside the cache; what it has given once stays the same for its life.
#[derive(Debug)]
pub struct Sources {
    store: Store,
    /// Where models of the hub are kept.
    hub: Option<HubFolder>,
    known: Mutex<HashMap<(PathBuf, String), Digest>>,
    /// The files of models of the hub: what a branch stands for stays the same, too.
    models: Mutex<HashMap<HubModel, PathBuf>>,
}

fn folder_text(folder: Option<&Path>) -> String {
    folder.map_or_else(|| "any folder".to_owned(), |folder| format!("`{}`", folder.display()))
}

impl Sources {
    /// With the file index of this cache.
    pub fn new(store: &Store) -> Self {
        Sources { store: store.clone(), hub: None, known: Mutex::default(), models: Mutex::default() }
    }

    /// With models of the hub, as far as they are there: nothing is asked of a network here.
    #[must_use]
    pub fn with_hub(mut self, hub: Option<HubFolder>) -> Self {
        self.hub = hub;
        self
    }

    /// The file of weights; `None` where there are none.
    ///
    /// # Errors
    /// Where it is a model of the hub that has not been fetched.
    pub fn weights_file(&self, weights: &Weights) -> Result<Option<PathBuf>, SourceError> {
        let model = match weights {
            Weights::None => return Ok(None),
            Weights::Path(path) => return Ok(Some(path.clone())),
            Weights::Hub(model) => model,
        };
        let mut models = self.models.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = models.get(model) {
            return Ok(Some(path.clone()));
        }
        match self.hub.as_ref().and_then(|hub| hub.find(model)) {
            Some(path) => Ok(Some(models.entry(model.clone()).or_insert(path).clone())),
            None => {
                let folder = self.hub.as_ref().map(|hub| hub.root().to_owned());
                Err(SourceError::NotFetched { model: model.clone(), folder })
            }
        }
    }

    /// The digest of the annotations file, or of the list of files where folders are the annotation.
    pub(super) fn annotations(&self, dataset: &Dataset) -> Result<Digest, SourceError> {
        match dataset.format {
            Format::Coco | Format::Csv | Format::Parquet => {
                self.one("annotations", "dataset.annotations", &dataset.annotations)
            }
            Format::Folders => self.memo(&dataset.images, "names", || {
                let found = dataset::folders::import(&dataset.images, dataset.same_file)?;
                let mut names: Vec<String> = found.images.iter().map(|image| image.path.clone()).collect();
                if let (SameFile::OneImage, Some(given)) = (dataset.same_file, &found.labels_given) {
                    // Here the folder that a name begins with is not all that a file's place tells.
                    for (row_idx, name) in names.iter_mut().enumerate() {
                        let row = given.labels.iter().zip(given.row(row_idx));
                        row.filter(|(_, is)| **is).for_each(|(label, _)| *name += &format!("\t{label}"));
                    }
                }
                Ok(Digest::of(names.join("\n").as_bytes()))
            }),
        }
    }

    /// The digest of all images that `images`, a table in the cache, names: each one's path and digest, or that
    /// it is not there.
    pub(super) fn files(&self, dataset: &Dataset, images: &Digest) -> Result<Digest, SourceError> {
        self.memo(&dataset.images, images.as_str(), || {
            let rows: Vec<ImageRow> = tables::read(&self.store.object(images)?)?;
            if !dataset.images.is_dir() {
                let fetchable = rows.iter().any(|row| row.url.is_some() || row.url_small.is_some());
                return Err(SourceError::NoFolder { path: dataset.images.clone(), fetchable });
            }
            let index = FileIndex::open(&self.store, &dataset.images)?;
            let names: Vec<&str> = rows.iter().map(|row| row.path.as_str()).collect();
            let digests = index.digests(&dataset.images, &names);
            let lines: Vec<String> = names
                .iter()
                .zip(digests)
                .map(|(name, digest)| match digest {
                    Ok(digest) => format!("{name} {digest}\n"),
                    Err(_) => format!("{name} missing\n"),
                })
                .collect();
            // A cache that cannot be written says so where a result is to be stored; here only time is lost.
            let _ = index.save();
            Ok(Digest::of(lines.concat().as_bytes()))
        })
    }

    /// The digest of the file of weights; `None` where there are none.
    ///
    /// # Errors
    /// Where it is not there, or cannot be read.
    pub fn weights(&self, weights: &Weights) -> Result<Option<Digest>, SourceError> {
        let path = self.weights_file(weights)?;
        path.map(|path| self.one("weights", "model.weights", &path)).transpose()
    }

    /// The digest of a TorchScript module.
    pub(super) fn module(&self, path: &Path) -> Result<Digest, SourceError> {
        self.one("TorchScript module", "model.name", path)
    }

    fn one(&self, what: &'static str, key: &'static str, path: &Path) -> Result<Digest, SourceError> {
        self.memo(path, "file", || {
            let folder = path.parent().unwrap_or(Path::new("."));
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let index = FileIndex::open(&self.store, &folder.join(format!("{name}#")))?;
            let digest = index.digest(&name, path).map_err(|source| SourceError::Missing {
                what,
                key,
                path: path.to_owned(),
                source: Box::new(source),
            })?;
            let _ = index.save();
            Ok(digest)
        })
    }

    fn memo(
        &self,
        path: &Path,
        what: &str,
        make: impl FnOnce() -> Result<Digest, SourceError>,
    ) -> Result<Digest, SourceError> {
        let key = (path.to_owned(), what.to_owned());
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(digest) = known().get(&key) {
            return Ok(digest.clone());
        }
        // Not under the lock: what is made in parallel may meet other stages that ask, on this very thread.
        let digest = make()?;
        Ok(known().entry(key).or_insert(digest).clone())
    }
}
