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
        if options.repair && (has_gone || needs_damaged) {
            // Unless it is whole by now: a run may have been about to make it again.
            found.stuck += usize::from(!store.put_record_aside(key, true)?);
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    use std::sync::Mutex;

    use super::super::entry::Entry;
    use super::*;
    use crate::cache::Provenance;

    fn publish(store: &Store, stage: &str, bytes: &[u8]) -> Entry {
        let attempt = store.attempt(&Builder::new(stage, 1).finish()).unwrap();
        fs::write(attempt.path("out"), bytes).unwrap();
        attempt.publish(&["out"], Provenance::default()).unwrap()
    }

    fn overwrite(path: &Path, bytes: &[u8]) {
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// All of it is read; what was told of the progress is in order.
    fn verified(store: &Store) -> Verified {
        let told = Mutex::new(Vec::new());
        let options = VerifyOptions { share: 1.0, seed: 0, repair: false };
        let found = verify(store, options, &|done, total| told.lock().unwrap().push((done, total))).unwrap();
        let mut told = told.into_inner().unwrap();
        told.sort_unstable();
        let total = Survey::of(store).map_or(0, |survey| survey.bytes()).max(found.bytes);
        assert!(told.iter().all(|(done, all)| done <= all && *all >= total), "{told:?}");
        assert_eq!(told.last().map(|(done, all)| done == all), (found.objects > 0).then_some(true));
        found
    }

    #[test]
    fn what_is_whole_is_counted_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(verified(&store), Verified::default());
        publish(&store, "label", b"labels");
        publish(&store, "split", b"parts");
        publish(&store, "balance", b"parts");
        let sound = Verified { entries: 3, objects: 2, bytes: 11, ..Verified::default() };
        assert_eq!(verified(&store), sound);
        assert_eq!(verified(&store), sound);
    }

    #[test]
    fn damage_is_named_with_the_stages_that_need_it_and_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let [split, _, label] = [("split", b"parts"), ("balance", b"parts"), ("label", b"words")]
            .map(|(stage, bytes)| publish(&store, stage, bytes));
        let digest = split.digest("out");
        overwrite(&store.layout().object(digest), b"party");
        let damage = |what: &str, problem, stages: &[&str]| Damage {
            what: what.to_owned(),
            problem,
            stages: stages.iter().map(|stage| (*stage).to_owned()).collect(),
        };
        let found = verified(&store);
        assert_eq!((found.objects, found.bytes, found.stuck), (2, 10, 0));
        let changed = "its bytes are not those that were stored";
        assert_eq!(found.damage, [damage(digest.as_str(), changed, &["balance", "split"])]);
        assert_eq!(store.lookup(&split.key).unwrap(), None);

        // Now it is gone; and there is a record that is none.
        fs::write(store.layout().entry(&label.key), b"none").unwrap();
        let found = verified(&store);
        assert_eq!((found.entries, found.objects, found.bytes), (2, 1, 5));
        let name = label.key.as_str()[2..].to_owned() + ".json";
        let gone = "objects of this result are gone or cut";
        let mut expected = vec![damage(&name, "no record and no object", &[])];
        let mut keys = [("split", split.key.clone()), ("balance", Builder::new("balance", 1).finish().key)];
        keys.sort_by(|a, b| a.1.cmp(&b.1));
        expected.extend(keys.map(|(stage, key)| damage(key.as_str(), gone, &[stage])));
        assert_eq!(found.damage, expected);
        assert!(!store.layout().entry(&label.key).exists());
        assert!(store.layout().quarantine().join(name).is_file());
    }

    #[test]
    fn samples_are_as_large_as_was_asked_for_and_differ() {
        let digests: Vec<Digest> = (0..2_000u32).map(|i| Digest::of(&i.to_le_bytes())).collect();
        let sample = |share, seed| -> Vec<&Digest> {
            digests
                .iter()
                .filter(|digest| drawn(digest, VerifyOptions { share, seed, repair: false }))
                .collect()
        };
        assert_eq!((sample(1.0, 0).len(), sample(0.0, 0).len()), (2_000, 0));
        // Five standard deviations about what is expected.
        let near = |sample: &[&Digest], expected: usize| sample.len().abs_diff(expected) < 112;
        assert!(near(&sample(0.5, 1), 1_000) && near(&sample(0.1, 1), 200));
        assert_eq!(sample(0.5, 1), sample(0.5, 1));
        let both = sample(0.5, 1)
            .iter()
            .filter(|digest| drawn(digest, VerifyOptions { share: 0.5, seed: 2, repair: false }))
            .count();
        assert!(both.abs_diff(500) < 112, "{both} of two samples of half");
    }
}
