//! A made-up study for the tests: as varied as a real one, drawn from a seed.

mod outcomes;
mod pictures;
mod runs;

use std::collections::BTreeMap;

use self::outcomes::{axes, contrasts, effect, effects};
use self::pictures::{attention, augmented, mistakes, samples};
use self::runs::{answers, metric, references, result, test_part};
use super::answers::{Answers, LabelAnswers, RECALLS, ReliabilityBin};
use super::attention::*;
use super::augmented::*;
use super::data::*;
use super::mistakes::{Mistake, Mistakes, VariantMistakes};
use super::references::{ReferenceScores, References};
use super::study::*;
use super::test_part::{LabelPower, TestPart};
use crate::job::{StopReason, TrainSummary};
use crate::metrics;
use crate::seed::{Draws, Key};
use crate::tables::rows::{EffectRow, HistoryRow, Part, Reference, Validation};

/// How large the study is.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub variants: usize,
    pub seeds: u64,
    pub labels: usize,
    pub epochs: u32,
}

/// The size of the study that most tests read.
pub const SMALL: Size = Size { variants: 6, seeds: 5, labels: 6, epochs: 24 };

const ARMS: [(&str, &str, f64); 6] = [
    ("none", "", 0.0),
    ("flip", "horizontal_flip, p 0.5", 0.024),
    ("rotate", "rotate by −15 to 15 degrees, p 0.5", 0.013),
    ("brightness", "random_brightness_contrast ±0.2, p 0.5", 0.001),
    ("colour", "one of hue_saturation_value, channel_shuffle; p 0.5", 0.004),
    ("noise", "gauss_noise, std 0.05 to 0.11, p 0.6", -0.021),
];

const LABELS: [(&str, f64); 6] = [
    ("plastic", 0.72),
    ("paper", 0.31),
    ("metal", 0.22),
    ("glass", 0.14),
    ("aluminium", 0.09),
    ("other", 0.04),
];

fn name(parts: &[(&str, &str, f64)], idx: usize) -> (String, String, String, f64) {
    let (arm, ops, gain) = parts[idx % parts.len()];
    if idx < parts.len() {
        (arm.into(), arm.into(), ops.into(), gain)
    } else {
        let arm = if arm == "none" { "plain" } else { arm };
        (format!("{arm}+{idx}"), format!("{arm}+{idx}"), ops.into(), gain * 0.7)
    }
}

/// A study of this size, with a failed, a missing and a degenerate run where it has room for them.
pub fn study(size: Size) -> Study {
    let labels: Vec<(String, f64)> = (0..size.labels)
        .map(|l| match LABELS.get(l) {
            Some((name, rate)) => ((*name).into(), *rate),
            None => (format!("label {l:02}"), 0.3 / (l as f64 - 3.0)),
        })
        .collect();
    let variants: Vec<(String, String, String, f64)> = (0..size.variants).map(|v| name(&ARMS, v)).collect();
    let mut runs = Vec::new();
    for (v, (variant, _, _, gain)) in variants.iter().enumerate() {
        for seed in 1..=size.seeds {
            let key = Key::root(11).child(variant).index(seed);
            let state = match (v, seed) {
                (5, 3) => RunState::Failed {
                    message: "worker killed by signal 9 twice; lower train.batch_size if memory ran out"
                        .into(),
                },
                (4, 4) => RunState::Missing { message: "not run yet: the study was interrupted".into() },
                _ => RunState::Done(Box::new(result(
                    size,
                    &labels,
                    *gain,
                    key,
                    Key::root(5).index(seed),
                    (v, seed) == (2, 2),
                ))),
            };
            runs.push(Run {
                name: format!("{variant}/seed={seed}"),
                variant: variant.clone(),
                seed,
                fold: None,
                state,
            });
        }
    }
    let effects = effects(&variants, &labels, &runs);
    let counts = |rows: u64, boost: f64| Counts {
        rows,
        positives: labels.iter().map(|(_, r)| (rows as f64 * r.powf(boost)).round() as u64).collect(),
    };
    let part = |part, rows| PartCounts { part, counts: counts(rows, 1.0) };
    Study {
        name: "taco-augmentation".into(),
        question: "Which augmentations help tell litter materials apart?".into(),
        generated_at: "2026-11-24 10:15 UTC".into(),
        headline: metric("map_macro", "mAP", "average precision, mean over labels", true, Unit::Share),
        label_metric: metric(
            "ap",
            "AP",
            "average precision of one label: area under its precision-recall curve",
            true,
            Unit::Share,
        ),
        other_metrics: vec![
            metric("f1_macro", "F1", "F1 at the tuned thresholds, mean over labels", true, Unit::Share),
            metric("log_loss", "Log loss", "mean cross-entropy over images and labels", false, Unit::Plain),
        ],
        equivalence: 0.005,
        folds: 0,
        labels: labels.iter().map(|(l, _)| l.clone()).collect(),
        data: Data {
            source: "1,500 images and 4,784 objects from COCO JSON, 60 categories grouped into 6 labels"
                .into(),
            split: "Split by label combination, seed 42: 72.25 % train, 12.75 % val, 15 % test".into(),
            balance: "Rows of rare label combinations are repeated (exponent 0.7)".into(),
            images: 1500,
            noticed: noticed(),
            parts: vec![part(Part::Train, 1084), part(Part::Val, 191), part(Part::Test, 225)],
            before: counts(1084, 1.0),
            after: counts(2710, 0.45),
            together: together(&labels),
            labels_per_image: vec![12, 980, 391, 96, 21],
            sizes: Sizes {
                side: 224,
                fit: "stretch".into(),
                of: vec![
                    ImageSize { width: 180, height: 240, images: 9 },
                    ImageSize { width: 2448, height: 3264, images: 812 },
                    ImageSize { width: 3264, height: 2448, images: 679 },
                ],
                enlarged: 9,
            },
            objects: Some(Objects { sides: (1..4784).map(|i| 0.3 + (i as f32 / 170.0).powf(1.5)).collect() }),
            samples: samples(labels.len()),
        },
        augmented: (variants.len() > 1).then(|| augmented(&variants)),
        attention: (variants.len() > 1).then(|| attention(&variants)),
        baseline: "none".into(),
        variants: variants
            .iter()
            .map(|(name, arm, ops, _)| Variant {
                name: name.clone(),
                arm: arm.clone(),
                point: BTreeMap::new(),
                ops: ops.clone(),
            })
            .collect(),
        axes: axes(&variants),
        answers: variants.iter().take(6).map(|(name, ..)| answers(name, &labels)).collect(),
        mistakes: mistakes(&variants),
        references: vec![references(&labels, &variants)],
        test_parts: vec![test_part(&labels, &variants)],
        runs,
        contrasts: contrasts(&effects),
        effects,
        effects_method:
            "Differences are paired by seed. Intervals come from a two-level bootstrap over seeds and \
                         test images (2,000 draws); p-values are Holm-adjusted over the variants."
                .into(),
        warnings: vec![
            "the split has one image twice: glass115.jpg and metal91.jpg hold the same bytes".into(),
        ],
        provenance: provenance(size),
    }
}

fn noticed() -> Vec<Noticed> {
    let noticed = |fate, stage: &str, count, message: &str| Noticed {
        fate,
        stage: stage.into(),
        count,
        message: message.into(),
    };
    vec![
        noticed(
            Fate::ImagesLeftOut,
            "scan",
            2,
            "images set aside: `batch_3_000012.jpg: cannot be decoded`, `batch_4_000003.jpg: is not there`",
        ),
        noticed(
            Fate::Changed,
            "ingest",
            14,
            "annotations whose boxes were cut at the border: `17`, `21` and 12 more",
        ),
        noticed(Fate::Noted, "label", 1, "names in several groups: `Glass jar (aluminium, glass)`"),
    ]
}

/// Labels that know nothing of each other, in 1,500 images.
fn together(labels: &[(String, f64)]) -> Together {
    let images = |rate: f64| (1500.0 * rate).round() as u64;
    let pair = |first: usize, second: usize| LabelPair {
        first,
        second,
        images: images(labels[first].1 * labels[second].1),
        of: [images(labels[first].1), images(labels[second].1)],
        lift: 1.0,
    };
    let n = labels.len();
    let cell = |a: usize, b: usize| if a == b { images(labels[a].1) } else { pair(a, b).images };
    let pairs: Vec<LabelPair> = (0..n).flat_map(|a| (a + 1..n).map(move |b| pair(a, b))).take(20).collect();
    Together {
        matrix: if n > 16 { vec![] } else { (0..n).map(|a| (0..n).map(|b| cell(a, b)).collect()).collect() },
        most_frequent: pairs.clone(),
        highest_lift: pairs,
        least_for_lift: 5,
    }
}

type Row = (String, String, String, f64);

fn provenance(size: Size) -> Provenance {
    let mut stages: Vec<StageRecord> = ["ingest", "label", "split", "balance", "pixels"]
        .map(|s| stage_record(s.into(), Key::root(1).child(s).value().to_string(), None))
        .into();
    for v in 0..size.variants {
        for seed in 1..=size.seeds {
            for stage in ["train", "predict", "evaluate"] {
                let stage = format!("{stage}({}/seed={seed})", name(&ARMS, v).0);
                let fingerprint = blake3::hash(stage.as_bytes()).to_hex().to_string();
                let device = (!stage.starts_with("evaluate")).then(|| "cpu".to_owned());
                stages.push(stage_record(stage, fingerprint, device));
            }
        }
    }
    Provenance {
        spec:
            "name = \"taco-augmentation\"\nseeds = [1, 2, 3, 4, 5]\n\n[train]\nepochs = 24\nbatch_size = 64\n"
                .into(),
        command: "ablatrix run experiments/taco-materials.toml".into(),
        versions: vec![("ablatrix".into(), "0.1.0".into()), ("libtorch".into(), "2.11.0".into())],
        seeds: (1..=size.seeds).collect(),
        stages,
        hosts: vec!["atlas: CPU, 8 threads".into()],
    }
}

fn stage_record(stage: String, fingerprint: String, device: Option<String>) -> StageRecord {
    let threads = device.is_some().then_some(2);
    StageRecord {
        stage,
        fingerprint,
        seconds: 12.5,
        finished_at: "2026-11-23 09:40 UTC".into(),
        device,
        threads,
    }
}
