//! A corpus of 119 bad inputs: each is refused, set aside, mentioned or accepted as `cases.toml` says.
//!
//! `make.py` writes a project for each case, sound but for one defect; the real program is run on it. Beside the words of each
//! case, of all holds: no panic, no more than 1 GiB of memory, an end, no line that fills a screen, and nothing on the
//! terminal that drives it. Where the level is S, the picture is refused by name, and set aside where the spec allows it.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test may end so, and says what it did")]

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;

/// A program that takes so long hangs.
const PATIENCE: Duration = Duration::from_secs(60);
/// What the program may hold in memory, in KiB.
const MEMORY_KIB: u32 = 1 << 20;
/// Characters of the longest line, but for one that holds a single word, or a command that is to be copied.
const LINE: usize = 200;
/// How many cases of each kind there are.
const KINDS: [(char, usize); 7] =
    [('T', 28), ('C', 31), ('V', 11), ('I', 21), ('M', 10), ('K', 10), ('D', 8)];

#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    id: String,
    what: String,
    level: Level,
    code: i32,
    words: Vec<String>,
    /// What must not be shown.
    #[serde(default)]
    never: Vec<String>,
    #[serde(default)]
    verb: Verb,
    #[serde(default)]
    elsewhere: Vec<String>,
    otherwise: Option<String>,
    short: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
enum Level {
    /// Refused before any work.
    E,
    /// The sample can be set aside.
    S,
    /// Accepted, and mentioned.
    W,
    /// Accepted.
    A,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verb {
    #[default]
    Check,
    Pixels,
    Fetch,
}

impl Verb {
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Verb::Check => &["check", "spec.toml"],
            Verb::Pixels => &["run", "spec.toml", "--until", "pixels", "--quiet"],
            Verb::Fetch => &["data", "fetch", "spec.toml"],
        }
    }
}

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

fn cases() -> Vec<Case> {
    let text = fs::read_to_string(here().join("cases.toml")).unwrap();
    toml::from_str::<Cases>(&text).unwrap().case
}

/// Writes the projects; `None`, and a line that says so, where there is no Python.
fn projects(of: &[&str]) -> Option<tempfile::TempDir> {
    let folder = tempfile::tempdir().unwrap();
    let mut python = Command::new("python3");
    match python.arg(here().join("make.py")).arg(folder.path()).args(of).output() {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Some(folder)
        }
        Err(error) => {
            println!("skipped: `python3` cannot be started: {error}");
            None
        }
    }
}

/// How a call ended, and what it said on both streams.
struct Ended {
    code: Option<i32>,
    said: String,
}

/// Runs the program in `project`, within limits.
fn call(project: &Path, arguments: &[&str]) -> Ended {
    let mut command = Command::new("sh");
    command.args(["-c", r#"ulimit -d "$0" && exec "$@""#, &MEMORY_KIB.to_string()]);
    command.arg(env!("CARGO_BIN_EXE_ablatrix")).args(arguments).current_dir(project);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ABLATRIX_") {
            command.env_remove(name);
        }
    }
    // Only what starts no worker is called.
    command.env("ABLATRIX_WORKER", "/nonexistent/ablatrix-worker");
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let streams: [Box<dyn Read + Send>; 2] =
        [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
    let readers = streams.map(|mut stream| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).unwrap();
            bytes
        })
    });
    let begun = Instant::now();
    let code = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status.code(),
            None if begun.elapsed() > PATIENCE => {
                child.kill().unwrap();
                panic!("{}: `ablatrix {}` hangs", project.display(), arguments.join(" "));
            }
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    };
    let said = readers.map(|reader| String::from_utf8(reader.join().unwrap()).expect("output is UTF-8"));
    Ended { code, said: said.concat() }
}

/// What holds of every case. Gives what is wrong.
fn faults_of_form(ended: &Ended) -> Vec<String> {
    let mut faults = Vec::new();
    if !matches!(ended.code, Some(0..=2)) {
        faults.push(format!("it ended with {:?}", ended.code));
    }
    for word in ["panicked", "RUST_BACKTRACE", "fault of ablatrix", "memory allocation"] {
        if ended.said.contains(word) {
            faults.push(format!("`{word}` was said"));
        }
    }
    let drives = |c: &char| {
        (c.is_control() && *c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if let Some(c) = ended.said.chars().find(drives) {
        faults.push(format!("{c:?} reached the terminal"));
    }
    let is_long = |line: &&str| {
        let is_whole =
            !line.trim().contains(' ') || line.contains("`python -c ") || line.contains("`ablatrix ");
        line.chars().count() > LINE && !is_whole
    };
    if let Some(line) = ended.said.lines().find(is_long) {
        faults.push(format!("a line of {} characters", line.chars().count()));
    }
    faults
}

/// Runs a case and gives what is wrong.
fn faults(case: &Case, project: &Path) -> Vec<String> {
    let ended = call(project, case.verb.arguments());
    let mut faults = faults_of_form(&ended);
    if ended.code != Some(case.code) {
        faults.push(format!("exit code {:?}, expected {}", ended.code, case.code));
    }
    for word in &case.words {
        if !ended.said.contains(word.as_str()) {
            faults.push(format!("`{word}` is missing"));
        }
    }
    for word in &case.never {
        if ended.said.contains(word.as_str()) {
            faults.push(format!("`{word}` was shown"));
        }
    }
    let noted = ended.said.lines().any(|line| line.starts_with("note: "));
    match case.level {
        Level::A if noted => faults.push("a note, although nothing is to be said".to_owned()),
        Level::W if !noted => faults.push("no note".to_owned()),
        Level::S => faults.extend(faults_of_setting_aside(project)),
        _ => {}
    }
    if !faults.is_empty() {
        faults.push(format!("it said:\n{}", ended.said.chars().take(3000).collect::<String>()));
    }
    faults
}

/// A sample with `bad_images = "skip"`: the study goes on without it, and says so.
fn faults_of_setting_aside(project: &Path) -> Vec<String> {
    let skip = ["--set", "dataset.bad_images=skip"];
    let run = call(project, &[Verb::Pixels.arguments(), &skip].concat());
    let check = call(project, &[Verb::Check.arguments(), &skip].concat());
    let mut faults = [faults_of_form(&run), faults_of_form(&check)].concat();
    if (run.code, check.code) != (Some(0), Some(0)) {
        faults.push(format!("not set aside: {}{}", run.said, check.said));
    }
    if !check.said.contains("note: images set aside: `img1.jpg: ") {
        faults.push(format!("set aside without a word: {}", check.said));
    }
    faults
}

#[test]
fn every_case_is_answered_as_it_should_be() {
    let cases = cases();
    let here: Vec<&Case> =
        cases.iter().filter(|case| case.elsewhere.is_empty() && case.id != "D06").collect();
    let ids: Vec<&str> = here.iter().map(|case| case.id.as_str()).collect();
    let Some(folder) = projects(&ids) else { return };
    let mut wrong = Vec::new();
    let mut slowest = (Duration::ZERO, "");
    let mut left_out = 0;
    for case in &here {
        let project = folder.path().join(&case.id);
        // The corpus's picture without rights is no obstacle to the superuser.
        if case.id == "I19" && fs::read(project.join("images/img1.jpg")).is_ok() {
            println!("left out: {}: this user may read every file", case.id);
            left_out += 1;
            continue;
        }
        let begun = Instant::now();
        let faults = faults(case, &project);
        slowest = slowest.max((begun.elapsed(), &case.id));
        if !faults.is_empty() {
            wrong.push(format!("{} ({}): {}", case.id, case.what, faults.join("; ")));
        }
    }
    println!("{} cases, slowest {} in {:.1} s", here.len() - left_out, slowest.1, slowest.0.as_secs_f64());
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), here.len(), wrong.join("\n"));
}

#[test]
fn a_sound_project_passes_without_a_note() {
    // Else no case would show anything: T25 is sound but for its line ends.
    let Some(folder) = projects(&["T25"]) else { return };
    let ended = call(&folder.path().join("T25"), Verb::Pixels.arguments());
    assert_eq!(ended.code, Some(0), "{}", ended.said);
    assert!(!ended.said.contains("note: "), "{}", ended.said);
}

/// Where the images have been read before, they are not all looked at once more: `check` does that.
#[test]
fn links_that_lead_out_are_told_by_run_when_images_are_read() {
    let Some(folder) = projects(&["I15"]) else { return };
    let what = "note: images behind links that lead out of the images folder, which are followed: `img1.jpg`";
    let notes = |args: &[&str]| -> Vec<String> {
        let ended = call(&folder.path().join("I15"), args);
        assert_eq!(ended.code, Some(0), "{}", ended.said);
        ended.said.lines().filter(|line| line.starts_with("note: ")).map(str::to_owned).collect()
    };
    let json = ["run", "spec.toml", "--until", "scan", "--cache", "other", "--format", "json"];
    assert_eq!(notes(&json), Vec::<String>::new());
    let scan = ["run", "spec.toml", "--until", "scan"];
    assert_eq!((notes(&scan), notes(&scan)), (vec![what.to_owned()], vec![]));
    assert_eq!(notes(&["run", "spec.toml", "--until", "label"]), Vec::<String>::new());
    assert!(notes(&["check", "spec.toml"]).contains(&what.to_owned()));
}

#[test]
fn the_list_is_whole_and_what_is_tested_elsewhere_is_there() {
    let cases = cases();
    let expected = KINDS.iter().flat_map(|(kind, n)| (1..=*n).map(move |i| format!("{kind}{i:02}")));
    assert!(expected.eq(cases.iter().map(|case| case.id.clone())), "cases are missing, or out of order");
    for case in &cases {
        let id = &case.id;
        for place in &case.elsewhere {
            let (file, test) = place.split_once("::").unwrap();
            let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
            assert!(text.contains(&format!("fn {test}(")), "{id}: {place} is gone");
        }
        let reasons = [&case.otherwise, &case.short];
        assert!(reasons.iter().all(|reason| reason.as_ref().is_none_or(|reason| reason.len() > 5)), "{id}");
        assert!(!case.what.is_empty());
        let silent = case.words.is_empty() && case.elsewhere.is_empty();
        assert!(!silent || case.level == Level::A || id == "D06", "{id} is refused without words");
    }
}
