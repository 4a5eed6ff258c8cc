//! Fills a pixel store: reads, checks, decodes and resizes, in parallel and within bounded memory.
//!
//! Each picture is decoded once only; its hash is made on the way, from the whole upright picture, so that side and fit of the
//! store do not matter to it. A build that was cut off goes on: see [`super::draft`].

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::draft::{Draft, Form};
use super::{PixelStore, StoreError, stride};
use crate::fingerprint::Digest;
use crate::pixels::hash::{PictureHash, hash};
use crate::pixels::{DecodeError, decode, resize};
use crate::tables::rows::{PictureHashRow, PixelRow};

/// An image file that goes into a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Unique.
    pub image_id: i64,
    /// The file.
    pub path: PathBuf,
    /// blake3 of the file in hex, as it was when the dataset was read.
    pub digest: String,
}

/// An image that could not be taken in.
#[derive(Debug, thiserror::Error)]
#[error("image `{path}` cannot be used")]
pub struct BadImage {
    /// The image.
    pub image_id: i64,
    /// Its file.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub error: BadImageError,
}

/// Why an image could not be taken in.
#[derive(Debug, thiserror::Error)]
pub enum BadImageError {
    /// The file is missing or unreadable.
    #[error("cannot read the file")]
    Read(#[source] std::io::Error),
    /// The file is not the one that the dataset was read with.
    #[error("the file changed while it was in use: its digest is `{found}`, expected `{expected}`")]
    Changed {
        /// blake3 of the bytes now.
        found: String,
        /// blake3 of the bytes then.
        expected: String,
    },
    /// The bytes are no whole picture.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

/// An earlier store that lends what it has.
#[derive(Clone, Copy, Debug)]
pub struct Previous<'a> {
    /// Built with the same side and fit.
    pub store: &'a PixelStore,
    /// Its rows.
    pub rows: &'a [PixelRow],
    /// The hashes of its pictures.
    pub hashes: &'a [PictureHashRow],
}

/// What may have rows already, so that their images need not be read and decoded.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lenders<'a> {
    /// A whole store.
    pub previous: Option<Previous<'a>>,
    /// Stores that other builds have begun, in use or not. What is no such file is passed over.
    pub drafts: &'a [PathBuf],
}

/// What went into a store, and what could not.
#[derive(Debug, Default)]
pub struct Built {
    /// One per image, in the order of the sources; none where one of them cannot be used.
    pub rows: Vec<PixelRow>,
    /// What each of them looks like, in the same order.
    pub hashes: Vec<PictureHashRow>,
    /// In the order of the sources. What was made of the others stays for the next build.
    pub bad: Vec<BadImage>,
    /// The drafts of others that have nothing which is not in this store too.
    pub used_up: Vec<PathBuf>,
}

/// Writes the store `out`: each image of `images` as a square of `form`.
///
/// What an earlier build of `out` has done before it was cut off stays, and images that `lenders` have are copied from there; their
/// files are not read. Each thread holds one image at a time. `on_progress` gets the number
/// of images done so far, from any thread. The bytes depend neither on the number of threads nor on who lends.
///
/// # Errors
/// Where `out` cannot be written. Images that cannot be read are no error: see [`Built::bad`].
pub fn build(
    out: &Path,
    images: &[Source],
    form: &Form,
    lenders: Lenders,
    on_progress: &(dyn Fn(usize) + Sync),
) -> Result<Built, StoreError> {
    let io = |doing| move |source| StoreError::Io { doing, path: out.to_owned(), source };
    let draft = Draft::open(out, form).map_err(io("create"))?;
    let begun: Vec<(&PathBuf, Draft)> =
        lenders.drafts.iter().filter_map(|path| Some((path, Draft::of_others(path, form)?))).collect();
    let stride = stride(form.side);
    // A store of another side cannot lend rows.
    let previous = lenders.previous.filter(|previous| previous.store.side() == form.side);
    let known = previous.map(|previous| known(&previous)).unwrap_or_default();
    let n_done = AtomicUsize::new(0);
    let outcomes: Vec<Result<PictureHash, BadImage>> = images
        .par_iter()
        .enumerate()
        .map(|(idx, source)| {
            let write = |pixels: &[u8], hash| draft.put(idx, &source.digest, pixels, hash).map(|()| Ok(hash));
            // Its own too: a picture may be there twice.
            let lent = || {
                std::iter::once(&draft)
                    .chain(begun.iter().map(|(_, draft)| draft))
                    .find_map(|draft| draft.lend(&source.digest))
            };
            let outcome = if let Some(hash) = draft.has(idx, &source.digest) {
                Ok(Ok(hash))
            } else if let Some(&(pixels, hash)) = known.get(source.digest.as_str()) {
                write(pixels, hash)
            } else if let Some((pixels, hash)) = lent() {
                write(&pixels, hash)
            } else {
                match load(source, form) {
                    Ok((pixels, hash)) => write(&pixels, hash),
                    Err(error) => {
                        let (image_id, path) = (source.image_id, source.path.clone());
                        Ok(Err(BadImage { image_id, path, error }))
                    }
                }
            };
            on_progress(n_done.fetch_add(1, Ordering::Relaxed) + 1);
            outcome
        })
        .collect::<Result<_, std::io::Error>>()
        .map_err(io("write"))?;
    let mut built = Built::default();
    let mut hashes = Vec::with_capacity(images.len());
    for outcome in outcomes {
        match outcome {
            Ok(hash) => hashes.push(hash),
            Err(bad) => built.bad.push(bad),
        }
    }
    if !built.bad.is_empty() {
        return Ok(built);
    }
    draft.file().set_len((images.len() * stride) as u64).map_err(io("cut"))?;
    for (row, (source, PictureHash { bits, detail })) in images.iter().zip(hashes).enumerate() {
        let (image_id, digest) = (source.image_id, source.digest.clone());
        built.rows.push(PixelRow { image_id, row: row as u64, digest });
        built.hashes.push(PictureHashRow { image_id, hash: bits, detail });
    }
    let files: HashSet<&str> = images.iter().map(|source| source.digest.as_str()).collect();
    let is_used_up = |(_, draft): &(&PathBuf, Draft)| draft.is_within(&files);
    built.used_up = begun.into_iter().filter(is_used_up).map(|(path, _)| path.clone()).collect();
    Ok(built)
}

/// By digest, the pixels and the hash that an earlier store has.
fn known<'a>(previous: &Previous<'a>) -> HashMap<&'a str, (&'a [u8], PictureHash)> {
    let hash = |row: &PictureHashRow| (row.image_id, PictureHash { bits: row.hash, detail: row.detail });
    let hashes: HashMap<i64, PictureHash> = previous.hashes.iter().map(hash).collect();
    let lend = |row: &'a PixelRow| {
        let pixels = previous.store.image(row.image_id)?;
        Some((row.digest.as_str(), (pixels, *hashes.get(&row.image_id)?)))
    };
    previous.rows.iter().filter_map(lend).collect()
}

/// The pixels of one image file, and what it looks like.
fn load(source: &Source, form: &Form) -> Result<(Vec<u8>, PictureHash), BadImageError> {
    let bytes = std::fs::read(&source.path).map_err(BadImageError::Read)?;
    let found = Digest::of(&bytes);
    if found.as_str() != source.digest {
        let found = found.as_str().to_owned();
        return Err(BadImageError::Changed { found, expected: source.digest.clone() });
    }
    let image = decode(&bytes)?;
    Ok((resize::fit(&image, form.side, form.fit).data, hash(&image)))
}
