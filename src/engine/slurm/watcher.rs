//! The thread that submits jobs and follows them: it alone speaks with Slurm, and owns all that is known of the jobs.
//!
//! At each tick it reads what workers have said, and asks once for all jobs that are under way. A job has ended when Slurm says so or
//! knows it no more; how, is told by the cache first, by its worker second and by Slurm last. An answer that does not come says nothing.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use super::answers::Row;
use super::client::{CallError, Client};
use super::events::listed;
use super::rows::Rows;
use super::submission::{Submission, cancel_word};
use super::tracked::{Tracked, Tries};
use crate::cache::{Store, create_dir, wanted_by_others};
use crate::engine::workers::{End, News, Order, Wake, WorkersError};
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
    pub(super) tries: HashMap<Digest, Tries>,
    news: Sender<Result<News, WorkersError>>,
    wake: Wake,
    /// Looks at the queue that found nothing new make the next one later.
    pause: f64,
    look_at: Instant,
    /// Something has happened since the last look.
    pub(super) stirred: bool,
    silent_since: Option<Instant>,
    pub(super) told: HashSet<String>,
    pub(super) any_begun: bool,
    /// Jobs whose worker did not come up. Where one fails so again, and none has ever come up, none will.
    pub(super) not_up: HashSet<Digest>,
    /// What the last one who cancelled the study had left behind when this began.
    cancel_word: String,
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
        // Where it cannot be made, the first submission says so.
        let _ = create_dir(&setting.store.layout().slurm().join(&setting.study));
        let cancel_word = cancel_word(setting.store.layout(), &setting.study);
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
            cancel_word,
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
    pub(super) fn say(&self, news: Result<News, WorkersError>) {
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

    pub(super) fn lag(&self) -> Duration {
        Duration::from_secs_f64(self.setting.slurm.fs_lag_seconds)
    }

    fn look(&mut self) -> Result<(), WorkersError> {
        self.check_cancelled()?;
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
        let rows = Rows::new(rows);
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

    /// Whether somebody has cancelled the study since this began.
    pub(super) fn check_cancelled(&self) -> Result<(), WorkersError> {
        let now = cancel_word(self.setting.store.layout(), &self.setting.study);
        if now == self.cancel_word { Ok(()) } else { Err(WorkersError::Cancelled) }
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

    /// The walk ends. What is in the queue stays there where it can be taken up again, and goes where nobody wants it.
    fn end(&mut self, how: End) {
        if how != End::Failed {
            return;
        }
        // Whoever waits for a run that this study shares takes its job up.
        let wanted = wanted_by_others(&self.setting.store, &self.setting.study);
        let mut of_token: BTreeMap<&String, Vec<(u32, String)>> = BTreeMap::new();
        for job in self.jobs.values().filter(|job| !wanted.contains(job.key())) {
            let id = |row: &Row| (job.index, row.id());
            of_token.entry(&job.token).or_default().extend(job.row.as_ref().map(id));
        }
        for (token, jobs) in of_token {
            let Some(submission) = self.known.get_mut(token) else { continue };
            // Others of the array may be another study's. Where nobody answers, they end by themselves, and their results count.
            let ids: Vec<String> = jobs.iter().map(|(_, id)| id.clone()).collect();
            if self.client.cancel_jobs(&submission.record.name, &ids).is_ok() {
                jobs.iter().for_each(|(index, _)| submission.note_end(*index));
            }
        }
    }
}
