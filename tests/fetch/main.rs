//! Drives `ablatrix data fetch` against a server on loopback that misbehaves as told.

#![expect(clippy::unwrap_used, reason = "a test may end so")]

mod answers;
mod interrupted;
mod lab;
mod safety;
mod server;
mod spec;
