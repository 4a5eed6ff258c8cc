//! A soak: hours of studies on one cache under kills, refused writes, a remote that fails, damage and collections, all drawn.
//! After each round the plain rerun must be right, `verify` must find nothing, and nothing may be left behind.
//!
//! `cargo xtask faults --soak HOURS`. Prints its seed, a line each minute, and its totals in the end.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::dice::Dice;
use super::failpoints::Shim;
use super::harness::Lab;
use super::rot::Rot;
use super::server::{Fault as Answer, Server};
use super::stored::files;
use super::truth::{Truth, litter, on_cache};

/// The studies: most of data stages, that share all but their splits; the last one trains.
const STUDIES: [&[&str]; 5] = [
    &["--until", "balance"],
    &["--until", "balance", "--set", "split.seed=1"],
    &["--until", "balance", "--set", "split.seed=2"],
    &["--until", "balance", "--set", "images.size=48"],
    &["--set", "seeds=1", "--set", "train.epochs=1", "--set", "augment.grid.design=\"none\""],
];

/// A process that has not ended by then is stuck.
const PATIENCE: Duration = Duration::from_secs(600);

/// What befalls a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    /// SIGKILL to the program alone, or with all that it started.
    Kill,
    /// SIGINT, SIGTERM or SIGHUP.
    Signal,
    /// ENOSPC, EIO, ENOLCK, half a write or death at an operation on the cache.
    Operation,
    /// A remote that refuses, cuts, lies, is late or is not there.
    Remote,
    /// Some files of the cache are damaged.
    Rot,
    /// Collections of all that is not claimed, beside the run.
    Collection,
    /// Another study on the same cache at the same time, killed or not.
    AtOnce,
}

const FAULTS: [Fault; 7] = [
    Fault::Kill,
    Fault::Signal,
    Fault::Operation,
    Fault::Remote,
    Fault::Rot,
    Fault::Collection,
    Fault::AtOnce,
];

/// What was counted.
#[derive(Debug, Default)]
struct Totals {
    rounds: usize,
    runs: usize,
    faults: BTreeMap<Fault, usize>,
    wrong: Vec<String>,
    stuck: Vec<String>,
    leaks: Vec<String>,
}

impl Totals {
    fn line(&self) -> String {
        format!(
            "{} rounds, {} runs, {} wrong, {} stuck, {} leaks; faults {:?}",
            self.rounds,
            self.runs,
            self.wrong.len(),
            self.stuck.len(),
            self.leaks.len(),
            self.faults
        )
    }
}

struct Soak {
    lab: Lab,
    truths: Vec<Truth>,
    shim: Option<Shim>,
    /// The operations of a run, as often as each comes.
    operations: Vec<String>,
    server: Server,
    dice: Dice,
    totals: Totals,
}

#[test]
fn hours_of_faults() {
    let Some(hours) = std::env::var("ABLATRIX_FAULTS_SOAK").ok().and_then(|text| text.parse::<f64>().ok())
    else {
        return println!("left out: hours of faults are tried by `cargo xtask faults --soak HOURS`");
    };
    let until = Instant::now() + Duration::from_secs_f64(hours * 3600.0);
    let mut soak = Soak::begin();
    let (begun, mut told) = (Instant::now(), Instant::now());
    while Instant::now() < until {
        soak.round();
        if told.elapsed() >= Duration::from_secs(60) {
            told = Instant::now();
            println!("{:.0} min: {}", begun.elapsed().as_secs_f64() / 60.0, soak.totals.line());
        }
    }
    let totals = &soak.totals;
    println!("in the end, after {:.2} h: {}", begun.elapsed().as_secs_f64() / 3600.0, totals.line());
    let bad = [&totals.wrong, &totals.stuck, &totals.leaks];
    assert!(bad.iter().all(|list| list.is_empty()), "{bad:#?}");
}

impl Soak {
    fn begin() -> Self {
        let dice = Dice::thrown("soak");
        let (lab, studies) = match Lab::new() {
            Some(lab) => (lab, &STUDIES[..]),
            None => (Lab::without_worker(), &STUDIES[..STUDIES.len() - 1]),
        };
        let truth = |args: &&[&'static str]| {
            let truth = Truth::of(&lab, args);
            fs::remove_dir_all(lab.path("undisturbed")).unwrap();
            truth
        };
        let truths = studies.iter().map(truth).collect();
        let shim = Shim::built(&lab);
        let recorded = shim.iter().flat_map(|shim| shim.record(&lab));
        let operations = recorded.map(|[name, ..]| name).collect();
        fs::create_dir(lab.path("tmp")).unwrap();
        Soak {
            lab,
            truths,
            shim,
            operations,
            server: Server::start(|_| Answer::None),
            dice,
            totals: Totals::default(),
        }
    }

    /// One or two faults, and what the plain rerun makes of them.
    fn round(&mut self) {
        let mut studies = vec![self.dice.below(self.truths.len())];
        // Some begin with all of it to do, the others with what the last collection left.
        if self.dice.below(8) == 0 {
            let _ = fs::remove_dir_all(self.lab.path("cache"));
        }
        let mut story = Vec::new();
        for _ in 0..=self.dice.below(2) {
            let fault = *self.dice.pick(&FAULTS);
            *self.totals.faults.entry(fault).or_default() += 1;
            story.push(format!("{fault:?}"));
            let study = studies[0];
            match fault {
                Fault::Rot => self.rot(&mut story),
                Fault::AtOnce => {
                    let other = self.dice.below(self.truths.len());
                    studies.push(other);
                    let children = [self.start(study, |_| ()), self.start(other, |_| ())];
                    for child in children {
                        self.kill_perhaps(child, &mut story);
                    }
                }
                _ => self.disturb(study, fault, &mut story),
            }
        }
        let story = format!("studies {studies:?}: {}", story.join(", "));
        for &study in &studies {
            self.rerun(study, &story);
        }
        self.look(&studies, &story);
        self.totals.rounds += 1;
    }

    /// A run of `study`, with what it says in a file.
    fn start(&mut self, study: usize, prepare: impl FnOnce(&mut Command)) -> Child {
        let mut command = self.lab.command("cache", "run", &self.truths[study].args);
        let said = File::create(self.lab.path("said")).unwrap();
        command
            .stdout(said.try_clone().unwrap())
            .stderr(said)
            .env("TMPDIR", self.lab.path("tmp"))
            .process_group(0);
        prepare(&mut command);
        self.totals.runs += 1;
        command.spawn().unwrap()
    }

    /// Waits for it; the exit code, or `None` where a signal ended it, also ours because it was stuck.
    fn wait(&mut self, mut child: Child, story: &[String]) -> Option<i32> {
        let begun = Instant::now();
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                let said = self.said();
                if said.contains("panicked") || said.contains("fault of ablatrix") {
                    self.totals.wrong.push(format!("{story:?}: {said}"));
                }
                return status.code();
            }
            if begun.elapsed() >= PATIENCE {
                self.totals.stuck.push(format!("{story:?}: {}", self.said()));
                let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
                child.wait().unwrap();
                return None;
            }
            sleep(Duration::from_millis(5));
        }
    }

    fn said(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.lab.path("said")).unwrap()).into_owned()
    }

    fn kill_perhaps(&mut self, child: Child, story: &mut Vec<String>) {
        if self.dice.below(2) == 0 {
            sleep(Duration::from_millis(self.dice.below(200) as u64));
            let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
            story.push("killed".to_owned());
        }
        self.wait(child, story);
    }

    /// A run under a fault.
    fn disturb(&mut self, study: usize, fault: Fault, story: &mut Vec<String>) {
        let trains = study + 1 == STUDIES.len();
        let moment = Duration::from_millis(self.dice.below(if trains { 6_000 } else { 300 }) as u64);
        match fault {
            Fault::Kill | Fault::Signal => {
                let child = self.start(study, |_| ());
                sleep(moment);
                let id = Pid::from_child(&child);
                let signal = *self.dice.pick(&[Signal::INT, Signal::TERM, Signal::HUP]);
                let _ = match (fault, self.dice.below(2)) {
                    (Fault::Signal, _) => kill_process(id, signal),
                    (_, 0) => kill_process(id, Signal::KILL),
                    _ => kill_process_group(id, Signal::KILL),
                };
                story.push(format!("after {} ms", moment.as_millis()));
                self.wait(child, story);
            }
            Fault::Operation if self.shim.is_some() => {
                let name = self.dice.pick(&self.operations).clone();
                let nth = (1 + self.dice.below(6)).to_string();
                let what = *self.dice.pick(&["kill", "torn", "EIO", "ENOSPC", "ENOLCK"]);
                story.push(format!("{what} at {nth} {name}"));
                let shim = self.shim.take();
                let lab_cache = self.lab.path("cache");
                let child = self.start(study, |command| {
                    if let Some(shim) = &shim {
                        let variables =
                            [("FAULT_POINT", name.as_str()), ("FAULT_NTH", &nth), ("FAULT_DO", what)];
                        shim.stand_before(command, &lab_cache, &variables);
                    }
                });
                self.shim = shim;
                self.wait(child, story);
            }
            Fault::Remote => {
                let mut dice = self.dice.split();
                let is_gone = self.dice.below(4) == 0;
                let endpoint =
                    if is_gone { "http://127.0.0.1:1".to_owned() } else { self.server.endpoint.clone() };
                self.push(&endpoint);
                let drawn = std::sync::Mutex::new(move || match dice.below(12) {
                    0 => Answer::Status(500, String::new()),
                    1 => Answer::Status(403, String::new()),
                    2 => Answer::Drop,
                    3 => Answer::Cut,
                    4 => Answer::Wrong,
                    5 => Answer::Late(dice.below(300) as u64),
                    _ => Answer::None,
                });
                self.server.behave(move |_| (drawn.lock().unwrap())());
                let child = self.start(study, |command| {
                    with_s3(command, &endpoint);
                    command.args(["--remote", "s3://results/team"]);
                });
                let code = self.wait(child, story);
                self.server.behave(|_| Answer::None);
                if code != Some(0) {
                    self.totals.wrong.push(format!("a remote failed a study: {story:?}: {}", self.said()));
                }
            }
            Fault::Collection => {
                let mut child = self.start(study, |_| ());
                while child.try_wait().unwrap().is_none() {
                    on_cache(&self.lab, "cache", &["gc", "--grace", "0s"]);
                }
                if self.wait(child, story) != Some(0) {
                    self.totals.wrong.push(format!("beside collections: {story:?}: {}", self.said()));
                }
            }
            Fault::Operation | Fault::Rot | Fault::AtOnce => {}
        }
    }

    /// What is there goes to the remote, so that there is something to fetch.
    fn push(&mut self, endpoint: &str) {
        let mut command = self.lab.bare();
        command.args(["cache", "push", "s3://results/team", "--retries", "0", "--cache"]);
        command.arg(self.lab.path("cache")).env("TMPDIR", self.lab.path("tmp"));
        with_s3(&mut command, endpoint);
        command.output().unwrap();
    }

    /// Up to three files of the cache are damaged.
    fn rot(&mut self, story: &mut Vec<String>) {
        let cache = self.lab.path("cache");
        for _ in 0..=self.dice.below(3) {
            let kind = cache.join(*self.dice.pick(&["objects", "objects", "entries", "index", "studies"]));
            let all: Vec<PathBuf> = if kind.is_dir() { files(&kind) } else { vec![] };
            let whole: Vec<&PathBuf> =
                all.iter().filter(|path| fs::metadata(path).is_ok_and(|m| m.len() > 0)).collect();
            if whole.len() > 1 {
                let at = self.dice.below(whole.len());
                let (path, other) = (whole[at], whole[(at + 1) % whole.len()]);
                let rot = *self.dice.pick(&Rot::ALL);
                rot.come_over(path, other, &mut self.dice);
                story.push(format!("{rot:?} {}", path.strip_prefix(&cache).unwrap().display()));
            }
        }
    }

    /// The plain rerun ends well, and its results are right.
    fn rerun(&mut self, study: usize, story: &str) {
        let child = self.start(study, |_| ());
        let code = self.wait(child, &[story.to_owned()]);
        if code != Some(0) || !self.truths[study].is_held_by(&self.lab.path("cache")) {
            let journal = self.said();
            self.totals.wrong.push(format!("{story}: the rerun ended with {code:?}: {journal}"));
            let _ = fs::remove_dir_all(self.lab.path("cache"));
        }
    }

    /// Nothing is damaged, and nothing is left: no process, file descriptor, lock, claim, or temporary file.
    fn look(&mut self, studies: &[usize], story: &str) {
        // What no stage has read may be damaged still.
        on_cache(&self.lab, "cache", &["verify", "--repair"]);
        for &study in studies {
            self.rerun(study, story);
        }
        let verified = on_cache(&self.lab, "cache", &["verify"]);
        if verified.status.code() != Some(0) {
            let said = String::from_utf8_lossy(&verified.stderr).into_owned();
            self.totals.wrong.push(format!("{story}: verify: {said}"));
        }
        on_cache(&self.lab, "cache", &["gc", "--grace", "0s", "tiny.toml"]);
        let mut left: Vec<String> =
            litter(&self.lab.path("cache")).iter().map(|p| p.display().to_string()).collect();
        left.extend(files(&self.lab.path("tmp")).iter().map(|path| path.display().to_string()));
        left.extend(processes_in(&self.lab.path("")));
        left.extend(open_below(&self.lab.path("cache")));
        if !left.is_empty() {
            self.totals.leaks.push(format!("{story}: {left:?}"));
        }
    }
}

fn with_s3(command: &mut Command, endpoint: &str) {
    command.env("AWS_ENDPOINT_URL", endpoint).env("AWS_ALLOW_HTTP", "true").env("AWS_REGION", "us-east-1");
    command.env("AWS_ACCESS_KEY_ID", "AKIATESTS").env("AWS_SECRET_ACCESS_KEY", "of-the-tests");
}

/// Processes that work in `folder`. Workers that lost their program end by themselves, within seconds.
fn processes_in(folder: &Path) -> Vec<String> {
    let folder = folder.canonicalize().unwrap();
    let here = || -> Vec<String> {
        let all = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
        let is_here =
            |path: &PathBuf| fs::read_link(path.join("cwd")).is_ok_and(|cwd| cwd.starts_with(&folder));
        all.filter(is_here).map(|path| path.display().to_string()).collect()
    };
    let begun = Instant::now();
    while !here().is_empty() && begun.elapsed() < Duration::from_secs(30) {
        sleep(Duration::from_millis(20));
    }
    here()
}

/// Files below `folder` that this process holds open: it holds none.
fn open_below(folder: &Path) -> Vec<String> {
    let links =
        fs::read_dir("/proc/self/fd").unwrap().flatten().filter_map(|fd| fs::read_link(fd.path()).ok());
    links.filter(|file| file.starts_with(folder)).map(|file| file.display().to_string()).collect()
}
