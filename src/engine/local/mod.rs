//! Workers on this machine.

mod gpus;
mod pool;
mod process;

pub use gpus::{Gpus, VISIBLE};
pub use pool::PoolConfig;
