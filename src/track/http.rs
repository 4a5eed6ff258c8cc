//! One HTTP exchange with the server: time-outs, login, repetition where it is safe, and errors that keep the
//! server's own words.
//!
//! Takes a method, a path and a body; gives the text of a good answer. Knows nothing of experiments and runs.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use thiserror::Error;
use ureq::http::{Method, Request, Response, header};
use ureq::{Agent, Timeout};

use super::address::ServerAddress;
use super::credentials::{Credentials, CredentialsError};
use super::words::words;

/// How long things may take and how often they are tried.
#[derive(Clone, Debug)]
pub struct Limits {
    /// To a connection, TLS included.
    pub connect: Duration,
    /// A whole request; for files, only the time in which nothing moves.
    pub request: Duration,
    /// Nothing moves while a file is sent.
    pub artifact_idle: Duration,
    /// All that is asked at the start, together, where a study can go on without the server.
    pub start: Duration,
    /// Likewise, where it cannot.
    pub start_required: Duration,
    /// Tries of a request that can be repeated.
    pub tries: u32,
    /// Wait before the second try; doubled each time.
    pub first_wait: Duration,
    /// Failures in a row after which nothing is tried until the end.
    pub failures: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connect: Duration::from_secs(3),
            request: Duration::from_secs(30),
            artifact_idle: Duration::from_secs(60),
            start: Duration::from_secs(3),
            start_required: Duration::from_secs(30),
            tries: 3,
            first_wait: Duration::from_millis(500),
            failures: 5,
        }
    }
}

impl Limits {
    /// The wait after the `n`-th failure (from 1): doubles each time, at most a minute.
    pub(super) fn wait(&self, n: u32) -> Duration {
        let factor = 2u32.saturating_pow(n.saturating_sub(1));
        self.first_wait.saturating_mul(factor).min(Duration::from_secs(60))
    }
}

/// Why a call gave nothing.
#[derive(Clone, Debug, Error)]
pub enum CallError {
    /// No connection, or it broke.
    #[error("cannot reach `{server}` for `{call}`")]
    Unreachable {
        /// The server's address.
        server: String,
        /// The call.
        call: &'static str,
        /// What the network said.
        source: Arc<ureq::Error>,
    },
    /// The server did not answer in time.
    #[error("`{server}` did not answer `{call}` in time: {limit}")]
    TimedOut {
        /// The server's address.
        server: String,
        /// The call.
        call: &'static str,
        /// The limit that was reached.
        limit: String,
    },
    /// The server cannot be trusted, or does not trust us.
    #[error("no secure connection to `{server}`: {help}")]
    Tls {
        /// The server's address.
        server: String,
        /// What can be done.
        help: &'static str,
        /// What TLS said.
        source: Arc<ureq::Error>,
    },
    /// The server said no, or that it is not well.
    #[error("`{server}` answered `{call}` with {status}: {text}")]
    Status {
        /// The server's address.
        server: String,
        /// The call.
        call: &'static str,
        /// The HTTP status.
        status: u16,
        /// MLflow's error code, where it is MLflow that answered.
        code: Option<String>,
        /// The server's words, or where it points to.
        text: String,
        /// The wait that the server asks for.
        retry_after: Option<Duration>,
    },
    /// A good status with something else than MLflow's answer.
    #[error("`{server}` answered `{call}` with `{text}`, expected {expected}")]
    Unexpected {
        /// The server's address.
        server: String,
        /// The call.
        call: &'static str,
        /// The beginning of the answer.
        text: String,
        /// What should have been there.
        expected: &'static str,
    },
    /// A file that this server takes in no way.
    #[error("`{name}` cannot be stored: {reason}")]
    Artifact {
        /// The file's name.
        name: String,
        /// Why.
        reason: String,
    },
}

/// What an error means for what is still to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    /// It may go better later.
    Passing,
    /// The server accepts nothing from us: login, permission, address or certificate.
    Everything,
    /// The server will never take this one thing.
    Item,
}

impl CallError {
    pub(super) fn severity(&self) -> Severity {
        match self {
            CallError::Unreachable { .. } | CallError::TimedOut { .. } | CallError::Unexpected { .. } => {
                Severity::Passing
            }
            CallError::Tls { .. } => Severity::Everything,
            CallError::Artifact { .. } => Severity::Item,
            CallError::Status { status, .. } => match status {
                408 | 425 | 429 | 500..=599 => Severity::Passing,
                300..=399 | 401 | 403 | 407 => Severity::Everything,
                _ => Severity::Item,
            },
        }
    }

    /// Whether MLflow itself answered so.
    pub(super) fn has_code(&self, wanted: &str) -> bool {
        matches!(self, CallError::Status { code: Some(code), .. } if code == wanted)
    }

    /// The message with its causes, for a text that travels on without the error.
    pub fn with_causes(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }

    fn repeatable(&self) -> bool {
        // A call that hung once would hang again for as long; the courier waits longer in between.
        matches!(self, CallError::Unreachable { .. } | CallError::Status { .. })
            && self.severity() == Severity::Passing
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            CallError::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// Whether a request may be sent again when its answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// The second time changes nothing.
    Safe,
    /// It may have been done: the caller must look first.
    Never,
}

/// What is sent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Payload<'a> {
    Nothing,
    Json(&'a serde_json::Value),
    File(&'a [u8]),
}

/// One request.
#[derive(Clone, Debug)]
pub(super) struct Exchange<'a> {
    pub method: Method,
    /// Below the server's address, with its query.
    pub path: &'a str,
    /// The call's name in messages.
    pub call: &'static str,
    pub payload: Payload<'a>,
    pub repeat: Repeat,
}

/// A connection to one server.
#[derive(Debug)]
pub(super) struct Http {
    agent: Agent,
    server: ServerAddress,
    authorization: Option<String>,
    limits: Limits,
    deadline: Option<Instant>,
}

impl Http {
    pub fn new(
        server: ServerAddress,
        credentials: &Credentials,
        limits: Limits,
    ) -> Result<Self, CredentialsError> {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // A redirected POST becomes a GET; the user must name the right address.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .tls_config(credentials.tls()?)
            .proxy(credentials.proxy_to(&server))
            .user_agent(concat!("ablatrix/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(limits.connect))
            .timeout_resolve(Some(limits.connect))
            // MLflow's server (uvicorn) closes idle connections after 5 s.
            .max_idle_age(Duration::from_secs(4))
            .build();
        let authorization = credentials.authorization(&server);
        Ok(Http { agent: config.new_agent(), server, authorization, limits, deadline: None })
    }

    pub fn server(&self) -> &ServerAddress {
        &self.server
    }

    pub fn limit(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
    }

    /// The answer's text; tried again where that is safe and may help.
    pub fn send(&self, exchange: &Exchange<'_>) -> Result<String, CallError> {
        let tries = if exchange.repeat == Repeat::Safe { self.limits.tries.max(1) } else { 1 };
        let mut n = 1;
        loop {
            let error = match self.once(exchange) {
                Ok(text) => return Ok(text),
                Err(error) => error,
            };
            let wait = error.retry_after().unwrap_or_else(|| self.limits.wait(n));
            let in_time = self.deadline.is_none_or(|deadline| Instant::now() + wait < deadline);
            if n >= tries || !error.repeatable() || !in_time {
                return Err(error);
            }
            tracing::debug!(call = exchange.call, %error, ?wait, "tried again");
            thread::sleep(wait);
            n += 1;
        }
    }

    fn once(&self, exchange: &Exchange<'_>) -> Result<String, CallError> {
        let mut request = Request::builder()
            .method(exchange.method.clone())
            .uri(self.server.join(exchange.path))
            .header(header::ACCEPT, "application/json");
        if let Some(value) = &self.authorization {
            request = request.header(header::AUTHORIZATION, value);
        }
        let answer = match exchange.payload {
            Payload::Nothing => self.run(request.body(())),
            Payload::Json(value) => {
                self.run(request.header(header::CONTENT_TYPE, "application/json").body(value.to_string()))
            }
            Payload::File(bytes) => {
                self.run_file(request.header(header::CONTENT_TYPE, "application/octet-stream").body(bytes))
            }
        };
        let mut answer = answer.map_err(|error| self.network_error(exchange.call, error))?;
        let text = answer.body_mut().read_to_vec();
        let text = text.map_err(|error| self.network_error(exchange.call, error))?;
        let text = String::from_utf8_lossy(&text).into_owned();
        if answer.status().is_success() {
            Ok(text)
        } else {
            Err(self.status_error(exchange.call, &answer, &text))
        }
    }

    fn run<B: ureq::AsSendBody>(
        &self,
        request: Result<Request<B>, ureq::http::Error>,
    ) -> Result<Response<ureq::Body>, ureq::Error> {
        let request = self.agent.configure_request(request?);
        self.agent.run(request.timeout_global(Some(self.remaining(self.limits.request))).build())
    }

    fn run_file(
        &self,
        request: Result<Request<&[u8]>, ureq::http::Error>,
    ) -> Result<Response<ureq::Body>, ureq::Error> {
        let idle = Some(self.remaining(self.limits.artifact_idle));
        let total = self.deadline.map(|_| self.remaining(Duration::MAX));
        let request = self.agent.configure_request(request?);
        let request = request.timeout_per_read(idle).timeout_per_write(idle).timeout_global(total);
        self.agent.run(request.build())
    }

    fn status_error(&self, call: &'static str, answer: &Response<ureq::Body>, text: &str) -> CallError {
        let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let retry_after = header(header::RETRY_AFTER).and_then(|value| value.trim().parse().ok());
        let (code, words) = words(text);
        CallError::Status {
            server: self.server.to_string(),
            call,
            status: answer.status().as_u16(),
            code,
            text: match header(header::LOCATION) {
                Some(place) if answer.status().is_redirection() => format!("moved to `{place}`"),
                _ => words,
            },
            retry_after: retry_after.map(|seconds: u64| Duration::from_secs(seconds.min(60))),
        }
    }

    /// `usual`, but not beyond the deadline.
    fn remaining(&self, usual: Duration) -> Duration {
        match self.deadline {
            // ureq takes zero for no limit.
            Some(deadline) => {
                usual.min(deadline.saturating_duration_since(Instant::now())).max(Duration::from_millis(1))
            }
            None => usual,
        }
    }

    fn network_error(&self, call: &'static str, error: ureq::Error) -> CallError {
        let server = self.server.to_string();
        match error {
            ureq::Error::Timeout(timeout) => {
                let limit = match timeout {
                    Timeout::Connect | Timeout::Resolve => {
                        format!("no connection within {:?}", self.limits.connect)
                    }
                    Timeout::PerRead | Timeout::PerWrite => {
                        format!("nothing moved for {:?}", self.limits.artifact_idle)
                    }
                    _ if self.deadline.is_some() => "nothing before the deadline".to_owned(),
                    _ => format!("nothing within {:?}", self.limits.request),
                };
                CallError::TimedOut { server, call, limit }
            }
            error => match tls_help(&error) {
                Some(help) => CallError::Tls { server, help, source: Arc::new(error) },
                None => CallError::Unreachable { server, call, source: Arc::new(error) },
            },
        }
    }
}

/// What can be done about a failure of TLS; `None` for any other.
fn tls_help(error: &ureq::Error) -> Option<&'static str> {
    let text = error.to_string();
    let is_tls = match error {
        ureq::Error::Rustls(_) | ureq::Error::Tls(_) | ureq::Error::Pem(_) => true,
        // How rustls' own errors come through its stream; a socket never gives this kind.
        ureq::Error::Io(error) => error.kind() == std::io::ErrorKind::InvalidData,
        _ => false,
    };
    if !is_tls {
        return None;
    }
    Some(if text.contains("CaUsedAsEndEntity") {
        "its certificate is an authority of its own (as `openssl req -x509` makes them): give it one with \
         `basicConstraints=CA:FALSE`"
    } else if text.contains("UnknownIssuer") {
        "its certificate is signed by an unknown authority: name that in `MLFLOW_TRACKING_SERVER_CERT_PATH`"
    } else if text.contains("InvalidContentType") || text.contains("corrupt message") {
        "it does not speak TLS: is it `http://`?"
    } else {
        "see the cause"
    })
}
