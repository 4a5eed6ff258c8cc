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
mod seeds;
#[path = "../end_to_end/stored.rs"]
#[expect(dead_code, reason = "other targets use more of it")]
mod stored;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use ablatrix::fingerprint::Digest;
use ablatrix::job::{Job, WorkerEvent};
use ablatrix::spec::{Overrides, load};
use ablatrix::tables::rows::{AnnotationRow, ImageRow, SplitRow};
use ablatrix::{cache, dataset, pixels, tables, weights};
use rustix::process::{Resource, Rlimit, setrlimit};

use dice::{Dice, full};

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
fn survives(name: &str, seeds: &[Vec<u8>], read: impl Fn(&[u8]) -> bool) {
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
        match catch_unwind(AssertUnwindSafe(|| read(&bytes))) {
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

/// A reader of files: writes the bytes beside those of other calls, and reads them.
fn in_file(name: &str, read: impl Fn(&Path) -> bool) -> impl Fn(&[u8]) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let place: PathBuf = folder.path().join(name);
    move |bytes| {
        assert!(folder.path().is_dir());
        fs::write(&place, bytes).unwrap();
        read(&place)
    }
}

#[test]
fn specs() {
    survives(
        "specs",
        &seeds::specs(),
        in_file("spec.toml", |path| load(path, &Overrides::default()).is_ok()),
    );
}

/// `dataset::import` on a file of annotations, with the settings of a spec.
fn imports(settings: &str) -> impl Fn(&Path) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let spec = folder.path().join("spec.toml");
    fs::create_dir(folder.path().join("images")).unwrap();
    fs::write(
        &spec,
        format!("name = \"a\"\n[dataset]\nimages = \"images\"\nannotations = \"a\"\n{settings}[augment.grid]\ndesign = \"none\"\n"),
    )
    .unwrap();
    let loaded = load(&spec, &Overrides::default()).unwrap_or_else(|error| panic!("{error:?}"));
    let dataset = loaded.experiment.dataset.clone();
    move |path| {
        assert!(folder.path().is_dir());
        let mut dataset = dataset.clone();
        dataset.annotations = path.to_owned();
        dataset::import(&dataset).is_ok()
    }
}

#[test]
fn coco() {
    let read = imports("format = \"coco\"\n");
    survives("coco", &seeds::coco(), in_file("annotations.json", read));
}

#[test]
fn tables_with_a_column_for_each_label() {
    let read = imports("format = \"csv\"\n[labels]\nfrom = \"columns\"\n");
    survives("csv", &seeds::csv(), in_file("labels.csv", read));
}

#[test]
fn tables_with_one_column_of_labels() {
    let read = imports("format = \"csv\"\nlabel_column = \"labels\"\n[labels]\nfrom = \"columns\"\n");
    survives("csv-separated", &seeds::csv_separated(), in_file("labels.csv", read));
}

#[test]
fn pictures() {
    survives("pictures", &seeds::pictures(), |bytes| {
        let probed = pixels::decode::probe(bytes);
        let decoded = pixels::decode(bytes);
        // A picture that is decoded is as large as its header says.
        if let (Ok(probe), Ok(picture)) = (&probed, &decoded) {
            assert_eq!((probe.width as usize, probe.height as usize), (picture.width, picture.height));
        }
        decoded.is_ok()
    });
}

#[test]
fn headers_of_weights() {
    survives("weights", &seeds::weights(), in_file("w.safetensors", |path| weights::look(path).is_ok()));
}

#[test]
fn stored_tables() {
    let seeds = seeds::stored();
    survives("images", &seeds.images, in_file("t", |path| tables::read::<Vec<ImageRow>>(path).is_ok()));
    survives(
        "annotations",
        &seeds.annotations,
        in_file("t", |path| tables::read::<Vec<AnnotationRow>>(path).is_ok()),
    );
    survives("split", &seeds.split, in_file("t", |path| tables::read::<Vec<SplitRow>>(path).is_ok()));
}

#[test]
fn records_of_the_cache() {
    let seeds = seeds::stored();
    // A record is its body's digest and the body. As it is, no change survives that; with the digest of the changed body, what is
    // behind it is reached.
    let key = |bytes: &[u8]| {
        let body: serde_json::Value =
            serde_json::from_slice(bytes.split(|byte| *byte == b'\n').nth(1)?).ok()?;
        serde_json::from_value::<Digest>(body["fingerprint"]["key"].clone()).ok()
    };
    let first = key(&seeds.records[0]).unwrap();
    let read =
        |bytes: &[u8]| cache::read_record(&key(bytes).unwrap_or_else(|| first.clone()), bytes).is_some();
    survives("records", &seeds.records, read);
    let body = |record: &Vec<u8>| record.split(|byte| *byte == b'\n').nth(1).unwrap().to_vec();
    let bodies: Vec<Vec<u8>> = seeds.records.iter().map(body).collect();
    survives("bodies", &bodies, |body| {
        read(&[Digest::of(body).as_str().as_bytes(), b"\n", body, b"\n"].concat())
    });
}

#[test]
fn messages_of_workers() {
    survives("events", &seeds::events(), |bytes| serde_json::from_slice::<WorkerEvent>(bytes).is_ok());
    survives("jobs", &seeds::jobs(), |bytes| serde_json::from_slice::<Job>(bytes).is_ok());
}
