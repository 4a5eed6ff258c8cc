//! Results by fingerprint: entries, content-addressed objects, locks, the index of a dataset's files.

mod disk;
mod entry;
mod error;
mod index;
mod lock;
mod store;

pub use disk::{create_dir, write_atomic};
pub use entry::{Entry, Output, Provenance};
pub use error::CacheError;
pub use index::FileIndex;
pub use lock::{Lock, Locked, try_lock};
pub use store::{Attempt, Store, digest_file};
