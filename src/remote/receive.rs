//! Files from the remote: records read, objects checked and made the cache's own.

use std::path::PathBuf;

use futures_util::TryStreamExt;
use object_store::{Error as StoreError, ObjectStoreExt};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

use super::connect::Remote;
use super::error::{RemoteError, lacks_bucket};
use super::listing;
use super::send::aside;
use crate::cache::{CacheError, Entry, Output, Store, read_record};
use crate::fingerprint::Digest;

/// No record is larger.
const MAX_RECORD: u64 = 64 << 20;

/// A record as it came.
#[derive(Debug)]
pub(super) enum Record {
    /// There is none.
    None,
    /// It is not what was written.
    Damaged,
    /// A whole one, with its bytes.
    Whole(Box<Entry>, Vec<u8>),
}

/// What became of an object that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Got {
    /// It has the bytes that were promised.
    Whole,
    /// It is not there.
    Missing,
    /// It has others.
    Damaged,
}

impl Remote {
    /// The record of a key.
    pub(super) async fn record(&self, key: &Digest) -> Result<Record, RemoteError> {
        let read = |error: StoreError| RemoteError::request("read from", &self.address, &error);
        let got = match self.files.get(&listing::entry(key)).await {
            Err(error @ StoreError::NotFound { .. }) if !lacks_bucket(&error) => return Ok(Record::None),
            result => result.map_err(read)?,
        };
        if got.meta.size > MAX_RECORD {
            return Ok(Record::Damaged);
        }
        let bytes = got.bytes().await.map_err(read)?.to_vec();
        Ok(match read_record(key, &bytes) {
            Some(entry) => Record::Whole(Box::new(entry), bytes),
            None => Record::Damaged,
        })
    }

    /// Brings an object into the cache, by a file of its own in the folder of an attempt.
    pub(super) async fn receive(
        &self,
        store: &Store,
        output: &Output,
        aside_at: PathBuf,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Got, RemoteError> {
        let disk = |doing: &'static str, source| CacheError::Io { doing, path: aside_at.clone(), source };
        let mut file = File::create(&aside_at).await.map_err(|error| disk("write", error))?;
        let mut bytes = 0;
        let mut stream = match self.files.get(&listing::object(&output.digest)).await {
            Ok(got) => got.into_stream(),
            Err(StoreError::NotFound { .. }) => return Ok(Got::Missing),
            Err(error) => return Err(RemoteError::request("read from", &self.address, &error)),
        };
        loop {
            let next = stream.try_next().await;
            let next = next.map_err(|error| RemoteError::request("read from", &self.address, &error))?;
            let Some(part) = next else { break };
            bytes += part.len() as u64;
            if bytes > output.bytes {
                return Ok(Got::Damaged);
            }
            file.write_all(&part).await.map_err(|error| disk("write", error))?;
            progress(part.len() as u64);
        }
        file.flush().await.map_err(|error| disk("write", error))?;
        drop(file);
        let (store, output, place) = (store.clone(), output.clone(), aside_at.clone());
        Ok(match aside(move || store.adopt(&place, &output)).await? {
            true => Got::Whole,
            false => Got::Damaged,
        })
    }

    /// Reads an object without keeping it.
    pub(super) async fn look(
        &self,
        output: &Output,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Got, RemoteError> {
        let read = |error: StoreError| RemoteError::request("read from", &self.address, &error);
        let mut stream = match self.files.get(&listing::object(&output.digest)).await {
            Ok(got) => got.into_stream(),
            Err(StoreError::NotFound { .. }) => return Ok(Got::Missing),
            Err(error) => return Err(read(error)),
        };
        let mut hasher = blake3::Hasher::new();
        while let Some(part) = stream.try_next().await.map_err(read)? {
            hasher.update(&part);
            progress(part.len() as u64);
        }
        let same = Digest::from(hasher.finalize()) == output.digest;
        Ok(if same { Got::Whole } else { Got::Damaged })
    }
}
