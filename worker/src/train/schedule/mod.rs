//! The learning rate of each epoch and step.
//!
//! Each schedule is a function of the settings, of where the training is and, for a plateau, of the epochs before: nothing
//! of it must be kept, and a resumed training goes on with the same rates.

mod cosine;
mod exponential;
mod one_cycle;
mod plateau;

use ablatrix::spec::settings::{Schedule, Train};
use ablatrix::tables::rows::HistoryRow;

use super::early_stopping::watched;
use one_cycle::OneCycle;

/// The rates of one epoch's steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum EpochRates {
    /// The same for all.
    Constant(f64),
    /// Another for each.
    OneCycle {
        /// Over the whole training.
        cycle: OneCycle,
        /// Steps before this epoch.
        first_step: u64,
    },
}

impl EpochRates {
    /// The rate of a step, counted from 0 in the epoch.
    pub fn of_step(&self, step_idx: usize) -> f64 {
        match self {
            EpochRates::Constant(rate) => *rate,
            EpochRates::OneCycle { cycle, first_step } => cycle.rate(first_step + step_idx as u64),
        }
    }
}

/// The rates of epoch `epoch_idx`, counted from 0, of `epoch_steps` steps; `history` has the epochs before it.
pub fn rates(train: &Train, epoch_idx: u32, epoch_steps: usize, history: &[HistoryRow]) -> EpochRates {
    let (peak, epochs) = (train.optimizer.lr, train.epochs);
    EpochRates::Constant(match train.schedule {
        Schedule::Static => peak,
        Schedule::Step { step_epochs, gamma } => peak * gamma.powf(f64::from(epoch_idx / step_epochs.max(1))),
        Schedule::Exponential { start_lr, min_lr, warmup_epochs, hold_epochs, decay } => {
            exponential::rate(peak, [start_lr, min_lr], [warmup_epochs, hold_epochs], decay, epoch_idx)
        }
        Schedule::Cosine { warmup_epochs, start_lr, min_lr, cycle_epochs, cycle_factor } => {
            if epoch_idx < warmup_epochs {
                warmup(start_lr, peak, warmup_epochs, epoch_idx)
            } else {
                let all = epochs.saturating_sub(warmup_epochs).max(1);
                let cycle = if cycle_epochs == 0 { all } else { cycle_epochs };
                cosine::rate(peak, min_lr, [cycle, cycle_factor], epoch_idx - warmup_epochs)
            }
        }
        Schedule::OneCycle { rise, start_divisor, end_divisor } => {
            let steps = u64::from(epochs) * epoch_steps as u64;
            let cycle = OneCycle { peak, rise, start_divisor, end_divisor, steps };
            return EpochRates::OneCycle { cycle, first_step: u64::from(epoch_idx) * epoch_steps as u64 };
        }
        Schedule::Polynomial { power, min_lr } => {
            let left = 1.0 - f64::from(epoch_idx.min(epochs)) / f64::from(epochs.max(1));
            (peak - min_lr) * left.powf(power) + min_lr
        }
        Schedule::Plateau { metric, factor, patience, threshold, min_lr } => {
            let watched = history.iter().map(|row| watched(&row.val, metric));
            let numbers = plateau::Numbers { factor, patience, threshold, min_lr };
            plateau::rate(peak, metric.higher_is_better(), numbers, watched)
        }
    })
}

/// A line from `start` to `peak`, which it reaches after `epochs`.
fn warmup(start: f64, peak: f64, epochs: u32, epoch_idx: u32) -> f64 {
    (peak - start) / f64::from(epochs) * f64::from(epoch_idx) + start
}

#[cfg(test)]
mod tests {
    use ablatrix::spec::settings::{
        Loss, Optimizer, PositiveWeights, Precision, Rule, Schedule, Train, ValMetric,
    };
    use ablatrix::tables::rows::Validation;

    use super::*;

    fn train(schedule: Schedule, peak: f64, epochs: u32) -> Train {
        Train {
            epochs,
            batch_size: 8,
            accumulate: 1,
            shrink_batches: false,
            loss: Loss::Bce { positive_weights: PositiveWeights::None, smoothing: 0.0 },
            precision: Precision::Fp32,
            deterministic: true,
            optimizer: Optimizer {
                rule: Rule::Sgd { momentum: 0.0, nesterov: false },
                lr: peak,
                weight_decay: 0.0,
                decay_norms_and_biases: false,
                layer_decay: 1.0,
            },
            clip_norm: 0.0,
            schedule,
            ema: 0.0,
            early_stopping: None,
        }
    }

    /// The epochs of a training whose validation loss was this.
    fn history(losses: &[f64]) -> Vec<HistoryRow> {
        let row = |(i, &loss): (usize, &f64)| HistoryRow {
            run: String::new(),
            epoch: i as u32 + 1,
            lr: 0.0,
            train_loss: 0.0,
            val: Validation { loss, ..Validation::NONE },
            seconds: 0.0,
            images_per_second: 0.0,
            wait_share: 0.0,
            finished_ms: 0,
        };
        losses.iter().enumerate().map(row).collect()
    }

    #[track_caller]
    fn assert_rates(schedule: Schedule, peak: f64, epochs: u32, expected: &[f64]) {
        let train = train(schedule, peak, epochs);
        for (epoch_idx, &expected) in expected.iter().enumerate() {
            let found = rates(&train, epoch_idx as u32, 1, &[]).of_step(0);
            assert!((found - expected).abs() < 1e-15, "epoch {epoch_idx}: {found}, expected {expected}");
        }
    }

    fn golden() -> serde_json::Value {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/training/training.json");
        let golden: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        golden["schedules"].clone()
    }

    /// Every schedule against PyTorch's: `peak`, `epochs`, steps of an epoch, the rate of every step.
    #[test]
    fn rates_are_pytorchs() {
        let golden = golden();
        let cases = golden.as_array().unwrap();
        assert!(cases.len() >= 9);
        for case in cases {
            let schedule: Schedule = serde_json::from_value(case["schedule"].clone()).unwrap();
            let number = |key: &str| case[key].as_f64().unwrap();
            let train = train(schedule, number("peak"), number("epochs") as u32);
            let epoch_steps = number("epoch_steps") as usize;
            let losses = case["losses"].as_array();
            let losses: Vec<f64> = losses.into_iter().flatten().map(|loss| loss.as_f64().unwrap()).collect();
            let past = history(&losses);
            for (step, expected) in case["rates"].as_array().unwrap().iter().enumerate() {
                let (epoch_idx, step_idx) = (step / epoch_steps, step % epoch_steps);
                let so_far = &past[..epoch_idx.min(past.len())];
                let found = rates(&train, epoch_idx as u32, epoch_steps, so_far).of_step(step_idx);
                let expected = expected.as_f64().unwrap();
                let close = (found - expected).abs() <= 1e-12 * train.optimizer.lr;
                assert!(close, "{:?}, step {step}: {found}, expected {expected}", train.schedule);
            }
        }
    }

    #[test]
    fn static_stays_and_steps_fall() {
        assert_rates(Schedule::Static, 1e-3, 4, &[1e-3; 4]);
        let step = Schedule::Step { step_epochs: 2, gamma: 0.5 };
        assert_rates(step, 1.0, 5, &[1.0, 1.0, 0.5, 0.5, 0.25]);
    }

    /// The study's values, worked by hand: rise by (1e-4 - 1e-6) / 3 an epoch, then 9.9e-5 x 0.8^k + 1e-6.
    #[test]
    fn exponential_is_the_studys_function() {
        let schedule = Schedule::Exponential {
            start_lr: 1e-6,
            min_lr: 1e-6,
            warmup_epochs: 3,
            hold_epochs: 0,
            decay: 0.8,
        };
        assert_rates(schedule, 1e-4, 10, &[1e-6, 3.4e-5, 6.7e-5, 1e-4, 8.02e-5, 6.436e-5, 5.1688e-5]);
    }

    #[test]
    fn exponential_holds_and_may_start_at_once() {
        let schedule = |warmup_epochs, hold_epochs, min_lr, decay| Schedule::Exponential {
            start_lr: 0.0,
            min_lr,
            warmup_epochs,
            hold_epochs,
            decay,
        };
        assert_rates(schedule(2, 2, 0.2, 0.5), 1.0, 10, &[0.0, 0.5, 1.0, 1.0, 1.0, 0.6, 0.4, 0.3]);
        assert_rates(schedule(0, 0, 0.0, 0.1), 1.0, 10, &[1.0, 0.1, 0.01]);
    }

    /// Worked by hand: (1 + cos(pi k / n)) / 2 is 1, 3/4, 1/4 for thirds of a half turn.
    #[test]
    fn cosine_rises_falls_and_starts_again() {
        let schedule = |warmup_epochs, cycle_epochs, cycle_factor| Schedule::Cosine {
            warmup_epochs,
            start_lr: 0.5,
            min_lr: 0.0,
            cycle_epochs,
            cycle_factor,
        };
        assert_rates(schedule(2, 0, 1), 1.0, 5, &[0.5, 0.75, 1.0, 0.75, 0.25]);
        assert_rates(schedule(0, 1, 3), 1.0, 6, &[1.0, 1.0, 0.75, 0.25, 1.0]);
        assert_rates(schedule(9, 0, 1), 1.0, 2, &[0.5, 0.5 + 0.5 / 9.0]);
    }

    #[test]
    fn a_plateau_looks_at_the_epochs_before() {
        let schedule = Schedule::Plateau {
            metric: ValMetric::ValLoss,
            factor: 0.5,
            patience: 1,
            threshold: 0.0,
            min_lr: 0.3,
        };
        let train = train(schedule, 1.0, 10);
        let losses = [1.0, 0.9, 0.95, f64::NAN, 0.9, 0.9, 0.9, 0.1];
        let past = history(&losses);
        let rates: Vec<f64> =
            (0..=losses.len()).map(|at| rates(&train, at as u32, 3, &past[..at]).of_step(2)).collect();
        assert_eq!(rates, [1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.3, 0.3, 0.3]);
    }
}
