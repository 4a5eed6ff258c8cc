//! Tails and quantiles of `a T + b Z`: Student's t and a normal value added (Behrens 1929, Fisher 1935).
//!
//! Given the chi-square value below the root of `T`, the sum is normal, so its tail is one integral of `erfc` over
//! that value. In the logarithm of the value the integrand is smooth and dies out at both ends, where the
//! trapezoidal rule is exact to rounding with few nodes.

/// Newton's steps at most; the slowest case, one degree of freedom far out, takes about thirty.
const MAX_STEPS: u32 = 100;

/// `a T + b Z` for any `a` and `b`, with the degrees of freedom of `T` fixed.
#[derive(Clone, Debug)]
pub struct Tail {
    /// Weight of a node, summing to 1, and `degrees / chi-square` there.
    nodes: Vec<(f64, f64)>,
}

impl Tail {
    /// For `degrees` of freedom, 1 or more.
    pub fn new(degrees: u32) -> Self {
        let nu = f64::from(degrees.max(1));
        // In u = ln(chi-square / nu) the density is exp(nu / 2 (u - e^u)), with a standard deviation near sqrt(2 / nu).
        let step = (0.5 * (2.0 / nu).sqrt()).min(0.25);
        let log_density = |u: f64| 0.5 * nu * (u - libm::expm1(u));
        let side = |sign: f64, from: u32| {
            (from..).map(move |k| sign * step * f64::from(k)).take_while(move |&u| log_density(u) > -36.0)
        };
        let mut nodes: Vec<(f64, f64)> =
            side(-1.0, 1).chain(side(1.0, 0)).map(|u| (libm::exp(log_density(u)), libm::exp(-u))).collect();
        let sum: f64 = nodes.iter().map(|(weight, _)| weight).sum();
        nodes.iter_mut().for_each(|(weight, _)| *weight /= sum);
        Tail { nodes }
    }

    /// Probability of a value at least as far from 0 as `x`, on either side. `t_variance` is `a` squared, `z_variance`
    /// is `b` squared; 1 where both are 0.
    pub fn two_sided(&self, x: f64, t_variance: f64, z_variance: f64) -> f64 {
        if t_variance + z_variance <= 0.0 {
            return 1.0;
        }
        let tail = |inverse: f64| libm::erfc(x.abs() / (2.0 * (z_variance + t_variance * inverse)).sqrt());
        self.nodes.iter().map(|&(weight, inverse)| weight * tail(inverse)).sum::<f64>().min(1.0)
    }

    /// The distance from 0 that is exceeded on either side with probability `alpha`, 0 to 1 exclusive.
    pub fn quantile(&self, alpha: f64, t_variance: f64, z_variance: f64) -> f64 {
        if t_variance + z_variance <= 0.0 {
            return 0.0;
        }
        // The tail falls and is convex, so Newton's steps from the left never pass the root.
        let mut x = (t_variance + z_variance).sqrt();
        if self.two_sided(x, t_variance, z_variance) <= alpha {
            x = 0.0;
        }
        for _ in 0..MAX_STEPS {
            let step =
                (self.two_sided(x, t_variance, z_variance) - alpha) / self.density(x, t_variance, z_variance);
            x += step;
            if step <= 1e-12 * x {
                break;
            }
        }
        x
    }

    /// How fast [`Tail::two_sided`] falls at `x`.
    fn density(&self, x: f64, t_variance: f64, z_variance: f64) -> f64 {
        let at = |inverse: f64| {
            let variance = z_variance + t_variance * inverse;
            libm::exp(-x * x / (2.0 * variance)) / variance.sqrt()
        };
        let sum: f64 = self.nodes.iter().map(|&(weight, inverse)| weight * at(inverse)).sum();
        sum * (2.0 / std::f64::consts::PI).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Golden {
        tails: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Case {
        degrees: u32,
        t_variance: f64,
        z_variance: f64,
        x: f64,
        p: f64,
    }

    /// scipy's t where there is no normal part, its normal where there is no t, numerical convolution elsewhere.
    #[test]
    fn tails_equal_scipys() {
        let golden: Golden =
            serde_json::from_str(include_str!("../../tests/golden/effects/effects.json")).unwrap();
        assert!(golden.tails.len() > 100);
        for case in golden.tails {
            let tail = Tail::new(case.degrees);
            let p = tail.two_sided(case.x, case.t_variance, case.z_variance);
            assert!(
                (p - case.p).abs() < 1e-9,
                "t^{} {} + {}: {p}, scipy {}",
                case.degrees,
                case.t_variance,
                case.z_variance,
                case.p
            );
            if case.p > 1e-6 && case.p < 0.999 {
                let x = tail.quantile(p, case.t_variance, case.z_variance);
                assert!((x / case.x - 1.0).abs() < 1e-6, "{x} {}", case.x);
            }
        }
    }

    /// The table in every textbook.
    #[test]
    fn students_quantiles() {
        for (degrees, expected) in
            [(1, 12.706_204_736), (2, 4.302_652_730), (4, 2.776_445_105), (30, 2.042_272_456)]
        {
            assert!((Tail::new(degrees).quantile(0.05, 1.0, 0.0) - expected).abs() < 1e-8);
        }
        assert!((Tail::new(1).quantile(0.05, 0.0, 1.0) - 1.959_963_985).abs() < 1e-8);
    }

    #[test]
    fn without_any_variance_nothing_is_excluded() {
        assert_eq!(Tail::new(3).two_sided(0.1, 0.0, 0.0), 1.0);
        assert_eq!(Tail::new(3).quantile(0.05, 0.0, 0.0), 0.0);
    }
}
