//! What is known of one job that is under way, and of a run from one try to the next.

use std::time::Instant;

use super::answers::{Exit, Row};
use super::events::Listener;
use crate::engine::workers::Order;
use crate::fingerprint::Digest;
use crate::job::WorkerEvent;

/// A job that is under way.
#[derive(Debug)]
pub(super) struct Tracked {
    pub order: Order,
    pub token: String,
    pub index: u32,
    pub listener: Listener,
    /// How its worker has ended, as far as it said so.
    pub said: Option<WorkerEvent>,
    pub begun: bool,
    pub row: Option<Row>,
    /// Since when its result is seen.
    pub seen: Option<Instant>,
    /// Since when it is known to have ended, and in how many looks at the queue.
    pub ended: Option<(Instant, u32)>,
    pub exit: Option<Exit>,
    /// The exit code was asked for.
    pub asked: bool,
}

impl Tracked {
    pub fn new(order: Order, token: String, index: u32) -> Self {
        Tracked {
            order,
            token,
            index,
            listener: Listener::default(),
            said: None,
            begun: false,
            row: None,
            seen: None,
            ended: None,
            exit: None,
            asked: false,
        }
    }

    /// Whether it is known to have been on a node.
    pub fn has_begun(&self) -> bool {
        self.begun || self.row.as_ref().is_some_and(|row| row.node.is_some())
    }

    pub fn key(&self) -> &Digest {
        &self.order.job.fingerprint.key
    }
}

/// What is remembered of a run from one try to the next.
#[derive(Debug, Default)]
pub(super) struct Tries {
    /// The last epoch that was told.
    pub told_epoch: u32,
    /// Where the present try began: whole epochs, and steps of the next one.
    pub from: Option<(u32, u64)>,
    /// An epoch has ended in the present try.
    pub epoch_ended: bool,
    /// Where the try before it began, where that ran out of time.
    pub before: Option<Option<(u32, u64)>>,
}
