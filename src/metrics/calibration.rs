//! How logits become probabilities: by the logistic function alone, or by a map that is fitted on validation.
//!
//! A map rises with the logit, so it moves no image past another within a label. Metrics of order (AP, AUROC, LRAP, ...)
//! are of the logits as they come; thresholds, log loss, Brier score and reliability are of what the map gives.

use serde::{Deserialize, Serialize};

use super::platt;
use super::scored::{Scored, logistic};
use super::temperature;
use crate::spec::settings::CalibrationMethod;

/// A map of logits to logits, before the logistic function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "method")]
pub enum Calibration {
    /// Logits stay as they are.
    None,
    /// All are divided by one number (Guo et al. 2017, "On calibration of modern neural networks").
    Temperature {
        /// Above 1: the model was too sure.
        temperature: f64,
    },
    /// Each label has a line of its own (Platt 1999, "Probabilistic outputs for support vector machines").
    Platt {
        /// `None`: nothing could be fitted, and the label's logits stay as they are.
        lines: Vec<Option<Line>>,
    },
}

/// A line through logits: `slope x + shift`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Above 0.
    pub slope: f64,
    /// Of a logit of 0.
    pub shift: f64,
}

impl Calibration {
    /// Fits `method` to the validation part.
    ///
    /// A label has no line where validation has fewer than `min_positives` images with it, or without it, or where scores do not
    /// rise with it: its probabilities stay as they are.
    pub fn fit(val: &Scored, method: CalibrationMethod) -> Self {
        match method {
            CalibrationMethod::None => Calibration::None,
            CalibrationMethod::Temperature => {
                Calibration::Temperature { temperature: temperature::fit(val.pairs()) }
            }
            CalibrationMethod::Platt { min_positives } => {
                let line = |label_idx| {
                    let n_positives = val.n_positives(label_idx);
                    let fewest = n_positives.min(val.n_images() - n_positives);
                    (fewest >= min_positives as usize).then(|| platt::fit(val.column(label_idx)))?
                };
                Calibration::Platt { lines: (0..val.n_labels()).map(line).collect() }
            }
        }
    }

    /// The logit that stands for the calibrated probability.
    pub fn logit(&self, label_idx: usize, logit: f32) -> f64 {
        let x = f64::from(logit);
        match self {
            Calibration::None => x,
            Calibration::Temperature { temperature } => x / temperature,
            Calibration::Platt { lines } => match lines[label_idx] {
                Some(Line { slope, shift }) => slope * x + shift,
                None => x,
            },
        }
    }

    /// What is done to the logits of a label, as a line; that of a slope of 1 through 0 leaves them as they are.
    pub fn line(&self, label_idx: usize) -> Line {
        const AS_IT_IS: Line = Line { slope: 1.0, shift: 0.0 };
        match self {
            Calibration::None => AS_IT_IS,
            Calibration::Temperature { temperature } => Line { slope: 1.0 / temperature, shift: 0.0 },
            Calibration::Platt { lines } => lines[label_idx].unwrap_or(AS_IT_IS),
        }
    }

    /// The calibrated probability, 0 to 1.
    pub fn probability(&self, label_idx: usize, logit: f32) -> f64 {
        logistic(self.logit(label_idx, logit))
    }

    /// Calibrated logit and target of each image for one label.
    pub fn column<'s>(
        &'s self,
        part: &Scored<'s>,
        label_idx: usize,
    ) -> impl Iterator<Item = (f64, bool)> + 's {
        part.column(label_idx).map(move |(logit, truth)| (self.logit(label_idx, logit), truth))
    }

    /// Calibrated logit and target of all pairs of image and label, row by row.
    pub fn pairs<'s>(&'s self, part: &Scored<'s>) -> impl Iterator<Item = (f64, bool)> + 's {
        let n_labels = part.n_labels();
        part.pairs().enumerate().map(move |(at, (logit, truth))| (self.logit(at % n_labels, logit), truth))
    }

    /// Labels that could not be calibrated though it was asked for.
    pub fn uncalibrated(&self) -> impl Iterator<Item = usize> + '_ {
        let lines: &[Option<Line>] = match self {
            Calibration::Platt { lines } => lines,
            _ => &[],
        };
        lines.iter().enumerate().filter(|(_, line)| line.is_none()).map(|(label_idx, _)| label_idx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_say_too_little_stay_as_they_are() {
        // Label 0 can be fitted; 1 has one positive; 2 is scored the wrong way round; 3 is scored alike everywhere.
        let logits = [
            [2.0, 1.0, -2.0, 0.5],
            [1.0, 0.0, -1.0, 0.5],
            [0.5, -1.0, 0.5, 0.5],
            [-1.0, -2.0, 1.0, 0.5],
            [-2.0, 0.0, 2.0, 0.5],
        ];
        let targets = [
            [true, true, true, true],
            [false, false, true, true],
            [true, false, true, false],
            [false, false, false, false],
            [false, false, false, false],
        ];
        let (logits, targets) = (logits.concat(), targets.concat());
        let val = Scored::new(4, &logits, &targets).unwrap();
        let fitted = Calibration::fit(&val, CalibrationMethod::Platt { min_positives: 2 });
        assert_eq!(fitted.uncalibrated().collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(fitted.logit(2, 0.25), 0.25);
        assert_ne!(fitted.logit(0, 0.25), 0.25);
        let text = serde_json::to_string(&fitted).unwrap();
        assert_eq!(serde_json::from_str::<Calibration>(&text).unwrap(), fitted);
    }

    #[test]
    fn pairs_and_columns_are_of_their_labels() {
        let scored = Scored::new(2, &[1.0, 2.0, 3.0, 4.0], &[true, false, false, true]).unwrap();
        let line = |slope, shift| Some(Line { slope, shift });
        let calibration = Calibration::Platt { lines: vec![line(2.0, 0.0), line(1.0, -1.0)] };
        let pairs: Vec<_> = calibration.pairs(&scored).collect();
        assert_eq!(pairs, [(2.0, true), (1.0, false), (6.0, false), (3.0, true)]);
        assert_eq!(calibration.column(&scored, 1).collect::<Vec<_>>(), [(1.0, false), (3.0, true)]);
        assert_eq!(Calibration::Temperature { temperature: 2.0 }.logit(1, 3.0), 1.5);
    }

    #[test]
    fn lines_do_what_a_calibration_does() {
        let lines = vec![Some(Line { slope: 2.0, shift: -0.5 }), None];
        let all =
            [Calibration::None, Calibration::Temperature { temperature: 4.0 }, Calibration::Platt { lines }];
        for calibration in all {
            for label_idx in 0..2 {
                let Line { slope, shift } = calibration.line(label_idx);
                assert_eq!(slope * 1.5 + shift, calibration.logit(label_idx, 1.5), "{calibration:?}");
            }
        }
    }
}
