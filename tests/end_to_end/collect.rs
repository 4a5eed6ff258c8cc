//! `cache ls | verify | gc`: what is in use stays, what is not goes, damage is named and mended.

use std::fs;
use std::process::Output;

use serde_json::Value;

use super::harness::{Lab, SPEC, stderr, stdout};
use super::stored::{files, flip_byte};

fn cache(lab: &Lab, args: &[&str]) -> Output {
    let mut command = lab.bare();
    command.arg("cache").args(args).arg("--cache").arg(lab.path("cache")).output().unwrap()
}

fn json(lab: &Lab, args: &[&str]) -> Value {
    let output = cache(lab, &[args, &["--format", "json"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_collection_keeps_what_is_in_use() {
    let Some(lab) = Lab::new() else { return };
    lab.run("cache");
    let changed = SPEC.replace("\"horizontal_flip\", p = 0.5", "\"horizontal_flip\", p = 0.9");
    lab.write_spec(&changed);
    let computed = lab.run("cache")["computed"].clone();

    let at_once = ["gc", "--grace", "0s"];
    // Two plans are remembered, and the default keeps three of each study.
    assert_eq!(json(&lab, &at_once)["entries"], 0);
    let last = [&at_once[..], &["--keep-last", "1"]].concat();
    let dry = json(&lab, &[&last[..], &["--dry-run"]].concat());
    assert_eq!(dry["entries"], computed);
    let collected = json(&lab, &last);
    assert_eq!((&collected["entries"], &collected["bytes"]), (&dry["entries"], &dry["bytes"]));
    assert_eq!(lab.run("cache")["computed"], 0);
    let folder = lab.path("cache/work/attempts");
    assert_eq!(fs::read_dir(folder).unwrap().count(), 0);

    // The first spec's own results are gone; those that both share are not.
    lab.write_spec(SPEC);
    assert!(lab.plan("cache").iter().any(|line| line["state"] == "to run"));
    assert!(lab.plan("cache").iter().any(|line| line["state"] == "cached"));
    // A spec keeps what it can use as it stands: nothing of the flip runs of the other one.
    let spec = lab.path("tiny.toml");
    let kept = json(&lab, &[&at_once[..], &[spec.to_str().unwrap()]].concat());
    assert!(kept["entries"].as_u64() >= Some(1) && kept["kept_entries"].as_u64() >= Some(10), "{kept}");
    let cached = lab.plan("cache").iter().filter(|line| line["state"] == "cached").count();
    assert_eq!(kept["kept_entries"], cached);

    let limited = json(&lab, &[&at_once[..], &["--max-size", "20KB"]].concat());
    assert!(limited["kept_bytes"].as_u64() <= Some(20_000), "{limited}");
    let rows = json(&lab, &["ls"]);
    assert_eq!(rows["results"], limited["kept_entries"]);
    assert_eq!(rows["bytes"], limited["kept_bytes"]);
}

#[test]
fn a_look_at_the_data_makes_no_trainings_go() {
    let Some(lab) = Lab::new() else { return };
    lab.run("cache");
    for seed in 1..5 {
        let seed = format!("split.seed={seed}");
        assert_eq!(lab.call("cache", "check", &["--set", &seed]).status.code(), Some(0));
    }
    let collected = json(&lab, &["gc", "--grace", "0s", "--keep-last", "1"]);
    assert!(collected["entries"].as_u64() >= Some(4), "{collected}");
    assert_eq!(lab.run("cache")["computed"], 0);
}

#[test]
fn a_folder_with_other_things_is_no_cache() {
    let Some(lab) = Lab::new() else { return };
    for (verb, args) in [("plan", &[][..]), ("run", &[]), ("why", &[]), ("check", &[])] {
        let output = lab.call("images", verb, args);
        assert_eq!(output.status.code(), Some(1), "{verb}");
        assert!(stderr(&output).contains("is no cache of Ablatrix"), "{verb}: {}", stderr(&output));
    }
    assert!(!lab.path("images/CACHEDIR.TAG").exists());
    // A look makes no cache, and one can be begun after it.
    for verb in ["plan", "why", "status"] {
        let output = lab.call("cache", verb, &[]);
        assert_eq!(output.status.code(), Some(0), "{verb}: {}", stderr(&output));
    }
    assert!(!lab.path("cache").exists());
    assert_eq!(lab.call("cache", "check", &[]).status.code(), Some(0));
}

#[test]
fn damage_is_named_and_the_next_run_mends_it() {
    let Some(lab) = Lab::new() else { return };
    lab.run("cache");
    let tables = lab.tables("cache");
    let whole = cache(&lab, &["verify"]);
    assert_eq!(whole.status.code(), Some(0), "{}", stderr(&whole));
    let objects = files(&lab.path("cache/objects"));
    // The first is a training's, since those are the largest.
    let largest = objects.iter().max_by_key(|path| fs::metadata(path).unwrap().len()).unwrap();
    flip_byte(largest);
    let entry = files(&lab.path("cache/entries")).pop().unwrap();
    fs::write(&entry, b"no record").unwrap();

    let found = cache(&lab, &["verify"]);
    let said = stderr(&found);
    assert_eq!(found.status.code(), Some(1), "{said}");
    let named = |path: &std::path::Path| path.file_name().unwrap().to_string_lossy().into_owned();
    assert!(said.contains(&named(largest)) && said.contains("`train`"), "{said}");
    assert!(said.contains(&named(&entry)) && said.contains("2 damaged"), "{said}");
    assert!(stdout(&found).contains(&format!("{} objects read", objects.len())), "{}", stdout(&found));

    assert!(lab.run("cache")["computed"].as_u64() >= Some(1));
    assert_eq!(lab.tables("cache"), tables);
    assert_eq!(cache(&lab, &["verify"]).status.code(), Some(0));
}

#[test]
fn a_cache_that_is_not_there_is_named_and_not_made() {
    let Some(lab) = Lab::new() else { return };
    for verb in ["ls", "verify", "gc"] {
        let output = cache(&lab, &[verb]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains("there is no cache"), "{}", stderr(&output));
    }
    assert!(!lab.path("cache").exists());
}
