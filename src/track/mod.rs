//! Listens to what a study does and tells an MLflow server.
//!
//! ```text
//! cli --TrackEvent--> Tracker (channel) --> its thread: Courier --> Delivery --> dyn Api --> MLflow
//!                     replay(events) ------------------^
//! ```
//!
//! [`Tracker`] never makes the sender wait: events go through a channel to a thread. There a courier keeps
//! what could not be sent and tries again; a delivery turns one event into calls, so that the same event
//! twice changes nothing; [`Api`] is the nine REST calls, spoken by [`Client`]. [`replay`] is the same
//! courier without the thread.
//!
//! The results on disk are the truth, the server a copy: nothing here can fail a study once it has begun.
//! No room below this one is used but `fingerprint`, for digests; the environment is read in [`Credentials::from_env`]
//! alone, the time comes with the events.

mod address;
mod api;
mod batch;
mod client;
mod courier;
mod credentials;
mod delivery;
mod event;
mod http;
mod names;
mod replay;
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
    DatasetSource, Epoch, Outcome, ReportPage, RunFinished, RunStarted, StudyFinished, StudyStarted,
    TrackEvent,
};
pub use http::{CallError, Limits};
pub use replay::replay;
pub use tracker::{TrackError, TrackOutcome, Tracker, TrackerConfig};
