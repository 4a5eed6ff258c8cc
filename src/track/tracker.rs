//! The tracker: checks the server once, then sends from a thread of its own.
//!
//! [`Tracker::start`] asks the server whether it is there and takes us: what the user can only set right before
//! training (address, login, a deleted experiment) is an error, a server that is down is a warning, or an error
//! where tracking is required. After that nothing here fails and nothing waits, but [`Tracker::finish`].

use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::thread;
use std::time::{Duration, Instant};

use thiserror::Error;

use super::address::{AddressError, ServerAddress};
use super::api::{Api, Experiment, ServerVersion};
use super::client::Client;
use super::courier::{Courier, Next, SharedBooks};
use super::credentials::{Credentials, CredentialsError};
use super::delivery::Delivery;
use super::event::TrackEvent;
use super::http::{CallError, Limits, Severity};
use super::sent::RunSent;

/// Where and how to send.
#[derive(Clone, Debug, Default)]
pub struct TrackerConfig {
    /// The server: `http(s)://[user:password@]host[:port][/prefix]`.
    pub uri: String,
    /// The experiment that the runs lie in; created where it does not exist.
    pub experiment: String,
    /// A server that cannot be reached is an error.
    pub required: bool,
    /// Who we are: [`Credentials::from_env`].
    pub credentials: Credentials,
    /// Tags of every run, as `mlflow.user` or `mlflow.source.git.commit`.
    pub tags: BTreeMap<String, String>,
    /// How long to wait.
    pub limits: Limits,
}

/// Why tracking cannot begin.
#[derive(Debug, Error)]
pub enum TrackError {
    /// The address is wrong.
    #[error("cannot track")]
    Address(#[source] AddressError),
    /// The credentials are wrong.
    #[error("cannot track on `{server}`")]
    Credentials {
        /// The server's address.
        server: String,
        /// Why.
        source: CredentialsError,
    },
    /// The server takes nothing from us, or is none of MLflow's.
    #[error("`{server}` does not take this study's runs")]
    Refused {
        /// The server's address.
        server: String,
        /// The server's words.
        source: Box<CallError>,
    },
    /// The experiment was deleted and still owns its name.
    #[error(
        "MLflow experiment `{name}` (id {experiment_id}) on `{server}` is deleted, expected an active one"
    )]
    ExperimentDeleted {
        /// The server's address.
        server: String,
        /// Its name.
        name: String,
        /// Its id, for `mlflow experiments restore --experiment-id`.
        experiment_id: String,
    },
    /// The server is down.
    #[error("{}`{server}` cannot be reached", if *.is_required { "tracking is required and " } else { "" })]
    Unreachable {
        /// The server's address.
        server: String,
        /// Whether the spec requires it.
        is_required: bool,
        /// Why.
        source: Box<CallError>,
    },
    /// No thread.
    #[error("cannot start the tracker's thread")]
    Thread(#[source] io::Error),
}

/// How tracking ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrackOutcome {
    /// Runs that the server has whole. The study itself counts as one more run.
    pub sent: usize,
    /// Runs of which the server lacks something.
    pub unsent: usize,
    /// Each of them, by name.
    pub runs: Vec<RunSent>,
    /// What the user should know and was not told before.
    pub warnings: Vec<String>,
    /// A page where people see the runs, where the server was reached.
    pub page: Option<String>,
}

/// Sends events to an MLflow server without making anybody wait.
///
/// Dropped without [`Tracker::finish`], it sends no more.
#[derive(Debug)]
pub struct Tracker {
    inbox: Sender<Message>,
    done: Receiver<()>,
    books: SharedBooks,
}

enum Message {
    Event(TrackEvent),
    Finish(Instant),
}

impl Tracker {
    /// Checks the server and starts the thread. Takes at most about [`Limits::start`], or where the server is required
    /// [`Limits::start_required`].
    ///
    /// # Errors
    /// What the user must set right: see [`TrackError`].
    pub fn start(config: TrackerConfig) -> Result<Self, TrackError> {
        Self::spawn(open(config)?)
    }

    fn spawn(courier: Courier) -> Result<Self, TrackError> {
        let books = courier.books();
        let (inbox, events) = channel();
        let (tell, done) = channel();
        thread::Builder::new()
            .name("tracker".to_owned())
            .spawn(move || carry(courier, &events, &tell))
            .map_err(TrackError::Thread)?;
        Ok(Tracker { inbox, done, books })
    }

    /// Takes an event; returns at once. What is not sent yet is kept in memory.
    pub fn send(&self, event: TrackEvent) {
        self.books.open().expect(&event);
        // The thread ends only after `finish`; were it gone, the books would count the event as not sent.
        let _ = self.inbox.send(Message::Event(event));
    }

    /// What the user should know by now; each text is given once.
    pub fn take_warnings(&self) -> Vec<String> {
        self.books.open().take_warnings()
    }

    /// A page where people see the runs, once the experiment is known.
    pub fn page(&self) -> Option<String> {
        self.books.open().page()
    }

    /// Sends what is left, for at most `timeout`, and says what the server has. Runs that never ended are
    /// marked as killed.
    pub fn finish(self, timeout: Duration) -> TrackOutcome {
        // A deadline must be a moment that the clock can show.
        let timeout = timeout.min(Duration::from_secs(24 * 3600));
        let _ = self.inbox.send(Message::Finish(Instant::now() + timeout));
        // The thread keeps the deadline itself; a call that hangs nevertheless is left behind.
        let _ = self.done.recv_timeout(timeout + Duration::from_millis(200));
        outcome(&self.books)
    }
}

pub(super) fn outcome(books: &SharedBooks) -> TrackOutcome {
    let mut books = books.open();
    let (sent, unsent) = books.sent_and_unsent();
    TrackOutcome { sent, unsent, runs: books.runs(), warnings: books.take_warnings(), page: books.page() }
}

/// The thread.
fn carry(mut courier: Courier, events: &Receiver<Message>, tell: &Sender<()>) {
    loop {
        let message = match courier.next() {
            Next::Idle => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Next::At(moment) => events.recv_timeout(moment.saturating_duration_since(Instant::now())),
            Next::Now => events.try_recv().map_err(|error| match error {
                TryRecvError::Empty => RecvTimeoutError::Timeout,
                TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
            }),
        };
        match message {
            Ok(Message::Event(event)) => courier.push(event),
            Ok(Message::Finish(deadline)) => {
                courier.flush(deadline);
                let _ = tell.send(());
                return;
            }
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {
                if let Err(error) = courier.deliver_first() {
                    tracing::debug!(%error, "kept for later");
                }
            }
        }
    }
}

/// A courier to the server of `config`, once the server has been asked.
pub(super) fn open(config: TrackerConfig) -> Result<Courier, TrackError> {
    let (server, client) = client(&config)?;
    open_with(Box::new(client), &server, config)
}

/// A client for the server of `config`, and the address to show.
fn client(config: &TrackerConfig) -> Result<(String, Client), TrackError> {
    let address = ServerAddress::parse(&config.uri).map_err(TrackError::Address)?;
    let server = address.to_string();
    match Client::new(address, &config.credentials, config.limits.clone()) {
        Ok(client) => Ok((server, client)),
        Err(source) => Err(TrackError::Credentials { server, source }),
    }
}

/// As [`open`], for any kind of server.
pub(super) fn open_with(
    mut api: Box<dyn Api>,
    server: &str,
    config: TrackerConfig,
) -> Result<Courier, TrackError> {
    let greeted = greet(api.as_mut(), server, &config);
    let mut delivery = Delivery::new(api, config.experiment.clone(), config.tags);
    let down = match greeted {
        Ok(Seen { experiment_id, .. }) => {
            experiment_id.into_iter().for_each(|id| delivery.set_experiment(id));
            None
        }
        Err(TrackError::Unreachable { source, .. }) if !config.required => Some(*source),
        Err(error) => return Err(error),
    };
    let mut courier = Courier::new(delivery, config.limits);
    let books = courier.books();
    if let Some(text) = config.credentials.warning() {
        books.open().warn(text);
    }
    if let Some(error) = down {
        courier.start_late(&error);
    }
    Ok(courier)
}

/// A server as it shows itself before anything is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its address, without secrets.
    pub server: String,
    /// Its version, as `3.17.2`.
    pub version: String,
    /// The experiment's id; `None` where it is still to be created.
    pub experiment_id: Option<String>,
}

/// Looks at the server, and sends nothing: whether it is there, takes our login, and what it knows of the experiment.
///
/// # Errors
/// As [`Tracker::start`] with `required`.
pub fn look(config: &TrackerConfig) -> Result<Seen, TrackError> {
    let (server, mut client) = client(config)?;
    greet(&mut client, &server, config)
}

/// As [`look`], for any kind of server. A server that is down is an error here, whether or not it is required.
fn greet(api: &mut dyn Api, server: &str, config: &TrackerConfig) -> Result<Seen, TrackError> {
    let limits = &config.limits;
    let patience = if config.required { limits.start_required } else { limits.start };
    api.limit(Some(Instant::now() + patience));
    let asked = ask(api, &config.experiment);
    api.limit(None);
    let server = server.to_owned();
    match asked {
        Ok((_, Some(experiment))) if experiment.deleted => Err(TrackError::ExperimentDeleted {
            server,
            name: config.experiment.clone(),
            experiment_id: experiment.experiment_id,
        }),
        Ok((version, experiment)) => {
            let experiment_id = experiment.map(|experiment| experiment.experiment_id);
            Ok(Seen { server, version: version.0, experiment_id })
        }
        Err(error) if is_settings(&error) => Err(TrackError::Refused { server, source: Box::new(error) }),
        Err(source) => {
            let (is_required, source) = (config.required, Box::new(source));
            Err(TrackError::Unreachable { server, is_required, source })
        }
    }
}

/// Whether the server is there, takes our login, and what it knows of the experiment.
fn ask(api: &dyn Api, experiment: &str) -> Result<(ServerVersion, Option<Experiment>), CallError> {
    match api.health() {
        // A gate in front may hide this page; the next call decides.
        Err(error) if error.severity() == Severity::Passing => return Err(error),
        Err(_) | Ok(()) => {}
    }
    let version = api.version()?;
    tracing::debug!(version = version.0, "MLflow is there");
    Ok((version, api.experiment(experiment)?))
}

/// Whether waiting will not help: the user must change the address, the login or the server.
fn is_settings(error: &CallError) -> bool {
    error.severity() != Severity::Passing || matches!(error, CallError::Unexpected { .. })
}

#[cfg(test)]
#[path = "tracker_tests.rs"]
mod tests;
