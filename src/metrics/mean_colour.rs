//! The mean-colour reference: what a model reaches that sees no shapes, only the mean red, green and blue of a picture.
//!
//! Each label gets a logistic regression of its own ([`super::logistic`]) on the three means, standardised over the training
//! rows. Rows count as often as they are trained on, so that the model answers the same data as any run.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::constant::TrainedLabels;
use super::logistic;

/// Mean red, green and blue of a picture, each 0 to 1.
pub type Colour = [f64; 3];

/// The fitted model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeanColour {
    /// Weighted mean of the training rows.
    pub mean: Colour,
    /// Weighted standard deviation of the training rows; 1 where they are all alike.
    pub deviation: Colour,
    /// Label by label: the coefficients of red, green and blue, standardised, and the intercept.
    pub coefficients: Vec<[f64; 4]>,
}

impl MeanColour {
    /// Fits one regression per label.
    ///
    /// `targets`: row-major [images, labels]; `weights`: how often each image is trained on. A label that all rows have, or
    /// none, has nothing to learn from: its intercept is that of the label prior ([`TrainedLabels::rates`]).
    pub fn fit(colours: &[Colour], targets: &[bool], weights: &[f64], n_labels: usize) -> Self {
        let (mean, deviation) = standard(colours, weights);
        let unfitted = MeanColour { mean, deviation, coefficients: Vec::new() };
        let rows: Vec<[f64; 4]> = colours.iter().map(|colour| unfitted.row(colour)).collect();
        let mut trained = TrainedLabels::new(n_labels);
        for (row, &weight) in targets.chunks(n_labels.max(1)).zip(weights) {
            trained.add(row, weight);
        }
        let rates = trained.rates();
        let of_label = |label: usize| {
            let truths: Vec<bool> = targets.iter().skip(label).step_by(n_labels).copied().collect();
            let prior = libm::log(rates[label] / (1.0 - rates[label]));
            logistic::fit(&rows, &truths, weights).unwrap_or([0.0, 0.0, 0.0, prior])
        };
        MeanColour { coefficients: (0..n_labels).into_par_iter().map(of_label).collect(), ..unfitted }
    }

    /// The logits of pictures, row-major [images, labels].
    pub fn logits(&self, colours: &[Colour]) -> Vec<f32> {
        let of_picture = |colour: &Colour| {
            let row = self.row(colour);
            self.coefficients.iter().map(move |of_label| logistic::logit(of_label, &row) as f32)
        };
        colours.iter().flat_map(of_picture).collect()
    }

    /// Standardised, with 1 for the intercept.
    fn row(&self, colour: &Colour) -> [f64; 4] {
        let [red, green, blue] = std::array::from_fn(|c| (colour[c] - self.mean[c]) / self.deviation[c]);
        [red, green, blue, 1.0]
    }
}

/// Weighted mean and standard deviation of each channel, as scikit-learn's `StandardScaler` with `sample_weight`: the
/// deviation is that of the population, and 1 where rounding alone spreads the values.
fn standard(colours: &[Colour], weights: &[f64]) -> (Colour, Colour) {
    let total: f64 = weights.iter().sum();
    let mean_of = |value: &dyn Fn(&Colour) -> f64| {
        let sum: f64 = colours.iter().zip(weights).map(|(colour, weight)| weight * value(colour)).sum();
        if total > 0.0 { sum / total } else { 0.0 }
    };
    let mean: Colour = std::array::from_fn(|c| mean_of(&|colour| colour[c]));
    let deviation = std::array::from_fn(|c| {
        let spread = mean_of(&|colour| (colour[c] - mean[c]).powi(2)).sqrt();
        if spread > 1e-9 { spread } else { 1.0 }
    });
    (mean, deviation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Case {
        name: String,
        n_labels: usize,
        /// Row-major [images, 3].
        colours: Vec<f64>,
        /// Row-major [images, labels].
        targets: Vec<u8>,
        weights: Vec<f64>,
        mean: Vec<f64>,
        deviation: Vec<f64>,
        /// By label; none where scikit-learn refuses a single class.
        coefficients: Vec<Option<Vec<f64>>>,
        /// Of other pictures, row-major [pictures, 3], and their logits, row-major [pictures, labels with coefficients].
        others: Vec<f64>,
        logits: Vec<f64>,
    }

    fn colours(values: &[f64]) -> Vec<Colour> {
        values.chunks_exact(3).map(|c| [c[0], c[1], c[2]]).collect()
    }

    /// `tests/golden/metrics/make_mean_colour.py`: scikit-learn's `StandardScaler` and `LogisticRegression`.
    #[test]
    fn coefficients_and_logits_equal_scikit_learns() {
        let cases: Vec<Case> =
            serde_json::from_str(include_str!("../../tests/golden/metrics/mean_colour.json")).unwrap();
        assert!(cases.len() >= 40);
        for case in &cases {
            let targets: Vec<bool> = case.targets.iter().map(|&target| target == 1).collect();
            let model = MeanColour::fit(&colours(&case.colours), &targets, &case.weights, case.n_labels);
            let near = |what: &str, found: f64, expected: f64| {
                let gap = (found - expected).abs();
                assert!(gap <= 1e-8 * expected.abs().max(1.0), "{}: {what} {found} {expected}", case.name);
            };
            for c in 0..3 {
                near("mean", model.mean[c], case.mean[c]);
                near("deviation", model.deviation[c], case.deviation[c]);
            }
            for (found, expected) in model.coefficients.iter().zip(&case.coefficients) {
                match expected {
                    Some(expected) => {
                        found.iter().zip(expected).for_each(|(a, b)| near("coefficient", *a, *b))
                    }
                    None => assert_eq!(found[..3], [0.0; 3], "{}: nothing to learn from", case.name),
                }
            }
            let logits = model.logits(&colours(&case.others));
            let fitted = |at: &(usize, &f32)| case.coefficients[at.0 % case.n_labels].is_some();
            let logits: Vec<f32> =
                logits.iter().enumerate().filter(fitted).map(|(_, logit)| *logit).collect();
            assert_eq!(logits.len(), case.logits.len());
            // Rounded to `f32`, as logits of any model are.
            for (found, expected) in logits.iter().zip(&case.logits) {
                let gap = (f64::from(*found) - expected).abs();
                assert!(gap <= 1e-6 * expected.abs().max(1.0), "{}: {found} {expected}", case.name);
            }
        }
    }

    #[test]
    fn what_colour_does_not_tell_is_answered_with_the_prior() {
        let grey = [[0.5; 3]; 4];
        let model =
            MeanColour::fit(&grey, &[true, false, true, false, true, false, false, false], &[1.0; 4], 2);
        assert_eq!(model.deviation, [1.0; 3]);
        let logits = model.logits(&grey[..1]);
        // 3 of 4 rows have the first; none has the second, which is taken as half a row.
        assert!(
            (f64::from(logits[0]) - 3f64.ln()).abs() < 1e-6
                && (f64::from(logits[1]) + 7f64.ln()).abs() < 1e-6
        );
    }

    #[test]
    fn no_rows_are_no_fault() {
        let model = MeanColour::fit(&[], &[], &[], 1);
        assert_eq!(model.logits(&[[0.1, 0.2, 0.3]]), [0.0]);
    }
}
