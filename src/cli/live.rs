//! The page of a study that is under way: written anew as runs end, of the runs that there are.
//!
//! A thread of its own makes it, alone, one page at a time and never more than a tenth of the time, so that trainings keep their
//! processors. It is no result: nothing of it is published in the cache, and where it cannot be made the study goes on.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::render::plain;
use super::study::Study;
use super::{print, report_files};
use crate::cache::{Entry, Store};
use crate::engine::Event;
use crate::fingerprint::Builder;
use crate::plan::{Plan, Stage};
use crate::stages::{self, Missing, StageWork};

/// Between two pages at the least.
const PAUSE: Duration = Duration::from_secs(2);
/// A page that took so long is followed by a pause this many times as long.
const SHARE: u32 = 10;
/// An end of the study waits so long for a page that is being made; it writes the last one itself.
const PATIENCE: Duration = Duration::from_secs(2);

/// Keeps the page current until it is dropped, or ended.
pub struct Live {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    store: Store,
    reports: PathBuf,
}

struct State {
    plan: Arc<Plan>,
    /// Results by the names of their nodes.
    entries: HashMap<String, Entry>,
    failed: Vec<Missing>,
    /// A run has ended that is not on the page.
    stale: bool,
    /// Rises with each page that the study writes itself: what was begun before knows less.
    generation: u64,
    /// It was said that pages cannot be written.
    warned: bool,
    ended: bool,
}

impl Live {
    /// Starts to listen; pages go below `reports`.
    pub fn start(study: &Study, reports: &Path) -> Self {
        let state = State {
            plan: Arc::clone(&study.plan),
            entries: HashMap::new(),
            failed: Vec::new(),
            stale: false,
            generation: 0,
            warned: false,
            ended: false,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            changed: Condvar::new(),
            store: study.store.clone(),
            reports: reports.to_owned(),
        });
        let keeper = Arc::clone(&shared);
        // Without a thread there is no page before the end: nothing is lost but that.
        let thread = std::thread::Builder::new().name("page".into()).spawn(move || keeper.keep()).ok();
        Live { shared, thread }
    }

    /// Takes in news.
    pub fn take(&self, event: &Event) {
        let mut state = self.shared.lock();
        match event {
            Event::Finished { node, stage, run, entry, cached, .. } => {
                state.entries.insert(node.clone(), (**entry).clone());
                // It was tried again.
                state.failed.retain(|failed| failed.run != *run);
                // What was there before the study was started stands on its last page.
                state.stale |= matches!(stage, Stage::Evaluate | Stage::Explain) && !cached;
            }
            Event::Failed { run, message, .. } if !run.is_empty() => {
                state.failed.push(Missing { run: run.clone(), why: message.clone() });
                state.stale = true;
            }
            _ => return,
        }
        drop(state);
        self.shared.changed.notify_one();
    }

    /// Takes up seeds that were added.
    pub fn follow(&self, plan: &Arc<Plan>) {
        self.shared.lock().plan = Arc::clone(plan);
    }

    /// Lets go of a page that is being made: the study is about to write one that knows more.
    pub fn settle(&self) {
        let mut state = self.shared.lock();
        state.generation += 1;
        state.stale = false;
    }

    /// Stops. Where the study writes no page itself, since it was interrupted or cannot go on, the page of what there is is `due`.
    pub fn end(mut self, due: bool) {
        self.stop();
        if due {
            self.shared.page(true);
        }
    }

    fn stop(&mut self) {
        self.shared.lock().ended = true;
        self.shared.changed.notify_one();
        let until = Instant::now() + PATIENCE;
        while self.thread.as_ref().is_some_and(|thread| !thread.is_finished()) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        if let Some(thread) = self.thread.take_if(|thread| thread.is_finished()) {
            let _ = thread.join();
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.stop();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self) {
        let mut rest = Duration::ZERO;
        loop {
            let from = Instant::now();
            let mut state = self.lock();
            loop {
                if state.ended {
                    return;
                }
                let left = rest.saturating_sub(from.elapsed());
                if state.stale && left.is_zero() {
                    break;
                }
                let wait = if state.stale { left } else { Duration::from_secs(3600) };
                state = self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
            }
            drop(state);
            let started = Instant::now();
            self.page(false);
            rest = (started.elapsed() * SHARE).max(PAUSE);
        }
    }

    /// Writes the page of what there is; says once why not. Once the study has ended only the last page is written, by those who
    /// ended it.
    fn page(&self, is_last: bool) {
        let (work, experiment, generation) = {
            let mut state = self.lock();
            state.stale = false;
            let experiment = state.plan.experiment.name.clone();
            // Of a study that was interrupted nothing more comes by itself.
            let Some(work) = state.work(&self.store, !is_last) else { return };
            (work, experiment, state.generation)
        };
        // What draws resamples in parallel takes this one thread alone.
        let threads = if is_last { 0 } else { 1 };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let draft = std::panic::AssertUnwindSafe(|| match &pool {
            Ok(pool) => pool.install(|| stages::draft(&work)),
            Err(_) => stages::draft(&work),
        });
        let told = match std::panic::catch_unwind(draft) {
            Ok(Ok((files, names))) => {
                // Held while it is written, so that no last page comes in between.
                let state = self.lock();
                if (state.ended && !is_last) || state.generation != generation {
                    return;
                }
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                report_files::put(&self.reports, &experiment, &names, |name| std::fs::read(files.path(name)))
                    .map(drop)
            }
            Ok(Err(error)) => Err(error.chain()),
            Err(_) => Err("a bug; see above".to_owned()),
        };
        if let Err(why) = told {
            tracing::info!("the page of the runs so far could not be written: {why}");
            let mut state = self.lock();
            if !std::mem::replace(&mut state.warned, true) {
                print::err(&plain(&format!(
                    "warning: the page is not kept current while the study runs: {why}"
                )));
            }
        }
    }
}

impl State {
    /// What the report is made of; `None` before the first run has its scores, or while something is lacking that all runs share.
    fn work(&self, store: &Store, under_way: bool) -> Option<StageWork> {
        let plan = &self.plan;
        let entries: HashMap<usize, Entry> = plan
            .nodes
            .iter()
            .enumerate()
            .filter_map(|(at, node)| Some((at, self.entries.get(&node.name)?.clone())))
            .collect();
        let is_shared = |stage: Stage| stage < Stage::Train || stage == Stage::References;
        let lacks = plan
            .nodes
            .iter()
            .enumerate()
            .any(|(at, node)| is_shared(node.stage) && !entries.contains_key(&at));
        let scored = plan.runs.iter().any(|run| entries.contains_key(&run.evaluate));
        if lacks || !scored {
            return None;
        }
        Some(StageWork {
            plan: Arc::clone(plan),
            node: plan.report(),
            missing: self.failed.clone(),
            under_way,
            store: store.clone(),
            // Names the private folder, and nothing else: what is made there is never published.
            fingerprint: Builder::new("report", 0).setting("results", &entries.len()).finish(),
            entries,
        })
    }
}
