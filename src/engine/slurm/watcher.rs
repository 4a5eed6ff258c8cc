//! The thread that submits jobs and follows them: it alone speaks with Slurm, and owns all that is known of the jobs.
//!
//! At each tick it reads what workers have said, and asks once for all jobs that are under way. A job has ended when Slurm says so or
//! knows it no more; how, is told by the cache first, by its worker second and by Slurm last. An answer that does not come says nothing.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use super::answers::{Exit, Row};
use super::client::{CallError, Client};
use super::events::{Listener, listed};
use super::submission::{Submission, was_cancelled};
use super::verdict::{Known, Verdict, judge};
use crate::cache::Store;
use crate::clock;
use crate::engine::last_lines::last_lines;
use crate::engine::workers::{End, Ended, News, Order, Wake, WorkersError};
use crate::fingerprint::Digest;
use crate::job::{LIBTORCH, PROTOCOL, WorkerEvent};
use crate::spec::settings::Slurm;

/// Orders that come within this time of each other are submitted together.
pub(super) const GATHER: Duration = Duration::from_millis(150);

/// How much longer the pause between two looks at the queue becomes while nothing happens, and how much in all.
const PAUSE_GROWTH: f64 = 1.3;
const PAUSE_MOST: f64 = 4.0;

/// The pause while the result of a job that has ended is looked for.
const SETTLING_PAUSE: Duration = Duration::from_secs(2);

/// How long a job whose result is there may take to leave the queue before it is not waited for any more.
const LEAVING: Duration = Duration::from_secs(30);

/// States that a job may leave again by being put back into the queue: they are believed when they are seen twice.
const PASSING: [&str; 4] = ["NODE_FAIL", "PREEMPTED", "BOOT_FAIL", "LAUNCH_FAILED"];

/// Reasons for which a job waits until somebody does something.
const STUCK: [&str; 11] = [
    "launch failed requeued held",
    "JobHeldAdmin",
    "JobHeldUser",
    "PartitionTimeLimit",
    "PartitionNodeLimit",
    "PartitionDown",
    "PartitionInactive",
    "BadConstraints",
    "DependencyNeverSatisfied",
    "InvalidAccount",
    "InvalidQOS",
];

/// Silence of Slurm that people are told of.
const SILENCE: Duration = Duration::from_secs(60);

/// What the walk wants.
#[derive(Debug)]
pub enum Command {
    /// Have a job done.
    Give(Box<Order>),
    /// It ends.
    End(End),
}

/// What the thread works with.
#[derive(Debug)]
pub struct Setting {
    /// The settings.
    pub slurm: Slurm,
    /// The cache, by an absolute path.
    pub store: Store,
    /// The study.
    pub study: String,
    /// The worker's program, by an absolute path.
    pub worker: PathBuf,
    /// Threads that each job computes with.
    pub threads: u32,
}

/// A job that is under way.
#[derive(Debug)]
pub(super) struct Tracked {
    pub order: Order,
    pub token: String,
    pub index: u32,
    pub listener: Listener,
    /// How its worker has ended, as far as it said so.
    said: Option<WorkerEvent>,
    begun: bool,
    row: Option<Row>,
    /// Since when its result is seen.
    seen: Option<Instant>,
    /// Since when it is known to have ended, and in how many looks at the queue.
    ended: Option<(Instant, u32)>,
    exit: Option<Exit>,
    /// The exit code was asked for.
    asked: bool,
}

impl Tracked {
    pub fn new(order: Order, token: String, index: u32) -> Self {
        Tracked {
            order,
            token,
            index,
            listener: Listener::default(),
            said: None,
            begun: false,
            row: None,
            seen: None,
            ended: None,
            exit: None,
            asked: false,
        }
    }

    fn key(&self) -> &Digest {
        &self.order.job.fingerprint.key
    }
}

/// What is remembered of a run from one try to the next.
#[derive(Debug, Default)]
struct Tries {
    /// The last epoch that was told.
    told_epoch: u32,
    /// Where the present try began: whole epochs, and steps of the next one.
    from: Option<(u32, u64)>,
    /// An epoch has ended in the present try.
    epoch_ended: bool,
    /// Where the try before it began, where that ran out of time.
    before: Option<Option<(u32, u64)>>,
}

/// See the page above.
pub struct Watcher {
    pub(super) setting: Setting,
    pub(super) client: Client,
    /// Submissions that are not settled, by token.
    pub(super) known: BTreeMap<String, Submission>,
    /// Jobs that are under way, by node.
    pub(super) jobs: BTreeMap<usize, Tracked>,
    /// Orders that are to be submitted, and when.
    pub(super) waiting: Vec<Order>,
    pub(super) submit_at: Instant,
    /// Submissions whose answer did not come, and since when.
    pub(super) unanswered: HashMap<String, Instant>,
    /// `MaxArraySize`, once it is known.
    pub(super) max_array_size: Option<usize>,
    /// Most jobs of one submission, where Slurm has refused more.
    pub(super) at_once: usize,
    tries: HashMap<Digest, Tries>,
    news: Sender<Result<News, WorkersError>>,
    wake: Wake,
    /// Looks at the queue that found nothing new make the next one later.
    pause: f64,
    look_at: Instant,
    /// Something has happened since the last look.
    stirred: bool,
    silent_since: Option<Instant>,
    told: HashSet<String>,
    any_begun: bool,
    /// Jobs whose worker did not come up. Where one fails so again, and none has ever come up, none will.
    not_up: HashSet<Digest>,
    begun_ms: i64,
    has_failed: bool,
}

impl Watcher {
    /// One that has nothing to do yet.
    pub fn new(
        setting: Setting,
        client: Client,
        news: Sender<Result<News, WorkersError>>,
        wake: Wake,
    ) -> Self {
        let now = Instant::now();
        Watcher {
            pause: 1.0,
            setting,
            client,
            known: BTreeMap::new(),
            jobs: BTreeMap::new(),
            waiting: Vec::new(),
            submit_at: now,
            unanswered: HashMap::new(),
            max_array_size: None,
            at_once: usize::MAX,
            tries: HashMap::new(),
            news,
            wake,
            look_at: now,
            stirred: false,
            silent_since: None,
            told: HashSet::new(),
            any_begun: false,
            not_up: HashSet::new(),
            begun_ms: clock::unix_ms(),
            has_failed: false,
        }
    }

    /// Works until the walk ends.
    pub fn run(mut self, commands: &Receiver<Command>) {
        loop {
            match commands.recv_timeout(self.until_next()) {
                Ok(Command::Give(order)) => {
                    self.waiting.push(*order);
                    self.submit_at = self.submit_at.max(Instant::now() + GATHER);
                    continue;
                }
                Ok(Command::End(how)) => return self.end(how),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if let Err(error) = self.work() {
                self.has_failed = true;
                self.say(Err(error));
            }
        }
    }

    fn until_next(&self) -> Duration {
        let far = Duration::from_secs(3_600);
        if self.has_failed {
            return far;
        }
        let now = Instant::now();
        let submit =
            if self.waiting.is_empty() { far } else { self.submit_at.saturating_duration_since(now) };
        let look = if self.jobs.is_empty() { far } else { self.look_at.saturating_duration_since(now) };
        submit.min(look)
    }

    fn work(&mut self) -> Result<(), WorkersError> {
        let now = Instant::now();
        if !self.waiting.is_empty() && now >= self.submit_at {
            self.submit()?;
        }
        if !self.jobs.is_empty() && now >= self.look_at {
            self.look()?;
        }
        Ok(())
    }

    /// Says something to the walk, which may have gone.
    fn say(&self, news: Result<News, WorkersError>) {
        let _ = self.news.send(news);
        self.wake.call();
    }

    /// Tells people something, once.
    pub(super) fn notice(&mut self, message: String) {
        if self.told.insert(message.clone()) {
            self.say(Ok(News::Notice { message }));
        }
    }

    /// The next look at the queue comes soon.
    pub(super) fn stir(&mut self) {
        self.pause = 1.0;
        self.look_at = self.look_at.min(Instant::now() + self.poll());
        self.stirred = true;
    }

    pub(super) fn poll(&self) -> Duration {
        Duration::from_secs_f64(self.setting.slurm.poll_seconds)
    }

    fn lag(&self) -> Duration {
        Duration::from_secs_f64(self.setting.slurm.fs_lag_seconds)
    }

    fn look(&mut self) -> Result<(), WorkersError> {
        if was_cancelled(self.setting.store.layout(), &self.setting.study, self.begun_ms) {
            return Err(WorkersError::Cancelled);
        }
        self.stirred = false;
        self.listen()?;
        let tokens: HashSet<&String> = self.jobs.values().map(|job| &job.token).collect();
        let names: Vec<&str> =
            tokens.iter().filter_map(|token| Some(self.known.get(*token)?.record.name.as_str())).collect();
        let rows = match self.client.queue(&names) {
            Ok(rows) => rows,
            Err(error) => return self.heard_nothing(error),
        };
        self.heard();
        let rows = by_job(rows);
        self.find_unanswered(&rows)?;
        for node in self.jobs.keys().copied().collect::<Vec<_>>() {
            self.follow(node, &rows)?;
        }
        let settling = self.jobs.values().any(|job| job.ended.is_some());
        self.pause = if self.stirred { 1.0 } else { (self.pause * PAUSE_GROWTH).min(PAUSE_MOST) };
        let pause = self.poll().mul_f64(self.pause);
        self.look_at = Instant::now() + if settling { pause.min(SETTLING_PAUSE) } else { pause };
        Ok(())
    }

    pub(super) fn heard(&mut self) {
        self.silent_since = None;
    }

    /// Slurm did not answer: all stays as it is.
    pub(super) fn heard_nothing(&mut self, error: CallError) -> Result<(), WorkersError> {
        if let CallError::NoProgram { program } = error {
            return Err(WorkersError::NoProgram { program });
        }
        let now = Instant::now();
        let since = *self.silent_since.get_or_insert(now);
        if now.duration_since(since) >= SILENCE {
            self.notice(format!(
                "Slurm has not answered for a minute ({error}); jobs that run go on, and it is asked again"
            ));
        }
        self.look_at = now + self.poll();
        Ok(())
    }

    /// Reads what workers have said since.
    fn listen(&mut self) -> Result<(), WorkersError> {
        let mut folders: HashMap<String, HashMap<u32, Vec<String>>> = HashMap::new();
        for node in self.jobs.keys().copied().collect::<Vec<_>>() {
            let (Some(job), known) = (self.jobs.get_mut(&node), &self.known) else { continue };
            let Some(folder) = known.get(&job.token).map(Submission::events) else { continue };
            let names = folders.entry(job.token.clone()).or_insert_with(|| listed(&folder));
            let Some(names) = names.get(&job.index) else { continue };
            for event in job.listener.listen(&folder, names) {
                self.take(node, event)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, node: usize, event: WorkerEvent) -> Result<(), WorkersError> {
        let Some(job) = self.jobs.get_mut(&node) else { return Ok(()) };
        self.stirred = true;
        let tries = self.tries.entry(job.order.job.fingerprint.key.clone()).or_default();
        match &event {
            WorkerEvent::Ready { protocol, version, libtorch } => {
                if (*protocol, libtorch.as_str()) != (PROTOCOL, LIBTORCH) {
                    let why = format!(
                        "the worker `{}` on the nodes is of version {version} (protocol {protocol}, libtorch {libtorch}), expected {} \
                         (protocol {PROTOCOL}, libtorch {LIBTORCH}): install both from one build",
                        self.setting.worker.display(),
                        env!("CARGO_PKG_VERSION"),
                    );
                    return Err(WorkersError::NoWorkers { why });
                }
                job.begun = true;
                // A new start: how an older one ended does not count any more.
                job.said = None;
                self.any_begun = true;
                return Ok(());
            }
            WorkerEvent::Beat { .. } => return Ok(()),
            WorkerEvent::Finished { .. }
            | WorkerEvent::Interrupted { .. }
            | WorkerEvent::Refused { .. }
            | WorkerEvent::Failed { .. } => {
                job.said = Some(event);
                return Ok(());
            }
            WorkerEvent::Started { resumed_epochs, resumed_steps, .. } => {
                tries.from = Some((*resumed_epochs, *resumed_steps));
                tries.epoch_ended = false;
            }
            WorkerEvent::Epoch { row, .. } => {
                tries.epoch_ended = true;
                // Told before, by a start that is gone.
                if row.epoch <= tries.told_epoch {
                    return Ok(());
                }
                tries.told_epoch = row.epoch;
            }
            WorkerEvent::Notice { .. } => {}
        }
        self.say(Ok(News::Told { node, event }));
        Ok(())
    }

    /// Looks at one job.
    fn follow(&mut self, node: usize, rows: &HashMap<(String, u32), Row>) -> Result<(), WorkersError> {
        let Some(job) = self.jobs.get_mut(&node) else { return Ok(()) };
        let Some(submission) = self.known.get(&job.token) else { return Ok(()) };
        // It is not known whether there is such a job at all.
        if submission.record.id.is_none() {
            return Ok(());
        }
        let row = rows.get(&(submission.record.name.clone(), job.index)).cloned();
        let state = |row: &Option<Row>| row.as_ref().map(|row| row.state.clone());
        self.stirred |= state(&row) != state(&job.row);
        let has_vanished = row.is_none();
        if row.is_some() {
            job.row = row;
        }
        if let Some(row) = job.row.as_ref().filter(|row| !has_vanished && row.is_live()) {
            job.ended = None;
            let row = row.clone();
            // It leaves the queue by itself, and has its place there until then.
            if matches!(job.said, Some(WorkerEvent::Finished { .. }))
                && is_visible(&self.setting.store, job.key())
            {
                let seen = *job.seen.get_or_insert_with(Instant::now);
                return if seen.elapsed() >= LEAVING { self.conclude(node, Ended::Well) } else { Ok(()) };
            }
            if row.is_waiting() && STUCK.contains(&row.reason.as_str()) {
                let (id, reason) = (row.id(), row.reason.clone());
                self.tell_stuck(&id, reason);
            }
            return Ok(());
        }
        self.settle(node, has_vanished)
    }

    /// Tells of a job that will not begin by itself; of many with the same reason once.
    fn tell_stuck(&mut self, id: &str, reason: String) {
        let is_held = reason.starts_with("launch failed") || reason.starts_with("JobHeld");
        let help = if is_held { format!("; `scontrol release {id}` lets it go on") } else { String::new() };
        let message = format!("Slurm job {id} waits, and will not begin by itself ({reason}){help}");
        if self.told.insert(reason) {
            self.say(Ok(News::Notice { message }));
        }
    }

    /// A job has ended, or is known no more.
    fn settle(&mut self, node: usize, has_vanished: bool) -> Result<(), WorkersError> {
        let Some(job) = self.jobs.get_mut(&node) else { return Ok(()) };
        let (since, looks) = job.ended.unwrap_or((Instant::now(), 0));
        job.ended = Some((since, looks + 1));
        if is_visible(&self.setting.store, job.key()) {
            return self.conclude(node, Ended::Well);
        }
        if !job.asked {
            job.asked = true;
            self.ask(node, has_vanished);
        }
        let lag = self.lag();
        let Some(job) = self.jobs.get(&node) else { return Ok(()) };
        let Some(submission) = self.known.get(&job.token) else { return Ok(()) };
        let state = job
            .row
            .as_ref()
            .map(|row| row.state.as_str())
            .filter(|_| !job.row.as_ref().is_some_and(Row::is_live));
        if looks == 0 && state.is_some_and(|state| PASSING.contains(&state)) {
            return Ok(());
        }
        let place = job.row.as_ref().and_then(|row| row.node.clone());
        let id = job.row.as_ref().map_or_else(|| submission.record.id.clone().unwrap_or_default(), Row::id);
        let who = match &place {
            Some(place) => format!("Slurm job {id} on {place}"),
            None => format!("Slurm job {id}"),
        };
        let tries = self.tries.get(job.key());
        let further = tries
            .is_none_or(|tries| tries.epoch_ended || tries.before.is_none_or(|before| before != tries.from));
        let verdict = judge(&Known {
            who: &who,
            state,
            reason: job.row.as_ref().map_or("", |row| row.reason.as_str()),
            exit: job.exit,
            said: job.said.as_ref(),
            begun: job.begun,
            further,
            time: &self.setting.slurm.time,
            log: &last_lines(&submission.log(job.index), 3),
            may_lag: since.elapsed() < lag,
        });
        match verdict {
            Verdict::Wait => Ok(()),
            Verdict::Ended(how) => self.conclude(node, how),
            Verdict::Unfit(why) => Err(WorkersError::NoWorkers { why }),
            Verdict::NotUp { why, surely } => {
                let is_new = self.not_up.insert(job.key().clone());
                match !self.any_begun && (surely || !is_new) {
                    true => Err(WorkersError::NoWorkers { why }),
                    false => self.conclude(node, Ended::Lost(why)),
                }
            }
        }
    }

    /// Asks once more than the queue: how a script ended, or what became of a job that has left the queue.
    fn ask(&mut self, node: usize, has_vanished: bool) {
        let Some(job) = self.jobs.get_mut(&node) else { return };
        let Some(submission) = self.known.get(&job.token) else { return };
        if job.said.is_some() {
            return;
        }
        let record = &submission.record;
        let is_it = |row: &&Row| row.name == record.name && row.index == job.index;
        let shown = match (&job.row, has_vanished) {
            (Some(row), false) => self.client.show(&row.id()).ok(),
            _ => None,
        };
        let found = shown.and_then(|rows| rows.iter().find(is_it).cloned());
        // Without accounts the disk alone tells.
        let found = found.or_else(|| self.client.accounts(&record.name).ok()?.iter().find(is_it).cloned());
        if let Some(found) = found {
            job.exit = found.exit;
            if has_vanished {
                job.row = Some(found);
            }
        }
    }

    /// Takes note of the end of a job, and tells it.
    pub(super) fn conclude(&mut self, node: usize, how: Ended) -> Result<(), WorkersError> {
        let Some(job) = self.jobs.remove(&node) else { return Ok(()) };
        let mut log = None;
        if let Some(submission) = self.known.get_mut(&job.token) {
            submission.note_end(job.index);
            log = Some(submission.log(job.index));
            if submission.is_settled() {
                self.known.remove(&job.token);
            }
        }
        if let Some(tries) = self.tries.get_mut(job.key()) {
            tries.before = Some(tries.from.take());
            tries.epoch_ended = false;
        }
        self.stirred = true;
        let place = job.row.and_then(|row| row.node);
        self.say(Ok(News::Ended { node, how, place, log }));
        Ok(())
    }

    /// The walk ends. What is in the queue stays there where it can be taken up again, and goes where nobody wants it.
    fn end(&mut self, how: End) {
        if how != End::Failed {
            return;
        }
        let tokens: HashSet<String> = self.jobs.values().map(|job| job.token.clone()).collect();
        for token in &tokens {
            let Some(submission) = self.known.get_mut(token) else { continue };
            // Where nobody answers, they end by themselves, and their results count.
            if self.client.cancel(&submission.record.name).is_ok() {
                submission.note_all();
            }
        }
    }
}

/// Rows by name and number. Of several that one job has after a crash of the controller, a live one counts.
pub(super) fn by_job(rows: Vec<Row>) -> HashMap<(String, u32), Row> {
    let mut all: HashMap<(String, u32), Row> = HashMap::new();
    for row in rows {
        let place = (row.name.clone(), row.index);
        if all.get(&place).is_none_or(|there| !there.is_live() || row.is_live()) {
            all.insert(place, row);
        }
    }
    all
}

/// Whether the result is there. The folders are listed first: a network file system that has looked for a file in vain may go on
/// saying that there is none.
fn is_visible(store: &Store, key: &Digest) -> bool {
    if let Some(folder) = store.layout().entry(key).parent() {
        std::fs::read_dir(folder).into_iter().flatten().for_each(drop);
    }
    store.lookup(key).is_ok_and(|entry| entry.is_some())
}
