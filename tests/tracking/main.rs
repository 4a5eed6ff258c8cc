//! Studies sent to an MLflow server that dies, crawls, answers rubbish or wants a password: the results in the cache are those of a
//! study without a server, and `ablatrix mlflow sync` brings the server to where it would be without its faults.
//!
//! The server is one of ours that keeps what MLflow keeps; `tests/mlflow.rs` does the like with a real one.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test may end so, and says that it skips")]

mod faults;
#[path = "../end_to_end/harness.rs"]
#[expect(dead_code, reason = "other targets use more of it")]
mod harness;
mod login;
mod server;
mod study;
mod sync;
