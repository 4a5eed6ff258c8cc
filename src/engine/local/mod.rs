//! Workers on this machine: long-lived processes, one per slot; a slot is a GPU, a share of one, or some threads of the processor.
//!
//! ```text
//! process    one worker process: jobs in, events out
//! pool       who gets the next job        heard      what messages mean for it
//! worker_log what a worker says, run by run
//! supervise  jobs that hang, take too long, or leave no memory to others
//! watch      whether a job gets on             gpus       which are used, and trusted
//! prefetch   what the next job reads
//! admission  how many jobs memory holds        meter      what memory there is
//! ```

mod admission;
mod gpus;
mod heard;
mod meter;
mod pool;
#[cfg(test)]
mod pool_tests;
mod prefetch;
mod process;
mod supervise;
mod watch;
mod worker_log;

pub use gpus::{Gpus, VISIBLE};
pub use meter::{GpuLoad, Memory, Meter, ThisMachine};
pub use pool::PoolConfig;
pub use watch::Limits;
