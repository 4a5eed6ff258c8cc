//! A contrast's difference on one measure, with interval and p-value; and the verdicts of a family.

use super::contrast::Contrast;
use super::effect::{Effect, words};
use super::holm;
use super::measure::Measure;
use super::paired::Paired;
use super::scores::Scores;
use super::seed_runs::Gathered;
use super::sign_flip;
use super::study::Study;
use super::tail::Tail;
use super::verdict::{Bounds, Undecided, Verdict, judge};
use crate::metrics::Flag;
use crate::metrics::ranking::LANES;

/// A contrast with the seeds that all its variants have.
pub struct Matched<'a> {
    pub contrast: &'a Contrast<'a>,
    /// By ascending seed.
    pub seeds: Vec<Terms>,
}

/// A seed, and where the runs of each term stand, with the weights.
pub type Terms = (u64, Vec<(usize, f64)>);

impl<'a> Matched<'a> {
    pub fn new(contrast: &'a Contrast<'a>, gathered: &Gathered) -> Self {
        let runs_of = |variant: &str| gathered.variants.get(variant);
        let seeds = contrast.terms.first().and_then(|(variant, _)| runs_of(variant)).into_iter().flatten();
        let with_all = |(&seed, _): (&u64, &usize)| {
            let place = |&(variant, weight): &(&str, f64)| Some((*runs_of(variant)?.get(&seed)?, weight));
            Some((seed, contrast.terms.iter().map(place).collect::<Option<Vec<_>>>()?))
        };
        Matched { contrast, seeds: seeds.filter_map(with_all).collect() }
    }
}

/// A contrast's difference, with interval and p-value where there are any.
pub struct Measured {
    deltas: Vec<f64>,
    p_sign_flip: f64,
    paired: Paired,
    inference: Option<Inference>,
}

#[derive(Clone, Copy)]
struct Inference {
    half_width: f64,
    p: f64,
    probability_of_improvement: f64,
}

impl Measured {
    /// Each of some contrasts, on the label or the average that the scores are of.
    pub fn all(study: &Study, matched: &[&Matched], scores: &Scores, correction: f64) -> Vec<Self> {
        let resampled = resampled(matched, scores, study.n_resamples);
        let of_each = matched.iter().zip(&resampled);
        of_each.map(|(of, resampled)| Measured::new(study, of, scores, resampled, correction)).collect()
    }

    /// `resampled`: its differences on the resamples, row-major [resamples, seeds].
    fn new(study: &Study, matched: &Matched, scores: &Scores, resampled: &[f32], correction: f64) -> Self {
        let weighted = |terms: &[(usize, f64)], of: &dyn Fn(usize) -> f64| -> f64 {
            terms.iter().map(|&(runs, weight)| weight * of(runs)).sum()
        };
        let deltas: Vec<f64> =
            matched.seeds.iter().map(|(_, terms)| weighted(terms, &|runs| scores.measured(runs))).collect();
        let paired = if study.folds.len() > 1 {
            let in_fold = |fold: usize| -> Vec<f64> {
                let of = |(_, terms): &Terms| weighted(terms, &|runs| scores.measured_in(runs, fold));
                matched.seeds.iter().map(of).filter(|delta| !delta.is_nan()).collect()
            };
            let of_folds: Vec<Vec<f64>> =
                (0..study.folds.len()).map(in_fold).filter(|deltas| !deltas.is_empty()).collect();
            Paired::over_folds(&of_folds, study.test_to_train())
        } else {
            Paired::over_seeds(&deltas, resampled, correction)
        };
        let inference = (paired.degrees() > 0 && !paired.is_rigid()).then(|| {
            let tail = Tail::new(paired.degrees());
            let (t_variance, z_variance) = (paired.t_variance(), paired.image_variance);
            let p = tail.two_sided(paired.delta, t_variance, z_variance);
            Inference {
                half_width: tail.quantile(study.looks.level(), t_variance, z_variance),
                p,
                probability_of_improvement: if paired.delta > 0.0 { 1.0 - p / 2.0 } else { p / 2.0 },
            }
        });
        let p_sign_flip = sign_flip::p_value(&deltas, study.key.child("sign flips"));
        Measured { deltas, p_sign_flip, paired, inference }
    }
}

/// Of each contrast the difference of each seed on each resample: row-major [resamples, seeds].
fn resampled(matched: &[&Matched], scores: &Scores, n_resamples: usize) -> Vec<Vec<f32>> {
    let mut differences = vec![Vec::new(); matched.len()];
    for block in scores.resampled() {
        for (of, differences) in matched.iter().zip(&mut differences) {
            add_block(&of.seeds, block, differences);
        }
    }
    for (of, differences) in matched.iter().zip(&mut differences) {
        differences.truncate(n_resamples * of.seeds.len());
    }
    differences
}

/// The rows of one block of resamples.
#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+bmi2",
    "x86_64+avx2+bmi2"
))]
fn add_block(seeds: &[Terms], block: &[[f32; LANES]], differences: &mut Vec<f32>) {
    let first = differences.len();
    differences.resize(first + LANES * seeds.len(), 0.0);
    for (seed, (_, terms)) in seeds.iter().enumerate() {
        let mut sums = [0.0; LANES];
        for &(runs, weight) in terms {
            let values = &block[runs];
            for lane in 0..LANES {
                sums[lane] += weight * f64::from(values[lane]);
            }
        }
        for (lane, sum) in sums.into_iter().enumerate() {
            differences[first + lane * seeds.len() + seed] = sum as f32;
        }
    }
}

/// The effects of one family: a measure and label over all contrasts of a kind. `few_images`: how many there are, where they are too
/// few.
pub fn judged(
    study: &Study,
    measure: &Measure,
    label: Option<&str>,
    few_images: Option<usize>,
    runs: &Gathered,
    family: Vec<(&Matched, Measured)>,
) -> Vec<Effect> {
    let p_values: Vec<f64> =
        family.iter().filter_map(|(_, measured)| Some(measured.inference.as_ref()?.p)).collect();
    let mut adjusted = holm::adjust(&p_values).into_iter().zip(holm::factors(&p_values));
    let judge_one = |(matched, measured): (&Matched, Measured)| {
        let Measured { deltas, p_sign_flip, paired, inference } = measured;
        let in_family = inference.and_then(|_| adjusted.next());
        let in_family = in_family.map(|(p, factor)| (study.looks.overall(p), factor));
        let verdict = match (spoiled(study, runs, matched, few_images), inference, in_family) {
            (None, Some(inference), Some((p_adjusted, holm_factor))) => {
                let (half_width, level) = (inference.half_width, study.looks.level());
                let equivalence = study.equivalence;
                judge(&paired, &Bounds { half_width, p_adjusted, holm_factor, level, equivalence })
            }
            (Some(reason), ..) => Verdict::NotEnoughEvidence { reason },
            (None, ..) if paired.degrees() == 0 => Verdict::NotEnoughEvidence { reason: Undecided::OneFold },
            (None, ..) => Verdict::NotEnoughEvidence { reason: Undecided::NoSpread },
        };
        let contrast = matched.contrast;
        Effect {
            kind: contrast.kind,
            variant: contrast.subject.clone(),
            baseline: contrast.against.clone(),
            aliases: contrast.aliases.clone(),
            label: label.map(str::to_owned),
            metric: measure.name(label.is_some()),
            seeds: matched.seeds.iter().map(|&(seed, _)| seed).collect(),
            p_sign_flip,
            deltas,
            delta: paired.delta,
            interval: inference
                .map(|found| [paired.delta - found.half_width, paired.delta + found.half_width]),
            spread_error: (paired.degrees() > 0).then(|| paired.t_variance().sqrt()),
            image_error: paired.image_variance.sqrt(),
            p: inference.map(|found| found.p),
            p_adjusted: in_family.map(|(p_adjusted, _)| p_adjusted),
            probability_of_improvement: inference.map(|found| found.probability_of_improvement),
            verdict,
            words: words(contrast.kind, measure),
        }
    };
    family.into_iter().map(judge_one).collect()
}

/// What speaks against any verdict, gravest first.
fn spoiled(
    study: &Study,
    gathered: &Gathered,
    matched: &Matched,
    few_images: Option<usize>,
) -> Option<Undecided> {
    let all = matched.seeds.iter().flat_map(|(_, terms)| terms.iter().map(|&(at, _)| at));
    let runs: Vec<usize> = all.flat_map(|at| gathered.complete[at].runs.iter().copied()).collect();
    let is_spoiled = |run: &&usize| study.runs[**run].flags.iter().any(Flag::spoils_comparison);
    let n_runs = runs.iter().filter(is_spoiled).count() as u32;
    if n_runs > 0 {
        return Some(Undecided::Degenerate { n_runs, of: runs.len() as u32 });
    }
    if let Some(n_images) = few_images {
        return Some(Undecided::FewImages { n_images: n_images as u32 });
    }
    (study.folds.len() == 1 && matched.seeds.len() < 2).then_some(Undecided::OneSeed)
}
