//! A dataset in a temporary folder, the real program on it, and the texts that it is held against.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A program that has said nothing for so long hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// A folder with a dataset.
pub struct Lab {
    folder: tempfile::TempDir,
}

impl Lab {
    /// An empty one, with an empty images folder.
    pub fn new() -> Self {
        let lab = Lab { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(lab.path("images")).unwrap();
        lab
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, and the folders that it lies in.
    pub fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// A pipe that nobody writes to.
    pub fn pipe(&self, name: &str) {
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mkfifoat(rustix::fs::CWD, self.path(name), mode).unwrap();
    }

    /// What `ablatrix check` says about the dataset with these settings.
    pub fn check(&self, dataset: &str, from: &str) -> String {
        self.call(&["check"], dataset, from)
    }

    /// The same for `ablatrix run --until pixels`, which decodes every picture.
    pub fn decode(&self, dataset: &str, from: &str) -> String {
        self.call(&["run", "--until", "pixels", "--quiet"], dataset, from)
    }

    /// The table `name`, after a run.
    pub fn table(&self, name: &str) -> String {
        let output = self.command(&["table"]).arg(name).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    fn command(&self, verb: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ablatrix"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("ABLATRIX_") {
                command.env_remove(name);
            }
        }
        command.current_dir(self.folder.path()).arg(verb[0]).arg("bad.toml").args(&verb[1..]);
        command
    }

    /// The exit code, what was said on stderr, and the notes among what was printed.
    fn call(&self, verb: &[&str], dataset: &str, from: &str) -> String {
        let spec = format!(
            "name = \"bad\"\n[dataset]\n{dataset}\n[labels]\nfrom = \"{from}\"\nmin_positives = 0\n\
             [split]\nnear_duplicates = \"off\"\ntrain = 0.5\nval = 0.25\ntest = 0.25\n[images]\nsize = 16\n\
             [augment.grid]\ndesign = \"none\"\n"
        );
        self.put("bad.toml", spec);
        let mut command = self.command(verb);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = reader(child.stdout.take().unwrap());
        let stderr = reader(child.stderr.take().unwrap());
        let start = Instant::now();
        let code = loop {
            match child.try_wait().unwrap() {
                Some(status) => break status.code(),
                None if start.elapsed() > PATIENCE => {
                    child.kill().unwrap();
                    panic!("`ablatrix {}` hangs", verb.join(" "));
                }
                None => std::thread::sleep(Duration::from_millis(2)),
            }
        };
        let (stdout, stderr) = (stdout.join().unwrap(), stderr.join().unwrap());
        self.check_end(code, &stderr);
        let (stdout, stderr) = (unwrapped(&stdout), unwrapped(&without_log_name(&stderr)));
        let notes: String = stdout
            .lines()
            .filter(|line| line.starts_with("note: "))
            .map(|line| format!("{line}\n"))
            .collect();
        let code = code.map_or_else(|| "by a signal".to_owned(), |code| code.to_string());
        let said = format!("exit {code}\n{}{notes}", stderr.trim_end_matches('\n').to_owned() + "\n");
        said.replace(&format!("{}/", self.folder.path().display()), "")
            .replace("\n\n", "\n")
            .trim_end()
            .to_owned()
    }

    /// No panic, and nothing that is half done.
    fn check_end(&self, code: Option<i32>, stderr: &str) {
        assert!(matches!(code, Some(0..=2)), "exit {code:?}: {stderr}");
        assert!(!stderr.contains("panicked"), "{stderr}");
        let attempts = self.path("cache/work/attempts");
        let left = fs::read_dir(attempts).map_or(0, Iterator::count);
        assert_eq!(left, 0, "partial files: {stderr}");
    }
}

fn reader(mut pipe: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// What was said, with lines that were broken for their length whole again: where they are broken hangs on the folder's name.
fn unwrapped(said: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in said.lines() {
        let spaces = line.len() - line.trim_start_matches(' ').len();
        match lines.last_mut().filter(|_| matches!(spaces, 4 | 6)) {
            Some(last) => *last = format!("{last} {}", &line[spaces..]),
            None => lines.push(line.to_owned()),
        }
    }
    lines.join("\n")
}

/// What was said, by case, in the order of the cases.
#[derive(Default)]
pub struct Said(Vec<(String, String)>);

impl Said {
    /// One more case.
    pub fn add(&mut self, case: &str, said: String) {
        assert!(self.0.iter().all(|(other, _)| other != case), "two cases are called `{case}`");
        self.0.push((case.to_owned(), said));
    }

    /// Compares with the file `name` beside this one, which holds at least `least` cases.
    pub fn compare(&self, name: &str, least: usize) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad_datasets").join(name);
        if std::env::var_os("BLESS").is_some() {
            let sections = self.0.iter().map(|(case, said)| format!("# {case}\n{said}\n"));
            fs::write(&path, sections.collect::<Vec<_>>().join("\n")).unwrap();
        }
        let text = fs::read_to_string(&path).unwrap();
        let mut expected: BTreeMap<&str, &str> = text
            .split("# ")
            .filter_map(|section| section.split_once('\n'))
            .map(|(case, said)| (case, said.trim_end()))
            .collect();
        let mut wrong = Vec::new();
        for (case, said) in &self.0 {
            let wanted = expected.remove(case.as_str()).unwrap_or("nothing: the case is new");
            if wanted != said {
                wrong.push(format!("# {case}\n--- expected\n{wanted}\n--- said\n{said}\n"));
            }
        }
        assert!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
        assert!(expected.is_empty(), "{name}: cases that are gone: {:?}", expected.keys());
        assert!(self.0.len() >= least, "{} cases, expected {least}", self.0.len());
    }
}

/// The log of a call is named by its time and process, which no text can be held against.
fn without_log_name(stderr: &str) -> String {
    let line = |line: &str| match line.split_once("logs/bad/study-") {
        Some((before, rest)) => {
            let after = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-');
            format!("{before}logs/bad/study-N{after}\n")
        }
        None => format!("{line}\n"),
    };
    stderr.lines().map(line).collect()
}
