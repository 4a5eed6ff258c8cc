//! What models say of each label beside what is true: precision and recall, reliability, and how often a label is said.

use serde::Serialize;

use super::format::rounded;
use super::scores::positions;
use super::study::Study;

/// Recalls that the curves have a precision at: 1/50, 2/50, ..., 1.
pub const RECALLS: usize = 50;

/// Curves of one variant on the test part.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answers {
    /// Its name.
    pub variant: String,
    /// In the order of the study's labels.
    pub labels: Vec<LabelAnswers>,
}

/// Curves of one label.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LabelAnswers {
    /// Precision at each of the [`RECALLS`], 0 to 1, mean over the runs; empty where no test image has the label.
    pub precision: Vec<f64>,
    /// The bins of the reliability diagram that have images, of all runs together.
    pub reliability: Vec<ReliabilityBin>,
}

/// Images that a probability between two edges was given to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ReliabilityBin {
    /// The mean of their probabilities, 0 to 1.
    pub probability: f64,
    /// The share of them that have the label, 0 to 1.
    pub share: f64,
    /// How many they are, over all runs.
    pub n: u64,
}

/// The curves for the scripts: shares times 100.
#[derive(Debug, Serialize)]
pub struct Curves {
    recalls: usize,
    variants: Vec<VariantCurves>,
    /// Variants whose curves are not on the page.
    left_out: usize,
}

/// Probability, share and count.
type Bin = (Option<f64>, Option<f64>, u64);

#[derive(Debug, Serialize)]
struct VariantCurves {
    /// Its position among the study's variants.
    at: usize,
    precision: Vec<Vec<Option<f64>>>,
    reliability: Vec<Vec<Bin>>,
    /// Of each label, the share of test images that have it.
    prevalence: Vec<Option<f64>>,
}

/// Gathers what the charts read.
pub fn curves(study: &Study) -> Curves {
    let place = positions(study.variants.iter().map(|variant| &variant.name));
    let shown = |value: f64| rounded(100.0 * value, 1);
    let variants: Vec<VariantCurves> = study
        .answers
        .iter()
        .filter_map(|answers| {
            Some(VariantCurves {
                at: *place.get(answers.variant.as_str())?,
                precision: (answers.labels.iter())
                    .map(|label| label.precision.iter().map(|&value| shown(value)).collect())
                    .collect(),
                reliability: (answers.labels.iter())
                    .map(|label| {
                        let bins = label.reliability.iter();
                        bins.map(|bin| (shown(bin.probability), shown(bin.share), bin.n)).collect()
                    })
                    .collect(),
                prevalence: answers.labels.iter().map(|label| shown(label.prevalence())).collect(),
            })
        })
        .collect();
    Curves { recalls: RECALLS, left_out: study.variants.len() - variants.len(), variants }
}

impl LabelAnswers {
    /// The share of images that have the label, 0 to 1; NaN where there are no images.
    fn prevalence(&self) -> f64 {
        let images: u64 = self.reliability.iter().map(|bin| bin.n).sum();
        self.reliability.iter().map(|bin| bin.share * bin.n as f64).sum::<f64>() / images as f64
    }
}
