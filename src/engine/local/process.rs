//! One worker process: jobs to its stdin, events from its stdout, all else into logs.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::gpus::VISIBLE;
use super::worker_log::WorkerLog;
use crate::engine::workers::WorkersError;
use crate::job::{Job, WorkerEvent};

/// The longest line that a worker may send; a longer one is no event.
const MAX_LINE: u64 = 1 << 20;

/// Lines of a worker that are no events and are told; of further ones only how many there were is told, before the next
/// event, so that a worker that writes without end costs no memory and fills no terminal.
const TOLD: u64 = 10;

/// How long a process that was killed is waited for.
const KILLED: Duration = Duration::from_secs(5);

/// Between two looks at a process that is waited for.
const STEP: Duration = Duration::from_millis(5);

/// What the reader of a worker's stdout says.
#[derive(Debug)]
pub enum FromWorker {
    /// It sent an event.
    Event(WorkerEvent),
    /// It sent something else; the text is cut short.
    Garbage(String),
    /// Its stdout is closed: it has ended, or is about to.
    Closed,
}

/// A running worker.
#[derive(Debug)]
pub struct WorkerProcess {
    child: Child,
    stdin: Option<ChildStdin>,
    log: WorkerLog,
}

/// How a worker is started.
#[derive(Clone, Copy, Debug)]
pub struct Launch<'a> {
    /// Its program.
    pub program: &'a Path,
    /// Threads that it may compute with.
    pub threads: u32,
    /// The one GPU that it sees; `None`: as its parent does.
    pub gpu: Option<&'a str>,
}

impl WorkerProcess {
    /// Starts a worker; what it says goes to `give`, which answers whether somebody still listens.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn spawn(
        launch: Launch<'_>,
        log: WorkerLog,
        mut give: impl FnMut(FromWorker) -> bool + Send + 'static,
    ) -> Result<Self, WorkersError> {
        let Launch { program, threads, gpu } = launch;
        let mut command = Command::new(program);
        dies_with_us(&mut command);
        let mut child = command
            .envs(gpu.map(|gpu| (VISIBLE, gpu)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Of its own group, so that Ctrl-C reaches the orchestrator alone, which stops it in good order.
            .process_group(0)
            .env("OMP_NUM_THREADS", threads.to_string())
            .env("MKL_NUM_THREADS", threads.to_string())
            .spawn()
            .map_err(|source| WorkersError::Start { program: program.to_owned(), source })?;
        let stdin = child.stdin.take();
        if let Some(stdout) = child.stdout.take() {
            let log = log.clone();
            let give = move |message: FromWorker| {
                log.note(&message);
                give(message)
            };
            std::thread::spawn(move || read_events(stdout, give));
        }
        if let Some(stderr) = child.stderr.take() {
            let log = log.clone();
            std::thread::spawn(move || log.listen(stderr));
        }
        Ok(WorkerProcess { child, stdin, log })
    }

    /// The process's number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a job; `false` where the worker does not read any more.
    pub fn send(&mut self, job: &Job) -> bool {
        let mut line = serde_json::to_string(job).unwrap_or_else(|e| panic!("bug: a job is plain data: {e}"));
        line.push('\n');
        self.stdin
            .as_mut()
            .is_some_and(|stdin| stdin.write_all(line.as_bytes()).and_then(|()| stdin.flush()).is_ok())
    }

    /// Asks it to stop: it keeps a checkpoint and ends.
    pub fn terminate(&mut self) {
        self.signal(rustix::process::Signal::TERM);
        self.stdin = None;
    }

    /// Ends it at once, with all that it started.
    pub fn kill(&mut self) {
        self.signal(rustix::process::Signal::KILL);
        self.stdin = None;
    }

    fn signal(&self, signal: rustix::process::Signal) {
        if let Some(group) = rustix::process::Pid::from_raw(self.child.id() as i32) {
            // It may be gone already.
            let _ = rustix::process::kill_process_group(group, signal);
        }
    }

    /// How it has ended, in words; `None` while it has not.
    pub fn ended(&mut self) -> Option<String> {
        match self.child.try_wait() {
            Ok(Some(status)) => Some(status_text(status)),
            Ok(None) => None,
            Err(error) => Some(format!("cannot be waited for: {error}")),
        }
    }

    /// Whether it has ended within `patience`, which is waited for.
    pub fn ends_within(&mut self, patience: Duration) -> bool {
        self.stdin = None;
        let until = Instant::now() + patience;
        while self.ended().is_none() {
            if Instant::now() >= until {
                return false;
            }
            std::thread::sleep(STEP);
        }
        true
    }

    /// The last lines that it wrote beside its events.
    pub fn last_words(&self) -> Vec<String> {
        self.log.last_words()
    }

    /// What it says from now on is about a job: `place` is the log of the run, `what` a line for it.
    pub fn begin(&self, place: &Path, what: &str) {
        self.log.begin(place.to_owned(), what);
    }
}

impl Drop for WorkerProcess {
    /// Ends it. One that waits for a disk that does not answer cannot be ended, and is left alone.
    fn drop(&mut self) {
        if self.ended().is_none() {
            self.kill();
            self.ends_within(KILLED);
        }
    }
}

/// Has a child ended by SIGUSR1 as soon as this thread ends, and so whenever this process does, from before its program is
/// loaded on: a worker asks for the same, but only once it is up, and one whose parent died before that would do its job
/// to the end for nobody. A worker that is up takes the signal as a reason to look.
#[expect(unsafe_code, reason = "what a child does before its program is loaded")]
fn dies_with_us(command: &mut Command) {
    let parent = rustix::process::getpid();
    // SAFETY: between fork and exec the child makes two system calls and touches no memory of ours.
    unsafe {
        command.pre_exec(move || {
            rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::USR1))?;
            // It may have been too late for that.
            match rustix::process::getppid() == Some(parent) {
                true => Ok(()),
                false => Err(rustix::io::Errno::SRCH.into()),
            }
        });
    }
}

fn read_events(stdout: impl Read, mut give: impl FnMut(FromWorker) -> bool) {
    let mut reader = BufReader::new(stdout);
    let mut line = Vec::new();
    let mut garbage = 0;
    loop {
        line.clear();
        match reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
        let message = match serde_json::from_slice(&line) {
            Ok(event) => {
                if !tell_further(&mut garbage, &mut give) {
                    return;
                }
                FromWorker::Event(event)
            }
            Err(_) => {
                garbage += 1;
                if garbage > TOLD {
                    continue;
                }
                let text: String = String::from_utf8_lossy(&line).chars().take(120).collect();
                FromWorker::Garbage(text.escape_debug().to_string())
            }
        };
        if !give(message) {
            return;
        }
    }
    if tell_further(&mut garbage, &mut give) {
        give(FromWorker::Closed);
    }
}

/// Tells how many lines were not told, if there are any, and whether somebody still listens.
fn tell_further(garbage: &mut u64, give: &mut impl FnMut(FromWorker) -> bool) -> bool {
    let untold = garbage.saturating_sub(TOLD);
    *garbage -= untold;
    untold == 0 || give(FromWorker::Garbage(format!("{untold} further lines")))
}

fn status_text(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(9), _) => "killed by signal 9 (by hand, or because memory ran out)".to_owned(),
        (Some(signal), _) => format!("killed by signal {signal}"),
        (None, Some(code)) => format!("ended with exit code {code}"),
        (None, None) => "ended".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn garbage_and_overlong_lines_are_told_from_events() {
        let key = "a".repeat(64);
        let mut text = format!("hello \x1b[31m\n{{\"event\":\"finished\",\"key\":\"{key}\"}}\n").into_bytes();
        text.extend(vec![b'x'; 3 << 20]);
        let mut seen = Vec::new();
        read_events(&text[..], |message| {
            seen.push(message);
            true
        });
        assert!(matches!(&seen[0], FromWorker::Garbage(text) if text == "hello \\u{1b}[31m\\n"), "{seen:?}");
        assert!(matches!(&seen[1], FromWorker::Event(WorkerEvent::Finished { .. })));
        assert!(matches!(seen.last(), Some(FromWorker::Closed)));
        assert_eq!(seen.len(), 6);
    }

    #[test]
    fn of_endless_garbage_the_first_lines_are_told() {
        let key = "a".repeat(64);
        let text = format!("{}{{\"event\":\"finished\",\"key\":\"{key}\"}}\n", "y\n".repeat(100_000));
        let mut seen = Vec::new();
        read_events(text.as_bytes(), |message| {
            seen.push(message);
            true
        });
        assert!(matches!(&seen[11], FromWorker::Event(WorkerEvent::Finished { .. })), "{:?}", seen[11]);
        assert!(
            matches!(&seen[10], FromWorker::Garbage(text) if text == "99990 further lines"),
            "{:?}",
            seen[10]
        );
        assert_eq!(seen.len(), 13);
    }
}
