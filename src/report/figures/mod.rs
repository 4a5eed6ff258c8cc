//! The study's answer as figures for papers: vector graphics (SVG), and the same as PNG.
//!
//! [`figures`] is a pure function of a [`Study`], as the page is: black on white, in points, as wide as one or two columns of a journal.
//! Texts are measured with the fonts that the program carries, so that no two of them overlap, whatever names a study has.

mod axis;
mod canvas;
mod contrasts;
mod curves;
mod effects;
mod font;
mod forest;
mod ink;
mod labels;
mod png;
pub(super) mod rows;
mod scores;
#[cfg(test)]
mod tests;

use super::scores::Scores;
use super::study::Study;

pub use png::{FigureError, png};

/// The width of one column of a journal, in points: 3.5 inches, less the margins.
const ONE_COLUMN: f64 = 248.0;
/// The width of two columns, in points: 7.16 inches, less the margins.
const TWO_COLUMNS: f64 = 512.0;

/// The names that figures can have, whatever the study.
pub const NAMES: [&str; 9] = [
    "effects",
    "scores",
    "labels",
    "curves",
    "main_effects",
    "interactions",
    "trends",
    "axes",
    "axis_interactions",
];

/// A figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// One of [`NAMES`]: what files are called.
    pub name: &'static str,
    /// A whole SVG document, in points.
    pub svg: String,
}

/// The figures that the study has something to show in, in the order of [`NAMES`].
pub fn figures(study: &Study) -> Vec<Figure> {
    let scores = Scores::of(study);
    let named = |name, svg: Option<String>| svg.map(|svg| Figure { name, svg });
    let first = [
        named("effects", effects::effects(study)),
        named("scores", scores::scores(study, &scores)),
        named("labels", labels::labels(study)),
        named("curves", curves::curves(study)),
    ];
    first.into_iter().flatten().chain(contrasts::contrasts(study)).collect()
}
