//! Which studies use a result, and when last: what a collection goes by.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::SystemTime;

use super::record::PlanRecord;
use crate::cache::{Listed, Store, Survey};
use crate::fingerprint::Digest;

/// The plans that were run with a cache.
#[derive(Clone, Debug, Default)]
pub struct Uses {
    /// Those used last first.
    records: Vec<PlanRecord>,
    last: HashMap<Digest, SystemTime>,
}

impl Uses {
    /// Of all studies that ran with `store`.
    pub fn of(store: &Store) -> Self {
        Self::new(PlanRecord::all(store))
    }

    fn new(records: Vec<PlanRecord>) -> Self {
        let mut last = HashMap::new();
        // The first one that names a key is its last use.
        for record in &records {
            for key in &record.keys {
                last.entry(key.clone()).or_insert(record.used);
            }
        }
        Uses { records, last }
    }

    /// When a result was used last, or made.
    pub fn last(&self, key: &Digest, listed: &Listed) -> SystemTime {
        self.last.get(key).copied().unwrap_or(listed.written).max(listed.written)
    }

    /// The studies that went by a result, by name.
    pub fn studies(&self, key: &Digest) -> BTreeSet<&str> {
        self.records.iter().filter(|r| r.keys.contains(key)).map(|r| r.experiment.as_str()).collect()
    }

    /// The keys of the last `n` plans of each study.
    pub fn last_plans(&self, n: usize) -> HashSet<Digest> {
        let mut seen: HashMap<&str, usize> = HashMap::new();
        let mut keep = HashSet::new();
        for record in &self.records {
            let count = seen.entry(&record.experiment).or_default();
            *count += 1;
            if *count <= n {
                keep.extend(record.keys.iter().cloned());
            }
        }
        keep
    }

    /// Of `keep` as many results as `limit` bytes hold: those used last, and among those of one time the ones that
    /// took the longest to make for their size.
    pub fn within(&self, survey: &Survey, keep: &HashSet<Digest>, limit: u64) -> HashSet<Digest> {
        let cost = |listed: &Listed| {
            let bytes: u64 = listed.entry.outputs.values().map(|output| output.bytes).sum();
            // Microseconds per byte, whole numbers so that it can be sorted by.
            (listed.entry.provenance.elapsed_s * 1e6 / bytes.max(1) as f64) as u64
        };
        let mut order: Vec<(&Digest, &Listed)> =
            survey.entries.iter().filter(|(key, _)| keep.contains(*key)).collect();
        order.sort_by_cached_key(|(key, listed)| Reverse((self.last(key, listed), cost(listed))));
        let (mut held, mut bytes, mut kept) = (HashSet::new(), 0, HashSet::new());
        for (key, listed) in order {
            let outputs = listed.entry.outputs.values();
            let new: Vec<_> = outputs.filter(|output| !held.contains(&output.digest)).collect();
            let more: u64 = new.iter().map(|output| output.bytes).sum();
            if bytes + more <= limit {
                bytes += more;
                held.extend(new.into_iter().map(|output| output.digest.clone()));
                kept.insert(key.clone());
            }
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::cache::Provenance;
    use crate::fingerprint::Builder;

    fn key(n: u8) -> Digest {
        Digest::of(&[n])
    }

    fn record(experiment: &str, used_s: u64, keys: &[Digest]) -> PlanRecord {
        let used = SystemTime::UNIX_EPOCH + Duration::from_secs(used_s);
        PlanRecord { experiment: experiment.into(), used, keys: keys.iter().cloned().collect() }
    }

    #[test]
    fn each_study_keeps_its_own_last_plans() {
        let uses = Uses::new(vec![
            record("a", 4, &[key(1), key(9)]),
            record("a", 3, &[key(2), key(9)]),
            record("b", 2, &[key(3)]),
            record("a", 1, &[key(4)]),
        ]);
        assert_eq!(uses.last_plans(1), HashSet::from([key(1), key(3), key(9)]));
        assert_eq!(uses.last_plans(2), HashSet::from([key(1), key(2), key(3), key(9)]));
        assert!(uses.last_plans(0).is_empty());
        assert_eq!(uses.studies(&key(9)), BTreeSet::from(["a"]));
    }

    #[test]
    fn a_limit_keeps_what_was_used_last_and_cost_most() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let publish = |seed: u8, bytes: usize, elapsed_s: f64| {
            let print = Builder::new("split", 1).setting("seed", &seed).finish();
            let attempt = store.attempt(&print).unwrap();
            std::fs::write(attempt.path("out"), vec![seed; bytes]).unwrap();
            attempt.publish(&["out"], Provenance { elapsed_s, ..Provenance::default() }).unwrap();
            print.key
        };
        let (old, cheap, dear) = (publish(1, 10, 90.0), publish(2, 10, 1.0), publish(3, 10, 50.0));
        let survey = Survey::of(&store).unwrap();
        let now = crate::clock::unix_ms().unsigned_abs() / 1000;
        let uses = Uses::new(vec![
            record("a", now + 200, &[cheap.clone(), dear.clone()]),
            record("a", now + 100, std::slice::from_ref(&old)),
        ]);
        let keep = HashSet::from([old, cheap.clone(), dear.clone()]);
        let within = |limit| uses.within(&survey, &keep, limit);
        assert_eq!(within(19), HashSet::from([dear.clone()]));
        assert_eq!(within(29), HashSet::from([dear, cheap]));
        assert_eq!(within(30), keep);
        assert!(within(9).is_empty());
    }
}
