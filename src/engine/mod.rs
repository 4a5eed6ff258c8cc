//! Walks a plan: data stages in threads of this process, jobs in a pool of workers. Knows no tensors.
//!
//! The engine believes only the cache: a stage is done when its entry is there. It emits [`Event`]s; displays and
//! trackers only listen.

mod ask;
mod event;
mod expected;
mod failure;
mod job_of;
mod journal;
mod last_lines;
mod local;
mod recheck;
mod signals;
pub mod slurm;
mod standing;
mod walk;
mod workers;

pub use ask::{Answered, AskError, Asked, Heard, ask, ask_fit};
pub use event::Event;
pub use job_of::job_of;
pub use journal::Journal;
pub use local::{GpuLoad, Gpus, Limits, Memory, Meter, PoolConfig, ThisMachine, VISIBLE};
pub use recheck::{Recheck, Rechecked, Stood, Verdict};
pub use signals::Interrupt;
pub use standing::{Doing, Overview, Standing, standing};
pub use walk::{EngineConfig, EngineError, Outcome, run};
pub use workers::{End, Ended, Engine, News, Order, Wake, Workers, WorkersError};
