//! The pool with workers that are scripts, and memory that is made up.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::gpus::Gpus;
use super::meter::{Memory, Meter};
use super::pool::{Pool, PoolConfig};
use super::watch::Limits;
use crate::engine::workers::{End, Ended, News, Order, Wake, Workers, WorkersError};
use crate::fingerprint::Builder;
use crate::job::{Job, JobStage, PROTOCOL};
use crate::spec::{self, Overrides};

const GIB: u64 = 1 << 30;

/// What is told of memory, to be changed while the pool runs.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Figures>>);

#[derive(Default)]
struct Figures {
    machine: Option<Memory>,
    gpu: Option<Memory>,
    of_process: Option<u64>,
}

impl Meter for Told {
    fn machine(&self) -> Option<Memory> {
        self.0.lock().unwrap().machine
    }

    fn process(&self, _id: u32) -> Option<u64> {
        self.0.lock().unwrap().of_process
    }

    fn gpu(&self, _name: &str) -> Option<Memory> {
        self.0.lock().unwrap().gpu
    }

    fn process_on_gpu(&self, _name: &str, _id: u32) -> Option<u64> {
        self.0.lock().unwrap().of_process
    }
}

/// A pool whose workers do `body` with each job; `$line` is the job, `say EVENT` tells one of its key.
struct Bench {
    folder: tempfile::TempDir,
    told: Told,
    pool: Pool,
    job: Job,
}

/// How the pool of a test is laid out.
struct Layout {
    slots: usize,
    gpus: usize,
    by_memory: bool,
    limits: Limits,
}

const TWO_SLOTS: Layout =
    Layout { slots: 2, gpus: 0, by_memory: false, limits: Limits { whole: None, standstill: None } };

fn bench(layout: Layout, before_ready: &str, body: &str) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let script = format!(
        "#!/bin/sh\nsay() {{ printf '{{\"event\":\"%s\",\"key\":\"%s\"%s}}\\n' \"$1\" \"$key\" \"$2\"; }}\n{before_ready}\n\
         echo '{{\"event\":\"ready\",\"protocol\":{PROTOCOL},\"version\":\"1\",\"libtorch\":\"2\"}}'\n\
         while IFS= read -r line; do\n  key=$(printf '%s' \"$line\" | sed 's/.*\"key\":\"\\([0-9a-f]*\\)\".*/\\1/')\n  {body}\ndone\n"
    );
    let program = folder.path().join("worker");
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let gpus = match layout.gpus {
        0 => Gpus::Unused,
        n => Gpus::Visible((0..n).map(|gpu| gpu.to_string()).collect()),
    };
    let Layout { slots, by_memory, limits, .. } = layout;
    let logs = folder.path().join("logs");
    let config = PoolConfig { program, slots, threads: 1, gpus, by_memory, limits, logs };
    let told = Told::default();
    let pool = Pool::new(config, Wake::new(|| {}), Box::new(told.clone()));
    let job = job(folder.path());
    Bench { folder, told, pool, job }
}

fn job(folder: &Path) -> Job {
    let path = folder.join("a.toml");
    std::fs::write(
        &path,
        "name = \"a\"\n[dataset]\nformat = \"folders\"\nimages = \"x\"\n[labels]\nfrom = \"folder\"\n[augment.grid]\ndesign = \"none\"\n",
    )
    .unwrap();
    let experiment = spec::load(&path, &Overrides::default()).unwrap().experiment;
    Job {
        protocol: PROTOCOL,
        stage: JobStage::Train,
        run: "none/seed=1".into(),
        fingerprint: Builder::new("train", 1).finish(),
        model: experiment.model.clone(),
        train: experiment.train.clone(),
        explain: experiment.explain.clone(),
        images: experiment.images.clone(),
        policy: vec![],
        inputs: BTreeMap::new(),
        cache: PathBuf::new(),
        seed: 1,
        fold: 0,
        threads: 1,
        checkpoint_minutes: 0.0,
        device: experiment.workers.device,
        beat_seconds: 0.0,
        alone: true,
    }
}

impl Bench {
    fn give(&mut self, node: usize, avoid: &[&str]) -> Result<(), WorkersError> {
        let avoid = avoid.iter().map(|place| (*place).to_owned()).collect();
        self.pool.give(Order { node, job: self.job.clone(), expected_bytes: None, avoid })
    }

    /// News until the job of `node` has ended: how, and the notices.
    fn end_of(&mut self, node: usize) -> (Ended, Vec<String>) {
        let begun = Instant::now();
        let mut notices = Vec::new();
        while begun.elapsed() < Duration::from_secs(60) {
            for news in self.pool.news().unwrap() {
                match news {
                    News::Ended { node: of, how, .. } if of == node => return (how, notices),
                    News::Notice { message } => notices.push(message),
                    News::Ended { .. } | News::Told { .. } | News::Placed { .. } => {}
                }
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("job {node} has not ended");
    }

    fn room(&mut self, avoid: &[&str]) -> usize {
        self.pool.room(&avoid.iter().map(|place| (*place).to_owned()).collect::<Vec<_>>())
    }
}

fn words(how: Ended) -> (&'static str, String) {
    match how {
        Ended::Well => ("well", String::new()),
        Ended::Failed(why) => ("failed", why),
        Ended::Lost(why) => ("lost", why),
        Ended::Preempted(why) => ("preempted", why),
    }
}

#[test]
fn the_only_gpu_in_use_is_never_given_up() {
    let mut bench = bench(Layout { slots: 1, gpus: 2, ..TWO_SLOTS }, "", "exit 5");
    for node in 0..5 {
        assert_eq!(bench.room(&[]), 1);
        bench.give(node, &[]).unwrap();
        assert_eq!(words(bench.end_of(node).0).0, "lost");
    }
}

#[test]
fn on_the_processor_no_slot_is_avoided_and_on_gpus_another_one_is_waited_for() {
    let mut bench = bench(TWO_SLOTS, "", "sleep 60");
    bench.give(0, &[]).unwrap();
    assert_eq!(bench.room(&["worker 1", "worker 2"]), 1);
    bench.pool.end(End::Failed);

    let mut bench = self::bench(Layout { gpus: 2, ..TWO_SLOTS }, "", "sleep 60");
    assert_eq!((bench.room(&["GPU 0"]), bench.room(&["GPU 0", "GPU 1"])), (1, 2));
    bench.give(0, &["GPU 0"]).unwrap();
    assert_eq!((bench.room(&["GPU 0"]), bench.room(&[])), (0, 1));
}

#[test]
fn a_worker_that_only_closes_its_mouth_stops_nobody() {
    let mut bench = bench(TWO_SLOTS, "", "exec >&- 2>&-; sleep 60");
    bench.give(0, &[]).unwrap();
    let (how, why) = words(bench.end_of(0).0);
    assert!(how == "lost" && why.contains("killed by signal 9"), "{how}: {why}");
    assert_eq!(bench.room(&[]), 2);
}

#[test]
fn standing_still_and_silence_end_a_job() {
    let limits = Limits { whole: None, standstill: Some(Duration::from_secs(1)) };
    let layout = || Layout { limits, ..TWO_SLOTS };
    let mut silent = bench(layout(), "", "sleep 60");
    silent.give(0, &[]).unwrap();
    let (how, why) = words(silent.end_of(0).0);
    assert!(how == "lost" && why.contains("was not heard of"), "{how}: {why}");

    let mut stuck = bench(layout(), "", "while :; do say beat ',\"steps\":4'; sleep 0.1; done");
    stuck.give(0, &[]).unwrap();
    let (how, why) = words(stuck.end_of(0).0);
    assert!(how == "lost" && why.contains("stayed at step 4"), "{how}: {why}");
}

#[test]
fn workers_that_are_stopped_before_they_are_up_are_no_fault_of_the_program() {
    let limits = Limits { whole: Some(Duration::from_millis(100)), standstill: None };
    let mut bench = bench(Layout { limits, ..TWO_SLOTS }, "sleep 60", "");
    for node in 0..3 {
        bench.give(node, &[]).unwrap();
        let (how, why) = words(bench.end_of(node).0);
        assert!(how == "failed" && why.contains("`workers.time_limit_minutes`"), "{how}: {why}");
    }
}

#[test]
fn two_workers_that_die_before_they_are_up_end_the_study() {
    let mut bench = bench(TWO_SLOTS, "echo no libtorch >&2; exit 7", "");
    bench.give(0, &[]).unwrap();
    assert_eq!(words(bench.end_of(0).0).0, "lost");
    bench.give(0, &[]).unwrap();
    let begun = Instant::now();
    let error = loop {
        match bench.pool.news() {
            Err(error) => break error.to_string(),
            Ok(_) => assert!(begun.elapsed() < Duration::from_secs(60), "it goes on"),
        }
    };
    assert!(error.contains("does not start: ended with exit code 7; its log ends: no libtorch"), "{error}");
}

#[test]
fn a_worker_that_is_told_to_stop_from_outside_is_no_failure() {
    let mut bench = bench(TWO_SLOTS, "", "say interrupted; exit 75");
    bench.give(0, &[]).unwrap();
    assert_eq!(words(bench.end_of(0).0).0, "preempted");
}

#[test]
fn memory_that_others_take_is_waited_for_and_then_the_job_is_alone() {
    let body = "printf '%s\\n' \"$line\" >>\"${0%/*}/jobs\"; case \"$line\" in *'\"seed\":9,'*) sleep 60 ;; esac\n  \
                say failed ',\"kind\":\"memory\",\"message\":\"out of memory\"'";
    let mut bench = bench(Layout { slots: 2, gpus: 1, ..TWO_SLOTS }, "", body);
    bench.job.seed = 9;
    bench.give(0, &[]).unwrap();
    // Its worker is ended below, which must not be before it has taken its job.
    let taken = bench.folder.path().join("jobs");
    let begun = Instant::now();
    while !taken.exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the worker takes no job");
        std::thread::sleep(Duration::from_millis(5));
    }
    bench.job.seed = 1;
    bench.give(1, &[]).unwrap();
    let (how, notices) = bench.end_of(1);
    assert_eq!(words(how).0, "preempted");
    assert!(notices[0].contains("memory was out with 2 jobs on GPU 0"), "{notices:?}");
    assert_eq!(bench.room(&[]), 0, "the other one still runs");
    bench.pool.slots[0].worker.as_mut().unwrap().kill();
    bench.end_of(0);
    bench.give(1, &[]).unwrap();
    assert_eq!(words(bench.end_of(1).0).0, "lost", "alone it counts");
    let jobs = std::fs::read_to_string(bench.folder.path().join("jobs")).unwrap();
    let alone: Vec<bool> = jobs.lines().map(|job| job.contains("\"alone\":true")).collect();
    assert_eq!(alone, [false, false, true]);
}

#[test]
fn the_slot_of_a_job_is_told() {
    let mut bench = bench(Layout { slots: 2, gpus: 1, ..TWO_SLOTS }, "", "sleep 60");
    bench.give(4, &[]).unwrap();
    bench.give(5, &[]).unwrap();
    let placed = |node, slot: &str| News::Placed { node, slot: slot.to_owned(), slots: 2 };
    assert_eq!(
        bench.pool.news().unwrap()[..2],
        [placed(4, "worker 1 on GPU 0"), placed(5, "worker 2 on GPU 0")]
    );
}

#[test]
fn shortage_stops_the_job_that_was_begun_last() {
    let mut bench = bench(TWO_SLOTS, "trap 'say interrupted; exit 75' TERM", "sleep 60 & wait");
    bench.give(0, &[]).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    bench.give(1, &[]).unwrap();
    bench.told.0.lock().unwrap().machine = Some(Memory { total: 100 * GIB, available: GIB });
    let (how, notices) = bench.end_of(1);
    let (how, why) = words(how);
    assert!(how == "preempted" && why.contains("memory ran short"), "{how}: {why}");
    assert!(notices[0].contains("from now on 1 job at once"), "{notices:?}");
    bench.told.0.lock().unwrap().machine = Some(Memory { total: 100 * GIB, available: 90 * GIB });
    assert_eq!(bench.room(&[]), 0, "for good");
}

#[test]
fn a_gpu_is_shared_as_soon_as_a_job_at_work_shows_what_it_takes() {
    let layout = Layout { slots: 4, gpus: 1, by_memory: true, ..TWO_SLOTS };
    let body = "while :; do say beat ',\"steps\":4'; sleep 1; done";
    let mut bench = bench(layout, "", body);
    {
        let mut told = bench.told.0.lock().unwrap();
        told.gpu = Some(Memory { total: 10 * GIB, available: 10 * GIB });
        told.of_process = Some(4 * GIB);
    }
    bench.give(0, &[]).unwrap();
    assert_eq!(bench.room(&[]), 0);
    let begun = Instant::now();
    while bench.room(&[]) == 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "it stays alone");
        bench.pool.news().unwrap();
        std::thread::sleep(Duration::from_millis(20));
    }
    bench.give(1, &[]).unwrap();
    assert_eq!(bench.room(&[]), 0, "a third one does not fit");
}
