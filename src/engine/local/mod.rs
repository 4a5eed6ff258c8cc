//! Workers on this machine.

mod pool;
mod process;

pub use pool::{FromSlot, JobNews, Pool, PoolConfig};
pub use process::SpawnError;
