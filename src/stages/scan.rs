//! `scan`: what lies on disk, image by image: its digest, and its size upright.

use rayon::prelude::*;

use super::error::StageError;
use super::work::{StageWork, write_json, write_table};
use crate::cache::Attempt;
use crate::dataset::names;
use crate::dataset::{Notice, NoticeKind};
use crate::fingerprint::Digest;
use crate::pixels::{decode, decode::probe};
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
    let looked: Vec<Result<(ImageRow, bool), Bad>> = images
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
    let mut resized = Vec::new();
    for look in looked {
        match look {
            Ok((row, differs)) => {
                if differs {
                    resized.push(row.path.clone());
                }
                rows.push(row);
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
    if !resized.is_empty() {
        let what = "images of another size than their records say";
        notices.push(Notice::about(NoticeKind::SizesDiffer, what, &resized));
    }
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

/// The row with digest and size, and whether the size differs from the record's.
fn look(
    mut row: ImageRow,
    root: &std::path::Path,
    bad_images: BadImages,
) -> Result<(ImageRow, bool), String> {
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
    let probe = probe(&bytes).map_err(|error| error.to_string())?;
    if bad_images == BadImages::Skip {
        // Labels and parts must not know an image that the pixel store would refuse. Where bad images are an error,
        // the pixel store finds them itself, and each is decoded once only.
        decode(&bytes).map_err(|error| error.to_string())?;
    }
    row.digest = Digest::of(&bytes).as_str().to_owned();
    let recorded = (row.width, row.height);
    (row.width, row.height) = (probe.width, probe.height);
    Ok((row, recorded != (0, 0) && recorded != (probe.width, probe.height)))
}
