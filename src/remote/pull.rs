//! The remote's results into the cache: what is not here yet, each checked before it becomes visible.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::iter;
use serde::Serialize;

use super::Damage;
use super::connect::Remote;
use super::error::RemoteError;
use super::listing::{self, Listing};
use super::once::Once;
use super::receive::{Got, Record};
use super::stop::{Halt, Wish};
use crate::cache::{CacheError, Entry, Locked, Store};
use crate::fingerprint::{Digest, Fingerprint};

/// What is brought, and how.
#[derive(Clone, Copy, Debug)]
pub struct PullOptions<'a> {
    /// Only the results of these keys; `None`: all.
    pub keys: Option<&'a HashSet<Digest>>,
    /// Results under way at once.
    pub parallel: usize,
    /// Only say what would be brought.
    pub dry_run: bool,
}

/// What a pull did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pulled {
    /// Results that came.
    pub results: usize,
    /// Their objects that were not here yet.
    pub objects: usize,
    /// Bytes of these.
    pub bytes: u64,
    /// Results that were here already.
    pub there: usize,
    /// Results that another process is making just now.
    pub busy: usize,
    /// Results that could not be taken, since they are damaged in the remote.
    pub left_out: usize,
    /// What is not as it was sent.
    pub damaged_there: Vec<Damage>,
    /// It was ended before all was done.
    pub interrupted: bool,
}

impl Pulled {
    /// Both together.
    pub fn add(&mut self, more: Pulled) {
        self.results += more.results;
        self.objects += more.objects;
        self.bytes += more.bytes;
        self.there += more.there;
        self.busy += more.busy;
        self.left_out += more.left_out;
        self.damaged_there.extend(more.damaged_there);
        self.interrupted |= more.interrupted;
    }
}

/// Brings what `options` say. `progress` gets the bytes that came, and those that come in all.
///
/// # Errors
/// Where the remote fails, after its tries, or the cache cannot be written. What came until then is here, and the next
/// call goes on.
pub fn pull(
    remote: &Remote,
    store: &Store,
    options: PullOptions<'_>,
    progress: &(dyn Fn(u64, u64) + Sync),
    wish: Wish<'_>,
) -> Result<Pulled, RemoteError> {
    if remote.address().is_folder(store.layout().root()) {
        return Err(RemoteError::Itself { path: store.layout().root().to_owned() });
    }
    let work = Pull { remote, store, options, halt: Halt::new(wish), pulled: Mutex::default() };
    let ended = remote.drive(wish, Duration::ZERO, work.all(progress));
    let Pull { halt, pulled, .. } = work;
    let interrupted = ended.is_none() || halt.was_obeyed();
    halt.into_result()?;
    let mut pulled = pulled.into_inner().unwrap_or_else(PoisonError::into_inner);
    pulled.interrupted = interrupted;
    Ok(pulled)
}

struct Pull<'a> {
    remote: &'a Remote,
    store: &'a Store,
    options: PullOptions<'a>,
    halt: Halt<'a>,
    pulled: Mutex<Pulled>,
}

impl Pull<'_> {
    async fn all(&self, progress: &(dyn Fn(u64, u64) + Sync)) {
        let mut keys: Vec<Digest> = match self.options.keys {
            Some(keys) => keys.iter().cloned().collect(),
            None => {
                let Some(listed) = self.halt.check(Listing::entries(self.remote).await) else { return };
                listed.into_keys().collect()
            }
        };
        keys.sort_unstable();
        let records = Mutex::new(Vec::new());
        let ask = |key: Digest| {
            let records = &records;
            async move {
                if let Some(record) = self.record(&key).await {
                    records.lock().unwrap_or_else(PoisonError::into_inner).push(record);
                }
            }
        };
        iter(keys.into_iter().map(ask)).for_each_concurrent(self.options.parallel, |done| done).await;
        let mut records = records.into_inner().unwrap_or_else(PoisonError::into_inner);
        records.sort_by_key(|(entry, _)| (entry.provenance.finished_unix_s, entry.key.clone()));
        let outputs = records.iter().flat_map(|(entry, _)| entry.outputs.values());
        let new: HashSet<_> = outputs.filter(|o| !self.store.has(o)).map(|o| (&o.digest, o.bytes)).collect();
        let (objects, total) = (new.len(), new.iter().map(|(_, bytes)| bytes).sum());
        if self.options.dry_run {
            let results = records.len();
            self.note(|pulled| (pulled.results, pulled.objects, pulled.bytes) = (results, objects, total));
            return;
        }
        let come = AtomicU64::new(0);
        let more = |n: u64| progress(come.fetch_add(n, Ordering::Relaxed) + n, total);
        let once = Once::new();
        let take = |(entry, bytes): (Entry, Vec<u8>)| {
            let (once, more) = (&once, &more);
            async move { self.take(&entry, &bytes, once, more).await }
        };
        iter(records.into_iter().map(take)).for_each_concurrent(self.options.parallel, |done| done).await;
    }

    /// The record of a result that is not here.
    async fn record(&self, key: &Digest) -> Option<(Entry, Vec<u8>)> {
        if self.halt.is_set() {
            return None;
        }
        if self.halt.check(self.store.lookup(key).map_err(RemoteError::from))?.is_some() {
            self.note(|pulled| pulled.there += 1);
            return None;
        }
        match self.halt.check(self.remote.record(key).await)? {
            Record::Whole(entry, bytes) => Some((*entry, bytes)),
            Record::None => None,
            Record::Damaged => {
                self.note(|pulled| {
                    pulled.left_out += 1;
                    pulled.damaged_there.push(bad_record(key));
                });
                None
            }
        }
    }

    async fn take(&self, entry: &Entry, bytes: &[u8], once: &Once<Got>, progress: &(dyn Fn(u64) + Sync)) {
        if self.halt.is_set() {
            return;
        }
        let key = &entry.key;
        // A collection takes an attempt whose lock is free for one of a killed process.
        let Some(lock) = self.halt.check(self.store.try_lock(key).map_err(RemoteError::from)) else { return };
        let Locked::Mine(_lock) = lock else {
            self.note(|pulled| pulled.busy += 1);
            return;
        };
        let arrived = self.remote.take(self.store, entry, bytes, once, &self.halt, progress).await;
        let Some(arrived) = self.halt.check(arrived) else { return };
        self.note(|pulled| {
            pulled.objects += arrived.objects;
            pulled.bytes += arrived.bytes;
            match arrived.end {
                End::Whole => pulled.results += 1,
                End::Damaged => pulled.left_out += 1,
                End::Stopped => {}
            }
            pulled.damaged_there.extend(arrived.damage);
        });
    }

    fn note(&self, change: impl FnOnce(&mut Pulled)) {
        change(&mut self.pulled.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

pub(super) fn bad_record(key: &Digest) -> Damage {
    Damage { what: listing::entry(key).to_string(), problem: "it is no whole record", stage: None }
}

/// What came of a result.
#[derive(Debug)]
pub(super) struct Arrived {
    /// Objects that came.
    pub objects: usize,
    /// Their bytes.
    pub bytes: u64,
    /// What is wrong in the remote.
    pub damage: Option<Damage>,
    /// How it ended.
    pub end: End,
}

/// How the transfer of a result ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It is in the cache.
    Whole,
    /// Something of it is damaged, or missing, in the remote.
    Damaged,
    /// The end was asked for.
    Stopped,
}

impl Remote {
    /// Brings a result into the cache; the caller holds the lock of its key.
    pub(super) async fn take(
        &self,
        store: &Store,
        entry: &Entry,
        bytes: &[u8],
        once: &Once<Got>,
        halt: &Halt<'_>,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Arrived, RemoteError> {
        let mut arrived = Arrived { objects: 0, bytes: 0, damage: None, end: End::Stopped };
        // For its folder only: the record comes whole from the remote.
        let (stage, key) = (entry.stage.clone(), entry.key.clone());
        let attempt = store.attempt(&Fingerprint { stage, key, fields: Vec::new() })?;
        for output in entry.outputs.values() {
            if halt.is_set() {
                return Ok(arrived);
            }
            if store.has(output) {
                continue;
            }
            let mut failure: Option<RemoteError> = None;
            let mut first = false;
            let receive = async {
                first = true;
                let place = attempt.path(output.digest.as_str());
                self.receive(store, output, place, progress).await.unwrap_or_else(|error| {
                    failure = Some(error);
                    Got::Missing
                })
            };
            let got = once.of(&output.digest, receive).await;
            if let Some(error) = failure {
                return Err(error);
            }
            let problem = match got {
                Got::Whole => {
                    if first {
                        (arrived.objects, arrived.bytes) =
                            (arrived.objects + 1, arrived.bytes + output.bytes);
                    }
                    continue;
                }
                Got::Missing => "it is missing",
                Got::Damaged => "its bytes are not those that were sent",
            };
            let what = listing::object(&output.digest).to_string();
            let stage = Some(entry.stage.clone());
            arrived.damage = first.then_some(Damage { what, problem, stage });
            arrived.end = End::Damaged;
            return Ok(arrived);
        }
        let whole = store.adopt_record(entry, bytes).map_err(|error: CacheError| RemoteError::from(error))?;
        // `false`: a collection took an object in this moment; the next call brings it again.
        arrived.end = if whole { End::Whole } else { End::Stopped };
        Ok(arrived)
    }
}
