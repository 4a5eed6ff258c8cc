//! Forest plots: differences with their intervals, one row each, the numbers at the right.

use super::super::format;
use super::super::study::{Effect, Metric, Unit};
use super::super::verdict::verdict;
use super::TWO_COLUMNS;
use super::axis::Axis;
use super::canvas::{Anchor, Canvas, Paint, Stroke, Type};
use super::ink;

/// The widest that names may be, in points.
const NAMES: f64 = 150.0;
/// Between columns, in points.
const GAP: f64 = 8.0;
/// Where rows begin, below the heads of the columns.
const TOP: f64 = 18.0;
/// An interval that reaches so many times further than any seed is cut off: with two seeds it would squeeze all others to dots.
const REACH: f64 = 3.0;

/// A forest plot in the making.
#[derive(Debug)]
pub struct Forest<'a> {
    /// What screen readers say first.
    pub title: String,
    /// The head of the names.
    pub of: &'a str,
    /// What the differences are of.
    pub metric: &'a Metric,
    /// What they are measured against, where that is the same for all rows.
    pub against: Option<&'a str>,
    /// Half-width of the region of practical equivalence, in the metric's own scale; 0: none.
    pub equivalence: f64,
    /// From top to bottom.
    pub rows: Vec<Row<'a>>,
    /// A line between rows: the position of the row that it stands before, and what it says.
    pub gap: Option<(usize, String)>,
    /// What else is to be said, in sentences.
    pub note: Option<String>,
}

/// One row.
#[derive(Debug)]
pub struct Row<'a> {
    /// What is measured.
    pub name: &'a str,
    /// A smaller line below it.
    pub below: Option<String>,
    /// The numbers.
    pub effect: &'a Effect,
}

/// The columns of texts at the right of the plot.
struct Columns {
    names: f64,
    change: f64,
    verdict: f64,
}

impl Forest<'_> {
    /// The figure; `None` where no row has a number.
    pub fn draw(&self) -> Option<String> {
        let scaled = |value: f64| if self.metric.unit == Unit::Share { 100.0 * value } else { value };
        let columns = self.columns();
        let left = columns.names + GAP;
        let right = TWO_COLUMNS - columns.change - columns.verdict - 2.0 * GAP;
        let axis = Axis::over(self.reach().map(scaled), (left, right), 6.0)?;
        let row_height = if self.rows.iter().any(|row| row.below.is_some()) { 22.0 } else { 15.0 };
        let height_of_gap = if self.gap.is_some() { 14.0 } else { 0.0 };
        let bottom = TOP + row_height * self.rows.len() as f64 + height_of_gap;

        let mut canvas = Canvas::new(TWO_COLUMNS, &self.title, &self.description());
        self.heads(&mut canvas, &columns, right);
        let half = scaled(self.equivalence);
        if half > 0.0 {
            let [from, to] = [-half, half].map(|value| axis.place(value).clamp(left, right));
            canvas.rect((from, TOP), (to - from, bottom - TOP), Paint::fill(ink::BAND));
        }
        let mut end = axis.draw_horizontal(&mut canvas, (TOP, bottom), &self.axis_title());
        canvas.line((axis.place(0.0), TOP), (axis.place(0.0), bottom), Stroke::solid(ink::BLACK, 0.75));

        let mut cut = false;
        let mut y = TOP;
        for (at, row) in self.rows.iter().enumerate() {
            if let Some((_, text)) = self.gap.as_ref().filter(|(before, _)| *before == at) {
                canvas.name((0.0, y + 9.5), Type::SMALL.coloured(ink::QUIET), left - GAP, "⋯");
                let middle = 0.5 * (left + right);
                let room = right - left;
                canvas.rect((left, y + 2.0), (room, height_of_gap - 4.0), Paint::fill("#ffffff"));
                canvas.name(
                    (middle, y + 9.5),
                    Type::SMALL.coloured(ink::QUIET).at(Anchor::Middle),
                    room,
                    text,
                );
                y += height_of_gap;
            }
            cut |= self.row(&mut canvas, row, (y, row_height), &columns, &axis, scaled);
            y += row_height;
        }
        end =
            canvas.paragraph((0.0, end + 8.0), Type::SMALL.coloured(ink::QUIET), TWO_COLUMNS, &self.key(cut));
        Some(canvas.finish(end))
    }

    /// The values that the axis must show.
    fn reach(&self) -> impl Iterator<Item = f64> {
        let of_row = |row: &Row| {
            let effect = row.effect;
            effect.by_seed.iter().map(|d| d.delta).chain([effect.row.delta]).collect::<Vec<_>>()
        };
        let mut values: Vec<f64> = self.rows.iter().flat_map(of_row).collect();
        let known = values.iter().any(|value| value.is_finite());
        values.extend([-self.equivalence, self.equivalence, 0.0].into_iter().filter(|_| known));
        let furthest = values.iter().filter(|v| v.is_finite()).fold(0.0f64, |a, v| a.max(v.abs()));
        let bounds = self.rows.iter().flat_map(|row| [row.effect.row.low, row.effect.row.high]);
        let bounded: Vec<f64> = bounds
            .filter(|bound| known && bound.is_finite())
            .map(|bound| bound.clamp(-REACH * furthest, REACH * furthest))
            .collect();
        values.into_iter().chain(bounded)
    }

    fn columns(&self) -> Columns {
        let widest = |texts: &mut dyn Iterator<Item = f64>| texts.fold(0.0, f64::max);
        let names = widest(&mut self.rows.iter().map(|row| {
            let below = row.below.as_deref().map_or(0.0, |text| Type::SMALL.width(text));
            Type::BODY.width(row.name).max(below)
        }));
        let change = widest(&mut self.rows.iter().map(|row| Type::SMALL.width(&self.change(row))));
        let words =
            widest(&mut self.rows.iter().map(|row| Type::SMALL.width(verdict(&row.effect.row.verdict).word)));
        Columns {
            names: names.max(Type::HEAD.width(self.of)).min(NAMES) + 1.0,
            change: change.max(Type::HEAD.width(CHANGE)),
            verdict: words.max(Type::HEAD.width(VERDICT)),
        }
    }

    fn heads(&self, canvas: &mut Canvas, columns: &Columns, right: f64) {
        canvas.name((0.0, 10.0), Type::HEAD, columns.names, self.of);
        canvas.text((right + GAP + columns.change, 10.0), Type::HEAD.at(Anchor::End), CHANGE);
        canvas.text((TWO_COLUMNS - columns.verdict, 10.0), Type::HEAD, VERDICT);
    }

    /// Draws a row; whether its interval had to be cut off.
    fn row(
        &self,
        canvas: &mut Canvas,
        row: &Row,
        (top, height): (f64, f64),
        columns: &Columns,
        axis: &Axis,
        scaled: impl Fn(f64) -> f64,
    ) -> bool {
        let (effect, shown) = (&row.effect.row, verdict(&row.effect.row.verdict));
        let middle = top + 0.5 * height;
        match &row.below {
            Some(below) => {
                canvas.name((0.0, middle - 1.2), Type::BODY, columns.names, row.name);
                canvas.name((0.0, middle + 7.0), Type::SMALL.coloured(ink::QUIET), columns.names, below);
            }
            None => canvas.name((0.0, middle + 2.8), Type::BODY, columns.names, row.name),
        }
        let (left, right) = axis.range;
        canvas.text(
            (right + GAP + columns.change, middle + 2.5),
            Type::SMALL.at(Anchor::End),
            &self.change(row),
        );
        let style = Type::SMALL.coloured(ink::of_verdict(shown));
        canvas.text((TWO_COLUMNS - columns.verdict, middle + 2.5), style, shown.word);

        let mut cut = false;
        if effect.low.is_finite() && effect.high.is_finite() {
            let [low, high] = [effect.low, effect.high].map(|bound| axis.place(scaled(bound)));
            let colour = ink::of_verdict(shown);
            canvas.line((low.max(left), middle), (high.min(right), middle), Stroke::solid(colour, 1.1));
            for (end, side) in [(low, -1.0), (high, 1.0)] {
                if end < left - 0.5 || end > right + 0.5 {
                    cut = true;
                    let tip = if side < 0.0 { left } else { right };
                    let back = tip - 4.0 * side;
                    canvas.polygon(
                        &[(tip, middle), (back, middle - 2.2), (back, middle + 2.2)],
                        Paint::fill(colour),
                    );
                }
            }
        }
        for seed in row.effect.by_seed.iter().filter(|seed| seed.delta.is_finite()) {
            let dot = Paint { opacity: 0.75, ..Paint::fill(ink::QUIET) };
            canvas.circle((axis.place(scaled(seed.delta)), middle + 4.6), 1.1, dot);
        }
        if effect.delta.is_finite() {
            ink::mark(canvas, (axis.place(scaled(effect.delta)), middle), shown);
        }
        cut
    }

    fn change(&self, row: &Row) -> String {
        let (unit, effect) = (self.metric.unit, &row.effect.row);
        format!("{} {}", format::delta(unit, effect.delta), format::interval(unit, effect.low, effect.high))
    }

    /// `Change in mAP against “none” (points; right is better)`
    fn axis_title(&self) -> String {
        let against = self.against.map(|name| format!(" against “{name}”")).unwrap_or_default();
        let points = if self.metric.unit == Unit::Share { "points; " } else { "" };
        let side = if self.metric.higher_is_better { "right" } else { "left" };
        format!("Change in {}{against} ({points}{side} is better)", self.metric.name)
    }

    fn key(&self, cut: bool) -> String {
        let mut text =
            String::from("Marks: mean change over the seeds. Lines: 95 % interval. Dots: single seeds.");
        if self.equivalence > 0.0 {
            let half = format::score(self.metric.unit, self.equivalence);
            let points = if self.metric.unit == Unit::Share { " points" } else { "" };
            text.push_str(&format!(" Shaded: no practical effect (±{half}{points})."));
        }
        if cut {
            text.push_str(" Arrowheads: the interval goes on.");
        }
        if let Some(note) = &self.note {
            text.push(' ');
            text.push_str(note);
        }
        text
    }

    fn description(&self) -> String {
        let rows = self.rows.iter().map(|row| {
            format!("{}: {}, {}", row.name, self.change(row), verdict(&row.effect.row.verdict).word)
        });
        format!("{}. {}.", self.axis_title(), rows.collect::<Vec<_>>().join("; "))
    }
}

const CHANGE: &str = "Change [95 % interval]";
const VERDICT: &str = "Verdict";
