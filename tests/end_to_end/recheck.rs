//! `run --recheck`: stages that the cache holds are done again and compared.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use ablatrix::cache::{Entry, Provenance, Store};
use ablatrix::engine::{
    self, End, Ended, Engine, EngineConfig, Interrupt, News, Order, Recheck, Rechecked, Verdict, Wake,
    Workers, WorkersError,
};
use ablatrix::job::{PROCESSOR_NOTE, THREADS_NOTE, output};
use ablatrix::plan::{Plan, Sources, Stage};
use ablatrix::spec::{self, Overrides};
use serde_json::Value;

use super::harness::{Lab, SPEC, stderr, stdout};
use super::stored::{entries, files, find};

/// All stages of the data, of which nothing is trained.
const DATA: [&str; 2] = ["--until", "references"];
const ALL: [&str; 4] = ["--until", "references", "--recheck", "100%"];

/// What is there of a stage, and where its record lies.
fn record(lab: &Lab, cache: &str, stage: &str) -> (PathBuf, Value) {
    let all = entries(&lab.path(cache).join("entries"));
    all.into_iter().find(|(_, record)| record["fingerprint"]["stage"] == stage).unwrap()
}

/// The names and bytes of all that a cache holds as results.
fn results(lab: &Lab, cache: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let root = lab.path(cache);
    let mut all: Vec<PathBuf> = files(&root.join("entries"));
    all.extend(files(&root.join("objects")));
    all.sort();
    all.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// That a recheck has left nothing but what it says that it has kept.
fn is_tidy(lab: &Lab, cache: &str) {
    for folder in ["work/rechecks", "work/attempts", "locks", "leases"] {
        let folder = lab.path(cache).join(folder);
        assert!(!folder.exists() || files(&folder).is_empty(), "{}: {:?}", folder.display(), files(&folder));
    }
}

#[test]
fn what_is_done_again_is_the_same_and_leaves_no_trace() {
    let lab = Lab::without_worker();
    let first = lab.call("cache", "run", &ALL);
    assert_eq!(first.status.code(), Some(0), "{}", stderr(&first));
    assert!(
        stdout(&first).contains("rechecked nothing: no stage was in the cache before"),
        "{}",
        stdout(&first)
    );
    let before = results(&lab, "cache");
    let again = lab.call("cache", "run", &ALL);
    assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
    assert!(stdout(&again).contains("rechecked 7 of 7 stages: all the same"), "{}", stdout(&again));
    for stage in ["ingest", "scan", "label", "pixels", "split", "balance", "references"] {
        assert!(stderr(&again).contains(&format!("{stage}: done again in ")), "{}", stderr(&again));
    }
    assert_eq!(results(&lab, "cache"), before);
    is_tidy(&lab, "cache");
    assert!(!lab.path("cache/work/differences").exists());
    // A share is rounded up, and the same share draws the same stages.
    let drawn = || {
        let output =
            lab.call("cache", "run", &[&DATA[..], &["--recheck", "0.2", "--format", "json"]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(told["rechecked"]["of"], 7);
        let stages = told["rechecked"]["stages"].as_array().unwrap().clone();
        assert!(stages.iter().all(|stage| stage["verdict"] == "same"), "{stages:?}");
        stages.iter().map(|stage| stage["stage"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let stages = drawn();
    assert_eq!(stages.len(), 2);
    assert_eq!(drawn(), stages);
    // Without the option nothing is said of it.
    let plain = lab.call("cache", "run", &[&DATA[..], &["--format", "json"]].concat());
    assert_eq!(serde_json::from_slice::<Value>(&plain.stdout).unwrap()["rechecked"], Value::Null);
}

/// Names are in no key, so that a result may have been made under another one.
#[test]
fn what_was_made_under_another_name_is_the_same() {
    let Some(lab) = Lab::new() else { return };
    let short = SPEC.replace("seeds = 2", "seeds = 1").replace("colour = {", "# colour = {");
    lab.write_spec(&short);
    assert_eq!(lab.call("cache", "run", &[]).status.code(), Some(0));
    lab.write_spec(&short.replace("flip = {", "mirror = {"));
    let output = lab.call("cache", "run", &["--until", "evaluate", "--recheck", "100%", "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["computed"], 0);
    let stages = told["rechecked"]["stages"].as_array().unwrap();
    assert!(stages.iter().any(|one| one["run"].as_str().is_some_and(|run| run.starts_with("mirror"))));
    assert!(stages.iter().all(|one| one["verdict"] == "same"), "{stages:?}");
}

#[test]
fn a_share_that_is_none_is_refused() {
    let lab = Lab::without_worker();
    for share in ["0", "5", "many"] {
        let output = lab.call("cache", "run", &["--recheck", share]);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains("as in `5%` or `0.05`"), "{}", stderr(&output));
    }
}

/// Puts the split of another seed in the place of the cached one, object and record, as nobody could tell by checksums.
fn forge_split(lab: &Lab) -> (String, String) {
    let other = lab.call("other", "run", &[&DATA[..], &["--set", "split.seed=99"]].concat());
    assert_eq!(other.status.code(), Some(0), "{}", stderr(&other));
    let digest = |record: &Value| record["outputs"]["split.parquet"]["digest"].as_str().unwrap().to_owned();
    let (path, mut ours) = record(lab, "cache", "split");
    let (_, theirs) = record(lab, "other", "split");
    let (right, wrong) = (digest(&ours), digest(&theirs));
    assert_ne!(right, wrong);
    let from = find(&lab.path("other/objects"), &wrong).unwrap();
    let to = lab.path("cache/objects").join(&wrong[..2]).join(&wrong[2..]);
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::copy(from, to).unwrap();
    ours["outputs"] = theirs["outputs"].clone();
    let body = serde_json::to_string(&ours).unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, format!("{}\n{body}\n", blake3::hash(body.as_bytes()).to_hex())).unwrap();
    (right, wrong)
}

#[test]
fn what_was_changed_with_its_record_is_found_by_doing_it_again_alone() {
    let lab = Lab::without_worker();
    assert_eq!(lab.call("cache", "run", &DATA).status.code(), Some(0));
    let (right, wrong) = forge_split(&lab);
    // What reads it is made of it, as if all were well; and all checksums hold.
    assert_eq!(lab.call("cache", "run", &DATA).status.code(), Some(0));
    let cache = lab.path("cache");
    let verify = lab.bare().args(["cache", "verify", "--cache"]).arg(&cache).output().unwrap();
    assert_eq!(verify.status.code(), Some(0), "{}", stderr(&verify));
    let before = results(&lab, "cache");

    let again = lab.call("cache", "run", &ALL);
    let said = stderr(&again);
    assert_eq!(again.status.code(), Some(1), "{said}");
    assert!(
        stdout(&again).contains("rechecked 7 of 7 stages: 6 the same, 1 not the same"),
        "{}",
        stdout(&again)
    );
    assert!(said.contains("split: done again in ") && said.contains(", not the same"), "{said}");
    assert!(said.contains("error: stage `split`, done again, gave another `split.parquet`"), "{said}");
    assert!(
        said.contains(&format!("cached: {wrong}")) && said.contains(&format!("again:  {right}")),
        "{said}"
    );
    assert!(said.contains("such a stage gives the same on every machine"), "{said}");
    let kept = files(&lab.path("cache/work/differences"));
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert!(said.contains(&format!("`{}`", kept[0].display())), "{said}");
    assert_eq!(blake3::hash(&fs::read(&kept[0]).unwrap()).to_hex().as_str(), right);
    // The cache is as it was: the next run goes by it.
    assert_eq!(results(&lab, "cache"), before);
    is_tidy(&lab, "cache");

    let output = lab.call("cache", "run", &[&ALL[..], &["--format", "json"]].concat());
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let stages = told["rechecked"]["stages"].as_array().unwrap();
    let split = stages.iter().find(|stage| stage["stage"] == "split").unwrap();
    assert_eq!((output.status.code(), &split["verdict"]), (Some(1), &"differs".into()));
    assert_eq!(split["outputs"][0]["cached"], wrong.as_str());

    // What the message says is what helps.
    fs::remove_file(record(&lab, "cache", "split").0).unwrap();
    let mended = lab.call("cache", "run", &ALL);
    assert_eq!(mended.status.code(), Some(0), "{}", stderr(&mended));
    let (_, split) = record(&lab, "cache", "split");
    assert_eq!(split["outputs"]["split.parquet"]["digest"], right.as_str());
}

#[test]
fn what_is_damaged_is_named_and_the_rest_is_done_again() {
    let lab = Lab::without_worker();
    assert_eq!(lab.call("cache", "run", &DATA).status.code(), Some(0));
    let (_, pixels) = record(&lab, "cache", "pixels");
    let digest = pixels["outputs"]["pixels.u8"]["digest"].as_str().unwrap_or_else(|| panic!("{pixels}"));
    super::stored::flip_byte(&find(&lab.path("cache/objects"), digest).unwrap());
    let again = lab.call("cache", "run", &ALL);
    let said = stderr(&again);
    assert_eq!(again.status.code(), Some(1), "{said}");
    // The store itself and `references`, which reads it.
    assert!(stdout(&again).contains("5 the same, 2 could not be done again"), "{}", stdout(&again));
    assert!(said.contains("could not be done again: of `pixels`, cached object"), "{said}");
    let mended = lab.call("cache", "run", &ALL);
    assert_eq!(mended.status.code(), Some(0), "{}", stderr(&mended));
    assert!(stdout(&mended).contains("rechecked 6 of 6 stages: all the same"), "{}", stdout(&mended));
}

#[test]
fn trainings_and_the_report_are_the_same_again() {
    let Some(lab) = Lab::new() else { return };
    lab.write_spec(&SPEC.replace("colour = { op = \"hue_saturation_value\", p = 0.5 }\n", "").replace(
        "[augment.grid]",
        "[explain]\nmethod = \"grad_cam\"\n[workers]\nthreads = 1\n[augment.grid]",
    ));
    let first = lab.run("cache");
    let before = results(&lab, "cache");
    // With another number of threads than now: that of the record counts.
    let more = ["--recheck", "100%", "--set", "workers.threads=2", "--format", "json"];
    let again = lab.call("cache", "run", &more);
    assert_eq!(again.status.code(), Some(0), "{}{}", stdout(&again), stderr(&again));
    let told: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!((&told["computed"], &told["rechecked"]["of"]), (&0.into(), &first["stages"]));
    let stages = told["rechecked"]["stages"].as_array().unwrap();
    assert_eq!(Some(stages.len() as u64), first["stages"].as_u64());
    assert!(stages.iter().all(|stage| stage["verdict"] == "same"), "{stages:#?}");
    let after = results(&lab, "cache");
    assert!(before.iter().all(|file| after.contains(file)));
    is_tidy(&lab, "cache");
}

/// Workers without any process, which end every job at once.
#[derive(Clone, Debug)]
struct Simulated {
    does: Arc<Mutex<Does>>,
}

/// What they do with a job.
#[derive(Clone, Debug, Default)]
struct Does {
    model: &'static str,
    processor: &'static str,
    fails: bool,
    /// Threads of the jobs so far.
    threads: Vec<u32>,
    /// Caches of the jobs so far.
    caches: Vec<PathBuf>,
}

struct Slots {
    does: Arc<Mutex<Does>>,
    wake: Wake,
    given: Vec<Order>,
}

impl Engine for Simulated {
    fn begin(&self, wake: Wake) -> Box<dyn Workers> {
        Box::new(Slots { does: Arc::clone(&self.does), wake, given: Vec::new() })
    }

    fn threads(&self) -> u32 {
        4
    }
}

impl Workers for Slots {
    fn room(&mut self, _avoid: &[String]) -> usize {
        2 - self.given.len()
    }

    fn give(&mut self, order: Order) -> Result<(), WorkersError> {
        let mut does = self.does.lock().unwrap();
        does.threads.push(order.job.threads);
        does.caches.push(order.job.cache.clone());
        self.given.push(order);
        self.wake.call();
        Ok(())
    }

    fn news(&mut self) -> Result<Vec<News>, WorkersError> {
        let does = self.does.lock().unwrap().clone();
        let ended = |order: Order| {
            let how = if does.fails { Ended::Failed("no such layer".to_owned()) } else { Ended::Well };
            if !does.fails {
                publish(&order, &does);
            }
            News::Ended { node: order.node, how, place: None, log: None }
        };
        Ok(self.given.drain(..).map(ended).collect())
    }

    fn end(&mut self, how: End) {
        assert_eq!((how, self.given.len()), (End::Done, 0));
    }

    fn told_on_interrupt(&self) -> &'static str {
        "they vanish"
    }
}

fn publish(order: &Order, does: &Does) {
    let attempt = Store::existing(&order.job.cache).unwrap().attempt(&order.job.fingerprint).unwrap();
    let names = [output::MODEL, output::HISTORY, output::SUMMARY];
    names.iter().for_each(|name| fs::write(attempt.path(name), name).unwrap());
    fs::write(attempt.path(output::MODEL), does.model).unwrap();
    let made = Provenance { host: "here".into(), ..Provenance::default() };
    let made = made.note(THREADS_NOTE, order.job.threads).note(PROCESSOR_NOTE, does.processor);
    attempt.publish(&names, made).unwrap();
}

/// A study that simulated workers have trained.
struct Trained {
    plan: Arc<Plan>,
    config: EngineConfig,
    sources: Sources,
    results: HashMap<usize, Entry>,
    does: Arc<Mutex<Does>>,
}

impl Trained {
    fn new(lab: &Lab) -> Self {
        let loaded = spec::load(&lab.path("tiny.toml"), &Overrides::default()).unwrap();
        let plan = Arc::new(Plan::new(&loaded).unwrap());
        let store = Store::open(&lab.path("cache")).unwrap();
        let does = Arc::new(Mutex::new(Does { model: "weights", processor: "P", ..Does::default() }));
        let config = EngineConfig {
            store: store.clone(),
            workers: Some(Arc::new(Simulated { does: Arc::clone(&does) })),
            fail_fast: true,
            data_threads: 2,
            until: Some(Stage::Train),
            remote: None,
            no_wait: false,
        };
        let sources = Sources::new(&store);
        let outcome = engine::run(&plan, &config, &sources, &Interrupt::never(), &mut |_| {}).unwrap();
        assert!(outcome.failed.is_empty());
        Trained { plan, config, sources, results: outcome.entries, does }
    }

    /// All of it again, by workers that do this.
    fn again(&self, does: impl FnOnce(&mut Does)) -> Rechecked {
        does(&mut self.does.lock().unwrap());
        let Trained { plan, config, sources, results, .. } = self;
        let made = Default::default();
        let share = "100%".parse().unwrap();
        let recheck = Recheck { plan, config, sources, results, made: &made, share };
        recheck.run(&Interrupt::never(), &mut |_| {}).unwrap()
    }

    fn verdicts<'r>(&self, rechecked: &'r Rechecked, stage: Stage) -> Vec<&'r Verdict> {
        let of_stage = rechecked.stages.iter().filter(|one| self.plan.nodes[one.node].stage == stage);
        of_stage.map(|one| &one.verdict).collect()
    }
}

#[test]
fn trainings_are_done_with_the_threads_of_their_record_and_other_processors_are_told() {
    let lab = Lab::without_worker();
    let trained = Trained::new(&lab);
    let root = lab.path("cache");
    assert!(trained.does.lock().unwrap().caches.iter().all(|cache| *cache == root));

    let same = trained.again(|does| {
        does.threads.clear();
        does.caches.clear();
    });
    assert_eq!((same.of, same.stages.len()), (trained.results.len(), trained.results.len()));
    assert!(same.stages.iter().all(|one| matches!(one.verdict, Verdict::Same)), "{same:?}");
    let does = trained.does.lock().unwrap().clone();
    assert_eq!(does.threads, [4; 6]);
    assert!(
        does.caches.iter().all(|cache| cache.starts_with(root.join("work/rechecks"))),
        "{:?}",
        does.caches
    );

    let other = trained.again(|does| does.model = "weightz");
    for verdict in trained.verdicts(&other, Stage::Train) {
        let Verdict::Differs { outputs, folder, excuse: None } = verdict else { panic!("{verdict:?}") };
        assert_eq!(outputs.iter().map(|one| one.output.as_str()).collect::<Vec<_>>(), [output::MODEL]);
        assert_eq!(fs::read(folder.join(output::MODEL)).unwrap(), b"weightz");
        assert!(!verdict.is_fine());
    }
    assert!(trained.verdicts(&other, Stage::Split).iter().all(|one| matches!(one, Verdict::Same)));

    let elsewhere = trained.again(|does| does.processor = "Q");
    for verdict in trained.verdicts(&elsewhere, Stage::Train) {
        let Verdict::Differs { excuse: Some(why), .. } = verdict else { panic!("{verdict:?}") };
        assert!(why.contains("made on P, and this is Q") && verdict.is_fine(), "{why}");
    }

    let failing = trained.again(|does| does.fails = true);
    for verdict in trained.verdicts(&failing, Stage::Train) {
        assert!(matches!(verdict, Verdict::Failed(why) if why == "no such layer"), "{verdict:?}");
    }
    assert_eq!(failing.stages.len(), trained.results.len(), "what does not hang on them is done again too");
    let lookup = |entry: &Entry| trained.config.store.lookup(&entry.key).unwrap();
    assert!(trained.results.values().all(|entry| lookup(entry).as_ref() == Some(entry)));
    is_tidy_but_for_claims(&root);
}

/// The claims of a study go with its outcome, which the test still has.
fn is_tidy_but_for_claims(root: &Path) {
    for folder in ["work/rechecks", "work/attempts", "locks"] {
        let folder = root.join(folder);
        assert!(!folder.exists() || files(&folder).is_empty(), "{:?}", files(&folder));
    }
}
