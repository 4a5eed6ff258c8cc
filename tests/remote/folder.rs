//! Results by a folder that two caches share: nothing is computed twice, damage is named.

use std::fs;

use super::lab::{Lab, RUN, STAGES, call, json, stderr, stdout};

#[test]
fn what_was_pushed_is_pulled_and_computed_by_nobody() {
    let lab = Lab::new();
    lab.fill("a");
    let output = call(&mut lab.command(&["cache", "push", "shared", "--cache", "a"]));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let said = stdout(&output);
    assert!(said.starts_with("pushed 6 results (") && said.ends_with("; 0 were there already\n"), "{said}");
    let again = json(&mut lab.command(&["cache", "push", "shared", "--cache", "a", "--format", "json"]));
    assert_eq!((&again["results"], &again["there"]), (&0.into(), &STAGES.into()));

    let shared = format!("file://{}", lab.path("shared").display());
    for (cache, words) in [("b", vec![]), ("c", vec!["tiny.toml"])] {
        let pull = [&["cache", "pull", &shared], &words[..], &["--cache", cache]].concat();
        let output = call(&mut lab.command(&pull));
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(stdout(&output).starts_with("pulled 6 results ("), "{}", stdout(&output));
        let report = json(lab.command(&RUN).args(["--cache", cache]));
        assert_eq!((&report["computed"], &report["fetched"]), (&0.into(), &0.into()));
        assert_eq!(lab.files(&format!("{cache}/objects")), lab.files("a/objects"));
        assert_eq!(lab.files(&format!("{cache}/entries")), lab.files("a/entries"));
        let verified = call(&mut lab.command(&["cache", "verify", "--cache", cache]));
        assert_eq!(verified.status.code(), Some(0));
        let again = json(lab.command(&pull).args(["--format", "json"]));
        assert_eq!((&again["results"], &again["there"]), (&0.into(), &STAGES.into()), "{cache}");
    }
}

#[test]
fn with_a_spec_only_its_results_go() {
    let lab = Lab::new();
    lab.fill("a");
    lab.write_spec("other", "[split]\nseed = 9\n");
    let other = ["run", "other.toml", "--until", "balance", "--cache", "a", "--format", "json"];
    // Split and balance; what comes before them is shared.
    assert_eq!(json(&mut lab.command(&other))["computed"], 2);
    let push = ["cache", "push", "shared", "tiny.toml", "--cache", "a", "--format", "json"];
    let dry = json(lab.command(&push).arg("--dry-run"));
    assert!(!lab.path("shared").exists());
    assert_eq!((&dry["results"], &dry["dry_run"]), (&STAGES.into(), &true.into()));
    let pushed = json(&mut lab.command(&push));
    assert_eq!((&pushed["results"], &pushed["bytes"]), (&dry["results"], &dry["bytes"]));
    let both = ["cache", "push", "shared", "tiny.toml", "other.toml", "--cache", "a", "--format", "json"];
    let pushed = json(&mut lab.command(&both));
    assert_eq!((&pushed["results"], &pushed["there"]), (&2.into(), &STAGES.into()));
    let pull = ["cache", "pull", "shared", "other.toml", "--cache", "b", "--format", "json"];
    assert_eq!(json(&mut lab.command(&pull))["results"], STAGES);
    assert_eq!(lab.files("b/entries").len() as u64, STAGES);
}

#[test]
fn a_run_fetches_what_it_lacks_and_computes_the_rest() {
    let lab = Lab::new();
    lab.fill("a");
    json(&mut lab.command(&["cache", "push", "shared", "--cache", "a", "--format", "json"]));
    let report = json(lab.command(&RUN).args(["--cache", "b", "--remote", "shared"]));
    assert_eq!((&report["computed"], &report["fetched"]), (&0.into(), &STAGES.into()));
    assert_eq!(lab.files("b/objects"), lab.files("a/objects"));
    let journals = lab.files("b/logs/tiny").into_iter().filter(|name| name.ends_with(".jsonl"));
    let journal = journals.max().unwrap();
    let journal = fs::read_to_string(lab.path("b/logs/tiny").join(journal)).unwrap();
    assert_eq!(journal.matches("\"cached\":true,\"fetched\":true").count() as u64, STAGES, "{journal}");
    assert!(!journal.contains("\"event\":\"started\""), "{journal}");

    // The variable does as the option; the remote knows nothing of this split.
    let words = ["run", "tiny.toml", "--until", "balance", "--set", "split.seed=9", "--cache", "c"];
    let output = call(lab.command(&words).env("ABLATRIX_REMOTE", "shared"));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains("scan: fetched in ") && stderr(&output).contains("split: done in "));
    assert_eq!(stdout(&output), "tiny: 4 of 6 stages fetched from the remote, 2 computed\n");
    let table = |cache| call(&mut lab.command(&["table", "tiny.toml", "labels", "--cache", cache])).stdout;
    assert!(!table("a").is_empty() && table("a") == table("c"));
}

#[test]
fn damage_in_the_remote_is_named_computed_anew_and_mended() {
    let lab = Lab::new();
    lab.fill("a");
    json(&mut lab.command(&["cache", "push", "shared", "--cache", "a", "--format", "json"]));
    let largest = |name: &String| fs::metadata(lab.path("shared/objects").join(name)).unwrap().len();
    let spoilt = lab.files("shared/objects").into_iter().max_by_key(largest).unwrap();
    let place = lab.path("shared/objects").join(&spoilt);
    let mut bytes = fs::read(&place).unwrap();
    bytes[7] ^= 1;
    fs::write(&place, bytes).unwrap();

    let run = ["run", "tiny.toml", "--until", "balance", "--cache", "b", "--remote", "shared"];
    let output = call(&mut lab.command(&run));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let said = stderr(&output);
    assert!(said.contains(&format!("`objects/{spoilt}` in the remote")), "{said}");
    assert!(said.contains("`pixels` is computed") && said.contains("pixels: done"), "{said}");
    assert!(stdout(&output).contains("5 of 6 stages fetched from the remote, 1 computed"));
    assert_eq!(lab.files("b/objects"), lab.files("a/objects"));

    let pull = ["cache", "pull", "shared", "--cache", "c"];
    let output = call(&mut lab.command(&pull));
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(
        said.contains(&format!("damaged in the remote: objects/{spoilt} (a result of `pixels`)")),
        "{said}"
    );
    assert!(!lab.path("c/objects").join(&spoilt).exists());

    let output = call(&mut lab.command(&["cache", "push", "shared", "--cache", "a", "--verify"]));
    assert_eq!(output.status.code(), Some(0));
    assert!(stderr(&output).contains(&format!("objects/{spoilt}")), "{}", stderr(&output));
    assert!(stdout(&output).contains("pushed 1 result (1 object, "), "{}", stdout(&output));
    assert_eq!(call(&mut lab.command(&pull)).status.code(), Some(0));
    assert_eq!(lab.files("c/objects"), lab.files("a/objects"));
}

#[test]
fn what_cannot_be_a_remote_is_said_before_anything_happens() {
    let lab = Lab::new();
    lab.fill("a");
    for (url, message) in [
        ("http://host/x", "AWS_ENDPOINT_URL"),
        ("s3://AKIA:s3cret-key-of-the-tests@results", "holds a user name or password"),
        ("s3://results?X-Amz-Signature=s3cret-key-of-the-tests", "which may hold a secret"),
        ("s3://", "names no bucket"),
        ("a", "`a` is the cache itself"),
    ] {
        let output = call(&mut lab.command(&["cache", "push", url, "--cache", "a"]));
        assert_eq!(output.status.code(), Some(2), "{url}");
        assert!(stderr(&output).contains(message), "{}", stderr(&output));
        if url != "a" {
            let output = call(lab.command(&RUN).args(["--cache", "b", "--remote", url]));
            assert_eq!(output.status.code(), Some(2), "{url}");
            assert!(!lab.path("b").exists());
        }
    }
    let output = call(&mut lab.command(&["cache", "pull", "nowhere", "--cache", "b"]));
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("there is no folder `nowhere`") && !lab.path("b").exists());
    // A study can do without.
    let output = call(lab.command(&RUN).args(["--cache", "b", "--remote", "nowhere"]));
    assert_eq!(output.status.code(), Some(0));
    assert!(stderr(&output).contains("there is no folder `nowhere`; the study goes on without the remote"));
}
