//! Each file operation of a run on its cache, in turn: the program dies there, or the disk refuses it there.
//!
//! `shim.c`, loaded by `LD_PRELOAD`, stands between the program and the system. So it is the very binary that users run
//! that is tested; there is nothing in it that could be set off by accident.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::dice::{Dice, full};
use super::harness::{Lab, stderr};
use super::truth::{DATA, Truth, litter};

/// The steps by which a result becomes visible, in their order.
const PUBLISH: [&str; 21] = [
    "create:locks",
    "lock:locks",
    "mkdir:attempts",
    "create:attempts",
    "write:attempts",
    "open:attempts",
    "sync:attempts",
    "chmod:attempts",
    "mkdir:objects",
    "rename:objects",
    "sync_folder:objects",
    "mkdir:entries",
    "create:entries",
    "write:entries",
    "sync:entries",
    "link:entries",
    "unlink:entries",
    "sync_folder:entries",
    "unlink:checkpoints",
    "unlink:attempts",
    "unlink:locks",
];

/// At most so many times of one operation are tried.
const TIMES: usize = 5;

/// What stands between the program and the system.
pub struct Shim {
    library: PathBuf,
}

impl Shim {
    /// Compiles the shim; `None`, and a line that says so, where there is no C compiler.
    pub fn built(lab: &Lab) -> Option<Self> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/shim.c");
        let library = lab.path("shim.so");
        let mut cc = Command::new("cc");
        cc.args(["-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o"]).arg(&library).arg(source).arg("-ldl");
        match cc.output() {
            Ok(output) => {
                assert!(output.status.success(), "{}", stderr(&output));
                Some(Shim { library })
            }
            Err(error) => {
                println!("skipped: `cc` cannot be started: {error}");
                None
            }
        }
    }

    fn run(&self, lab: &Lab, variables: &[(&str, &str)]) -> Output {
        let mut command = lab.command("cache", "run", &DATA);
        self.stand_before(&mut command, &lab.path("cache"), variables);
        command.output().unwrap()
    }

    /// Puts it before the program, with what it is to do to files below `root`.
    pub fn stand_before(&self, command: &mut Command, root: &Path, variables: &[(&str, &str)]) {
        command.env("LD_PRELOAD", &self.library).env("FAULT_ROOT", root);
        command.envs(variables.iter().copied());
    }

    /// All operations of an undisturbed run: name, file, and for a rename or a link what the file was called before.
    pub fn record(&self, lab: &Lab) -> Vec<[String; 3]> {
        let log = lab.path("operations");
        let _ = fs::remove_file(&log);
        let output = self.run(lab, &[("FAULT_LOG", log.to_str().unwrap())]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        fs::remove_dir_all(lab.path("cache")).unwrap();
        let text = fs::read_to_string(log).unwrap();
        let fields = |line: &str| line.split('\t').map(str::to_owned).collect::<Vec<_>>().try_into().unwrap();
        text.lines().map(fields).collect()
    }
}

#[test]
fn at_each_operation_a_run_may_die_or_be_refused() {
    let lab = Lab::without_worker();
    let Some(shim) = Shim::built(&lab) else { return };
    let truth = Truth::of(&lab, &DATA);
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for [name, ..] in shim.record(&lab) {
        *times.entry(name).or_default() += 1;
    }
    for step in PUBLISH {
        assert!(times.contains_key(step), "no `{step}` in {times:?}");
    }
    let mut dice = Dice::thrown("failpoints");
    let mut tried = 0;
    for (name, &n) in &times {
        // Reads are refused too: of records, of objects, of what is to be hashed.
        let (ends, refusals): (&[&str], &[&str]) = match name.split(':').next() {
            Some("write") => (&["kill", "torn"], &["EIO", "ENOSPC"]),
            Some("lock") => (&["kill"], &["ENOLCK"]),
            _ => (&["kill"], &["EIO", "ENOSPC"]),
        };
        let actions = [ends, refusals].concat();
        let chosen: Vec<(usize, &str)> = if full() {
            let step = n.div_ceil(TIMES);
            (1..=n).step_by(step).flat_map(|nth| actions.iter().map(move |action| (nth, *action))).collect()
        } else if PUBLISH.contains(&name.as_str()) {
            let (refusal, end) = (dice.pick(refusals), dice.pick(ends));
            vec![(1 + dice.below(n), *end), (1 + dice.below(n), *refusal)]
        } else {
            vec![]
        };
        for (nth, action) in chosen {
            strike(&lab, &shim, &truth, name, nth, action);
            tried += 1;
        }
    }
    println!("{} kinds of operations, {tried} faults", times.len());
}

/// What was decoded before is not decoded again, nor written.
#[test]
fn a_pixel_store_goes_on_where_it_was_cut_off() {
    const WRITE: &str = "write:checkpoints";
    let lab = Lab::without_worker();
    let Some(shim) = Shim::built(&lab) else { return };
    let rows = |operations: &[[String; 3]]| {
        let is_row = |[name, path, _]: &&[String; 3]| name == WRITE && path.ends_with("/pixels.u8");
        operations.iter().filter(is_row).count()
    };
    let undisturbed = shim.record(&lab);
    let writes = undisturbed.iter().filter(|[name, ..]| name == WRITE).count();

    let half = (writes / 2).to_string();
    let output = shim.run(&lab, &[("FAULT_POINT", WRITE), ("FAULT_NTH", &half), ("FAULT_DO", "kill")]);
    assert_eq!(output.status.code(), None, "{}", stderr(&output));
    let folders = fs::read_dir(lab.path("cache/work/checkpoints")).unwrap();
    let lists = folders.map(|folder| folder.unwrap().path().join("pixels.done"));
    let text: String = lists.filter_map(|list| fs::read_to_string(list).ok()).collect();
    let done = text.lines().filter(|line| line.contains(r#""row":"#)).count();
    assert!(done > 0, "{text}");
    assert_eq!(rows(&shim.record(&lab)), rows(&undisturbed) - done);
}

/// One fault, and what the next run makes of it.
fn strike(lab: &Lab, shim: &Shim, truth: &Truth, name: &str, nth: usize, action: &str) {
    let at = format!("{name} {nth} {action}");
    println!("{at}");
    let output =
        shim.run(lab, &[("FAULT_POINT", name), ("FAULT_NTH", &nth.to_string()), ("FAULT_DO", action)]);
    let said = stderr(&output);
    match action {
        // Threads may do a thing in another order, and fewer times: then nothing struck.
        "kill" | "torn" => assert!(matches!(output.status.code(), None | Some(0)), "{at}: {said}"),
        _ => {
            assert!(matches!(output.status.code(), Some(0 | 1)), "{at}: {said}");
            assert!(!said.contains("panicked") && !said.contains("fault of ablatrix"), "{at}: {said}");
            if output.status.code() == Some(1) {
                let cause = match action {
                    "EIO" => "Input/output error",
                    "ENOLCK" => "No locks available",
                    _ => "No space left on device",
                };
                assert!(said.contains(cause), "{at}: {said}");
                let root = lab.path("cache");
                assert!(said.contains(root.to_str().unwrap()), "{at}: names the file: {said}");
                if action == "ENOSPC" {
                    assert!(
                        said.contains("are free on that disk") && said.contains("make room"),
                        "{at}: {said}"
                    );
                }
                // The program lives, and cleans up what it began. What it may not remove stays for `gc`.
                let left = litter(&root);
                assert!(name.starts_with("unlink") || left.is_empty(), "{at}: {left:?}");
            }
        }
    }
    truth.is_reached_without_loss(lab, "cache");
    fs::remove_dir_all(lab.path("cache")).unwrap();
}

#[test]
fn what_is_renamed_into_place_is_on_the_disk_by_then() {
    let lab = Lab::without_worker();
    let Some(shim) = Shim::built(&lab) else { return };
    let operations = shim.record(&lab);
    let (mut renames, mut links) = (0, 0);
    for (i, [name, to, from]) in operations.iter().enumerate() {
        let is_named = name.starts_with("rename:") || name.starts_with("link:");
        // What is brought into an attempt is no result yet, and is synced with it.
        if !is_named || ["rename:quarantine", "link:attempts"].contains(&name.as_str()) {
            continue;
        }
        renames += 1;
        links += usize::from(name == "link:entries");
        let is = |operation: &[String; 3], what: &str, path: &str| {
            operation[0].starts_with(what) && operation[1] == path
        };
        let before = operations[..i].iter().rev();
        let synced = before.clone().position(|operation| is(operation, "sync:", from));
        let written = before.clone().position(|operation| is(operation, "write:", from));
        assert!(synced.is_some(), "{from} was renamed to {to} and not synced");
        assert!(written.is_none() || synced < written, "{from} was written after it was synced");
        let folder = Path::new(to).parent().unwrap().to_str().unwrap();
        let mut after = operations[i..].iter();
        assert!(
            after.any(|operation| is(operation, "sync_folder:", folder)),
            "{folder} was not synced after {to}"
        );
    }
    assert!(renames >= 20 && links >= 6, "{renames} {links}");
}

/// There, records are renamed into place, and none takes another's.
#[test]
fn a_file_system_without_links_serves_as_well() {
    let lab = Lab::without_worker();
    let Some(shim) = Shim::built(&lab) else { return };
    let truth = Truth::of(&lab, &DATA);
    let log = lab.path("operations");
    let never = [("FAULT_POINT", "link:entries"), ("FAULT_NTH", "0"), ("FAULT_DO", "EPERM")];
    let output = shim.run(&lab, &[&never[..], &[("FAULT_LOG", log.to_str().unwrap())]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let refused = fs::read_to_string(log).unwrap().lines().filter(|line| line.starts_with("link:")).count();
    assert!(refused >= 6, "{refused}");
    truth.is_reached_without_loss(&lab, "cache");
}
