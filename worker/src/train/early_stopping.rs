//! Which epoch is best so far, and when to stop waiting for a better one.

use ablatrix::job::StopReason;
use ablatrix::spec::settings::{EarlyStopping, StopMetric};
use serde::{Deserialize, Serialize};

/// The best epoch so far; part of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// From 1.
    pub epoch: u32,
    /// Its value of the watched metric.
    pub value: f64,
}

/// What an epoch's validation gave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scores {
    /// Mean loss; NaN where there is no validation part.
    pub loss: f64,
    /// Mean average precision over labels; NaN where it is not defined.
    pub map_macro: f64,
}

impl Scores {
    /// The watched one of the two.
    pub fn watched(&self, metric: StopMetric) -> f64 {
        match metric {
            StopMetric::ValLoss => self.loss,
            StopMetric::ValMapMacro => self.map_macro,
        }
    }
}

/// Whether `value` is better than the best so far. Only a strictly better value counts; NaN never does.
pub fn improves(metric: StopMetric, best: Option<Best>, value: f64) -> bool {
    match (best, metric) {
        _ if value.is_nan() => false,
        (None, _) => true,
        (Some(best), StopMetric::ValLoss) => value < best.value,
        (Some(best), StopMetric::ValMapMacro) => value > best.value,
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
    fn run(metric: StopMetric, patience: u32, values: &[f64]) -> (u32, u32) {
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
        assert_eq!(run(StopMetric::ValLoss, 2, &[0.5, 0.4, 0.4, 0.45, 0.1]), (2, 4));
        assert_eq!(run(StopMetric::ValLoss, 3, &[0.5, 0.4, 0.4, 0.45, 0.1]), (5, 5));
        assert_eq!(run(StopMetric::ValMapMacro, 1, &[0.1, 0.2, 0.2, 0.9]), (2, 3));
    }

    #[test]
    fn not_a_number_is_never_an_improvement() {
        assert_eq!(run(StopMetric::ValMapMacro, 2, &[f64::NAN, f64::NAN, 0.3]), (0, 2));
        assert_eq!(run(StopMetric::ValMapMacro, 2, &[0.3, f64::NAN, f64::NAN]), (1, 3));
    }
}
