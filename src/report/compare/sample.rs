//! Two studies for the tests, which differ in what a test makes of them.

use std::collections::BTreeMap;

use super::{Comparison, Member, MemberVariant, TestSet};
use crate::report::sample::{SMALL, study};
use crate::report::scores::Scores;

/// A study twice, under two names.
pub fn twins() -> Comparison {
    let study = study(SMALL);
    let scores = Scores::of(&study);
    let member = |name: &str| Member {
        name: name.into(),
        spec: format!("{name}.toml"),
        question: study.question.clone(),
        baseline: study.baseline.clone(),
        headline: study.headline.clone(),
        label_metric: study.label_metric.clone(),
        thresholds: "the best F1 of each label".into(),
        equivalence: study.equivalence,
        folds: 0,
        seeds: vec![1, 2, 3, 4, 5],
        runs_done: 30,
        runs: 30,
        labels: study.labels.clone(),
        tests: vec![TestSet { images_id: "i".into(), truth_id: "t".into(), images: 225 }],
        variants: study
            .variants
            .iter()
            .zip(&scores.aggregate)
            .map(|(variant, spreads)| MemberVariant {
                name: variant.name.clone(),
                arm: variant.arm.clone(),
                ops: variant.ops.clone(),
                test: 0,
                scores: spreads[0].clone(),
            })
            .collect(),
        effects: study.effects.iter().map(|effect| effect.row.clone()).collect(),
        references: vec![("label prior".into(), 0.253)],
        settings: BTreeMap::from([
            ("train.epochs".into(), "24".into()),
            ("name".into(), name.into()),
            ("images.size".into(), if name == "small" { "96" } else { "224" }.into()),
        ]),
    };
    Comparison {
        generated_at: "2026-11-24 10:15 UTC".into(),
        command: "ablatrix compare small.toml large.toml".into(),
        studies: vec![member("small"), member("large")],
    }
}
