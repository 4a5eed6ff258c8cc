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

/// The position of the variant with the best change against its baseline; `None` where nothing was measured.
pub fn best(study: &Study) -> Option<usize> {
    let best =
        answer::ranked(study, &study.headline).into_iter().find(|effect| effect.row.delta.is_finite())?;
    study.variants.iter().position(|variant| variant.name == best.row.variant)
}
