//! The record of a finished stage.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::fingerprint::{Digest, Fingerprint};

/// What a stage left behind: written last, so that an entry that can be read is a result that is whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Version of this format.
    pub format: u32,
    /// The key and what it was made of.
    pub fingerprint: Fingerprint,
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
