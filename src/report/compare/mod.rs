//! Several studies beside each other: what may be compared, and what may not.
//!
//! Effects are differences within one study, so those of different studies may stand side by side whatever their test
//! images. Scores may only where test images and labels are the same. Nothing is ever subtracted across studies: their
//! runs are not paired.

mod findings;
mod markdown;
mod page;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;
mod view;

use std::collections::BTreeMap;

use serde::Serialize;

use super::scores::Spread;
use super::study::Metric;
use crate::tables::rows::EffectRow;

pub use findings::{Finding, findings};
pub use markdown::markdown;
pub use page::page;

/// Studies, in the order in which they were named.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// When it was made, as text.
    pub generated_at: String,
    /// The command that makes it again.
    pub command: String,
    /// At least two, with different names.
    pub studies: Vec<Member>,
}

/// One study.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Member {
    /// Its name; with its spec where two have the same.
    pub name: String,
    /// Its spec's file.
    pub spec: String,
    /// What it wants to know.
    pub question: String,
    /// The arm that its effects are measured against.
    pub baseline: String,
    /// The metric that decides.
    pub headline: Metric,
    /// The metric of single labels that goes with it.
    pub label_metric: Metric,
    /// How thresholds are chosen, in words.
    pub thresholds: String,
    /// Half-width of the region of practical equivalence, as a fraction.
    pub equivalence: f64,
    /// Folds of the cross-validation; 0 where there is none.
    pub folds: u32,
    /// Seeds that it asks for.
    pub seeds: Vec<u64>,
    /// Runs that have results.
    pub runs_done: usize,
    /// Runs that it asks for.
    pub runs: usize,
    /// Label names in its order.
    pub labels: Vec<String>,
    /// What its variants are tested on, that of the first variant first.
    pub tests: Vec<TestSet>,
    /// In its order.
    pub variants: Vec<MemberVariant>,
    /// Its table `effects`.
    pub effects: Vec<EffectRow>,
    /// What looks at no picture, or at its mean colour: name and value of the headline metric of the first variant's.
    pub references: Vec<(String, f64)>,
    /// Its resolved settings: dotted key to value as text.
    pub settings: BTreeMap<String, String>,
}

/// The images and labels that variants are tested on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TestSet {
    /// The same for the same pictures (by their bytes), in the same folds.
    pub images_id: String,
    /// The same for the same labels of these pictures.
    pub truth_id: String,
    /// How many images.
    pub images: u64,
}

/// A variant of one study.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MemberVariant {
    /// `flip/lr=0.0001`
    pub name: String,
    /// `flip`
    pub arm: String,
    /// What is done to a picture, in words.
    pub ops: String,
    /// Which of [`Member::tests`].
    pub test: usize,
    /// The headline metric of each seed that has all its runs.
    #[serde(skip)]
    pub scores: Spread,
}

impl Comparison {
    /// The metric that is compared: that of the first study.
    pub fn metric(&self) -> Option<&Metric> {
        self.studies.first().map(|first| &first.headline)
    }

    /// Groups of studies whose variants are all tested on the same images with the same labels, as positions; a study whose
    /// variants have different ones is alone.
    pub fn alike(&self) -> Vec<Vec<usize>> {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for (at, study) in self.studies.iter().enumerate() {
            let is_alike = |group: &&mut Vec<usize>| {
                group.first().is_some_and(|&first| same_test(&self.studies[first], study))
            };
            match groups.iter_mut().find(is_alike) {
                Some(group) => group.push(at),
                None => groups.push(vec![at]),
            }
        }
        groups
    }
}

/// Whether two studies have the same labels, in whichever order.
pub fn same_labels(a: &Member, b: &Member) -> bool {
    let sorted = |of: &Member| {
        let mut labels = of.labels.clone();
        labels.sort_unstable();
        labels
    };
    sorted(a) == sorted(b)
}

/// Whether scores of two studies are of the same images, labels and metric.
pub fn same_test(a: &Member, b: &Member) -> bool {
    a.tests.len() == 1 && a.tests == b.tests && same_labels(a, b) && a.headline.metric == b.headline.metric
}
