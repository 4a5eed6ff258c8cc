//! `scan`: what lies on disk, image by image: its digest, and its size upright.

use rayon::prelude::*;

use super::error::StageError;
use super::work::{StageWork, write_json, write_table};
use crate::cache::Attempt;
use crate::dataset::names;
use crate::dataset::{Notice, NoticeKind};
use crate::fingerprint::Digest;
use crate::pixels::decode;
use crate::pixels::decode::{Conversion, Probe, probe};
use crate::plan::output;
use crate::spec::settings::BadImages;
use crate::tables::rows::ImageRow;

/// Hashes and probes every image; bad ones are an error, or set aside.
///
/// # Errors
/// Where images are bad and the spec does not allow it.
pub fn scan(
    work: &StageWork,
    out: &Attempt,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<(), StageError> {
    let images: Vec<ImageRow> = work.table("images")?;
    let dataset = &work.experiment().dataset;
    let mut notices = Vec::new();
    if !dataset.check_images {
        write_table(out, output::IMAGES, &images, "scan")?;
        return write_json(out, output::NOTICES, &notices);
    }
    let total = images.len();
    let done = std::sync::atomic::AtomicUsize::new(0);
    let looked: Vec<Result<Looked, Bad>> = images
        .into_par_iter()
        .map(|row| {
            let n = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
            if n.is_multiple_of(64) || n == total {
                progress(n, total);
            }
            let (path, has_url) = (row.path.clone(), row.url.is_some() || row.url_small.is_some());
            look(row, &dataset.images, dataset.bad_images).map_err(|why| Bad {
                fetchable: has_url && why == MISSING,
                path,
                why,
            })
        })
        .collect();
    let mut rows = Vec::with_capacity(total);
    let mut bad = Vec::new();
    let mut strange = Strange::default();
    for look in looked {
        match look {
            Ok(looked) => {
                strange.note(&looked);
                rows.push(looked.row);
            }
            Err(fault) => bad.push(fault),
        }
    }
    if !bad.is_empty() && (dataset.bad_images == BadImages::Error || rows.is_empty()) {
        let fetchable = bad.iter().filter(|bad| bad.fetchable).count();
        let bad = bad.into_iter().map(|bad| (bad.path, bad.why)).collect();
        return Err(StageError::BadImages { bad, total, fetchable });
    }
    if !bad.is_empty() {
        let names: Vec<_> = bad.iter().map(|bad| format!("{}: {}", bad.path, bad.why)).collect();
        notices.push(Notice::about(NoticeKind::ImagesSetAside, "images set aside", &names));
    }
    notices.extend(strange.notices());
    write_table(out, output::IMAGES, &rows, "scan")?;
    write_json(out, output::NOTICES, &notices)
}

/// Why an image that is not there cannot be used.
const MISSING: &str = "there is no such file";

/// An image that cannot be used.
struct Bad {
    path: String,
    why: String,
    /// It is not there, and its record says where it can be had.
    fetchable: bool,
}

/// An image that can be used.
struct Looked {
    /// With digest and size.
    row: ImageRow,
    /// The size is not the record's.
    is_resized: bool,
    conversions: Vec<Conversion>,
}

/// Conversions that change what is seen, beyond what every photo goes through; and how they are told.
const TOLD: [(Conversion, &str); 3] = [
    (Conversion::Cmyk, "pictures in CMYK, converted to RGB without their colour profile"),
    (Conversion::SixteenBits, "pictures of 16 bits a channel, reduced to 8"),
    (Conversion::Alpha, "pictures with an alpha channel, laid on black"),
];

/// The paths of images that can be used, but may not be what is meant.
#[derive(Default)]
struct Strange {
    resized: Vec<String>,
    /// By the positions of [`TOLD`].
    converted: [Vec<String>; TOLD.len()],
    of_one_pixel: Vec<String>,
}

impl Strange {
    fn note(&mut self, looked: &Looked) {
        let row = &looked.row;
        if looked.is_resized {
            self.resized.push(row.path.clone());
        }
        for (paths, (told, _)) in self.converted.iter_mut().zip(TOLD) {
            if looked.conversions.contains(&told) {
                paths.push(row.path.clone());
            }
        }
        if (row.width, row.height) == (1, 1) {
            self.of_one_pixel.push(row.path.clone());
        }
    }

    fn notices(&self) -> impl Iterator<Item = Notice> {
        let converted = self.converted.iter().zip(TOLD);
        let converted = converted.map(|(paths, (_, what))| (NoticeKind::PicturesConverted, what, paths));
        let resized = "images of another size than their records say";
        let tiny = "pictures of 1x1 pixel, in which nothing can be seen";
        std::iter::once((NoticeKind::SizesDiffer, resized, &self.resized))
            .chain(converted)
            .chain([(NoticeKind::PicturesEmpty, tiny, &self.of_one_pixel)])
            .filter(|(.., paths)| !paths.is_empty())
            .map(|(kind, what, paths)| Notice::about(kind, what, paths))
    }
}

/// Looks at the file of an image; else says why it cannot be used.
fn look(mut row: ImageRow, root: &std::path::Path, bad_images: BadImages) -> Result<Looked, String> {
    let path = names::resolve(root, &row.path).map_err(|error| error.to_string())?;
    let unreadable = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => MISSING.to_owned(),
        _ => format!("cannot be read: {error}"),
    };
    let meta = std::fs::metadata(&path).map_err(unreadable)?;
    if !meta.is_file() {
        // A pipe could be waited for without end.
        return Err(if meta.is_dir() { "is a folder".to_owned() } else { "is no file on a disk".to_owned() });
    }
    let bytes = std::fs::read(&path).map_err(unreadable)?;
    let Probe { width, height, conversions, .. } = probe(&bytes).map_err(|error| error.to_string())?;
    if bad_images == BadImages::Skip {
        // Labels and parts must not know an image that the pixel store would refuse. Where bad images are an error,
        // the pixel store finds them itself, and each is decoded once only.
        decode(&bytes).map_err(|error| error.to_string())?;
    }
    row.digest = Digest::of(&bytes).as_str().to_owned();
    let recorded = (row.width, row.height);
    (row.width, row.height) = (width, height);
    Ok(Looked { row, is_resized: recorded != (0, 0) && recorded != (width, height), conversions })
}
