//! Seeds that are added until a study is decided: rounds of `run`, and what other verbs make of them.

use std::fs;

use serde_json::Value;

use super::harness::{Lab, SPEC, stderr, stdout};

/// The harness' spec with adaptive seeds and a region of practical equivalence.
fn adaptive(equivalence: f64) -> String {
    let seeds = "seeds = { min = 3, max = 5, until = \"decided\" }";
    format!("{}\n[report]\nequivalence = {equivalence}\n", SPEC.replace("seeds = 2", seeds))
}

/// The number of runs of each variant that have metrics, by name.
fn runs(lab: &Lab) -> Vec<(String, usize)> {
    let output = lab.call("cache", "table", &["metrics", "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let mut seeds: std::collections::BTreeMap<String, std::collections::BTreeSet<u64>> = Default::default();
    for line in stdout(&output).lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let variant = row["variant"].as_str().unwrap().to_owned();
        seeds.entry(variant).or_default().insert(row["seed"].as_u64().unwrap());
    }
    seeds.into_iter().map(|(variant, seeds)| (variant, seeds.len())).collect()
}

fn state(lab: &Lab) -> Vec<String> {
    lab.plan("cache").iter().map(|line| line["state"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_is_decided_gets_no_more_seeds_and_what_is_not_gets_the_most() {
    let Some(lab) = Lab::new() else { return };
    // Whatever the difference, it is of no practical importance: all is decided at the first look.
    lab.write_spec(&adaptive(1.0));
    assert_eq!(lab.plan("cache").iter().filter(|line| line["stage"] == "train").count(), 9);
    lab.run("cache");
    assert_eq!(runs(&lab), [("colour".into(), 3), ("flip".into(), 3), ("none".into(), 3)]);

    // No difference is too small: what the same results leave open gets more seeds, and nothing that is there is trained anew.
    lab.write_spec(&adaptive(0.0));
    let ended = lab.run("cache");
    let found = runs(&lab);
    let trained: usize = found.iter().map(|(_, n)| n - 3).sum();
    assert_eq!(ended["failed"].as_array().unwrap().len(), 0);
    let most = found.iter().map(|(_, n)| *n).max().unwrap();
    let baseline = found.iter().find(|(variant, _)| variant == "none").unwrap().1;
    assert_eq!(baseline, most, "the baseline has the seeds of every variant: {found:?}");
    assert_eq!(most, 5, "{found:?}");
    // Three stages a run, and a report before and after.
    assert!(ended["computed"].as_u64().unwrap() as usize <= 3 * trained + 2, "{ended} {found:?}");
    let page = fs::read_to_string(ended["report"].as_str().unwrap()).unwrap();
    assert!(page.contains("looked at after 3, 5 seeds"), "the page says how often it was looked at");

    // Every verb sees the same runs, and nothing is left to do.
    assert!(state(&lab).iter().all(|state| state == "cached"), "{:?}", state(&lab));
    assert_eq!(lab.run("cache")["computed"], 0);
    let status = stdout(&lab.call("cache", "status", &[]));
    assert!(status.contains(&format!("none/seed={most}")), "{status}");
}

#[test]
fn check_says_between_how_many_seeds_a_study_chooses() {
    let lab = Lab::without_worker();
    lab.write_spec(&adaptive(0.0));
    let text = stdout(&lab.call("cache", "check", &[]));
    assert!(text.contains("3 variants x 3 to 5 seeds"), "{text}");
}
