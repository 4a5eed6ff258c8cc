//! The order in which a reader wants variants where not all can be shown.

use std::collections::HashMap;

use super::answer;
use super::study::Study;

/// Positions of the study's variants: baselines first, then the largest effects on the headline metric, then the rest.
pub fn by_interest(study: &Study) -> Vec<usize> {
    let size: HashMap<&str, f64> = answer::ranked(study, &study.headline)
        .into_iter()
        .map(|e| (e.row.variant.as_str(), e.row.delta.abs()))
        .collect();
    let mut order: Vec<usize> = (0..study.variants.len()).collect();
    let is_baseline = |v: usize| study.variants[v].arm == study.baseline;
    let effect = |v: usize| size.get(study.variants[v].name.as_str()).copied().unwrap_or(-1.0);
    order.sort_by(|&a, &b| is_baseline(b).cmp(&is_baseline(a)).then(effect(b).total_cmp(&effect(a))));
    order
}

/// Positions of the baseline of the variant with the best change, and of that variant; of the first baseline alone where nothing
/// was measured.
pub fn best(study: &Study) -> Vec<usize> {
    let best = answer::ranked(study, &study.headline).into_iter().find(|effect| effect.row.delta.is_finite());
    let at = |name: &String| study.variants.iter().position(|variant| variant.name == *name);
    match best {
        Some(best) => [at(&best.row.baseline), at(&best.row.variant)].into_iter().flatten().collect(),
        None => by_interest(study).into_iter().take(1).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{SMALL, study};
    use super::*;

    #[test]
    fn baselines_then_the_largest_effects_and_the_best_beside_its_baseline() {
        let mut study = study(SMALL);
        let size = |name: &str| {
            let of = study.effects.iter().find(|e| e.row.variant == name && e.row.label.is_none());
            of.map_or(f64::INFINITY, |effect| effect.row.delta.abs())
        };
        let sizes: Vec<f64> = by_interest(&study).iter().map(|&v| size(&study.variants[v].name)).collect();
        assert!(sizes.is_sorted_by(|a, b| a >= b), "{sizes:?}");
        let names: Vec<&str> = best(&study).iter().map(|&v| study.variants[v].name.as_str()).collect();
        assert_eq!(names, ["none", "flip"]);
        study.effects.clear();
        assert_eq!(best(&study), [0]);
    }
}
