//! Temperature scaling: one number that all logits are divided by, with the least log loss on validation.

use super::scored::logistic;

/// The lowest temperature; the highest is its inverse. Where the truth and the order of scores agree wholly, or not at all, no
/// other end is in sight.
pub const LOWEST: f64 = 0.01;

/// Newton's steps, each kept between bounds that close in; ten or so are enough.
const MAX_STEPS: usize = 200;

/// The temperature with the least mean log loss, between [`LOWEST`] and `1 / LOWEST`; 1 without scores.
///
/// `scored`: logits of all pairs of image and label, with the truth beside them.
///
/// In the inverse temperature `s` the loss is convex, with the slope `sum((p(s x) - y) x)`, whose zero is looked for.
pub fn fit(scored: impl Iterator<Item = (f32, bool)> + Clone) -> f64 {
    let slopes = |s: f64| {
        scored.clone().fold((0.0, 0.0), |(slope, curvature), (logit, truth)| {
            let x = f64::from(logit);
            let p = logistic(s * x);
            (slope + (p - f64::from(u8::from(truth))) * x, curvature + p * (1.0 - p) * x * x)
        })
    };
    let (mut low, mut high) = (LOWEST, 1.0 / LOWEST);
    if scored.clone().all(|(logit, _)| logit == 0.0) {
        return 1.0;
    }
    if slopes(low).0 >= 0.0 {
        return 1.0 / low;
    }
    if slopes(high).0 <= 0.0 {
        return 1.0 / high;
    }
    let mut s = 1.0;
    for _ in 0..MAX_STEPS {
        let (slope, curvature) = slopes(s);
        if slope < 0.0 {
            low = s;
        } else {
            high = s;
        }
        let newton = s - slope / curvature;
        let next = if low < newton && newton < high { newton } else { (low + high) / 2.0 };
        let step = (next - s).abs();
        s = next;
        if step <= 4.0 * f64::EPSILON * s {
            break;
        }
    }
    1.0 / s
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: at logit 2 three of four are true, so the loss is least where p is 3/4, at the logit ln 3.
    #[test]
    fn the_share_of_one_group_is_met() {
        let scored = [(2.0, true), (2.0, true), (2.0, true), (2.0, false)];
        assert!((fit(scored.into_iter()) - 2.0 / 3f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn where_there_is_no_least_loss_the_bounds_are() {
        assert_eq!(fit([(1.0, true), (-1.0, false)].into_iter()), LOWEST);
        assert_eq!(fit([(1.0, false), (-1.0, true)].into_iter()), 1.0 / LOWEST);
        assert_eq!(fit([(0.0, false), (0.0, true)].into_iter()), 1.0);
        assert_eq!(fit(std::iter::empty()), 1.0);
    }
}
