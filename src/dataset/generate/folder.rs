//! Writes the dataset: drawn beside its place, moved there when it is whole.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use jpeg_encoder::{ColorType, Encoder, EncodingError, SamplingFactor};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::coco_out::{Annotations, Entry, file_name};
use super::scene;
use crate::pixels::RgbImage;
use crate::seed::Key;
use crate::spec::settings::Generate;

/// Goes up when the same settings give other pictures.
const FORMAT: u32 = 1;
/// The file that marks a folder as ours; written last.
const RECORD: &str = "generated.json";
const QUALITY: u8 = 90;

/// What lies in the folder now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generated {
    /// Number of pictures.
    pub images: usize,
    /// Number of annotated objects.
    pub annotations: usize,
    /// False where it was all there already, and nothing was done.
    pub drawn: bool,
}

/// Why there is no generated dataset.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// A setting is out of range.
    #[error("`dataset.generate.{name}` is {found}, expected {low} to {high}")]
    Setting {
        /// Its name.
        name: &'static str,
        /// Its value.
        found: u32,
        /// The least that is possible.
        low: u32,
        /// The most that is possible.
        high: u32,
    },
    /// A folder that cannot be moved into place, such as `.` or `/`.
    #[error("`{out}` is no folder that can be made, expected a path that ends in a name")]
    NoName {
        /// The folder.
        out: PathBuf,
    },
    /// Something else lies there.
    #[error("`{out}` is not empty and was not generated, expected a folder that is new, empty or generated")]
    NotOurs {
        /// The folder.
        out: PathBuf,
    },
    /// A file operation failed.
    #[error("cannot {doing} `{path}`")]
    Io {
        /// The operation.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The caller asked to stop.
    #[error("stopped before `{out}` was whole")]
    Stopped {
        /// The folder.
        out: PathBuf,
    },
    /// A picture could not be encoded.
    #[error("cannot encode picture `{path}`")]
    Encode {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: EncodingError,
    },
}

/// `generated.json`: what a folder was made with.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Record {
    format: u32,
    settings: Generate,
    annotations: usize,
}

/// Draws the dataset of `settings` into `out`: `annotations.json`, the pictures in `batch_N/`, and
/// `generated.json`, which says what they were made with. Equal settings give equal bytes on every machine.
///
/// Where `out` holds the dataset of these settings, nothing is done; where it holds that of others, it is replaced.
/// All is written into a hidden folder beside `out` and moved there when it is complete and on disk, so that a
/// process that is killed leaves no half a dataset. Two processes that want the same folder wait for each other.
///
/// `go_on` hears after each picture how many there are, and says whether to draw more.
///
/// # Errors
/// Where a setting is out of range, `out` holds something else, a file cannot be written, or `go_on` said no.
pub fn generate(
    out: &Path,
    settings: &Generate,
    go_on: &(dyn Fn(usize) -> bool + Sync),
) -> Result<Generated, GenerateError> {
    check("images", settings.images, 1, 1_000_000)?;
    check("side", settings.side, 32, 4096)?;
    let (parent, name) = split(out)?;
    fs::create_dir_all(&parent).map_err(io("create folder", &parent))?;
    let place = File::open(&parent).map_err(io("open folder", &parent))?;
    lock(&place).map_err(io("lock folder", &parent))?;
    if let Some(found) = found(out, settings)? {
        return Ok(found);
    }
    let part = parent.join(format!(".{name}.part"));
    let old = parent.join(format!(".{name}.old"));
    // What a killed process left; the lock says that nobody is at it.
    for stale in [&part, &old] {
        clear(stale).map_err(io("remove", stale))?;
    }
    let Some(annotations) = draw_all(&part, settings, go_on)? else {
        clear(&part).map_err(io("remove", &part))?;
        return Err(GenerateError::Stopped { out: out.to_owned() });
    };
    let folder = File::open(&part).map_err(io("open folder", &part))?;
    rustix::fs::syncfs(&folder).map_err(|e| io("write to disk", &part)(e.into()))?;
    if out.exists() {
        fs::rename(out, &old).map_err(io("move away", out))?;
    }
    fs::rename(&part, out).map_err(io("move into place", out))?;
    place.sync_all().map_err(io("write to disk", &parent))?;
    clear(&old).map_err(io("remove", &old))?;
    Ok(Generated { images: settings.images as usize, annotations, drawn: true })
}

fn io<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(std::io::Error) -> GenerateError + use<'a> {
    move |source| GenerateError::Io { doing, path: path.to_owned(), source }
}

fn check(name: &'static str, found: u32, low: u32, high: u32) -> Result<(), GenerateError> {
    if (low..=high).contains(&found) {
        Ok(())
    } else {
        Err(GenerateError::Setting { name, found, low, high })
    }
}

/// The folder that `out` lies in, and its name there.
fn split(out: &Path) -> Result<(PathBuf, String), GenerateError> {
    let Some(name) = out.file_name() else {
        return Err(GenerateError::NoName { out: out.to_owned() });
    };
    let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty());
    Ok((parent.unwrap_or(Path::new(".")).to_owned(), name.to_string_lossy().into_owned()))
}

/// Holds the folder until the file is closed. File systems without locks go without.
fn lock(place: &File) -> std::io::Result<()> {
    match place.lock() {
        Err(error) if error.kind() == std::io::ErrorKind::Unsupported => Ok(()),
        other => other,
    }
}

/// What is there already: the same dataset, another one of ours (`None`), nothing (`None`), or an error.
/// Whether `out` holds the dataset of these settings already.
pub fn is_there(out: &Path, settings: &Generate) -> bool {
    found(out, settings).is_ok_and(|found| found.is_some())
}

fn found(out: &Path, settings: &Generate) -> Result<Option<Generated>, GenerateError> {
    let mut entries = match fs::read_dir(out) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io("read folder", out)(error)),
    };
    if entries.next().is_none() {
        return Ok(None);
    }
    let record =
        fs::read(out.join(RECORD)).ok().and_then(|text| serde_json::from_slice::<Record>(&text).ok());
    let Some(record) = record else {
        return Err(GenerateError::NotOurs { out: out.to_owned() });
    };
    let is_same = record.format == FORMAT && record.settings == *settings;
    let is_there = out.join("annotations.json").is_file();
    Ok((is_same && is_there).then_some(Generated {
        images: settings.images as usize,
        annotations: record.annotations,
        drawn: false,
    }))
}

fn clear(folder: &Path) -> std::io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Draws and writes everything into the new folder `part`; gives the number of annotations, or `None` where it was
/// stopped.
fn draw_all(
    part: &Path,
    settings: &Generate,
    go_on: &(dyn Fn(usize) -> bool + Sync),
) -> Result<Option<usize>, GenerateError> {
    let n_images = settings.images as usize;
    for batch in (0..n_images).step_by(100) {
        let folder = part.join(file_name(batch));
        let folder = folder.parent().unwrap_or(part);
        fs::create_dir_all(folder).map_err(io("create folder", folder))?;
    }
    let key = Key::root(settings.seed).child("generate");
    let (done, stopped) = (AtomicUsize::new(0), AtomicBool::new(false));
    let entries = (0..n_images)
        .into_par_iter()
        .map(|idx| {
            if stopped.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let picture = scene::draw(key.index(idx as u64), settings.side);
            write_jpeg(&part.join(file_name(idx)), &picture.image)?;
            if !go_on(done.fetch_add(1, Ordering::Relaxed) + 1) {
                stopped.store(true, Ordering::Relaxed);
            }
            Ok(Some(Entry::new(idx, &picture)))
        })
        .collect::<Result<Option<Vec<_>>, GenerateError>>()?;
    let Some(entries) = entries else { return Ok(None) };
    let description = format!("Generated litter scenes, format {FORMAT}, seed {}", settings.seed);
    let annotations = Annotations::new(description, entries);
    write_json(&part.join("annotations.json"), &annotations)?;
    let n_annotations = annotations.n_annotations();
    let record = Record { format: FORMAT, settings: settings.clone(), annotations: n_annotations };
    write_json(&part.join(RECORD), &record)?;
    Ok(Some(n_annotations))
}

fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), GenerateError> {
    let mut text =
        serde_json::to_vec(value).unwrap_or_else(|error| panic!("bug: annotations are plain data: {error}"));
    text.push(b'\n');
    fs::write(path, text).map_err(io("write", path))
}

fn write_jpeg(path: &Path, image: &RgbImage) -> Result<(), GenerateError> {
    let encode = |source| GenerateError::Encode { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, QUALITY);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder.encode(&image.data, image.width as u16, image.height as u16, ColorType::Rgb).map_err(encode)?;
    fs::write(path, bytes).map_err(io("write", path))
}
