//! One cycle up and down (Smith and Topin, "Super-convergence", 2018), as PyTorch's `OneCycleLR` along cosines. Momentum is
//! not cycled.

use std::f64::consts::PI;

/// The cycle over a whole training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OneCycle {
    /// The highest rate.
    pub peak: f64,
    /// Share of the steps that rise.
    pub rise: f64,
    /// The peak divided by the first rate.
    pub start_divisor: f64,
    /// The first rate divided by the last one.
    pub end_divisor: f64,
    /// Steps of the whole training.
    pub steps: u64,
}

impl OneCycle {
    /// The rate of a step, counted from 0 in the training.
    pub fn rate(&self, step: u64) -> f64 {
        let first = self.peak / self.start_divisor;
        let last = first / self.end_divisor;
        let step = step as f64;
        // Where the peak and the end are, as PyTorch counts: with a share, not always at a whole step.
        let peak_at = self.rise * self.steps as f64 - 1.0;
        let end_at = self.steps as f64 - 1.0;
        if step <= peak_at {
            between(first, self.peak, step / peak_at)
        } else {
            between(self.peak, last, (step - peak_at) / (end_at - peak_at))
        }
    }
}

/// Half a cosine from `start` to `end`; `share` of the way, at the end where there is no way.
fn between(start: f64, end: f64, share: f64) -> f64 {
    let share = if share.is_nan() { 1.0 } else { share.min(1.0) };
    end + (start - end) / 2.0 * (1.0 + (PI * share).cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_trainings_have_rates() {
        for rise in [0.0, 0.3, 0.5, 1.0] {
            for steps in 1..4 {
                let cycle = OneCycle { peak: 1.0, rise, start_divisor: 25.0, end_divisor: 1e4, steps };
                for step in 0..steps {
                    let rate = cycle.rate(step);
                    assert!(rate > 0.0 && rate <= 1.0, "{rise}, {step} of {steps}: {rate}");
                }
            }
        }
    }
}
