//! The pixel store: every image of a dataset, decoded and resized once, for all runs to read.
//!
//! One file of raw uint8, [n, side, side, 3], without a header; the table `pixel_rows` says which image lies in
//! which row. Readers map the file into memory, so that all processes of a machine share one copy of it.

mod build;
mod draft;

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use memmap2::Mmap;

use crate::tables::rows::PixelRow;

pub use build::{BadImage, BadImageError, Built, Lenders, Previous, Source, build};
pub use draft::{Form, hand_over};

/// What can go wrong with a store's file.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file operation failed.
    #[error("cannot {doing} pixel store `{path}`")]
    Io {
        /// The operation.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file and the table do not belong together.
    #[error("pixel store `{path}` has `{found}` bytes, expected `{expected}` for `{n_rows}` rows")]
    Length {
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        found: u64,
        /// The length that the table asks for.
        expected: u64,
        /// Rows of the table.
        n_rows: usize,
    },
    /// The table names an image or a row twice, or a row that the store does not have.
    #[error(
        "image `{image_id}` is said to lie in row `{row}` of `{n_rows}`, which is taken or does not exist"
    )]
    Row {
        /// The image.
        image_id: i64,
        /// Its row.
        row: u64,
        /// Rows of the table.
        n_rows: usize,
    },
}

/// A store that is open for reading; cheap to share between threads.
#[derive(Debug)]
pub struct PixelStore {
    /// `None` where there are no images: nothing can be mapped.
    map: Option<Mmap>,
    side: u32,
    row_of_image: HashMap<i64, usize>,
}

impl PixelStore {
    /// Opens the store at `path`, whose table is `rows` and whose images have `side` pixels a side.
    ///
    /// # Errors
    /// Where the file cannot be read, or the table does not fit it.
    pub fn open(path: &Path, rows: &[PixelRow], side: u32) -> Result<Self, StoreError> {
        let io = |doing| move |source| StoreError::Io { doing, path: path.to_owned(), source };
        let file = File::open(path).map_err(io("open"))?;
        let found = file.metadata().map_err(io("read the length of"))?.len();
        let n_rows = rows.len();
        let expected = n_rows as u64 * stride(side) as u64;
        if found != expected {
            return Err(StoreError::Length { path: path.to_owned(), found, expected, n_rows });
        }
        let mut taken = vec![false; n_rows];
        let mut row_of_image = HashMap::with_capacity(n_rows);
        for row in rows {
            let position = row.row as usize;
            let is_new = row_of_image.insert(row.image_id, position).is_none();
            if position >= n_rows || taken[position] || !is_new {
                return Err(StoreError::Row { image_id: row.image_id, row: row.row, n_rows });
            }
            taken[position] = true;
        }
        let map = if found == 0 { None } else { Some(mapped(&file).map_err(io("map"))?) };
        Ok(PixelStore { map, side, row_of_image })
    }

    /// Pixels a side.
    pub fn side(&self) -> u32 {
        self.side
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.row_of_image.len()
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.row_of_image.is_empty()
    }

    /// The pixels of an image, [side, side, 3]; `None` for an image that is not in the store.
    pub fn image(&self, image_id: i64) -> Option<&[u8]> {
        self.row_of_image.get(&image_id).and_then(|&row| self.row(row))
    }

    fn row(&self, row: usize) -> Option<&[u8]> {
        let stride = stride(self.side);
        self.map.as_ref()?.get(row * stride..(row + 1) * stride)
    }
}

#[expect(unsafe_code, reason = "all processes share one copy of the pixels")]
fn mapped(file: &File) -> std::io::Result<Mmap> {
    // SAFETY: the bytes are only read, as plain u8. A published store is never written again or cut
    // (results appear by rename and are immutable), which is what a mapping relies on.
    unsafe { Mmap::map(file) }
}

/// Bytes of one image.
fn stride(side: u32) -> usize {
    side as usize * side as usize * 3
}

#[cfg(test)]
mod tests;
