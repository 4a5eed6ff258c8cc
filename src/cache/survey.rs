//! What lies in a cache: every entry and every object, without reading objects.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::entry::Entry;
use super::error::{CacheError, Doing};
use super::store::Store;
use crate::fingerprint::Digest;

/// Everything that lies in a cache at one moment. Other processes may add to it meanwhile.
#[derive(Debug, Default)]
pub struct Survey {
    /// Whole records, by key.
    pub entries: BTreeMap<Digest, Listed>,
    /// Files in `objects/`, by the digest that they are named after.
    pub objects: BTreeMap<Digest, Stored>,
    /// Files in `entries/` that are no record, and files whose names are no digest.
    pub strangers: Vec<PathBuf>,
}

/// A record, and when it was written.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The record.
    pub entry: Entry,
    /// When its file was written.
    pub written: SystemTime,
}

/// An object as its folder shows it.
#[derive(Clone, Copy, Debug)]
pub struct Stored {
    /// Its size.
    pub bytes: u64,
    /// When its file was written, or last imported again.
    pub written: SystemTime,
}

impl Survey {
    /// Looks at all of `store`.
    ///
    /// # Errors
    /// Where a folder or a record cannot be read; what vanishes meanwhile is passed over.
    pub fn of(store: &Store) -> Result<Self, CacheError> {
        let mut survey = Survey::default();
        for (name, path) in sharded(&store.layout().entries())? {
            let key = name.strip_suffix(".json").and_then(Digest::parse);
            let Some((bytes, meta)) = read(&path)? else { continue };
            let entry = Entry::from_bytes(&bytes).filter(|entry| Some(&entry.key) == key.as_ref());
            match (key, entry) {
                (Some(key), Some(entry)) => {
                    let written = meta.modified().doing("look at", &path)?;
                    survey.entries.insert(key, Listed { entry, written });
                }
                _ => survey.strangers.push(path),
            }
        }
        for (name, path) in sharded(&store.layout().objects())? {
            let Ok(meta) = fs::symlink_metadata(&path) else { continue };
            match Digest::parse(&name).filter(|_| meta.is_file()) {
                Some(digest) => {
                    let written = meta.modified().doing("look at", &path)?;
                    survey.objects.insert(digest, Stored { bytes: meta.len(), written });
                }
                None => survey.strangers.push(path),
            }
        }
        Ok(survey)
    }

    /// Whether there is a record of `key` with all its objects.
    pub fn is_whole(&self, key: &Digest) -> bool {
        self.entries.get(key).is_some_and(|listed| self.missing(&listed.entry).is_empty())
    }

    /// Bytes of all objects.
    pub fn bytes(&self) -> u64 {
        self.objects.values().map(|object| object.bytes).sum()
    }

    /// Outputs of `entry` that are not there, or of another size than recorded.
    pub fn missing<'a>(&self, entry: &'a Entry) -> Vec<&'a str> {
        let there = |output: &super::Output| {
            self.objects.get(&output.digest).is_some_and(|object| object.bytes == output.bytes)
        };
        entry.outputs.iter().filter(|(_, output)| !there(output)).map(|(name, _)| name.as_str()).collect()
    }
}

/// The contents of a record; none of what is no file.
fn read(path: &Path) -> Result<Option<(Vec<u8>, fs::Metadata)>, CacheError> {
    if let Some(meta) = fs::symlink_metadata(path).ok().filter(|meta| !meta.is_file()) {
        return Ok(Some((Vec::new(), meta)));
    }
    let bytes = match super::disk::read_optional(path) {
        // What may not be read is no record.
        Err(error) if error.is_refusal() => Some(Vec::new()),
        result => result?,
    };
    let Some(bytes) = bytes else { return Ok(None) };
    match fs::metadata(path) {
        Ok(meta) => Ok(Some((bytes, meta))),
        Err(_) => Ok(None),
    }
}

/// Files of a folder that is divided by the first two digits: the name put together again, and the path.
/// Unfinished files, whose names begin with a dot, are not among them.
fn sharded(folder: &Path) -> Result<Vec<(String, PathBuf)>, CacheError> {
    let mut files = Vec::new();
    for shard in list(folder)? {
        let head = file_name(&shard);
        for path in list(&shard)? {
            let name = file_name(&path);
            if !name.starts_with('.') {
                files.push((format!("{head}{name}"), path));
            }
        }
    }
    Ok(files)
}

/// The paths in a folder, sorted; none where there is no such folder.
pub(super) fn list(folder: &Path) -> Result<Vec<PathBuf>, CacheError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error)
            if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) =>
        {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error).doing("list", folder),
    };
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.doing("list", folder)?.path());
    }
    paths.sort_unstable();
    Ok(paths)
}

/// The last part of a path as text.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Provenance;
    use crate::fingerprint::Builder;

    #[test]
    fn all_that_lies_there_is_listed_and_what_belongs_nowhere_too() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let entries = ["label", "split"].map(|stage| {
            let attempt = store.attempt(&Builder::new(stage, 1).finish()).unwrap();
            fs::write(attempt.path("out"), stage).unwrap();
            fs::write(attempt.path("more"), "the same").unwrap();
            attempt.publish(&["out", "more"], Provenance::default()).unwrap()
        });
        let layout = store.layout();
        let [label, split] = entries.each_ref().map(|entry| &entry.key);
        let shard = layout.entry(label).parent().unwrap().to_owned();
        fs::write(shard.join(".new-half"), "half").unwrap();
        let survey = Survey::of(&store).unwrap();
        assert_eq!((survey.entries.len(), survey.objects.len(), survey.bytes()), (2, 3, 5 + 5 + 8));
        assert!(survey.strangers.is_empty() && survey.is_whole(label) && survey.is_whole(split));
        assert!(!survey.is_whole(&Digest::of(b"another")));

        // A record under another name, a folder for a record, an object of no digest, a link for an object.
        let mut strangers = vec![layout.entry(&Digest::of(b"other")), shard.join("none.json")];
        fs::create_dir_all(strangers[0].parent().unwrap()).unwrap();
        fs::copy(layout.entry(label), &strangers[0]).unwrap();
        fs::create_dir(&strangers[1]).unwrap();
        let out = layout.object(entries[0].digest("out"));
        strangers.extend([out.with_file_name("none"), out.clone()]);
        fs::write(&strangers[2], "x").unwrap();
        fs::remove_file(&out).unwrap();
        std::os::unix::fs::symlink(layout.object(entries[0].digest("more")), &out).unwrap();
        let mut survey = Survey::of(&store).unwrap();
        survey.strangers.sort_unstable();
        strangers.sort_unstable();
        assert_eq!(survey.strangers, strangers);
        assert_eq!(survey.missing(&entries[0]), ["out"]);
        assert!(!survey.is_whole(label) && survey.is_whole(split));
    }

    #[test]
    fn folders_that_are_none_hold_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "x").unwrap();
        assert_eq!(list(&file).unwrap(), Vec::<PathBuf>::new());
        assert_eq!(list(&folder.path().join("none")).unwrap(), Vec::<PathBuf>::new());
        assert_eq!(list(folder.path()).unwrap(), [file]);
    }
}
