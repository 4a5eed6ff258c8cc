//! `pixels`: every image decoded once and brought to one size, into the store that all runs share; and what each looks
//! like, as a hash.

use super::error::StageError;
use super::work::{StageWork, write_table};
use crate::cache::Attempt;
use crate::dataset::names;
use crate::pixels::store::{self, Source};
use crate::plan::output;
use crate::tables::rows::ImageRow;

/// Builds the pixel store.
///
/// # Errors
/// Where an image cannot be decoded, or changed since it was hashed.
pub fn pixels(
    work: &StageWork,
    out: &Attempt,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<(), StageError> {
    let images: Vec<ImageRow> = work.table("images")?;
    let experiment = work.experiment();
    if !experiment.dataset.check_images {
        let what =
            "`check_images = false` reads tables only, so that there are no pictures to train on".to_owned();
        return Err(StageError::Inconsistent { what });
    }
    let root = &experiment.dataset.images;
    let mut sources = Vec::with_capacity(images.len());
    for image in &images {
        let path = names::resolve(root, &image.path)
            .map_err(|error| StageError::Inconsistent { what: error.to_string() })?;
        sources.push(Source { image_id: image.image_id, path, digest: image.digest.clone() });
    }
    let settings = &experiment.images;
    let total = sources.len();
    let report = |done: usize| progress(done, total);
    let place = out.path(output::PIXELS);
    let built = store::build(&place, &sources, settings.size, settings.fit, None, &report)?;
    if !built.bad.is_empty() {
        return Err(StageError::bad_images(&built.bad, total));
    }
    write_table(out, output::PICTURE_HASHES, &built.hashes, "pixels")?;
    write_table(out, output::PIXEL_ROWS, &built.rows, "pixels")
}
