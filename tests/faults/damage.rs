//! Whatever is stored may rot, be cut, go, or be another: it is found before it is used, named, and made again.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::dice::{Dice, full};
use super::harness::{Lab, stderr};
use super::ruin::Ruin;
use super::stored::{entries, files, find};
use super::truth::{DATA, Truth, is_clean, on_cache};

/// The stages in an order in which each reads only those before it.
const ORDER: [&str; 11] = [
    "ingest",
    "scan",
    "label",
    "pixels",
    "split",
    "balance",
    "train",
    "predict",
    "evaluate",
    "references",
    "report",
];

fn rank(stage: &str) -> usize {
    ORDER.iter().position(|name| *name == stage).unwrap()
}

/// All outputs of all stages in a cache, each with one of its digests.
fn outputs(cache: &Path) -> BTreeMap<(usize, String), String> {
    let mut kinds = BTreeMap::new();
    for (_, entry) in entries(&cache.join("entries")) {
        for (name, output) in entry["outputs"].as_object().unwrap() {
            let stage = rank(entry["fingerprint"]["stage"].as_str().unwrap());
            kinds.insert((stage, name.clone()), output["digest"].as_str().unwrap().to_owned());
        }
    }
    kinds
}

/// Ruins the object of each kind of output in turn, without the results of later stages, so that what can read it does.
fn ruin_objects(lab: &Lab, truth: &Truth, ruins_of: &mut dyn FnMut(usize) -> Vec<Ruin>) -> usize {
    let whole = lab.path("undisturbed");
    let mut cases = 0;
    for ((stage, output), digest) in outputs(&whole) {
        for ruin in ruins_of(stage) {
            let at = format!("{}/{output}: {ruin:?}", ORDER[stage]);
            println!("{at}");
            copy(&whole, &lab.path("cache"));
            let place = find(&lab.path("cache/objects"), &digest).unwrap();
            let other = files(&lab.path("cache/objects")).into_iter().find(|path| *path != place).unwrap();
            ruin.come_over(&place, &other);
            for (path, entry) in entries(&lab.path("cache/entries")) {
                if rank(entry["fingerprint"]["stage"].as_str().unwrap()) > stage {
                    fs::remove_file(path).unwrap();
                }
            }
            let said = truth.is_reached_in(lab, "cache");
            settle(lab, truth, &at, &said, &digest);
            cases += 1;
        }
    }
    cases
}

/// What no stage has read is found by `verify`, which names it; the next run makes it again.
fn settle(lab: &Lab, truth: &Truth, at: &str, said: &str, digest: &str) {
    let found = on_cache(lab, "cache", &["verify"]);
    if found.status.code() != Some(0) {
        let named = stderr(&found);
        assert_eq!(found.status.code(), Some(1), "{at}: {named}");
        assert!(named.contains("damaged: ") && named.contains(&digest[2..]), "{at}: {named}{said}");
        truth.is_reached_in(lab, "cache");
        is_clean(lab, "cache");
    }
    fs::remove_dir_all(lab.path("cache")).unwrap();
}

fn copy(from: &Path, to: &Path) {
    // Times kept, as a backup does.
    assert!(Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
}

#[test]
fn outputs_of_data_stages() {
    let lab = Lab::without_worker();
    let truth = Truth::of(&lab, &DATA);
    let mut dice = Dice::thrown("damaged outputs");
    let mut next = dice.below(Ruin::ALL.len());
    let cases = ruin_objects(&lab, &truth, &mut |_| {
        // Otherwise one each, in turn.
        next += 1;
        if full() { Ruin::ALL.to_vec() } else { vec![Ruin::ALL[next % Ruin::ALL.len()]] }
    });
    println!("{cases} cases");
}

#[test]
fn outputs_of_a_whole_study() {
    let Some(lab) = Lab::new() else { return };
    let spec = super::harness::SPEC.replace("seeds = 2", "seeds = 1").replace("epochs = 2", "epochs = 1");
    lab.write_spec(&spec.replace("\"add_one\"", "\"none\""));
    let truth = Truth::of(&lab, &[]);
    let mut dice = Dice::thrown("damaged outputs of trainings");
    let mut trainings = 0;
    let cases = ruin_objects(&lab, &truth, &mut |stage| {
        let is_data = stage < rank("train");
        trainings += usize::from(!is_data && stage < rank("evaluate"));
        match full() {
            true if !is_data => Ruin::ALL.to_vec(),
            false if !is_data && (stage >= rank("evaluate") || trainings == 1) => {
                vec![*dice.pick(&Ruin::ALL)]
            }
            _ => vec![],
        }
    });
    println!("{cases} cases");
}

#[test]
fn entries_indexes_and_notes() {
    let lab = Lab::without_worker();
    let truth = Truth::of(&lab, &DATA);
    let whole = lab.path("undisturbed");
    let kinds = ["entries", "index", "studies", "logs", "CACHEDIR.TAG"];
    let mut dice = Dice::thrown("damaged entries");
    let mut cases = 0;
    for kind in kinds {
        let all = if whole.join(kind).is_dir() { files(&whole.join(kind)) } else { vec![whole.join(kind)] };
        for ruin in Ruin::ALL {
            // The tag says that this folder is a cache: one that is none is left alone.
            if kind == "CACHEDIR.TAG" && matches!(ruin, Ruin::Delete) {
                continue;
            }
            for file in if full() { all.clone() } else { vec![dice.pick(&all).clone()] } {
                let at = format!("{}: {ruin:?}", file.strip_prefix(&whole).unwrap().display());
                println!("{at}");
                copy(&whole, &lab.path("cache"));
                let in_copy = |path: &Path| lab.path("cache").join(path.strip_prefix(&whole).unwrap());
                let everything = files(&whole);
                let other = all.iter().chain(&everything).find(|path| **path != file).unwrap();
                ruin.come_over(&in_copy(&file), &in_copy(other));
                for verb in ["plan", "status", "why"] {
                    let output = lab.call("cache", verb, &[]);
                    assert_eq!(output.status.code(), Some(0), "{at}: {verb}: {}", stderr(&output));
                }
                truth.is_reached_in(&lab, "cache");
                is_clean(&lab, "cache");
                // And it is well again: nothing is to do, nothing is said.
                let again = lab.call("cache", "run", &truth.args);
                assert_eq!((again.status.code(), stderr(&again).as_str()), (Some(0), ""), "{at}");
                fs::remove_dir_all(lab.path("cache")).unwrap();
                cases += 1;
            }
        }
    }
    println!("{cases} cases");
}

#[test]
fn what_verify_finds_it_names() {
    let lab = Lab::without_worker();
    let truth = Truth::of(&lab, &DATA);
    let whole = lab.path("undisturbed");
    let mut dice = Dice::thrown("verify");
    for kind in ["objects", "entries"] {
        for ruin in Ruin::ALL {
            let at = format!("{kind}: {ruin:?}");
            copy(&whole, &lab.path("cache"));
            let all: Vec<PathBuf> = files(&lab.path("cache").join(kind));
            let file = dice.pick(&all);
            ruin.come_over(file, all.iter().find(|path| *path != file).unwrap());
            let output = on_cache(&lab, "cache", &["verify"]);
            // Of a record that is gone nobody knows.
            let gone = kind == "entries" && matches!(ruin, Ruin::Delete);
            assert_eq!(output.status.code(), Some(i32::from(!gone)), "{at}: {}", stderr(&output));
            assert!(gone || stderr(&output).contains("damaged: "), "{at}: {}", stderr(&output));
            truth.is_reached_in(&lab, "cache");
            is_clean(&lab, "cache");
            fs::remove_dir_all(lab.path("cache")).unwrap();
        }
    }
}

#[test]
fn stray_locks_and_claims_hold_nobody_up() {
    let lab = Lab::without_worker();
    let truth = Truth::of(&lab, &DATA);
    let locks: Vec<String> = truth.results.keys().map(|key| format!("locks/{key}.lock")).collect();
    for what in ["dead", "elsewhere", "folder", "empty"] {
        for name in locks.iter().map(String::as_str).chain(["leases/elsewhere.1.0"]) {
            let path = lab.path("cache").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            match what {
                "folder" => {
                    fs::create_dir(&path).unwrap();
                    fs::write(path.join("stray"), b"stray").unwrap();
                }
                // A process that cannot be: ids end at 4194304.
                "dead" => fs::write(path, "process 4999999 on localhost").unwrap(),
                "elsewhere" => fs::write(path, "process 1 on another-host").unwrap(),
                _ => fs::write(path, b"").unwrap(),
            }
        }
        fs::write(lab.path("cache/CACHEDIR.TAG"), b"Signature: 8a477f597d28d172789f06886806bc55\n").unwrap();
        truth.is_reached_without_loss(&lab, "cache");
        fs::remove_dir_all(lab.path("cache")).unwrap();
    }
}
