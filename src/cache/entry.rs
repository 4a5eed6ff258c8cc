//! The record of a finished stage.
//!
//! On disk it is two lines: the blake3 of the second, and the record as JSON. A record that is cut, edited or
//! of another format is no record.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::sealed::{seal, unseal};
use crate::clock;
use crate::fingerprint::{Digest, Fingerprint};

/// Version of the record's format.
const FORMAT: u32 = 1;

/// What a stage left behind: written last, so that an entry that can be read is a result that is whole.
///
/// The record on disk also holds what the key was made of; [`super::Store::fingerprint`] gives it to those who ask
/// why a result is another. A study with all of it in memory would be many times as large.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The stage's name.
    pub stage: String,
    /// The key.
    pub key: Digest,
    /// Output name to object.
    pub outputs: BTreeMap<String, Output>,
    /// Where and how it was made; never compared.
    pub provenance: Provenance,
}

/// One file of a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// blake3 of its bytes, and its place in `objects/`.
    pub digest: Digest,
    /// Its size.
    pub bytes: u64,
}

/// Where and how a result was made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Version of Ablatrix.
    pub version: String,
    /// Host name.
    pub host: String,
    /// Seconds since 1970 at the end.
    pub finished_unix_s: u64,
    /// Duration of the work in seconds.
    pub elapsed_s: f64,
    /// Further notes: device, threads, libtorch.
    pub notes: BTreeMap<String, String>,
}

impl Provenance {
    /// This program on this host, for work that began at `started`.
    pub fn here(started: std::time::Instant) -> Self {
        Provenance {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            finished_unix_s: (clock::unix_ms() / 1000).unsigned_abs(),
            elapsed_s: started.elapsed().as_secs_f64(),
            notes: BTreeMap::new(),
        }
    }

    /// Adds a note.
    #[must_use]
    pub fn note(mut self, name: &str, value: impl ToString) -> Self {
        self.notes.insert(name.to_owned(), value.to_string());
        self
    }
}

impl Entry {
    /// The digest of the output `name`.
    ///
    /// # Panics
    /// Where the stage has no such output: a slip in the caller, since [`super::Store::lookup`] gives only
    /// entries that are whole.
    pub fn digest(&self, name: &str) -> &Digest {
        match self.outputs.get(name) {
            Some(output) => &output.digest,
            None => panic!("bug: stage `{}` has no output `{name}`", self.stage),
        }
    }

    /// `None` where the bytes are no whole record of this format.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let record: Record<Name, _, _> = read(bytes)?;
        let Name { stage, key } = record.fingerprint;
        Some(Entry { stage, key, outputs: record.outputs, provenance: record.provenance })
    }
}

/// The whole record of a result, as it is written.
pub(super) fn to_bytes(
    fingerprint: &Fingerprint,
    outputs: &BTreeMap<String, Output>,
    provenance: &Provenance,
) -> Vec<u8> {
    let record = Record { format: FORMAT, fingerprint, outputs, provenance };
    let body = serde_json::to_string(&record).unwrap_or_else(|e| panic!("bug: an entry is plain data: {e}"));
    seal(&body)
}

/// What the key of a record was made of; `None` where the bytes are no whole record of this format.
pub(super) fn fingerprint(bytes: &[u8]) -> Option<Fingerprint> {
    read::<Fingerprint, IgnoredAny, IgnoredAny>(bytes).map(|record| record.fingerprint)
}

/// The record as JSON.
#[derive(Serialize, Deserialize)]
struct Record<F, O, P> {
    format: u32,
    fingerprint: F,
    outputs: O,
    provenance: P,
}

/// A fingerprint without its fields.
#[derive(Deserialize)]
struct Name {
    stage: String,
    key: Digest,
}

fn read<'b, F, O, P>(bytes: &'b [u8]) -> Option<Record<F, O, P>>
where
    F: Deserialize<'b>,
    O: Deserialize<'b>,
    P: Deserialize<'b>,
{
    let record: Record<F, O, P> = serde_json::from_str(unseal(bytes)?).ok()?;
    (record.format == FORMAT).then_some(record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fingerprint::Builder;

    #[test]
    fn a_record_tells_where_and_how_it_was_made() {
        let before = clock::unix_ms() / 1000;
        let made = Provenance::here(std::time::Instant::now()).note("threads", 2).note("device", "cpu");
        let after = clock::unix_ms() / 1000;
        assert!((before..=after).contains(&i64::try_from(made.finished_unix_s).unwrap()));
        assert!(made.elapsed_s >= 0.0 && !made.host.is_empty() && !made.version.is_empty());
        let notes: Vec<_> = made.notes.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(notes, [("device", "cpu"), ("threads", "2")]);
        let print = Builder::new("split", 1).finish();
        let output = Output { digest: Digest::of(b"rows"), bytes: 4 };
        let outputs = BTreeMap::from([("out".to_owned(), output)]);
        let entry = Entry::from_bytes(&to_bytes(&print, &outputs, &made)).unwrap();
        assert_eq!((entry.digest("out"), &entry.provenance), (&Digest::of(b"rows"), &made));
    }

    #[test]
    fn any_changed_byte_makes_it_no_record() {
        let print = Builder::new("split", 1).setting("seed", &1).finish();
        let bytes = to_bytes(&print, &BTreeMap::new(), &Provenance::default());
        let entry = Entry::from_bytes(&bytes).unwrap();
        assert_eq!((entry.stage.as_str(), &entry.key), ("split", &print.key));
        assert_eq!(fingerprint(&bytes), Some(print));
        for i in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[i] ^= 1;
            assert_eq!(Entry::from_bytes(&bad), None, "byte {i}");
            assert_eq!(fingerprint(&bad), None, "byte {i}");
            assert_eq!(Entry::from_bytes(&bytes[..i]), None, "cut at {i}");
        }
    }
}
