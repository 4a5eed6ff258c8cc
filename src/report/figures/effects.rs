//! The figure of the answer: what each variant changes of the headline metric, the best first.

use std::collections::HashSet;

use super::super::answer;
use super::super::study::Study;
use super::forest::{Forest, Row};
use super::rows;

/// The forest plot of the effects; `None` where nothing was measured.
pub fn effects(study: &Study) -> Option<String> {
    let ranked = answer::ranked(study, &study.headline);
    let baselines: HashSet<&str> = ranked.iter().map(|effect| effect.row.baseline.as_str()).collect();
    let several = baselines.len() > 1;
    let (kept, left_out) = rows::ends(ranked.len());
    let row = |&at: &usize| {
        let effect = ranked[at];
        let below = several.then(|| format!("against {}", effect.row.baseline));
        Row { name: &effect.row.variant, below, effect }
    };
    let unmeasured = answer::answer(study).unmeasured.len();
    let forest = Forest {
        title: format!("Effects on {}: {}", study.headline.name, study.question),
        of: "Variant",
        metric: &study.headline,
        against: baselines.into_iter().next().filter(|_| !several),
        equivalence: study.equivalence,
        rows: kept.iter().map(row).collect(),
        gap: (left_out > 0).then(|| {
            (kept.len() / 2, format!("{} here: effects.csv has all", rows::left_out(left_out, "variant")))
        }),
        note: (unmeasured > 0).then(|| {
            format!("{} could not be compared.", super::super::format::counted(unmeasured, "variant"))
        }),
    };
    forest.draw()
}
