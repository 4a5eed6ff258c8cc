//! The last result of each stage of a study, so that a dirty stage can say what changed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::cache::{CacheError, Store};
use crate::fingerprint::Digest;

/// Node name to the key of its last result. News for people: losing it loses reasons, never results.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latest {
    keys: BTreeMap<String, Digest>,
}

impl Latest {
    /// What the last runs of the study `experiment` left; empty where there was none.
    pub fn load(store: &Store, experiment: &str) -> Self {
        let bytes = std::fs::read(store.layout().latest(experiment)).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// The last key of a node.
    pub fn key(&self, node: &str) -> Option<&Digest> {
        self.keys.get(node)
    }

    /// Notes a result; says whether that is news.
    pub fn note(&mut self, node: &str, key: &Digest) -> bool {
        if self.keys.get(node) == Some(key) {
            return false;
        }
        self.keys.insert(node.to_owned(), key.clone());
        true
    }

    /// Writes it down.
    ///
    /// # Errors
    /// Where the cache cannot be written.
    pub fn save(&self, store: &Store, experiment: &str) -> Result<(), CacheError> {
        let bytes = serde_json::to_vec(self).unwrap_or_else(|e| panic!("bug: keys are plain data: {e}"));
        store.replace(&store.layout().latest(experiment), &bytes)
    }
}
