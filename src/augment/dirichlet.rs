//! Shares of a whole at random: symmetric Dirichlet draws, from gamma draws.

use crate::seed::Draws;

/// `count` shares that add up to 1, each with the same weight `alpha`: the smaller, the more unequal.
pub(super) fn dirichlet(alpha: f64, count: usize, draws: &mut Draws) -> Vec<f64> {
    let logs: Vec<f64> = (0..count).map(|_| log_gamma(alpha, draws)).collect();
    // Relative to the largest, which therefore does not vanish even where all are tiny.
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let parts: Vec<f64> = logs.iter().map(|log| libm::exp(log - largest)).collect();
    let sum: f64 = parts.iter().sum();
    parts.into_iter().map(|part| part / sum).collect()
}

/// The logarithm of a gamma draw of this shape and scale 1 (Marsaglia and Tsang, "A simple method for generating gamma
/// variables", 2000; below 1 by their section 6).
fn log_gamma(shape: f64, draws: &mut Draws) -> f64 {
    if shape < 1.0 {
        let log = log_gamma(shape + 1.0, draws);
        return log + libm::log(1.0 - draws.f64()) / shape;
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / libm::sqrt(9.0 * d);
    loop {
        let x = draws.normal();
        let root = 1.0 + c * x;
        let v = root * root * root;
        let log_u = libm::log(1.0 - draws.f64());
        if root > 0.0 && log_u < 0.5 * x * x + d - d * v + d * libm::log(v) {
            return libm::log(d * v);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Key;

    const N: usize = 20_000;

    /// Kolmogorov and Smirnov's distance between the draws and a distribution, below its 1 % point.
    fn assert_follows(what: &str, mut values: Vec<f64>, below: impl Fn(f64) -> f64) {
        values.sort_by(f64::total_cmp);
        let n = values.len() as f64;
        let off = |(i, &x): (usize, &f64)| {
            let share = below(x);
            (share - i as f64 / n).abs().max((share - (i + 1) as f64 / n).abs())
        };
        let distance = values.iter().enumerate().map(off).fold(0.0, f64::max);
        assert!(distance < 1.63 / n.sqrt(), "{what}: {distance}");
    }

    #[test]
    fn gamma_draws_follow_the_gamma_distribution() {
        let gamma = |shape: f64| {
            let mut draws = Key::root(5).draws();
            (0..N).map(|_| log_gamma(shape, &mut draws).exp()).collect::<Vec<_>>()
        };
        assert_follows("1/2", gamma(0.5), |x| libm::erf(x.sqrt()));
        assert_follows("1", gamma(1.0), |x| 1.0 - (-x).exp());
        assert_follows("2", gamma(2.0), |x| 1.0 - (-x).exp() * (1.0 + x));
        assert_follows("3", gamma(3.0), |x| 1.0 - (-x).exp() * (1.0 + x + x * x / 2.0));
    }

    /// A share of a symmetric Dirichlet draw follows Beta(alpha, (count - 1) x alpha).
    #[test]
    fn shares_follow_the_beta_distribution() {
        let share = |alpha: f64, count: usize, at: usize| {
            let mut draws = Key::root(6).draws();
            (0..N).map(|_| dirichlet(alpha, count, &mut draws)[at]).collect::<Vec<_>>()
        };
        assert_follows("Beta(1, 1)", share(1.0, 2, 0), |x| x);
        assert_follows("Beta(2, 2)", share(2.0, 2, 1), |x| x * x * (3.0 - 2.0 * x));
        assert_follows("Beta(1/2, 1/2)", share(0.5, 2, 0), |x| x.sqrt().asin() * std::f64::consts::FRAC_2_PI);
        for at in 0..3 {
            assert_follows("Beta(1, 2)", share(1.0, 3, at), |x| 1.0 - (1.0 - x) * (1.0 - x));
            assert_follows("Beta(1/2, 1)", share(0.5, 3, at), f64::sqrt);
        }
    }

    #[test]
    fn shares_add_up_at_the_ends_of_alpha() {
        let mut draws = Key::root(7).draws();
        for alpha in [0.01, 100.0] {
            for _ in 0..1000 {
                let shares = dirichlet(alpha, 10, &mut draws);
                assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)));
                assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            }
        }
        assert_eq!(dirichlet(1.0, 1, &mut draws), [1.0]);
    }
}
