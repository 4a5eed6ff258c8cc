//! Images per second of whole training passes on the CPU: packing, upload, forward, backward, Adam.
//!
//! `cargo bench -p ablatrix-worker --bench training -- MODEL SIDE BATCH THREADS LOADERS POLICY SECONDS PRECISION`
//! with POLICY `none` or `study` and PRECISION `fp32` or `bf16` prints one JSON line: images, wall and processor seconds.
//! `benches/training/peers.py` runs PyTorch eager beside it, in turns.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark talks to the terminal"
)]

use std::path::Path;
use std::time::Instant;

use ablatrix::augment::Policy;
use ablatrix::cache::{Provenance, Store};
use ablatrix::fingerprint::{Builder, Digest};
use ablatrix::job::{Job, JobStage, PROTOCOL, input};
use ablatrix::seed::Key;
use ablatrix::spec::ops::{Action, Border, Colour, Geometry, NamedOp, Noise, Op};
use ablatrix::spec::settings::*;
use ablatrix::tables::rows::*;
use ablatrix::tables::{self, Table};
use ablatrix_worker::batch::Uploader;
use ablatrix_worker::inputs::Examples;
use ablatrix_worker::model::Network;
use ablatrix_worker::stop::Stop;
use ablatrix_worker::torch;
use ablatrix_worker::train::epoch::{Pass, Progress};
use ablatrix_worker::train::learner::Learner;
use ablatrix_worker::train::loader::Source;
use ablatrix_worker::train::loss::LossFunction;
use ablatrix_worker::train::order::{self, EpochItem};
use ablatrix_worker::train::schedule::EpochRates;

/// Pictures in the store.
const PICTURES: i64 = 256;
/// As the study has.
const N_LABELS: usize = 6;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [model, side, batch, threads, loaders, policy, seconds, precision] = &arguments[..] else {
        println!("usage: MODEL SIDE BATCH THREADS LOADERS none|study SECONDS fp32|bf16");
        return;
    };
    let side: usize = side.parse().unwrap();
    torch::prepare_process();
    torch::open_device(Device::Cpu, threads.parse().unwrap()).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let job = job(folder.path(), model, side);
    let examples = Examples::open(&job, &Store::open(folder.path()).unwrap()).unwrap();
    let precision: Precision = serde_json::from_value(precision.as_str().into()).unwrap();
    let network = Network::new(&job.model, N_LABELS, 1, tch::Device::Cpu).unwrap().with_precision(precision);
    let loss = LossFunction::new(&job.train.loss, vec![], tch::Device::Cpu).unwrap();
    let uploader = Uploader::new(tch::Device::Cpu, side, network.normalisation());
    let mut learner = Learner::new(&job.train, network, loss, None).unwrap();
    let policy = Policy::new(&if policy == "study" { study() } else { vec![] });
    let items: Vec<EpochItem> =
        (0..PICTURES).map(|image_id| EpochItem { image_id, copy: 0, weight: 1.0 }).collect();
    let batches = order::batches(&items, batch.parse().unwrap());
    let mut pass = |batches: &[&[EpochItem]], epoch_idx| {
        let pass = Pass {
            learner: &mut learner,
            uploader: &uploader,
            source: Source { examples: &examples, policy: &policy, seed: 1, epoch_idx },
            loader_threads: loaders.parse().unwrap(),
            from: Progress::default(),
            pause_after: None,
            accumulate: 1,
            rates: EpochRates::Constant(1e-4),
        };
        pass.run(batches, &Stop::default()).unwrap();
    };

    pass(&batches[..2.min(batches.len())], 0);
    let (start, cpu, mut images) = (Instant::now(), processor_seconds(), 0);
    let seconds: f64 = seconds.parse().unwrap();
    while start.elapsed().as_secs_f64() < seconds {
        pass(&batches, images as u32);
        images += items.len();
    }
    let (wall_s, cpu_s) = (start.elapsed().as_secs_f64(), processor_seconds() - cpu);
    println!("{}", serde_json::json!({ "images": images, "wall_s": wall_s, "cpu_s": cpu_s }));
}

/// User and system time of this process, from Linux's `/proc`.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

/// Noise as pictures, random labels.
fn job(root: &Path, model: &str, side: usize) -> Job {
    let mut draws = Key::root(1).draws();
    let pixels: Vec<u8> = (0..PICTURES as usize * side * side * 3).map(|_| draws.next_u32() as u8).collect();
    let positives = (0..PICTURES as usize * N_LABELS).map(|_| draws.chance(0.3)).collect();
    let labels = LabelTable {
        labels: (0..N_LABELS).map(|i| format!("label {i}")).collect(),
        image_ids: (0..PICTURES).collect(),
        positives,
    };
    let store = Store::open(root).unwrap();
    let put = |name: &str, bytes: &[u8]| {
        let print = Builder::new("bench", 1).setting("name", &name).finish();
        let attempt = store.attempt(&print).unwrap();
        std::fs::write(attempt.path("out"), bytes).unwrap();
        let entry = attempt.publish(&["out"], Provenance::default()).unwrap();
        (name.to_owned(), entry.digest("out").clone())
    };
    let ids = 0..PICTURES;
    let rows: Vec<_> = ids
        .clone()
        .map(|image_id| PixelRow { image_id, row: image_id as u64, digest: String::new() })
        .collect();
    let split: Vec<_> = ids.map(|image_id| SplitRow { image_id, fold: 0, part: Part::Train }).collect();
    let inputs: [(String, Digest); 4] = [
        put(input::PIXELS, &pixels),
        put(input::PIXEL_ROWS, &parquet(root, &rows)),
        put(input::LABELS, &parquet(root, &labels)),
        put(input::SPLIT, &parquet(root, &split)),
    ];
    Job {
        protocol: PROTOCOL,
        stage: JobStage::Train,
        run: "bench".into(),
        fingerprint: Builder::new("train", 1).finish(),
        model: Model {
            name: serde_json::from_value(model.into()).unwrap(),
            weights: Weights::None,
            freeze: Freeze::Share(0.0),
            unfreeze_after: 0,
            module: None,
            normalise: Normalise::Auto,
            head: vec![],
            dropout: 0.0,
        },
        train: Train {
            epochs: 1,
            batch_size: 32,
            accumulate: 1,
            shrink_batches: false,
            loss: Loss::Bce { positive_weights: PositiveWeights::None, smoothing: 0.0 },
            precision: Precision::Fp32,
            deterministic: true,
            optimizer: Optimizer {
                rule: Rule::Adam { betas: [0.9, 0.999], epsilon: 1e-8 },
                lr: 1e-4,
                weight_decay: 0.0,
                decay_norms_and_biases: false,
                layer_decay: 1.0,
            },
            clip_norm: 0.0,
            schedule: Schedule::Static,
            ema: 0.0,
            early_stopping: None,
        },
        explain: Explain { method: None, layer: AUTO_LAYER.into(), images: 0, faithfulness: 0 },
        images: Images { size: side as u32, fit: Fit::Stretch },
        policy: vec![],
        inputs: inputs.into(),
        cache: root.to_owned(),
        seed: 1,
        fold: 0,
        threads: 1,
        checkpoint_minutes: 0.0,
        beat_seconds: 0.0,
        alone: true,
        device: Device::Cpu,
    }
}

fn parquet<T: Table>(root: &Path, table: &T) -> Vec<u8> {
    let file = root.join("table");
    tables::write(&file, table, "bench").unwrap();
    std::fs::read(file).unwrap()
}

/// Flips, rotation, colour and noise, as the study has them.
fn study() -> Vec<NamedOp> {
    let op = |name: &str, p: f64, action: Action| NamedOp { name: name.into(), op: Op { p, action }, nth: 0 };
    vec![
        op("horizontal", 0.5, Action::Geometry(Geometry::HorizontalFlip {})),
        op("vertical", 0.5, Action::Geometry(Geometry::VerticalFlip {})),
        op(
            "rotate",
            0.8,
            Action::Geometry(Geometry::Rotate { limit: [-45.0, 45.0], border: Border::Reflect101 }),
        ),
        op(
            "brightness",
            0.5,
            Action::Colour(Colour::RandomBrightnessContrast {
                brightness_limit: [-0.2, 0.2],
                contrast_limit: [-0.2, 0.2],
                brightness_by_max: true,
            }),
        ),
        op(
            "hue",
            0.5,
            Action::Colour(Colour::HueSaturationValue {
                hue_shift_limit: [-20.0, 20.0],
                sat_shift_limit: [-30.0, 30.0],
                val_shift_limit: [-20.0, 20.0],
            }),
        ),
        op(
            "noise",
            0.6,
            Action::Noise(Noise::GaussNoise { std: [0.05, 0.11], mean: [0.0, 0.0], per_channel: true }),
        ),
    ]
}
