//! The worker's life: jobs from standard input, or one from a file, each run to an event and an exit code.
//!
//! | exit code | |
//! |---|---|
//! | 0 | published; on standard input: no job is left |
//! | 1 | the job failed, and would fail again |
//! | 2 | the job file, a line on standard input or the command line cannot be read |
//! | 75 | interrupted; a checkpoint is kept |
//! | 76 | the job failed for want of disk, memory or device: worth another try |

use std::collections::HashMap;
use std::io::{self, BufRead, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{Sender, channel};
use std::time::Instant;

use ablatrix::cache::{Provenance, Store};
use ablatrix::job::{
    FailureKind, Job, JobStage, LIBTORCH, MEMORY_NOTE, PROCESSOR_NOTE, PROTOCOL, ROWS_NOTE, THREADS_NOTE,
    WorkerEvent,
};
use ablatrix::spec::settings::Device;

use crate::failure::JobError;
use crate::protocol::{self, Events};
use crate::stop::Stop;
use crate::{attention, devices, heart, predict, query, torch, train};

const FAILED: u8 = 1;
const UNREADABLE: u8 = 2;
const INTERRUPTED: u8 = 75;
const INFRASTRUCTURE: u8 = 76;

const USAGE: &str = "usage: ablatrix-worker               jobs on standard input, one JSON object a line
       ablatrix-worker job FILE      one job
       ablatrix-worker query         questions to a trained model, on standard input
       ablatrix-worker fits          whether weights fit a network, asked on standard input
       ablatrix-worker devices       what this machine offers, as JSON
       ablatrix-worker --version";

/// What runs jobs.
#[derive(Debug)]
pub struct Worker {
    /// Where news goes.
    pub events: Events,
    /// When to stop.
    pub stop: Stop,
}

/// How a job ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its result is in the cache.
    Published,
    /// A stop was requested.
    Interrupted,
}

/// The program.
pub fn main() -> ExitCode {
    let arguments: Vec<String> =
        std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let code = match arguments[..] {
        [] => serve(),
        ["job", file] => run_file(Path::new(file)),
        ["query"] => query::serve().map(|answered| if answered { 0 } else { FAILED }),
        ["fits"] => query::fits().map(|answered| if answered { 0 } else { FAILED }),
        ["devices"] => tell_devices(),
        ["--version"] => {
            let (version, libtorch) = (env!("CARGO_PKG_VERSION"), torch::version());
            let line = format!("ablatrix-worker {version} (libtorch {libtorch}, protocol {PROTOCOL})\n");
            io::stdout().write_all(line.as_bytes()).map(|()| 0)
        }
        ["--help" | "-h"] => io::stdout().write_all(format!("{USAGE}\n").as_bytes()).map(|()| 0),
        _ => {
            complain(&format!("unknown arguments `{}`\n{USAGE}", arguments.join(" ")));
            Ok(UNREADABLE)
        }
    };
    code.map_or_else(
        |error| {
            complain(&format!("cannot start: {error}"));
            ExitCode::from(INFRASTRUCTURE)
        },
        ExitCode::from,
    )
}

/// Writes what this machine offers.
fn tell_devices() -> io::Result<u8> {
    let stop = Stop::on_signals();
    // What libtorch prints on its own goes to standard error.
    let events = Events::take_stdout(stop)?;
    torch::prepare_process();
    events.write(&devices::look());
    Ok(0)
}

/// What the main thread of a serving worker hears.
enum Message {
    Line(String),
    /// Standard input is closed.
    Closed,
    /// A signal asked to stop.
    Stop,
}

/// Runs the jobs on standard input, one after the other, until it is closed.
fn serve() -> io::Result<u8> {
    let stop = Stop::with_parent();
    let (sender, messages) = channel();
    let wake = sender.clone();
    stop.listen(move || {
        let _ = wake.send(Message::Stop);
    })?;
    let worker = Worker::start(stop.clone())?;
    std::thread::Builder::new().name("stdin".into()).spawn(move || read_lines(&sender, &stop))?;
    worker.events.ready();

    let mut stores = HashMap::new();
    for message in messages {
        let line = match message {
            Message::Line(line) => line,
            Message::Closed => return Ok(0),
            Message::Stop => return Ok(INTERRUPTED),
        };
        if line.trim().is_empty() {
            continue;
        }
        let job = match protocol::parse(&line) {
            Ok(job) => job,
            Err(error) => {
                worker.refuse(&error);
                // What follows a line that is no job cannot be trusted to be one.
                if error.key().is_none() {
                    return Ok(UNREADABLE);
                }
                continue;
            }
        };
        if worker.run(&job, &mut stores) == INTERRUPTED {
            return Ok(INTERRUPTED);
        }
    }
    Ok(0)
}

/// Passes lines on until there are none. A closed pipe means that nobody waits for the job in hand either;
/// the end of a file says only that there are no more jobs.
fn read_lines(sender: &Sender<Message>, stop: &Stop) {
    let mut input = io::stdin().lock();
    let mut line = Vec::new();
    while matches!(input.read_until(b'\n', &mut line), Ok(n) if n > 0) {
        if sender.send(Message::Line(String::from_utf8_lossy(&line).into_owned())).is_err() {
            return;
        }
        line.clear();
    }
    let is_file = rustix::fs::fstat(rustix::stdio::stdin())
        .is_ok_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode).is_file());
    if !is_file {
        stop.request();
    }
    let _ = sender.send(Message::Closed);
}

/// Runs the job in a file.
fn run_file(path: &Path) -> io::Result<u8> {
    let stop = Stop::on_signals();
    stop.listen(|| {})?;
    let worker = Worker::start(stop)?;
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            complain(&format!("cannot read job `{}`: {error}", path.display()));
            return Ok(UNREADABLE);
        }
    };
    match protocol::parse(&text) {
        Ok(job) => {
            worker.events.ready();
            Ok(worker.run(&job, &mut HashMap::new()))
        }
        Err(error) => {
            worker.refuse(&error);
            Ok(UNREADABLE)
        }
    }
}

impl Worker {
    fn start(stop: Stop) -> io::Result<Self> {
        let events = Events::take_stdout(stop.clone())?;
        torch::prepare_process();
        Ok(Worker { events, stop })
    }

    /// Runs one job, tells how it ended, and gives the exit code that says the same.
    fn run(&self, job: &Job, stores: &mut HashMap<PathBuf, Store>) -> u8 {
        let work = AssertUnwindSafe(|| self.work(job, stores));
        // Gradients are on again, also where an earlier job ended in a panic without them.
        let result = heart::beat_during(job, &self.events, &self.stop, || {
            catch_unwind(|| tch::with_grad(work)).unwrap_or_else(|panic| Err(JobError::of_panic(&*panic)))
        });
        let key = job.fingerprint.key.clone();
        match result {
            Ok(Outcome::Published) => {
                self.events.emit(&WorkerEvent::Finished { key });
                0
            }
            Ok(Outcome::Interrupted) => {
                self.events.emit(&WorkerEvent::Interrupted { key });
                INTERRUPTED
            }
            Err(error) => {
                let (kind, message) = (error.kind(), error.message());
                self.warn(&format!("`{}` failed: {message}", job.run));
                self.events.emit(&WorkerEvent::Failed { key, kind, message });
                if kind == FailureKind::Final { FAILED } else { INFRASTRUCTURE }
            }
        }
    }

    fn work(&self, job: &Job, stores: &mut HashMap<PathBuf, Store>) -> Result<Outcome, JobError> {
        if self.stop.requested() {
            return Ok(Outcome::Interrupted);
        }
        if torch::version() != LIBTORCH {
            return Err(JobError::OtherLibtorch);
        }
        // Kept from job to job: a store knows which objects it has checked.
        let store = match stores.get(&job.cache) {
            Some(store) => store.clone(),
            None => {
                let store = Store::open(&job.cache)?;
                stores.insert(job.cache.clone(), store.clone());
                store
            }
        };
        if store.lookup(&job.fingerprint.key)?.is_some() {
            return Ok(Outcome::Published);
        }
        match job.stage {
            JobStage::Train => train::train(job, &store, self),
            JobStage::Predict => predict::predict(job, &store, self),
            JobStage::Explain => attention::explain(job, &store, self),
        }
    }

    /// Tells that a line was no job.
    fn refuse(&self, error: &protocol::LineError) {
        let message = error.to_string();
        self.warn(&message);
        self.events.emit(&match error.key() {
            Some(key) => WorkerEvent::Failed { key: key.clone(), kind: FailureKind::Final, message },
            None => WorkerEvent::Refused { message },
        });
    }

    /// Says something to whoever reads the log.
    pub fn warn(&self, message: &str) {
        complain(message);
    }

    /// Says something of a job's run to whoever watches it, and to the log; `once`: it is true of several runs, and told of one.
    pub fn notice(&self, job: &Job, message: String, once: bool) {
        self.warn(&format!("`{}`: {message}", job.run));
        self.events.emit(&WorkerEvent::Notice { key: job.fingerprint.key.clone(), message, once });
    }
}

/// Where and how a job's result was made, for work that began at `started`; `fewer`: rows of a pass, where memory allowed fewer than
/// usual.
pub fn provenance(job: &Job, started: Instant, fewer: Option<usize>) -> Provenance {
    let made = Provenance::here(started)
        .note("device", format!("{:?}", job.device).to_lowercase())
        .note(THREADS_NOTE, job.threads)
        .note("libtorch", torch::version())
        .note(MEMORY_NOTE, own_memory());
    let made = match fewer {
        Some(rows) => made.note(ROWS_NOTE, rows),
        None => made,
    };
    match job.device {
        Device::Cpu => made.note(PROCESSOR_NOTE, devices::processor()),
        Device::Cuda => made,
    }
}

/// Bytes that this process has for itself, files that it has mapped left aside; 0 where the kernel does not tell.
fn own_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()
    };
    1024 * (kib("RssAnon:").unwrap_or(0) + kib("RssShmem:").unwrap_or(0))
}

/// Says something to whoever reads the log.
fn complain(message: &str) {
    // Where standard error is closed, nobody wants to know.
    let _ = writeln!(io::stderr(), "ablatrix-worker: {message}");
}
