//! Runs and what stands beside them.

use super::*;

pub(super) fn metric(metric: &str, name: &str, meaning: &str, higher_is_better: bool, unit: Unit) -> Metric {
    Metric { metric: metric.into(), name: name.into(), meaning: meaning.into(), higher_is_better, unit }
}

pub(super) fn score(label: Option<&str>, metric: &str, value: f64) -> Score {
    Score { label: label.map(Into::into), metric: metric.into(), value }
}

pub(super) fn references(labels: &[(String, f64)], variants: &[Row]) -> References {
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

pub(super) fn test_part(labels: &[(String, f64)], variants: &[Row]) -> TestPart {
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

pub(super) fn result(
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
        counts: labels
            .iter()
            .map(|(_, rate)| {
                let positives = (225.0 * rate).round() as u64;
                let hits = (0.7 * positives as f64 + own.below(4) as f64) as u64;
                let hits = hits.min(positives);
                metrics::Counts {
                    true_positives: hits,
                    false_positives: positives / 4,
                    false_negatives: positives - hits,
                    true_negatives: 225 - positives - positives / 4,
                }
            })
            .collect(),
        scores,
    }
}

/// Curves that fall from 1, and probabilities that are a little too sure.
pub(super) fn answers(variant: &str, labels: &[(String, f64)]) -> Answers {
    let of_label = |(_, rate): &(String, f64)| LabelAnswers {
        precision: (1..=RECALLS).map(|i| 1.0 - (1.0 - rate) * (i as f64 / RECALLS as f64).powi(2)).collect(),
        reliability: (0..10)
            .map(|i| {
                let probability = 0.05 + 0.1 * f64::from(i);
                let share = (0.8 * probability + 0.5 * rate).min(1.0);
                ReliabilityBin { probability, share, n: u64::from(200 - 18 * i as u32) }
            })
            .collect(),
    };
    Answers { variant: variant.into(), labels: labels.iter().map(of_label).collect() }
}

pub(super) fn epoch(epoch: u32, planned: u32, level: f64, map: f64, draws: &mut Draws) -> HistoryRow {
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
