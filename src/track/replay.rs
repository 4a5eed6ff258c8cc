//! Sends a study's events from its results: the same road as live ones, without the thread.

use std::thread;
use std::time::Instant;

use super::courier::{Courier, Next};
use super::event::TrackEvent;
use super::tracker::{TrackError, TrackOutcome, TrackerConfig, open, outcome};

/// Sends `events` in order, and waits for each. What the server already has is not sent again, so that a
/// replay after a live study, or after another replay, adds only what was missing.
///
/// A server that fails too often in a row gets no more; the rest counts as not sent. `progress` is told after each event how
/// many there were.
///
/// # Errors
/// As [`Tracker::start`](super::Tracker::start) with `required`: somebody who replays wants the server.
pub fn replay(
    config: TrackerConfig,
    events: impl IntoIterator<Item = TrackEvent>,
    progress: &mut dyn FnMut(usize),
) -> Result<TrackOutcome, TrackError> {
    let courier = open(TrackerConfig { required: true, ..config })?;
    Ok(carry_all(courier, events, progress))
}

pub(super) fn carry_all(
    mut courier: Courier,
    events: impl IntoIterator<Item = TrackEvent>,
    progress: &mut dyn FnMut(usize),
) -> TrackOutcome {
    let books = courier.books();
    for (n, event) in events.into_iter().enumerate() {
        books.open().expect(&event);
        courier.push(event);
        loop {
            match courier.next() {
                Next::Idle => break,
                Next::At(moment) => thread::sleep(moment.saturating_duration_since(Instant::now())),
                Next::Now => {
                    if let Err(error) = courier.deliver_first() {
                        tracing::debug!(%error, "tried again later");
                    }
                }
            }
        }
        progress(n + 1);
    }
    outcome(&books)
}
