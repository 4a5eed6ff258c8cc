//! The engine's news on a terminal as bars, elsewhere as plain lines. All of it goes to stderr.

use std::collections::{HashMap, HashSet};
use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::args::{LogArgs, LogFormat, OutputFormat};
use super::logging;
use super::print::count;
use super::render::{plain, wrapped};
use crate::engine::Event;
use crate::plan::Stage;

/// How much is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Faults only.
    Quiet,
    /// Stages and runs.
    Normal,
    /// Epochs too, where there are no bars.
    Verbose,
}

impl Detail {
    /// What the command line asks for. A program that reads an error as JSON wants nothing before it; and where the log is JSON,
    /// stages are told of there.
    pub fn of(log: &LogArgs, format: OutputFormat) -> Self {
        match (log.quiet, log.verbose, format) {
            _ if log.log_format == LogFormat::Json => Detail::Quiet,
            (true, ..) => Detail::Quiet,
            (_, 1.., _) => Detail::Verbose,
            (_, _, OutputFormat::Json) => Detail::Quiet,
            _ => Detail::Normal,
        }
    }
}

/// Whether bars can be drawn: on a terminal, unless the log is for programs.
pub fn is_rich() -> bool {
    std::io::stderr().is_terminal() && !logging::is_json()
}

/// Whether to use colour: on a terminal, unless `NO_COLOR` says otherwise.
pub fn colour(terminal: &bool) -> bool {
    *terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Shows events as they come.
pub struct Display {
    detail: Detail,
    bars: Option<Bars>,
    epochs: HashMap<String, u32>,
    /// Notices that were shown and need no second time.
    noticed: HashSet<String>,
    /// Messages of data stages that failed. They are told at the end: where they are faults of the spec, they are
    /// shown with their place there.
    held: Vec<Held>,
}

struct Held {
    node: String,
    message: String,
}

struct Bars {
    all: MultiProgress,
    runs: Option<ProgressBar>,
    open: HashMap<String, ProgressBar>,
}

impl Display {
    /// For this terminal, or for a pipe.
    pub fn new(detail: Detail) -> Self {
        let bars = (is_rich() && detail > Detail::Quiet).then(|| Bars {
            all: MultiProgress::new(),
            runs: None,
            open: HashMap::new(),
        });
        Display { detail, bars, epochs: HashMap::new(), noticed: HashSet::new(), held: Vec::new() }
    }

    /// Shows an event.
    pub fn show(&mut self, event: &Event) {
        match event {
            Event::Planned { stages, fresh, runs, runs_to_do } => {
                let todo = stages - fresh;
                if todo > 0 {
                    let (stages, runs) = (count(*stages, "stage"), count(*runs, "run"));
                    self.line(&format!("{stages}, {fresh} cached, {todo} to do; {runs}, {runs_to_do} to do"));
                }
                if let Some(bars) = self.bars.as_mut().filter(|_| *runs_to_do > 0) {
                    let bar = bars.all.add(ProgressBar::new(*runs_to_do as u64));
                    bar.set_style(style(
                        "{msg:28} {bar:30} {pos}/{len} runs, {elapsed} so far, about {eta} left",
                    ));
                    bar.set_message("all");
                    bar.enable_steady_tick(Duration::from_millis(500));
                    bars.runs = Some(bar);
                }
            }
            Event::Started { node, stage, .. } => {
                if let (Some(bars), false) = (&mut self.bars, is_job(*stage)) {
                    let bar = bars.all.add(ProgressBar::new_spinner());
                    bar.set_style(style("{msg:28} {spinner}"));
                    bar.set_message(plain(node));
                    bar.enable_steady_tick(Duration::from_millis(120));
                    bars.open.insert(node.clone(), bar);
                }
            }
            // Of use to those who look on from elsewhere.
            Event::Placed { .. } => {}
            Event::Progress { node, done, total } => {
                if let Some(bar) = self.bars.as_ref().and_then(|bars| bars.open.get(node)) {
                    bar.set_style(style("{msg:28} {bar:30} {pos}/{len}"));
                    bar.set_length(*total as u64);
                    bar.set_position(*done as u64);
                }
            }
            Event::TrainingFrom { run, resumed_epochs, resumed_steps, epochs } => {
                self.epochs.insert(run.clone(), *epochs);
                if *resumed_steps > 0 {
                    let (epoch, steps) = (resumed_epochs + 1, count(*resumed_steps as usize, "step"));
                    self.line(&format!("train {run}: goes on in epoch {epoch} of {epochs}, after {steps}"));
                } else if *resumed_epochs > 0 {
                    self.line(&format!("train {run}: goes on after epoch {resumed_epochs} of {epochs}"));
                }
                if let Some(bars) = &mut self.bars {
                    let bar = bars.all.insert(0, ProgressBar::new(u64::from(*epochs)));
                    bar.set_style(style("{prefix:28} {bar:30} epoch {pos}/{len}  {msg}"));
                    bar.set_prefix(plain(run));
                    bar.set_position(u64::from(*resumed_epochs));
                    bars.open.insert(run.clone(), bar);
                }
            }
            Event::Notice { stage, run, message, once } => {
                if !once || self.noticed.insert(message.clone()) {
                    self.line(&format!("{} {run}: {message}", stage.as_str()));
                }
            }
            Event::Epoch { run, row } => {
                let number = |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{v:.3}"));
                let text = format!(
                    "loss {} / {}  mAP {}  {:.0} images/s",
                    number(row.train_loss),
                    number(row.val_loss),
                    number(row.val_map_macro),
                    row.images_per_second
                );
                if let Some(bar) = self.bars.as_ref().and_then(|bars| bars.open.get(run)) {
                    bar.set_position(u64::from(row.epoch));
                    bar.set_message(text);
                } else if self.detail == Detail::Verbose {
                    let epochs = self.epochs.get(run).copied().unwrap_or(0);
                    self.line(&format!("train {run}: epoch {}/{epochs}  {text}", row.epoch));
                }
            }
            Event::Fetching { node, stage, bytes, .. } => {
                if let (Some(bars), false) = (&mut self.bars, is_job(*stage) || *bytes == 0) {
                    let bar = bars.all.add(ProgressBar::new_spinner());
                    bar.set_style(style("{msg:28} {spinner} fetching"));
                    bar.set_message(plain(node));
                    bar.enable_steady_tick(Duration::from_millis(120));
                    bars.open.insert(node.clone(), bar);
                }
            }
            Event::RemoteDamaged { node, what, problem } => self.always(&format!(
                "warning: `{what}` in the remote: {problem}; it was not taken, and `{node}` is computed\n  \
                 help: `ablatrix cache push --verify` sends it again"
            )),
            Event::RemoteLost { why } => {
                self.always(&format!("warning: {why}; the study goes on without the remote"))
            }
            Event::Finished { node, stage, run, cached, fetched, elapsed_s, .. } => {
                self.close(node, run, *stage);
                let shown = !matches!(stage, Stage::Predict | Stage::Evaluate | Stage::Explain)
                    || self.detail == Detail::Verbose;
                if !cached && shown {
                    self.line(&format!("{node}: done in {elapsed_s:.1} s"));
                }
                if *fetched && shown {
                    self.line(&format!("{node}: fetched in {elapsed_s:.1} s"));
                }
                if let (Some(bar), Stage::Predict, true) =
                    (self.bars.as_ref().and_then(|b| b.runs.as_ref()), stage, !cached || *fetched)
                {
                    bar.inc(1);
                }
            }
            Event::Failed { node, message, run, stage, .. } if !is_job(*stage) => {
                self.close(node, run, *stage);
                self.line(&format!("{node}: failed, see the end"));
                self.held.push(Held { node: node.clone(), message: message.clone() });
            }
            Event::Failed { node, message, log, run, stage } => {
                self.close(node, run, *stage);
                self.always(&format!("error: stage `{node}` failed: {message}"));
                if let Some(log) = log {
                    self.always(&format!("  help: see `{}`", log.display()));
                }
            }
            Event::Rechecking { stages, of } => {
                self.line(&format!("doing {stages} of {} again, to compare", count(*of, "cached stage")));
            }
            Event::Rechecked { node, run, stage, same, elapsed_s } => {
                self.close(node, run, *stage);
                let found = if *same { "the same" } else { "not the same" };
                self.line(&format!("{node}: done again in {elapsed_s:.1} s, {found}"));
            }
            Event::Waiting { node, holder } => {
                self.line(&format!("{node}: waiting for {holder}, which computes it"))
            }
            Event::Retrying { node, run, stage, why } => {
                self.close(node, run, *stage);
                // What its log ends with is told with the last try, and stands in the log.
                let why = why.lines().next().unwrap_or_default();
                self.always(&format!("warning: `{node}` is tried again: {why}"));
            }
            Event::Rebuilding { what } => {
                self.always(&format!("warning: {what}; it was put into quarantine and is rebuilt"))
            }
            Event::Workers { message } => self.always(&format!("note: {message}")),
            Event::Interrupting { jobs: "" } => self.always("stopping"),
            Event::Interrupting { jobs } => self.always(&format!("stopping: {jobs}")),
        }
    }

    /// A note that is of no stage.
    pub fn note(&self, text: &str) {
        self.line(&format!("note: {text}"));
    }

    /// Takes all bars away, and tells of the failures that were held back, but for the one whose message is
    /// `shown` elsewhere.
    pub fn finish(&mut self, shown: Option<&str>) {
        if let Some(bars) = &self.bars {
            let _ = bars.all.clear();
        }
        for held in std::mem::take(&mut self.held) {
            if shown != Some(held.message.as_str()) {
                self.always(&format!("error: stage `{}` failed: {}", held.node, held.message));
            }
        }
    }

    fn close(&mut self, node: &str, run: &str, stage: Stage) {
        let Some(bars) = &mut self.bars else { return };
        let key = if stage == Stage::Train { run } else { node };
        if let Some(bar) = bars.open.remove(key) {
            bar.finish_and_clear();
            bars.all.remove(&bar);
        }
    }

    fn line(&self, text: &str) {
        if self.detail > Detail::Quiet {
            self.always(text);
        }
    }

    fn always(&self, text: &str) {
        let text = wrapped(&plain(text));
        match &self.bars {
            Some(bars) => {
                logging::said(&text);
                let _ = bars.all.println(text);
            }
            None => super::print::err(&text),
        }
    }
}

fn is_job(stage: Stage) -> bool {
    stage.is_job()
}

/// How a bar looks.
pub fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// A bar over bytes that are read; hidden where there is no terminal.
pub fn bytes_bar() -> ProgressBar {
    if !is_rich() {
        return ProgressBar::hidden();
    }
    ProgressBar::new(0)
        .with_style(style("{bar:30} {binary_bytes}/{binary_total_bytes}, {binary_bytes_per_sec}"))
}

/// A bar over pictures that are drawn; hidden where there is no terminal, or nothing is to be shown.
pub fn pictures_bar(total: u32, detail: Detail) -> ProgressBar {
    if detail == Detail::Quiet || !is_rich() {
        return ProgressBar::hidden();
    }
    ProgressBar::new(total.into())
        .with_style(style("drawing {bar:30} {pos}/{len} pictures, about {eta} left"))
}
