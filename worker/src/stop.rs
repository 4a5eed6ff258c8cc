//! When to stop before the work is done: on SIGTERM or SIGINT, or when nobody waits for the result any more.
//!
//! Training and prediction ask [`Stop::requested`] between batches; what is on disk by then is kept. How often they asked tells
//! others that they get on.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};
use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::Signals;

/// A request to stop; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    asked: Arc<AtomicBool>,
    /// How often somebody wanted to know.
    looks: Arc<AtomicU64>,
    /// The process that wants the results, where there is one.
    parent: Option<Pid>,
}

impl Stop {
    /// Stops on signals alone: for a worker that outlives the shell that started it.
    pub fn on_signals() -> Self {
        Stop::default()
    }

    /// Stops also when the process that started this one is gone.
    pub fn with_parent() -> Self {
        Stop { parent: getppid(), ..Stop::default() }
    }

    /// Asks for it.
    pub fn request(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }

    /// Whether to stop at the next chance.
    pub fn requested(&self) -> bool {
        self.looks.fetch_add(1, Ordering::Relaxed);
        self.asked.load(Ordering::Relaxed) || self.is_orphan()
    }

    /// How often it was asked for so far: once a batch, and now and then between.
    pub fn looks(&self) -> u64 {
        self.looks.load(Ordering::Relaxed)
    }

    fn is_orphan(&self) -> bool {
        self.parent.is_some() && getppid() != self.parent
    }

    /// Starts a thread that waits for signals, and calls `wake` after one that asks to stop.
    ///
    /// The kernel tells of a parent's death with SIGUSR1, but does so too when only the *thread* that started
    /// this process ends; so the signal is a reason to look, no more.
    ///
    /// # Errors
    /// Where the signals cannot be caught.
    pub fn listen(&self, wake: impl Fn() + Send + 'static) -> io::Result<()> {
        let mut signals = Signals::new([SIGTERM, SIGINT, SIGUSR1])?;
        if self.parent.is_some() {
            set_parent_process_death_signal(Some(Signal::USR1))?;
        }
        let stop = self.clone();
        std::thread::Builder::new().name("signals".into()).spawn(move || {
            for signal in signals.forever() {
                if signal != SIGUSR1 {
                    stop.request();
                }
                if stop.requested() {
                    wake();
                }
            }
        })?;
        Ok(())
    }
}
