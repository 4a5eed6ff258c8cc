//! Colours and marks: told apart without colour, and by readers who see colours differently.

use super::super::verdict::Verdict;
use super::canvas::{Canvas, Paint};

/// Text, and baselines.
pub const BLACK: &str = "#000000";
/// Lesser text.
pub const QUIET: &str = "#59636e";
/// Axes.
pub const AXIS: &str = "#8a939e";
/// Lines of grids.
pub const GRID: &str = "#e3e6ea";
/// The region of practical equivalence.
pub const BAND: &str = "#e9ecef";
/// The better constant predictor, as on the page.
pub const CONSTANT: &str = "#8a5a86";
/// The mean colour, as on the page.
pub const MEAN_COLOUR: &str = "#7a6a00";

/// Series by colour and dash, as on the page: Okabe and Ito's colours, the yellow darkened to be seen on white.
pub const SERIES: [(&str, &str); 7] = [
    ("#e69f00", ""),
    ("#56b4e9", "5 2"),
    ("#009e73", "1.5 1.5"),
    ("#d55e00", "6 2 1.5 2"),
    ("#0072b2", "3 1.5"),
    ("#cc79a7", "8 2"),
    ("#8c6d1f", "1.5 3"),
];

/// The colour of a verdict.
pub fn of_verdict(verdict: Verdict) -> &'static str {
    match verdict.class {
        "helps" => "#0072b2",
        "hurts" => "#b34700",
        _ => "#5f6871",
    }
}

/// Draws the mark of a verdict around a point: triangles for what helps and hurts, a square for no effect, an open circle where
/// nothing can be said.
pub fn mark(canvas: &mut Canvas, (x, y): (f64, f64), verdict: Verdict) {
    let colour = of_verdict(verdict);
    let (r, h) = (3.4, 3.0);
    match verdict.class {
        "helps" => canvas.polygon(&[(x - r, y + h), (x + r, y + h), (x, y - h - 0.6)], Paint::fill(colour)),
        "hurts" => canvas.polygon(&[(x - r, y - h), (x + r, y - h), (x, y + h + 0.6)], Paint::fill(colour)),
        "same" => canvas.rect((x - 2.6, y - 2.6), (5.2, 5.2), Paint::fill(colour)),
        _ => canvas.circle((x, y), 2.8, Paint { fill: "#ffffff", stroke: colour, width: 1.2, opacity: 1.0 }),
    }
}

/// Draws a rhombus around a point: a mean.
pub fn rhombus(canvas: &mut Canvas, (x, y): (f64, f64), colour: &str) {
    let r = 3.4;
    canvas.polygon(&[(x - r, y), (x, y - r), (x + r, y), (x, y + r)], Paint::fill(colour));
}

/// A colour between white and the one that stands for better (blue) or worse (orange); `share` from -1 (worst) to 1 (best). Black text can be
/// read on all of them.
pub fn diverging(share: f64) -> String {
    let end: [f64; 3] = if share < 0.0 { [230.0, 159.0, 0.0] } else { [86.0, 180.0, 233.0] };
    let depth = share.abs().clamp(0.0, 1.0);
    let [r, g, b] = end.map(|channel| (255.0 + depth * (channel - 255.0)).round() as u8);
    format!("#{r:02x}{g:02x}{b:02x}")
}
