//! Reads what is stored and compares it with its digests.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use rayon::prelude::*;

use super::error::CacheError;
use super::store::{Store, digest_file};
use super::survey::Survey;
use crate::fingerprint::{Builder, Digest};

/// What a verification found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Records in the cache.
    pub entries: usize,
    /// Objects that were read.
    pub objects: usize,
    /// Their bytes.
    pub bytes: u64,
    /// What is not as it should be; now in quarantine, or gone.
    pub damage: Vec<Damage>,
    /// How much of it could not be put into quarantine, since the cache cannot be written.
    pub stuck: usize,
}

/// How a verification goes about it.
#[derive(Clone, Copy, Debug)]
pub struct VerifyOptions {
    /// The share of all objects that is read, above 0 and up to 1.
    pub share: f64,
    /// Another sample for another one.
    pub seed: u64,
    /// Put records aside too whose objects are gone, so that the next look finds nothing.
    pub repair: bool,
}

/// Something that is not as it was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The object, the record, or the file's name where it has neither digest nor key.
    pub what: String,
    /// In words.
    pub problem: &'static str,
    /// The stages whose results need it: `run` makes them again.
    pub stages: Vec<String>,
}

/// Reads a share of all objects, and all records. What is damaged is put into quarantine, so that its stages count as not
/// done. `progress` gets the bytes that were read and those that are to be read in all.
///
/// # Errors
/// Where the disk fails; damage is no error.
pub fn verify(
    store: &Store,
    options: VerifyOptions,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Verified, CacheError> {
    let survey = Survey::of(store)?;
    let mut found = Verified { entries: survey.entries.len(), ..Verified::default() };
    for path in &survey.strangers {
        let name = super::survey::file_name(path);
        found.stuck += usize::from(!store.quarantine(path, &name)?);
        found.damage.push(Damage { what: name, problem: "no record and no object", stages: vec![] });
    }
    let sample: Vec<&Digest> = survey.objects.keys().filter(|digest| drawn(digest, options)).collect();
    found.objects = sample.len();
    let total: u64 = sample.iter().map(|digest| survey.objects[*digest].bytes).sum();
    let done = AtomicU64::new(0);
    let stuck = AtomicUsize::new(0);
    let read: Vec<(u64, Option<(&Digest, &str)>)> = sample
        .into_par_iter()
        .map(|digest| {
            let place = store.layout().object(digest);
            let bytes = survey.objects[digest].bytes;
            let actual = digest_file(&place);
            progress(done.fetch_add(bytes, Ordering::Relaxed) + bytes, total);
            match actual {
                Ok(actual) if actual == *digest => Ok((bytes, None)),
                Err(error) if !error.is_gone() && !error.is_refusal() => Err(error),
                // Collected meanwhile by somebody else.
                Err(error) if error.is_gone() => Ok((0, None)),
                other => {
                    let problem = match other {
                        Ok(_) => "its bytes are not those that were stored",
                        Err(_) => "it may not be read",
                    };
                    let moved = store.quarantine(&place, digest.as_str())?;
                    stuck.fetch_add(usize::from(!moved), Ordering::Relaxed);
                    Ok((bytes, Some((digest, problem))))
                }
            }
        })
        .collect::<Result<_, CacheError>>()?;
    found.stuck += stuck.into_inner();
    found.bytes = read.iter().map(|(bytes, _)| bytes).sum();
    let damaged: BTreeMap<&Digest, &str> = read.into_iter().filter_map(|(_, damaged)| damaged).collect();
    for (&digest, &problem) in &damaged {
        let stages = needing(&survey, digest);
        found.damage.push(Damage { what: digest.as_str().to_owned(), problem, stages });
    }
    for (key, listed) in &survey.entries {
        let has_gone = !survey.missing(&listed.entry).is_empty();
        let needs_damaged = listed.entry.outputs.values().any(|output| damaged.contains_key(&output.digest));
        // Unless it is whole by now: a run may have been about to make it again.
        if options.repair && (has_gone || needs_damaged) && store.lookup(key)?.is_none() {
            found.stuck +=
                usize::from(!store.quarantine(&store.layout().entry(key), &format!("{key}.json"))?);
        }
        if has_gone {
            let stages = vec![listed.entry.stage.clone()];
            found.damage.push(Damage {
                what: key.as_str().to_owned(),
                problem: "objects of this result are gone or cut",
                stages,
            });
        }
    }
    Ok(found)
}

/// Whether an object is in the sample: by a digest of its own, so that samples of different seeds differ.
fn drawn(digest: &Digest, VerifyOptions { share, seed, .. }: VerifyOptions) -> bool {
    let lot = Builder::new("sample", 0).setting("seed", &seed).input("object", digest).finish().key;
    let number = u64::from_str_radix(&lot.as_str()[..13], 16).unwrap_or(0);
    (number as f64) < share * (1u64 << 52) as f64
}

fn needing(survey: &Survey, digest: &Digest) -> Vec<String> {
    let has = |entry: &super::Entry| entry.outputs.values().any(|output| output.digest == *digest);
    let mut stages: Vec<String> = (survey.entries.values())
        .filter(|listed| has(&listed.entry))
        .map(|listed| listed.entry.stage.clone())
        .collect();
    stages.sort_unstable();
    stages.dedup();
    stages
}
