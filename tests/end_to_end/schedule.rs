//! The order in which runs are begun, for workers whose time is made up: a thousand runs end soon after the last one could.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};

use ablatrix::cache::{Provenance, Store};
use ablatrix::engine::{
    self, End, Ended, Engine, EngineConfig, Interrupt, News, Order, Wake, Workers, WorkersError,
};
use ablatrix::job::output;
use ablatrix::plan::{Plan, Sources, Stage};
use ablatrix::seed::Key;
use ablatrix::spec::{self, Overrides};

use super::harness::{Lab, SPEC};

/// Epochs of the runs: many short ones, and the longest last in the order of the spec.
const EPOCHS: &str = "[1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 40]";

/// Workers without any process. Their clock stands still while jobs are given.
#[derive(Clone, Debug)]
struct Simulated {
    slots: usize,
    store: Store,
    done: Arc<Mutex<Done>>,
}

/// What was simulated so far, in seconds.
#[derive(Debug, Default)]
struct Done {
    longest: f64,
    all: f64,
    clock: f64,
    runs: usize,
}

struct Slots {
    of: Simulated,
    wake: Wake,
    /// By their end, in picoseconds: the orders that are under way.
    busy: BTreeMap<(u64, usize), Order>,
}

impl Engine for Simulated {
    fn begin(&self, wake: Wake) -> Box<dyn Workers> {
        Box::new(Slots { of: self.clone(), wake, busy: BTreeMap::new() })
    }

    fn threads(&self) -> u32 {
        1
    }
}

/// An epoch takes about a second; each run is up to 15 % faster or slower than its epochs say.
fn seconds(order: &Order) -> f64 {
    let luck = Key::root(5).child(&order.job.run).draws().f64();
    f64::from(order.job.train.epochs) * (0.85 + 0.3 * luck)
}

impl Workers for Slots {
    fn room(&mut self, _avoid: &[String]) -> usize {
        self.of.slots - self.busy.len()
    }

    fn give(&mut self, order: Order) -> Result<(), WorkersError> {
        let mut done = self.of.done.lock().unwrap();
        let takes = seconds(&order);
        done.longest = done.longest.max(takes);
        done.all += takes;
        done.runs += 1;
        self.busy.insert((((done.clock + takes) * 1e12) as u64, order.node), order);
        self.wake.call();
        Ok(())
    }

    fn news(&mut self) -> Result<Vec<News>, WorkersError> {
        let Some(((end, node), order)) = self.busy.pop_first() else { return Ok(Vec::new()) };
        self.of.done.lock().unwrap().clock = end as f64 / 1e12;
        let attempt = self.of.store.attempt(&order.job.fingerprint).unwrap();
        let names = [output::MODEL, output::HISTORY, output::SUMMARY];
        for name in names {
            fs::write(attempt.path(name), name).unwrap();
        }
        let provenance = Provenance { elapsed_s: seconds(&order), ..Provenance::default() };
        attempt.publish(&names, provenance).unwrap();
        self.wake.call();
        Ok(vec![News::Ended { node, how: Ended::Well, place: None, log: None }])
    }

    fn end(&mut self, how: End) {
        assert_eq!((how, self.busy.len()), (End::Done, 0));
    }

    fn told_on_interrupt(&self) -> &'static str {
        "they vanish"
    }
}

#[test]
fn runs_of_mixed_length_end_within_a_tenth_of_the_lower_bound() {
    let lab = Lab::without_worker();
    for (slots, seeds) in [(2, 1), (8, 28), (32, 3)] {
        let spec = SPEC.replace("seeds = 2", &format!("seeds = {seeds}"));
        lab.write_spec(&format!("{spec}[matrix]\n\"train.epochs\" = {EPOCHS}\n"));
        let loaded = spec::load(&lab.path("tiny.toml"), &Overrides::default()).unwrap();
        let plan = Arc::new(Plan::new(&loaded).unwrap());
        let store = Store::open(&lab.path(&format!("cache-{slots}"))).unwrap();
        let done = Arc::new(Mutex::new(Done::default()));
        let workers = Simulated { slots, store: store.clone(), done: Arc::clone(&done) };
        let config = EngineConfig {
            store: store.clone(),
            workers: Some(Arc::new(workers)),
            fail_fast: true,
            data_threads: 2,
            until: Some(Stage::Train),
            remote: None,
            no_wait: false,
        };
        let sources = Sources::new(&store);
        let outcome = engine::run(&plan, &config, &sources, &Interrupt::never(), &mut |_| {}).unwrap();
        assert!(outcome.failed.is_empty());
        let Done { longest, all, clock, runs } = *done.lock().unwrap();
        assert_eq!(runs, 3 * 12 * seeds);
        let bound = longest.max(all / slots as f64);
        assert!(
            clock <= 1.1 * bound,
            "{runs} runs on {slots} slots took {clock} s, where {bound} s is the least"
        );
    }
}
