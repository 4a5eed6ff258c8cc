//! Errors as people read them.

use std::ops::Range;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Severity};
use serde::Serialize;
use serde_json::json;

use super::lines::{COMMANDS, calm, narrowed};
use crate::spec::{Source, SpecError};

pub use super::lines::{plain, wrapped};

/// One error, rendered, with the exit code that it asks for.
#[derive(Debug)]
pub struct Failure {
    /// The text, without a final line end.
    pub text: String,
    /// The exit code.
    pub code: u8,
    told: Told,
}

/// What a failure says to programs.
#[derive(Debug, Default, Serialize)]
struct Told {
    message: String,
    help: Option<String>,
    exit_code: u8,
    places: Vec<Spot>,
}

/// Where a fault stands in a text.
#[derive(Debug, Serialize)]
struct Spot {
    file: String,
    /// From 1.
    line: usize,
    /// In characters, from 1.
    column: usize,
}

impl Spot {
    fn of(source: &Source, at: usize) -> Self {
        let before = source.text.get(..at).unwrap_or(&source.text);
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        Spot {
            file: source.name.clone(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

/// An error with its nearest cause, in one line.
pub fn with_cause(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// An error with all its causes, in one line.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

impl Failure {
    /// `{"error": {"message", "help", "exit_code", "places": [{"file", "line", "column"}]}}`, in one line. Several
    /// faults are lines of the message, each with a place where it has one.
    pub fn json(&self) -> String {
        json!({"error": self.told}).to_string()
    }

    /// `error: …` with its causes and advice.
    pub fn new(code: u8, error: &(dyn std::error::Error + 'static), help: Option<&str>) -> Self {
        let mut text = format!("error: {}", plain(&error.to_string()));
        let mut whole = error.to_string();
        let mut last = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let message = error.to_string();
            if message != last {
                text.push_str(&format!("\n  cause: {}", plain(&message)));
                whole.push_str(&format!(": {message}"));
            }
            last = message;
            cause = error.source();
        }
        if let Some(help) = help {
            text.push_str(&format!("\n  help: {}", plain(help)));
        }
        let (text, help) = (wrapped(&text), help.map(str::to_owned));
        Failure { text, code, told: Told { message: whole, help, exit_code: code, places: Vec::new() } }
    }

    /// A message of its own.
    pub fn text(code: u8, message: &str, help: Option<&str>) -> Self {
        let mut text = format!("error: {}", plain(message));
        if let Some(help) = help {
            text.push_str(&format!("\n  help: {}", plain(help)));
        }
        let (text, message, help) = (wrapped(&text), message.to_owned(), help.map(str::to_owned));
        Failure { text, code, told: Told { message, help, exit_code: code, places: Vec::new() } }
    }

    /// All faults of a spec, each with its place in the file.
    pub fn spec(error: &SpecError, colour: bool) -> Self {
        let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let mut parts = Vec::new();
        for fault in &error.faults {
            // A command that is to be copied stays in one line.
            let is_command = |help: &String| COMMANDS[..2].iter().any(|command| help.contains(command));
            let wraps = !fault.help.as_ref().is_some_and(is_command);
            let handler = GraphicalReportHandler::new_themed(theme.clone()).with_width(110);
            let handler = handler.with_context_lines(1).with_links(false).with_wrap_lines(wraps);
            let mut diagnostic = MietteDiagnostic::new(plain(&fault.message)).with_severity(Severity::Error);
            if let Some(help) = &fault.help {
                diagnostic = diagnostic.with_help(plain(help));
            }
            let mut rendered = String::new();
            let outcome = match &fault.place {
                Some(place) => {
                    let source = &error.sources[place.source];
                    let earlier = fault.earlier.as_ref().filter(|earlier| earlier.source == place.source);
                    let places = std::iter::once(place).chain(earlier);
                    let ranges: Vec<Range<usize>> = places.map(|place| place.range.clone()).collect();
                    let (text, ranges) = narrowed(&calm(&masked(&source.text)), &ranges);
                    let spans = ranges.iter().map(|range| (range.start, range.len().max(1)));
                    diagnostic = diagnostic.with_labels(spans.enumerate().map(|(nth, span)| match nth {
                        0 => LabeledSpan::new_primary_with_span(earlier.map(|_| "again".to_owned()), span),
                        _ => LabeledSpan::new_with_span(Some("first here".to_owned()), span),
                    }));
                    let named = NamedSource::new(&source.name, text);
                    let report = miette::Report::new(diagnostic).with_source_code(named);
                    handler.render_report(&mut rendered, report.as_ref())
                }
                None => handler.render_report(&mut rendered, &diagnostic),
            };
            if outcome.is_err() {
                rendered = format!("error: {}", plain(&fault.message));
            }
            parts.push(rendered.trim_end().to_owned());
        }
        let count = match error.faults.len() {
            1 => String::new(),
            n => format!("\n\n{n} faults in all; nothing was run"),
        };
        let messages: Vec<&str> = error.faults.iter().map(|fault| fault.message.as_str()).collect();
        let helps: Vec<&str> = error.faults.iter().filter_map(|fault| fault.help.as_deref()).collect();
        let places = error.faults.iter().filter_map(|fault| fault.place.as_ref());
        let told = Told {
            message: messages.join("\n"),
            help: (!helps.is_empty()).then(|| helps.join("\n")),
            exit_code: 2,
            places: places.map(|place| Spot::of(&error.sources[place.source], place.range.start)).collect(),
        };
        Failure { text: format!("{}{count}", parts.join("\n")), code: 2, told }
    }
}

impl Failure {
    /// What went wrong, with its causes.
    pub fn message(&self) -> &str {
        &self.told.message
    }

    /// What can be done about it.
    pub fn help(&self) -> Option<&str> {
        self.told.help.as_deref()
    }

    /// The same, told with another exit code.
    #[must_use]
    pub fn with_code(mut self, code: u8) -> Self {
        self.code = code;
        self.told.exit_code = code;
        self
    }
}

/// A text with the user and password of each URL covered by as many asterisks, so that no neighbouring line of a
/// fault shows a secret. Places stay where they were.
fn masked(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://").map(|at| at + 3) {
        let (before, after) = rest.split_at(at);
        shown.push_str(before);
        let end = after.find(['/', '"', '\'', ' ', '\n']).unwrap_or(after.len());
        let secret = after[..end].rfind('@').unwrap_or(0);
        shown.extend(std::iter::repeat_n('*', secret));
        rest = &after[secret..];
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Fault, Place};

    #[test]
    fn a_fault_is_shown_with_file_line_piece_and_help() {
        let source = Source { name: "a.toml".into(), text: "name = \"x\"\n[train]\nepoch = 3\n".into() };
        let fault = Fault::new("unknown key `epoch` in `[train]`")
            .at(Place { source: 0, range: 19..24 })
            .help("did you mean `epochs`?");
        let shown = Failure::spec(&SpecError { sources: vec![source], faults: vec![fault] }, false).text;
        for part in ["unknown key `epoch` in `[train]`", "a.toml:3:1", "epoch = 3", "did you mean `epochs`?"]
        {
            assert!(shown.contains(part), "{shown}");
        }
        assert!(!shown.contains('\x1b'), "{shown}");
    }

    #[test]
    fn a_key_that_stands_twice_is_shown_in_both_lines() {
        for between in [1, 30] {
            let text =
                format!("flip = {{ op = \"a\" }}\n{}flip = {{ op = \"b\" }}\n", "# …\n".repeat(between));
            let second = text.rfind("flip").unwrap();
            let fault = Fault::new("duplicate key")
                .at(Place { source: 0, range: second..second + 4 })
                .repeats(Place { source: 0, range: 0..4 });
            let source = Source { name: "a.toml".into(), text };
            let shown = Failure::spec(&SpecError { sources: vec![source], faults: vec![fault] }, false).text;
            let place = format!("a.toml:{}:1", between + 2);
            for part in [place.as_str(), "op = \"a\"", "op = \"b\"", "first here", "again"] {
                assert!(shown.contains(part), "`{part}` is missing:\n{shown}");
            }
        }
    }

    #[test]
    fn programs_get_the_places_too() {
        let source = Source { name: "a.toml".into(), text: "name = \"x\"\nü = 1\n".into() };
        let fault = |range| Fault::new("wrong").at(Place { source: 0, range });
        let faults = vec![fault(11..13), fault(16..17), Fault::new("other").help("mend it")];
        let failure = Failure::spec(&SpecError { sources: vec![source], faults }, false);
        assert_eq!(
            failure.json(),
            r#"{"error":{"exit_code":2,"help":"mend it","message":"wrong\nwrong\nother","places":[{"column":1,"file":"a.toml","line":2},{"column":5,"file":"a.toml","line":2}]}}"#
        );
    }

    #[test]
    fn a_secret_on_a_neighbouring_line_is_covered() {
        let text = "a = \"http://me:pass@host/x\"\nb = \"http://host/a@b\"\n";
        assert_eq!(masked(text), "a = \"http://*******@host/x\"\nb = \"http://host/a@b\"\n");
    }
}
