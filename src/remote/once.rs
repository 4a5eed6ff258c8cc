//! One transfer per object, however many results need it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use crate::fingerprint::Digest;

/// What became of each object; whoever asks while it is under way waits for it.
pub(super) struct Once<T> {
    cells: Mutex<HashMap<Digest, Arc<OnceCell<T>>>>,
}

impl<T: Copy> Once<T> {
    pub fn new() -> Self {
        Once { cells: Mutex::default() }
    }

    /// Does `work` for the first who asks for this object; gives its outcome to all.
    pub async fn of(&self, digest: &Digest, work: impl Future<Output = T>) -> T {
        let cell = {
            let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
            cells.entry(digest.clone()).or_default().clone()
        };
        *cell.get_or_init(|| work).await
    }
}
