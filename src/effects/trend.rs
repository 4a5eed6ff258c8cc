//! Weights that find a trend over ordered levels, whatever its shape.
//!
//! A metric that only ever rises may do so in a straight line, in one step at the first level, or in one at the last. The weights of
//! Abelson and Tukey ("Efficient utilization of non-numerical information in quantitative analysis", Annals of Mathematical Statistics
//! 34, 1963) are those whose correlation with the worst such shape is the highest.

/// The weight of each of `n` levels, from the first to the last, scaled so that the sum over a straight line is the difference between
/// its ends: before that, `sqrt((i - 1) (1 - (i - 1) / n)) - sqrt(i (1 - i / n))` for level `i`. `None` for less than three.
pub fn coefficients(n: usize) -> Option<Vec<f64>> {
    if n < 3 {
        return None;
    }
    let root = |i: usize| (i as f64 * (1.0 - i as f64 / n as f64)).sqrt();
    let raw: Vec<f64> = (1..=n).map(|i| root(i - 1) - root(i)).collect();
    let on_line: f64 = raw.iter().enumerate().map(|(i, weight)| weight * i as f64 / (n - 1) as f64).sum();
    Some(raw.into_iter().map(|weight| weight / on_line).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The weights as they are published, before they are scaled.
    #[test]
    fn the_weights_of_abelson_and_tukey() {
        for expected in [
            vec![-0.816, 0.0, 0.816],
            vec![-0.866, -0.134, 0.134, 0.866],
            vec![-0.894, -0.201, 0.0, 0.201, 0.894],
            vec![-0.913, -0.242, -0.070, 0.070, 0.242, 0.913],
        ] {
            let found = coefficients(expected.len()).unwrap();
            let scale = expected[0] / found[0];
            for (a, b) in found.iter().zip(&expected) {
                assert!((a * scale - b).abs() < 6e-4, "{found:?} {expected:?}");
            }
            assert!(found.iter().sum::<f64>().abs() < 1e-12);
        }
        assert_eq!((coefficients(2), coefficients(0)), (None, None));
    }
}
