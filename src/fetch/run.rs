//! All images: those that are there are left alone, the others asked for by a pool of threads.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rayon::prelude::*;

use super::attempt::{Client, Trouble, Wanted};
use super::check;
use super::folder::{FetchError, ImagesFolder};
use super::options::Options;
use super::queue::{Job, Next, Queue};
use super::report::{Outcome, Report};
use super::target::Target;
use crate::dataset::names;
use crate::retry::backoff;
use crate::seed::Key;
use crate::spec::settings::FetchSize;
use crate::tables::rows::ImageRow;

/// How often an interruption is looked for.
const POLL: Duration = Duration::from_millis(100);

/// News of the fetching.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// What is there was looked at.
    Surveyed {
        /// Images that are there.
        present: usize,
        /// Images in all.
        total: usize,
    },
    /// An image's fate is known.
    Ended {
        /// The image.
        path: &'a str,
        /// How it fared.
        outcome: &'a Outcome,
        /// Images whose fate is known, those that were there among them.
        done: usize,
        /// Images in all.
        total: usize,
    },
    /// An image is asked for again later.
    Retrying {
        /// The image.
        path: &'a str,
        /// What the last try ended with.
        why: &'a str,
        /// When it is asked for again.
        wait: Duration,
    },
    /// A host is left alone for a while.
    HostPaused {
        /// The host.
        host: &'a str,
        /// What it said.
        why: &'a str,
        /// For how long.
        wait: Duration,
    },
    /// Nothing more is asked of a host.
    HostGivenUp {
        /// The host.
        host: &'a str,
        /// What it said.
        why: &'a str,
    },
}

/// The URL of an image that a size asks for: the small one where there is one, else the original.
pub fn wanted_url(row: &ImageRow, size: FetchSize) -> Option<&str> {
    match size {
        FetchSize::Original => row.url.as_deref(),
        FetchSize::Small => row.url_small.as_deref().or(row.url.as_deref()),
    }
}

/// Which images are wanted, and where.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// The dataset's images.
    pub images: &'a [ImageRow],
    /// The folder that they are put into.
    pub folder: &'a Path,
    /// Which of their pictures.
    pub size: FetchSize,
}

/// Fetches the images that are not in their folder yet. `stop` ends it soon after it says yes.
///
/// # Errors
/// Where the folder cannot be written, or another process fills it. That an image cannot be had is no error.
pub fn fetch(
    order: Order<'_>,
    options: &Options,
    stop: &(dyn Fn() -> bool + Sync),
    listener: &mut dyn FnMut(&Event<'_>),
) -> Result<Report, FetchError> {
    let Order { images, size, .. } = order;
    let folder = ImagesFolder::open(order.folder)?;
    let surveyed: Vec<Survey> = images.par_iter().map(|row| survey(row, &folder, size, stop)).collect();
    let mut ledger = Ledger { images, outcomes: vec![None; images.len()], done: 0, fatal: None, listener };
    let targets = ledger.enter(surveyed);
    let mut queue = Queue::new(options.per_host);
    for (item, target) in targets.iter().enumerate() {
        if let Some(target) = target {
            queue.add(item, target.host(), Instant::now());
        }
    }
    let pool = Pool {
        client: Client::new(options),
        folder: &folder,
        images,
        targets: &targets,
        options,
        queue: Mutex::new(queue),
        changed: Condvar::new(),
        stopped: AtomicBool::new(false),
    };
    pool.run(&mut ledger, stop);
    if let Some(error) = ledger.fatal {
        return Err(error);
    }

    let outcomes: Vec<Outcome> =
        ledger.outcomes.into_iter().map(|outcome| outcome.unwrap_or(Outcome::NotTried)).collect();
    let unfinished = images.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_unfinished());
    // What is left there harms nobody; the report is worth more.
    if let Err(error) = folder.finish(unfinished.map(|(row, _)| row.path.as_str())) {
        tracing::warn!(%error, "what is left of `.fetch` in the images folder could not be removed");
    }
    let interrupted = outcomes.contains(&Outcome::NotTried);
    // A URL that cannot be read may hold a secret.
    let shown =
        |row: &ImageRow| Target::parse(wanted_url(row, size)?).ok().map(|url| url.as_str().to_owned());
    Ok(Report::new(size, images, outcomes, interrupted, shown))
}

/// What is known so far, told as it comes.
struct Ledger<'a> {
    images: &'a [ImageRow],
    outcomes: Vec<Option<Outcome>>,
    /// How many are known.
    done: usize,
    fatal: Option<FetchError>,
    listener: &'a mut dyn FnMut(&Event<'_>),
}

impl Ledger<'_> {
    /// Takes what is known before anything is asked for; gives where the other images are to be had.
    fn enter(&mut self, surveyed: Vec<Survey>) -> Vec<Option<Target>> {
        let total = self.images.len();
        let is_there = |survey: &&Survey| matches!(survey, Survey::Known(Outcome::Present { .. }));
        let present = surveyed.iter().filter(is_there).count();
        (self.listener)(&Event::Surveyed { present, total });
        let mut targets = Vec::with_capacity(total);
        for (item, survey) in surveyed.into_iter().enumerate() {
            let (known, target) = match survey {
                Survey::Known(outcome) => (Some(outcome), None),
                Survey::Absent(target) => (None, Some(target)),
            };
            targets.push(target);
            match known {
                Some(outcome @ (Outcome::Present { .. } | Outcome::NotTried)) => {
                    self.done += 1;
                    self.outcomes[item] = Some(outcome);
                }
                Some(outcome) => self.ended(item, outcome),
                None => {}
            }
        }
        targets
    }

    fn ended(&mut self, item: usize, outcome: Outcome) {
        self.done += 1;
        let (path, total) = (&self.images[item].path, self.images.len());
        (self.listener)(&Event::Ended { path, outcome: &outcome, done: self.done, total });
        self.outcomes[item] = Some(outcome);
    }

    fn take(&mut self, news: News) {
        match news {
            News::Ended(item, outcome) => self.ended(item, outcome),
            News::Retrying(item, why, wait) => {
                (self.listener)(&Event::Retrying { path: &self.images[item].path, why: &why, wait });
            }
            News::HostPaused(host, why, wait) => {
                (self.listener)(&Event::HostPaused { host: &host, why: &why, wait });
            }
            News::HostGivenUp(host, why) => (self.listener)(&Event::HostGivenUp { host: &host, why: &why }),
            News::Fatal(error) => {
                self.fatal.get_or_insert(error);
            }
        }
    }
}

/// What is known of an image before anything is asked for.
enum Survey {
    Known(Outcome),
    Absent(Target),
}

fn survey(
    row: &ImageRow,
    folder: &ImagesFolder,
    size: FetchSize,
    stop: &(dyn Fn() -> bool + Sync),
) -> Survey {
    if stop() {
        return Survey::Known(Outcome::NotTried);
    }
    let place = match names::resolve(folder.path(), &row.path) {
        Ok(place) => place,
        Err(error) => return Survey::Known(Outcome::Refused { why: format!("its name {error}") }),
    };
    if let Some(probe) = check::present(&place) {
        return Survey::Known(Outcome::Present { width: probe.width, height: probe.height });
    }
    match wanted_url(row, size).map(Target::parse) {
        None => Survey::Known(Outcome::NoUrl),
        Some(Ok(target)) => Survey::Absent(target),
        Some(Err(error)) => Survey::Known(Outcome::Refused { why: error.to_string() }),
    }
}

/// What a thread tells.
enum News {
    Ended(usize, Outcome),
    Retrying(usize, String, Duration),
    HostPaused(String, String, Duration),
    HostGivenUp(String, String),
    Fatal(FetchError),
}

/// What the threads share.
struct Pool<'a> {
    client: Client,
    folder: &'a ImagesFolder,
    images: &'a [ImageRow],
    targets: &'a [Option<Target>],
    options: &'a Options,
    queue: Mutex<Queue>,
    changed: Condvar,
    stopped: AtomicBool,
}

impl Pool<'_> {
    /// Works until no image is left, or `stop` says yes, or no try can do better.
    fn run(&self, ledger: &mut Ledger<'_>, stop: &(dyn Fn() -> bool + Sync)) {
        let (sender, news) = mpsc::channel();
        let left = ledger.images.len() - ledger.done;
        thread::scope(|scope| {
            for _ in 0..self.options.parallel.max(1).min(left) {
                let sender = sender.clone();
                scope.spawn(move || self.work(&sender));
            }
            drop(sender);
            loop {
                match news.recv_timeout(POLL) {
                    Ok(news) => ledger.take(news),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => break,
                }
                if ledger.fatal.is_some() || stop() {
                    self.stop();
                }
            }
        });
    }

    /// Gets images until none is left. A listener that has gone is told nothing.
    fn work(&self, sender: &Sender<News>) {
        while let Some(job) = self.next() {
            let target = self.targets[job.item].as_ref();
            let target = target.unwrap_or_else(|| panic!("bug: image {} was queued without a URL", job.item));
            let wanted = Wanted { path: &self.images[job.item].path, target };
            let tried = self.client.get(wanted, self.folder);
            for news in self.conclude(job, tried, target.host()) {
                let _ = sender.send(news);
            }
            self.changed.notify_all();
        }
    }

    fn next(&self) -> Option<Job> {
        let mut queue = self.lock();
        loop {
            queue = match queue.next(Instant::now()) {
                Next::Take(job) => return Some(job),
                Next::Done => return None,
                Next::Wait(None) => self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner),
                Next::Wait(Some(wait)) => {
                    self.changed.wait_timeout(queue, wait).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Puts the job back, or ends it.
    fn conclude(&self, job: Job, tried: Result<Outcome, Trouble>, host: &str) -> Vec<News> {
        let mut queue = self.lock();
        let (item, now) = (job.item, Instant::now());
        let n = job.failed_tries + 1;
        let key = Key::root(0).child("fetch").child(&self.images[item].path);
        let wait = |n| backoff(self.options.first_wait, n, key);
        match tried {
            // What was cut off by the stop says nothing about the image.
            Err(_) if queue.is_stopped() => {
                queue.settled(&job);
                vec![]
            }
            Ok(outcome) | Err(Trouble::Final(outcome)) => {
                queue.settled(&job);
                vec![News::Ended(item, outcome)]
            }
            Err(Trouble::Fatal(error)) => {
                queue.settled(&job);
                vec![News::Fatal(error)]
            }
            Err(Trouble::Again { why }) if n > self.options.retries => {
                queue.settled(&job);
                vec![News::Ended(item, failed(&why, n))]
            }
            Err(Trouble::Again { why }) => {
                let wait = wait(n);
                queue.again(job, wait, now);
                vec![News::Retrying(item, why, wait)]
            }
            Err(Trouble::Host { why, wait: asked }) => {
                let rounds = queue.host_failed(&job, now);
                if rounds > self.options.retries {
                    let others = queue.give_up_host(&job);
                    let given_up = others.is_some().then(|| News::HostGivenUp(host.to_owned(), why.clone()));
                    let failed = others.into_iter().flatten().chain([item]);
                    let failed = failed.map(|item| News::Ended(item, Outcome::Failed { why: why.clone() }));
                    given_up.into_iter().chain(failed).collect()
                } else if n > self.options.retries {
                    vec![News::Ended(item, failed(&why, n))]
                } else {
                    let wait = asked.unwrap_or_else(|| wait(rounds));
                    queue.pause_host(job, wait, now);
                    vec![News::HostPaused(host.to_owned(), why, wait)]
                }
            }
        }
    }

    fn stop(&self) {
        if !self.stopped.swap(true, Ordering::SeqCst) {
            self.lock().stop();
            self.changed.notify_all();
            self.client.shut_down();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failed(why: &str, tries: u32) -> Outcome {
    let tries = if tries == 1 { "1 try".to_owned() } else { format!("{tries} tries") };
    Outcome::Failed { why: format!("{why} (after {tries})") }
}
