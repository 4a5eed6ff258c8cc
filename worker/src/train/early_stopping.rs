//! Which epoch is best so far, and when to stop waiting for a better one.

use ablatrix::job::StopReason;
use ablatrix::spec::settings::{EarlyStopping, ValMetric};
use ablatrix::tables::rows::Validation;
use serde::{Deserialize, Serialize};

/// The best epoch so far; part of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// From 1.
    pub epoch: u32,
    /// Its value of the watched metric.
    pub value: f64,
}

/// The watched one of an epoch's metrics.
pub fn watched(val: &Validation, metric: ValMetric) -> f64 {
    match metric {
        ValMetric::ValLoss => val.loss,
        ValMetric::ValMapMacro => val.map_macro,
        ValMetric::ValMapMicro => val.map_micro,
        ValMetric::ValAurocMacro => val.auroc_macro,
        ValMetric::ValF1Macro => val.f1_macro,
        ValMetric::ValF1Micro => val.f1_micro,
        ValMetric::ValPrecisionMacro => val.precision_macro,
        ValMetric::ValRecallMacro => val.recall_macro,
        ValMetric::ValSubsetAccuracy => val.subset_accuracy,
        ValMetric::ValHammingLoss => val.hamming_loss,
        ValMetric::ValLogLoss => val.log_loss,
        ValMetric::ValEceMacro => val.ece_macro,
    }
}

/// Whether `value` is better than the best so far. Only a strictly better value counts; NaN never does.
pub fn improves(metric: ValMetric, best: Option<Best>, value: f64) -> bool {
    match (best, metric) {
        _ if value.is_nan() => false,
        (None, _) => true,
        (Some(best), metric) if metric.higher_is_better() => value > best.value,
        (Some(best), _) => value < best.value,
    }
}

/// Whether training ends after `epoch` (from 1): `patience` epochs in a row were not better than the best.
pub fn is_over(stopping: &EarlyStopping, best: Option<Best>, epoch: u32) -> Option<StopReason> {
    let best_epoch = best.map_or(0, |best| best.epoch);
    (epoch - best_epoch >= stopping.patience.max(1)).then_some(StopReason::EarlyStopping)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `values` epoch by epoch; gives the best epoch and the one that was the last.
    fn run(metric: ValMetric, patience: u32, values: &[f64]) -> (u32, u32) {
        let stopping = EarlyStopping { metric, patience, restore_best: true };
        let mut best = None;
        for (i, &value) in values.iter().enumerate() {
            let epoch = i as u32 + 1;
            if improves(metric, best, value) {
                best = Some(Best { epoch, value });
            }
            if is_over(&stopping, best, epoch).is_some() {
                return (best.map_or(0, |best| best.epoch), epoch);
            }
        }
        (best.map_or(0, |best| best.epoch), values.len() as u32)
    }

    #[test]
    fn stops_after_the_patience_and_keeps_the_best() {
        assert_eq!(run(ValMetric::ValLoss, 2, &[0.5, 0.4, 0.4, 0.45, 0.1]), (2, 4));
        assert_eq!(run(ValMetric::ValLoss, 3, &[0.5, 0.4, 0.4, 0.45, 0.1]), (5, 5));
        assert_eq!(run(ValMetric::ValMapMacro, 1, &[0.1, 0.2, 0.2, 0.9]), (2, 3));
    }

    #[test]
    fn not_a_number_is_never_an_improvement() {
        assert_eq!(run(ValMetric::ValMapMacro, 2, &[f64::NAN, f64::NAN, 0.3]), (0, 2));
        assert_eq!(run(ValMetric::ValMapMacro, 2, &[0.3, f64::NAN, f64::NAN]), (1, 3));
    }

    /// A metric is watched in the column that has its name.
    #[test]
    fn each_metric_is_the_column_of_its_name() {
        let val = Validation::of_numbers(std::array::from_fn(|at| at as f64));
        assert_eq!(ValMetric::ALL.map(|(name, _)| name), Validation::COLUMNS);
        for (at, (_, metric)) in ValMetric::ALL.into_iter().enumerate() {
            assert_eq!(watched(&val, metric), at as f64);
        }
    }
}
