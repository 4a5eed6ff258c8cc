//! Logistic regression of one label on a few features, with weights and an L2 penalty.

use super::scored::logistic;

/// Newton's steps; ten or so are enough.
const MAX_STEPS: usize = 200;

/// The coefficients with the least `½ |w|² + sum of weight × log loss`, where `w` are all coefficients but the last, which
/// is not penalised: scikit-learn's `LogisticRegression` with its defaults (`C = 1`, L2) and `sample_weight`.
///
/// `rows`: features, the last of them 1, which makes its coefficient the intercept. `None` where the rows that count are
/// all of one kind, so that no intercept is large enough.
///
/// Newton's method (iteratively reweighted least squares; McCullagh and Nelder, *Generalized Linear Models*, 1989, 2.5) with
/// halved steps. The penalty keeps the coefficients finite where the features tell the label without fault.
pub fn fit<const P: usize>(rows: &[[f64; P]], truths: &[bool], weights: &[f64]) -> Option<[f64; P]> {
    let problem = Problem { rows, truths, weights };
    let of =
        |truth: bool| problem.points().filter(|&(_, is, _)| is == truth).map(|(.., weight)| weight).sum();
    let (positives, negatives): (f64, f64) = (of(true), of(false));
    if !(positives > 0.0 && negatives > 0.0) {
        return None;
    }
    let mut at = [0.0; P];
    at[P - 1] = libm::log(positives / negatives);
    let mut loss = problem.loss(&at);
    for _ in 0..MAX_STEPS {
        let step = problem.newton_step(&at)?;
        let mut length = 1.0;
        loop {
            let next: [f64; P] = std::array::from_fn(|i| at[i] + length * step[i]);
            let next_loss = problem.loss(&next);
            // Near the end losses are equal to the last digit, and a whole step is right.
            if next_loss <= loss + 1e-13 * loss.abs() || length < 1e-10 {
                (at, loss) = (next, next_loss);
                break;
            }
            length /= 2.0;
        }
        let moved = step.iter().fold(0.0f64, |most, x| most.max(x.abs())) * length;
        let size = at.iter().fold(0.0f64, |most, x| most.max(x.abs()));
        if moved <= 1e-13 * (1.0 + size) {
            break;
        }
    }
    Some(at)
}

/// What the coefficients give for a row.
pub fn logit<const P: usize>(coefficients: &[f64; P], row: &[f64; P]) -> f64 {
    coefficients.iter().zip(row).map(|(a, x)| a * x).sum()
}

struct Problem<'a, const P: usize> {
    rows: &'a [[f64; P]],
    truths: &'a [bool],
    weights: &'a [f64],
}

impl<'a, const P: usize> Problem<'a, P> {
    /// The rows that count.
    fn points(&self) -> impl Iterator<Item = (&'a [f64; P], bool, f64)> {
        let all = self.rows.iter().zip(self.truths).zip(self.weights);
        all.map(|((row, &truth), &weight)| (row, truth, weight)).filter(|(.., weight)| *weight > 0.0)
    }

    fn loss(&self, at: &[f64; P]) -> f64 {
        let penalty: f64 = at[..P - 1].iter().map(|a| a * a / 2.0).sum();
        let of = |(row, truth, weight): (&[f64; P], bool, f64)| {
            let z = logit(at, row);
            weight * (z.max(0.0) - if truth { z } else { 0.0 } + libm::log1p(libm::exp(-z.abs())))
        };
        penalty + self.points().map(of).sum::<f64>()
    }

    /// What to add: minus the inverse of the second derivatives times the first. `None` where they have no inverse, which
    /// numbers beyond all bounds alone bring about.
    fn newton_step(&self, at: &[f64; P]) -> Option<[f64; P]> {
        let mut slope: [f64; P] = *at;
        let mut curvature = [[0.0; P]; P];
        (0..P - 1).for_each(|i| curvature[i][i] = 1.0);
        slope[P - 1] = 0.0;
        // A trace of a ridge: where all probabilities are at an end there is no curvature left.
        curvature[P - 1][P - 1] = 1e-12;
        for (row, truth, weight) in self.points() {
            let p = logistic(logit(at, row));
            let gap = weight * (p - f64::from(u8::from(truth)));
            let bend = weight * p * (1.0 - p);
            for i in 0..P {
                slope[i] += gap * row[i];
                for j in 0..=i {
                    curvature[i][j] += bend * row[i] * row[j];
                }
            }
        }
        solve(curvature, slope.map(|s| -s))
    }
}

/// `x` with `a x = b`, by Cholesky's decomposition; of `a`, which is symmetric, the lower half is read. `None` where `a` is not
/// positive definite.
fn solve<const P: usize>(mut a: [[f64; P]; P], mut b: [f64; P]) -> Option<[f64; P]> {
    for i in 0..P {
        for j in 0..=i {
            let sum = a[i][j] - (0..j).map(|k| a[i][k] * a[j][k]).sum::<f64>();
            a[i][j] = match i == j {
                true if sum > 0.0 => sum.sqrt(),
                true => return None,
                false => sum / a[j][j],
            };
        }
    }
    for i in 0..P {
        b[i] = (b[i] - (0..i).map(|k| a[i][k] * b[k]).sum::<f64>()) / a[i][i];
    }
    for i in (0..P).rev() {
        b[i] = (b[i] - (i + 1..P).map(|k| a[k][i] * b[k]).sum::<f64>()) / a[i][i];
    }
    Some(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: without features the intercept is the logit of the weighted share.
    #[test]
    fn the_intercept_is_not_penalised() {
        let [intercept] = fit(&[[1.0]; 4], &[true, true, false, true], &[2.0, 1.0, 1.0, 0.0]).unwrap();
        assert!((intercept - 3f64.ln()).abs() < 1e-12, "{intercept}");
    }

    /// One image on either side, at 1 and at -1: by symmetry there is no intercept, and `w = 2 logistic(-w)`.
    #[test]
    fn the_penalty_keeps_what_is_told_without_fault_finite() {
        let [w, intercept] = fit(&[[1.0, 1.0], [-1.0, 1.0]], &[true, false], &[1.0, 1.0]).unwrap();
        assert!(intercept.abs() < 1e-12 && (w - 2.0 * logistic(-w)).abs() < 1e-12, "{w} {intercept}");
    }

    #[test]
    fn copies_are_weights() {
        let (a, b, c) = ([0.3, 1.0], [-1.2, 1.0], [0.9, 1.0]);
        let copied = fit(&[a, a, b, b, b, c], &[true, true, false, false, false, false], &[1.0; 6]).unwrap();
        let weighted = fit(&[a, b, c], &[true, false, false], &[2.0, 3.0, 1.0]).unwrap();
        assert!(copied.iter().zip(weighted).all(|(a, b)| (a - b).abs() < 1e-12), "{copied:?} {weighted:?}");
    }

    #[test]
    fn one_kind_of_rows_has_no_fit() {
        assert_eq!(fit(&[[1.0, 1.0], [2.0, 1.0]], &[true, true], &[1.0, 1.0]), None);
        assert_eq!(fit(&[[1.0, 1.0], [2.0, 1.0]], &[true, false], &[1.0, 0.0]), None);
        assert_eq!(fit::<2>(&[], &[], &[]), None);
    }

    #[test]
    fn an_equation_is_solved_or_refused() {
        let x = solve([[4.0, 0.0], [2.0, 3.0]], [8.0, 8.0]).unwrap();
        assert!((x[0] - 1.0).abs() < 1e-15 && (x[1] - 2.0).abs() < 1e-15);
        assert_eq!(solve([[1.0, 0.0], [2.0, 1.0]], [1.0, 1.0]), None);
    }
}
