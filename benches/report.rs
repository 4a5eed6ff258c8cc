//! The report of a large study: page, summary, figures and LaTeX from results that are compared already. 200 variants x 10 seeds x 60 labels
//! x 30 epochs, on as many threads as there are cores.
//!
//! `cargo bench --bench report [FILE]` prints times, sizes and the largest memory, and leaves the page in FILE, `report_opens.py` opens it.

use std::collections::BTreeMap;
use std::time::Instant;

use ablatrix::job::{StopReason, TrainSummary};
use ablatrix::metrics::Counts as Answered;
use ablatrix::report::{self, *};
use ablatrix::seed::{Draws, Key};
use ablatrix::tables::rows::{EffectRow, HistoryRow, Part, Validation};

const VARIANTS: usize = 200;
const SEEDS: u64 = 10;
const LABELS: usize = 60;
const EPOCHS: u32 = 30;

fn main() {
    let study = study();
    let started = Instant::now();
    let page = report::page(&study).expect("a page");
    let of_page = started.elapsed();
    let summary = report::summary_md(&study);
    let tex = report::effects_tex(&study);
    let started = Instant::now();
    let figures = report::figures::figures(&study);
    let of_svg = started.elapsed();
    let pngs: usize =
        figures.iter().map(|figure| report::figures::png(&figure.svg).expect("a picture").len()).sum();
    let of_png = started.elapsed() - of_svg;
    let svgs: usize = figures.iter().map(|figure| figure.svg.len()).sum();
    println!("{VARIANTS} variants x {SEEDS} seeds x {LABELS} labels x {EPOCHS} epochs");
    println!("page     {:7.2} s {:9} bytes", of_page.as_secs_f64(), page.len());
    println!("summary          {:9} bytes, LaTeX {} bytes", summary.len(), tex.len());
    println!("SVG      {:7.2} s {svgs:9} bytes, {} figures", of_svg.as_secs_f64(), figures.len());
    println!("PNG      {:7.2} s {pngs:9} bytes", of_png.as_secs_f64());
    println!("memory   {:7} MiB at the most", peak_mib());
    if let Some(place) = std::env::args().skip(1).find(|argument| !argument.starts_with("--")) {
        std::fs::write(&place, page).expect("the page can be written");
    }
}

/// The largest resident set so far, as the system tells it.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap_or(0) / 1024
}

fn metric(name: &str, shown: &str) -> Metric {
    Metric {
        metric: name.into(),
        name: shown.into(),
        meaning: "made up".into(),
        higher_is_better: true,
        unit: Unit::Share,
    }
}

fn study() -> Study {
    let labels: Vec<String> = (0..LABELS).map(|label| format!("label {label:02}")).collect();
    let arm = |v: usize| if v == 0 { "none".to_owned() } else { format!("op{v:03}+flip") };
    let mut draws = Key::root(3).draws();
    let mut runs = Vec::new();
    for v in 0..VARIANTS {
        let level = 0.5 + 0.02 * draws.normal();
        for seed in 1..=SEEDS {
            let state = RunState::Done(Box::new(result(&labels, level, &mut draws)));
            runs.push(Run { name: format!("{}/seed={seed}", arm(v)), variant: arm(v), seed, fold: None, state });
        }
    }
    let mut effects = Vec::new();
    for v in 1..VARIANTS {
        effects.push(effect(&arm(v), None, "map_macro", &mut draws));
        effects.push(effect(&arm(v), None, "f1_macro", &mut draws));
        effects.extend(labels.iter().map(|label| effect(&arm(v), Some(label), "ap", &mut draws)));
    }
    let counts = || Counts { rows: 1000, positives: vec![90; LABELS] };
    let part = |part| PartCounts { part, counts: counts() };
    let names: Vec<String> = (0..VARIANTS).map(arm).collect();
    Study {
        name: "large".into(),
        question: "How long does a large report take?".into(),
        generated_at: "2026-11-24 10:15 UTC".into(),
        headline: metric("map_macro", "mAP"),
        label_metric: metric("ap", "AP"),
        other_metrics: vec![metric("f1_macro", "macro F1")],
        equivalence: 0.005,
        folds: 0,
        data: Data {
            images: 1500,
            parts: vec![part(Part::Train), part(Part::Val), part(Part::Test)],
            before: counts(),
            after: counts(),
            ..Data::default()
        },
        augmented: None,
        attention: None,
        baseline: "none".into(),
        variants: names
            .iter()
            .map(|name| Variant {
                name: name.clone(),
                arm: name.clone(),
                point: BTreeMap::new(),
                ops: "an op with some words on what it does".into(),
            })
            .collect(),
        axes: vec![],
        runs,
        references: vec![],
        test_parts: vec![],
        effects,
        contrasts: vec![],
        answers: names.iter().take(6).map(|name| answers(name)).collect(),
        mistakes: Mistakes { bytes: 0, left_out: 0, of: vec![] },
        effects_method: "made up".into(),
        warnings: vec![],
        provenance: Provenance::default(),
        labels,
    }
}

fn answers(variant: &str) -> Answers {
    let precision = (0..RECALLS).map(|i| 1.0 - 0.01 * i as f64).collect();
    let bin = |i: u32| ReliabilityBin { probability: 0.1 * f64::from(i), share: 0.09 * f64::from(i), n: 100 };
    let label = LabelAnswers { precision, reliability: (0..10).map(bin).collect() };
    Answers { variant: variant.into(), labels: vec![label; LABELS] }
}

fn result(labels: &[String], level: f64, draws: &mut Draws) -> RunResult {
    let score = |label: Option<&String>, metric: &str, value: f64| Score {
        label: label.cloned(),
        metric: metric.into(),
        value,
    };
    let mut scores: Vec<Score> =
        labels.iter().map(|label| score(Some(label), "ap", level + 0.05 * draws.normal())).collect();
    scores.push(score(None, "map_macro", level + 0.01 * draws.normal()));
    scores.push(score(None, "f1_macro", level - 0.1 + 0.01 * draws.normal()));
    let counts =
        Answered { true_positives: 60, false_positives: 30, false_negatives: 30, true_negatives: 880 };
    RunResult {
        summary: TrainSummary {
            epochs_run: EPOCHS,
            epochs_planned: EPOCHS,
            best_epoch: EPOCHS - 2,
            best_watched_epoch: EPOCHS - 2,
            stop: StopReason::LastEpoch,
            divergence: None,
            smaller_batches: None,
            trained_parameters: 1_502_000,
            parameters: 1_530_000,
            replaced: vec![],
            positive_weights: vec![],
        },
        flags: vec![],
        cautions: vec![],
        history: (1..=EPOCHS).map(|of| epoch(of, level, draws)).collect(),
        scores,
        thresholds: vec![0.4; labels.len()],
        counts: vec![counts; labels.len()],
    }
}

fn epoch(epoch: u32, level: f64, draws: &mut Draws) -> HistoryRow {
    let left = (-0.2 * f64::from(epoch)).exp();
    HistoryRow {
        run: String::new(),
        epoch,
        lr: 1e-4 * left,
        train_loss: 0.2 + 0.5 * left + 0.01 * draws.normal(),
        val: Validation {
            loss: 0.3 + 0.4 * left + 0.01 * draws.normal(),
            map_macro: level * (1.0 - left),
            ..Validation::NONE
        },
        seconds: 20.0 + draws.normal(),
        images_per_second: 120.0 + draws.normal(),
        wait_share: 0.01,
        finished_ms: 1_700_000_000_000 + i64::from(epoch),
    }
}

fn effect(variant: &str, label: Option<&String>, metric: &str, draws: &mut Draws) -> Effect {
    let delta = 0.02 * draws.normal();
    let verdict = if delta > 0.01 { "helps" } else { "not enough evidence" };
    Effect {
        row: EffectRow {
            variant: variant.into(),
            baseline: "none".into(),
            label: label.cloned(),
            metric: metric.into(),
            delta,
            low: delta - 0.01,
            high: delta + 0.01,
            p_adjusted: 0.2,
            n_seeds: SEEDS as u32,
            verdict: verdict.into(),
        },
        by_seed: (1..=SEEDS).map(|seed| SeedDelta { seed, delta: delta + 0.01 * draws.normal() }).collect(),
        p: 0.1,
        p_sign_flip: 0.1,
        improvement: 0.8,
        reason: None,
        seeds_needed: Some(17),
    }
}
