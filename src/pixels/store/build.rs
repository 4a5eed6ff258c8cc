//! Fills a pixel store: reads, checks, decodes and resizes, in parallel and within bounded memory.
//!
//! Each picture is decoded once only; its hash is made on the way, from the whole upright picture, so that side and fit of the
//! store do not matter to it.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::{PixelStore, StoreError, stride};
use crate::fingerprint::Digest;
use crate::pixels::hash::{PictureHash, hash};
use crate::pixels::{DecodeError, decode, resize};
use crate::spec::settings::Fit;
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

/// What went into a store, and what could not.
#[derive(Debug, Default)]
pub struct Built {
    /// One per image in the store, in the order of the sources, without gaps.
    pub rows: Vec<PixelRow>,
    /// What each of them looks like, in the same order.
    pub hashes: Vec<PictureHashRow>,
    /// In the order of the sources. They have no row; whether that is an error is the caller's to say.
    pub bad: Vec<BadImage>,
}

/// Writes the store `out`: each image of `images` as a square of `size`, by `fit`.
///
/// An image whose digest `previous` knows is copied from there and its file is not read. Each thread holds one image at a time. `on_progress` gets the number
/// of images done so far, from any thread. The bytes do not depend on the number of threads.
///
/// # Errors
/// Where `out` cannot be written. Images that cannot be read are no error: see [`Built::bad`].
pub fn build(
    out: &Path,
    images: &[Source],
    size: u32,
    fit: Fit,
    previous: Option<Previous>,
    on_progress: &(dyn Fn(usize) + Sync),
) -> Result<Built, StoreError> {
    let io = |doing| move |source| StoreError::Io { doing, path: out.to_owned(), source };
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(out)
        .map_err(io("create"))?;
    let stride = stride(size);
    // A store of another side cannot lend rows.
    let previous = previous.filter(|previous| previous.store.side() == size);
    let known = previous.map(|previous| known(&previous)).unwrap_or_default();
    let n_done = AtomicUsize::new(0);
    let outcomes: Vec<Result<PictureHash, BadImage>> = images
        .par_iter()
        .enumerate()
        .map(|(idx, source)| {
            let write = |pixels: &[u8]| file.write_all_at(pixels, (idx * stride) as u64);
            let outcome = match known.get(source.digest.as_str()) {
                Some(&(pixels, hash)) => write(pixels).map(|()| Ok(hash)),
                None => match load(source, size, fit) {
                    Ok((pixels, hash)) => write(&pixels).map(|()| Ok(hash)),
                    Err(error) => {
                        let (image_id, path) = (source.image_id, source.path.clone());
                        Ok(Err(BadImage { image_id, path, error }))
                    }
                },
            };
            on_progress(n_done.fetch_add(1, Ordering::Relaxed) + 1);
            outcome
        })
        .collect::<Result<_, std::io::Error>>()
        .map_err(io("write"))?;
    close_gaps(&file, &outcomes, stride).map_err(io("write"))?;

    let mut built = Built::default();
    for (source, outcome) in images.iter().zip(outcomes) {
        match outcome {
            Ok(PictureHash { bits, detail }) => {
                let row = built.rows.len() as u64;
                let (image_id, digest) = (source.image_id, source.digest.clone());
                built.rows.push(PixelRow { image_id, row, digest });
                built.hashes.push(PictureHashRow { image_id, hash: bits, detail });
            }
            Err(bad) => built.bad.push(bad),
        }
    }
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
fn load(source: &Source, size: u32, fit: Fit) -> Result<(Vec<u8>, PictureHash), BadImageError> {
    let bytes = std::fs::read(&source.path).map_err(BadImageError::Read)?;
    let found = Digest::of(&bytes);
    if found.as_str() != source.digest {
        let found = found.as_str().to_owned();
        return Err(BadImageError::Changed { found, expected: source.digest.clone() });
    }
    let image = decode(&bytes)?;
    Ok((resize::fit(&image, size, fit).data, hash(&image)))
}

/// Moves rows down over those of bad images, and cuts the file to what is left.
fn close_gaps<T, E>(file: &File, outcomes: &[Result<T, E>], stride: usize) -> std::io::Result<()> {
    let mut pixels = vec![0; stride];
    let mut n_kept = 0;
    for (idx, outcome) in outcomes.iter().enumerate() {
        if outcome.is_err() {
            continue;
        }
        if idx != n_kept {
            file.read_exact_at(&mut pixels, (idx * stride) as u64)?;
            file.write_all_at(&pixels, (n_kept * stride) as u64)?;
        }
        n_kept += 1;
    }
    file.set_len((n_kept * stride) as u64)
}
