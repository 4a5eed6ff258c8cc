//! `pixels`: every image decoded once and brought to one size, into the store that all runs share; and what each looks
//! like, as a hash. Filled in the folder of the key's checkpoints, so that what was done is there after an interruption.

use std::path::PathBuf;

use super::error::StageError;
use super::work::{StageWork, write_table};
use crate::cache::Attempt;
use crate::dataset::names;
use crate::fingerprint::{Digest, Field, Fingerprint};
use crate::pixels::PixelStore;
use crate::pixels::store::{self, Form, Lenders, Previous, Source};
use crate::plan::Latest;
use crate::plan::output;
use crate::tables;
use crate::tables::rows::{ImageRow, PictureHashRow, PixelRow};

/// Builds the pixel store. What the study's last one holds of unchanged images is taken over, and what stores hold that were begun and
/// cut off.
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
    let code = own(&work.fingerprint).map(|field| format!("{}={}", field.name, field.value));
    let form = Form { side: settings.size, fit: settings.fit, code: code.collect::<Vec<_>>().join(" ") };
    let draft = work.store.checkpoint_dir(&work.fingerprint.key)?.join(output::PIXELS);
    let (earlier, drafts) = (Earlier::of(work), drafts(work));
    let lenders = Lenders { previous: earlier.as_ref().map(Earlier::lend), drafts: &drafts };
    let built = store::build(&draft, &sources, &form, lenders, &report)?;
    if !built.bad.is_empty() {
        return Err(StageError::bad_images(&built.bad, total));
    }
    let place = out.path(output::PIXELS);
    store::hand_over(&draft, &place).map_err(|source| StageError::Write { path: place, source })?;
    for used_up in &built.used_up {
        let folder = used_up.parent().and_then(|folder| folder.file_name()?.to_str());
        if let Some(key) = folder.and_then(Digest::parse) {
            work.store.drop_checkpoints(&key)?;
        }
    }
    write_table(out, output::PICTURE_HASHES, &built.hashes, "pixels")?;
    write_table(out, output::PIXEL_ROWS, &built.rows, "pixels")
}

/// Where other keys' stores may have been begun: of the same images but one, that could not be used, for instance.
fn drafts(work: &StageWork) -> Vec<PathBuf> {
    let folders = std::fs::read_dir(work.store.layout().checkpoints()).into_iter().flatten().flatten();
    let others =
        folders.map(|folder| folder.path()).filter(|path| !path.ends_with(work.fingerprint.key.as_str()));
    others.map(|folder| folder.join(output::PIXELS)).collect()
}

/// The store that the study used last.
struct Earlier {
    store: PixelStore,
    rows: Vec<PixelRow>,
    hashes: Vec<PictureHashRow>,
}

impl Earlier {
    /// `None` where there is none that was built by the same code and settings, or where it is not whole: it only saves
    /// time.
    fn of(work: &StageWork) -> Option<Self> {
        let latest = Latest::load(&work.store, &work.plan.experiment.name);
        let last = latest.key(&work.node().name)?;
        let entry = work.store.lookup(last).ok()??;
        if !own(&work.store.fingerprint(last).ok()??).eq(own(&work.fingerprint)) {
            return None;
        }
        let file = |name: &str| work.store.object(entry.digest(name)).ok();
        let rows: Vec<PixelRow> = tables::read(&file(output::PIXEL_ROWS)?).ok()?;
        let hashes = tables::read(&file(output::PICTURE_HASHES)?).ok()?;
        let size = work.experiment().images.size;
        let store = PixelStore::open(&file(output::PIXELS)?, &rows, size).ok()?;
        Some(Earlier { store, rows, hashes })
    }

    fn lend(&self) -> Previous<'_> {
        Previous { store: &self.store, rows: &self.rows, hashes: &self.hashes }
    }
}

/// What a key is made of beside its inputs.
fn own(print: &Fingerprint) -> impl Iterator<Item = &Field> {
    print.fields.iter().filter(|field| !field.name.starts_with("input."))
}
