//! Results shared by an object store: pushed to it, pulled from it, or asked for one by one while a study runs.
//!
//! A remote is laid out as a cache is: `objects/ab/cdef…` and `entries/ab/cdef….json`. What is sent goes there objects first and
//! the record last, so that a record that can be read stands for a whole result; what comes back is checked before it
//! becomes visible. Requests are asynchronous inside this room, on a runtime of its own, and nowhere else.
//!
//! Knows results and keys; nothing of plans, specs and stages.

mod address;
mod connect;
mod error;
mod fetch;
mod listing;
mod once;
mod patience;
mod pull;
mod push;
mod receive;
mod send;
mod stop;

pub use address::{Address, AddressError, Cloud};
pub use connect::Remote;
pub use error::RemoteError;
pub use fetch::Found;
pub use patience::Patience;
pub use pull::{PullOptions, Pulled, pull};
pub use push::{PushOptions, Pushed, push};
pub use stop::Wish;

use serde::Serialize;

/// Something in a remote, or in the cache, that is not as it was stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// Its name below the remote, or the digest of an object of the cache.
    pub what: String,
    /// In words.
    pub problem: &'static str,
    /// The stage whose result needs it, where that is known.
    pub stage: Option<String>,
}

#[cfg(test)]
mod faulty;
#[cfg(test)]
mod tests;
