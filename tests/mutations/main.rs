//! Whatever bytes come in, each parser gives a value or an error: no panic, no abort, no more than 2 GiB. Sound inputs are
//! changed at random places in the ways in which files go wrong, and handed to the parser itself.
//!
//! Seeded as the tests of faults are: `ABLATRIX_FAULTS_SEED` replays, `ABLATRIX_FAULTS=full` tries ten times as much. Bytes
//! that end in a panic are kept in `target/tmp/mutations` and named.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test may end so, and says what it did")]

#[path = "../faults/dice.rs"]
#[expect(dead_code, reason = "the tests of faults use the rest")]
mod dice;
#[path = "../end_to_end/harness.rs"]
#[expect(dead_code, reason = "other targets use more of it")]
mod harness;
mod parsers;
mod seeds;
#[path = "../end_to_end/stored.rs"]
#[expect(dead_code, reason = "other targets use more of it")]
mod stored;

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use ablatrix::fingerprint::Digest;
use rustix::process::{Resource, Rlimit, setrlimit};

use dice::{Dice, full};
use parsers::{Parser, TARGETS, feed};
use stored::files;

/// The repository.
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What all tests of this target may hold together.
const MEMORY: u64 = 2 << 30;

/// Pieces that are put into inputs: what formats are made of, and numbers at their limits.
const PIECES: [&[u8]; 34] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"[[[[[[[[",
    b"\"",
    b"'",
    b",",
    b":",
    b"=",
    b"\n",
    b"\r\n",
    b"\0",
    b"\\",
    b"\\u0000",
    b"-1",
    b"0",
    b"1e999",
    b"-1e-999",
    b"NaN",
    b"inf",
    b"null",
    b"true",
    b"18446744073709551616",
    b"9223372036854775807",
    b"4294967296",
    b"../",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xf0\x9f\x98\x80",
    b"\x00\x00\x00\x00",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"PAR1",
];

/// One of `seeds` with one to four changes.
fn mutated(dice: &mut Dice, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = dice.pick(seeds).clone();
    for _ in 0..=dice.below(4) {
        let at = dice.below(bytes.len() + 1);
        // Most files go wrong near one place; now and then a long stretch does.
        let longest = if dice.below(4) == 0 { 4096 } else { 8 };
        let end = (at + 1 + dice.below(longest)).min(bytes.len());
        match dice.below(8) {
            0 if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
            1 if at < bytes.len() => bytes[at] = dice.below(256) as u8,
            2 => drop(bytes.splice(at..at, dice.pick(&PIECES).iter().copied())),
            3 if at < end => drop(bytes.splice(at..end, dice.pick(&PIECES).iter().copied())),
            4 if at < end => drop(bytes.drain(at..end)),
            5 if at < end => {
                let again = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, again));
            }
            6 => bytes.truncate(at),
            _ => {
                let other = dice.pick(seeds);
                let from = dice.below(other.len() + 1);
                let to = (from + dice.below(512)).min(other.len());
                drop(bytes.splice(at..at, other[from..to].iter().copied()));
            }
        }
    }
    bytes
}

/// Hands `read` mutations of `seeds`, each of which it takes, and says how many of them were still taken.
fn survives(name: &str, seeds: &[Vec<u8>], read: Parser) {
    setrlimit(Resource::Data, Rlimit { current: Some(MEMORY), maximum: Some(MEMORY) }).unwrap();
    for seed in seeds {
        assert!(
            read(seed),
            "{name}: an input is not sound: {}",
            String::from_utf8_lossy(&seed[..seed.len().min(300)])
        );
    }
    let mut dice = Dice::thrown(name);
    let n = if full() { 20_000 } else { 2_000 };
    let mut taken = 0;
    for _ in 0..n {
        let bytes = mutated(&mut dice, seeds);
        match catch_unwind(|| read(&bytes)) {
            Ok(is_sound) => taken += usize::from(is_sound),
            Err(_) => {
                let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mutations");
                fs::create_dir_all(&folder).unwrap();
                let place = folder.join(format!("{name}-{}", &Digest::of(&bytes).as_str()[..12]));
                fs::write(&place, &bytes).unwrap();
                panic!("{name}: a panic, by the bytes in {}", place.display());
            }
        }
    }
    println!("{name}: {n} inputs, {taken} of them taken");
    assert!(taken < n, "nothing was refused: the changes change nothing");
}

#[test]
fn specs() {
    survives("specs", &seeds::specs(), parsers::load);
}

#[test]
fn coco() {
    survives("coco", &seeds::coco(), parsers::coco);
}

#[test]
fn tables_with_a_column_for_each_label() {
    survives("csv", &seeds::csv(), parsers::csv);
    survives("parquet", &seeds::parquet(), parsers::parquet);
}

#[test]
fn tables_with_one_column_of_labels() {
    survives("csv-separated", &seeds::csv_separated(), parsers::csv_separated);
    survives("parquet-separated", &seeds::parquet_separated(), parsers::parquet_separated);
}

#[test]
fn pictures() {
    survives("pictures", &seeds::pictures(), parsers::picture);
}

#[test]
fn headers_of_weights() {
    survives("weights", &seeds::weights(), parsers::header_of_weights);
}

#[test]
fn stored_tables() {
    let seeds = seeds::stored();
    survives("images", &seeds.images, parsers::images);
    survives("annotations", &seeds.annotations, parsers::annotations);
    survives("split", &seeds.split, parsers::split);
}

#[test]
fn records_of_the_cache() {
    let records = seeds::stored().records;
    survives("records", &records, parsers::record);
    let bodies: Vec<Vec<u8>> = records.iter().map(|record| seeds::second_line(record)).collect();
    survives("bodies", &bodies, parsers::body_of_record);
    survives("indexes", &seeds::indexes(), parsers::body_of_index);
}

#[test]
fn messages_of_workers() {
    survives("events", &seeds::events(), parsers::event);
    survives("jobs", &seeds::jobs(), parsers::job);
}

/// Where `ABLATRIX_FUZZ_SEEDS` names a folder, `cargo xtask fuzz` begins with what this test writes there.
#[test]
fn every_target_of_fuzzing_has_sound_seeds() {
    let corpora = seeds::corpora();
    let wished = std::env::var_os("ABLATRIX_FUZZ_SEEDS").map(PathBuf::from);
    for (target, _) in TARGETS {
        for seed in &corpora[target] {
            assert!(
                feed(target, seed),
                "{target}: {}",
                String::from_utf8_lossy(&seed[..seed.len().min(300)])
            );
            if let Some(folder) = &wished {
                let folder = folder.join(target);
                fs::create_dir_all(&folder).unwrap();
                fs::write(folder.join(&Digest::of(seed).as_str()[..16]), seed).unwrap();
            }
        }
    }
}

/// What ended in a panic, took more than a second or more than 2 GiB, here or in parsers of others.
#[test]
fn what_fuzzing_found_is_survived() {
    setrlimit(Resource::Data, Rlimit { current: Some(MEMORY), maximum: Some(MEMORY) }).unwrap();
    let finds = files(&Path::new(ROOT).join("fuzz/finds"));
    assert!(!finds.is_empty(), "there is something to run");
    for find in finds {
        let target = find.parent().unwrap().file_name().unwrap().to_string_lossy();
        let bytes = fs::read(&find).unwrap();
        let end = catch_unwind(|| feed(&target, &bytes));
        assert!(end.is_ok(), "a panic, by the bytes in {}", find.display());
    }
}
