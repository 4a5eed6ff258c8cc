//! Looking repeatedly: what a p-value is worth where more seeds are added until it is small enough.
//!
//! A study that looks after 3, 5, 8 and 10 seeds and stops at the first p-value below 0.05 finds something in about an eighth of the
//! cases where there is nothing. Pocock's answer ("Group sequential methods in the design and analysis of clinical trials",
//! Biometrika 64, 1977) is one stricter level for all looks, such that the chance of falling below it at any of them is 0.05. With
//! intervals of the same level these are the repeated confidence intervals of Jennison and Turnbull (1989): right whenever one stops.
//!
//! The level is that of sums of normal values, by the recursion of Armitage, McPherson and Rowe ("Repeated significance tests on
//! accumulating data", Journal of the Royal Statistical Society A 132, 1969). It is then applied to p-values of Student's t, as Pocock
//! did. The part of the noise that is the same at each look (test images) makes looks agree more than that, so the level errs on
//! the safe side.

use super::verdict::LEVEL;

/// Nodes of the integral over what was not stopped before; an odd number, for Simpson's rule.
const NODES: usize = 129;
/// Levels of which the chance at any look is computed; between them it is interpolated, both as logarithms.
const TABLE: usize = 64;
/// The smallest of them.
const LEAST: f64 = 1e-12;

/// When a study is looked at, in seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct Looks {
    n: usize,
    level: f64,
    /// Logarithms of a level and of the chance at any look, ascending; empty for one look.
    table: Vec<(f64, f64)>,
}

impl Looks {
    /// Once, when all is done.
    pub fn once() -> Self {
        Looks { n: 1, level: LEVEL, table: Vec::new() }
    }

    /// After each of these numbers of seeds, ascending.
    pub fn at(seeds: &[u32]) -> Self {
        if seeds.len() < 2 {
            return Looks::once();
        }
        let at_any = |level: f64| (1.0 - stays_inside(seeds, bound(level))).max(level);
        // The chance at any look rises with the level at each: halving the interval finds it.
        let (mut low, mut high) = (LEVEL / seeds.len() as f64, LEVEL);
        for _ in 0..40 {
            let middle = low.midpoint(high);
            if at_any(middle) > LEVEL { high = middle } else { low = middle }
        }
        let levels = (0..TABLE).map(|at| LEAST.powf(1.0 - at as f64 / (TABLE - 1) as f64));
        let mut table: Vec<(f64, f64)> = levels.map(|level| (level.ln(), at_any(level).ln())).collect();
        // What is decided by the level is decided alike by the chance.
        table.push((low.ln(), LEVEL.ln()));
        table.sort_by(|a, b| a.0.total_cmp(&b.0));
        Looks { n: seeds.len(), level: low, table }
    }

    /// Number of looks.
    pub fn n(&self) -> usize {
        self.n
    }

    /// The level of a test or interval at each look, so that the chance of an error at any of them is 0.05.
    pub fn level(&self) -> f64 {
        self.level
    }

    /// The chance that a p-value as small as `p` is seen at any look, where there is nothing.
    pub fn overall(&self, p: f64) -> f64 {
        let (Some(&first), true) = (self.table.first(), p < 1.0) else { return p.min(1.0) };
        if p <= 0.0 {
            return 0.0;
        }
        let at = p.ln();
        let above = self.table.partition_point(|(level, _)| *level < at).clamp(1, self.table.len() - 1);
        let ((left, low), (right, high)) = (self.table[above - 1], self.table[above]);
        let found = match at < first.0 {
            // So far out, looks find things apart from each other: chances are in proportion.
            true => at + first.1 - first.0,
            false => low + (high - low) * (at - left) / (right - left),
        };
        found.exp().clamp(p, 1.0)
    }
}

/// The normal value that is exceeded on either side with probability `p`.
fn bound(p: f64) -> f64 {
    let (mut low, mut high) = (0.0f64, 40.0f64);
    for _ in 0..80 {
        let middle = low.midpoint(high);
        if libm::erfc(middle / std::f64::consts::SQRT_2) > p { low = middle } else { high = middle }
    }
    low
}

/// The chance that sums of 1, 2, … standard normal values stay within `bound` standard errors at each look.
fn stays_inside(seeds: &[u32], bound: f64) -> f64 {
    let grid = |n: u32| -> Vec<f64> {
        let half = bound * f64::from(n).sqrt();
        (0..NODES).map(|at| half * (2.0 * at as f64 / (NODES - 1) as f64 - 1.0)).collect()
    };
    let mut nodes = grid(seeds[0]);
    let mut density: Vec<f64> = nodes.iter().map(|&x| normal_density(x, f64::from(seeds[0]))).collect();
    for pair in seeds.windows(2) {
        let (step, next) = (f64::from(pair[1] - pair[0]), grid(pair[1]));
        let weighted: Vec<f64> = simpson(&nodes).zip(&density).map(|(weight, d)| weight * d).collect();
        density = next
            .iter()
            .map(|&x| nodes.iter().zip(&weighted).map(|(&y, w)| w * normal_density(x - y, step)).sum())
            .collect();
        nodes = next;
    }
    simpson(&nodes).zip(&density).map(|(weight, d)| weight * d).sum()
}

fn normal_density(x: f64, variance: f64) -> f64 {
    libm::exp(-x * x / (2.0 * variance)) / (2.0 * std::f64::consts::PI * variance).sqrt()
}

/// Weights of Simpson's rule.
fn simpson(nodes: &[f64]) -> impl Iterator<Item = f64> + '_ {
    let third = (nodes[1] - nodes[0]) / 3.0;
    let last = nodes.len() - 1;
    (0..nodes.len()).map(move |at| match at {
        0 => third,
        _ if at == last => third,
        _ if at % 2 == 1 => 4.0 * third,
        _ => 2.0 * third,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The nominal levels of Pocock's table 1 (1977), two-sided, 0.05 over all equally spaced looks.
    #[test]
    fn the_levels_of_pocock() {
        for (n, expected) in [(2, 0.0294), (3, 0.0221), (4, 0.0182), (5, 0.0158), (10, 0.0106)] {
            let looks = Looks::at(&(1..=n).collect::<Vec<_>>());
            assert!((looks.level() - expected).abs() < 6e-5, "{n}: {} {expected}", looks.level());
            assert!((looks.overall(looks.level()) - LEVEL).abs() < 1e-12);
        }
    }

    /// Five looks at 0.05 find something in 0.142 of cases (Armitage, McPherson and Rowe 1969, table 2).
    #[test]
    fn what_repeated_looks_do_to_a_level() {
        for (n, expected) in [(2, 0.083), (3, 0.107), (4, 0.126), (5, 0.142), (10, 0.193)] {
            let found = Looks::at(&(1..=n).collect::<Vec<_>>()).overall(0.05);
            assert!((found - expected).abs() < 1e-3, "{n}: {found} {expected}");
        }
    }

    #[test]
    fn one_look_changes_nothing_and_extremes_stay() {
        for looks in [Looks::once(), Looks::at(&[7])] {
            assert_eq!((looks.level(), looks.overall(0.03), looks.n()), (0.05, 0.03, 1));
        }
        let looks = Looks::at(&[3, 5, 8, 10]);
        assert_eq!((looks.overall(0.0), looks.overall(1.0)), (0.0, 1.0));
        assert!(looks.overall(1e-12) < 1e-10 && looks.overall(0.9) >= 0.9);
        assert!(looks.level() > 0.0182 && looks.level() < 0.05, "uneven looks agree more: {}", looks.level());
    }
}
