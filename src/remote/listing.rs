//! What lies in a remote, by names and sizes; and the names.

use std::collections::HashMap;

use futures_util::TryStreamExt;
use object_store::path::Path;

use super::connect::Remote;
use super::error::{RemoteError, broke_off};
use crate::cache::{Entry, Output};
use crate::fingerprint::Digest;

/// The name of an object.
pub(super) fn object(digest: &Digest) -> Path {
    sharded("objects", digest, "")
}

/// The name of a record.
pub(super) fn entry(key: &Digest) -> Path {
    sharded("entries", key, ".json")
}

fn sharded(folder: &str, digest: &Digest, ending: &str) -> Path {
    let (first, rest) = digest.as_str().split_at(2);
    Path::from(format!("{folder}/{first}/{rest}{ending}"))
}

/// What a remote held when it was listed.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Sizes of objects.
    pub objects: HashMap<Digest, u64>,
    /// Sizes of records.
    pub entries: HashMap<Digest, u64>,
}

impl Listing {
    /// Lists all of the remote.
    pub async fn of(remote: &Remote) -> Result<Self, RemoteError> {
        // Records first: an object that comes meanwhile is one more, not one too few.
        let entries = Self::entries(remote).await?;
        Ok(Listing { entries, objects: list(remote, "objects", "").await? })
    }

    /// Lists the records only.
    pub async fn entries(remote: &Remote) -> Result<HashMap<Digest, u64>, RemoteError> {
        list(remote, "entries", ".json").await
    }

    /// Whether an object is there, in its size.
    pub fn has(&self, output: &Output) -> bool {
        self.objects.get(&output.digest) == Some(&output.bytes)
    }

    /// Whether all objects of a record are there.
    pub fn is_whole(&self, entry: &Entry) -> bool {
        entry.outputs.values().all(|output| self.has(output))
    }
}

/// A page whose connection breaks while it comes is begun anew: the library does so for objects, not for listings.
async fn list(remote: &Remote, folder: &str, ending: &str) -> Result<HashMap<Digest, u64>, RemoteError> {
    let mut tries = 0;
    loop {
        match list_once(remote, folder, ending).await {
            Err(error) if broke_off(&error) && tries < remote.patience.retries => {
                tries += 1;
                tokio::time::sleep(remote.patience.wait(tries)).await;
            }
            result => return result.map_err(|error| RemoteError::request("list", &remote.address, &error)),
        }
    }
}

/// Names that are no digest's are passed over: they are none of ours.
async fn list_once(
    remote: &Remote,
    folder: &str,
    ending: &str,
) -> Result<HashMap<Digest, u64>, object_store::Error> {
    let mut files = remote.files.list(Some(&Path::from(folder)));
    let mut found = HashMap::new();
    while let Some(file) = files.try_next().await? {
        let mut parts = file.location.parts().skip(1);
        let (Some(first), Some(rest), None) = (parts.next(), parts.next(), parts.next()) else { continue };
        let name = format!("{}{}", first.as_ref(), rest.as_ref());
        let digest = name.strip_suffix(ending).and_then(Digest::parse);
        if let Some(digest) = digest.filter(|_| first.as_ref().len() == 2) {
            found.insert(digest, file.size);
        }
    }
    Ok(found)
}
