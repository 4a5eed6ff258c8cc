//! SIGINT and SIGTERM as messages.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// Set by the first SIGINT, SIGTERM or SIGHUP.
#[derive(Clone, Debug)]
pub struct Interrupt {
    flag: Arc<AtomicBool>,
}

impl Interrupt {
    /// Listens from now on; a second signal ends the process at once, with code 130.
    ///
    /// # Errors
    /// Where the system refuses to register.
    pub fn listen() -> std::io::Result<Self> {
        let flag = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            // In this order: the first signal only arms the second handler.
            signal_hook::flag::register_conditional_shutdown(signal, 130, flag.clone())?;
            signal_hook::flag::register(signal, flag.clone())?;
        }
        Ok(Interrupt { flag })
    }

    /// Whether a signal came.
    pub fn is_set(&self) -> bool {
        self.flag.load(Ordering::Relaxed)
    }

    /// One that no signal sets, for callers without a terminal.
    pub fn never() -> Self {
        Interrupt { flag: Arc::default() }
    }
}
