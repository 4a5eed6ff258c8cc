//! The learning rate of each epoch.

use ablatrix::spec::settings::Schedule;

/// The rate of epoch `epoch_idx`, counted from 0, where the optimizer's own rate is `peak`.
///
/// The exponential schedule is the study's `lr_function`: a line from `start_lr` to `peak` over the warm-up,
/// `peak` while it is held, then `(peak - min_lr) x decay^k + min_lr` with k epochs since the hold.
pub fn rate(schedule: &Schedule, peak: f64, epoch_idx: u32) -> f64 {
    match *schedule {
        Schedule::Static => peak,
        Schedule::Exponential { start_lr, min_lr, warmup_epochs, hold_epochs, decay } => {
            let held_until = u64::from(warmup_epochs) + u64::from(hold_epochs);
            if epoch_idx < warmup_epochs {
                (peak - start_lr) / f64::from(warmup_epochs) * f64::from(epoch_idx) + start_lr
            } else if u64::from(epoch_idx) < held_until {
                peak
            } else {
                let since = (u64::from(epoch_idx) - held_until) as f64;
                (peak - min_lr) * decay.powf(since) + min_lr
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_rates(schedule: &Schedule, peak: f64, expected: &[f64]) {
        for (epoch_idx, &expected) in expected.iter().enumerate() {
            let found = rate(schedule, peak, epoch_idx as u32);
            assert!((found - expected).abs() < 1e-15, "epoch {epoch_idx}: {found}, expected {expected}");
        }
    }

    #[test]
    fn static_stays() {
        assert_rates(&Schedule::Static, 1e-3, &[1e-3; 4]);
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
        assert_rates(&schedule, 1e-4, &[1e-6, 3.4e-5, 6.7e-5, 1e-4, 8.02e-5, 6.436e-5, 5.1688e-5]);
    }

    #[test]
    fn exponential_holds_and_may_start_at_once() {
        let schedule = Schedule::Exponential {
            start_lr: 0.0,
            min_lr: 0.2,
            warmup_epochs: 2,
            hold_epochs: 2,
            decay: 0.5,
        };
        assert_rates(&schedule, 1.0, &[0.0, 0.5, 1.0, 1.0, 1.0, 0.6, 0.4, 0.3]);
        let schedule = Schedule::Exponential {
            start_lr: 0.0,
            min_lr: 0.0,
            warmup_epochs: 0,
            hold_epochs: 0,
            decay: 0.1,
        };
        assert_rates(&schedule, 1.0, &[1.0, 0.1, 0.01]);
    }
}
