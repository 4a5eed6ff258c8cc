//! Results shared by a folder and by object stores on loopback: the real program pushes, pulls and runs.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test may end so, and says that it skips")]

mod broken;
#[path = "../faults/dice.rs"]
mod dice;
mod folder;
mod lab;
mod real;
mod schedules;
mod server;
