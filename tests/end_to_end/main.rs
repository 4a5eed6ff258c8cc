//! Drives the real programs: a spec and a tiny dataset in a temporary folder, `ablatrix` on it, what it says and leaves.

mod bad_input;
mod cached;
mod crash;
mod damage;
mod harness;
mod share;
