//! The one place that prints. A reader that has gone (`| head`) is no fault.

use std::io::{BufWriter, StdoutLock, Write};

use super::args::OutputFormat;
use super::logging;
use super::render::{Failure, plain};

/// A line to stdout.
pub fn out(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// A line to stderr, where it is also noted in the log; see [`logging`].
pub fn err(text: &str) {
    logging::said(text);
    if !logging::is_json() {
        raw_err(text);
    }
}

/// A line to stderr as it is, whatever form the log has.
pub fn raw_err(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// What ended a verb, on stderr.
pub fn failure(failure: &Failure, format: OutputFormat) {
    match (format, logging::is_json()) {
        (OutputFormat::Json, true) => raw_err(&failure.json()),
        (OutputFormat::Text, true) => logging::failed(failure),
        (OutputFormat::Json, false) => {
            logging::failed(failure);
            raw_err(&failure.json());
        }
        (OutputFormat::Text, false) => {
            logging::failed(failure);
            raw_err(&failure.text);
        }
    }
}

/// Many lines to stdout, written in large pieces.
pub struct Lines(BufWriter<StdoutLock<'static>>);

impl Lines {
    /// Takes stdout until it is dropped.
    pub fn new() -> Self {
        Lines(BufWriter::new(std::io::stdout().lock()))
    }

    /// Adds a line.
    pub fn line(&mut self, text: &str) {
        let _ = writeln!(self.0, "{text}");
    }
}

/// `1 run`, `2 runs`.
pub fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

/// A table with aligned columns to stdout; the first row is the head.
pub fn table(rows: &[Vec<String>]) {
    out(&aligned(rows));
}

/// The lines of a table with aligned columns. Nothing in a cell drives a terminal.
pub fn aligned(rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| plain(cell)).collect()).collect();
    let n_columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|c| c.chars().count()).max();
    let widths: Vec<usize> = (0..n_columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut lines = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.chars().count()) + 2));
        }
        lines.push(line.trim_end().to_owned());
    }
    lines.join("\n")
}
