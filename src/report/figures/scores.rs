//! The headline metric itself: variants beside what knows nothing of shapes.

use std::collections::HashMap;

use super::super::charts::score_axis;
use super::super::references::{self, References};
use super::super::scores::{Scores, Spread};
use super::super::study::{Study, Unit, Variant};
use super::super::{answer, format};
use super::axis::Axis;
use super::canvas::{Anchor, Canvas, Paint, Stroke, Type};
use super::{ONE_COLUMN, ink, rows};

/// The widest that names may be, in points.
const NAMES: f64 = 84.0;
const GAP: f64 = 6.0;
const TOP: f64 = 18.0;
const ROW: f64 = 15.0;
const SPREAD: &str = "Mean ± sd";

/// A variant with its scores and what it stands beside.
struct Scored<'a> {
    variant: &'a Variant,
    is_baseline: bool,
    spread: &'a Spread,
    constant: Option<f64>,
    colour: Option<f64>,
}

/// The figure; `None` where no run is finished.
pub fn scores(study: &Study, scores: &Scores) -> Option<String> {
    let metric = &study.headline;
    let all = scored(study, scores);
    let (kept, left_out) = rows::ends(all.len());
    let kept: Vec<&Scored> = kept.into_iter().map(|at| &all[at]).collect();
    let text = |of: &Scored| format::spread(metric.unit, of.spread.mean(), of.spread.sd());

    let widest = |texts: &mut dyn Iterator<Item = f64>| texts.fold(0.0, f64::max);
    let names =
        widest(&mut kept.iter().map(|of| Type::BODY.width(&of.variant.name))).clamp(30.0, NAMES) + 1.0;
    let numbers =
        widest(&mut kept.iter().map(|of| Type::SMALL.width(&text(of)))).max(Type::HEAD.width(SPREAD));
    let (left, right) = (names + GAP, ONE_COLUMN - numbers - GAP);
    let values = kept.iter().flat_map(|of| {
        let seeds = of.spread.values.iter().map(|&(_, value)| value);
        seeds
            .chain(ends(of.spread, metric.unit))
            .chain([of.constant, of.colour].into_iter().flatten())
            .map(|value| scaled(metric.unit, value))
            .collect::<Vec<_>>()
    });
    if kept.iter().all(|of| of.spread.values.is_empty()) {
        return None;
    }
    let axis = Axis::over(values, (left, right), 4.0)?;
    let bottom = TOP + ROW * kept.len() as f64;

    let mut canvas = Canvas::new(
        ONE_COLUMN,
        &format!("{} of each variant beside the references", metric.name),
        &kept.iter().map(|of| format!("{}: {}", of.variant.name, text(of))).collect::<Vec<_>>().join("; "),
    );
    canvas.text((0.0, 10.0), Type::HEAD, "Variant");
    canvas.text((ONE_COLUMN, 10.0), Type::HEAD.at(Anchor::End), SPREAD);
    let better = if metric.higher_is_better { "higher" } else { "lower" };
    let title = format!("{} ({better} is better)", score_axis(metric));
    let mut end = axis.draw_horizontal(&mut canvas, (TOP, bottom), &title);
    for (at, of) in kept.iter().enumerate() {
        let top = TOP + ROW * at as f64;
        draw_row(&mut canvas, of, (top, names), &axis, metric.unit);
        canvas.text((ONE_COLUMN, top + 0.5 * ROW + 2.5), Type::SMALL.at(Anchor::End), &text(of));
    }
    end = key(&mut canvas, end + 8.0, &kept, study);
    if left_out > 0 {
        let text = format!("{} in the middle.", rows::left_out(left_out, "variant"));
        end = canvas.paragraph((0.0, end + 8.0), Type::SMALL.coloured(ink::QUIET), ONE_COLUMN, &text);
    }
    Some(canvas.finish(end))
}

/// Baselines first, then as the effects rank them, then those without an effect.
fn scored<'a>(study: &'a Study, scores: &'a Scores) -> Vec<Scored<'a>> {
    let metric = &study.headline;
    let ranks: HashMap<&str, usize> = answer::ranked(study, metric)
        .into_iter()
        .enumerate()
        .map(|(rank, effect)| (effect.row.variant.as_str(), rank))
        .collect();
    let value =
        |set: Option<&References>,
         of: fn(&References, &super::super::study::Metric) -> Option<references::Mark>| {
            Some(of(set?, metric)?.value)
        };
    let mut all: Vec<Scored> = study
        .variants
        .iter()
        .zip(&scores.aggregate)
        .map(|(variant, aggregate)| {
            let set = references::beside(study, &variant.name);
            Scored {
                variant,
                is_baseline: variant.arm == study.baseline,
                spread: &aggregate[0],
                constant: value(set, References::best_constant),
                colour: value(set, References::mean_colour),
            }
        })
        .collect();
    let rank = |of: &Scored| ranks.get(of.variant.name.as_str()).copied().unwrap_or(usize::MAX);
    all.sort_by_key(|of| (!of.is_baseline, rank(of)));
    all
}

fn draw_row(canvas: &mut Canvas, of: &Scored, (top, names): (f64, f64), axis: &Axis, unit: Unit) {
    let scaled = |value: f64| scaled(unit, value);
    let middle = top + 0.5 * ROW;
    canvas.name((0.0, middle + 2.8), Type::BODY, names, &of.variant.name);
    // Marks of neighbouring rows meet and become one line where all stand beside the same references.
    for (value, stroke) in [(of.constant, CONSTANT), (of.colour, COLOUR)] {
        if let Some(x) = value.map(|value| axis.place(scaled(value))) {
            canvas.line((x, top), (x, top + ROW), stroke);
        }
    }
    let colour = if of.is_baseline { ink::BLACK } else { BLUE };
    if let [from, to] = ends(of.spread, unit)[..] {
        let [from, to] = [from, to].map(|end| axis.place(scaled(end)));
        canvas.line((from, middle), (to, middle), Stroke::solid(colour, 1.1));
    }
    for &(_, value) in &of.spread.values {
        let dot = Paint { opacity: 0.75, ..Paint::fill(ink::QUIET) };
        canvas.circle((axis.place(scaled(value)), middle + 4.6), 1.1, dot);
    }
    if of.spread.mean().is_finite() {
        ink::rhombus(canvas, (axis.place(scaled(of.spread.mean())), middle), colour);
    }
}

/// As the page shows it.
fn scaled(unit: Unit, value: f64) -> f64 {
    if unit == Unit::Share { 100.0 * value } else { value }
}

/// Mean less and plus standard deviation, within what the metric can be; empty below two seeds.
fn ends(spread: &Spread, unit: Unit) -> Vec<f64> {
    let (mean, Some(sd)) = (spread.mean(), spread.sd()) else { return Vec::new() };
    let (least, most) = if unit == Unit::Share { (0.0, 1.0) } else { (f64::MIN, f64::MAX) };
    [mean - sd, mean + sd].map(|end| end.clamp(least, most)).into()
}

const BLUE: &str = "#0072b2";
const CONSTANT: Stroke<'static> = Stroke { colour: ink::CONSTANT, width: 1.1, dash: "4 2" };
const COLOUR: Stroke<'static> = Stroke { colour: ink::MEAN_COLOUR, width: 1.1, dash: "1.2 1.8" };

/// Says what lines and marks are. Returns where it ends.
fn key(canvas: &mut Canvas, top: f64, kept: &[&Scored], study: &Study) -> f64 {
    let metric = &study.headline;
    let of_all = |name: &str, value: fn(&Scored) -> Option<f64>| -> Option<String> {
        let values: Vec<f64> = kept.iter().filter_map(|of| value(of)).collect();
        let first = *values.first()?;
        let same = values.len() == kept.len() && values.iter().all(|value| *value == first);
        Some(if same {
            format!("{name}: {}", format::score(metric.unit, first))
        } else {
            format!("{name}, of each variant's data")
        })
    };
    let quiet = Type::SMALL.coloured(ink::QUIET);
    let mut y = top;
    for (stroke, text) in [
        (CONSTANT, of_all("better constant predictor", |of| of.constant)),
        (COLOUR, of_all("regression on the mean colour", |of| of.colour)),
    ] {
        if let Some(text) = text {
            canvas.line((0.0, y - 2.5), (16.0, y - 2.5), stroke);
            canvas.name((20.0, y), quiet, ONE_COLUMN - 20.0, &text);
            y += 10.0;
        }
    }
    let text =
        "Rhombs: mean over the seeds (black: baseline). Lines: ± standard deviation. Dots: single seeds.";
    canvas.paragraph((0.0, y), quiet, ONE_COLUMN, text)
}
