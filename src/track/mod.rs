//! Listens to what a study does and tells an MLflow server.
//!
//! ```text
//! cli --TrackEvent--> Tracker (channel) --> its thread: Courier --> Delivery --> dyn Api --> MLflow
//!                     replay(events) ------------------^
//! ```
//!
//! [`Tracker`] never makes the sender wait: events go through a channel to a thread. There a courier keeps
//! what could not be sent and tries again; a delivery turns one event into calls, so that the same event
//! twice changes nothing; [`Api`] is the ten REST calls, spoken by [`Client`]. [`replay`] is the same
//! courier without the thread.
//!
//! The results on disk are the truth, the server a copy: nothing here can fail a study once it has begun.
//! No room below this one is used but `fingerprint`, for digests; the environment, and the
//! file in which MLflow keeps a login, are read in [`Credentials::from_env`] alone, the time comes with the events.

mod address;
mod api;
mod batch;
mod client;
mod courier;
mod credentials;
mod credentials_file;
mod delivery;
mod event;
mod http;
mod known_run;
mod names;
mod replay;
mod sent;
mod tracker;
mod words;

#[cfg(test)]
mod memory;
#[cfg(test)]
mod stub;

pub use address::{AddressError, ServerAddress};
pub use api::{
    Api, Batch, Dataset, Experiment, FoundRun, Metric, NewRun, Refusal, RunStatus, ServerVersion, Upload,
};
pub use client::Client;
pub use credentials::{Credentials, CredentialsError};
pub use event::{
    Content, DatasetSource, Epoch, History, Outcome, RunFinished, RunStarted, StudyFile, StudyFinished,
    StudyStarted, TrackEvent,
};
pub use http::{CallError, Limits};
pub use replay::replay;
pub use sent::{RunSent, Sent};
pub use tracker::{Seen, TrackError, TrackOutcome, Tracker, TrackerConfig, look};
