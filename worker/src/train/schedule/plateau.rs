//! A rate that falls when a metric no longer improves, as PyTorch's `ReduceLROnPlateau` without cool-down.

/// The least fall that is made: PyTorch's `eps`.
const LEAST_FALL: f64 = 1e-8;

/// The schedule's own numbers.
#[derive(Clone, Copy, Debug)]
pub struct Numbers {
    /// Factor of each fall.
    pub factor: f64,
    /// Epochs without improvement that are borne.
    pub patience: u32,
    /// Share of the best value by which another must be better to count.
    pub threshold: f64,
    /// Rate below which it does not fall.
    pub min_lr: f64,
}

/// The rate after the epochs whose metric is `watched`, which starts at `peak`. NaN is no improvement.
pub fn rate(peak: f64, higher_is_better: bool, numbers: Numbers, watched: impl Iterator<Item = f64>) -> f64 {
    let Numbers { factor, patience, threshold, min_lr } = numbers;
    let mut rate = peak;
    let mut best = if higher_is_better { f64::NEG_INFINITY } else { f64::INFINITY };
    let mut n_bad = 0;
    for value in watched {
        let improves = if higher_is_better {
            value > best * (1.0 + threshold)
        } else {
            value < best * (1.0 - threshold)
        };
        if improves {
            best = value;
            n_bad = 0;
        } else {
            n_bad += 1;
        }
        if n_bad > patience {
            n_bad = 0;
            let fallen = (rate * factor).max(min_lr);
            if rate - fallen > LEAST_FALL {
                rate = fallen;
            }
        }
    }
    rate
}
