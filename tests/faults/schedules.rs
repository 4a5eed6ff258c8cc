//! Random schedules: one to three walks over one study and one cache, with workers whose news come in any order, late, untrue
//! or without a wake-up.
//!
//! All that a walk knows lies with its one thread, which hears of everything by messages; so what can go wrong is the order in which
//! these come, and that is what is drawn here. (Loom and shuttle draw the order of accesses to shared memory, of which there is none.)

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ablatrix::cache::{Provenance, Store};
use ablatrix::engine::{
    self, End, Ended, Engine, EngineConfig, Interrupt, News, Order, Outcome, Wake, Workers, WorkersError,
};
use ablatrix::job::{JobStage, WorkerEvent, output};
use ablatrix::plan::{Plan, Sources, Stage};
use ablatrix::spec::{self, Overrides};

use super::dice::{Dice, full};
use super::harness::Lab;

/// A walk that has not ended by then stands still.
const STUCK: Duration = Duration::from_secs(120);

/// Schedules at once: most of their time they wait.
const AT_ONCE: usize = 16;

/// What all walks of a schedule have done.
#[derive(Debug, Default)]
struct Ledger {
    /// Jobs that are under way, by their keys.
    under_way: BTreeSet<String>,
    /// Results that were published, by their keys.
    published: BTreeMap<String, u32>,
    /// Jobs that were given.
    given: u32,
}

/// Workers without any process.
#[derive(Clone, Debug)]
struct Simulated {
    store: Store,
    slots: usize,
    seed: usize,
    /// Runs whose training fails for good.
    failing: Arc<BTreeSet<String>>,
    ledger: Arc<Mutex<Ledger>>,
}

struct Slots {
    of: Simulated,
    dice: Dice,
    wake: Wake,
    busy: Vec<Order>,
    /// How often a job was lost: a third time would be the last.
    losses: BTreeMap<usize, u32>,
}

impl Engine for Simulated {
    fn begin(&self, wake: Wake) -> Box<dyn Workers> {
        let dice = Dice::of(self.seed as u64);
        Box::new(Slots { of: self.clone(), dice, wake, busy: Vec::new(), losses: BTreeMap::new() })
    }

    fn threads(&self) -> u32 {
        1
    }
}

impl Slots {
    fn publish(&self, order: &Order) {
        let attempt = self.of.store.attempt(&order.job.fingerprint).unwrap();
        let names: &[&str] = match order.job.stage {
            JobStage::Train => &[output::MODEL, output::HISTORY, output::SUMMARY],
            _ => &[output::PREDICTIONS],
        };
        for name in names {
            fs::write(attempt.path(name), format!("{name} of {}", order.job.run)).unwrap();
        }
        attempt.publish(names, Provenance::default()).unwrap();
        let key = order.job.fingerprint.key.to_string();
        *self.of.ledger.lock().unwrap().published.entry(key).or_default() += 1;
    }

    /// How a job ends; one that may fail for good does.
    fn end_of(&mut self, order: &Order) -> Ended {
        let why = || "drawn".to_owned();
        if order.job.stage == JobStage::Train && self.of.failing.contains(&order.job.run) {
            return Ended::Failed(why());
        }
        let losses = self.losses.entry(order.node).or_default();
        match self.dice.below(40) {
            0 if *losses < 2 => {
                *losses += 1;
                // It says that it is done, and has published nothing.
                return Ended::Well;
            }
            1 if *losses < 2 => {
                *losses += 1;
                return Ended::Lost(why());
            }
            2 => return Ended::Preempted(why()),
            _ => {}
        }
        self.publish(order);
        // What has published and dies before it says so has done its work.
        match self.dice.below(10) {
            0 => Ended::Lost(why()),
            1 => Ended::Preempted(why()),
            2 => Ended::Failed(why()),
            _ => Ended::Well,
        }
    }
}

impl Workers for Slots {
    fn room(&mut self, _avoid: &[String]) -> usize {
        self.of.slots - self.busy.len()
    }

    fn give(&mut self, order: Order) -> Result<(), WorkersError> {
        let key = order.job.fingerprint.key.to_string();
        let mut ledger = self.of.ledger.lock().unwrap();
        assert!(ledger.under_way.insert(key.clone()), "{} is under way twice", order.job.run);
        assert!(!ledger.published.contains_key(&key), "{} is given again", order.job.run);
        ledger.given += 1;
        drop(ledger);
        self.busy.push(order);
        if self.dice.below(8) > 0 {
            self.wake.call();
        }
        Ok(())
    }

    fn news(&mut self) -> Result<Vec<News>, WorkersError> {
        let mut news = Vec::new();
        while !self.busy.is_empty() && self.dice.below(3) > 0 {
            let at = self.dice.below(self.busy.len());
            if self.dice.below(4) == 0 {
                let order = &self.busy[at];
                let event = WorkerEvent::Beat { key: order.job.fingerprint.key.clone(), steps: 1 };
                news.push(News::Told { node: order.node, event });
                continue;
            }
            let order = self.busy.swap_remove(at);
            let how = self.end_of(&order);
            self.of.ledger.lock().unwrap().under_way.remove(&order.job.fingerprint.key.to_string());
            news.push(News::Ended { node: order.node, how, place: None, log: None });
        }
        // Sometimes nobody calls, and the walk must look by itself.
        if !self.busy.is_empty() && self.dice.below(8) > 0 {
            self.wake.call();
        }
        Ok(news)
    }

    fn end(&mut self, how: End) {
        assert_eq!((how, self.busy.len()), (End::Done, 0));
    }

    fn told_on_interrupt(&self) -> &'static str {
        "they vanish"
    }
}

/// A copy of a folder.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, to) = {
            let entry = entry.unwrap();
            (entry.path(), to.join(entry.file_name()))
        };
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}

fn walk(plan: &Arc<Plan>, store: Store, workers: Option<Arc<dyn Engine>>) -> Outcome {
    let sources = Sources::new(&store);
    let until = Some(Stage::Predict);
    let config = EngineConfig {
        store,
        workers,
        fail_fast: false,
        data_threads: 2,
        until,
        remote: None,
        no_wait: false,
    };
    engine::run(plan, &config, &sources, &Interrupt::never(), &mut |_| {}).unwrap()
}

/// Plays one schedule on a copy of the cache `base`, and looks whether all came to its end.
fn play(plan: &Arc<Plan>, base: &Path, folder: &Path, seed: usize) -> u32 {
    let mut dice = Dice::of(seed as u64);
    copy(base, folder);
    let names: BTreeSet<String> = plan.runs.iter().map(|run| run.name.clone()).collect();
    let failing: BTreeSet<String> = names.iter().filter(|_| dice.below(10) == 0).cloned().collect();
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    let walks: Vec<_> = (0..1 + dice.below(3))
        .map(|_| {
            let store = Store::open(folder).unwrap();
            let workers = Simulated {
                store: store.clone(),
                slots: 1 + dice.below(4),
                seed: dice.below(1 << 30),
                failing: Arc::new(failing.clone()),
                ledger: ledger.clone(),
            };
            let plan = plan.clone();
            let (tell, told) = channel();
            std::thread::spawn(move || {
                let _ = tell.send(walk(&plan, store, Some(Arc::new(workers))));
            });
            told
        })
        .collect();
    let stage = |node: usize| plan.nodes[node].stage;
    for told in walks {
        // A walk that panics hangs up.
        let outcome = told.recv_timeout(STUCK).unwrap_or_else(|error| {
            let ledger = ledger.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            panic!("schedule {seed}: a walk has no end ({error}): {ledger:?}")
        });
        let failed: BTreeSet<String> =
            outcome.failed.iter().map(|(node, _)| plan.nodes[*node].run.clone()).collect();
        assert_eq!(failed, failing, "schedule {seed}: {:?}", outcome.failed);
        for wanted in [Stage::Train, Stage::Predict] {
            let done = outcome.entries.keys().filter(|node| stage(**node) == wanted);
            let done: BTreeSet<String> = done.map(|node| plan.nodes[*node].run.clone()).collect();
            assert_eq!(done, &names - &failing, "schedule {seed}: {wanted:?}");
        }
    }
    let ledger = ledger.lock().unwrap();
    assert!(ledger.under_way.is_empty(), "schedule {seed}: {ledger:?}");
    assert_eq!(ledger.published.len(), 2 * (names.len() - failing.len()), "schedule {seed}: {ledger:?}");
    assert!(ledger.published.values().all(|times| *times == 1), "schedule {seed}: {ledger:?}");
    ledger.given
}

#[test]
fn no_schedule_ends_in_a_standstill_a_second_commit_or_a_lost_run() {
    let lab = Lab::without_worker();
    let loaded = spec::load(&lab.path("tiny.toml"), &Overrides::default()).unwrap();
    let plan = Arc::new(Plan::new(&loaded).unwrap());
    let base = lab.path("base");
    walk(&plan, Store::open(&base).unwrap(), None);

    let mut dice = Dice::thrown("schedules");
    let seeds: Vec<usize> = (0..if full() { 10_000 } else { 300 }).map(|_| dice.below(1 << 30)).collect();
    // In memory where that can be: the order of news is what matters here, not the disk.
    let memory = Some(Path::new("/dev/shm")).filter(|place| place.is_dir());
    let place = memory.map_or_else(tempfile::tempdir, tempfile::tempdir_in).unwrap();
    let next = Mutex::new(seeds.iter().enumerate());
    let given = Mutex::new(0);
    std::thread::scope(|scope| {
        let play_all = || {
            while let Some((at, seed)) = { next.lock().unwrap().next() } {
                let folder = place.path().join(at.to_string());
                *given.lock().unwrap() += play(&plan, &base, &folder, *seed);
                fs::remove_dir_all(folder).unwrap();
            }
        };
        (0..AT_ONCE).for_each(|_| drop(scope.spawn(play_all)));
    });
    println!("{} schedules, {} jobs given", seeds.len(), given.into_inner().unwrap());
}
