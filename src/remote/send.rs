//! One file to the remote. Bytes of an object are checked on their way: what is damaged here never gets a name there.

use std::fs::File;
use std::io::Read;

use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload, WriteMultipart};
use tokio::task::spawn_blocking;

use super::connect::Remote;
use super::error::RemoteError;
use super::listing;
use super::stop::Halt;
use crate::cache::{CacheError, Output, Store};
use crate::fingerprint::Digest;

/// A larger object goes in parts, each of at least this size.
const PART: usize = 8 << 20;

/// Object stores take at most 10,000 parts of one object.
const MAX_PARTS: u64 = 9_000;

/// Parts of one object that are under way at once.
const PARTS_AT_ONCE: usize = 3;

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// It is there now.
    Whole,
    /// It is damaged, or gone, in the cache.
    Damaged,
    /// The end was asked for.
    Stopped,
}

impl Remote {
    /// Sends an object of `store`; `progress` gets the bytes that are gone.
    pub(super) async fn send_object(
        &self,
        store: &Store,
        output: &Output,
        halt: &Halt<'_>,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Sent, RemoteError> {
        let place = listing::object(&output.digest);
        let Some(file) = open(store, output).await? else { return Ok(Sent::Damaged) };
        if output.bytes <= PART as u64 {
            let Some((_, bytes, digest)) = chunk(file, PART + 1, blake3::Hasher::new()).await? else {
                return damaged(store, output).await;
            };
            if digest.finalize() != hash(output) {
                return damaged(store, output).await;
            }
            let n = bytes.len() as u64;
            self.send(&place, bytes).await?;
            progress(n);
            return Ok(Sent::Whole);
        }
        self.send_parts(store, output, (place, file), halt, progress).await
    }

    async fn send_parts(
        &self,
        store: &Store,
        output: &Output,
        (place, mut file): (Path, File),
        halt: &Halt<'_>,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Sent, RemoteError> {
        let write = |error: object_store::Error| RemoteError::request("write to", &self.address, &error);
        let part = PART.max(usize::try_from(output.bytes / MAX_PARTS).unwrap_or(PART));
        let upload = self.files.put_multipart(&place).await.map_err(write)?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, part);
        let mut hasher = blake3::Hasher::new();
        loop {
            if halt.is_set() {
                upload.abort().await.map_err(write)?;
                return Ok(Sent::Stopped);
            }
            let read = match chunk(file, part, hasher).await {
                Ok(read) => read,
                Err(error) => {
                    // What went wrong here says more than that the parts could not be taken back.
                    let _ = upload.abort().await;
                    return Err(error);
                }
            };
            let Some((rest, bytes, so_far)) = read else {
                let _ = upload.abort().await;
                return damaged(store, output).await;
            };
            (file, hasher) = (rest, so_far);
            if bytes.is_empty() {
                break;
            }
            let n = bytes.len() as u64;
            upload.put(bytes.into());
            if let Err(error) = upload.wait_for_capacity(PARTS_AT_ONCE).await {
                let _ = upload.abort().await;
                return Err(write(error));
            }
            progress(n);
        }
        if hasher.finalize() != hash(output) {
            upload.abort().await.map_err(write)?;
            return damaged(store, output).await;
        }
        upload.finish().await.map_err(write)?;
        Ok(Sent::Whole)
    }

    /// Puts bytes under a name, whole or not at all.
    pub(super) async fn send(&self, place: &Path, bytes: Vec<u8>) -> Result<(), RemoteError> {
        let result = self.files.put(place, PutPayload::from(bytes)).await;
        result.map(|_| ()).map_err(|error| RemoteError::request("write to", &self.address, &error))
    }
}

fn hash(output: &Output) -> blake3::Hash {
    // A digest of a record that was read is one; any other value equals no object's.
    blake3::Hash::from_hex(output.digest.as_str()).unwrap_or(blake3::Hash::from_bytes([0; 32]))
}

/// Work on the disk, beside the transfers.
pub(super) async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => panic!("bug: the runtime ended before its work"),
        },
    }
}

async fn open(store: &Store, output: &Output) -> Result<Option<File>, RemoteError> {
    let path = store.layout().object(&output.digest);
    aside(move || match File::open(&path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(CacheError::Io { doing: "read", path, source }.into()),
    })
    .await
}

type Chunk = Option<(File, Vec<u8>, blake3::Hasher)>;

/// The next bytes of a file, at most `n`; none at its end. `None` where the disk cannot give them.
async fn chunk(mut file: File, n: usize, mut hasher: blake3::Hasher) -> Result<Chunk, RemoteError> {
    aside(move || {
        let mut bytes = Vec::new();
        if (&mut file).take(n as u64).read_to_end(&mut bytes).is_err() {
            return Ok(None);
        }
        hasher.update(&bytes);
        Ok(Some((file, bytes, hasher)))
    })
    .await
}

/// Lets the cache look at an object that is not what it was, and put it aside.
async fn damaged(store: &Store, output: &Output) -> Result<Sent, RemoteError> {
    let (store, digest): (Store, Digest) = (store.clone(), output.digest.clone());
    match aside(move || store.object(&digest)).await {
        Ok(_) | Err(CacheError::Damaged { .. }) => Ok(Sent::Damaged),
        Err(error) => Err(error.into()),
    }
}
