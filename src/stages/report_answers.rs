//! Precision and recall, and reliability, of the labels: of as many variants as the page has room for.

use std::collections::BTreeMap;

use super::comparison::RunResults;
use super::error::StageError;
use super::evaluate::EvaluationRecord;
use super::work::{StageWork, read_json};
use crate::metrics::{Ranking, Scored};
use crate::plan::output;
use crate::report::{Answers, LabelAnswers, RECALLS, ReliabilityBin};

/// Numbers of all curves on the page: about 6 bytes each.
const NUMBERS_MAX: usize = 15_000;
/// Numbers of one bin of a reliability diagram.
const NUMBERS_OF_BIN: usize = 3;
/// Bins that a diagram has about.
const BINS: usize = 10;

/// The curves of the first variants in `order`, positions in the plan.
///
/// # Errors
/// Where a logit is not finite, or a result is damaged.
pub(super) fn answers(
    work: &StageWork,
    order: &[usize],
    runs: &[RunResults],
    n_labels: usize,
) -> Result<Vec<Answers>, StageError> {
    let of_variant = n_labels.max(1) * (RECALLS + NUMBERS_OF_BIN * BINS);
    let mut found = Vec::new();
    let has_run = |variant: &&usize| runs.iter().any(|run| run.run.variant == **variant);
    for &variant in order.iter().filter(has_run).take((NUMBERS_MAX / of_variant).max(1)) {
        let of: Vec<&RunResults> = runs.iter().filter(|run| run.run.variant == variant).collect();
        // Checked once for all labels.
        let scored: Vec<Scored> = of.iter().map(|run| run.test.scored()).collect::<Result<_, _>>()?;
        let record = |run: &&RunResults| read_json(&work.output_of(run.run.evaluate, output::EVALUATION)?);
        let records: Vec<EvaluationRecord> = of.iter().map(record).collect::<Result<_, _>>()?;
        let labels = (0..n_labels).map(|label| of_label(&records, &scored, label)).collect();
        found.push(Answers { variant: work.plan.variants[variant].name.clone(), labels });
    }
    Ok(found)
}

/// Both of the same runs.
fn of_label(records: &[EvaluationRecord], scored: &[Scored], label_idx: usize) -> LabelAnswers {
    let mut precision = vec![0.0; RECALLS];
    let mut with_positives = 0;
    for scored in scored {
        let ranking = Ranking::new(scored.column(label_idx));
        if let Some(of_run) = ranking.precision_at_recalls(RECALLS) {
            with_positives += 1;
            precision.iter_mut().zip(of_run).for_each(|(sum, value)| *sum += value);
        }
    }
    precision.iter_mut().for_each(|sum| *sum /= f64::from(with_positives));
    precision.truncate(if with_positives == 0 { 0 } else { RECALLS });
    LabelAnswers { precision, reliability: reliability(records, label_idx) }
}

/// The bins of all runs, image by image alike.
fn reliability(records: &[EvaluationRecord], label_idx: usize) -> Vec<ReliabilityBin> {
    let mut sums: BTreeMap<usize, (f64, f64, u64)> = BTreeMap::new();
    let details = records.iter().filter_map(|record| record.labels.get(label_idx));
    for (at, bin) in details.flat_map(|detail| detail.reliability.iter().enumerate()) {
        if let (Some(probability), Some(share)) = (bin.mean_probability, bin.positive_share) {
            let sums = sums.entry(at).or_default();
            sums.0 += probability * bin.n_images as f64;
            sums.1 += share * bin.n_images as f64;
            sums.2 += bin.n_images;
        }
    }
    sums.into_values()
        .map(|(probability, share, n)| ReliabilityBin {
            probability: probability / n as f64,
            share: share / n as f64,
            n,
        })
        .collect()
}
