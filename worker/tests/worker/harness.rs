//! A cache with a small dataset in it, jobs on that, and a worker process to talk to.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

use ablatrix::cache::{Provenance, Store};
use ablatrix::fingerprint::{Builder, Digest};
use ablatrix::job::{Job, JobStage, PROTOCOL, TrainSummary, WorkerEvent, input, output};
use ablatrix::seed::Key;
use ablatrix::spec::ops::{Action, Geometry, NamedOp, Noise, Op};
use ablatrix::spec::settings::*;
use ablatrix::tables::rows::*;
use ablatrix::tables::{self, Table};
use tempfile::TempDir;

pub const SIDE: usize = 32;
pub const LABELS: [&str; 3] = ["red", "green", "blue"];

/// A cache with 30 pictures: 18 to train on, 6 to validate, 6 to test.
pub struct Study {
    folder: TempDir,
    pub inputs: BTreeMap<String, Digest>,
}

/// Labels of image `image_id`, at random.
pub fn positives(image_id: i64) -> [bool; 3] {
    let mut draws = Key::root(7).child("labels").index(image_id as u64).draws();
    [draws.chance(0.5), draws.chance(0.5), draws.chance(0.5)]
}

/// Noise whose channels are brighter where their label is positive.
pub fn picture(image_id: i64) -> Vec<u8> {
    let mut draws = Key::root(7).child("pictures").index(image_id as u64).draws();
    let bright = positives(image_id);
    (0..SIDE * SIDE * 3).map(|i| draws.below(128) as u8 + if bright[i % 3] { 100 } else { 0 }).collect()
}

pub fn part(image_id: i64) -> Part {
    match image_id % 5 {
        0..=2 => Part::Train,
        3 => Part::Val,
        _ => Part::Test,
    }
}

/// Adam with PyTorch's defaults.
pub fn adam(lr: f64) -> Optimizer {
    Optimizer {
        rule: Rule::Adam { betas: [0.9, 0.999], epsilon: 1e-8 },
        lr,
        weight_decay: 0.0,
        decay_norms_and_biases: false,
        layer_decay: 1.0,
    }
}

impl Study {
    pub fn new() -> Self {
        let mut study = Study { folder: tempfile::tempdir().unwrap(), inputs: BTreeMap::new() };
        let ids: Vec<i64> = (1..=30).collect();
        study.put_bytes(input::PIXELS, &ids.iter().flat_map(|&id| picture(id)).collect::<Vec<_>>());
        let pixel_row =
            |&image_id: &i64| PixelRow { image_id, row: image_id as u64 - 1, digest: "0".repeat(64) };
        study.put(input::PIXEL_ROWS, &ids.iter().map(pixel_row).collect::<Vec<_>>());
        study.put_labels(&ids);
        let split_row = |&image_id: &i64| SplitRow { image_id, fold: 0, part: part(image_id) };
        study.put(input::SPLIT, &ids.iter().map(split_row).collect::<Vec<_>>());
        let train = ids.iter().filter(|&&id| part(id) == Part::Train);
        let index_row = |&image_id: &i64| TrainIndexRow {
            fold: 0,
            image_id,
            copies: if image_id == 1 { 2 } else { 1 },
            weight: 1.0,
            chance: None,
        };
        study.put(input::TRAIN_INDEX, &train.map(index_row).collect::<Vec<_>>());
        study
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    pub fn store(&self) -> Store {
        Store::open(self.root()).unwrap()
    }

    pub fn put_labels(&mut self, ids: &[i64]) {
        let table = LabelTable {
            labels: LABELS.map(String::from).to_vec(),
            image_ids: ids.to_vec(),
            positives: ids.iter().flat_map(|&id| positives(id)).collect(),
        };
        self.put(input::LABELS, &table);
    }

    pub fn put<T: Table>(&mut self, name: &str, table: &T) {
        let file = self.root().join("table");
        tables::write(&file, table, "test").unwrap();
        self.put_bytes(name, &std::fs::read(file).unwrap());
    }

    pub fn put_bytes(&mut self, name: &str, bytes: &[u8]) {
        let print =
            Builder::new("test", 1).setting("name", &name).input("bytes", &Digest::of(bytes)).finish();
        let attempt = self.store().attempt(&print).unwrap();
        std::fs::write(attempt.path("out"), bytes).unwrap();
        let entry = attempt.publish(&["out"], Provenance::default()).unwrap();
        self.inputs.insert(name.to_owned(), entry.digest("out").clone());
    }

    /// Trains mobilenet with dropout and two ops for `epochs` epochs.
    pub fn train_job(&self, epochs: u32) -> Job {
        let op =
            |name: &str, action: Action| NamedOp { name: name.into(), op: Op { p: 0.5, action }, nth: 0 };
        let noise =
            Action::Noise(Noise::GaussNoise { std: [0.05, 0.1], mean: [0.0, 0.0], per_channel: true });
        let mut job = Job {
            protocol: PROTOCOL,
            stage: JobStage::Train,
            run: "flip+noise/seed=1".into(),
            fingerprint: Builder::new("train", 1).finish(),
            model: Model {
                name: Architecture::MobilenetV3Small,
                weights: Weights::None,
                freeze: Freeze::Share(0.0),
                unfreeze_after: 0,
                module: None,
                normalise: Normalise::Auto,
                head: vec![],
                dropout: 0.2,
            },
            train: Train {
                epochs,
                batch_size: 6,
                accumulate: 1,
                shrink_batches: false,
                loss: Loss::Bce { positive_weights: PositiveWeights::None, smoothing: 0.0 },
                precision: Precision::Fp32,
                deterministic: true,
                optimizer: adam(1e-3),
                clip_norm: 0.0,
                schedule: Schedule::Static,
                ema: 0.0,
                early_stopping: None,
            },
            explain: Explain { method: None, layer: AUTO_LAYER.into(), images: 0, faithfulness: 0 },
            images: Images { size: SIDE as u32, fit: Fit::Stretch },
            policy: vec![op("flip", Action::Geometry(Geometry::HorizontalFlip {})), op("noise", noise)],
            inputs: self.inputs.clone(),
            cache: self.root().to_owned(),
            seed: 1,
            fold: 0,
            threads: 1,
            checkpoint_minutes: 0.0,
            beat_seconds: 0.0,
            alone: true,
            device: Device::Cpu,
        };
        sign(&mut job);
        job
    }

    /// Predicts with the model that `train` made.
    pub fn predict_job(&self, train: &Job) -> Job {
        let mut job = Job { stage: JobStage::Predict, ..train.clone() };
        let model = self.digest(train, output::MODEL);
        job.inputs.insert(input::MODEL.into(), model);
        sign(&mut job);
        job
    }

    /// Explains the model that `train` made, by maps of `layer`.
    pub fn explain_job(&self, train: &Job, method: ExplainMethod, layer: &str, faithfulness: u32) -> Job {
        let mut job = Job { stage: JobStage::Explain, ..train.clone() };
        job.explain = Explain { method: Some(method), layer: layer.into(), images: 0, faithfulness };
        let model = self.digest(train, output::MODEL);
        job.inputs.insert(input::MODEL.into(), model);
        job.inputs.insert(input::REGIONS.into(), self.inputs[input::REGIONS].clone());
        sign(&mut job);
        job
    }

    pub fn digest(&self, job: &Job, name: &str) -> Digest {
        let entry = self.store().lookup(&job.fingerprint.key).unwrap().expect("published");
        entry.digest(name).clone()
    }

    pub fn bytes(&self, job: &Job, name: &str) -> Vec<u8> {
        std::fs::read(self.store().object(&self.digest(job, name)).unwrap()).unwrap()
    }

    pub fn table<T: Table>(&self, job: &Job, name: &str) -> T {
        tables::read(&self.store().object(&self.digest(job, name)).unwrap()).unwrap()
    }

    pub fn summary(&self, job: &Job) -> TrainSummary {
        serde_json::from_slice(&self.bytes(job, output::SUMMARY)).unwrap()
    }

    /// Runs `ablatrix-worker job FILE`; gives its exit code, and its events after the one that says that it is up.
    pub fn run_file(&self, job: &Job) -> (Option<i32>, Vec<WorkerEvent>) {
        let file = self.root().join("job.json");
        std::fs::write(&file, serde_json::to_vec(job).unwrap()).unwrap();
        let out = worker().arg("job").arg(file).output().unwrap();
        let text = String::from_utf8(out.stdout).unwrap();
        let mut events: Vec<WorkerEvent> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(matches!(events.first(), Some(WorkerEvent::Ready { .. })), "{events:?}");
        events.remove(0);
        (out.status.code(), events)
    }
}

/// Gives a job the key of all that it holds. The cache's folder is no part of it.
pub fn sign(job: &mut Job) {
    let stage = match job.stage {
        JobStage::Train => "train",
        JobStage::Predict => "predict",
        JobStage::Explain => "explain",
    };
    let mut print = Builder::new(stage, 1)
        .setting("model", &job.model)
        .setting("train", &job.train)
        .setting("policy", &job.policy)
        .setting("seed", &job.seed)
        .setting("fold", &job.fold)
        .setting("explain", &job.explain);
    for (name, digest) in &job.inputs {
        print = print.input(name, digest);
    }
    job.fingerprint = print.finish();
}

pub fn worker() -> Command {
    Command::new(env!("CARGO_BIN_EXE_ablatrix-worker"))
}

/// A worker that reads jobs on its standard input. Ended when dropped.
pub struct Serving {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Serving {
    /// Starts one, and waits until it is ready.
    pub fn start() -> Self {
        let mut child = worker().stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut serving = Serving { stdin: child.stdin.take(), stdout, child };
        assert!(matches!(serving.event(), Some(WorkerEvent::Ready { protocol: PROTOCOL, .. })));
        serving
    }

    pub fn send_line(&mut self, line: &str) {
        writeln!(self.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    pub fn send(&mut self, job: &Job) {
        self.send_line(&serde_json::to_string(job).unwrap());
    }

    /// The next event; `None` at the end.
    pub fn event(&mut self) -> Option<WorkerEvent> {
        let mut line = String::new();
        let n = self.stdout.read_line(&mut line).unwrap();
        (n > 0).then(|| serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line}: {error}")))
    }

    /// Reads events until this epoch is done.
    pub fn wait_for_epoch(&mut self, epoch: u32) {
        while let Some(event) = self.event() {
            if matches!(event, WorkerEvent::Epoch { ref row, .. } if row.epoch == epoch) {
                return;
            }
        }
        panic!("epoch {epoch} was never done");
    }

    /// All events until the job's end.
    pub fn events_of_job(&mut self) -> Vec<WorkerEvent> {
        let mut events = Vec::new();
        while let Some(event) = self.event() {
            let is_last = !matches!(event, WorkerEvent::Started { .. } | WorkerEvent::Epoch { .. });
            events.push(event);
            if is_last {
                break;
            }
        }
        events
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal).unwrap();
    }

    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
