//! The page of a comparison: the look, the scripts and the policy of a report.

use std::collections::HashMap;

use serde::Serialize;

use super::view::view;
use super::{Comparison, Member};
use crate::report::charts::{Forest, ForestRow, difference_axis, placed};
use crate::report::page::{ReportError, Shell};
use crate::report::study::Metric;
use crate::report::verdict::{KNOWN, Verdict};
use crate::tables::rows::EffectRow;

const TEMPLATE: &str = include_str!("../page/compare.html");

/// What the scripts read: the parts of a report's data that its forest plot needs.
#[derive(Debug, Serialize)]
struct Payload {
    verdicts: [Verdict; 4],
    forest: Forest,
    labels: Labels,
    axes: [(); 0],
}

#[derive(Debug, Serialize)]
struct Labels {
    decimals: i32,
    variants: [(); 0],
}

/// Makes the page: one HTML document that needs nothing beside it.
///
/// # Errors
/// Where the template cannot be filled.
pub fn page(comparison: &Comparison) -> Result<String, ReportError> {
    let Some(view) = view(comparison) else { return Ok(String::new()) };
    let payload = Payload {
        verdicts: KNOWN,
        forest: forest(comparison, view.metric),
        labels: Labels { decimals: 1, variants: [] },
        axes: [],
    };
    Shell::plain().fill(TEMPLATE, &view, &payload)
}

/// Variant by variant, the studies below each other.
fn forest(comparison: &Comparison, metric: &Metric) -> Forest {
    let of_metric = |row: &&EffectRow| row.label.is_none() && row.metric == metric.metric;
    let mut by_variant: indexmap::IndexMap<&str, Vec<(&Member, &EffectRow)>> = indexmap::IndexMap::new();
    for study in &comparison.studies {
        for row in study.effects.iter().filter(of_metric) {
            by_variant.entry(&row.variant).or_default().push((study, row));
        }
    }
    let margins: HashMap<u64, f64> =
        comparison.studies.iter().map(|study| (study.equivalence.to_bits(), study.equivalence)).collect();
    // A band of one study would be read as that of all.
    let margin = if margins.len() == 1 { margins.into_values().next() } else { None };
    let row = |(study, row): (&Member, &EffectRow)| {
        ForestRow::of(row, format!("{}, {}", row.variant, study.name), metric.unit)
    };
    Forest {
        axis: difference_axis(metric, "right"),
        equivalence: margin.and_then(|margin| placed(metric.unit, margin)).filter(|margin| *margin > 0.0),
        rows: by_variant.into_values().flatten().map(row).collect(),
    }
}
