//! A page as a script for bash that has as many lines as the page: fences of `sh` as they stand, files that fences write as
//! here-documents, nothing in place of all else. So a message of bash names the line of the page.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::page::{Line, Page};

/// In place of a page's title: the first command that fails ends the page, and says where.
const HEAD: &str = r#"set -Eeuo pipefail; trap 'echo "$0:$LINENO: ended with exit code $?" >&2' ERR"#;

/// What fences may take that not every machine has.
const WITH: [&str; 2] = ["mlflow", "slurm"];

/// What a page may take.
const LIMIT: Duration = Duration::from_secs(600);

/// Ends a file; no page has such a line.
const END: &str = "END OF THE FILE";

/// What is done with a fence.
enum Fence<'a> {
    /// Nothing.
    Shown,
    /// Its lines are run.
    Run,
    /// Its lines are run where there is what they take: a server, a cluster.
    With(&'a str),
    /// Its lines are written into a file of this name.
    Written(&'a str),
}

impl<'a> Fence<'a> {
    /// By what stands behind the backticks. Whatever else stands there is a fault: a misspelt `sh` would never be run.
    fn of(info: &'a str) -> Result<Self, String> {
        match info {
            "sh" => Ok(Fence::Run),
            "sh,ignore" | "toml" | "text" | "json" | "yaml" | "csv" => Ok(Fence::Shown),
            _ => match (info.strip_prefix("sh,with="), info.split_once(",file=")) {
                (Some(what), _) if WITH.contains(&what) => Ok(Fence::With(what)),
                (_, Some((_, name))) if is_plain(name) => Ok(Fence::Written(name)),
                (_, Some((_, name))) => {
                    Err(format!("`{name}` is no plain name of a file below the page's folder"))
                }
                (_, None) => Err(format!(
                    "a fence of `{info}`: expected `sh` (run), `sh,with=…` (run where there is one of {}), `sh,ignore` (shown), \
                     `LANGUAGE,file=NAME` (written), or toml, text, json, yaml, csv (shown)",
                    WITH.join(", ")
                )),
            },
        }
    }
}

fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    !name.is_empty() && name.chars().all(plain) && !name.starts_with('/') && !name.contains("..")
}

/// A page as a script.
pub struct Script {
    text: String,
    /// Fences that are run.
    pub n_run: usize,
    /// What fences take that there is not: these are not run.
    pub lacking: Vec<String>,
}

/// Where a script is run.
#[derive(Default)]
pub struct Place {
    /// Folders that programs are looked for in, before all others.
    pub programs: Vec<PathBuf>,
    /// Variables of the environment.
    pub variables: Vec<(&'static str, PathBuf)>,
}

impl Script {
    /// The script of a page, where there is what fences take that `with` names.
    pub fn of(page: &Page, with: &[&str]) -> Result<Self, String> {
        let mut script = Script { text: String::new(), n_run: 0, lacking: Vec::new() };
        let mut fence = Fence::Shown;
        for (at, line) in page.lines().into_iter().enumerate() {
            let fault = |what: &str| format!("{}:{}: {what}", page.name, at + 1);
            match line {
                Line::Prose(_) if at == 0 => script.text.push_str(HEAD),
                _ if at == 0 => return Err(fault("expected the page's title")),
                Line::Prose(_) => {}
                Line::Opens { info, indented } => {
                    fence = Fence::of(info).map_err(|what| fault(&what))?;
                    if let Fence::With(what) = fence {
                        if with.contains(&what) {
                            fence = Fence::Run;
                        } else {
                            script.lacking.push(what.to_owned());
                            fence = Fence::Shown;
                        }
                    }
                    if indented && !matches!(fence, Fence::Shown) {
                        return Err(fault("a fence that is run or written begins at the line's start"));
                    }
                    match fence {
                        Fence::Shown | Fence::With(_) => {}
                        Fence::Run => script.n_run += 1,
                        Fence::Written(name) => script
                            .text
                            .push_str(&format!("mkdir -p \"$(dirname '{name}')\"; cat >'{name}' <<'{END}'")),
                    }
                }
                Line::Fenced(text) => {
                    if !matches!(fence, Fence::Shown) {
                        script.text.push_str(text);
                    }
                }
                Line::Closes => {
                    if let Fence::Written(_) = fence {
                        script.text.push_str(END);
                    }
                }
            }
            script.text.push('\n');
        }
        Ok(script)
    }

    /// Runs it in a new folder, which is the home of who runs it too, and ends what it leaves running. Gives what was said where it fails.
    pub fn run(&self, name: &str, place: &Place) -> Result<(), String> {
        let folder = tempfile::tempdir().unwrap();
        let own = Path::new(env!("CARGO_BIN_EXE_ablatrix")).parent().unwrap().to_owned();
        let others = std::env::var_os("PATH").unwrap_or_default();
        let folders = place.programs.iter().cloned().chain([own]).chain(std::env::split_paths(&others));
        let mut bash = Command::new("bash");
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("ABLATRIX_") {
                bash.env_remove(variable);
            }
        }
        bash.args(["-c", &self.text, name]).current_dir(folder.path()).stdin(Stdio::null());
        // What a page says of the processor holds on a machine with GPUs too.
        bash.env("PATH", std::env::join_paths(folders).unwrap())
            .env("HOME", folder.path())
            .env("CUDA_VISIBLE_DEVICES", "")
            .env("NO_COLOR", "1")
            .envs(place.variables.iter().map(|(name, value)| (name, value)));
        // Into files: a server that goes on would keep pipes open.
        let said = |name: &str| std::fs::File::create(folder.path().join(name)).unwrap();
        let [out, err] = [".standard-output", ".standard-error"];
        let mut child = bash.stdout(said(out)).stderr(said(err)).process_group(0).spawn().unwrap();
        // A page that waits for something that never comes would keep the whole suite.
        let until = Instant::now() + LIMIT;
        let ended = loop {
            match child.try_wait().unwrap() {
                Some(status) => break Some(status),
                None if Instant::now() > until => break None,
                None => sleep(Duration::from_millis(20)),
            }
        };
        let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
        let ended = match ended {
            Some(status) if status.success() => return Ok(()),
            Some(status) => status.to_string(),
            None => {
                let _ = child.wait();
                format!("had not ended after {} s", LIMIT.as_secs())
            }
        };
        let said = |name: &str| {
            String::from_utf8_lossy(&std::fs::read(folder.path().join(name)).unwrap()).into_owned()
        };
        Err(format!("{name}: {ended}\n{}\n--- standard output\n{}", said(err), said(out)))
    }
}
