//! SIGINT, SIGTERM and SIGHUP as messages.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// Set by the first SIGINT, SIGTERM or SIGHUP.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    flag: Arc<AtomicBool>,
    /// The number of the signal that came; 0 before.
    signal: Arc<AtomicUsize>,
}

impl Interrupt {
    /// Listens from now on; a second signal ends the process at once, with its code.
    ///
    /// # Errors
    /// Where the system refuses to register.
    pub fn listen() -> std::io::Result<Self> {
        let interrupt = Interrupt::never();
        let Interrupt { flag, signal } = &interrupt;
        for number in [SIGINT, SIGTERM, SIGHUP] {
            // In this order: the first signal only arms the second handler, and whoever sees the flag knows the number.
            signal_hook::flag::register_conditional_shutdown(number, BASE + number, flag.clone())?;
            signal_hook::flag::register_usize(number, signal.clone(), number.unsigned_abs() as usize)?;
            signal_hook::flag::register(number, flag.clone())?;
        }
        Ok(interrupt)
    }

    /// Whether a signal came.
    pub fn is_set(&self) -> bool {
        self.flag.load(Ordering::SeqCst)
    }

    /// The exit code of a program that a signal ended, as shells have it: 130 after SIGINT, 143 after SIGTERM, 129 after
    /// SIGHUP.
    pub fn exit_code(&self) -> u8 {
        let signal = match self.signal.load(Ordering::SeqCst) {
            0 => SIGINT.unsigned_abs() as usize,
            signal => signal,
        };
        u8::try_from(BASE.unsigned_abs() as usize + signal).unwrap_or(u8::MAX)
    }

    /// One that no signal sets, for callers without a terminal.
    pub fn never() -> Self {
        Interrupt::default()
    }
}

/// What shells add to the number of a signal.
const BASE: i32 = 128;
