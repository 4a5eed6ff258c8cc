//! Optimizers, losses, average and training loop against PyTorch 2.11, torchvision 0.26 and timm 1.0.31.
//!
//! The golden file was made by `tests/golden/training/make_training.py`; both sides fill tensors by the same
//! formula of their names.

use ablatrix::augment::Policy;
use ablatrix::spec::settings::{self, Architecture, Freeze, Loss, Model, Normalise, Weights};
use ablatrix::tables::rows::{LabelTable, Part, PixelRow, SplitRow};
use ablatrix_worker::batch::Uploader;
use ablatrix_worker::inputs::Examples;
use ablatrix_worker::model::{Network, TrainedParameter};
use ablatrix_worker::stop::Stop;
use ablatrix_worker::train::average::Average;
use ablatrix_worker::train::epoch::{Pass, PassEnd, Progress};
use ablatrix_worker::train::learner::Learner;
use ablatrix_worker::train::loader::{Source, for_each_batch};
use ablatrix_worker::train::loss::LossFunction;
use ablatrix_worker::train::optimizer::Optimizer;
use ablatrix_worker::train::order::{self, EpochItem, EpochRows};
use ablatrix_worker::train::schedule::EpochRates;
use std::ops::ControlFlow;
use tch::{Device, Kind, Tensor};

use super::harness::*;

fn golden() -> serde_json::Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/training/training.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn numbers(value: &serde_json::Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

/// `count` numbers in [0, 1): SplitMix64 of (FNV-1a of the name) + index, the upper 24 bits.
fn uniform(name: &str, count: usize) -> Vec<f64> {
    let state = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |state, byte| {
        (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let value = |i: u64| {
        let mut z = state.wrapping_add(i).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        (z >> 40) as f64 / f64::from(1 << 24)
    };
    (0..count as u64).map(value).collect()
}

fn filled(name: &str, shape: &[i64]) -> Tensor {
    let fan_in: i64 = shape[1..].iter().product();
    let value = |u: f64| match name {
        "cotangent" => 4.0 * u - 2.0,
        _ if shape.len() > 1 => (2.0 * u - 1.0) * (6.0 / fan_in as f64).sqrt(),
        _ if name.ends_with("running_var") || name.ends_with("weight") => 0.5 + u,
        _ => 0.2 * (u - 0.5),
    };
    let count = shape.iter().product::<i64>() as usize;
    let values: Vec<f32> = uniform(name, count).into_iter().map(|u| value(u) as f32).collect();
    Tensor::from_slice(&values).reshape(shape)
}

fn f64s(tensor: &Tensor) -> Vec<f64> {
    Vec::try_from(tensor.detach().to_kind(Kind::Double).reshape(-1)).unwrap()
}

#[track_caller]
fn assert_close_in(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() < tolerance, "{what}, {i}: {found}, expected {expected}");
    }
}

#[track_caller]
fn assert_close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() < tolerance, "{i}: {found}, expected {expected}");
    }
}

#[test]
fn twenty_steps_of_each_optimizer_are_pytorchs() {
    let golden = golden();
    let cases = golden["optimizers"].as_array().unwrap();
    assert!(cases.len() >= 14);
    for case in cases {
        let settings: settings::Optimizer = serde_json::from_value(case["settings"].clone()).unwrap();
        let shapes: [(&str, &[i64], usize); 3] =
            [("a.weight", &[3, 2, 2, 2], 2), ("b.bias", &[5], 1), ("c.weight", &[4, 3], 0)];
        let parameters: Vec<(String, Tensor)> = shapes
            .iter()
            .map(|(name, shape, _)| ((*name).to_owned(), filled(name, shape).set_requires_grad(true)))
            .collect();
        let trained = parameters.iter().zip(shapes).map(|((name, tensor), (_, _, layers_to_head))| {
            TrainedParameter { name: name.clone(), tensor: tensor.shallow_clone(), layers_to_head }
        });
        let clip_norm = case["clip_norm"].as_f64().unwrap();
        let mut optimizer = Optimizer::new(&settings, clip_norm, trained.collect()).unwrap();
        for step in 0..20 {
            // The gradient of a product with a constant is that constant.
            let loss = parameters.iter().map(|(name, parameter)| {
                let values = uniform(&format!("{name} gradient {step}"), parameter.numel());
                let values: Vec<f32> = values.into_iter().map(|u| (2.0 * u - 0.9) as f32).collect();
                (parameter.reshape(-1) * Tensor::from_slice(&values)).sum(Kind::Float)
            });
            loss.sum::<Tensor>().backward();
            optimizer.step(if step < 10 { 1e-2 } else { 1e-3 }).unwrap();
        }
        for (name, parameter) in &parameters {
            let what = format!("{} {name}", case["settings"]);
            assert_close_in(&what, &f64s(parameter), &numbers(&case["parameters"][name]), 1e-5);
        }
    }
}

#[test]
fn weighted_losses_of_mixed_targets_and_their_gradients_are_the_references() {
    let golden = golden();
    let cases = golden["losses"].as_array().unwrap();
    assert!(cases.len() >= 8);
    for case in cases {
        let settings: Loss = serde_json::from_value(case["settings"].clone()).unwrap();
        let what = format!("{settings:?}");
        let loss = LossFunction::new(&settings, numbers(&case["positive_weights"]), Device::Cpu).unwrap();
        let logits = filled("cotangent", &[7, 3]).set_requires_grad(true);
        let hard: Vec<bool> = uniform("targets", 21).into_iter().map(|u| u < 0.4).collect();
        let targets: Vec<f32> = hard.iter().map(|&positive| f32::from(u8::from(positive))).collect();
        let mixed: Vec<f32> = uniform("mixed", 21).into_iter().map(|u| u as f32).collect();
        let weights: Vec<f32> = uniform("weights", 7).into_iter().map(|u| u as f32).collect();
        let targets = Tensor::from_slice(&targets).lerp(&Tensor::from_slice(&mixed), 0.25).view([7, 3]);
        let weights = Tensor::from_slice(&weights).view([7, 1]);
        let value = loss.of_batch(&logits, &targets, Some(&weights)).unwrap();
        value.backward();
        assert_close_in(&what, &[value.double_value(&[])], &[case["loss"].as_f64().unwrap()], 1e-6);
        assert_close_in(&what, &f64s(&logits.grad()), &numbers(&case["gradient"]), 1e-6);
        let plain = Vec::<f32>::try_from(logits.detach().reshape(-1)).unwrap();
        let part = loss.of_part(&plain, &hard, 3);
        assert_close_in(&what, &[part], &[case["part"].as_f64().unwrap()], 1e-6);
    }
}

#[test]
fn averaged_weights_are_timms() {
    let network = Network::new(&resnet18(), 3, 1, Device::Cpu).unwrap();
    let fill = |network: &Network, prefix: &str| {
        for (name, mut tensor) in network.named_state() {
            tch::no_grad(|| tensor.copy_(&filled(&format!("{prefix}{name}"), &tensor.size())));
        }
    };
    fill(&network, "");
    let other = Network::new(&resnet18(), 3, 2, Device::Cpu).unwrap();
    let average = Average::new(other, &network, 0.9).unwrap();
    for update in 0..3 {
        fill(&network, &format!("{update} "));
        average.update(&network).unwrap();
    }
    let golden = golden();
    let averaged = average.network.named_state();
    for (name, expected) in golden["average"].as_object().unwrap() {
        let (_, tensor) = averaged.iter().find(|(other, _)| other == name).unwrap();
        let expected = numbers(expected);
        assert_close_in(name, &f64s(tensor)[..expected.len()], &expected, 1e-6);
    }
}

fn resnet18() -> Model {
    Model {
        name: Architecture::Resnet18,
        module: None,
        weights: Weights::None,
        freeze: Freeze::Share(0.0),
        unfreeze_after: 0,
        normalise: Normalise::Auto,
        head: vec![],
        dropout: 0.0,
    }
}

/// Side of the pictures of the loss curve.
const CURVE_SIDE: usize = 64;

/// A study of 24 training pictures by formula.
fn curve_study() -> Study {
    let mut study = Study::new();
    let ids: Vec<i64> = (0..24).collect();
    let pixels: Vec<u8> =
        uniform("photos", 24 * CURVE_SIDE * CURVE_SIDE * 3).into_iter().map(|u| (256.0 * u) as u8).collect();
    study.put_bytes("pixels", &pixels);
    let row = |&image_id: &i64| PixelRow { image_id, row: image_id as u64, digest: String::new() };
    study.put("pixel_rows", &ids.iter().map(row).collect::<Vec<_>>());
    let positives = uniform("labels", 72).into_iter().map(|u| u < 0.4).collect();
    let labels = LABELS.map(String::from).to_vec();
    study.put("labels", &LabelTable { labels, image_ids: ids.clone(), positives });
    let row = |&image_id: &i64| SplitRow { image_id, fold: 0, part: Part::Train };
    study.put("split", &ids.iter().map(row).collect::<Vec<_>>());
    study
}

#[test]
fn three_epochs_of_resnet18_follow_pytorchs_loss() {
    tch::set_num_threads(1);
    let study = curve_study();
    let mut job = study.train_job(3);
    job.images.size = CURVE_SIDE as u32;
    let examples = Examples::open(&job, &study.store()).unwrap();
    let network = Network::new(&resnet18(), 3, 1, Device::Cpu).unwrap();
    for (name, mut tensor) in network.named_state() {
        tch::no_grad(|| tensor.copy_(&filled(&name, &tensor.size())));
    }
    job.train.optimizer = adam(1e-4);
    let loss = LossFunction::new(&job.train.loss, vec![], Device::Cpu).unwrap();
    let normalisation = network.normalisation();
    let mut learner = Learner::new(&job.train, network, loss, None).unwrap();
    let uploader = Uploader::new(Device::Cpu, CURVE_SIDE, normalisation);
    let policy = Policy::new(&[]);
    let items: Vec<EpochItem> =
        (0..24).map(|image_id| EpochItem { image_id, copy: 0, weight: 1.0 }).collect();
    let mut curve = Vec::new();
    for epoch_idx in 0..3 {
        let pass = Pass {
            learner: &mut learner,
            uploader: &uploader,
            source: Source { examples: &examples, policy: &policy, seed: 1, epoch_idx },
            loader_threads: 0,
            accumulate: 1,
            rates: EpochRates::Constant(1e-4),
            from: Progress::default(),
            pause_after: None,
        };
        match pass.run(&order::batches(&items, 8), &Stop::default()).unwrap() {
            PassEnd::Whole(progress) => curve.push(progress.loss_sum / progress.rows as f64),
            end => panic!("{end:?}"),
        }
    }
    assert_close(&curve, &numbers(&golden()["loss_curve"]), 1e-3);
}

/// Without batch norm, two batches of four are one of eight: also the last step, of what is left.
#[test]
fn gathered_batches_are_one_large_batch() {
    tch::set_num_threads(1);
    let study = curve_study();
    let mut job = study.train_job(1);
    job.images.size = CURVE_SIDE as u32;
    job.train.optimizer = adam(1e-3);
    job.train.optimizer.rule = settings::Rule::Sgd { momentum: 0.9, nesterov: false };
    let examples = Examples::open(&job, &study.store()).unwrap();
    let model = Model { name: Architecture::Squeezenet1_1, ..resnet18() };
    let items: Vec<EpochItem> = (0..20)
        .map(|image_id| EpochItem { image_id, copy: 0, weight: if image_id == 3 { 2.5 } else { 1.0 } })
        .collect();
    let policy = Policy::new(&[]);
    let trained = |batch_size: usize, accumulate: usize| {
        let network = Network::new(&model, 3, 1, Device::Cpu).unwrap();
        let loss = LossFunction::new(&job.train.loss, vec![], Device::Cpu).unwrap();
        let uploader = Uploader::new(Device::Cpu, CURVE_SIDE, network.normalisation());
        let mut learner = Learner::new(&job.train, network, loss, None).unwrap();
        let pass = Pass {
            learner: &mut learner,
            uploader: &uploader,
            source: Source { examples: &examples, policy: &policy, seed: 1, epoch_idx: 0 },
            loader_threads: 0,
            accumulate,
            rates: EpochRates::Constant(0.01),
            from: Progress::default(),
            pause_after: None,
        };
        assert!(matches!(
            pass.run(&order::batches(&items, batch_size), &Stop::default()).unwrap(),
            PassEnd::Whole(_)
        ));
        learner.network.named_state().iter().flat_map(|(_, tensor)| f64s(tensor)).collect::<Vec<f64>>()
    };
    let whole = trained(8, 1);
    let gathered = trained(4, 2);
    let largest = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    let (alike, otherwise) = (largest(&whole, &gathered), largest(&whole, &trained(4, 1)));
    // What is left is the rounding of sums in another order, over three steps.
    assert!(alike < 0.01 * otherwise, "{alike}; with steps of four rows {otherwise}");
}

#[test]
fn any_number_of_loader_threads_gives_the_same_batches() {
    let study = Study::new();
    let job = study.train_job(1);
    let examples = Examples::open(&job, &study.store()).unwrap();
    let index = examples.train_index(&job, &study.store()).unwrap();
    let items = EpochRows::new(&index).epoch(1, 0);
    let batches = order::batches(&items, 4);
    let policy = Policy::new(&job.policy);
    let source = Source { examples: &examples, policy: &policy, seed: 1, epoch_idx: 0 };
    let run = |threads, until: usize| {
        let mut seen = Vec::new();
        for_each_batch(source, &batches, threads, |batch_idx, batch| {
            seen.push((batch_idx, batch.pixels.clone(), batch.targets.clone()));
            Ok::<_, ()>(if batch_idx == until { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })
        .unwrap();
        seen
    };
    let expected = run(0, usize::MAX);
    assert_eq!(expected.len(), batches.len());
    let plain: Vec<u8> = batches[0].iter().flat_map(|item| picture(item.image_id)).collect();
    assert_ne!(expected[0].1, plain);
    for threads in [1, 2, 3, 9] {
        assert!(run(threads, usize::MAX) == expected, "{threads} threads");
    }
    // A visit that breaks off early leaves no thread behind that waits for ever.
    assert_eq!(run(3, 1).len(), 2);
}
