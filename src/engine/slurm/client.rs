//! Slurm's commands, each with a time after which it has not answered. No answer is never news of a job.

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::answers::{ACCOUNT_FORMAT, QUEUE_FORMAT, Row};

/// Programs without which no job can be submitted, followed and ended.
const NEEDED: [&str; 4] = ["sbatch", "squeue", "scontrol", "scancel"];

/// How long a question may take. `squeue` itself gives up after 18 seconds where the controller is down.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a submission may take: what was not answered must be looked for in the queue.
const SUBMIT_PATIENCE: Duration = Duration::from_secs(60);

/// What commands say that did not reach the controller, or that it had no time for.
const UNREACHED: [&str; 16] = [
    "unable to contact slurm controller",
    "socket timed out",
    "connection refused",
    "zero bytes were transmitted",
    "unable to establish controller",
    "communication connection failure",
    "communication",
    "authentication",
    "munge",
    "standby mode",
    "resource temporarily unavailable",
    "insane message length",
    "message receive failure",
    "unexpected message received",
    "timed out",
    "no route to host",
];

/// Why a command has given nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// It is not installed here.
    #[error("`{program}` is not on the PATH of this machine")]
    NoProgram {
        /// The command.
        program: &'static str,
    },
    /// Slurm did not answer: nothing is known.
    #[error("`{program}`: {why}")]
    NoAnswer {
        /// The command.
        program: &'static str,
        /// Why, in words.
        why: String,
    },
    /// Slurm says no.
    #[error("`{program}`: {said}")]
    Refused {
        /// The command.
        program: &'static str,
        /// Its own sentences.
        said: String,
    },
}

/// Calls Slurm's commands; clones stop together.
#[derive(Clone, Debug, Default)]
pub struct Client {
    stop: Arc<AtomicBool>,
}

impl Client {
    /// From now on no question waits for its answer.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether all commands that are needed are on the PATH.
    ///
    /// # Errors
    /// The first that is not.
    pub fn find_programs() -> Result<(), CallError> {
        let paths = std::env::var_os("PATH").unwrap_or_default();
        let is_there =
            |program: &str| std::env::split_paths(&paths).any(|folder| folder.join(program).is_file());
        match NEEDED.into_iter().find(|program| !is_there(program)) {
            Some(program) => Err(CallError::NoProgram { program }),
            None => Ok(()),
        }
    }

    /// Submits, and gives the array's id.
    ///
    /// # Errors
    /// After [`CallError::NoAnswer`] the jobs may be in the queue all the same.
    pub fn submit(&self, arguments: &[String]) -> Result<String, CallError> {
        const PROGRAM: &str = "sbatch";
        let answer = self.call(PROGRAM, arguments, SUBMIT_PATIENCE, false)?;
        // `12`, or `12;cluster`.
        let id = answer.trim().split(';').next().unwrap_or_default();
        match id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) {
            true => Err(CallError::NoAnswer {
                program: PROGRAM,
                why: format!("it answers `{}`", answer.trim().escape_debug()),
            }),
            false => Ok(id.to_owned()),
        }
    }

    /// Asks whether such jobs would be taken.
    ///
    /// # Errors
    /// Where not, or where nobody answers.
    pub fn try_out(&self, arguments: &[String]) -> Result<(), CallError> {
        self.call("sbatch", arguments, PATIENCE, true).map(drop)
    }

    /// All jobs of these names that Slurm still knows, in whatever state.
    ///
    /// # Errors
    /// Where nobody answers.
    pub fn queue(&self, names: &[&str]) -> Result<Vec<Row>, CallError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let names = names.join(",");
        let arguments = ["-h", "-r", "-t", "all", "-n", &names, "-o", QUEUE_FORMAT].map(str::to_owned);
        self.ask("squeue", &arguments).map(|text| Row::queued(&text))
    }

    /// Jobs of this name in the accounts of the last month.
    ///
    /// # Errors
    /// Where nobody answers, or no accounts are kept.
    pub fn accounts(&self, name: &str) -> Result<Vec<Row>, CallError> {
        let name = format!("--name={name}");
        let arguments =
            ["-n", "-P", "-X", "-S", "now-30days", "-o", ACCOUNT_FORMAT, &name].map(str::to_owned);
        self.ask("sacct", &arguments).map(|text| Row::accounted(&text))
    }

    /// The jobs of an array, with their exit codes, as long as Slurm remembers them.
    ///
    /// # Errors
    /// Where nobody answers, or the array is forgotten.
    pub fn show(&self, array: &str) -> Result<Vec<Row>, CallError> {
        self.ask("scontrol", &["-o", "show", "job", array].map(str::to_owned)).map(|text| Row::shown(&text))
    }

    /// The cluster's configuration.
    ///
    /// # Errors
    /// Where nobody answers.
    pub fn configuration(&self) -> Result<String, CallError> {
        self.ask("scontrol", &["show", "config"].map(str::to_owned))
    }

    /// Ends all jobs of this name, which holds a token of ours.
    ///
    /// # Errors
    /// Where nobody answers.
    pub fn cancel_all(&self, name: &str) -> Result<(), CallError> {
        self.call("scancel", &[format!("--name={name}")], PATIENCE, false).map(drop)
    }

    /// Ends those of the jobs `ids` that have this name: ids alone may be given to others after a crash of the controller. Names are looked up
    /// before, since `scancel` ends all jobs of an array that wait where it is told a name and the id of one of them.
    ///
    /// # Errors
    /// Where nobody answers.
    pub fn cancel_jobs(&self, name: &str, ids: &[String]) -> Result<(), CallError> {
        let there: Vec<String> =
            self.queue(&[name])?.iter().filter(|row| row.is_live()).map(Row::id).collect();
        let ids: Vec<String> = there.into_iter().filter(|id| ids.contains(id)).collect();
        if ids.is_empty() {
            return Ok(());
        }
        match self.call("scancel", &ids, PATIENCE, false) {
            // They have ended meanwhile.
            Err(CallError::Refused { said, .. }) if has_ended(&said) => Ok(()),
            result => result.map(drop),
        }
    }

    fn ask(&self, program: &'static str, arguments: &[String]) -> Result<String, CallError> {
        self.call(program, arguments, PATIENCE, true)
    }

    fn call(
        &self,
        program: &'static str,
        arguments: &[String],
        patience: Duration,
        may_stop: bool,
    ) -> Result<String, CallError> {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // In a group of its own, so that Ctrl-C does not cut a submission in two; and in words that are known here.
        command.process_group(0).env("LC_ALL", "C");
        // What the user's own calls leave out or filter would look like jobs that are gone.
        let filters = |name: &str| name.starts_with("SQUEUE_") || name.starts_with("SCANCEL_");
        let others = ["SBATCH_CLUSTERS", "SLURM_CLUSTERS", "SBATCH_ARRAY_INX", "SBATCH_WAIT"];
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| filters(name) || others.contains(&name)) {
                command.env_remove(name);
            }
        }
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(CallError::NoProgram { program });
            }
            Err(error) => {
                return Err(CallError::NoAnswer { program, why: format!("it cannot be started: {error}") });
            }
        };
        let (out, err) = (reader(child.stdout.take()), reader(child.stderr.take()));
        let status = match self.wait(&mut child, patience, may_stop) {
            Ok(status) => status,
            Err(why) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(CallError::NoAnswer { program, why });
            }
        };
        let text = |reader: std::thread::JoinHandle<Vec<u8>>| {
            String::from_utf8_lossy(&reader.join().unwrap_or_default()).into_owned()
        };
        let (out, err) = (text(out), text(err));
        if status.success() {
            return Ok(out);
        }
        let said = sentences(program, &err);
        let lower = said.to_lowercase();
        match UNREACHED.iter().any(|words| lower.contains(words)) {
            true => Err(CallError::NoAnswer { program, why: said }),
            false => Err(CallError::Refused { program, said }),
        }
    }

    /// Waits for the end of a command; why it was not waited for, in words.
    fn wait(
        &self,
        child: &mut Child,
        patience: Duration,
        may_stop: bool,
    ) -> Result<std::process::ExitStatus, String> {
        let begun = Instant::now();
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Ok(None) => {}
                Err(error) => return Err(format!("it cannot be waited for: {error}")),
            }
            if begun.elapsed() >= patience {
                return Err(format!("no answer within {} s", patience.as_secs()));
            }
            if may_stop && self.stop.load(Ordering::Relaxed) {
                return Err("it was not waited for".to_owned());
            }
            std::thread::sleep(
                Duration::from_millis(2).max(begun.elapsed() / 20).min(Duration::from_millis(50)),
            );
        }
    }
}

/// Whether `scancel` has not ended all of its jobs only because there was nothing to end any more.
fn has_ended(said: &str) -> bool {
    let lines = said.split("; ");
    let ended = |line: &str| {
        let line = line.to_lowercase();
        line.contains("invalid job id") || line.contains("already completing or completed")
    };
    lines.into_iter().all(ended)
}

fn reader(pipe: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            let _ = pipe.read_to_end(&mut bytes);
        }
        bytes
    })
}

/// What a command said, in one line, without its name before each sentence.
fn sentences(program: &str, said: &str) -> String {
    let prefix = format!("{program}: ");
    let clean = |line: &str| {
        let line = line.trim();
        let line = line.strip_prefix(&prefix).unwrap_or(line);
        line.strip_prefix("error: ")
            .unwrap_or(line)
            .escape_debug()
            .to_string()
            .replace("\\'", "'")
            .replace("\\\"", "\"")
    };
    let lines: Vec<String> = said.lines().map(clean).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() { "it failed without a word".to_owned() } else { lines.join("; ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_slurms_own() {
        let said = "sbatch: error: invalid partition specified: nope\nsbatch: error: Batch job submission failed: Invalid partition name specified\n";
        assert_eq!(
            sentences("sbatch", said),
            "invalid partition specified: nope; Batch job submission failed: Invalid partition name specified"
        );
        assert_eq!(sentences("sbatch", "\n"), "it failed without a word");
    }

    #[test]
    fn a_job_that_has_ended_need_not_be_cancelled() {
        let ended = "Kill job error on job id 12_3: Job/step already completing or completed";
        assert!(has_ended(ended));
        assert!(has_ended(&format!("{ended}; Kill job error on job id 12_4: Invalid job id specified")));
        assert!(!has_ended(&format!("{ended}; Kill job error on job id 12_4: Access/permission denied")));
    }

    #[test]
    fn a_command_that_hangs_or_is_missing_is_no_news() {
        let client = Client::default();
        let call = |program, arguments: &[&str], ms| {
            let arguments: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
            client.call(program, &arguments, Duration::from_millis(ms), true)
        };
        let error = call("sleep", &["30"], 30).unwrap_err();
        assert!(matches!(error, CallError::NoAnswer { .. }), "{error}");
        assert_eq!(
            call("no-such-program-of-slurm", &[], 1_000),
            Err(CallError::NoProgram { program: "no-such-program-of-slurm" })
        );
        assert_eq!(call("sh", &["-c", "echo good"], 10_000), Ok("good\n".to_owned()));
        let said = |text: &str| call("sh", &["-c", &format!("echo 'sh: error: {text}' >&2; exit 1")], 10_000);
        assert_eq!(said("wrong"), Err(CallError::Refused { program: "sh", said: "wrong".to_owned() }));
        let down = said("Unable to contact slurm controller (connect failure)");
        assert!(matches!(down, Err(CallError::NoAnswer { .. })), "{down:?}");
        client.stop();
        assert!(matches!(call("sleep", &["30"], 60_000), Err(CallError::NoAnswer { .. })));
    }
}
