//! Errors as people read them.

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Severity};

use crate::spec::SpecError;

/// One error, rendered, with the exit code that it asks for.
#[derive(Debug)]
pub struct Failure {
    /// The text, without a final line end.
    pub text: String,
    /// The exit code.
    pub code: u8,
}

impl Failure {
    /// `error: …` with its causes and advice.
    pub fn new(code: u8, error: &(dyn std::error::Error + 'static), help: Option<&str>) -> Self {
        let mut text = format!("error: {}", plain(&error.to_string()));
        let mut last = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let message = error.to_string();
            if message != last {
                text.push_str(&format!("\n  cause: {}", plain(&message)));
            }
            last = message;
            cause = error.source();
        }
        if let Some(help) = help {
            text.push_str(&format!("\n  help: {}", plain(help)));
        }
        Failure { text, code }
    }

    /// A message of its own.
    pub fn text(code: u8, message: &str, help: Option<&str>) -> Self {
        let mut text = format!("error: {}", plain(message));
        if let Some(help) = help {
            text.push_str(&format!("\n  help: {}", plain(help)));
        }
        Failure { text, code }
    }

    /// All faults of a spec, each with its place in the file.
    pub fn spec(error: &SpecError, colour: bool) -> Self {
        let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler =
            GraphicalReportHandler::new_themed(theme).with_width(110).with_context_lines(1).with_links(false);
        let mut parts = Vec::new();
        for fault in &error.faults {
            let mut diagnostic = MietteDiagnostic::new(plain(&fault.message)).with_severity(Severity::Error);
            if let Some(help) = &fault.help {
                diagnostic = diagnostic.with_help(plain(help));
            }
            let mut text = String::new();
            let rendered = match &fault.place {
                Some(place) => {
                    let source = &error.sources[place.source];
                    let length = place.range.len().max(1);
                    diagnostic = diagnostic.with_label(LabeledSpan::new(None, place.range.start, length));
                    let named = NamedSource::new(&source.name, masked(&source.text));
                    let report = miette::Report::new(diagnostic).with_source_code(named);
                    handler.render_report(&mut text, report.as_ref())
                }
                None => handler.render_report(&mut text, &diagnostic),
            };
            if rendered.is_err() {
                text = format!("error: {}", fault.message);
            }
            parts.push(text.trim_end().to_owned());
        }
        let count = match error.faults.len() {
            1 => String::new(),
            n => format!("\n\n{n} faults in all; nothing was run"),
        };
        Failure { text: format!("{}{count}", parts.join("\n")), code: 2 }
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

/// Without control characters, so that no name in a file or spec can drive the terminal.
pub fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() && c != '\n' { c.escape_debug().to_string() } else { c.to_string() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Fault, Place, Source};

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
    fn a_secret_on_a_neighbouring_line_is_covered() {
        let text = "a = \"http://me:pass@host/x\"\nb = \"http://host/a@b\"\n";
        assert_eq!(masked(text), "a = \"http://*******@host/x\"\nb = \"http://host/a@b\"\n");
    }

    #[test]
    fn control_characters_never_reach_the_terminal() {
        assert_eq!(plain("a\x1b[31mb"), "a\\u{1b}[31mb");
    }
}
