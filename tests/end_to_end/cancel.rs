//! `cancel`, where two studies share runs: it ends its own, and leaves to the other what that is at.

use std::fs::{self, File};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::harness::{Lab, SPEC, stderr, stdout};

/// Two studies of one run each that train the same, for longer than a test takes.
fn furnish(lab: &Lab) {
    let i = SPEC.find("[augment.ops]").unwrap();
    let one = SPEC[..i].replace("epochs = 2", "epochs = 4000").replace("seeds = 2", "seeds = 1");
    lab.write_spec(&one);
    fs::write(lab.path("other.toml"), one.replace("name = \"tiny\"", "name = \"other\"")).unwrap();
}

fn call(lab: &Lab, verb: &str, study: &str, args: &[&str]) -> Command {
    let mut command = lab.bare();
    command.arg(verb).arg(format!("{study}.toml")).args(args).arg("--cache").arg(lab.path("cache"));
    command
}

/// A run that is ended with the test, also where that fails.
struct Run(Child);

impl Run {
    fn start(lab: &Lab, study: &str) -> Self {
        let said = File::create(lab.path(&format!("{study}.said"))).unwrap();
        let mut command = call(lab, "run", study, &["--verbose", "--reports", "reports"]);
        Run(command.stdout(Stdio::null()).stderr(said).spawn().unwrap())
    }

    fn is_alive(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }

    fn name(&self) -> String {
        format!("process {} on ", self.0.id())
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if self.is_alive() {
            // Not by SIGKILL: then its workers end with it, and not after it.
            let _ = kill_process(Pid::from_child(&self.0), Signal::TERM);
            let _ = self.0.wait();
        }
    }
}

fn wait_for(what: &str, mut look: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !look() {
        assert!(begun.elapsed() < Duration::from_secs(120), "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The news of a study's runs, those of its last call last.
fn news(lab: &Lab, study: &str) -> Vec<Value> {
    let entries = fs::read_dir(lab.path("cache/logs").join(study)).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "jsonl"));
    paths.sort();
    let lines = paths.iter().map(|path| fs::read_to_string(path).unwrap());
    lines
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .filter_map(|line| serde_json::from_str(&line).ok())
        .collect()
}

fn has_told(lab: &Lab, study: &str, event: &str) -> bool {
    news(lab, study).iter().any(|news| news["event"] == event)
}

#[test]
fn a_shared_run_is_left_to_the_study_that_is_at_it() {
    let Some(lab) = Lab::new() else { return };
    furnish(&lab);
    let mut other = Run::start(&lab, "other");
    wait_for("an epoch", || has_told(&lab, "other", "epoch"));

    // Nobody runs this one; what it needs is under way all the same.
    let output = call(&lab, "cancel", "tiny", &[]).output().unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let left = format!("note: {}", other.name());
    assert!(
        said.contains(&left) && said.contains("is at `train ") && said.contains("for study `other`"),
        "{said}"
    );
    assert_eq!(stdout(&output), "tiny: nothing is under way that is this study's alone\n");
    assert!(other.is_alive());

    // Somebody does, and waits: that process is ended, and the one that it waits for is not.
    let mut tiny = Run::start(&lab, "tiny");
    wait_for("a run that waits", || has_told(&lab, "tiny", "waiting"));
    let output = call(&lab, "cancel", "tiny", &["--format", "json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let stopped = told["stopped"].as_array().unwrap();
    assert!(stopped.len() == 1 && stopped[0].as_str().unwrap().starts_with(&tiny.name()), "{told}");
    let goes_on = told["goes_on"].as_array().unwrap();
    assert!(goes_on.len() == 1 && goes_on[0]["by"].as_str().unwrap().starts_with(&other.name()), "{told}");
    assert_eq!(
        (&goes_on[0]["studies"][0], told["handed_over"].as_array().unwrap().len()),
        (&Value::from("other"), 0)
    );
    assert_eq!(tiny.0.wait().unwrap().code(), Some(143));
    assert!(other.is_alive());

    // The one that computes is cancelled: the one that waits goes on where it was.
    let mut tiny = Run::start(&lab, "tiny");
    wait_for("a run that waits again", || {
        news(&lab, "tiny").iter().filter(|news| news["event"] == "waiting").count() > 1
    });
    let output = call(&lab, "cancel", "other", &[]).output().unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("study `tiny` waits for it: it goes on there from its checkpoint"), "{said}");
    assert!(stdout(&output).contains(&format!("other: stopped {}", other.name())), "{}", stdout(&output));
    assert_eq!(other.0.wait().unwrap().code(), Some(143));
    let resumed = || {
        news(&lab, "tiny")
            .iter()
            .find_map(|news| news["resumed_epochs"].as_u64().filter(|_| news["event"] == "training_from"))
    };
    wait_for("a training", || resumed().is_some());
    assert!(resumed() > Some(0) && tiny.is_alive());
}
