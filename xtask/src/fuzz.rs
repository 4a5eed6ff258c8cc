//! Coverage-guided fuzzing: gives each target of `fuzz/` in turn its time, by cargo-fuzz and libFuzzer.
//!
//! All that comes of it lies below `target/fuzz`: `seeds` of the tests, the `corpus` that grew out of them, what was `found`, and logs.
//! Nothing is installed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::steps::{StepError, cargo, output, run};
use crate::{libtorch, say};

/// Seconds that one input may take.
const INPUT_SECONDS: u32 = 1;
/// MiB that one target may hold.
const MEMORY_MIB: u32 = 2_048;

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
pub struct Wish {
    /// Minutes for each target.
    minutes: u32,
    /// The target; all of them where none is named.
    target: Option<String>,
}

impl Wish {
    /// `[--minutes N] [TARGET]`.
    ///
    /// # Errors
    /// Where there is something else.
    pub fn read(words: impl IntoIterator<Item = String>) -> Result<Self, StepError> {
        let mut wish = Wish { minutes: 5, target: None };
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--minutes" => {
                    let number = words.next().unwrap_or_default();
                    let minutes = number.parse().ok().filter(|minutes| *minutes > 0);
                    wish.minutes = minutes.ok_or_else(|| {
                        StepError::Other(format!("`--minutes` is `{number}`, expected a whole number from 1"))
                    })?;
                }
                _ if word.starts_with('-') || wish.target.is_some() => {
                    return Err(StepError::Other(format!(
                        "`{word}` is not understood: fuzz [--minutes N] [TARGET]"
                    )));
                }
                _ => wish.target = Some(word),
            }
        }
        Ok(wish)
    }
}

/// Fuzzes, and fails where anything was found.
///
/// # Errors
/// Where a target ended in a panic, by running out of time or memory, or a program is missing.
pub fn fuzz(root: &Path, wish: &Wish) -> Result<(), StepError> {
    if Command::new("cargo-fuzz").arg("--version").output().is_err() {
        return Err(StepError::Other(
            "cargo-fuzz is not installed: `cargo install cargo-fuzz --locked` brings it".into(),
        ));
    }
    let room = Room { root, folder: root.join("target/fuzz") };
    let all = output(room.cargo_fuzz("list").args(["--fuzz-dir", "fuzz"]))?;
    let targets: Vec<&str> = match &wish.target {
        Some(target) if !all.lines().any(|name| name == target) => {
            let known = all.lines().collect::<Vec<_>>().join(", ");
            return Err(StepError::Other(format!("there is no target `{target}`, only {known}")));
        }
        Some(target) => vec![target],
        None => all.lines().collect(),
    };
    room.write_seeds()?;
    let mut build = room.cargo_fuzz("build");
    run(room.settings(&mut build).args(&wish.target))?;
    let mut found = Vec::new();
    for target in targets {
        found.extend(room.drive(target, wish.minutes)?);
    }
    if found.is_empty() {
        return Ok(());
    }
    let found: Vec<_> = found.iter().map(|path| path.display().to_string()).collect();
    Err(StepError::Other(format!(
        "found, and to be kept in `fuzz/finds` once it is mended:\n  {}",
        found.join("\n  ")
    )))
}

/// Where everything lies.
struct Room<'r> {
    root: &'r Path,
    folder: PathBuf,
}

impl Room<'_> {
    /// A command of cargo-fuzz, which asks of the compiler what only unstable ones give without being told to.
    fn cargo_fuzz(&self, command: &str) -> Command {
        let mut cargo = Command::new("cargo");
        cargo.current_dir(self.root).env("RUSTC_BOOTSTRAP", "1").args(["fuzz", command]);
        cargo
    }

    /// What building and running must agree in.
    fn settings<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.args(["--fuzz-dir", "fuzz", "--codegen-units", "16", "--target-dir"]);
        command.arg(self.folder.join("build"))
    }

    /// Has the tests write sound inputs of all targets.
    fn write_seeds(&self) -> Result<(), StepError> {
        let mut test = cargo(self.root, &libtorch::bring(self.root)?);
        test.env("ABLATRIX_FUZZ_SEEDS", self.folder.join("seeds"));
        // The workspace, as for all other tests: by itself the library would be built anew with all below it.
        test.args(["test", "--quiet", "--release", "--workspace", "--test", "mutations", "--"]);
        run(test.arg("every_target_of_fuzzing_has_sound_seeds"))
    }

    /// Fuzzes one target, says what was reached, and gives the file that ended it, if one did.
    fn drive(&self, target: &str, minutes: u32) -> Result<Option<PathBuf>, StepError> {
        let (corpus, found) =
            (self.folder.join("corpus").join(target), self.folder.join("found").join(target));
        let log = self.folder.join(format!("{target}.log"));
        let (into, errors) = make(&corpus).and_then(|()| make(&found)).and_then(|()| {
            File::create(&log).and_then(|file| Ok((file.try_clone()?, file))).map_err(|e| at(&log, &e))
        })?;
        let mut command = self.cargo_fuzz("run");
        self.settings(&mut command)
            .arg(target)
            .arg(&corpus)
            .arg(self.folder.join("seeds").join(target))
            .arg("--");
        command.arg(format!("-artifact_prefix={}/", found.display()));
        command.args([format!("-max_total_time={}", minutes * 60), format!("-timeout={INPUT_SECONDS}")]);
        command.args([format!("-rss_limit_mb={MEMORY_MIB}"), "-print_final_stats=1".into()]);
        // Readers of files get theirs in memory, where the machine has such a folder.
        if Path::new("/dev/shm").is_dir() {
            command.env("TMPDIR", "/dev/shm");
        }
        let ended = run(command.stdout(Stdio::from(into)).stderr(Stdio::from(errors)));
        let text = fs::read(&log).map_err(|error| at(&log, &error))?;
        let told = Told::by(&String::from_utf8_lossy(&text));
        say(&format!("{target}: {} inputs, {} edges, {} features", told.inputs, told.edges, told.features));
        match (ended, told.found) {
            (Ok(()), _) => Ok(None),
            (Err(_), Some(path)) => Ok(Some(path)),
            (Err(_), None) => Err(StepError::Other(format!("{target} did not run: see `{}`", log.display()))),
        }
    }
}

fn make(folder: &Path) -> Result<(), StepError> {
    fs::create_dir_all(folder).map_err(|error| at(folder, &error))
}

fn at(path: &Path, error: &std::io::Error) -> StepError {
    StepError::Other(format!("`{}`: {error}", path.display()))
}

/// What libFuzzer's log says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    inputs: u64,
    edges: u64,
    features: u64,
    found: Option<PathBuf>,
}

impl Told {
    /// Its last words count: `#123 REDUCE cov: 45 ft: 67 ...`, and `Test unit written to PATH` where it ended by an input.
    fn by(log: &str) -> Self {
        let mut told = Told::default();
        for line in log.lines() {
            let number = |after: &str| {
                let rest = line.split_once(after)?.1.trim_start();
                rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u64>().ok()
            };
            if let Some(inputs) = line.strip_prefix('#').and_then(|_| number("#")) {
                told.inputs = inputs;
            }
            if let (Some(edges), Some(features)) = (number(" cov: "), number(" ft: ")) {
                (told.edges, told.features) = (edges, features);
            }
            if let Some((_, path)) = line.split_once("Test unit written to ") {
                told.found = Some(path.trim().into());
            }
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(words: &[&str]) -> Result<Wish, StepError> {
        Wish::read(words.iter().map(|word| (*word).to_owned()))
    }

    #[test]
    fn wishes_are_read_or_refused() {
        assert_eq!(wish(&[]).unwrap(), Wish { minutes: 5, target: None });
        assert_eq!(
            wish(&["coco", "--minutes", "7"]).unwrap(),
            Wish { minutes: 7, target: Some("coco".into()) }
        );
        for bad in
            [&["--minutes"][..], &["--minutes", "0"], &["--minutes", "x"], &["--hours", "1"], &["a", "b"]]
        {
            assert!(wish(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn logs_are_understood() {
        let log = "INFO: seed corpus: files: 1\n#2\tINITED cov: 10 ft: 11 corp: 1/3b\n#2048\tpulse  cov: 12 ft: 13 corp: 4/9b\n\
                   ==7== ERROR: libFuzzer: deadly signal\nartifact_prefix='f/'; Test unit written to f/crash-01\n";
        let found = Some("f/crash-01".into());
        assert_eq!(Told::by(log), Told { inputs: 2_048, edges: 12, features: 13, found });
        assert_eq!(Told::by("#5\tDONE   cov: 1 ft: 2 corp: 1/1b\n").found, None);
    }
}
