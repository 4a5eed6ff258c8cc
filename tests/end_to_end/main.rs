//! Drives the real programs: a spec and a tiny dataset in a temporary folder, `ablatrix` on it, what it says and leaves.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test may end so, and says that it skips")]

mod attention;
mod bad_input;
mod cached;
mod cancel;
mod collect;
mod compare;
mod crash;
mod damage;
mod export;
mod faulty_workers;
mod data;
mod designs;
mod device;
mod folds;
mod first_steps;
mod harness;
mod hub;
mod papers;
mod predict;
mod preview;
mod recheck;
mod init;
mod keys;
mod live;
mod logs;
mod references;
mod rounds;
mod rows;
mod schedule;
mod scores;
mod share;
mod standing;
mod stored;
mod terminal;
mod weights;
mod wrong_specs;
