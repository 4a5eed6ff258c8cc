//! The order in which a reader wants variants where not all can be shown.

use indexmap::IndexSet;

use super::answer;
use super::scores::positions;
use super::study::{Effect, Study};

/// Positions of the study's variants: the largest effects on the headline metric, each behind its baseline, then the rest, baselines first.
/// With many points of a matrix the baselines alone would fill the page.
pub fn by_interest(study: &Study) -> Vec<usize> {
    let place = positions(study.variants.iter().map(|variant| &variant.name));
    let mut effects = answer::ranked(study, &study.headline);
    let size = |effect: &Effect| if effect.row.delta.is_finite() { effect.row.delta.abs() } else { -1.0 };
    effects.sort_by(|a, b| size(b).total_cmp(&size(a)));
    let names = effects.iter().flat_map(|effect| [&effect.row.baseline, &effect.row.variant]);
    let mut order: IndexSet<usize> = names.filter_map(|name| place.get(name.as_str()).copied()).collect();
    let is_baseline = |v: &usize| study.variants[*v].arm == study.baseline;
    let (baselines, others): (Vec<usize>, Vec<usize>) = (0..study.variants.len()).partition(is_baseline);
    order.extend(baselines.into_iter().chain(others));
    order.into_iter().collect()
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
