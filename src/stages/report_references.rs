//! What stands beside the runs in the report: the references of each variant, and the flag that only they can raise.

use indexmap::IndexMap;

use super::error::StageError;
use super::references::ReferencesRecord;
use super::work::{Results, read_json};
use crate::metrics::{Flag, degenerate};
use crate::plan::{Plan, Run, output};
use crate::report::{ReferenceScores, References, Score, reference_name};
use crate::tables;
use crate::tables::rows::{MetricRow, Reference, ReferenceRow};

/// The references of all runs, by the node that made them.
pub(super) struct Beside {
    by_node: IndexMap<usize, (Vec<ReferenceRow>, ReferencesRecord)>,
}

impl Beside {
    /// Those of every run of the plan, that of the first run first.
    ///
    /// # Errors
    /// Where a result is damaged.
    pub(super) fn load(results: &Results) -> Result<Self, StageError> {
        let mut by_node = IndexMap::new();
        for run in &results.plan.runs {
            if !by_node.contains_key(&run.references) {
                let rows = tables::read(&results.output_of(run.references, output::REFERENCES)?)?;
                let record = read_json(&results.output_of(run.references, output::REFERENCES_RECORD)?)?;
                by_node.insert(run.references, (rows, record));
            }
        }
        Ok(Beside { by_node })
    }

    /// The flag of a run that a constant predictor does as well as, on the same test images.
    ///
    /// `metric`: the study's headline, of which higher is better.
    pub(super) fn flag(&self, run: &Run, scores: &[MetricRow], metric: &str) -> Option<Flag> {
        let value = scores.iter().find(|row| row.label.is_none() && row.metric == metric)?.value;
        let (rows, _) = self.by_node.get(&run.references)?;
        let fold = run.fold.unwrap_or(0);
        let constants: Vec<(&str, f64)> = rows
            .iter()
            .filter(|row| row.reference.is_constant() && row.fold == fold)
            .filter(|row| row.label.is_none() && row.metric == metric)
            .map(|row| (reference_name(row.reference), row.value))
            .collect();
        degenerate::no_better_than_constant(metric, value, &constants)
    }

    /// As the page shows them.
    pub(super) fn shown(&self, plan: &Plan) -> Vec<References> {
        let of_node = |(node, (rows, record)): (&usize, &(Vec<ReferenceRow>, ReferencesRecord))| References {
            variants: variants(plan, *node),
            of: Reference::ALL
                .map(|reference| ReferenceScores {
                    reference,
                    does: does(reference, record),
                    scores: means(rows, reference),
                })
                .to_vec(),
        };
        self.by_node.iter().map(of_node).collect()
    }
}

/// The names of the variants that stand beside the references of `node`, in the order of the study.
fn variants(plan: &Plan, node: usize) -> Vec<String> {
    let beside = plan.runs.iter().filter(|run| run.references == node);
    let mut of: Vec<usize> = beside.map(|run| run.variant).collect();
    of.dedup();
    of.into_iter().map(|variant| plan.variants[variant].name.clone()).collect()
}

/// What a reference does, in words.
fn does(reference: Reference, record: &ReferencesRecord) -> String {
    match (reference, record.folds.as_slice()) {
        (Reference::ConstantAnswer, [one]) => {
            let said = match one.said.as_slice() {
                [] => "no label".to_owned(),
                said => format!("“{}”", said.join("” and “")),
            };
            format!(
                "says {said} of every image, the most frequent label set of the training rows ({:.0} %)",
                100.0 * one.said_share
            )
        }
        (Reference::ConstantAnswer, _) => {
            "says the most frequent label set of the fold's training rows of every image".to_owned()
        }
        (Reference::LabelPrior, _) => "gives every image each label's share of the training rows".to_owned(),
        (Reference::MeanColour, _) => {
            "logistic regression on mean red, green and blue; sees no shapes".to_owned()
        }
    }
}

/// The mean of each value over the folds that define it.
fn means(rows: &[ReferenceRow], reference: Reference) -> Vec<Score> {
    let mut values: IndexMap<(Option<&str>, &str), Vec<f64>> = IndexMap::new();
    for row in rows.iter().filter(|row| row.reference == reference) {
        let defined = values.entry((row.label.as_deref(), &row.metric)).or_default();
        defined.extend(Some(row.value).filter(|value| value.is_finite()));
    }
    let score = |((label, metric), values): ((Option<&str>, &str), Vec<f64>)| Score {
        label: label.map(str::to_owned),
        metric: metric.to_owned(),
        value: values.iter().sum::<f64>() / values.len() as f64,
    };
    values.into_iter().map(score).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(reference: Reference, fold: u32, label: Option<&str>, value: f64) -> ReferenceRow {
        ReferenceRow {
            variant: "none".into(),
            reference,
            fold,
            label: label.map(Into::into),
            metric: if label.is_some() { "ap" } else { "map_macro" }.into(),
            value,
        }
    }

    #[test]
    fn folds_are_averaged_and_one_without_the_label_is_left_out() {
        let rows = [
            row(Reference::LabelPrior, 0, Some("a"), 0.25),
            row(Reference::LabelPrior, 0, Some("b"), f64::NAN),
            row(Reference::MeanColour, 0, Some("a"), 1.0),
            row(Reference::LabelPrior, 1, Some("a"), 0.75),
            row(Reference::LabelPrior, 1, Some("b"), 0.5),
            row(Reference::LabelPrior, 1, Some("c"), f64::NAN),
        ];
        let found = means(&rows, Reference::LabelPrior);
        let values: Vec<f64> = found.iter().map(|score| score.value).collect();
        assert_eq!(values[..2], [0.5, 0.5]);
        assert!(values[2].is_nan() && values.len() == 3);
    }

    #[test]
    fn a_run_is_flagged_beside_the_constants_of_its_own_fold() {
        let rows = vec![
            row(Reference::ConstantAnswer, 0, None, 0.3),
            row(Reference::LabelPrior, 0, None, 0.4),
            row(Reference::MeanColour, 0, None, 0.9),
            row(Reference::LabelPrior, 1, None, 0.1),
        ];
        let record = ReferencesRecord { labels: vec![], folds: vec![] };
        let beside = Beside { by_node: IndexMap::from([(7, (rows, record))]) };
        let flag = |fold: u32, value: f64| {
            let run = Run {
                name: "none/seed=1".into(),
                variant: 0,
                seed: 1,
                fold: Some(fold),
                train: 8,
                predict: 9,
                evaluate: 10,
                explain: None,
                references: 7,
            };
            let score = MetricRow {
                run: run.name.clone(),
                variant: "none".into(),
                seed: 1,
                fold,
                label: None,
                metric: "map_macro".into(),
                value,
            };
            beside.flag(&run, &[score], "map_macro")
        };
        let expected = Flag::NoBetterThanConstant {
            metric: "map_macro".into(),
            value: 0.35,
            predictor: "label prior".into(),
            constant: 0.4,
        };
        assert_eq!(flag(0, 0.35), Some(expected));
        assert_eq!((flag(0, 0.5), flag(1, 0.35), flag(0, f64::NAN)), (None, None, None));
    }
}
