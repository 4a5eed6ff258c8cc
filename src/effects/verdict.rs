//! What may be said of an effect, and how many seeds would let one say more.

use serde::{Deserialize, Serialize};

use super::paired::{Paired, Units};
use super::tail::Tail;

/// Level of intervals and tests.
pub const LEVEL: f64 = 0.05;

/// Test images with a label below which nothing is said of it, and the same for images without it: resampling so few
/// does not show how far they could be off.
pub const MIN_POSITIVES: usize = 5;

/// More seeds than this are not proposed.
const MAX_SEEDS: u32 = 1000;

/// The normal value below which four fifths of others lie: the power that proposed seeds have.
const POWER_Z: f64 = 0.841_621_233_572_914_2;

/// What may be said of an effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Verdict {
    /// Better than the baseline; the adjusted p-value is below 0.05.
    Helps,
    /// Worse than the baseline; the adjusted p-value is below 0.05.
    Hurts,
    /// The whole interval lies inside the region of practical equivalence.
    NoPracticalEffect,
    /// None of these.
    NotEnoughEvidence {
        /// Why.
        reason: Undecided,
    },
}

/// Why nothing can be said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "reason")]
pub enum Undecided {
    /// One seed shows no spread over seeds.
    OneSeed,
    /// One fold shows no spread over folds.
    OneFold,
    /// Some runs' metrics say nothing about the variant.
    Degenerate {
        /// Runs of variant and baseline that are flagged.
        n_runs: u32,
        /// Runs of variant and baseline.
        of: u32,
    },
    /// Too few test images have the label, or lack it.
    FewImages {
        /// The smaller of both counts.
        n_images: u32,
    },
    /// Neither seeds nor images move the difference.
    NoSpread,
    /// The interval is too wide.
    TooWide {
        /// Seeds that would decide, four times in five, if the difference is as measured; `None` where more seeds would not.
        seeds_needed: Option<u32>,
    },
    /// The interval over folds is too wide, and one seed does not show what more would do.
    TooWideForOneSeed,
}

impl Verdict {
    /// The name in tables.
    pub fn as_str(&self) -> &'static str {
        match self {
            Verdict::Helps => "helps",
            Verdict::Hurts => "hurts",
            Verdict::NoPracticalEffect => "no practical effect",
            Verdict::NotEnoughEvidence { .. } => "not enough evidence",
        }
    }

    /// Seeds that would decide; `None` where it is decided or cannot be said.
    pub fn seeds_needed(&self) -> Option<u32> {
        match self {
            Verdict::NotEnoughEvidence { reason: Undecided::TooWide { seeds_needed } } => *seeds_needed,
            _ => None,
        }
    }
}

impl Undecided {
    /// For people, without a final stop.
    pub fn sentence(&self) -> String {
        match self {
            Undecided::OneSeed => "one seed does not show how much seeds differ: run at least two".to_owned(),
            Undecided::OneFold => {
                "only one fold tests on the label, and one does not show how much folds differ".to_owned()
            }
            Undecided::Degenerate { n_runs, of } => {
                format!(
                    "{n_runs} of the {of} runs are degenerate: their numbers say nothing about the variant"
                )
            }
            Undecided::FewImages { n_images } => {
                format!("only {n_images} test images tell the label apart, expected at least {MIN_POSITIVES}")
            }
            Undecided::NoSpread => "neither seeds nor test images move the difference".to_owned(),
            Undecided::TooWide { seeds_needed: Some(n) } => {
                format!("about {n} seeds would decide, if the difference is as measured")
            }
            Undecided::TooWide { seeds_needed: None } => {
                "more seeds would not decide: the test images are too few for so small a difference"
                    .to_owned()
            }
            Undecided::TooWideForOneSeed => {
                "folds differ too much, and one seed does not show whether more would decide".to_owned()
            }
        }
    }
}

/// What a difference is judged by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Half-width of the interval.
    pub half_width: f64,
    /// The p-value, adjusted for its family and for repeated looks.
    pub p_adjusted: f64,
    /// What the p-value was multiplied by for its family.
    pub holm_factor: usize,
    /// Level of one test: 0.05, or less where there are several looks.
    pub level: f64,
    /// Half-width of the region of practical equivalence.
    pub equivalence: f64,
}

/// The verdict on a difference that nothing speaks against but its size. Inside the region of practical equivalence that
/// comes first: a difference may be certain and too small to matter. For a metric of which higher is better.
pub fn judge(paired: &Paired, bounds: &Bounds) -> Verdict {
    if paired.delta.abs() + bounds.half_width < bounds.equivalence {
        return Verdict::NoPracticalEffect;
    }
    if bounds.p_adjusted < LEVEL {
        return if paired.delta > 0.0 { Verdict::Helps } else { Verdict::Hurts };
    }
    let reason = match paired.units {
        Units::Folds(_) if paired.n_seeds == 1 => Undecided::TooWideForOneSeed,
        _ => Undecided::TooWide { seeds_needed: seeds_needed(paired, bounds) },
    };
    Verdict::NotEnoughEvidence { reason }
}

/// The smallest number of seeds, above those there are, with which four studies in five would end in a verdict if the
/// difference and its variances are as measured. `None` where no number up to 1,000 would do: then images decide.
fn seeds_needed(paired: &Paired, bounds: &Bounds) -> Option<u32> {
    let alpha = bounds.level / bounds.holm_factor as f64;
    let decides = |n: u32| {
        let t_variance = paired.t_variance_with(n);
        let margin = POWER_Z * (t_variance + paired.image_variance).sqrt();
        let tail = Tail::new(paired.degrees_with(n));
        let beyond = |distance: f64, level: f64| {
            distance > 0.0 && tail.two_sided(distance, t_variance, paired.image_variance) < level
        };
        beyond(paired.delta.abs() - margin, alpha)
            || beyond(bounds.equivalence - paired.delta.abs() - margin, bounds.level)
    };
    let (mut too_few, mut enough) = (paired.n_seeds.max(1), MAX_SEEDS);
    if too_few >= enough || !decides(enough) {
        return None;
    }
    while enough - too_few > 1 {
        let middle = too_few.midpoint(enough);
        if decides(middle) {
            enough = middle;
        } else {
            too_few = middle;
        }
    }
    Some(enough)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paired(delta: f64, seed_variance: f64, image_variance: f64) -> Paired {
        let units = Units::Seeds;
        Paired { delta, n_seeds: 3, units, seed_variance, fold_variance: 0.0, image_variance }
    }

    fn judge(
        paired: &Paired,
        half_width: f64,
        p_adjusted: f64,
        holm_factor: usize,
        equivalence: f64,
    ) -> Verdict {
        super::judge(paired, &Bounds { half_width, p_adjusted, holm_factor, level: LEVEL, equivalence })
    }

    /// At a level of 0.05 over the whole family.
    fn seeds_needed(paired: &Paired, alpha: f64, equivalence: f64) -> Option<u32> {
        let (half_width, p_adjusted) = (1.0, 1.0);
        super::seeds_needed(
            paired,
            &Bounds { half_width, p_adjusted, holm_factor: 1, level: alpha, equivalence },
        )
    }

    #[test]
    fn small_and_certain_is_no_practical_effect() {
        let tiny = paired(0.002, 1e-8, 1e-8);
        assert_eq!(judge(&tiny, 0.001, 1e-6, 1, 0.005), Verdict::NoPracticalEffect);
        assert_eq!(judge(&tiny, 0.004, 0.2, 1, 0.005).as_str(), "not enough evidence");
    }

    #[test]
    fn the_adjusted_p_value_decides_not_the_interval() {
        let clear = paired(-0.05, 1e-6, 1e-6);
        assert_eq!(judge(&clear, 0.02, 0.04, 1, 0.005), Verdict::Hurts);
        assert_eq!(judge(&paired(0.05, 1e-6, 1e-6), 0.02, 0.04, 1, 0.005), Verdict::Helps);
        assert_eq!(judge(&clear, 0.02, 0.06, 3, 0.005).as_str(), "not enough evidence");
    }

    /// Without image noise this is the textbook's sample size for a paired t-test: an effect of one standard deviation at
    /// power 0.8 needs 10 (Cohen 1988); the normal margin used here gives 10 too.
    #[test]
    fn seeds_needed_are_those_of_a_paired_t_test() {
        let found = seeds_needed(&paired(0.01, 1e-4, 0.0), 0.05, 0.0).unwrap();
        assert!((9..=11).contains(&found), "{found}");
        let stricter = seeds_needed(&paired(0.01, 1e-4, 0.0), 0.005, 0.0).unwrap();
        assert!(stricter > found);
    }

    #[test]
    fn where_images_limit_no_number_of_seeds_is_named() {
        assert_eq!(seeds_needed(&paired(0.01, 1e-4, 1e-4), 0.05, 0.005), None);
        let reason = Undecided::TooWide { seeds_needed: None };
        assert!(reason.sentence().starts_with("more seeds would not decide"));
    }

    /// No difference at all, little image noise: enough seeds show that it is inside the region.
    #[test]
    fn seeds_can_also_show_that_there_is_nothing() {
        let found = seeds_needed(&paired(0.0, 1e-4, 1e-8), 0.05, 0.005).unwrap();
        assert!((25..60).contains(&found), "{found}");
    }
}
