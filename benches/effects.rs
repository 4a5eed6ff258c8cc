//! How long the effects of a large study take, and how much memory: from logits to verdicts.
//!
//! `cargo bench --bench effects [VARIANTS SEEDS IMAGES LABELS]`; without numbers 50 variants with 10 seeds each, 10,000 test images, 20
//! labels, and 2,000 resamples of the images, on both metrics, over all labels and label by label. Prints the time of the whole, the
//! largest memory of the process, and the time for one label of one run on one resample, beside which `benches/effects_peers.py`
//! sets scikit-learn's.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::error::Error;
use std::time::Instant;

use ablatrix::effects::{self, Fold, Looks, Measure, RunScores, Study};
use ablatrix::metrics::Calibration;
use ablatrix::seed::Key;
use ablatrix::spec::settings::HeadlineMetric;
use rayon::prelude::*;

fn main() -> Result<(), Box<dyn Error>> {
    let numbers: Vec<usize> = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with("--"))
        .map(|arg| arg.parse())
        .collect::<Result<_, _>>()?;
    let &[n_variants, n_seeds, n_images, n_labels] =
        numbers.as_slice().try_into().unwrap_or(&[50, 10, 10_000, 20]);

    let labels: Vec<String> = (0..n_labels).map(|label| format!("label {label}")).collect();
    let mut draws = Key::root(1).child("truth").draws();
    // From one image in two to one in a hundred.
    let share = |label: usize| 0.5 * 0.02_f64.powf(label as f64 / n_labels.max(2) as f64);
    let targets: Vec<bool> = (0..n_images * n_labels).map(|at| draws.chance(share(at % n_labels))).collect();
    let names: Vec<String> = (0..n_variants).map(|variant| format!("variant {variant}")).collect();
    let places: Vec<(usize, u64)> =
        (0..n_variants).flat_map(|variant| (1..=n_seeds as u64).map(move |seed| (variant, seed))).collect();
    let logits: Vec<Vec<f32>> = places
        .par_iter()
        .map(|&(variant, seed)| {
            let mut draws = Key::root(2).index(variant as u64).index(seed).draws();
            let strength = 1.5 + 0.01 * variant as f64;
            targets
                .iter()
                .map(|&target| (if target { strength } else { 0.0 } + draws.normal()) as f32)
                .collect()
        })
        .collect();
    let thresholds = vec![0.6; n_labels];
    let runs: Vec<RunScores> = places
        .iter()
        .zip(&logits)
        .map(|(&(variant, seed), logits)| RunScores {
            variant: &names[variant],
            seed,
            fold: 0,
            logits,
            calibration: &Calibration::None,
            thresholds: &thresholds,
            flags: &[],
        })
        .collect();
    let study = Study {
        labels: &labels,
        folds: &[Fold { targets: &targets, n_train: 0 }],
        runs: &runs,
        contrasts: &effects::pairs_against(&names[0], &runs),
        measures: &[HeadlineMetric::MapMacro, HeadlineMetric::F1Macro].map(Measure::Headline),
        equivalence: 0.005,
        n_resamples: effects::RESAMPLES,
        looks: &Looks::once(),
        key: Key::root(3),
    };
    let before = peak_mib();
    let started = Instant::now();
    let found = effects::compare(&study)?;
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{n_variants} variants x {n_seeds} seeds x {n_images} images x {n_labels} labels, {} resamples, {} threads",
        effects::RESAMPLES,
        rayon::current_num_threads()
    );
    println!(
        "{} effects in {seconds:.1} s; {:.0} MiB at most, {before:.0} MiB of them logits",
        found.effects.len(),
        peak_mib()
    );
    let started = Instant::now();
    let of_ap = Study { measures: &[Measure::Headline(HeadlineMetric::MapMacro)], ..study };
    effects::compare(&of_ap)?;
    let n = (places.len() * n_labels * effects::RESAMPLES) as f64;
    let threads = rayon::current_num_threads() as f64;
    println!(
        "average precision: {:.1} us of one thread for one label of one run on one resample",
        started.elapsed().as_secs_f64() * threads / n * 1e6
    );
    Ok(())
}

/// The most memory that the process had so far; NaN where the system does not tell.
fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()).and_then(|text| text.parse::<f64>().ok());
    kib.map_or(f64::NAN, |kib| kib / 1024.0)
}
