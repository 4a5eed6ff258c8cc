//! Results by fingerprint: entries, content-addressed objects, locks, the index of a dataset's files.

mod advice;
mod attempt;
mod commit;
mod disk;
mod entry;
mod error;
mod flock;
mod gc;
#[cfg(test)]
mod gc_tests;
mod index;
mod lease;
mod lock;
mod mirror;
mod mount;
mod sealed;
mod shadow;
mod store;
#[cfg(test)]
mod store_tests;
mod survey;
mod turn;
mod verify;

pub use advice::advice;
pub use attempt::Attempt;
pub use disk::{create_dir, free_bytes, write_atomic};
pub use entry::{Entry, Output, Provenance};
pub use error::CacheError;
pub use gc::{Collected, Collection, GcOptions, given_files};
pub use index::FileIndex;
pub use lease::{Lease, User, users, wanted_by_others};
pub use lock::{Holder, Lock, Locked, try_lock};
pub use mirror::read_record;
pub use mount::Mount;
pub use shadow::Shadow;
pub use store::{Store, digest_file};
pub use survey::{Listed, Stored, Survey};
pub use turn::Turn;
pub use verify::{Damage, Verified, VerifyOptions, verify};
