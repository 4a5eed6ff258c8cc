//! The mistake that this program exists to prevent, played again: a model that answers "plastic" every time, whose
//! accuracy looks like something, compared with another one of the same kind.

use super::*;
use crate::metrics::{self, Course, Evaluation, Flag, Scored, Thresholds, catalogue};
use crate::seed::Key;
use crate::spec::settings::{Evaluate, HeadlineMetric, Threshold};

/// Variant, seed, test logits, and what was made of them.
type Run = (&'static str, u64, Vec<f32>, Evaluation, Vec<Flag>);

const LABELS: [&str; 3] = ["plastic", "metal", "glass"];

/// Half of the images show plastic alone; the rest other things, also together with plastic.
fn truth(n_images: usize, key: Key) -> Vec<bool> {
    let mut draws = key.draws();
    let mut row = || match draws.below(8) {
        0..=3 => [true, false, false],
        4 => [true, true, false],
        5 => [false, true, false],
        6 => [false, false, true],
        _ => [true, false, true],
    };
    (0..n_images).flat_map(|_| row()).collect()
}

/// Sure of plastic, sure of nothing else, and all but blind: the output hardly depends on the image.
fn always_plastic(targets: &[bool], wobble: f64, key: Key) -> Vec<f32> {
    let mut draws = key.draws();
    let logit = |at: usize| [1.1, -1.2, -1.3][at % 3] + wobble * draws.normal();
    (0..targets.len()).map(logit).map(|logit| logit as f32).collect()
}

#[test]
fn always_saying_plastic_is_flagged_and_gets_no_verdict() {
    let key = Key::root(3);
    let labels: Vec<String> = LABELS.map(str::to_owned).to_vec();
    let (train, val, test) =
        (truth(800, key.child("train")), truth(100, key.child("val")), truth(200, key.child("test")));
    let half = Evaluate::at(Threshold::Fixed(0.5));
    let mut trained = metrics::TrainedLabels::new(3);
    train.chunks(3).for_each(|row| trained.add(row, 1.0));
    let constant = metrics::constant_answer(&trained, &val, &test, &labels, &half).unwrap();
    assert_eq!(trained.most_frequent().0, [true, false, false], "plastic alone");
    // The last epoch was the best one: nothing about the training itself looks wrong.
    let course = Course::from_watched(&[0.7, 0.6, 0.55, 0.56], false, false);

    for wobble in [1e-4, 0.1] {
        let mut runs: Vec<Run> = Vec::new();
        for variant in ["none", "flip", "noise"] {
            for seed in 0..5 {
                let key = key.child(variant).index(seed);
                let (val_logits, logits) = (
                    always_plastic(&val, wobble, key.child("val")),
                    always_plastic(&test, wobble, key.child("test")),
                );
                let (on_val, on_test) =
                    (Scored::new(3, &val_logits, &val).unwrap(), Scored::new(3, &logits, &test).unwrap());
                let evaluation = metrics::evaluate(on_val, on_test, &labels, &half);
                let flags = metrics::degenerate::flags(&on_test, &evaluation.said, &labels, &course);
                runs.push((variant, seed, logits, evaluation, flags));
            }
        }
        for (variant, seed, _, evaluation, flags) in &runs {
            // The "accuracy" that the study compared: that of not looking at all.
            let accuracy =
                |evaluation: &Evaluation| evaluation.aggregate(catalogue::SUBSET_ACCURACY).unwrap();
            assert_eq!(accuracy(evaluation), accuracy(&constant));
            assert!(accuracy(evaluation) > 0.4, "it looks like something");
            let one_answer = Flag::OneLabelSet { share: 1.0, said: vec!["plastic".into()] };
            assert!(flags.contains(&one_answer), "{variant} {seed}: {flags:?}");
            assert_eq!(flags.iter().any(|flag| matches!(flag, Flag::ConstantOutput { .. })), wobble < 1e-3);
            // Beside the constant answer the headline shows it too, whichever it is.
            let f1 = |evaluation: &Evaluation| evaluation.aggregate(catalogue::F1_MACRO).unwrap();
            let beside = [("constant answer", f1(&constant))];
            let flag = metrics::degenerate::no_better_than_constant("f1_macro", f1(evaluation), &beside);
            assert!(flag.is_some_and(|flag| flag.spoils_comparison()));
        }
        assert_no_verdict(&labels, &test, &runs);
    }
}

/// Whatever the metric, over all labels and label by label.
fn assert_no_verdict(labels: &[String], test: &[bool], runs: &[Run]) {
    let runs: Vec<RunScores> = runs
        .iter()
        .map(|(variant, seed, logits, evaluation, flags)| {
            let Thresholds { values, .. } = &evaluation.thresholds;
            let calibration = &evaluation.calibration;
            RunScores { variant, seed: *seed, fold: 0, logits, calibration, thresholds: values, flags }
        })
        .collect();
    let found = compare(&Study {
        labels,
        folds: &[Fold { targets: test, n_train: 800 }],
        runs: &runs,
        contrasts: &pairs_against("none", &runs),
        measures: &[HeadlineMetric::MapMacro, HeadlineMetric::F1Macro].map(Measure::Headline),
        equivalence: 0.005,
        looks: &Looks::once(),
        n_resamples: 200,
        key: Key::root(4),
    })
    .unwrap();
    assert_eq!(found.effects.len(), 2 * 4 * 2);
    for effect in found.effects {
        let degenerate = Undecided::Degenerate { n_runs: 10, of: 10 };
        assert_eq!(effect.verdict, Verdict::NotEnoughEvidence { reason: degenerate });
        assert_eq!(effect.row().verdict, "not enough evidence");
    }
}
