//! What stands on the screen: counts, runs, curves of those that train, the machine. A function of what was found, and of a few keys.

use ratatui::Frame;
use ratatui::crossterm::event::KeyCode;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::Marker;
use ratatui::text::Line;
use ratatui::widgets::{
    Axis, Block, Cell, Chart, Dataset, GraphType, LegendPosition, LineGauge, Paragraph, Row, Table,
    TableState,
};

use super::machine::MachineNow;
use crate::cli::print::count;
use crate::cli::render::plain;
use crate::cli::status_text;
use crate::engine::{Doing, Overview};
use crate::job::EpochRow;
use crate::plan::{Plan, Run};

/// From this width on, curves stand beside the runs; below it, under them.
const WIDE: u16 = 120;
/// Lines that curves take under the runs.
const CURVES: u16 = 9;
/// Curves at once; more cannot be told apart.
const MOST_CURVES: usize = 6;
const COLOURS: [Color; MOST_CURVES] =
    [Color::Cyan, Color::Yellow, Color::Magenta, Color::Green, Color::Blue, Color::Red];

/// What was found.
pub struct Shown<'a> {
    /// The study.
    pub plan: &'a Plan,
    /// How it stands.
    pub now: &'a Overview,
    /// The machine that looks.
    pub machine: MachineNow,
}

/// A number of each epoch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Curve {
    ValMap,
    ValLoss,
    TrainLoss,
}

impl Curve {
    fn name(self) -> &'static str {
        match self {
            Curve::ValMap => "validation mAP",
            Curve::ValLoss => "validation loss",
            Curve::TrainLoss => "training loss",
        }
    }

    fn of(self, row: &EpochRow) -> Option<f64> {
        let value = match self {
            Curve::ValMap => row.val_map_macro,
            Curve::ValLoss => row.val_loss,
            Curve::TrainLoss => row.train_loss,
        };
        value.filter(|value| value.is_finite())
    }

    fn next(self) -> Self {
        match self {
            Curve::ValMap => Curve::ValLoss,
            Curve::ValLoss => Curve::TrainLoss,
            Curve::TrainLoss => Curve::ValMap,
        }
    }
}

/// What keys have chosen.
pub struct View {
    has_colour: bool,
    curve: Curve,
    /// The first run that is shown.
    table: TableState,
    n_runs: usize,
}

impl View {
    /// Nothing chosen yet.
    pub fn new(has_colour: bool) -> Self {
        View { has_colour, curve: Curve::ValMap, table: TableState::default(), n_runs: 0 }
    }

    /// Takes a key.
    pub fn key(&mut self, code: KeyCode) {
        let last = self.n_runs.saturating_sub(1);
        let at = self.table.offset();
        match code {
            KeyCode::Up => *self.table.offset_mut() = at.saturating_sub(1),
            KeyCode::Down => *self.table.offset_mut() = (at + 1).min(last),
            KeyCode::PageUp => *self.table.offset_mut() = at.saturating_sub(10),
            KeyCode::PageDown => *self.table.offset_mut() = (at + 10).min(last),
            KeyCode::Home => *self.table.offset_mut() = 0,
            KeyCode::End => *self.table.offset_mut() = last,
            KeyCode::Char('c') | KeyCode::Tab => self.curve = self.curve.next(),
            _ => {}
        }
    }

    /// Draws the whole screen.
    pub fn draw(&mut self, frame: &mut Frame<'_>, shown: &Shown<'_>) {
        let machine = machine_lines(&shown.machine, frame.area().width);
        let shared = shared_lines(shown.now);
        let heights = [
            Constraint::Length(2),
            Constraint::Length(shared.len() as u16),
            Constraint::Min(4),
            Constraint::Length(machine.len() as u16),
            Constraint::Length(1),
        ];
        let [head, stages, body, foot, keys] = Layout::vertical(heights).areas(frame.area());
        self.head(frame, head, shown);
        frame.render_widget(Paragraph::new(shared), stages);
        let curves = curves(shown, self.curve);
        let (runs, chart) = match (curves.is_empty(), frame.area().width >= WIDE) {
            (true, _) => (body, None),
            (false, true) => {
                let [left, right] =
                    Layout::horizontal([Constraint::Fill(3), Constraint::Fill(2)]).areas(body);
                (left, Some(right))
            }
            (false, false) => {
                let [above, below] =
                    Layout::vertical([Constraint::Min(4), Constraint::Length(CURVES)]).areas(body);
                (above, Some(below))
            }
        };
        self.runs(frame, runs, shown);
        if let Some(area) = chart {
            let epochs = shown.now.stages.iter().filter_map(|one| one.epochs).max().unwrap_or(0);
            self.chart(frame, area, &curves, epochs);
        }
        frame.render_widget(Paragraph::new(machine), foot);
        let words = format!("q leave   up/down runs   c {}", self.curve.next().name());
        frame.render_widget(Paragraph::new(words).style(self.style(Modifier::DIM)), keys);
    }

    fn style(&self, modifier: Modifier) -> Style {
        Style::new().add_modifier(modifier)
    }

    fn colour(&self, colour: Color) -> Style {
        if self.has_colour { Style::new().fg(colour) } else { Style::new() }
    }

    fn head(&self, frame: &mut Frame<'_>, area: Rect, shown: &Shown<'_>) {
        let [text, bar] = Layout::vertical([Constraint::Length(1); 2]).areas(area);
        // What is left stands behind the bar: a narrow terminal has no room for both in a line.
        let counts = status_text::counts(shown.plan, shown.now);
        frame.render_widget(Paragraph::new(counts).style(self.style(Modifier::BOLD)), text);
        let all = shown.plan.runs.len().max(1);
        let done = shown.plan.runs.iter().filter(|run| is_done(run, shown.now)).count();
        let share = done as f64 / all as f64;
        let left = shown.now.left_s.map(|left| format!(", about {} left", status_text::time(left)));
        let left = left.unwrap_or_default();
        let gauge = LineGauge::default()
            .ratio(share)
            .label(format!("{:3.0} % of {}{left}", 100.0 * share, count(shown.plan.runs.len(), "run")))
            .filled_style(self.colour(Color::Green))
            .filled_symbol("█")
            .unfilled_symbol("░");
        frame.render_widget(gauge, bar);
    }

    fn runs(&mut self, frame: &mut Frame<'_>, area: Rect, shown: &Shown<'_>) {
        let mut runs: Vec<&Run> = shown.plan.runs.iter().collect();
        runs.sort_by_key(|run| status_text::urgency(run, &shown.now.stages));
        self.n_runs = runs.len();
        *self.table.offset_mut() = self.table.offset().min(self.n_runs.saturating_sub(1));
        let rows = runs.iter().map(|run| {
            let style = match status_text::urgency(run, &shown.now.stages) {
                0 => self.colour(Color::Cyan),
                1 => self.colour(Color::Red),
                2 => Style::new(),
                _ => self.colour(Color::Green),
            };
            Row::new(status_text::row(run, &shown.now.stages).into_iter().map(|cell| Cell::new(plain(&cell))))
                .style(style)
        });
        let longest = |column: usize, most: u16| {
            let lengths =
                runs.iter().map(|run| status_text::row(run, &shown.now.stages)[column].chars().count());
            (lengths.max().unwrap_or(0) as u16).min(most).max(5)
        };
        let widths = [
            Constraint::Length(longest(0, area.width / 3)),
            Constraint::Fill(1),
            Constraint::Length(7),
            Constraint::Length(8),
            Constraint::Length(7),
            Constraint::Length(8),
            Constraint::Length(10),
        ];
        let busy = shown.now.stages.iter().filter(|one| one.slot.is_some()).count();
        let slots = shown.now.slots.map(|slots| format!(", {busy} of {} busy", count(slots, "slot")));
        let title = format!(" {}{} ", count(self.n_runs, "run"), slots.unwrap_or_default());
        let table = Table::new(rows, widths)
            .header(Row::new(status_text::HEAD).style(self.style(Modifier::BOLD)))
            .block(Block::bordered().title(title));
        frame.render_stateful_widget(table, area, &mut self.table);
    }

    /// Curves up to the last of the planned `epochs`.
    fn chart(&self, frame: &mut Frame<'_>, area: Rect, curves: &[(String, Vec<(f64, f64)>)], epochs: u32) {
        let points = || curves.iter().flat_map(|(_, points)| points);
        let planned = epochs.max(points().map(|(epoch, _)| *epoch as u32).max().unwrap_or(1));
        let last = f64::from(planned.max(2));
        let low = points().map(|(_, value)| *value).fold(f64::INFINITY, f64::min);
        let high = points().map(|(_, value)| *value).fold(f64::NEG_INFINITY, f64::max);
        let margin = ((high - low) * 0.05).max(0.005);
        let [low, high] = [low - margin, high + margin];
        let sets = curves.iter().zip(COLOURS).map(|((name, points), colour)| {
            Dataset::default()
                .name(Line::from(plain(name)))
                .marker(Marker::Braille)
                .graph_type(GraphType::Line)
                .style(self.colour(colour))
                .data(points)
        });
        let label = |value: f64| format!("{value:.3}");
        let chart = Chart::new(sets.collect())
            .block(Block::bordered().title(format!(" {} by epoch ", self.curve.name())))
            .x_axis(Axis::default().bounds([1.0, last]).labels(["1".to_owned(), format!("{last:.0}")]))
            .y_axis(Axis::default().bounds([low, high]).labels([
                label(low),
                label(f64::midpoint(low, high)),
                label(high),
            ]));
        let legend = chart
            .legend_position(Some(LegendPosition::BottomRight))
            .hidden_legend_constraints((Constraint::Percentage(60), Constraint::Percentage(90)));
        frame.render_widget(legend, area);
    }
}

fn is_done(run: &Run, now: &Overview) -> bool {
    run.nodes().all(|node| now.stages[node].state == Doing::Done)
}

/// Of the runs that train now, those with the most epochs first: their points.
fn curves(shown: &Shown<'_>, curve: Curve) -> Vec<(String, Vec<(f64, f64)>)> {
    let mut found: Vec<(String, Vec<(f64, f64)>)> = shown
        .now
        .curves
        .iter()
        .map(|(run, rows)| {
            let points = rows.iter().filter_map(|row| Some((f64::from(row.epoch), curve.of(row)?)));
            (run.clone(), points.collect::<Vec<_>>())
        })
        .filter(|(_, points)| !points.is_empty())
        .collect();
    found.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then(a.0.cmp(&b.0)));
    found.truncate(MOST_CURVES);
    found
}

/// The stages that all runs share and that are not done.
fn shared_lines(now: &Overview) -> Vec<Line<'static>> {
    let open = now.stages.iter().filter(|one| {
        one.run.is_empty() && matches!(one.state, Doing::Running { .. } | Doing::Failed { .. })
    });
    open.take(4).map(|one| Line::from(plain(&status_text::changed(one)))).collect()
}

/// Memory, load and GPUs of the machine that looks.
fn machine_lines(machine: &MachineNow, width: u16) -> Vec<Line<'static>> {
    let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
    let mut parts = vec![format!("this machine ({})", machine.host)];
    if let Some(memory) = machine.memory {
        parts.push(format!(
            "memory {:.1} of {:.1} GiB",
            gib(memory.total - memory.available),
            gib(memory.total)
        ));
    }
    if let Some(load) = machine.load {
        parts.push(format!("load {load:.1} on {}", count(machine.cores, "core")));
    }
    for (at, gpu) in machine.gpus.iter().enumerate() {
        let used = gib(gpu.memory.total - gpu.memory.available);
        parts.push(format!(
            "GPU {at} {}: {} %, {used:.1} of {:.1} GiB",
            gpu.name,
            gpu.busy_percent,
            gib(gpu.memory.total)
        ));
    }
    // As many in a line as have room.
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if line.chars().count() + part.chars().count() + 3 <= usize::from(width) => {
                line.push_str("   ");
                line.push_str(&part);
            }
            _ => lines.push(part),
        }
    }
    lines.into_iter().map(Line::from).collect()
}
