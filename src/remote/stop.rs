//! Ends transfers early: on the user's wish, or because one of many has failed.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::{Either, select};

use super::connect::Remote;
use super::error::RemoteError;

/// Says whether to end.
pub type Wish<'a> = &'a (dyn Fn() -> bool + Sync);

/// How often the wish is asked for.
const POLL: Duration = Duration::from_millis(50);

/// How long uploads that are under way have to be taken back. Others need no time: what they leave is removed with them.
pub(super) const GRACE: Duration = Duration::from_secs(3);

/// The first failure of many transfers, and the wish to end; all of them look at it between two steps.
pub(super) struct Halt<'a> {
    wish: Wish<'a>,
    failure: Mutex<Option<RemoteError>>,
    /// Whether somebody has left something undone on the wish.
    obeyed: AtomicBool,
}

impl<'a> Halt<'a> {
    pub fn new(wish: Wish<'a>) -> Self {
        Halt { wish, failure: Mutex::new(None), obeyed: AtomicBool::new(false) }
    }

    /// Whether to begin nothing more.
    pub fn is_set(&self) -> bool {
        if (self.wish)() {
            self.obeyed.store(true, Ordering::Relaxed);
            return true;
        }
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Whether something was left undone because the end was asked for.
    pub fn was_obeyed(&self) -> bool {
        self.obeyed.load(Ordering::Relaxed)
    }

    /// Keeps the first failure, and with it ends all others.
    pub fn fail(&self, error: RemoteError) {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }

    /// The value of a step; `None`, and the end of all others, where it failed.
    pub fn check<T>(&self, result: Result<T, RemoteError>) -> Option<T> {
        result.map_err(|error| self.fail(error)).ok()
    }

    /// The failure, if there was one.
    pub fn into_result(self) -> Result<(), RemoteError> {
        self.failure.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
    }
}

impl Remote {
    /// Does `work` to its end; or, on the wish, for no longer than `grace`. `None` where it did not end.
    pub(super) fn drive<T>(
        &self,
        wish: Wish<'_>,
        grace: Duration,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        self.runtime.block_on(async {
            let asked = async {
                while !wish() {
                    tokio::time::sleep(POLL).await;
                }
                tokio::time::sleep(grace).await;
            };
            match select(std::pin::pin!(work), std::pin::pin!(asked)).await {
                Either::Left((done, _)) => Some(done),
                Either::Right(_) => None,
            }
        })
    }
}
