//! What each variant changes of each label: a table in colours, with its numbers.

use std::collections::HashMap;

use super::super::study::{Effect, Metric, Study, Unit};
use super::super::verdict::verdict;
use super::super::{answer, format};
use super::canvas::{Anchor, Canvas, Paint, Stroke, Type};
use super::rows::{self, ROWS_MAX};
use super::{ONE_COLUMN, TWO_COLUMNS, ink};

/// The widest that names at the left may be, and the highest above the columns, in points.
const NAMES: f64 = 110.0;
const HEADS: f64 = 90.0;
/// The narrowest and the widest that cells may be, in points.
const CELL: (f64, f64) = (27.0, 46.0);
const ROW: f64 = 14.0;
const GAP: f64 = 5.0;
const NUMBER: Type = Type { size: 6.5, anchor: Anchor::Middle, ..Type::BODY };
/// Colours of the key on each side of zero.
const STEPS: i32 = 5;

/// Columns and rows with their cells.
struct Grid<'a> {
    /// What rows are: `Variant` or `Label`.
    of: &'static str,
    rows: Vec<&'a str>,
    columns: Vec<&'a str>,
    /// By row and column.
    cells: Vec<Vec<Option<&'a Effect>>>,
    /// What there was no room for.
    left_out: Vec<String>,
}

/// The figure; `None` where no label has an effect.
pub fn labels(study: &Study) -> Option<String> {
    let metric = &study.label_metric;
    let grid = grid(study)?;
    let largest = grid.cells.iter().flatten().flatten().map(|effect| effect.row.delta.abs());
    let largest = largest.filter(|delta| delta.is_finite()).fold(0.0, f64::max);

    let names = grid.rows.iter().map(|name| Type::BODY.width(name)).fold(30.0, f64::max).min(NAMES) + 1.0;
    let left = names + GAP;
    let n = grid.columns.len() as f64;
    let width = if left + n * CELL.0 <= ONE_COLUMN { ONE_COLUMN } else { TWO_COLUMNS };
    let cell = ((width - left) / n).min(CELL.1);
    let widest = grid.columns.iter().map(|name| Type::SMALL.width(name)).fold(0.0, f64::max);
    let lie = widest <= cell - 3.0;
    let top = if lie { 14.0 } else { widest.min(HEADS) + 6.0 };

    let mut canvas =
        Canvas::new(width, &format!("Change in {} by variant and label", metric.name), &axis(study));
    canvas.text((0.0, top - 4.0), Type::HEAD, grid.of);
    for (at, name) in grid.columns.iter().enumerate() {
        let middle = left + cell * (at as f64 + 0.5);
        if lie {
            canvas.name((middle, top - 4.0), Type::SMALL.at(Anchor::Middle), cell, name);
        } else {
            canvas.upright_name((middle + 2.5, top - 4.0), Type::SMALL, HEADS, name);
        }
    }
    for (at, (name, cells)) in grid.rows.iter().zip(&grid.cells).enumerate() {
        let y = top + ROW * at as f64;
        canvas.name((0.0, y + 0.5 * ROW + 2.8), Type::BODY, names, name);
        for (column, effect) in cells.iter().enumerate() {
            draw_cell(&mut canvas, (left + cell * column as f64, y), cell, *effect, metric, largest);
        }
    }
    let bottom = top + ROW * grid.rows.len() as f64;
    let end = key(&mut canvas, bottom + 16.0, metric, largest, &axis(study));
    let mut note = String::from(
        "Bold: helps or hurts, by a test of that label alone; one in twenty of such intervals misses by chance. –: not measured.",
    );
    for text in &grid.left_out {
        note.push_str(&format!(" {text}."));
    }
    let end = canvas.paragraph((0.0, end + 10.0), Type::SMALL.coloured(ink::QUIET), width, &note);
    Some(canvas.finish(end))
}

/// `Change in AP against “none” (points)`
fn axis(study: &Study) -> String {
    let metric = &study.label_metric;
    let points = if metric.unit == Unit::Share { " (points)" } else { "" };
    format!("Change in {} against “{}”{points}", metric.name, study.baseline)
}

/// What is more, labels or variants, goes down; the columns are few.
fn grid(study: &Study) -> Option<Grid<'_>> {
    let metric = &study.label_metric;
    let of_labels = study.effects.iter().filter(|effect| effect.row.metric == metric.metric);
    let mut cells: HashMap<(&str, &str), &Effect> = HashMap::new();
    for effect in of_labels {
        if let Some(label) = &effect.row.label {
            cells.insert((effect.row.variant.as_str(), label.as_str()), effect);
        }
    }
    if cells.is_empty() {
        return None;
    }
    let has_cells = |variant: &&str| cells.keys().any(|(of, _)| of == variant);
    let ranked = answer::ranked(study, &study.headline).into_iter().map(|e| e.row.variant.as_str());
    let mut variants: Vec<&str> = ranked.filter(has_cells).collect();
    let unranked = study.variants.iter().map(|v| v.name.as_str()).filter(has_cells);
    variants.extend(unranked.filter(|name| !variants.contains(name)).collect::<Vec<_>>());
    let labels: Vec<&str> = study.labels.iter().map(String::as_str).collect();

    let columns_max = ((TWO_COLUMNS - NAMES - GAP - 1.0) / CELL.0) as usize;
    let upright = labels.len() > columns_max && labels.len() >= variants.len();
    let (of, rows, columns) =
        if upright { ("Label", labels, variants) } else { ("Variant", variants, labels) };
    let cell =
        |row: &str, column: &str| cells.get(&if upright { (column, row) } else { (row, column) }).copied();
    let size = |effect: Option<&Effect>| effect.map_or(f64::NAN, |effect| effect.row.delta.abs());
    let of_row: Vec<f64> = rows
        .iter()
        .map(|row| columns.iter().map(|column| size(cell(row, column))).fold(f64::NAN, f64::max))
        .collect();
    let of_column: Vec<f64> = columns
        .iter()
        .map(|column| rows.iter().map(|row| size(cell(row, column))).fold(f64::NAN, f64::max))
        .collect();
    let (kept_rows, less_rows) = rows::largest(&of_row, ROWS_MAX);
    let (kept_columns, less_columns) = rows::largest(&of_column, columns_max);
    let nouns = if upright { ["label", "variant"] } else { ["variant", "label"] };
    let left_out = [(less_rows, nouns[0]), (less_columns, nouns[1])].into_iter().filter(|(n, _)| *n > 0).map(
        |(n, noun)| format!("{}, with the smallest changes: effects.csv has all", rows::left_out(n, noun)),
    );
    let rows: Vec<&str> = kept_rows.iter().map(|&at| rows[at]).collect();
    let columns: Vec<&str> = kept_columns.iter().map(|&at| columns[at]).collect();
    Some(Grid {
        of,
        cells: rows.iter().map(|row| columns.iter().map(|column| cell(row, column)).collect()).collect(),
        left_out: left_out.collect(),
        rows,
        columns,
    })
}

fn draw_cell(
    canvas: &mut Canvas,
    (x, y): (f64, f64),
    width: f64,
    effect: Option<&Effect>,
    metric: &Metric,
    largest: f64,
) {
    let delta = effect.map_or(f64::NAN, |effect| effect.row.delta);
    let gain = if metric.higher_is_better { delta } else { -delta };
    let share = if largest > 0.0 && gain.is_finite() { gain / largest } else { 0.0 };
    let fill = ink::diverging(share);
    canvas.rect((x, y), (width, ROW), Paint { stroke: "#ffffff", width: 0.75, ..Paint::fill(&fill) });
    let decided = effect.is_some_and(|e| matches!(verdict(&e.row.verdict).class, "helps" | "hurts"));
    let style = Type { bold: decided, ..NUMBER };
    let text = if delta.is_finite() { format::delta(metric.unit, delta) } else { format::NONE.to_owned() };
    canvas.name((x + 0.5 * width, y + 0.5 * ROW + 2.4), style, width - 1.0, &text);
}

/// Draws the scale of the colours. Returns where it ends.
fn key(canvas: &mut Canvas, top: f64, metric: &Metric, largest: f64, title: &str) -> f64 {
    let sign = if metric.higher_is_better { 1.0 } else { -1.0 };
    canvas.name((0.0, top), Type::SMALL, canvas.width(), title);
    let y = top + 5.0;
    let worst = format!("worse: {}", format::delta(metric.unit, -sign * largest));
    let best = format!("better: {}", format::delta(metric.unit, sign * largest));
    canvas.text((0.0, y + 7.5), Type::SMALL, &worst);
    let from = Type::SMALL.width(&worst) + GAP;
    let step = 10.0;
    for (place, at) in (-STEPS..=STEPS).enumerate() {
        let fill = ink::diverging(f64::from(at) / f64::from(STEPS));
        canvas.rect((from + step * place as f64, y), (step, 9.0), Paint::fill(&fill));
    }
    let to = from + step * f64::from(2 * STEPS + 1);
    canvas.line((from, y + 9.0), (to, y + 9.0), Stroke::solid(ink::AXIS, 0.5));
    canvas.text((to + GAP, y + 7.5), Type::SMALL, &best);
    y + 9.0
}
