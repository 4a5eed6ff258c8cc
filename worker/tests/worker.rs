//! The worker as its users meet it: the real binary, a small cache made by hand, jobs in and events out.

#![expect(clippy::unwrap_used, reason = "in a test that is the message")]

#[path = "worker/harness.rs"]
mod harness;
#[path = "worker/protocol.rs"]
mod protocol;
#[path = "worker/training.rs"]
mod training;
#[path = "worker/explain.rs"]
mod explain;
#[path = "worker/memory.rs"]
mod memory;
#[path = "worker/resume.rs"]
mod resume;
#[path = "worker/within_epoch.rs"]
mod within_epoch;
#[path = "worker/refusals.rs"]
mod refusals;
#[path = "worker/numbers.rs"]
mod numbers;
