//! A cache that cannot be written: what is there serves; what is not says so before anything is computed.

use std::process::{Command, Output};

use super::harness::{Lab, stderr, stdout};
use super::ruin::Ruin;
use super::stored::files;
use super::truth::{DATA, Truth, results};

/// `ablatrix` with the cache mounted read-only over itself, in a namespace of its own: root is held to that too.
fn read_only(lab: &Lab, args: &[&str]) -> Output {
    let script = r#"mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@""#;
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c", script]).arg(lab.path("cache"));
    command.arg(env!("CARGO_BIN_EXE_ablatrix")).args(args).arg("--cache").arg(lab.path("cache"));
    let bare = lab.bare();
    command.current_dir(bare.get_current_dir().unwrap());
    command.output().unwrap()
}

/// Whether this system allows that.
fn allowed() -> bool {
    let test = "mount -t tmpfs none /mnt || mount -t tmpfs none /tmp";
    let allowed = Command::new("unshare").args(["-rm", "sh", "-c", test]).output();
    let allowed = allowed.is_ok_and(|output| output.status.success());
    if !allowed {
        println!("left out: no mounts in a user namespace here (`unshare -rm`)");
    }
    allowed
}

#[test]
fn a_filled_cache_serves_and_an_empty_one_is_named() {
    if !allowed() {
        return;
    }
    let lab = Lab::without_worker();
    let filled = lab.call("cache", "run", &DATA);
    assert_eq!(filled.status.code(), Some(0), "{}", stderr(&filled));
    let before = results(&lab.path("cache"));
    for args in [
        &["plan", "tiny.toml"][..],
        &["status", "tiny.toml"],
        &["why", "tiny.toml"],
        &["run", "tiny.toml", "--until", "balance"],
        &["check", "tiny.toml"],
        &["cache", "ls"],
        &["cache", "verify"],
        &["cache", "gc", "--dry-run"],
    ] {
        let output = read_only(&lab, args);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", stderr(&output));
        if args[0] == "run" {
            assert!(stdout(&output).contains("nothing to do"), "{}", stdout(&output));
        }
    }
    // What is not there would have to be written.
    for args in [&["run", "tiny.toml", "--until", "balance", "--set", "split.seed=9"][..], &["cache", "gc"]] {
        let output = read_only(&lab, args);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
        assert!(said.contains("Read-only file system") && said.contains("help: name a cache"), "{said}");
        assert!(said.contains(lab.path("cache").to_str().unwrap()), "{said}");
    }
    assert_eq!(results(&lab.path("cache")), before);
}

#[test]
fn damage_in_it_is_named_and_not_used() {
    if !allowed() {
        return;
    }
    let lab = Lab::without_worker();
    assert_eq!(lab.call("cache", "run", &DATA).status.code(), Some(0));
    let truth = Truth::of(&lab, &DATA);
    let objects = files(&lab.path("cache/objects"));
    let largest = objects.iter().max_by_key(|path| path.metadata().unwrap().len()).unwrap();
    Ruin::Flip.come_over(largest, largest);
    let found = read_only(&lab, &["cache", "verify"]);
    let said = stderr(&found);
    let name = largest.file_name().unwrap().to_str().unwrap();
    assert_eq!(found.status.code(), Some(1), "{said}");
    assert!(said.contains("damaged: ") && said.contains(name) && said.contains("`pixels`"), "{said}");
    let entries = files(&lab.path("cache/entries"));
    Ruin::Flip.come_over(&entries[0], &entries[0]);
    for verb in ["plan", "status", "why"] {
        let output = read_only(&lab, &[verb, "tiny.toml"]);
        assert_eq!(output.status.code(), Some(0), "{verb}: {}", stderr(&output));
    }
    let output = read_only(&lab, &["run", "tiny.toml", "--until", "balance"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    truth.is_reached_in(&lab, "cache");
}
