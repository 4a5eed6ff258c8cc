//! A thousand random damages of a cache, several at once, with the times of the files kept: `verify` finds all of it and
//! nothing else, `verify --repair` leaves nothing to find, and the plain rerun is right.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::dice::{Dice, tries};
use super::harness::{Lab, stderr};
use super::stored::{entries, files};
use super::truth::{DATA, Truth, is_clean, on_cache};

/// What becomes of a file at random.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rot {
    /// One bit of it, somewhere, is another one.
    Flip,
    /// It ends somewhere.
    Cut,
    /// It holds nothing.
    Empty,
    /// It holds what another file of its kind held.
    Swap,
    /// It is gone.
    Delete,
    /// A symbolic link to another file of its kind lies in its place.
    Link,
    /// It has other permissions.
    Mode,
}

impl Rot {
    /// All of them.
    pub const ALL: [Rot; 7] = [Rot::Flip, Rot::Cut, Rot::Empty, Rot::Swap, Rot::Delete, Rot::Link, Rot::Mode];

    /// Does it to `path`, with its time kept; `other` is another file of its kind. Whether its bytes are others now.
    pub fn come_over(self, path: &Path, other: &Path, dice: &mut Dice) -> bool {
        let before = fs::read(path).unwrap();
        let written = fs::metadata(path).unwrap().modified().unwrap();
        let mut bytes = before.clone();
        match self {
            Rot::Flip => {
                let at = dice.below(bytes.len());
                bytes[at] ^= 1 << dice.below(8);
            }
            Rot::Cut => bytes.truncate(dice.below(before.len())),
            Rot::Empty => bytes.clear(),
            Rot::Swap => bytes = fs::read(other).unwrap(),
            Rot::Delete | Rot::Link => {
                fs::remove_file(path).unwrap();
                if self == Rot::Link {
                    symlink(other, path).unwrap();
                }
                return true;
            }
            Rot::Mode => {
                let mode = *dice.pick(&[0o000, 0o200, 0o666, 0o777]);
                fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
                return false;
            }
        }
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
        fs::write(path, &bytes).unwrap();
        File::open(path).unwrap().set_modified(written).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o444)).unwrap();
        bytes != before
    }
}

/// The digest or key that a file of `objects/` or `entries/` is named after.
fn named_after(path: &Path) -> String {
    let shard = path.parent().unwrap().file_name().unwrap().to_string_lossy();
    let name = path.file_name().unwrap().to_string_lossy();
    format!("{shard}{}", name.trim_end_matches(".json"))
}

/// What `verify` must name, and what it may.
#[derive(Default)]
struct Expected {
    must: BTreeSet<String>,
    may: BTreeSet<String>,
}

/// Damages up to five files of the cache.
fn spoil(cache: &Path, dice: &mut Dice, left: usize) -> (Vec<(PathBuf, Rot)>, Expected) {
    let of = |kind: &str| files(&cache.join(kind));
    let kinds = [of("objects"), of("entries"), of("index"), of("studies")];
    let mut struck: Vec<(PathBuf, Rot)> = Vec::new();
    let mut changed = BTreeSet::new();
    for _ in 0..left.min(1 + dice.below(5)) {
        // Most of it among what is read as a result.
        let kind = &kinds[*dice.pick(&[0, 0, 0, 0, 1, 1, 1, 2, 3])];
        let path = dice.pick(kind).clone();
        let other = kind.iter().find(|other| **other != path).unwrap_or(&kinds[0][0]);
        let is_struck = |path: &PathBuf| struck.iter().any(|(before, _)| before == path);
        if is_struck(&path) || is_struck(other) {
            continue;
        }
        let rot = *dice.pick(&Rot::ALL);
        if rot.come_over(&path, other, dice) {
            changed.insert(path.clone());
        }
        struck.push((path, rot));
    }
    let mut expected = Expected::default();
    for (path, rot) in struck.iter().filter(|(path, _)| changed.contains(path)) {
        let name = named_after(path);
        match path.strip_prefix(cache).unwrap().iter().next().unwrap().to_str().unwrap() {
            "objects" | "entries" if *rot != Rot::Delete => drop(expected.must.insert(name)),
            _ => {}
        }
    }
    // A result whose object is gone, or of another size, is named by its key.
    for (path, entry) in
        entries(&cache.join("entries")).into_iter().filter(|(path, _)| !changed.contains(path))
    {
        for output in entry["outputs"].as_object().unwrap().values() {
            let digest = output["digest"].as_str().unwrap();
            let object = cache.join("objects").join(&digest[..2]).join(&digest[2..]);
            let is_there = fs::symlink_metadata(&object).is_ok_and(|meta| meta.is_file());
            if changed.contains(&object) {
                let set = if is_there { &mut expected.may } else { &mut expected.must };
                set.insert(named_after(&path));
            }
        }
    }
    (struck, expected)
}

/// The names after `damaged: `.
fn told(output: &Output) -> BTreeSet<String> {
    let said = stderr(output);
    let names = said.lines().filter_map(|line| line.strip_prefix("damaged: "));
    let name = |rest: &str| rest.split([' ', ':']).next().unwrap().trim_end_matches(".json").to_owned();
    names.map(name).collect()
}

/// That all which is damaged is named, and nothing else.
#[track_caller]
fn finds_it(output: &Output, expected: &Expected, at: &str) {
    let told = told(output);
    // What has neither digest nor key any more is told by the name of its file, without its shard.
    let same = |told: &String, name: &String| told == name || name.get(2..) == Some(told.as_str());
    for name in &expected.must {
        assert!(told.iter().any(|told| same(told, name)), "{at}: {name} is not among {told:?}");
    }
    let known = |told: &String| expected.must.iter().chain(&expected.may).any(|name| same(told, name));
    assert!(told.iter().all(known), "{at}: false alarms among {told:?}");
    assert_eq!(output.status.code(), Some(i32::from(!told.is_empty())), "{at}: {}", stderr(output));
}

#[test]
fn a_thousand_random_damages() {
    let lab = Lab::without_worker();
    let truth = Truth::of(&lab, &DATA);
    let whole = lab.path("undisturbed");
    let mut dice = Dice::thrown("rot");
    let (mut damages, mut found, mut rounds) = (0, 0, 0);
    while damages < tries(1_000) {
        // Times kept, as a backup does.
        assert!(Command::new("cp").arg("-a").arg(&whole).arg(lab.path("cache")).status().unwrap().success());
        let (struck, expected) = spoil(&lab.path("cache"), &mut dice, tries(1_000) - damages);
        let at = format!("{struck:?}");
        damages += struck.len();
        found += expected.must.len();
        rounds += 1;
        if rounds % 2 == 0 {
            finds_it(&on_cache(&lab, "cache", &["verify"]), &expected, &at);
        } else {
            // The program meets it unwarned.
            println!("{at}");
            truth.is_reached_in(&lab, "cache");
        }
        let repaired = on_cache(&lab, "cache", &["verify", "--repair"]);
        assert_eq!(repaired.status.code(), Some(0), "{at}: {}", stderr(&repaired));
        is_clean(&lab, "cache");
        truth.is_reached_in(&lab, "cache");
        is_clean(&lab, "cache");
        fs::remove_dir_all(lab.path("cache")).unwrap();
    }
    println!("{damages} damages in {rounds} rounds; {found} that verify has to find");
}

/// `ablatrix` in the lab as a user whom permissions bind.
fn as_nobody(lab: &Lab, args: &[&str]) -> Output {
    let mut command = lab.bare();
    command.args(args).arg("--cache").arg(lab.path("cache"));
    if rustix::process::geteuid().is_root() {
        let all = lab.path("");
        assert!(Command::new("chown").args(["-R", "65534:65534"]).arg(all).status().unwrap().success());
        command.uid(65_534).gid(65_534).env("HOME", lab.path(""));
    }
    command.output().unwrap()
}

#[test]
fn what_may_not_be_read_is_put_aside_and_made_again() {
    let lab = Lab::without_worker();
    let truth = Truth::of(&lab, &DATA);
    let run = ["run", "tiny.toml", "--until", "balance"];
    let mut command = lab.bare();
    if rustix::process::geteuid().is_root() {
        command.uid(65_534).gid(65_534);
    }
    if command.arg("--version").output().is_err() {
        return println!("left out: another user cannot start the program here");
    }
    let mut dice = Dice::thrown("permissions");
    for kind in ["objects", "entries"] {
        let output = as_nobody(&lab, &run);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let all = files(&lab.path("cache").join(kind));
        let close = |path: &PathBuf| fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap();
        close(dice.pick(&all));
        let output = as_nobody(&lab, &["cache", "verify"]);
        assert_eq!((output.status.code(), told(&output).len()), (Some(1), 1), "{}", stderr(&output));
        // All of them, so that the run meets those that it reads.
        files(&lab.path("cache").join(kind)).iter().for_each(close);
        for _ in 0..2 {
            let output = as_nobody(&lab, &run);
            assert_eq!(output.status.code(), Some(0), "{kind}: {}", stderr(&output));
        }
        let output = as_nobody(&lab, &["cache", "verify", "--repair"]);
        assert_eq!(output.status.code(), Some(0), "{kind}: {}", stderr(&output));
        truth.is_reached_in(&lab, "cache");
        is_clean(&lab, "cache");
        fs::remove_dir_all(lab.path("cache")).unwrap();
    }
}
