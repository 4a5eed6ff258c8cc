//! A page with folds: every run is told by its fold, and a seed's score is the mean over its folds.

use super::curves::curves;
use super::guardrails::findings;
use super::sample::{SMALL, study};
use super::scores::Scores;
use super::*;

/// The sample with two folds: the second scores 0.02 more.
fn folded() -> Study {
    let mut study = study(SMALL);
    study.folds = 2;
    let in_fold = |run: &Run, fold: u32| {
        let mut run = Run { name: format!("{}/fold={fold}", run.name), fold: Some(fold), ..run.clone() };
        if let RunState::Done(result) = &mut run.state {
            result.scores.iter_mut().for_each(|score| score.value += 0.02 * f64::from(fold));
        }
        run
    };
    study.runs = study.runs.iter().flat_map(|run| [in_fold(run, 0), in_fold(run, 1)]).collect();
    study
}

#[test]
fn a_seeds_score_is_the_mean_over_its_folds() {
    let (plain, folded) = (Scores::of(&study(SMALL)), Scores::of(&folded()));
    for (plain, folded) in plain.aggregate.iter().zip(&folded.aggregate) {
        assert_eq!(plain[0].values.len(), folded[0].values.len(), "one value for each seed");
        for (a, b) in plain[0].values.iter().zip(&folded[0].values) {
            assert!(a.0 == b.0 && (a.1 + 0.01 - b.1).abs() < 1e-12, "{a:?} {b:?}");
        }
    }
    assert_eq!(plain.threshold, folded.threshold);
}

#[test]
fn a_seed_that_lacks_a_fold_has_no_score() {
    let mut study = folded();
    study.runs[1].state = RunState::Missing { message: "not run".into() };
    let values = &Scores::of(&study).aggregate[0][0].values;
    assert!(values.iter().map(|(seed, _)| *seed).eq(2..=5), "{values:?}");
}

#[test]
fn the_page_names_the_folds() {
    let study = folded();
    let page = page(&study).unwrap();
    assert!(page.contains("× 5 seeds × 2 folds = 60 runs"), "the runs are counted");
    assert!(page.contains(">Fold</th>"), "the table of runs has a column");
    assert!(!super::page(&super::sample::study(SMALL)).unwrap().contains(">Fold</th>"));
    let curves = serde_json::to_value(curves(&study)).unwrap();
    let lines = curves["variants"][0]["runs"].as_array().unwrap();
    let of = |line: &serde_json::Value| (line["seed"].as_u64().unwrap(), line["fold"].as_u64().unwrap());
    assert!(lines.iter().map(of).eq((1..=5).flat_map(|seed| [(seed, 0), (seed, 1)])));
}

/// Each image is tested on in some fold, so that a label has all its images to be measured on.
#[test]
fn labels_are_rare_where_all_folds_together_test_few() {
    let rare = |study: &Study| {
        let all = findings(study, &Scores::of(study));
        all.into_iter().find(|finding| finding.kind == "Rare labels").map(|finding| finding.names)
    };
    let mut plain = study(SMALL);
    plain.data.parts.iter_mut().for_each(|part| part.counts.positives[0] = 4);
    let first = plain.labels[0].clone();
    assert!(rare(&plain).unwrap().contains(&format!("{first} (4)")));
    let mut folded = folded();
    folded.data.parts = plain.data.parts.clone();
    let n = 4 * folded.data.parts.len();
    assert!(n >= 10 && !rare(&folded).unwrap_or_default().iter().any(|name| name.starts_with(&first)));
}
