//! The log: on standard error, and for `run` in a file.
//!
//! Two kinds of text go there. What the program says to people ([`said`]) is printed as it is by `print`, and noted here. What it does is told
//! by `tracing`, in this room and in others. On standard error the second kind is filtered: by `-v` and `--quiet`, or by ABLATRIX_LOG or
//! RUST_LOG. With `--log-format json` both are objects there, one a line. The file of a call of `run` has both, with times.

mod news;

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use tracing_subscriber::filter::{EnvFilter, FilterExt, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

pub use news::note;

use super::args::{LogArgs, LogFormat};
use super::display::colour;
use super::render::Failure;
use crate::log_file::{LogFile, keep_last};
use crate::{clock, layout};

/// The target of what is said to people.
const SAID: &str = "ablatrix::said";
/// The target of stages and runs, which people are told of otherwise.
const STAGE: &str = "ablatrix::stage";
/// The variable that filters the log, and the one that takes its place.
const VARIABLES: [&str; 2] = ["ABLATRIX_LOG", "RUST_LOG"];
/// The largest log of a call.
const LIMIT: u64 = 4 << 20;
/// Logs of calls that are kept of a study.
const KEPT: usize = 20;

static IS_JSON: OnceLock<bool> = OnceLock::new();
static FILE: Mutex<Option<LogFile>> = Mutex::new(None);

/// Whether standard error is for programs.
pub fn is_json() -> bool {
    IS_JSON.get().copied().unwrap_or(false)
}

/// Begins the log on standard error.
///
/// # Errors
/// Where ABLATRIX_LOG is no filter.
pub fn begin(args: &LogArgs) -> Result<(), Failure> {
    let is_json = args.log_format == LogFormat::Json;
    let _ = IS_JSON.set(is_json);
    let asked = asked(|name| std::env::var(name).ok())?;
    let usual = usual(args);
    let filter = |text: &str| EnvFilter::new(text);
    let screen = filter(asked.as_deref().unwrap_or(usual));
    let file = filter(asked.as_deref().unwrap_or("warn")).or(filter(match args.verbose {
        0 | 1 => "warn,ablatrix=info",
        _ => "warn,ablatrix=debug",
    }));
    let screen = match is_json {
        true => {
            let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(io::stderr);
            lines.with_current_span(false).with_span_list(false).with_filter(screen).boxed()
        }
        false => {
            let ansi = colour(&io::stderr().is_terminal());
            let lines =
                tracing_subscriber::fmt::layer().without_time().with_ansi(ansi).with_writer(io::stderr);
            // It is printed as it is.
            let others = filter_fn(|what| what.target() != SAID);
            lines.with_filter(screen.and(others)).boxed()
        }
    };
    let file = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(ToFile).with_filter(file);
    // A second subscriber in one process could only be one of a test.
    let _ = tracing_subscriber::registry().with(screen).with(file).try_init();
    Ok(())
}

/// The filter that the environment asks for. Another program's RUST_LOG that is none is passed over.
fn asked(variable: impl Fn(&str) -> Option<String>) -> Result<Option<String>, Failure> {
    for name in VARIABLES {
        let Some(text) = variable(name).filter(|text| !text.is_empty()) else { continue };
        match EnvFilter::try_new(&text) {
            Ok(_) => return Ok(Some(text)),
            Err(error) if name == VARIABLES[0] => {
                let message = format!("`{name}` is `{text}`, which is no filter: {error}");
                let help = "write a level as in `debug`, or targets with levels as in `ablatrix=debug,ablatrix::cache=trace`";
                return Err(Failure::text(2, &message, Some(help)));
            }
            Err(_) => {}
        }
    }
    Ok(None)
}

/// The filter that the command line asks for.
fn usual(args: &LogArgs) -> &'static str {
    match (args.quiet, args.log_format, args.verbose) {
        (true, ..) => "warn",
        (_, LogFormat::Text, 0) => "warn",
        // Stages are told of in words.
        (_, LogFormat::Text, 1) => "warn,ablatrix=info,ablatrix::stage=warn",
        (_, LogFormat::Json, 0) => "warn,ablatrix=info",
        (_, LogFormat::Text, 2) | (_, LogFormat::Json, 1) => "warn,ablatrix=debug",
        _ => "warn,ablatrix=trace",
    }
}

/// Keeps a log of this call in the folder of a study's logs; gives its place. One that cannot be written stops nobody.
pub fn keep(logs: &Path) -> Option<PathBuf> {
    let place = layout::call_log(logs, clock::unix_ms(), std::process::id());
    match LogFile::open(&place, LIMIT) {
        Ok(file) => *FILE.lock().unwrap_or_else(PoisonError::into_inner) = Some(file),
        Err(error) => {
            tracing::debug!(%error, log = %place.display(), "no log of this call");
            return None;
        }
    }
    keep_last(logs, layout::CALL_LOG, KEPT);
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    tracing::info!(version = env!("CARGO_PKG_VERSION"), host, process = std::process::id(), "begins");
    Some(place)
}

/// Notes what is said to people, in the log and, where that is for programs, on standard error.
pub fn said(text: &str) {
    let rest = |start: &str| text.strip_prefix(start);
    if let Some(text) = rest("error: ") {
        tracing::error!(target: SAID, "{text}");
    } else if let Some(text) = rest("warning: ") {
        tracing::warn!(target: SAID, "{text}");
    } else {
        tracing::info!(target: SAID, "{}", rest("note: ").unwrap_or(text));
    }
}

/// Notes what ended a verb.
pub fn failed(failure: &Failure) {
    let (exit_code, help) = (failure.code, failure.help());
    tracing::error!(target: SAID, exit_code, help, "{}", failure.message());
}

/// The file, once there is one.
struct ToFile;

impl<'a> MakeWriter<'a> for ToFile {
    type Writer = ToFile;

    fn make_writer(&'a self) -> ToFile {
        ToFile
    }
}

impl Write for ToFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(file) = FILE.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            // News, not results: a full disk ends no study here.
            let _ = file.append(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ablatrix_log_wins_over_rust_log_and_must_be_a_filter() {
        let of = |ours: &str, theirs: &str| {
            asked(|name| Some(if name == "ABLATRIX_LOG" { ours.to_owned() } else { theirs.to_owned() }))
        };
        assert_eq!(of("debug", "trace").unwrap().as_deref(), Some("debug"));
        assert_eq!(of("", "info").unwrap().as_deref(), Some("info"));
        assert_eq!(of("", "a=b=c").unwrap(), None);
        let failure = of("ablatrix=loud", "info").unwrap_err();
        assert_eq!(failure.code, 2);
        assert!(failure.text.contains("`ABLATRIX_LOG` is `ablatrix=loud`"), "{}", failure.text);
    }

    #[test]
    fn more_flags_say_more() {
        let of = |quiet, verbose, log_format| usual(&LogArgs { quiet, verbose, log_format });
        assert_eq!(of(false, 0, LogFormat::Text), "warn");
        assert!(of(false, 1, LogFormat::Text).contains("ablatrix=info"));
        assert!(of(false, 2, LogFormat::Text).contains("ablatrix=debug"));
        assert!(of(false, 0, LogFormat::Json).contains("ablatrix=info"));
        assert_eq!(of(true, 0, LogFormat::Json), "warn");
    }
}
