//! The runs that a server has whole, so that `run` does not send them again.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::cache::{Store, write_atomic};

/// What was delivered, by the marks of runs; see [`super::account::Account::mark`].
#[derive(Debug, Default)]
pub struct Delivered {
    place: PathBuf,
    marks: BTreeSet<String>,
}

impl Delivered {
    /// What is known of a study and the server at `uri`.
    pub fn load(store: &Store, study: &str, uri: &str) -> Self {
        let place = store.layout().delivered(study, uri);
        let bytes = std::fs::read(&place).unwrap_or_default();
        Delivered { place, marks: serde_json::from_slice(&bytes).unwrap_or_default() }
    }

    /// Whether the server has it.
    pub fn has(&self, mark: &str) -> bool {
        self.marks.contains(mark)
    }

    /// Takes note of more, and keeps it.
    pub fn keep(&mut self, marks: impl IntoIterator<Item = String>) {
        self.marks.extend(marks);
        let bytes = serde_json::to_vec(&self.marks).unwrap_or_default();
        if let Err(error) = write_atomic(&self.place, &bytes) {
            // Sending twice changes nothing on the server.
            tracing::debug!(%error, "the list of sent runs was not kept");
        }
    }
}
