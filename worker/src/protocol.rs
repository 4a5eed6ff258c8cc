//! Jobs in, events out: one JSON object a line.
//!
//! Standard output carries events and nothing else: whatever libtorch prints there goes to standard error.

use std::fs::File;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use ablatrix::fingerprint::Digest;
use ablatrix::job::{Job, PROTOCOL, WorkerEvent};
use serde::Serialize;

use crate::stop::Stop;
use crate::torch;

/// Why a line is no job.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// Not JSON, or JSON of something else.
    #[error("not a job: {source}")]
    NotAJob {
        /// The key, where the line has one all the same.
        key: Option<Digest>,
        /// Why.
        source: serde_json::Error,
    },
    /// From an orchestrator of another version.
    #[error("the job speaks protocol `{found}`, this worker `{PROTOCOL}`: install both from one build")]
    Protocol {
        /// The key, where the line has one.
        key: Option<Digest>,
        /// Its protocol.
        found: u64,
    },
}

impl LineError {
    /// The key of the job that was meant, where the line has one.
    pub fn key(&self) -> Option<&Digest> {
        match self {
            LineError::NotAJob { key, .. } | LineError::Protocol { key, .. } => key.as_ref(),
        }
    }
}

/// Reads one job.
///
/// # Errors
/// See [`LineError`].
pub fn parse(line: &str) -> Result<Job, LineError> {
    let value: serde_json::Value =
        serde_json::from_str(line).map_err(|source| LineError::NotAJob { key: None, source })?;
    let key = value.pointer("/fingerprint/key").and_then(|key| key.as_str()).and_then(Digest::parse);
    // Before the rest: a job of another version may well have other fields.
    match value.get("protocol").and_then(serde_json::Value::as_u64) {
        Some(found) if found != u64::from(PROTOCOL) => Err(LineError::Protocol { key, found }),
        _ => serde_json::from_value(value).map_err(|source| LineError::NotAJob { key, source }),
    }
}

/// Where events go.
#[derive(Debug)]
pub struct Events {
    out: Mutex<File>,
    stop: Stop,
}

impl Events {
    /// Takes standard output for events; from now on what others print there goes to standard error.
    ///
    /// # Errors
    /// Where the descriptors cannot be doubled.
    pub fn take_stdout(stop: Stop) -> io::Result<Self> {
        let own = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 3)?;
        rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
        Ok(Events { out: Mutex::new(File::from(own)), stop })
    }

    /// Writes one event. Where nobody reads any more, the worker is asked to stop.
    pub fn emit(&self, event: &WorkerEvent) {
        self.write(event);
    }

    /// Writes anything as one line.
    pub fn write(&self, event: &impl Serialize) {
        let mut line = match serde_json::to_vec(event) {
            Ok(line) => line,
            Err(error) => panic!("bug: events are plain data: {error}"),
        };
        line.push(b'\n');
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        if out.write_all(&line).is_err() {
            self.stop.request();
        }
    }

    /// Says that the worker is up.
    pub fn ready(&self) {
        self.emit(&WorkerEvent::Ready {
            protocol: PROTOCOL,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            libtorch: torch::version(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn garbage_is_refused_with_its_reason() {
        let error = parse("hello").unwrap_err();
        assert!(error.to_string().starts_with("not a job: expected value"), "{error}");
        assert!(error.key().is_none());
    }

    #[test]
    fn a_key_is_found_in_a_job_that_is_not_whole() {
        let key = Digest::of(b"x");
        let error =
            parse(&format!(r#"{{"protocol": {PROTOCOL}, "fingerprint": {{"key": "{key}"}}}}"#)).unwrap_err();
        assert_eq!(error.key(), Some(&key));
        let error = parse(&format!(r#"{{"protocol": 9, "fingerprint": {{"key": "{key}"}}}}"#)).unwrap_err();
        assert!(matches!(error, LineError::Protocol { found: 9, .. }), "{error}");
        assert_eq!(error.key(), Some(&key));
    }
}
