//! One result from the remote, for a study that needs it now and can compute it otherwise.

use std::time::Duration;

use tokio::time::timeout;

use super::Damage;
use super::connect::Remote;
use super::error::RemoteError;
use super::once::Once;
use super::pull::{End, bad_record};
use super::receive::Record;
use super::stop::{Halt, Wish};
use crate::cache::{Entry, Store};
use crate::fingerprint::Digest;

/// What a remote had under a key.
#[derive(Debug)]
pub enum Found {
    /// A result, which is in the cache now.
    Result(Box<Entry>),
    /// None.
    Nothing,
    /// Something that is not what was sent; nothing of it was taken.
    Damaged(Damage),
}

impl Remote {
    /// Brings the result of `key` into the cache, if the remote has a whole one. The caller holds the key's lock. `coming`
    /// is told the bytes of a result that was found, before they come.
    ///
    /// # Errors
    /// Where the remote fails after its tries or takes too long, or the cache cannot be written.
    pub fn fetch(
        &self,
        store: &Store,
        key: &Digest,
        wish: Wish<'_>,
        coming: &dyn Fn(u64),
    ) -> Result<Found, RemoteError> {
        let halt = Halt::new(wish);
        self.drive(wish, Duration::ZERO, self.fetched(store, key, &halt, coming))
            .unwrap_or(Ok(Found::Nothing))
    }

    async fn fetched(
        &self,
        store: &Store,
        key: &Digest,
        halt: &Halt<'_>,
        coming: &dyn Fn(u64),
    ) -> Result<Found, RemoteError> {
        let (entry, bytes) = match self.within(0, self.record(key)).await? {
            Record::None => return Ok(Found::Nothing),
            Record::Damaged => return Ok(Found::Damaged(bad_record(key))),
            Record::Whole(entry, bytes) => (entry, bytes),
        };
        let new = entry.outputs.values().filter(|output| !store.has(output));
        let total: u64 = new.map(|output| output.bytes).sum();
        coming(total);
        let once = Once::new();
        let arrived = self.within(total, self.take(store, &entry, &bytes, &once, halt, &|_| {})).await?;
        Ok(match (arrived.end, arrived.damage) {
            // What was published here meanwhile stays.
            (End::Whole, _) => match store.lookup(key)? {
                Some(entry) => Found::Result(Box::new(entry)),
                None => Found::Nothing,
            },
            (End::Damaged, Some(damage)) => Found::Damaged(damage),
            (End::Damaged | End::Stopped, _) => Found::Nothing,
        })
    }

    /// Gives up where `bytes` bytes take longer than a study waits.
    async fn within<T>(
        &self,
        bytes: u64,
        work: impl Future<Output = Result<T, RemoteError>>,
    ) -> Result<T, RemoteError> {
        let Some(limit) = self.patience.with(bytes) else { return work.await };
        timeout(limit, work).await.unwrap_or_else(|_| {
            let (address, seconds) = (self.address.to_string(), limit.as_secs());
            Err(RemoteError::Slow { address, bytes, seconds })
        })
    }
}
