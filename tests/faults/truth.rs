//! What an undisturbed run leaves, and whether a cache that was disturbed comes to the same.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use super::harness::{Lab, stderr, stdout};
use super::stored::{entries, files};

/// How far the quick studies go: all that trains nothing.
pub const DATA: [&str; 2] = ["--until", "balance"];

/// Key to stage and digests of its outputs.
pub type Results = BTreeMap<String, (String, Value)>;

/// What an undisturbed run left.
pub struct Truth {
    /// The arguments of that run.
    pub args: Vec<&'static str>,
    /// What it left.
    pub results: Results,
    /// How many results that are.
    pub stages: usize,
}

impl Truth {
    /// Runs the study of `lab` undisturbed, in a cache of its own.
    pub fn of(lab: &Lab, args: &[&'static str]) -> Self {
        let args = args.to_vec();
        let output = lab.call("undisturbed", "run", &args);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let results = results(&lab.path("undisturbed"));
        assert!(results.len() >= 6, "{results:?}");
        Truth { args, stages: results.len(), results: comparable(results) }
    }

    /// Runs the study in `cache` to its end: what is there is not made again, and all is as it would be without what
    /// happened before. Gives what was said.
    #[track_caller]
    pub fn is_reached_in(&self, lab: &Lab, cache: &str) -> String {
        let there = results(&lab.path(cache)).len();
        let args = [&self.args[..], &["--format", "json"]].concat();
        let output = lab.call(cache, "run", &args);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(0), "{said}");
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        let computed = told["computed"].as_u64().unwrap() as usize;
        assert_eq!(comparable(results(&lab.path(cache))), self.results, "{said}");
        assert!(computed >= self.stages.saturating_sub(there), "{computed} of {there}");
        said
    }

    /// Whether all results of the study lie in `cache`, as they are to be; others may lie beside them.
    pub fn is_held_by(&self, cache: &Path) -> bool {
        let there = comparable(results(cache));
        self.results.iter().all(|(key, result)| there.get(key) == Some(result))
    }

    /// Likewise after a kill or a refused write: nothing that is recorded is made again, nothing is damaged, and a
    /// collection leaves nothing behind but results.
    #[track_caller]
    pub fn is_reached_without_loss(&self, lab: &Lab, cache: &str) {
        let there = results(&lab.path(cache)).len();
        let output = lab.call(cache, "run", &[&self.args[..], &["--format", "json"]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        let journals = newest_journal(&lab.path(cache));
        assert_eq!(told["computed"], self.stages - there, "what is recorded is not made again: {journals}");
        assert_eq!(comparable(results(&lab.path(cache))), self.results);
        is_clean(lab, cache);
        let collected = on_cache(lab, cache, &["gc", "--grace", "0s", "tiny.toml"]);
        assert_eq!(collected.status.code(), Some(0), "{}", stderr(&collected));
        assert_eq!(litter(&lab.path(cache)), Vec::<PathBuf>::new());
        assert_eq!(comparable(results(&lab.path(cache))), self.results);
    }
}

/// The results but for the seconds that trainings took: these stand in their histories and on the page.
fn comparable(mut results: Results) -> Results {
    results.retain(|_, (stage, _)| stage != "report");
    for (stage, outputs) in results.values_mut() {
        if stage == "train" {
            outputs.as_object_mut().unwrap().retain(|name, _| name.ends_with(".safetensors"));
            assert!(!outputs.as_object().unwrap().is_empty());
        }
    }
    results
}

/// `ablatrix cache ARGS` on a cache of the lab.
pub fn on_cache(lab: &Lab, cache: &str, args: &[&str]) -> Output {
    let mut command: Command = lab.bare();
    command.arg("cache").args(args).arg("--cache").arg(lab.path(cache)).output().unwrap()
}

/// `cache verify` finds nothing.
#[track_caller]
pub fn is_clean(lab: &Lab, cache: &str) {
    let output = on_cache(lab, cache, &["verify"]);
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
}

/// All results in a cache, without how they came about.
pub fn results(cache: &Path) -> Results {
    let folder = cache.join("entries");
    if !folder.is_dir() {
        return Results::new();
    }
    let all = entries(&folder).into_iter().map(|(_, entry)| {
        let stage = entry["fingerprint"]["stage"].as_str().unwrap().to_owned();
        (entry["fingerprint"]["key"].as_str().unwrap().to_owned(), (stage, entry["outputs"].clone()))
    });
    all.collect()
}

/// What processes leave behind that were killed.
pub fn litter(cache: &Path) -> Vec<PathBuf> {
    if !cache.is_dir() {
        return Vec::new();
    }
    let inside = |name: &str| {
        let folder = std::fs::read_dir(cache.join(name)).into_iter().flatten();
        folder.map(|entry| entry.unwrap().path()).collect::<Vec<_>>()
    };
    let half = files(cache).into_iter().filter(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with(".new-") || name.ends_with(".new")
    });
    ["work/attempts", "work/checkpoints", "locks", "leases"]
        .iter()
        .flat_map(|name| inside(name))
        .chain(half)
        .collect()
}

fn newest_journal(cache: &Path) -> String {
    let mut journals = files(&cache.join("logs"));
    journals.retain(|path| path.to_string_lossy().contains("events-"));
    journals.sort();
    std::fs::read_to_string(journals.pop().unwrap()).unwrap()
}
