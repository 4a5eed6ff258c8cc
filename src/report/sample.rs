//! A made-up study for the tests: as varied as a real one, drawn from a seed.

use std::collections::BTreeMap;

use super::attention::*;
use super::augmented::*;
use super::data::*;
use super::references::{ReferenceScores, References};
use super::study::*;
use super::test_part::{LabelPower, TestPart};
use crate::job::{StopReason, TrainSummary};
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

/// A square of one grey.
fn grey(level: u8) -> Vec<u8> {
    let mut jpeg = Vec::new();
    let pixels = vec![level; 96 * 96 * 3];
    jpeg_encoder::Encoder::new(&mut jpeg, 78).encode(&pixels, 96, 96, jpeg_encoder::ColorType::Rgb).unwrap();
    jpeg
}

/// A strip for each of the first variants that augment; `flip` leaves the second picture as it is.
fn augmented(variants: &[(String, String, String, f64)]) -> Augmented {
    let picture = |idx: u8| Picture {
        file_name: format!("batch_2_{idx:06}.jpg"),
        labels: vec![usize::from(idx)],
        side: 96,
        jpeg: grey(90 + 30 * idx),
    };
    let tile = |op: usize, idx: u8| Tile {
        drawn: if op == 0 { String::new() } else { format!("value=+{op}.{idx}") },
        jpeg: (op != 0 || idx != 1).then(|| grey(100 + 30 * idx)),
    };
    let strip = |(op, (name, _, words, _)): (usize, &(String, String, String, f64))| Strip {
        name: name.clone(),
        words: words.clone(),
        tiles: (0..3).map(|idx| tile(op, idx)).collect(),
    };
    Augmented {
        seed: 1,
        model_side: 224,
        side: 96,
        pictures: (0..3).map(picture).collect(),
        ops: variants.iter().skip(1).take(40).enumerate().map(strip).collect(),
        arms: vec![],
        left_out: LeftOut { bytes: 1_100_000, ..LeftOut::default() },
    }
}

/// Two pictures with maps of the first variants; the second variant's map of the second picture is empty, and the third did
/// not see it.
fn attention(variants: &[(String, String, String, f64)]) -> Attention {
    let shown: Vec<String> = variants.iter().take(3).map(|(name, ..)| name.clone()).collect();
    let look = |probability: f64, is_empty: bool| Look {
        jpeg: (!is_empty).then(|| grey(200)),
        probability,
        threshold: 0.43,
        energy_inside: (!is_empty).then_some(0.618),
        pointing_hit: (!is_empty).then_some(true),
        active_area: (!is_empty).then_some(0.179),
    };
    let picture = |idx: usize| LookedAt {
        file_name: format!("batch_3_{idx:06}.jpg"),
        label: 0,
        jpeg: grey(110),
        looks: (0..shown.len())
            .map(|v| (idx == 0 || v != 2).then(|| look([0.71, 0.12][idx], (idx, v) == (1, 1))))
            .collect(),
    };
    let means = |name: &String| AttentionMeans {
        variant: name.clone(),
        maps: 1560,
        empty: 3,
        object_area: vec![0.104; 5],
        energy_inside: vec![0.41, 0.42, 0.43, 0.40, 0.44],
        pointing_hit: vec![0.55; 5],
        active_area: vec![0.171; 5],
        deletion: vec![0.201; 5],
        insertion: vec![0.502; 5],
    };
    let by_seed = (1..=5).map(|seed| SeedDelta { seed, delta: 0.02 }).collect();
    let mut wider = effect("flip", None, "active_area", true, by_seed);
    wider.row.verdict = "higher".into();
    Attention {
        method: "Grad-CAM".into(),
        layers: vec!["conv_head".into()],
        steps: 8,
        has_objects: true,
        has_boxes: false,
        means: variants.iter().map(|(name, ..)| means(name)).collect(),
        effects: vec![wider],
        missing: vec![("noise/seed=3".into(), "memory is out".into())],
        overlays: Some(Overlays {
            seed: 1,
            fold: None,
            side: 96,
            variants: shown.clone(),
            more_variants: variants.len() - shown.len(),
            more_pictures: 1,
            bytes: 1_500_000,
            pictures: (0..2).map(picture).collect(),
        }),
    }
}

/// Grey squares.
fn samples(labels: usize) -> Vec<Samples> {
    let picture = |label: usize, idx: u8| Picture {
        file_name: format!("batch_1_{idx:06}.jpg"),
        labels: vec![0, label],
        side: 96,
        jpeg: grey(60 + 40 * idx),
    };
    let of = |label| Samples { label, pictures: (0..4).map(|idx| picture(label, idx)).collect() };
    (0..labels.min(40)).map(of).collect()
}

fn metric(metric: &str, name: &str, meaning: &str, higher_is_better: bool, unit: Unit) -> Metric {
    Metric { metric: metric.into(), name: name.into(), meaning: meaning.into(), higher_is_better, unit }
}

fn score(label: Option<&str>, metric: &str, value: f64) -> Score {
    Score { label: label.map(Into::into), metric: metric.into(), value }
}

type Row = (String, String, String, f64);

fn references(labels: &[(String, f64)], variants: &[Row]) -> References {
    let mean = labels.iter().map(|l| l.1).sum::<f64>() / labels.len() as f64;
    let of = |reference: Reference, does: &str, more: f64, f1: f64, log_loss: f64| {
        let mut scores: Vec<Score> =
            labels.iter().map(|(l, rate)| score(Some(l), "ap", (rate + more).min(1.0))).collect();
        scores.extend([
            score(None, "map_macro", mean + more),
            score(None, "f1_macro", f1),
            score(None, "log_loss", log_loss),
        ]);
        ReferenceScores { reference, does: does.into(), scores }
    };
    References {
        variants: variants.iter().map(|(name, ..)| name.clone()).collect(),
        of: vec![
            of(Reference::ConstantAnswer, "says “plastic” of every image", 0.0, 0.141, f64::NAN),
            of(Reference::LabelPrior, "gives every image each label's share", 0.0, 0.243, 0.4312),
            of(Reference::MeanColour, "logistic regression on mean colour", 0.05, 0.311, 0.4107),
        ],
    }
}

fn test_part(labels: &[(String, f64)], variants: &[Row]) -> TestPart {
    let power = |(label, rate): &(String, f64)| {
        let with = (225.0 * rate).round() as u64;
        let smallest = (with >= 5).then(|| 2.8 * (0.05 / (with.min(225 - with) - 1) as f64).sqrt());
        LabelPower { label: label.clone(), with, without: 225 - with, smallest }
    };
    TestPart {
        variants: variants.iter().map(|(name, ..)| name.clone()).collect(),
        labels: labels.iter().map(|(label, _)| label.clone()).collect(),
        images: 225,
        power: labels.iter().map(power).collect(),
        smallest: Some(0.034),
    }
}

fn result(
    size: Size,
    labels: &[(String, f64)],
    gain: f64,
    key: Key,
    shared: Key,
    degenerate: bool,
) -> RunResult {
    let (mut own, mut common) = (key.draws(), shared.draws());
    let level = 0.02 * common.normal() + gain + 0.006 * own.normal();
    let mut scores: Vec<Score> = labels
        .iter()
        .map(|(label, rate)| {
            let value = 0.18 + 0.8 * rate.powf(0.45) + level + 0.012 * own.normal() + 0.02 * common.normal();
            score(Some(label), "ap", if degenerate { *rate } else { value.clamp(0.01, 0.995) })
        })
        .collect();
    let map = scores.iter().map(|s| s.value).sum::<f64>() / scores.len() as f64;
    scores.push(score(None, "map_macro", map));
    scores.push(score(None, "f1_macro", map - 0.04 + 0.005 * own.normal()));
    scores.push(score(None, "log_loss", 0.33 - 0.4 * level + 0.003 * own.normal()));
    let early = own.below(u64::from(size.epochs) / 4 + 1) as u32;
    let epochs_run = size.epochs - early;
    RunResult {
        summary: TrainSummary {
            epochs_run,
            epochs_planned: size.epochs,
            best_epoch: epochs_run.saturating_sub(if early > 0 { 5 } else { 0 }).max(1),
            best_watched_epoch: epochs_run.saturating_sub(if early > 0 { 5 } else { 0 }).max(1),
            stop: if early > 0 { StopReason::EarlyStopping } else { StopReason::LastEpoch },
            divergence: None,
            smaller_batches: None,
            trained_parameters: 1_502_000,
            parameters: 1_530_000,
            replaced: vec![],
            positive_weights: vec![],
        },
        flags: if degenerate {
            vec!["answers “plastic” for every image: one label for all".into()]
        } else {
            vec![]
        },
        cautions: vec![],
        history: (1..=epochs_run).map(|e| epoch(e, size.epochs, level, map, &mut own)).collect(),
        thresholds: labels.iter().map(|(_, rate)| (0.15 + 0.5 * rate + 0.05 * own.f64()).min(0.95)).collect(),
        scores,
    }
}

fn epoch(epoch: u32, planned: u32, level: f64, map: f64, draws: &mut Draws) -> HistoryRow {
    let t = f64::from(epoch) / f64::from(planned);
    let lr =
        if epoch <= 3 { 1e-6 + 1e-4 * f64::from(epoch) / 3.0 } else { 1e-4 * 0.85f64.powi(epoch as i32 - 3) };
    HistoryRow {
        run: String::new(),
        epoch,
        lr,
        train_loss: 0.12 + 0.5 * (-3.4 * t).exp() + 0.006 * draws.normal().abs(),
        val: Validation {
            loss: 0.30 - 0.4 * level + 0.34 * (-5.0 * t).exp() + 0.05 * t * t + 0.006 * draws.normal(),
            map_macro: (map * (1.0 - 0.55 * (-4.5 * t).exp()) + 0.008 * draws.normal()).min(1.0),
            ..Validation::NONE
        },
        seconds: 21.0 + 1.5 * draws.normal().abs(),
        images_per_second: 128.0 - 6.0 * draws.normal().abs(),
        wait_share: 0.02,
        finished_ms: 1_700_000_000_000 + 21_000 * i64::from(epoch),
    }
}

fn effects(
    variants: &[(String, String, String, f64)],
    labels: &[(String, f64)],
    runs: &[Run],
) -> Vec<Effect> {
    let mut all = Vec::new();
    let mut rows: Vec<(Option<&str>, &str, bool)> =
        vec![(None, "map_macro", true), (None, "f1_macro", true), (None, "log_loss", false)];
    rows.extend(labels.iter().map(|(l, _)| (Some(l.as_str()), "ap", true)));
    let mut values: std::collections::HashMap<(&str, u64, Option<&str>, &str), f64> = Default::default();
    for run in runs {
        if let RunState::Done(result) = &run.state {
            for s in &result.scores {
                values.insert((&run.variant, run.seed, s.label.as_deref(), &s.metric), s.value);
            }
        }
    }
    let seeds: std::collections::BTreeSet<u64> = runs.iter().map(|r| r.seed).collect();
    for (variant, ..) in &variants[1..] {
        for &(label, metric, higher) in &rows {
            let value = |v: &str, seed: u64| values.get(&(v, seed, label, metric)).copied();
            let by_seed: Vec<SeedDelta> = seeds
                .iter()
                .filter_map(|&seed| {
                    Some(SeedDelta { seed, delta: value(variant, seed)? - value("none", seed)? })
                })
                .collect();
            if !by_seed.is_empty() {
                all.push(effect(variant, label, metric, higher, by_seed));
            }
        }
    }
    all
}

fn effect(variant: &str, label: Option<&str>, metric: &str, higher: bool, by_seed: Vec<SeedDelta>) -> Effect {
    let n = by_seed.len() as f64;
    let delta = by_seed.iter().map(|d| d.delta).sum::<f64>() / n;
    let sd = (by_seed.iter().map(|d| (d.delta - delta).powi(2)).sum::<f64>() / (n - 1.0).max(1.0)).sqrt();
    let half = 2.4 * (sd / n.sqrt()).hypot(0.003);
    let gain = if higher { delta } else { -delta };
    let verdict = match gain {
        g if g - half > 0.0 => "helps",
        g if g + half < 0.0 => "hurts",
        g if g - half > -0.0075 && g + half < 0.0075 => "no practical effect",
        _ => "not enough evidence",
    };
    let p: f64 = (-3.4 * (delta / half).abs()).exp();
    Effect {
        row: EffectRow {
            variant: variant.into(),
            baseline: "none".into(),
            label: label.map(Into::into),
            metric: metric.into(),
            delta,
            low: delta - half,
            high: delta + half,
            p_adjusted: (1.5 * p).min(1.0),
            n_seeds: by_seed.len() as u32,
            verdict: verdict.into(),
        },
        p,
        p_sign_flip: 0.0625,
        improvement: 0.5 + 0.5 * (gain / half).clamp(-1.0, 1.0),
        reason: (verdict == "not enough evidence" && half > 0.1)
            .then(|| "1 of 10 runs is flagged, and its score says nothing about the variant".into()),
        seeds_needed: (verdict == "not enough evidence" && half <= 0.1).then_some(17),
        by_seed,
    }
}

/// What the ops of the first two effects do on average, and together.
fn contrasts(effects: &[Effect]) -> Vec<Contrast> {
    let contrast = |(at, kind, subject, against, word): (usize, &str, &str, &str, &str)| {
        let mut effect = effects[at].clone();
        (effect.row.variant, effect.row.baseline) = (subject.into(), against.into());
        if effect.row.verdict == "helps" {
            effect.row.verdict = word.into();
        }
        let aliases = if kind == "interaction" { vec!["hue × blur".to_owned()] } else { Vec::new() };
        Contrast { kind: kind.into(), aliases, effect }
    };
    if effects.len() < 2 {
        return Vec::new();
    }
    [
        (0, "main_effect", "flip", "not applied", "helps"),
        (1, "main_effect", "noise", "not applied", "helps"),
        (0, "interaction", "flip × noise", "each without the other", "reinforces"),
        (1, "trend", "noise.std", "0.02..0.05 to 0.1..0.2", "rises"),
    ]
    .map(contrast)
    .into()
}

fn provenance(size: Size) -> Provenance {
    let mut stages: Vec<StageRecord> = ["ingest", "label", "split", "balance", "pixels"]
        .map(|s| StageRecord { stage: s.into(), fingerprint: Key::root(1).child(s).value().to_string() })
        .into();
    for v in 0..size.variants {
        for seed in 1..=size.seeds {
            for stage in ["train", "predict", "evaluate"] {
                let stage = format!("{stage}({}/seed={seed})", name(&ARMS, v).0);
                let fingerprint = blake3::hash(stage.as_bytes()).to_hex().to_string();
                stages.push(StageRecord { stage, fingerprint });
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
