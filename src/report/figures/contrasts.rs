//! Figures beyond single variants, one for each kind of question: ops on average, pairs, levels, axes.

use super::super::contrasts::{Section, sections};
use super::super::study::{Contrast, Study};
use super::Figure;
use super::forest::{Forest, Row};
use super::rows;

/// Rows with a second line that fit on a page.
const TALL_ROWS_MAX: usize = 28;

/// The figures of the kinds that were asked.
pub fn contrasts(study: &Study) -> Vec<Figure> {
    sections(study).iter().filter_map(|section| figure(study, section)).collect()
}

fn figure(study: &Study, section: &Section) -> Option<Figure> {
    let name = match section.kind {
        "main_effect" => "main_effects",
        "interaction" => "interactions",
        "trend" => "trends",
        "axis" => "axes",
        _ => "axis_interactions",
    };
    let of_section = |contrast: &&Contrast| {
        let row = &contrast.effect.row;
        contrast.kind == section.kind && row.label.is_none() && row.metric == study.headline.metric
    };
    let all: Vec<&Contrast> = study.contrasts.iter().filter(of_section).collect();
    let first = all.first()?.effect.row.baseline.as_str();
    let against = all.iter().all(|contrast| contrast.effect.row.baseline == first).then_some(first);
    let tall = against.is_none() || all.iter().any(|contrast| !contrast.aliases.is_empty());
    let sizes: Vec<f64> = all.iter().map(|contrast| contrast.effect.row.delta.abs()).collect();
    let (kept, left_out) = rows::largest(&sizes, if tall { TALL_ROWS_MAX } else { rows::ROWS_MAX });
    let forest = Forest {
        title: format!("{}: {}", section.title, study.headline.name),
        of: section.of,
        metric: &study.headline,
        against,
        equivalence: study.equivalence,
        rows: kept.iter().map(|&at| row(all[at], against.is_none())).collect(),
        gap: None,
        note: (left_out > 0).then(|| {
            format!("{}, with the smallest changes: contrasts.csv has all.", rows::left_out(left_out, "row"))
        }),
    };
    Some(Figure { name, svg: forest.draw()? })
}

fn row(contrast: &Contrast, tells_against: bool) -> Row<'_> {
    let mut below = Vec::new();
    if tells_against {
        below.push(format!("against {}", contrast.effect.row.baseline));
    }
    if !contrast.aliases.is_empty() {
        below.push(format!("not told apart from {}", contrast.aliases.join(", ")));
    }
    Row {
        name: &contrast.effect.row.variant,
        below: (!below.is_empty()).then(|| below.join("; ")),
        effect: &contrast.effect,
    }
}
