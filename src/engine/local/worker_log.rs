//! What a worker says beside its events, kept run by run.
//!
//! A worker lives for many jobs. What it writes on its standard error, and its events, go into the log of the run that it works on;
//! what it says before its first job into a log of its own. Both stay below a size: a worker that prints without end fills no disk,
//! and is not held up either. A log that cannot be written loses news, never results.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::process::FromWorker;
use crate::engine::last_lines::{REMEMBERED, last_lines_of};
use crate::job::WorkerEvent;
use crate::log_file::LogFile;

/// The largest log.
const LIMIT: u64 = 1 << 20;
/// How long the rest of what a dead worker said is waited for. It is in the pipe already.
const REST: Duration = Duration::from_secs(2);

/// The log of one worker process, shared by those who listen to it.
#[derive(Clone, Debug)]
pub struct WorkerLog(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    closed: Condvar,
}

#[derive(Debug)]
struct State {
    /// Where what is said goes.
    place: PathBuf,
    /// Opened when something is said.
    file: Option<LogFile>,
    /// The end of what was said since the job began.
    last: Vec<u8>,
    /// The worker's standard error is closed.
    is_closed: bool,
}

impl WorkerLog {
    /// One that begins in the worker's own log.
    pub fn new(own: PathBuf) -> Self {
        let state = State { place: own, file: None, last: Vec::new(), is_closed: false };
        WorkerLog(Arc::new(Shared { state: Mutex::new(state), closed: Condvar::new() }))
    }

    /// Goes on in the log of a run; `what`: a line on what is done and where.
    pub fn begin(&self, place: PathBuf, what: &str) {
        let mut state = self.lock();
        (state.place, state.file) = (place, None);
        state.last.clear();
        state.line(what);
    }

    /// Takes note of what came on standard output; signs of life are passed over.
    pub fn note(&self, message: &FromWorker) {
        let text = match message {
            FromWorker::Event(WorkerEvent::Beat { .. } | WorkerEvent::Ready { .. }) => return,
            FromWorker::Event(event) => serde_json::to_string(event)
                .unwrap_or_else(|error| panic!("bug: an event is plain data: {error}")),
            FromWorker::Garbage(text) => format!("no event: {text}"),
            FromWorker::Closed => return,
        };
        self.lock().line(&text);
    }

    /// Reads a worker's standard error to its end.
    pub fn listen(&self, mut stderr: impl Read) {
        let mut piece = [0; 8192];
        loop {
            match stderr.read(&mut piece) {
                Ok(0) => break,
                Ok(n) => self.lock().take(&piece[..n]),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        self.lock().is_closed = true;
        self.0.closed.notify_all();
    }

    /// The last lines that a worker said in its job. Waits a moment for what a worker that has just died left in the pipe.
    pub fn last_words(&self) -> Vec<String> {
        let wait = self.0.closed.wait_timeout_while(self.lock(), REST, |state| !state.is_closed);
        let (state, _) = wait.unwrap_or_else(PoisonError::into_inner);
        last_lines_of(&state.last)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn file(&mut self) -> Option<&mut LogFile> {
        if self.file.is_none() {
            self.file = LogFile::open(&self.place, LIMIT)
                .inspect_err(|error| tracing::debug!(%error, log = %self.place.display(), "no log"))
                .ok();
        }
        self.file.as_mut()
    }

    fn line(&mut self, text: &str) {
        let _ = self.file().map(|file| file.line(text));
    }

    fn take(&mut self, said: &[u8]) {
        let _ = self.file().map(|file| file.append(said));
        self.last.extend(said);
        let excess = self.last.len().saturating_sub(REMEMBERED);
        self.last.drain(..excess);
    }
}

/// The line with which a job begins in a log.
pub fn opening(what: &str, run: &str, key: &str, worker: &Path, process: u32) -> String {
    format!("{what} {run}, key {key}, by `{}` as process {process}", worker.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fingerprint::Digest;

    #[test]
    fn what_is_said_goes_to_the_run_that_is_worked_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let log = WorkerLog::new(path("worker-1.log"));
        log.lock().take(b"loading\n");
        log.begin(path("runs/a.log"), "train a");
        log.lock().take(b"warm\n");
        let key = Digest::of(b"a");
        log.note(&FromWorker::Event(WorkerEvent::Beat { key: key.clone(), steps: 1 }));
        log.note(&FromWorker::Event(WorkerEvent::Finished { key }));
        log.begin(path("runs/b.log"), "train b");
        log.listen(&b"one\ntwo\n\x1b[31mthree\n"[..]);
        assert_eq!(log.last_words(), ["one", "two", "\\u{1b}[31mthree"]);
        let read = |name: &str| std::fs::read_to_string(path(name)).unwrap();
        assert_eq!(read("worker-1.log"), "loading\n");
        let (a, b) = (read("runs/a.log"), read("runs/b.log"));
        assert!(a.contains("UTC train a\nwarm\n") && a.contains("{\"event\":\"finished\""), "{a}");
        assert!(!a.contains("beat") && b.ends_with("UTC train b\none\ntwo\n\x1b[31mthree\n"), "{b}");
    }

    #[test]
    fn a_log_that_cannot_be_written_stops_nobody() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), b"").unwrap();
        let log = WorkerLog::new(folder.path().join("file/worker-1.log"));
        log.listen(&b"said\n"[..]);
        assert_eq!(log.last_words(), ["said"]);
    }
}
