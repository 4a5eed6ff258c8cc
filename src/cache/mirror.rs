//! Results as they travel between caches: records as bytes, and objects that were made elsewhere.
//!
//! Nothing that comes from elsewhere is believed: a record must be whole and name only what can lie in a cache, an
//! object must have the bytes that its record promises. Then both become visible in the way of a result that was made here.

use std::fs;
use std::path::Path;

use super::disk;
use super::entry::{Entry, Output};
use super::error::{CacheError, Doing};
use super::store::{Store, digest_file};
use crate::fingerprint::Digest;

/// The record of `key` in these bytes, which may come from anywhere; `None` where they are no whole record of it, or
/// one whose outputs have names or digests that no stage writes.
pub fn read_record(key: &Digest, bytes: &[u8]) -> Option<Entry> {
    let entry = Entry::from_bytes(bytes).filter(|entry| entry.key == *key)?;
    let plain = |name: &str| {
        !name.is_empty()
            && !name.starts_with('.')
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
    };
    let sound = |(name, output): (&String, &Output)| {
        plain(name) && output.bytes > 0 && Digest::parse(output.digest.as_str()).is_some()
    };
    entry.outputs.iter().all(sound).then_some(entry)
}

impl Store {
    /// The record under `key` as it lies on disk; `None` where there is none, or no whole one.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn record(&self, key: &Digest) -> Result<Option<Vec<u8>>, CacheError> {
        let bytes = disk::read_optional(&self.layout().entry(key))?;
        Ok(bytes.filter(|bytes| read_record(key, bytes).is_some()))
    }

    /// Whether there is an object of that digest and size; its bytes are not read.
    pub fn has(&self, output: &Output) -> bool {
        let place = self.layout().object(&output.digest);
        fs::symlink_metadata(place).is_ok_and(|meta| meta.is_file() && meta.len() == output.bytes)
    }

    /// Makes `file`, which lies in an attempt's folder, the object that `output` promises. `false`, and nothing is done,
    /// where its bytes are others.
    ///
    /// # Errors
    /// Where the file cannot be read, or the cache cannot be written.
    pub fn adopt(&self, file: &Path, output: &Output) -> Result<bool, CacheError> {
        let bytes = fs::metadata(file).doing("look at", file)?.len();
        if bytes != output.bytes || digest_file(file)? != output.digest {
            return Ok(false);
        }
        self.keep(file, &output.digest)?;
        Ok(true)
    }

    /// Makes a result visible whose objects are all there: writes its record, as [`read_record`] has read it from `bytes`. Where
    /// there is a result already, that one stays. `false`, and nothing is done, where an object is missing.
    ///
    /// # Errors
    /// Where the cache cannot be written.
    pub fn adopt_record(&self, entry: &Entry, bytes: &[u8]) -> Result<bool, CacheError> {
        if !entry.outputs.values().all(|output| self.has(output)) {
            return Ok(false);
        }
        let key = &entry.key;
        self.commit(key, bytes)?;
        self.remove_checkpoints(key)?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::entry::to_bytes;
    use super::*;
    use crate::cache::Provenance;
    use crate::fingerprint::Builder;

    fn record(name: &str, digest: &str) -> (Digest, Vec<u8>) {
        let good = Digest::of(b"good");
        let outputs = BTreeMap::from([(name.to_owned(), Output { digest: good.clone(), bytes: 4 })]);
        let print = Builder::new("split", 1).finish();
        let text = String::from_utf8(to_bytes(&print, &outputs, &Provenance::default())).unwrap();
        // A digest that is none cannot be written by this program.
        let body = text.lines().nth(1).unwrap().replace(good.as_str(), digest);
        (print.key, format!("{}\n{body}\n", Digest::of(body.as_bytes())).into_bytes())
    }

    #[test]
    fn a_record_that_names_other_places_is_none() {
        let good = Digest::of(b"rows");
        let (key, bytes) = record("split.parquet", good.as_str());
        assert!(read_record(&key, &bytes).is_some());
        assert!(read_record(&good, &bytes).is_none(), "another key");
        for name in ["", "../split", "a/b", ".hidden", "a b"] {
            let (key, bytes) = record(name, good.as_str());
            assert!(read_record(&key, &bytes).is_none(), "{name}");
        }
        for name in ["a-b_c.2", "Z"] {
            let (key, bytes) = record(name, good.as_str());
            assert!(read_record(&key, &bytes).is_some(), "{name}");
        }
        let print = Builder::new("split", 1).finish();
        let outputs = BTreeMap::from([("out".to_owned(), Output { digest: good.clone(), bytes: 0 })]);
        let empty = to_bytes(&print, &outputs, &Provenance::default());
        assert!(read_record(&print.key, &empty).is_none(), "no stage leaves an empty output");
        for digest in ["../../../../etc/passwd", "", &good.as_str()[1..]] {
            let (key, bytes) = record("out", digest);
            assert!(read_record(&key, &bytes).is_none(), "{digest}");
        }
    }

    #[test]
    fn only_the_promised_bytes_become_a_result() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let (key, bytes) = record("out", Digest::of(b"rows").as_str());
        let entry = read_record(&key, &bytes).unwrap();
        let attempt = store.attempt(&Builder::new("split", 1).finish()).unwrap();
        let (file, output) = (attempt.path("out"), &entry.outputs["out"]);
        for bad in [&b"rowz"[..], b"row", b"rows!"] {
            fs::write(&file, bad).unwrap();
            assert!(!store.adopt(&file, output).unwrap());
        }
        assert!(!store.has(output) && !store.adopt_record(&entry, &bytes).unwrap());
        assert_eq!(store.lookup(&key).unwrap(), None);
        fs::write(&file, b"rows").unwrap();
        assert!(store.adopt(&file, output).unwrap());
        assert!(store.adopt_record(&entry, &bytes).unwrap());
        assert_eq!(store.lookup(&key).unwrap(), Some(entry));
        assert_eq!(store.record(&key).unwrap(), Some(bytes));
    }
}
