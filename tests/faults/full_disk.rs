//! A disk that fills up: said with the file, the room and what to do; nothing is damaged, and there is no litter. With room
//! the same command goes on.

use std::fs;
use std::process::{Command, Output};

use super::dice::full;
use super::harness::{Lab, stderr};
use super::truth::{DATA, Truth, is_clean, litter, results};

/// `run` with a limit on the size of each file, in blocks of 512 bytes: this works everywhere.
fn limited(lab: &Lab, blocks: u32) -> Output {
    let script = r#"trap "" XFSZ; ulimit -f "$0" && exec "$@""#;
    let mut command = Command::new("sh");
    command.args(["-c", script, &blocks.to_string()]).arg(env!("CARGO_BIN_EXE_ablatrix"));
    command.args(["run", "tiny.toml"]).args(DATA).arg("--cache").arg(lab.path("cache"));
    command.current_dir(lab.bare().get_current_dir().unwrap()).output().unwrap()
}

/// `run` with the cache on a disk of so many KiB, in a namespace of its own; what is on it is copied to `cache` in the
/// end. `None`, and a line that says so, where that is not allowed.
fn on_small_disk(lab: &Lab, kib: u32) -> Option<Output> {
    fs::create_dir_all(lab.path("disk")).unwrap();
    let script = r#"mount -t tmpfs -o size="$1"k none disk || exit 77; shift
        "$@"; code=$?; df -k disk >&2; cp -a disk/cache . ; exit $code"#;
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c", script, "sh", &kib.to_string(), env!("CARGO_BIN_EXE_ablatrix")]);
    command.args(["run", "tiny.toml"]).args(DATA).args(["--cache", "disk/cache"]);
    let output = command.current_dir(lab.bare().get_current_dir().unwrap()).output().ok()?;
    if output.status.code() == Some(77) || stderr(&output).contains("unshare failed") {
        println!("left out: no mounts in a user namespace here (`unshare -rm`)");
        return None;
    }
    Some(output)
}

/// What was refused left nothing but whole results, and with room the study comes to its end.
#[track_caller]
fn goes_on(lab: &Lab, truth: &Truth) {
    let cache = lab.path("cache");
    if cache.is_dir() {
        assert_eq!(litter(&cache), Vec::<std::path::PathBuf>::new());
        let there = results(&cache);
        assert!(there.iter().all(|(key, result)| truth.results.get(key) == Some(result)), "{there:?}");
        is_clean(lab, "cache");
    }
    truth.is_reached_without_loss(lab, "cache");
    fs::remove_dir_all(cache).unwrap();
}

#[test]
fn files_that_may_not_grow() {
    let lab = Lab::without_worker();
    let truth = Truth::of(&lab, &DATA);
    let mut refused = 0;
    for blocks in [0, 1, 2, 4, 6, 8, 16, 64, 200] {
        let output = limited(&lab, blocks);
        let said = stderr(&output);
        assert!(matches!(output.status.code(), Some(0 | 1)), "{blocks}: {said}");
        if output.status.code() == Some(1) {
            refused += 1;
            assert!(
                said.contains("File too large") && said.contains("help: files may not be larger"),
                "{blocks}: {said}"
            );
            assert!(said.contains(lab.path("cache").to_str().unwrap()), "{blocks}: {said}");
        }
        goes_on(&lab, &truth);
    }
    assert!(refused >= 5, "{refused}");
}

#[test]
fn a_small_disk_fills_up() {
    let lab = Lab::without_worker();
    let truth = Truth::of(&lab, &DATA);
    let mut refused = 0;
    let sizes: Vec<u32> = if full() { (8..=240).step_by(8).collect() } else { vec![8, 40, 80, 120, 200] };
    for kib in sizes {
        let Some(output) = on_small_disk(&lab, kib) else { return };
        let said = stderr(&output);
        assert!(matches!(output.status.code(), Some(0 | 1)), "{kib}: {said}");
        if output.status.code() == Some(1) {
            refused += 1;
            assert!(
                said.contains("No space left on device") && said.contains("disk/cache/"),
                "{kib}: {said}"
            );
            assert!(said.contains("are free on that disk") && said.contains("make room"), "{kib}: {said}");
            assert!(said.contains("goes on where it was"), "{kib}: {said}");
        }
        goes_on(&lab, &truth);
    }
    assert!(refused >= 4, "{refused}");
}
