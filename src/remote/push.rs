//! The cache's results to the remote: what is not there yet, objects first, each record after all of its objects.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use futures_util::StreamExt;
use futures_util::stream::iter;
use serde::Serialize;

use super::Damage;
use super::connect::Remote;
use super::error::RemoteError;
use super::listing::{self, Listing};
use super::once::Once;
use super::receive::{Got, Record};
use super::send::Sent;
use super::stop::{GRACE, Halt, Wish};
use crate::cache::{Entry, Output, Store, Survey};
use crate::fingerprint::Digest;

/// What is sent, and how.
#[derive(Clone, Copy, Debug)]
pub struct PushOptions<'a> {
    /// Only the results of these keys; `None`: all.
    pub keys: Option<&'a HashSet<Digest>>,
    /// Results under way at once.
    pub parallel: usize,
    /// Read what is there already, and send anew what is not what it should be.
    pub verify: bool,
    /// Only say what would be sent.
    pub dry_run: bool,
}

/// What a push did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pushed {
    /// Results that were sent.
    pub results: usize,
    /// Their objects that were not there yet.
    pub objects: usize,
    /// Bytes of these.
    pub bytes: u64,
    /// Results that were there already.
    pub there: usize,
    /// Results that could not be sent, since they are damaged in the cache.
    pub left_out: usize,
    /// What is not as it was stored in the cache.
    pub damaged_here: Vec<Damage>,
    /// What was found not to be as it was sent, in the remote.
    pub damaged_there: Vec<Damage>,
    /// Bytes that were read to find that.
    pub bytes_read: u64,
    /// It was ended before all was done.
    pub interrupted: bool,
}

/// Sends what `options` say. `progress` gets the bytes that went, and those that go in all; with `verify` first those
/// that were read.
///
/// # Errors
/// Where the remote fails, after its tries, or the cache cannot be read. What was sent until then is there, and the
/// next call goes on.
pub fn push(
    remote: &Remote,
    store: &Store,
    options: PushOptions<'_>,
    progress: &(dyn Fn(u64, u64) + Sync),
    wish: Wish<'_>,
) -> Result<Pushed, RemoteError> {
    if remote.address().is_folder(store.layout().root()) {
        return Err(RemoteError::Itself { path: store.layout().root().to_owned() });
    }
    let survey = Survey::of(store)?;
    let work = Push { remote, store, options, progress, halt: Halt::new(wish), pushed: Mutex::default() };
    let ended = remote.drive(wish, GRACE, work.all(&survey));
    let Push { halt, pushed, .. } = work;
    let interrupted = ended.is_none() || halt.was_obeyed();
    halt.into_result()?;
    let mut pushed = pushed.into_inner().unwrap_or_else(PoisonError::into_inner);
    pushed.interrupted = interrupted;
    Ok(pushed)
}

struct Push<'a> {
    remote: &'a Remote,
    store: &'a Store,
    options: PushOptions<'a>,
    progress: &'a (dyn Fn(u64, u64) + Sync),
    halt: Halt<'a>,
    pushed: Mutex<Pushed>,
}

impl Push<'_> {
    async fn all(&self, survey: &Survey) {
        let Some(mut listing) = self.halt.check(Listing::of(self.remote).await) else { return };
        let chosen = self.options.keys;
        let wanted = |key: &Digest| chosen.is_none_or(|keys| keys.contains(key));
        let results: Vec<&Entry> =
            survey.entries.iter().filter(|(key, _)| wanted(key)).map(|(_, listed)| &listed.entry).collect();
        let (mut results, cut): (Vec<_>, Vec<_>) =
            results.into_iter().partition(|entry| survey.missing(entry).is_empty());
        for entry in cut {
            self.leave_out(entry, &entry.key, "objects of this result are gone or cut");
        }
        // Those made first, others were made of: whoever pulls meanwhile gets what fits together.
        results.sort_by_key(|entry| entry.provenance.finished_unix_s);
        let records = self.records(&results, &listing).await;
        if self.options.verify {
            self.verify(&results, &records, &mut listing).await;
        }
        if self.halt.is_set() {
            return;
        }
        let is_there = |entry: &&Entry| match records.get(&entry.key) {
            // Of another machine it may have other bytes under the same key, which is as good.
            Some(record) => record.as_ref().is_some_and(|record| listing.is_whole(record)),
            None => listing.entries.contains_key(&entry.key),
        };
        let (there, to_send): (Vec<_>, Vec<_>) = results.into_iter().partition(is_there);
        self.note(|pushed| pushed.there = there.len());
        self.send_all(&to_send, &listing).await;
    }

    /// The records in the remote that must be looked into: all of them to verify; else of results some of whose objects
    /// are not there. `None` for one that is damaged.
    async fn records(&self, results: &[&Entry], listing: &Listing) -> HashMap<Digest, Option<Entry>> {
        let records = Mutex::new(HashMap::new());
        let looked_into = results.iter().filter(|entry| {
            let known = listing.entries.contains_key(&entry.key);
            known && (self.options.verify || !listing.is_whole(entry))
        });
        let look = |entry: &&Entry| {
            let (key, stage) = (entry.key.clone(), entry.stage.clone());
            let records = &records;
            async move {
                if self.halt.is_set() {
                    return;
                }
                let Some(record) = self.halt.check(self.remote.record(&key).await) else { return };
                let found = match record {
                    Record::Whole(entry, _) => Some(*entry),
                    Record::None => None,
                    Record::Damaged => {
                        let what = listing::entry(&key).to_string();
                        let problem = "it is no whole record";
                        self.note(|p| p.damaged_there.push(Damage { what, problem, stage: Some(stage) }));
                        None
                    }
                };
                records.lock().unwrap_or_else(PoisonError::into_inner).insert(key, found);
            }
        };
        iter(looked_into.map(look)).for_each_concurrent(self.options.parallel, |done| done).await;
        records.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the objects of `records`, and those of results whose records are not there: a push that was cut off left them, and
    /// the records that are about to be sent name them. What is damaged counts as not there.
    async fn verify(
        &self,
        results: &[&Entry],
        records: &HashMap<Digest, Option<Entry>>,
        listing: &mut Listing,
    ) {
        let mut objects: HashMap<&Digest, (&Output, &str)> = HashMap::new();
        let unrecorded = results.iter().filter(|entry| !matches!(records.get(&entry.key), Some(Some(_))));
        for (entry, output) in unrecorded.flat_map(|entry| entry.outputs.values().map(move |o| (entry, o))) {
            if listing.has(output) {
                objects.insert(&output.digest, (output, &entry.stage));
            }
        }
        for entry in records.values().flatten() {
            for output in entry.outputs.values() {
                if listing.has(output) {
                    objects.insert(&output.digest, (output, &entry.stage));
                } else {
                    let problem = if listing.objects.contains_key(&output.digest) {
                        "it has another size than was sent"
                    } else {
                        "it is missing"
                    };
                    let what = listing::object(&output.digest).to_string();
                    let stage = Some(entry.stage.clone());
                    self.note(|p| p.damaged_there.push(Damage { what, problem, stage }));
                }
            }
        }
        let total = objects.values().map(|(output, _)| output.bytes).sum();
        let read = AtomicU64::new(0);
        let more = |n: u64| (self.progress)(read.fetch_add(n, Ordering::Relaxed) + n, total);
        let bad = Mutex::new(Vec::new());
        let look = |(output, stage): (&Output, &str)| {
            let (output, stage, bad, more) = (output.clone(), stage.to_owned(), &bad, &more);
            async move {
                if self.halt.is_set() {
                    return;
                }
                let Some(got) = self.halt.check(self.remote.look(&output, more).await) else { return };
                if got != Got::Whole {
                    let what = listing::object(&output.digest).to_string();
                    let problem = "its bytes are not those that were sent";
                    self.note(|p| p.damaged_there.push(Damage { what, problem, stage: Some(stage) }));
                    bad.lock().unwrap_or_else(PoisonError::into_inner).push(output.digest);
                }
            }
        };
        iter(objects.into_values().map(look)).for_each_concurrent(self.options.parallel, |done| done).await;
        for digest in bad.into_inner().unwrap_or_else(PoisonError::into_inner) {
            listing.objects.remove(&digest);
        }
        self.note(|pushed| pushed.bytes_read = read.into_inner());
    }

    async fn send_all(&self, results: &[&Entry], listing: &Listing) {
        let outputs = results.iter().flat_map(|entry| entry.outputs.values());
        let new: HashMap<&Digest, u64> = outputs
            .filter(|output| !listing.has(output))
            .map(|output| (&output.digest, output.bytes))
            .collect();
        let total: u64 = new.values().sum();
        if self.options.dry_run {
            self.note(|pushed| {
                (pushed.results, pushed.objects, pushed.bytes) = (results.len(), new.len(), total);
            });
            return;
        }
        let gone = AtomicU64::new(0);
        let more = |n: u64| (self.progress)(gone.fetch_add(n, Ordering::Relaxed) + n, total);
        let once = Once::new();
        let send = |entry: &&Entry| {
            let (entry, once, more) = ((*entry).clone(), &once, &more);
            async move { self.send_result(&entry, listing, once, more).await }
        };
        iter(results.iter().map(send)).for_each_concurrent(self.options.parallel, |done| done).await;
    }

    async fn send_result(
        &self,
        entry: &Entry,
        listing: &Listing,
        once: &Once<Sent>,
        progress: &(dyn Fn(u64) + Sync),
    ) {
        for output in entry.outputs.values().filter(|output| !listing.has(output)) {
            if self.halt.is_set() {
                return;
            }
            let send = async {
                let sent = self.remote.send_object(self.store, output, &self.halt, progress).await;
                let sent = self.halt.check(sent).unwrap_or(Sent::Stopped);
                if sent == Sent::Whole {
                    self.note(|pushed| {
                        (pushed.objects, pushed.bytes) = (pushed.objects + 1, pushed.bytes + output.bytes)
                    });
                }
                sent
            };
            match once.of(&output.digest, send).await {
                Sent::Whole => {}
                Sent::Damaged => {
                    return self.leave_out(entry, &output.digest, "its bytes are not those that were stored");
                }
                Sent::Stopped => return,
            }
        }
        if self.halt.is_set() {
            return;
        }
        let key = &entry.key;
        let Some(record) = self.halt.check(self.store.record(key).map_err(RemoteError::from)) else { return };
        let Some(record) = record else {
            return self.leave_out(entry, key, "its record is gone or damaged");
        };
        if self.halt.check(self.remote.send(&listing::entry(key), record).await).is_some() {
            self.note(|pushed| pushed.results += 1);
        }
    }

    fn leave_out(&self, entry: &Entry, what: &Digest, problem: &'static str) {
        let damage = Damage { what: what.to_string(), problem, stage: Some(entry.stage.clone()) };
        self.note(|pushed| {
            pushed.left_out += 1;
            pushed.damaged_here.push(damage);
        });
    }

    fn note(&self, change: impl FnOnce(&mut Pushed)) {
        change(&mut self.pushed.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
