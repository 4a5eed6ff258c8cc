//! The power goes: a file system in a file, mounted by a loop device, is stopped at once with nothing written back. What was
//! reported as done must still be there, and whole.
//!
//! Needs root, a loop device and `mkfs.ext4` or `mkfs.xfs`; btrfs knows no such stop.

use std::fs;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;

use super::dice::{Dice, full, tries};
use super::harness::{Lab, stderr};
use super::truth::{DATA, Truth, is_clean, on_cache, results};

/// The cache on the disk.
const CACHE: &str = "disk/cache";

/// How long others may keep a disk that was unmounted.
const PATIENCE: Duration = Duration::from_secs(120);

fn runs_well(program: &str, args: &[&std::ffi::OsStr]) -> bool {
    let mut command = Command::new(program);
    command.args(args).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// A file system of its own.
struct Disk {
    image: PathBuf,
    place: PathBuf,
    cut: PathBuf,
}

impl Disk {
    /// Mounts a new one of this kind at `disk`; `None` where that cannot be done.
    fn new(lab: &Lab, kind: &str) -> Option<Disk> {
        let disk = Disk { image: lab.path("image"), place: lab.path("disk"), cut: lab.path("cut") };
        let _ = fs::remove_file(&disk.image);
        fs::File::create(&disk.image).unwrap().set_len(400 << 20).unwrap();
        fs::create_dir_all(&disk.place).unwrap();
        let compiled = disk.cut.exists()
            || runs_well("cc", &["-DCUT".as_ref(), "-o".as_ref(), disk.cut.as_ref(), source().as_ref()]);
        (compiled && runs_well(&format!("mkfs.{kind}"), &[disk.image.as_ref()]) && disk.mount())
            .then_some(disk)
    }

    fn mount(&self) -> bool {
        runs_well("mount", &["-o".as_ref(), "loop".as_ref(), self.image.as_ref(), self.place.as_ref()])
    }

    fn unmount(&self) -> bool {
        runs_well("umount", &[self.place.as_ref()])
    }

    /// Nothing more reaches the disk.
    fn cut(&self) {
        assert!(runs_well(self.cut.to_str().unwrap(), &[self.place.as_ref()]), "the power cannot be cut");
    }

    /// The machine starts again.
    fn back(&self) {
        // Processes that were killed may hold it for a moment.
        while !self.unmount() {
            sleep(Duration::from_millis(10));
        }
        // A process that went into a mount namespace of its own while the disk was mounted, as those of `read_only.rs` and
        // `full_disk.rs` do, has it mounted there until it ends. The file system that was stopped lives on that long,
        // and mounting its image would only give it back: each access would fail, whatever is on the disk.
        let begun = Instant::now();
        while let Some(device) = self.device() {
            assert!(begun.elapsed() < PATIENCE, "another mount namespace keeps {}", device.display());
            sleep(Duration::from_millis(10));
        }
        assert!(self.mount(), "the disk is not mounted again");
    }

    /// The loop device that the image is still bound to.
    fn device(&self) -> Option<PathBuf> {
        let image = self.image.canonicalize().unwrap();
        let mut devices =
            fs::read_dir("/sys/block").into_iter().flatten().flatten().map(|entry| entry.path());
        let is_bound = |device: &PathBuf| {
            let file = fs::read_to_string(device.join("loop/backing_file"));
            file.is_ok_and(|file| Path::new(file.trim_end_matches('\n')) == image)
        };
        devices.find(is_bound)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        runs_well("umount", &["-l".as_ref(), self.place.as_ref()]);
    }
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/power.c")
}

/// Does `test` on each kind of file system that can be made and mounted here, and says which those are.
fn on_each_disk(lab: &Lab, mut test: impl FnMut(&Disk, &str)) {
    for kind in ["ext4", "xfs"] {
        match Disk::new(lab, kind) {
            Some(disk) => test(&disk, kind),
            None => println!("left out: {kind}: it takes root, a loop device, `cc` and `mkfs.{kind}`"),
        }
    }
}

#[test]
fn what_was_reported_as_done_is_there_after_the_power_went() {
    let lab = Lab::without_worker();
    let truth = Truth::of(&lab, &DATA);
    on_each_disk(&lab, |disk, kind| {
        let mut dice = Dice::thrown("power after the end");
        for _ in 0..tries(50) {
            let output = lab.call(CACHE, "run", &truth.args);
            assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
            // Names and contents go to the disk some seconds apart.
            sleep(Duration::from_millis(dice.below(if full() { 8_000 } else { 1_000 }) as u64));
            disk.cut();
            disk.back();
            is_clean(&lab, CACHE);
            assert_eq!(results(&lab.path(CACHE)), truth.results, "{kind}: results are gone");
            let again = lab.call(CACHE, "run", &[&truth.args[..], &["--format", "json"]].concat());
            let told: Value = serde_json::from_slice(&again.stdout).unwrap();
            assert_eq!((again.status.code(), &told["computed"]), (Some(0), &0.into()), "{}", stderr(&again));
            fs::remove_dir_all(lab.path(CACHE)).unwrap();
        }
        println!("{kind}: {} cuts after the end", tries(50));
    });
}

/// A process in a mount namespace of its own keeps the stopped file system alive; the machine starts again all the same.
#[test]
fn a_disk_that_another_namespace_holds_comes_back() {
    let lab = Lab::without_worker();
    on_each_disk(&lab, |disk, kind| {
        fs::write(lab.path("disk/note"), b"note").unwrap();
        fs::File::open(lab.path("disk/note")).unwrap().sync_all().unwrap();
        fs::File::open(lab.path("disk")).unwrap().sync_all().unwrap();
        let mut holder = match Command::new("unshare")
            .args(["-m", "sh", "-c", "echo; read end"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
        {
            Ok(holder) => holder,
            Err(error) => return println!("left out: `unshare` cannot be started: {error}"),
        };
        // It is there.
        let mut line = [0];
        holder.stdout.as_mut().unwrap().read_exact(&mut line).unwrap();
        disk.cut();
        assert!(disk.unmount() && disk.device().is_some(), "{kind}: nobody holds it");
        assert!(
            disk.mount() && fs::write(lab.path("disk/note"), b"other").is_err(),
            "{kind}: it is the stopped one"
        );
        drop(holder.stdin.take());
        holder.wait().unwrap();
        disk.back();
        assert_eq!(fs::read(lab.path("disk/note")).unwrap(), b"note", "{kind}");
    });
}

#[test]
fn a_run_whose_power_goes_is_gone_on_with() {
    let lab = Lab::without_worker();
    let begun = Instant::now();
    let truth = Truth::of(&lab, &DATA);
    let whole_us = begun.elapsed().as_micros() as usize;
    on_each_disk(&lab, |disk, kind| {
        let mut dice = Dice::thrown("power in between");
        for _ in 0..tries(50) {
            let mut command = lab.command(CACHE, "run", &truth.args);
            command.stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
            let mut child = command.spawn().unwrap();
            sleep(Duration::from_micros(dice.below(whole_us) as u64));
            disk.cut();
            let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
            child.wait().unwrap();
            disk.back();
            truth.is_reached_without_loss(&lab, CACHE);
            fs::remove_dir_all(lab.path(CACHE)).unwrap();
        }
        println!("{kind}: {} cuts in between", tries(50));
    });
}

/// The tests above can fail: without syncing, results that were reported as done are gone.
#[test]
fn without_syncing_the_same_cuts_lose_results() {
    let lab = Lab::without_worker();
    let truth = Truth::of(&lab, &DATA);
    let Some(disk) = Disk::new(&lab, "ext4") else {
        return println!("left out: it takes root, a loop device, `cc` and `mkfs.ext4`");
    };
    let (library, source) = (lab.path("nosync.so"), source());
    let shared: [&std::ffi::OsStr; 5] =
        ["-shared".as_ref(), "-fPIC".as_ref(), "-o".as_ref(), library.as_ref(), source.as_ref()];
    assert!(runs_well("cc", &shared));
    let mut lost = 0;
    for _ in 0..5 {
        let mut command = lab.command(CACHE, "run", &truth.args);
        let output = command.env("LD_PRELOAD", &library).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        disk.cut();
        disk.back();
        let there = lab.path(CACHE).is_dir() && results(&lab.path(CACHE)) == truth.results;
        let whole = there && on_cache(&lab, CACHE, &["verify"]).status.code() == Some(0);
        lost += usize::from(!whole);
        let _ = fs::remove_dir_all(lab.path(CACHE));
    }
    println!("without syncing {lost} of 5 cuts lose results");
    assert!(lost > 0, "the cuts show nothing");
}
