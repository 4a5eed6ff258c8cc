//! Drives `ablatrix` with weights from a hub on loopback, and from the cache that it leaves.

#![expect(clippy::unwrap_used, reason = "a test may end so")]

mod fetching;
mod interrupted;
mod lab;
mod offline;
mod refusals;
#[path = "../fetch/server.rs"]
#[expect(dead_code, reason = "not every way to behave badly is of use here")]
mod server;
