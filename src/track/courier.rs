//! Keeps what is to be sent, in order, and decides when to try again and what to give up.
//!
//! Takes events; gives them one by one to a [`Delivery`]. An error that may pass is waited out, longer each
//! time; after some in a row nothing is tried until the end. What the server refuses for itself is set aside,
//! the rest goes on. The books are shared with whoever waits for the end, so that they can be read while a
//! call hangs. Knows no threads: [`tracker`](super::tracker) drives it from one, [`replay`](super::replay)
//! without.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::delivery::{Delivered, Delivery};
use super::event::TrackEvent;
use super::http::{CallError, Limits, Severity};
use super::sent::{RunSent, Sent};

/// A server that answers with its own failure so often for the same event will not take it.
const FAULTS_OF_ONE_EVENT: u32 = 4;

/// What has been sent, for how many runs, and what should be told.
#[derive(Debug, Default)]
pub(super) struct Books {
    runs: BTreeMap<String, RunBook>,
    warnings: Vec<String>,
    told: BTreeSet<String>,
    page: Option<String>,
}

#[derive(Debug, Default)]
struct RunBook {
    name: String,
    waiting: usize,
    lost: bool,
    sent: Sent,
}

impl RunBook {
    fn is_whole(&self) -> bool {
        self.waiting == 0 && !self.lost
    }
}

impl Books {
    /// Runs that the server has whole, and runs of which something is missing; the study itself is one more.
    pub fn sent_and_unsent(&self) -> (usize, usize) {
        let sent = self.runs.values().filter(|run| run.is_whole()).count();
        (sent, self.runs.len() - sent)
    }

    /// Each run, and what was sent of it, by name.
    pub fn runs(&self) -> Vec<RunSent> {
        let of = |(trial_id, book): (&String, &RunBook)| RunSent {
            trial_id: trial_id.clone(),
            name: book.name.clone(),
            whole: book.is_whole(),
            sent: book.sent.clone(),
        };
        let mut runs: Vec<RunSent> = self.runs.iter().map(of).collect();
        runs.sort_by(|a, b| a.name.cmp(&b.name));
        runs
    }

    pub fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }

    pub fn page(&self) -> Option<String> {
        self.page.clone()
    }

    pub fn expect(&mut self, event: &TrackEvent) {
        let run = self.runs.entry(event.trial_id().to_owned()).or_default();
        run.waiting += 1;
        match event {
            TrackEvent::StudyStarted(event) => run.name.clone_from(&event.name),
            TrackEvent::RunStarted(event) => run.name.clone_from(&event.run),
            _ => {}
        }
    }

    /// The same text is told once, however many runs it concerns.
    pub fn warn(&mut self, text: String) {
        if self.told.insert(text.clone()) {
            self.warnings.push(text);
        }
    }

    fn settle(&mut self, trial_id: &str, lost: bool, sent: Sent) {
        let run = self.runs.entry(trial_id.to_owned()).or_default();
        run.waiting = run.waiting.saturating_sub(1);
        run.lost |= lost;
        run.sent.add(sent);
    }
}

/// The books, shared.
#[derive(Clone, Debug, Default)]
pub(super) struct SharedBooks(Arc<Mutex<Books>>);

impl SharedBooks {
    /// Held for moments only, never during a call.
    pub fn open(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a courier wants to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing to send, or given up until the end.
    Idle,
    /// To try again, not before this moment.
    At(Instant),
    /// To send.
    Now,
}

/// Carries events to one server.
pub(super) struct Courier {
    delivery: Delivery,
    limits: Limits,
    backlog: VecDeque<TrackEvent>,
    books: SharedBooks,
    /// In a row.
    failures: u32,
    /// Of the first event, by the server's own fault.
    faults: u32,
    not_before: Option<Instant>,
    /// The user knows that the server fails now.
    told: bool,
    last_time_ms: i64,
}

impl Courier {
    pub fn new(delivery: Delivery, limits: Limits) -> Self {
        Courier {
            delivery,
            limits,
            backlog: VecDeque::new(),
            books: SharedBooks::default(),
            failures: 0,
            faults: 0,
            not_before: None,
            told: false,
            last_time_ms: 0,
        }
    }

    pub fn books(&self) -> SharedBooks {
        self.books.clone()
    }

    /// Takes an event that the books already expect.
    pub fn push(&mut self, event: TrackEvent) {
        self.backlog.push_back(event);
    }

    /// The server could not be reached at the start: the first try waits.
    pub fn start_late(&mut self, error: &CallError) {
        self.failed();
        self.tell(format!("MLflow is tried again later: {}", error.with_causes()));
    }

    pub fn next(&self) -> Next {
        if self.backlog.is_empty() || self.has_given_up() {
            return Next::Idle;
        }
        match self.not_before {
            Some(moment) if moment > Instant::now() => Next::At(moment),
            _ => Next::Now,
        }
    }

    pub fn has_given_up(&self) -> bool {
        self.failures >= self.limits.failures
    }

    /// Sends the first event, or notes why not.
    ///
    /// # Errors
    /// What may pass; the event stays the first.
    pub fn deliver_first(&mut self) -> Result<(), CallError> {
        let Some(event) = self.backlog.front() else { return Ok(()) };
        let (lost, result) = match self.delivery.deliver(event) {
            Ok(delivered) => {
                self.failures = 0;
                self.told = false;
                (delivered == Delivered::NoRun, Ok(()))
            }
            Err(error) => match self.judge(&error) {
                Verdict::Keep => return self.keep(error),
                Verdict::Drop => {
                    let text = format!("not sent: {}", error.with_causes());
                    self.books.open().warn(text);
                    (true, Ok(()))
                }
            },
        };
        self.faults = 0;
        self.not_before = None;
        if let Some(event) = self.backlog.pop_front() {
            self.last_time_ms = self.last_time_ms.max(event.time_ms());
            let mut books = self.books.open();
            books.settle(event.trial_id(), lost, self.delivery.take_sent(event.trial_id()));
            books.page = books.page.take().or_else(|| self.delivery.page());
            self.delivery.take_warnings().into_iter().for_each(|text| books.warn(text));
        }
        result
    }

    /// Sends all that is left until `deadline`, and stops at the first failure; runs that never ended are
    /// marked as killed.
    pub fn flush(&mut self, deadline: Instant) {
        self.delivery.api.limit(Some(deadline));
        while !self.backlog.is_empty() && Instant::now() < deadline {
            if let Err(error) = self.deliver_first() {
                self.tell(format!("MLflow failed to the end: {}", error.with_causes()));
                break;
            }
        }
        if self.backlog.is_empty() {
            self.delivery.close(self.last_time_ms);
        }
    }

    fn judge(&mut self, error: &CallError) -> Verdict {
        match error.severity() {
            Severity::Item => Verdict::Drop,
            Severity::Everything => Verdict::Keep,
            Severity::Passing => {
                let own_fault = matches!(error, CallError::Status { status: 500, code: Some(_), .. });
                self.faults += u32::from(own_fault);
                if self.faults >= FAULTS_OF_ONE_EVENT { Verdict::Drop } else { Verdict::Keep }
            }
        }
    }

    fn keep(&mut self, error: CallError) -> Result<(), CallError> {
        self.failed();
        if self.failures == self.limits.failures {
            self.tell(format!(
                "MLflow failed {} times in a row, the rest is sent at the end if it can be: {}",
                self.failures,
                error.with_causes()
            ));
        }
        Err(error)
    }

    /// Once for each time that the server is down.
    fn tell(&mut self, text: String) {
        if !std::mem::replace(&mut self.told, true) {
            self.books.open().warn(text);
        }
    }

    fn failed(&mut self) {
        self.failures += 1;
        self.not_before = Some(Instant::now() + self.limits.wait(self.failures));
    }
}

enum Verdict {
    Keep,
    Drop,
}
