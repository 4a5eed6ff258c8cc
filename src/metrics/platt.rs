//! Platt's calibration: a line through the logits of one label, with the least log loss against smoothed targets.

use super::calibration::Line;
use super::scored::logistic;

/// Newton's steps; ten or so are enough.
const MAX_STEPS: usize = 100;

/// Fits a line; `None` where scores are all alike, or do not rise with the label.
///
/// `scored`: logits of one label with the truth beside them. Of `n` positives and `m` negatives the targets are
/// `(n + 1) / (n + 2)` and `1 / (m + 2)` instead of 1 and 0 (Platt 1999), which keeps the line finite where scores tell
/// the label without fault. Newton's method with halved steps, as in Lin, Lin and Weng, "A note on Platt's probabilistic outputs for
/// support vector machines", Machine Learning 68, 2007; scikit-learn's `_SigmoidCalibration` ends at the same line, with its signs turned.
pub fn fit(scored: impl Iterator<Item = (f32, bool)> + Clone) -> Option<Line> {
    let (n, positives, sum) = scored.clone().fold((0.0, 0.0, 0.0), |(n, positives, sum), (logit, truth)| {
        (n + 1.0, positives + f64::from(u8::from(truth)), sum + f64::from(logit))
    });
    let mean = sum / n;
    let spread = scored.clone().map(|(logit, _)| (f64::from(logit) - mean).powi(2)).sum::<f64>() / n;
    let deviation = spread.sqrt();
    // Rounding alone can spread equal scores a little.
    if deviation.is_nan() || deviation <= 1e-12 * mean.abs() {
        return None;
    }
    let smoothed = [1.0 / (n - positives + 2.0), (positives + 1.0) / (positives + 2.0)];
    let points: Vec<(f64, f64)> = scored
        .map(|(logit, truth)| ((f64::from(logit) - mean) / deviation, smoothed[usize::from(truth)]))
        .collect();
    let prior = libm::log((positives + 1.0) / (n - positives + 1.0));
    let [slope, shift] = descend(&points, [0.0, prior]);
    let line = Line { slope: slope / deviation, shift: shift - slope * mean / deviation };
    (line.slope > 0.0).then_some(line)
}

/// From `start` to the slope and shift with the least loss. `points`: standardised scores with their targets.
fn descend(points: &[(f64, f64)], start: [f64; 2]) -> [f64; 2] {
    let mut at = start;
    let mut loss = loss_of(points, at);
    for _ in 0..MAX_STEPS {
        let [step_slope, step_shift] = newton_step(points, at);
        let mut length = 1.0;
        loop {
            let next = [at[0] + length * step_slope, at[1] + length * step_shift];
            let next_loss = loss_of(points, next);
            // Near the end losses are equal to the last digit, and a whole step is right.
            if next_loss <= loss + 1e-12 * loss.abs() || length < 1e-10 {
                (at, loss) = (next, next_loss);
                break;
            }
            length /= 2.0;
        }
        let moved = step_slope.abs().max(step_shift.abs()) * length;
        if moved <= 1e-14 * (1.0 + at[0].abs() + at[1].abs()) {
            break;
        }
    }
    at
}

fn loss_of(points: &[(f64, f64)], [slope, shift]: [f64; 2]) -> f64 {
    let of = |&(x, target): &(f64, f64)| {
        let z = slope * x + shift;
        z.max(0.0) - target * z + libm::log1p(libm::exp(-z.abs()))
    };
    points.iter().map(of).sum()
}

/// What to add to slope and shift: minus the inverse of the second derivatives times the first.
fn newton_step(points: &[(f64, f64)], [slope, shift]: [f64; 2]) -> [f64; 2] {
    // A trace of a ridge, as in Lin et al.: where all probabilities are at an end there is no curvature left.
    let (mut xx, mut x1, mut ones) = (1e-12, 0.0, 1e-12);
    let (mut by_slope, mut by_shift) = (0.0, 0.0);
    for &(x, target) in points {
        let p = logistic(slope * x + shift);
        let curvature = p * (1.0 - p);
        xx += curvature * x * x;
        x1 += curvature * x;
        ones += curvature;
        by_slope += (p - target) * x;
        by_shift += p - target;
    }
    let determinant = xx * ones - x1 * x1;
    [(x1 * by_shift - ones * by_slope) / determinant, (x1 * by_slope - xx * by_shift) / determinant]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: two groups of scores; the line meets the mean smoothed target of each.
    #[test]
    fn two_groups_are_met() {
        let scored = [(1.0, true), (1.0, true), (1.0, false), (-1.0, false), (-1.0, false), (-1.0, true)];
        let (high, low) = (4.0 / 5.0, 1.0 / 5.0);
        let (above, below) = ((2.0 * high + low) / 3.0, (2.0 * low + high) / 3.0);
        let logit = |p: f64| (p / (1.0 - p)).ln();
        let line = fit(scored.into_iter()).unwrap();
        assert!((line.slope + line.shift - logit(above)).abs() < 1e-12, "{line:?}");
        assert!((line.shift - line.slope - logit(below)).abs() < 1e-12, "{line:?}");
    }

    #[test]
    fn scores_without_fault_have_a_finite_line() {
        let line = fit([(50.0, true), (60.0, true), (-50.0, false)].into_iter()).unwrap();
        assert!(line.slope > 0.0 && line.slope < 1.0 && line.shift.is_finite(), "{line:?}");
    }

    #[test]
    fn what_says_nothing_has_no_line() {
        assert_eq!(fit([(0.1, true), (0.1, false), (0.1, false)].into_iter()), None);
        assert_eq!(fit([(-1.0, true), (1.0, false)].into_iter()), None);
        assert_eq!(fit(std::iter::empty()), None);
    }
}
