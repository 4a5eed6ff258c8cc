//! How the training went: losses and the score on the validation part, mean and spread of each variant.

use std::collections::HashMap;

use super::super::interest::by_interest;
use super::super::scores::finished;
use super::super::study::{RunResult, Study};
use super::axis::Axis;
use super::canvas::{Canvas, Paint, Stroke, Type};
use super::{TWO_COLUMNS, ink, rows};
use crate::tables::rows::HistoryRow;

/// Variants that can be told apart by colour and dash.
const SHOWN_MAX: usize = 7;
/// The room for the numbers of a vertical axis, and the height of a panel, in points.
const NUMBERS: f64 = 30.0;
const HEIGHT: f64 = 120.0;
const TOP: f64 = 16.0;
/// Columns of the key.
const KEYS: usize = 3;

type Value = fn(&HistoryRow) -> f64;
/// What is drawn, with the title of its panel.
const PANELS: [(&str, Value); 3] = [
    ("Training loss", |row| row.train_loss),
    ("Validation loss", |row| row.val.loss),
    ("Validation mAP, 0 to 100", |row| 100.0 * row.val.map_macro),
];

/// The runs of a variant that have a history.
struct Series<'a> {
    name: &'a str,
    is_baseline: bool,
    runs: Vec<&'a RunResult>,
}

/// Mean and standard deviation at an epoch.
#[derive(Clone, Copy)]
struct Point {
    epoch: f64,
    mean: f64,
    sd: f64,
}

/// The figure; `None` where no run has a history.
pub fn curves(study: &Study) -> Option<String> {
    let (series, left_out) = series(study);
    if series.is_empty() {
        return None;
    }
    let mut canvas = Canvas::new(
        TWO_COLUMNS,
        "Learning curves",
        &format!(
            "Losses and validation mAP by epoch of {}",
            series.iter().map(|s| s.name).collect::<Vec<_>>().join(", ")
        ),
    );
    let width = TWO_COLUMNS / PANELS.len() as f64;
    for (at, (title, value)) in PANELS.iter().enumerate() {
        let left = width * at as f64;
        panel(&mut canvas, (left + NUMBERS, left + width - 6.0), title, *value, &series);
    }
    let mut y = TOP + HEIGHT + 36.0;
    let column = TWO_COLUMNS / KEYS as f64;
    for (at, one) in series.iter().enumerate() {
        let (x, y) = (column * (at % KEYS) as f64, y + 11.0 * (at / KEYS) as f64);
        canvas.line((x, y - 2.5), (x + 22.0, y - 2.5), stroke(&series, at));
        canvas.name((x + 27.0, y), Type::SMALL, column - 33.0, one.name);
    }
    y += 11.0 * series.len().div_ceil(KEYS) as f64 + 2.0;
    let mut note = String::from(
        "Lines: mean over the runs of a variant, up to the last epoch that all of them reached. Shaded: ± standard deviation.",
    );
    if left_out > 0 {
        note.push_str(&format!(
            " {}: baselines and the largest effects are shown.",
            rows::left_out(left_out, "variant")
        ));
    }
    let end = canvas.paragraph((0.0, y), Type::SMALL.coloured(ink::QUIET), TWO_COLUMNS, &note);
    Some(canvas.finish(end))
}

/// What is drawn, the baseline first, and how many variants with curves are not.
fn series(study: &Study) -> (Vec<Series<'_>>, usize) {
    let mut runs: HashMap<&str, Vec<&RunResult>> = HashMap::new();
    for (run, result) in finished(study).filter(|(_, result)| !result.history.is_empty()) {
        runs.entry(run.variant.as_str()).or_default().push(result);
    }
    let with_curves = runs.len();
    let of = |v: usize| {
        let variant = &study.variants[v];
        let runs = runs.remove(variant.name.as_str())?;
        Some(Series { name: &variant.name, is_baseline: variant.arm == study.baseline, runs })
    };
    let series: Vec<Series> = by_interest(study).into_iter().filter_map(of).take(SHOWN_MAX).collect();
    let left_out = with_curves - series.len();
    (series, left_out)
}

/// A first baseline is black; all others have their colour and dash.
fn stroke(series: &[Series], at: usize) -> Stroke<'static> {
    if at == 0 && series[0].is_baseline {
        return Stroke::solid(ink::BLACK, 1.4);
    }
    let shift = usize::from(series[0].is_baseline);
    let (colour, dash) = ink::SERIES[(at - shift) % ink::SERIES.len()];
    Stroke { colour, width: 1.2, dash }
}

fn panel(canvas: &mut Canvas, (left, right): (f64, f64), title: &str, value: Value, series: &[Series]) {
    canvas.text((left - NUMBERS, 8.0), Type::HEAD, title);
    let bottom = TOP + HEIGHT;
    let lines: Vec<Vec<Point>> = series.iter().map(|one| points(one, value)).collect();
    let all = || lines.iter().flatten();
    let values = all().flat_map(|point| [point.mean - point.sd, point.mean + point.sd]);
    let epochs = Axis::over(all().map(|point| point.epoch), (left, right), 4.0);
    let (Some(epochs), Some(values)) = (epochs, Axis::over(values, (bottom, TOP), 5.0)) else {
        canvas.text((left, TOP + 0.5 * HEIGHT), Type::SMALL.coloured(ink::QUIET), "no finite value");
        return;
    };
    let epochs = epochs.with_whole_steps();
    epochs.draw_horizontal(canvas, (TOP, bottom), "Epoch");
    values.draw_vertical(canvas, (left, right));
    let at = |epoch: f64, value: f64| (epochs.place(epoch), values.place(value));
    for (idx, line) in lines.iter().enumerate() {
        let colour = stroke(series, idx).colour;
        for piece in whole(line).filter(|piece| piece.iter().any(|point| point.sd > 0.0)) {
            let above = piece.iter().map(|p| at(p.epoch, p.mean + p.sd));
            let below = piece.iter().rev().map(|p| at(p.epoch, p.mean - p.sd));
            let band: Vec<(f64, f64)> = above.chain(below).collect();
            canvas.polygon(&band, Paint { opacity: 0.13, ..Paint::fill(colour) });
        }
    }
    for (idx, line) in lines.iter().enumerate() {
        for piece in whole(line) {
            let places: Vec<(f64, f64)> = piece.iter().map(|p| at(p.epoch, p.mean)).collect();
            canvas.polyline(&places, stroke(series, idx));
            // One epoch alone is no line.
            if let [place] = places[..] {
                canvas.circle(place, 1.4, Paint::fill(stroke(series, idx).colour));
            }
        }
    }
}

/// The pieces of a line between values that are not defined.
fn whole(line: &[Point]) -> impl Iterator<Item = &[Point]> {
    line.split(|point| !point.mean.is_finite()).filter(|piece| !piece.is_empty())
}

/// Beyond the shortest run the mean would be over other runs than before, and would jump.
fn points(series: &Series, value: Value) -> Vec<Point> {
    let shortest = series.runs.iter().map(|run| run.history.len()).min().unwrap_or(0);
    let n = series.runs.len() as f64;
    let at = |epoch: usize| {
        let values = || series.runs.iter().map(|run| value(&run.history[epoch]));
        let mean = values().sum::<f64>() / n;
        let squares: f64 = values().map(|v| (v - mean).powi(2)).sum();
        let sd = if n > 1.0 && squares.is_finite() { (squares / (n - 1.0)).sqrt() } else { 0.0 };
        Point { epoch: f64::from(series.runs[0].history[epoch].epoch), mean, sd }
    };
    (0..shortest).map(at).collect()
}
