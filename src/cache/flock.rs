//! Lock calls that come back.
//!
//! A network mount whose server has gone may never answer one. Each is made in a thread of its own, which is left alone when it
//! takes too long: a process that stands still without a word is worse than one that ends. By the standard library, so that
//! the tests that stand between this program and the system see it.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use super::error::CacheError;
use super::mount;

/// How long a call that waits for nobody may take. Kernels answer at once, servers within milliseconds.
const LIMIT: Duration = Duration::from_secs(4);

/// A call did not come back. Others of this process would not either, and each would cost that time.
static STUCK: AtomicBool = AtomicBool::new(false);

/// Who else may have it too.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// Others of this kind.
    Shared,
    /// Nobody.
    Exclusive,
}

/// Takes the lock of an open file, if that is free; `false` where somebody holds it. `path` is its name.
///
/// # Errors
/// [`CacheError::NoLocks`] where the file system has no locks, or does not answer.
pub(super) fn try_lock(file: &File, kind: Kind, path: &Path) -> Result<bool, CacheError> {
    let fault = |source: io::Error| {
        let mount = mount::of(file);
        CacheError::NoLocks { path: path.to_owned(), mount, source }
    };
    if STUCK.load(Ordering::Relaxed) {
        return Err(fault(no_answer()));
    }
    // Closed with the thread, so that a lock which comes too late is nobody's.
    let copy = file.try_clone().map_err(fault)?;
    let (sender, receiver) = sync_channel(1);
    let ask = move || {
        let answer = call(&copy, kind);
        // Before the answer: whoever has it and closes the file must have given the lock back by that.
        drop(copy);
        let _ = sender.send(answer);
    };
    let answer = match std::thread::Builder::new().name("lock".to_owned()).spawn(ask) {
        Ok(_) => receiver.recv_timeout(LIMIT).unwrap_or_else(|_| {
            STUCK.store(true, Ordering::Relaxed);
            Err(no_answer())
        }),
        // There is no thread to be had: then by this one.
        Err(_) => call(file, kind),
    };
    answer.map_err(fault)
}

/// Waits until the lock is free. For a file whose file system has answered: that somebody holds it.
///
/// # Errors
/// As of [`try_lock`].
pub(super) fn wait(file: &File, kind: Kind, path: &Path) -> Result<(), CacheError> {
    loop {
        let result = match kind {
            Kind::Shared => file.lock_shared(),
            Kind::Exclusive => file.lock(),
        };
        match result {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => {
                let mount = mount::of(file);
                return result.map_err(|source| CacheError::NoLocks { path: path.to_owned(), mount, source });
            }
        }
    }
}

fn call(file: &File, kind: Kind) -> io::Result<bool> {
    loop {
        let result = match kind {
            Kind::Shared => file.try_lock_shared(),
            Kind::Exclusive => file.try_lock(),
        };
        return match result {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(TryLockError::Error(error)) => Err(error),
        };
    }
}

fn no_answer() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {} s", LIMIT.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_waits_has_the_lock_when_it_is_given_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let [first, second] = [(); 2].map(|()| File::create(&path).unwrap());
        for kind in [Kind::Shared, Kind::Exclusive] {
            assert!(try_lock(&first, Kind::Exclusive, &path).unwrap());
            assert!(!try_lock(&second, kind, &path).unwrap());
            let given_back = AtomicBool::new(false);
            std::thread::scope(|scope| {
                let waits = scope.spawn(|| {
                    wait(&second, kind, &path).unwrap();
                    given_back.load(Ordering::SeqCst)
                });
                // Long enough for one that does not wait to be seen.
                std::thread::sleep(Duration::from_millis(100));
                given_back.store(true, Ordering::SeqCst);
                first.unlock().unwrap();
                assert!(waits.join().unwrap(), "{kind:?}: it did not wait");
            });
            assert!(!try_lock(&first, Kind::Exclusive, &path).unwrap());
            second.unlock().unwrap();
        }
    }
}
