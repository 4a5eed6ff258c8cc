//! Flags runs whose numbers say nothing about what was varied: constant output, one answer for all, worse than
//! a constant, diverged; and warns of trainings that ended too soon or went wrong from the start.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::ranking::Ranking;
use super::scored::{Scored, mean_of_defined};

/// Logits of a label that differ by less than this over all images are one constant.
pub const CONSTANT_SPREAD: f32 = 1e-3;

/// Share of images with the same answer from which a run counts as saying one thing.
pub const ONE_ANSWER_SHARE: f64 = 0.98;

/// How a training went, as far as a flag needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Course {
    /// Epochs that were run.
    pub epochs_run: u32,
    /// The epoch that was best on validation, from 1; 0 where none can be told.
    pub best_epoch: u32,
    /// The loss became NaN or infinite.
    pub diverged: bool,
}

impl Course {
    /// From what was watched on validation, epoch by epoch; of equal epochs the first is the best. NaN is never the best.
    pub fn from_watched(watched: &[f64], higher_is_better: bool, diverged: bool) -> Self {
        let mut best: Option<(usize, f64)> = None;
        for (at, &value) in watched.iter().enumerate().filter(|(_, value)| !value.is_nan()) {
            if best.is_none_or(|(_, top)| if higher_is_better { value > top } else { value < top }) {
                best = Some((at, value));
            }
        }
        let best_epoch = best.map_or(0, |(at, _)| at as u32 + 1);
        Course { epochs_run: watched.len() as u32, best_epoch, diverged }
    }
}

/// What is wrong with a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "flag")]
pub enum Flag {
    /// The output does not depend on the picture.
    ConstantOutput {
        /// Largest spread of a label's logits over the test images.
        spread: f32,
    },
    /// The same label set is said for nearly every picture.
    OneLabelSet {
        /// Share of test images with that answer, 0 to 1.
        share: f64,
        /// The labels that are said; may be none.
        said: Vec<String>,
    },
    /// The images stand in no better order than a random one.
    NotBetterThanChance {
        /// The run's macro average precision, 0 to 1.
        map_macro: f64,
        /// What a random order has on average.
        chance: f64,
        /// The run's macro AUROC, 0 to 1; `None` where it cannot be told.
        auroc_macro: Option<f64>,
    },
    /// A predictor that says the same of every image does as well.
    NoBetterThanConstant {
        /// What was measured, a name of [`super::catalogue`].
        metric: String,
        /// The run's value of it.
        value: f64,
        /// Which constant predictor.
        predictor: String,
        /// Its value, on the same test images.
        constant: f64,
    },
    /// The loss became NaN or infinite.
    Diverged,
    /// The last epoch was the best one.
    StillImproving {
        /// That epoch, from 1.
        epoch: u32,
    },
    /// The first epoch was the best one.
    BestAtFirst {
        /// Epochs that were run.
        epochs_run: u32,
    },
}

impl Flag {
    /// Whether the run's metrics say nothing about its variant, so that no verdict may rest on them.
    pub fn spoils_comparison(&self) -> bool {
        match self {
            Flag::ConstantOutput { .. }
            | Flag::OneLabelSet { .. }
            | Flag::NotBetterThanChance { .. }
            // What a variant does to a model that is worse than none is no answer to what it does to one that has learned.
            | Flag::NoBetterThanConstant { .. }
            | Flag::Diverged => true,
            Flag::StillImproving { .. } | Flag::BestAtFirst { .. } => false,
        }
    }

    /// For people, without a final stop.
    pub fn sentence(&self) -> String {
        match self {
            Flag::ConstantOutput { spread } => format!(
                "gives the same output for every test image: no label's logits differ by more than {spread:.1e}"
            ),
            Flag::OneLabelSet { share, said } => {
                let said =
                    if said.is_empty() { "nothing".to_owned() } else { format!("`{}`", said.join("`, `")) };
                format!("says {said} for {:.1} % of the test images, whatever they show", share * 100.0)
            }
            Flag::NotBetterThanChance { map_macro, chance, auroc_macro } => {
                let auroc = auroc_macro.map_or_else(String::new, |auroc| format!(", macro AUROC {auroc:.3}"));
                format!(
                    "ranks images no better than chance: macro average precision is {map_macro:.3}, a random order's {chance:.3} on average{auroc}"
                )
            }
            Flag::NoBetterThanConstant { metric, value, predictor, constant } => format!(
                "does no better than the {predictor}, which says the same of every image: {metric} is {value:.3}, {:.3} below \
                 the {predictor}'s {constant:.3}",
                constant - value
            ),
            Flag::Diverged => "the loss became NaN or infinite".to_owned(),
            Flag::StillImproving { epoch } => {
                format!("was still improving when it ended: the last epoch, {epoch}, was the best")
            }
            Flag::BestAtFirst { epochs_run } => {
                format!("got no better after the first of {epochs_run} epochs")
            }
        }
    }
}

impl Flag {
    /// What can be done about it, for people, without a final stop.
    pub fn advice(&self) -> &'static str {
        match self {
            Flag::ConstantOutput { .. } => {
                "try a lower `train.optimizer.lr`, more epochs, or pretrained `model.weights`"
            }
            Flag::OneLabelSet { .. } => {
                "try more epochs or another learning rate; `balance` where one label outnumbers the others, and tuned \
                 thresholds (`evaluate.threshold`)"
            }
            Flag::NotBetterThanChance { .. } => {
                "train longer or from pretrained weights, and look whether labels and images belong together \
                 (`ablatrix preview`)"
            }
            Flag::NoBetterThanConstant { .. } => {
                "it has not learned what is measured: train longer, with another learning rate, or from pretrained weights"
            }
            Flag::Diverged => {
                "lower `train.optimizer.lr`, lengthen the warm-up, or bound steps with `train.clip_norm`"
            }
            Flag::StillImproving { .. } => "with more `train.epochs` the comparison may come out otherwise",
            Flag::BestAtFirst { .. } => {
                "training made it worse: try a lower `train.optimizer.lr`, or a warm-up"
            }
        }
    }
}

/// The flag of a run that the best of some constant predictors does as well as. `constants`: name and value, on the same test
/// images; NaN where one has no value, and then it counts for nothing. For a metric of which higher is better.
pub fn no_better_than_constant(metric: &str, value: f64, constants: &[(&str, f64)]) -> Option<Flag> {
    let defined = constants.iter().filter(|(_, constant)| constant.is_finite());
    let &(predictor, constant) = defined.max_by(|a, b| a.1.total_cmp(&b.1))?;
    // The margin is for rounding alone.
    (value <= constant + 1e-12).then(|| Flag::NoBetterThanConstant {
        metric: metric.to_owned(),
        value,
        predictor: predictor.to_owned(),
        constant,
    })
}

/// All that is wrong with a run, gravest first.
///
/// `test`: its logits on the test part; `said`: what is said of it, row-major [images, labels]; `labels`: the names.
pub fn flags(test: &Scored, said: &[bool], labels: &[String], course: &Course) -> Vec<Flag> {
    let trained_enough_to_tell = course.epochs_run >= 2 && !course.diverged;
    let found = [
        course.diverged.then_some(Flag::Diverged),
        constant_output(test),
        one_label_set(test, said, labels),
        not_better_than_chance(test),
        (trained_enough_to_tell && course.best_epoch == course.epochs_run)
            .then_some(Flag::StillImproving { epoch: course.best_epoch }),
        (trained_enough_to_tell && course.best_epoch == 1)
            .then_some(Flag::BestAtFirst { epochs_run: course.epochs_run }),
    ];
    found.into_iter().flatten().collect()
}

fn constant_output(test: &Scored) -> Option<Flag> {
    let spreads = (0..test.n_labels()).map(|label| {
        let logits = test.column(label).map(|(logit, _)| logit);
        let (low, high) = logits.fold((f32::MAX, f32::MIN), |(low, high), x| (low.min(x), high.max(x)));
        high - low
    });
    // Of one image no spread can be told.
    let spread = (test.n_images() >= 2).then(|| spreads.fold(0.0, f32::max))?;
    (spread < CONSTANT_SPREAD).then_some(Flag::ConstantOutput { spread })
}

/// Only where the truth is more varied than that: of pictures that nearly all show the same, one answer is right.
fn one_label_set(test: &Scored, said: &[bool], labels: &[String]) -> Option<Flag> {
    let (set, share) = most_common(said, test.n_labels())?;
    let (_, true_share) = most_common(test.targets(), test.n_labels())?;
    if test.n_images() < 2 || share < ONE_ANSWER_SHARE || true_share >= ONE_ANSWER_SHARE {
        return None;
    }
    let said = labels.iter().zip(set).filter(|&(_, &said)| said).map(|(label, _)| label.clone());
    Some(Flag::OneLabelSet { share, said: said.collect() })
}

/// The most common row, the first of equals, with its share of the rows.
fn most_common(sets: &[bool], n_labels: usize) -> Option<(&[bool], f64)> {
    let mut seen: HashMap<&[bool], (usize, usize)> = HashMap::new();
    for (at, set) in sets.chunks_exact(n_labels).enumerate() {
        seen.entry(set).or_insert((0, at)).0 += 1;
    }
    let (set, (n, _)) = seen.into_iter().max_by_key(|&(_, (n, first))| (n, std::cmp::Reverse(first)))?;
    Some((set, n as f64 / (sets.len() / n_labels) as f64))
}

/// By macro average precision, or by macro AUROC, of which chance has 0.5. The prevalence, which is a constant's average
/// precision, is no measure here: with few images most random orders are above it.
fn not_better_than_chance(test: &Scored) -> Option<Flag> {
    let rankings: Vec<Ranking> = (0..test.n_labels()).map(|label| Ranking::new(test.column(label))).collect();
    let map_macro = mean_of_defined(rankings.iter().map(Ranking::average_precision))?;
    let auroc_macro = mean_of_defined(rankings.iter().map(Ranking::auroc));
    let of_label = |label| chance_precision(test.n_images(), test.n_positives(label));
    let chance = mean_of_defined((0..test.n_labels()).map(of_label))?;
    // The margin is for rounding alone. Where every image has every label any order is right.
    let low = chance < 1.0 && map_macro <= chance + 1e-12;
    let backwards = auroc_macro.is_some_and(|auroc| auroc <= 0.5);
    (low || backwards).then_some(Flag::NotBetterThanChance { map_macro, chance, auroc_macro })
}

/// The average precision that a random order of `n` images, `m` of them positive, has on average; `None` without
/// positives. Exact: Bestgen, "Exact expected average precision of the random baseline for system evaluation", The
/// Prague Bulletin of Mathematical Linguistics 103, 2015.
fn chance_precision(n: usize, m: usize) -> Option<f64> {
    match (n, m) {
        (_, 0) => None,
        (1, _) => Some(1.0),
        _ => {
            let others = (m - 1) as f64 / (n - 1) as f64;
            let harmonic: f64 = (1..=n).map(|rank| 1.0 / rank as f64).sum();
            Some(others + (1.0 - others) * harmonic / n as f64)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FINE: Course = Course { epochs_run: 5, best_epoch: 3, diverged: false };

    fn flags_of(logits: &[f32], targets: &[bool], course: Course) -> Vec<Flag> {
        let labels = ["plastic".to_owned(), "metal".to_owned()];
        let said: Vec<bool> = logits.iter().map(|&logit| logit >= 0.0).collect();
        flags(&Scored::new(2, logits, targets).unwrap(), &said, &labels, &course)
    }

    #[test]
    fn a_sound_run_has_no_flag() {
        let (logits, targets) = ([1.0, -1.0, -1.0, 1.0], [true, false, false, true]);
        assert_eq!(flags_of(&logits, &targets, FINE), []);
    }

    #[test]
    fn a_constant_output_is_flagged_thrice() {
        let logits = [2.0, -2.0, 2.0001, -2.0, 2.0, -2.0001];
        let found = flags_of(&logits, &[false, false, false, true, true, true], FINE);
        assert!(matches!(found[0], Flag::ConstantOutput { spread } if spread < 1e-3));
        assert_eq!(found[1], Flag::OneLabelSet { share: 1.0, said: vec!["plastic".into()] });
        assert!(found.iter().all(Flag::spoils_comparison));
        assert_eq!(found[1].sentence(), "says `plastic` for 100.0 % of the test images, whatever they show");
    }

    #[test]
    fn one_answer_is_right_where_all_pictures_show_the_same() {
        let logits = [2.0, -2.0, 3.0, -3.0];
        assert_eq!(flags_of(&logits, &[true, false, true, false], FINE), []);
    }

    #[test]
    fn a_ranking_worse_than_chance_is_flagged() {
        let found = flags_of(&[-1.0, 1.0, 1.0, -1.0], &[true, false, false, true], FINE);
        assert!(matches!(found[..], [Flag::NotBetterThanChance { .. }]), "{found:?}");
    }

    /// Every order of `n` images, each as likely as any other.
    #[test]
    fn chance_is_the_mean_over_all_orders() {
        for (n, m) in [(1, 1), (2, 1), (3, 2), (6, 1), (6, 3), (7, 5), (4, 4)] {
            let orders = (0u32..1 << n).filter(|set| set.count_ones() as usize == m);
            let precisions: Vec<f64> = orders
                .map(|set| {
                    let truth = (0..n).map(|at| (-(at as f32), set >> at & 1 == 1));
                    Ranking::new(truth).average_precision().unwrap()
                })
                .collect();
            let mean = precisions.iter().sum::<f64>() / precisions.len() as f64;
            assert!((chance_precision(n, m).unwrap() - mean).abs() < 1e-12, "{n} {m}");
        }
        assert_eq!(chance_precision(5, 0), None);
    }

    #[test]
    fn better_than_the_prevalence_may_still_be_chance() {
        // The positive of each label stands second of four: 0.5, above the prevalence of 0.25; by chance 0.52.
        let logits = [2.0, 2.0, 1.0, 1.0, 0.0, 0.0, -1.0, -1.0];
        let targets = [false, false, true, true, false, false, false, false];
        let found = flags_of(&logits, &targets, FINE);
        assert!(
            found
                .iter()
                .any(|flag| matches!(flag, Flag::NotBetterThanChance { chance, .. } if *chance > 0.5)),
            "{found:?}"
        );
    }

    #[test]
    fn the_best_constant_is_the_one_to_beat() {
        let constants = [("constant answer", 0.2), ("label prior", 0.345), ("other", f64::NAN)];
        let found = no_better_than_constant("f1_macro", 0.312, &constants).unwrap();
        assert!(found.spoils_comparison());
        assert_eq!(
            found.sentence(),
            "does no better than the label prior, which says the same of every image: f1_macro is 0.312, 0.033 below the \
             label prior's 0.345"
        );
        assert!(no_better_than_constant("f1_macro", 0.345, &constants).is_some());
        assert_eq!(no_better_than_constant("f1_macro", 0.346, &constants), None);
        assert_eq!(no_better_than_constant("f1_macro", f64::NAN, &constants), None);
        assert_eq!(no_better_than_constant("f1_macro", 0.1, &[("other", f64::NAN)]), None);
    }

    #[test]
    fn the_course_of_the_training_is_read() {
        let flags_of = |course| flags_of(&[1.0, -1.0, -1.0, 1.0], &[true, false, false, true], course);
        assert_eq!(flags_of(Course { diverged: true, best_epoch: 5, ..FINE }), [Flag::Diverged]);
        assert_eq!(flags_of(Course { best_epoch: 5, ..FINE }), [Flag::StillImproving { epoch: 5 }]);
        assert_eq!(flags_of(Course { best_epoch: 1, ..FINE }), [Flag::BestAtFirst { epochs_run: 5 }]);
        assert_eq!(flags_of(Course { best_epoch: 1, epochs_run: 1, diverged: false }), []);
    }

    #[test]
    fn the_best_epoch_is_the_first_of_equals() {
        let best = |watched: &[f64], higher| Course::from_watched(watched, higher, false).best_epoch;
        assert_eq!(best(&[0.5, 0.3, 0.3, f64::NAN], false), 2);
        assert_eq!(best(&[0.5, 0.7, 0.6], true), 2);
        assert_eq!(best(&[f64::NAN], false), 0);
    }
}
