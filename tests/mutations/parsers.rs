//! The parsers of what comes from outside, each as a function of bytes that says whether they were sound.
//!
//! The tests of mutations and the crate in `fuzz/` share this file, so that both drive the same code: what it needs of the crate
//! that includes it is `ROOT`, the repository's folder. A reader of files gets its bytes as a file of its thread.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

use ablatrix::cache::{self, FileIndex, Store};
use ablatrix::fingerprint::Digest;
use ablatrix::job::{Job, WorkerEvent};
use ablatrix::spec::settings::Dataset;
use ablatrix::spec::{self, Overrides};
use ablatrix::tables::rows::{AnnotationRow, ImageRow, SplitRow};
use ablatrix::tables::{self, Table};
use ablatrix::{dataset, pixels, weights};
use serde_json::Value;
use tempfile::TempDir;

use super::ROOT;

/// Takes bytes, and says whether they were sound.
pub type Parser = fn(&[u8]) -> bool;

/// What is fuzzed: the name of a target, and the parsers that each of its inputs is given to.
pub const TARGETS: [(&str, &[Parser]); 9] = [
    ("spec", &[load]),
    ("coco", &[coco]),
    ("csv", &[csv, csv_separated]),
    ("parquet", &[parquet, parquet_separated]),
    ("pictures", &[picture]),
    ("weights", &[header_of_weights]),
    ("tables", &[images, annotations, split]),
    ("records", &[record, body_of_record, body_of_index]),
    ("messages", &[event, job]),
];

/// Gives bytes to all parsers of a target, and says whether one of them took them.
pub fn feed(target: &str, bytes: &[u8]) -> bool {
    let found = TARGETS.iter().find(|(name, _)| *name == target);
    let (_, parsers) = found.unwrap_or_else(|| panic!("there is no target `{target}`"));
    // Each of them, whatever the others say.
    parsers.iter().map(|parser| usize::from(parser(bytes))).sum::<usize>() > 0
}

/// A folder that goes with its thread.
fn folder() -> TempDir {
    tempfile::tempdir().unwrap_or_else(|error| panic!("no folder for temporary files: {error}"))
}

/// Puts bytes into a file of this thread, and reads that.
fn in_file(name: &str, bytes: &[u8], read: impl FnOnce(&Path) -> bool) -> bool {
    thread_local!(static FOLDER: TempDir = folder());
    let place = FOLDER.with(|folder| folder.path().join(name));
    put(&place, bytes);
    read(&place)
}

fn put(place: &Path, bytes: &[u8]) {
    fs::write(place, bytes).unwrap_or_else(|error| panic!("cannot write `{}`: {error}", place.display()));
}

/// A spec, with its layers, to a checked experiment.
pub fn load(bytes: &[u8]) -> bool {
    in_file("spec.toml", bytes, |path| spec::load(path, &Overrides::default()).is_ok())
}

/// What a spec says of its dataset, with these settings.
fn dataset(settings: &str) -> Dataset {
    let folder = folder();
    let place = folder.path().join("spec.toml");
    let rest = "[augment.grid]\ndesign = \"none\"\n";
    let text = format!("name = \"a\"\n[dataset]\nimages = \".\"\nannotations = \"a\"\n{settings}{rest}");
    put(&place, text.as_bytes());
    spec::load(&place, &Overrides::default()).unwrap_or_else(|error| panic!("{error:?}")).experiment.dataset
}

/// Imports a file of annotations, with the settings of a spec.
fn import(settings: &'static str, bytes: &[u8]) -> bool {
    // To read a spec takes longer than to read what it is about.
    thread_local!(static READ: RefCell<BTreeMap<&'static str, Dataset>> = RefCell::default());
    let mut dataset =
        READ.with_borrow_mut(|read| read.entry(settings).or_insert_with(|| dataset(settings)).clone());
    in_file("annotations", bytes, |path| {
        dataset.annotations = path.to_owned();
        dataset::import(&dataset).is_ok()
    })
}

/// COCO JSON.
pub fn coco(bytes: &[u8]) -> bool {
    import("format = \"coco\"\n", bytes)
}

/// CSV with a column for each label.
pub fn csv(bytes: &[u8]) -> bool {
    import("format = \"csv\"\n[labels]\nfrom = \"columns\"\n", bytes)
}

/// CSV with one column of labels.
pub fn csv_separated(bytes: &[u8]) -> bool {
    import("format = \"csv\"\nlabel_column = \"labels\"\n[labels]\nfrom = \"columns\"\n", bytes)
}

/// A user's Parquet file with a column for each label.
pub fn parquet(bytes: &[u8]) -> bool {
    import("format = \"parquet\"\n[labels]\nfrom = \"columns\"\n", bytes)
}

/// A user's Parquet file with one column of labels.
pub fn parquet_separated(bytes: &[u8]) -> bool {
    import("format = \"parquet\"\nlabel_column = \"labels\"\n[labels]\nfrom = \"columns\"\n", bytes)
}

/// A picture: its header, then its pixels.
pub fn picture(bytes: &[u8]) -> bool {
    let probed = pixels::decode::probe(bytes);
    let decoded = pixels::decode(bytes);
    // A picture that is decoded is as large as its header says.
    if let (Ok(probe), Ok(picture)) = (&probed, &decoded) {
        assert_eq!((probe.width as usize, probe.height as usize), (picture.width, picture.height));
    }
    decoded.is_ok()
}

/// The header of a file of weights.
pub fn header_of_weights(bytes: &[u8]) -> bool {
    in_file("w.safetensors", bytes, |path| weights::look(path).is_ok())
}

/// A table of the cache.
fn table<T: Table>(bytes: &[u8]) -> bool {
    in_file("table", bytes, |path| tables::read::<T>(path).is_ok())
}

/// The stored table of images.
pub fn images(bytes: &[u8]) -> bool {
    table::<Vec<ImageRow>>(bytes)
}

/// The stored table of annotations.
pub fn annotations(bytes: &[u8]) -> bool {
    table::<Vec<AnnotationRow>>(bytes)
}

/// The stored table of parts.
pub fn split(bytes: &[u8]) -> bool {
    table::<Vec<SplitRow>>(bytes)
}

/// A record of the cache: its body's digest, and the body.
pub fn record(bytes: &[u8]) -> bool {
    let key = |bytes: &[u8]| {
        let body: Value = serde_json::from_slice(bytes.split(|byte| *byte == b'\n').nth(1)?).ok()?;
        serde_json::from_value::<Digest>(body["fingerprint"]["key"].clone()).ok()
    };
    // It is read as that of its own key, or of any where it has none.
    cache::read_record(&key(bytes).unwrap_or_else(|| Digest::of(b"")), bytes).is_some()
}

/// The body of a record. With the digest of the body as it now is, what lies behind the digest is reached.
pub fn body_of_record(body: &[u8]) -> bool {
    record(&sealed(body))
}

/// A body under its digest, as records and indexes lie in a cache.
fn sealed(body: &[u8]) -> Vec<u8> {
    [Digest::of(body).as_str().as_bytes(), b"\n", body, b"\n"].concat()
}

/// The body of a dataset's index of files; sound is one that knows its file.
pub fn body_of_index(body: &[u8]) -> bool {
    thread_local!(static INDEXED: Indexed = Indexed::new());
    INDEXED.with(|indexed| {
        put(&indexed.place, &sealed(body));
        indexed.digest() == Digest::of(Indexed::KNOWN)
    })
}

/// A cache with an index of one file, which has long been there.
pub struct Indexed {
    store: Store,
    root: PathBuf,
    /// Where the index lies.
    pub place: PathBuf,
    _folder: TempDir,
}

impl Indexed {
    /// What sound bytes say that the file holds. It holds something else, so that what they say is told from what is read.
    pub const KNOWN: &[u8] = b"known";
    const FILE: &str = "Cargo.toml";

    /// Without an index.
    pub fn new() -> Self {
        let folder = folder();
        let failed =
            |error: &dyn Display| -> ! { panic!("no cache in `{}`: {error}", folder.path().display()) };
        let store = Store::open(folder.path()).unwrap_or_else(|error| failed(&error));
        let root = Path::new(ROOT).canonicalize().unwrap_or_else(|error| failed(&error));
        let place = store.layout().index(&root);
        cache::create_dir(place.parent().unwrap_or(&place)).unwrap_or_else(|error| failed(&error));
        Indexed { store, root, place, _folder: folder }
    }

    /// What the file holds, by the index or, where that does not know it, by itself; then the index is saved.
    pub fn digest(&self) -> Digest {
        let index = FileIndex::open(&self.store, &self.root);
        let digest = index.and_then(|index| {
            let digest = index.digest(Self::FILE, &self.root.join(Self::FILE))?;
            index.save().map(|()| digest)
        });
        digest.unwrap_or_else(|error| panic!("the index in `{}`: {error}", self.place.display()))
    }
}

/// What a worker says.
pub fn event(bytes: &[u8]) -> bool {
    serde_json::from_slice::<WorkerEvent>(bytes).is_ok()
}

/// What a worker is given.
pub fn job(bytes: &[u8]) -> bool {
    serde_json::from_slice::<Job>(bytes).is_ok()
}
