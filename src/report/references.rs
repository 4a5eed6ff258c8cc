//! What stands beside the models: predictors that look at no picture, or at its mean colour alone.

use std::collections::HashSet;

use serde::Serialize;

use super::scores::aggregate;
use super::study::{Metric, Score, Study};
use crate::tables::rows::Reference;

/// The references of the variants that share their data and their thresholds' rule.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct References {
    /// The variants, by name.
    pub variants: Vec<String>,
    /// One for each reference, the simplest first.
    pub of: Vec<ReferenceScores>,
}

/// What one reference reaches.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReferenceScores {
    /// Which one.
    pub reference: Reference,
    /// What it does, in words: `says “plastic” of every image`.
    pub does: String,
    /// On the test part, aggregate and per label; with folds the mean over those that define it.
    pub scores: Vec<Score>,
}

/// A reference by name, with its value of a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    /// The name for people.
    pub name: &'static str,
    /// The value.
    pub value: f64,
}

/// The name for people.
pub fn name(reference: Reference) -> &'static str {
    match reference {
        Reference::ConstantAnswer => "constant answer",
        Reference::LabelPrior => "label prior",
        Reference::MeanColour => "mean colour",
    }
}

impl References {
    /// The better of those that say the same of every image; `None` where none has the metric.
    pub fn best_constant(&self, metric: &Metric) -> Option<Mark> {
        let gain = |mark: &Mark| if metric.higher_is_better { mark.value } else { -mark.value };
        // Of equals the last: the label prior has probabilities, and so more metrics.
        self.marks(metric)
            .filter(|(reference, _)| reference.is_constant())
            .map(|(_, mark)| mark)
            .max_by(|a, b| gain(a).total_cmp(&gain(b)))
    }

    /// The regression on the mean colour; `None` where it has not the metric.
    pub fn mean_colour(&self, metric: &Metric) -> Option<Mark> {
        self.marks(metric).find(|(reference, _)| *reference == Reference::MeanColour).map(|(_, mark)| mark)
    }

    fn marks(&self, metric: &Metric) -> impl Iterator<Item = (Reference, Mark)> {
        let mark = |of: &ReferenceScores| {
            let value = aggregate(&of.scores, &metric.metric);
            (of.reference, Mark { name: name(of.reference), value })
        };
        self.of.iter().map(mark).filter(|(_, mark)| mark.value.is_finite())
    }
}

/// The references that a variant stands beside.
pub fn beside<'a>(study: &'a Study, variant: &str) -> Option<&'a References> {
    study.references.iter().find(|references| references.variants.iter().any(|name| name == variant))
}

/// The values of the label metric in the order of the study's labels, of the references that the first variant stands
/// beside; NaN where one is not there.
pub fn by_label(study: &Study, reference: Reference) -> Vec<f64> {
    let of = study.references.first().and_then(|all| all.of.iter().find(|of| of.reference == reference));
    let value = |label: &String| {
        let found = of?
            .scores
            .iter()
            .find(|score| score.label.as_ref() == Some(label) && score.metric == study.label_metric.metric);
        found.map(|score| score.value)
    };
    study.labels.iter().map(|label| value(label).unwrap_or(f64::NAN)).collect()
}

/// Variants that a reference does as well as or better than, each once, in the order of the study. `means`: the variants'
/// values of the metric; `mark` picks the reference.
pub fn not_better<'a>(
    study: &'a Study,
    metric: &Metric,
    means: &[f64],
    mark: impl Fn(&References) -> Option<Mark>,
) -> Vec<(&'a str, f64, Mark)> {
    let mut seen = HashSet::new();
    let judge = |(variant, &mean): (&'a super::study::Variant, &f64)| {
        let mark = mark(beside(study, &variant.name)?)?;
        let is_better = if metric.higher_is_better { mean > mark.value } else { mean < mark.value };
        (mean.is_finite() && !is_better && seen.insert(&variant.name)).then_some((
            variant.name.as_str(),
            mean,
            mark,
        ))
    };
    study.variants.iter().zip(means).filter_map(judge).collect()
}

#[cfg(test)]
mod tests {
    use super::super::sample::{SMALL, study};
    use super::*;

    #[test]
    fn the_better_constant_is_the_one_to_beat() {
        let study = study(SMALL);
        let references = beside(&study, &study.variants[1].name).unwrap();
        let f1 = &study.other_metrics[0];
        assert_eq!(references.best_constant(f1).map(|mark| mark.name), Some("label prior"));
        let mut lower = f1.clone();
        lower.higher_is_better = false;
        assert_eq!(references.best_constant(&lower).map(|mark| mark.name), Some("constant answer"));
        // The constant answer has no probabilities, and so no log loss.
        let log_loss = &study.other_metrics[1];
        assert_eq!(references.best_constant(log_loss).map(|mark| mark.name), Some("label prior"));
        assert!(beside(&study, "no such variant").is_none());
    }

    #[test]
    fn a_variant_is_measured_beside_its_own_references() {
        let mut study = study(SMALL);
        let metric = study.headline.clone();
        let mut harder = study.references[0].clone();
        let last = study.references[0].variants.pop().unwrap();
        harder.variants = vec![last.clone()];
        harder.of.iter_mut().flat_map(|of| &mut of.scores).for_each(|score| score.value = 0.99);
        study.references.push(harder);
        let means = vec![0.9; study.variants.len()];
        let found = not_better(&study, &metric, &means, |references| references.best_constant(&metric));
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].0, found[0].2.value), (last.as_str(), 0.99));
        let nothing = vec![f64::NAN; study.variants.len()];
        assert!(
            not_better(&study, &metric, &nothing, |references| references.mean_colour(&metric)).is_empty()
        );
    }
}
